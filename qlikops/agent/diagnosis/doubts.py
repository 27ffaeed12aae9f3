"""What in a message speaks against taking it for something that a plain resume mends.

The world is open: no list holds all that databases say of a lost log or a refused login, in all their languages. So
everything beside a harmless cause must be on a list. What is on none costs a question to a human; the other way round
it would cost a restart.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from itertools import islice

from qlikops.agent.diagnosis.codes import BROAD, Code, codes_in
from qlikops.agent.diagnosis.entry import HARMLESS
from qlikops.agent.diagnosis.library import Found, Library
from qlikops.agent.diagnosis.parser import WORD, Parsed
from qlikops.agent.diagnosis.quotes import Role
from qlikops.agent.diagnosis.words import ABOUT_DATA, OF_THE_LOG

_SAY_NOTHING = frozenset(
    {
        "a",
        "after",
        "an",
        "and",
        "as",
        "at",
        "be",
        "been",
        "broker",
        "by",
        "client",
        "communication",
        "connect",
        "connecting",
        "connection",
        "database",
        "during",
        "endpoint",
        "error",
        "errors",
        "failed",
        "failure",
        "fatal",
        "for",
        "from",
        "getaddrinfo",
        "has",
        "have",
        "host",
        "in",
        "is",
        "it",
        "listener",
        "local",
        "network",
        "node",
        "of",
        "on",
        "or",
        "poll",
        "port",
        "query",
        "read",
        "reading",
        "reconnect",
        "recv",
        "send",
        "sending",
        "server",
        "source",
        "target",
        "task",
        "that",
        "the",
        "then",
        "this",
        "to",
        "was",
        "were",
        "when",
        "while",
        "with",
        "write",
        "writing",
    }
)
"""Words that say nothing by themselves."""
_ADDRESS = r"\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?"
_LOCAL = r"localhost(?::\d{1,5})?"
"""Nothing else looks like these two."""
_HOST = (
    rf"(?:{_ADDRESS}|{_LOCAL}|(?:[a-z0-9_-]{{1,63}}\.){{2,8}}[a-z]{{2,24}}(?::\d{{1,5}})?|[a-z0-9_-]{{1,63}}:\d{{2,5}})"
    r"(?![\w-])"
)
"""What may be a host where it is announced; alone it may be a Java exception, `status:403` or `login_denied:1017`."""
_ANNOUNCED = r"\b(?:(?:at|to|from|on)(?: host(?: ?name)?| server)?|server|host|broker)(?: |: ?)"
_PLACES = (
    # Lines of Replicate's log, files and lines of its source, drivers' headers, places in a statement, times.
    (" [", re.compile(r"\d{8}: \d{4}-\d\d-\d\dt\d\d:\d\d:\d\d(?:[.:]\d{1,6})? \[[a-z_]{2,15} *\] ?[ewit]:")),
    (".c", re.compile(r"[(\[](?:[\w-]{1,40}/)?[\w-]{1,40}\.c(?:pp)?:\d{1,6}[)\]]")),
    ("odbc", re.compile(r"\[(?:[\w.()-]{1,24} ){0,3}odbc [\w.() -]{0,32}driver(?: [\w.() -]{0,40})?\]")),
    ("[odbc", re.compile(r"\[odbc [\w.]{1,8}(?:\(\w\))? driver\]")),
    ("[db2/", re.compile(r"\[db2/[\w-]{1,24}\]")),
    ("line ", re.compile(r"(?:at )?\(?\bline \d{1,7}\)?")),
    (":", re.compile(r"\b\d\d(?:\d\d-\d\d-\d\d[ t]\d\d)?:\d\d:\d\d(?:[.,]\d{1,6})?(?: ?z\b| utc\b)?")),
    (".", re.compile(rf"(?<![\w.-]){_ADDRESS}(?![\w-])")),
    ("localhost", re.compile(rf"(?<![\w.-]){_LOCAL}(?![\w-])")),
    (" ", re.compile(rf"{_ANNOUNCED}{_HOST}")),
    (": connect failed", re.compile(rf"(?<![\w.-]){_HOST}(?=: connect failed)")),
    ("[m", re.compile(r"\[(?:mysqld|mariadbd?)(?:-[\w.-]{1,24})?\]")),
    ("]e:", re.compile(r"\[[a-z_]{2,15} *\]e:")),
    # A class of Java that says no more than its message, a tag of XML, marks of JSON, a line of librdkafka's log.
    (
        "exception",
        re.compile(
            r"(?<![\w.])(?:[a-z]\w{0,40}\.){2,8}(?:snowflakesql|sql|bigquery|hivesql|spark|kafka|mongo|connect|socket"
            r"|sockettimeout|io|timeout|runtime|execution|noroutetohost|unknownhost|eof)exception:?"
        ),
    ),
    ("<", re.compile(r"</?(?:error|code|message|requestid|hostid|resource|bucketname|key)>")),
    ("{", re.compile(r"[{}]")),
    ("'':", re.compile(r"'' ?: ?\d{1,6}\b")),
    ("}", re.compile(r"[{}]")),
    ("rdkafka#", re.compile(r"%\d\|(?:[\d.]{1,16}\|)?[a-z]{3,12}\|rdkafka#[\w-]{1,32}\|(?: \[thrd:[^\]]{1,128}\]:)?")),
)
"""What is in every text with a place, and the place."""
_COUNTED = frozenset(
    {"attempt", "attempts", "retries", "tries", "times", "ms", "milliseconds", "s", "second", "seconds"}
)
_COUNTS = re.compile(rf"\b\d{{1,6}}[)\]]? (?:{'|'.join(sorted(_COUNTED))})\b")
"""How often or how long."""
_PIECE = re.compile(r"[^\s.,;:?()\[\]'\"-]+(?:['-]\w+)*|\.{2,}")
FRAME = "REPLICATE"
"""Namespace of Replicate's own codes."""
_NUMBERS = frozenset({"POSIX", "CURL", "WIN"})
_FEW = 8
_LONGEST = 120


def unexplained(parsed: Parsed, library: Library, explained: Iterable[Found], codes: Sequence[Code]) -> str:
    """The first words that neither `explained`, nor `codes`, nor a known tail accounts for; empty where there are none.

    What is in quotes counts as well, unless it is a name: announced as one, or by a phrase that has quotes there.
    """
    accounted_for = set(codes)
    explained = list(explained)
    for code in parsed.codes:
        if code.namespace == FRAME and not library.by_code(str(code)):
            # It says in which part of Replicate something went wrong. One that says why has an entry.
            accounted_for.add(code)
        elif code.is_marked and code not in accounted_for and not _is_within(code, explained):
            return _short(parsed.said[code.start : code.end])
    spans = [*explained, *((code.start, code.end) for code in accounted_for)]
    if words := _left_over(parsed.folded, parsed.words, library, spans):
        return words
    for quotation in parsed.parts.quotations:
        is_named = quotation.is_like_a_name and any(start < quotation.place < end for start, end in spans)
        if quotation.role is not Role.TEXT or is_named:
            continue
        if _left_over(low := quotation.inner.lower(), frozenset(WORD.findall(low)), library, ()):
            return _short(quotation.text)
    return ""


def _is_within(code: Code, explained: Sequence[Found]) -> bool:
    """Whether a phrase has a hole for that number: `… Please try again. Error code <n>`."""
    return code.namespace in _NUMBERS and any(start < code.start and code.end <= end for start, end in explained)


def _left_over(folded: str, words: frozenset[str], library: Library, spans: Iterable[Found]) -> str:
    taken = [*spans, *library.tails_in(folded, words)]
    taken += [match.span() for trigger, place in _PLACES if trigger in folded for match in place.finditer(folded)]
    if not _COUNTED.isdisjoint(words):
        taken += [match.span() for match in _COUNTS.finditer(folded)]
    rest: list[str] = []
    end = 0
    for start, stop in sorted(taken):
        if start > end:
            rest.append(folded[end:start])
        end = max(end, stop)
    rest.append(folded[end:])
    pieces = (piece for part in rest for piece in _PIECE.findall(part) if piece not in _SAY_NOTHING)
    return _short(" ".join(islice(pieces, _FEW)))


def about_the_log(text: str, words: Iterable[str], explained: Iterable[Found] = ()) -> str:
    """The first words in `text`, whose words are `words`, that speak of a source's log; what is `explained` apart."""
    if not any(map(_may_be_of_the_log, words)):
        return ""
    spans = list(explained)
    for match in OF_THE_LOG.finditer(text):
        if not any(start <= match.start() and match.end() <= end for start, end in spans):
            return match[0]
    return ""


# The same words come again and again, and the whole text is much slower to look through.
@functools.lru_cache(maxsize=8192)
def _may_be_of_the_log(word: str) -> bool:
    return word in _BEGINS_ONE or any(map(word.startswith, _BEGINS_ONE_WORD)) or bool(OF_THE_LOG.search(word))


_BEGINS_ONE = frozenset({"too", "no", "rollback", "relay", "binary", "archive", "backup", "change", "resume", "check"})
_BEGINS_ONE_WORD = ("log", "expire", "redo")
"""Of the phrases above that have several words."""


def about_a_row(said: str) -> str:
    """The words by which `said` speaks of a row, or an empty string."""
    found = ABOUT_DATA.search(said)
    return found[0] if found else ""


def objection(parsed: Parsed, library: Library) -> str:
    """What in quoted text speaks against a harmless cause, or an empty string.

    It may be a row or the engine's own words: it proves nothing, and is enough to have a human look.
    """
    quoted = "\n".join(quotation.text for quotation in parsed.parts.quotations)
    if not quoted.strip():
        return ""
    folded = " ".join(quoted.lower().split())
    words = frozenset(WORD.findall(folded))
    for number, (start, end) in library.by_phrase(folded, words):
        if library.failure(number).failure_class not in HARMLESS:
            return _short(folded[start:end])
    for (start, end), number in library.by_name(quoted, words):
        if library.failure(number).failure_class not in HARMLESS:
            return quoted[start:end]
    if found := about_the_log(folded, words):
        return found
    marked = (code for code in codes_in(quoted) if code.is_marked and code.namespace not in BROAD)
    return next((_short(quoted[code.start : code.end]) for code in marked), "")


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
