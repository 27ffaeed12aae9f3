"""What in a message speaks against taking it for something that a plain resume mends.

The world is open: no list holds all that databases say of a lost log or a refused login, in all their languages. So
everything beside a harmless cause must be on a list. What is on none costs a question to a human; the other way round
it would cost a restart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from qlikops.agent.diagnosis.codes import BROAD, NATIVE, WORD, Code, codes_in
from qlikops.agent.diagnosis.entry import HARMLESS
from qlikops.agent.diagnosis.library import Library, PhraseSpan
from qlikops.agent.diagnosis.parser import Parsed
from qlikops.agent.diagnosis.quotes import Role
from qlikops.agent.diagnosis.words import ABOUT_DATA, OF_DATA, OF_THE_LOG
from qlikops.dataclass import dataclass

_SAY_NOTHING = frozenset(
    {
        *("a", "after", "an", "and", "as", "at", "be", "been", "broker", "by", "client", "communication", "connect"),
        *("connecting", "connection", "database", "during", "endpoint", "error", "errors", "failed", "failure"),
        *("fatal", "for", "from", "getaddrinfo", "has", "have", "host", "in", "is", "it", "listener", "local"),
        *("network", "node", "of", "on", "or", "poll", "port", "query", "read", "reading", "reconnect", "recv", "send"),
        *("sending", "server", "source", "target", "task", "that", "the", "then", "this", "to", "was", "were", "when"),
        *("while", "with", "write", "writing"),
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
_ANNOUNCED = re.compile(rf"\b(?:(?:at|to|from|on)(?: host(?: ?name)?| server)?|server|host|broker)(?: |: ?){_HOST}")
_ANNOUNCING = ("at", "to", "from", "on", "server", "host", "broker")


@dataclass(frozen=True, slots=True)
class _Place:
    """How something is written that says where or when, and not what."""

    trigger: str
    """Each such text has this in it; to look for a text is much faster than for an expression."""
    regex: re.Pattern[str]
    mark: re.Pattern[str] | None
    """Each such text has this in it as well, which begins with what is quickly found."""

    def spans(self, folded: str) -> Iterator[PhraseSpan]:
        """Where it stands in `folded`."""
        if self.trigger in folded and (self.mark is None or self.mark.search(folded)):
            yield from (match.span() for match in self.regex.finditer(folded))


def _place(trigger: str, regex: str, mark: str = "") -> _Place:
    return _Place(trigger, re.compile(regex), re.compile(mark) if mark else None)


_PLACES = (
    # Lines of Replicate's log, files and lines of its source, drivers' headers, places in a statement, times.
    _place("]", r"\d{8}: \d{4}-\d\d-\d\dt\d\d:\d\d:\d\d(?:[.:]\d{1,6})? \[[a-z_]{2,15} *\] ?[ewit]:", r"\] ?[ewit]:"),
    _place(".c", r"[(\[](?:[\w-]{1,40}/)?[\w-]{1,40}\.c(?:pp)?:\d{1,6}[)\]]"),
    _place("odbc", r"\[(?:[\w.()-]{1,24} ){0,3}odbc [\w.() -]{0,32}driver(?: [\w.() -]{0,40})?\]"),
    _place("[odbc", r"\[odbc [\w.]{1,8}(?:\(\w\))? driver\]"),
    _place("[db2/", r"\[db2/[\w-]{1,24}\]"),
    _place("line ", r"(?:at )?\(?\bline \d{1,7}\)?"),
    _place(":", r"\b\d\d(?:\d\d-\d\d-\d\d[ t]\d\d)?:\d\d:\d\d(?:[.,]\d{1,6})?(?: ?z\b| utc\b)?", r":\d\d:"),
    _place(".", rf"(?<![\w.-]){_ADDRESS}(?![\w-])", r"\.\d{1,3}\.\d"),
    _place(".servicebus.windows.net", r"\b[a-z0-9-]{1,63}(?=\.servicebus\.windows\.net)"),
    _place(
        "in state ", r"(?:\[thrd:[^\]]{1,128}\]: )?[\w.-]{1,128}:\d{1,5}/(?:\d{1,6}|bootstrap)(?=: disconnected \()"
    ),
    _place(" brokers", r"\b\d{1,4}/\d{1,4}(?= brokers)"),
    _place("localhost", rf"(?<![\w.-]){_LOCAL}(?![\w-])"),
    _place(": connect failed", rf"(?<![\w.-]){_HOST}(?=: connect failed)"),
    _place("[m", r"\[(?:mysqld|mariadbd?)(?:-[\w.-]{1,24})?\]"),
    _place("]e:", r"\[[a-z_]{2,15} *\]e:"),
    # A class of Java that says no more than its message, a tag of XML, marks of JSON, a line of librdkafka's log.
    _place(
        "exception",
        r"(?<![\w.])(?:[a-z]\w{0,40}\.){2,8}(?:snowflakesql|sql|bigquery|hivesql|spark|kafka|mongo|connect|socket"
        r"|sockettimeout|io|timeout|runtime|execution|noroutetohost|unknownhost|eof)exception:?",
    ),
    _place("<", r"</?(?:error|code|message|requestid|hostid|resource|bucketname|key)>"),
    _place("{", r"[{}]"),
    _place("'':", r"'' ?: ?\d{1,6}\b"),
    _place("}", r"[{}]"),
    _place("rdkafka#", r"%\d\|(?:[\d.]{1,16}\|)?[a-z]{3,12}\|rdkafka#[\w-]{1,32}\|(?: \[thrd:[^\]]{1,128}\]:)?"),
)
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


def unexplained(parsed: Parsed, library: Library, explained: Iterable[PhraseSpan], codes: Sequence[Code]) -> str:
    """The first words that neither `explained`, nor `codes`, nor a known tail accounts for; empty where there are none.

    What is in quotes counts as well, unless it is a name: announced as one, or by a phrase that has quotes there.
    """
    accounted_for = set(codes)
    explained = list(explained)
    for code in parsed.codes:
        if code.namespace == FRAME and not library.by_code(str(code)):
            # It says in which part of Replicate something went wrong. One that says why has an entry.
            accounted_for.add(code)
        elif code.is_marked and code not in accounted_for and not _is_within(code, explained, library):
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


def _is_within(code: Code, explained: Sequence[PhraseSpan], library: Library) -> bool:
    """Whether a phrase has that number, or a hole for it: `… Please try again. Error code <n>`."""
    is_of_nobody = code.namespace == NATIVE and not library.by_number(code.value)
    return (code.namespace in _NUMBERS or is_of_nobody) and any(
        start < code.start and code.end <= end for start, end in explained
    )


def _left_over(folded: str, words: frozenset[str], library: Library, spans: Iterable[PhraseSpan]) -> str:
    taken = [*spans, *library.tails_in(folded, words)]
    for place in _PLACES:
        taken += place.spans(folded)
    taken += _announced(folded, words)
    if not _COUNTED.isdisjoint(words):
        taken += [match.span() for match in _COUNTS.finditer(folded)]
    rest: list[str] = []
    end = 0
    for start, stop in sorted(taken):
        if start > end:
            rest.append(folded[end:start])
        end = max(end, stop)
    rest.append(folded[end:])
    pieces = (piece[0] for part in rest for piece in _PIECE.finditer(part) if piece[0] not in _SAY_NOTHING)
    return _short(" ".join(islice(pieces, _FEW)))


def _announced(folded: str, words: frozenset[str]) -> Iterator[PhraseSpan]:
    """Where hosts are announced, with what announces them."""
    for word in _ANNOUNCING:
        at = folded.find(word) if word in words else -1
        while at >= 0:
            if match := _ANNOUNCED.match(folded, at):
                yield match.span()
            at = folded.find(word, at + 1)


def about_the_log(text: str, words: frozenset[str], explained: Iterable[PhraseSpan] = ()) -> str:
    """The first words in `text`, whose words are `words`, that speak of a source's log; what is `explained` apart."""
    if not _speak_of_the_log(words):
        return ""
    spans = list(explained)
    for match in OF_THE_LOG.finditer(text):
        if not any(start <= match.start() and match.end() <= end for start, end in spans):
            return match[0]
    return ""


# The same words come again and again, and the whole text is much slower to look through.
_SAY_NOTHING_OF_IT: set[str] = set()
_MOST_WORDS = 8192


def _speak_of_the_log(words: frozenset[str]) -> bool:
    for first in _FOLLOWED_BY.keys() & words:
        if any(word.startswith(_FOLLOWED_BY[first]) for word in words):
            return True
    new = words - _SAY_NOTHING_OF_IT
    if any(map(_may_be_of_the_log, new)):
        return True
    if len(_SAY_NOTHING_OF_IT) > _MOST_WORDS:
        _SAY_NOTHING_OF_IT.clear()
    _SAY_NOTHING_OF_IT.update(new)
    return False


def _may_be_of_the_log(word: str) -> bool:
    _, joined, last = word.rpartition("_")
    return bool(OF_THE_LOG.search(word)) or (bool(joined) and last in _FOLLOWED_BY)


_FOLLOWED_BY: Mapping[str, tuple[str, ...]] = {
    "too": ("old",),
    "no": ("longer",),
    "rollback": ("segment",),
    **dict.fromkeys(("binary", "relay", "redo", "archive", "backup", "expire", "expired"), ("log",)),
    "change": ("stream", "table"),
    "resume": ("token", "point"),
    "check": ("point",),
    "log": ("seq", "pos", "scan", "file", "seg", "backup", "reader", "m", "stream"),
}
"""First word of each phrase above that has several, and how the next one begins."""


def about_a_row(folded: str) -> str:
    """The words by which `folded` speaks of a row, or an empty string."""
    found = ABOUT_DATA.search(folded) if any(text in folded for text in OF_DATA) else None
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
