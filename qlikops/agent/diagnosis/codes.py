"""Finds the codes in a message: engines' own numbers, SQLSTATEs, Replicate's, HTTP's.

A code is written NAMESPACE:VALUE. `NATIVE:1205` is a number of which the message does not say whose it is.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from itertools import chain

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.engines import ENGINES

NATIVE = "NATIVE"
"""Namespace of a number whose engine stands elsewhere: in a driver's header or in the endpoint's type."""

NUMBERED = {engine.namespace: name for name, engine in ENGINES.items() if engine.namespace}
"""Namespace -> the engine to which a NativeError of that number must belong."""
NAMESPACES = frozenset(NUMBERED) | {
    *("AADSTS", "AWS", "AZURE", "BIGQUERY", "CURL", "FABRIC", "GCP", "GRPC", "HADOOP", "HTTP", "IBMI", "IMS", "KAFKA"),
    *("ODBC", "PLS", "POSIX", "REPLICATE", "SALESFORCE", "SAP", "SQLSTATE", "TLS", "TNS", "WIN"),
}
WORD = re.compile(r"\w+")
"""A word, by which codes and phrases are looked up."""
SHORTEST_OF_A_FAMILY = 5
"""Characters of a code that can belong to one: 22012 to 22*, 390114 to 39*."""
BROAD = frozenset({"SQLSTATE", "HTTP", "REPLICATE", "POSIX", "WIN", "CURL", "GRPC"})
"""A code of these says a family of causes, or is used by everybody."""

_SQLSTATE = (
    # ISO/IEC 9075's classes and those that engines add to them: not any five characters are a SQLSTATE.
    r"(?:0[0-9A-Z]|2[0-8ABDEF]|3[489BCDF]|4[0-4]|5[1-8]|70|HY|IM|XX|P0|S0|S1|F0|HV)[0-9A-Z]{3}"
)
_HTTP_WORDS = (
    *("Unauthorized", "Forbidden", "Not Found", "Conflict", "Too Many Requests", "Internal Server Error"),
    *("Bad Gateway", "Service Unavailable", "Gateway Time", "Proxy Authentication Required", "Bad Request"),
)
_HTTP_STATUS = frozenset(map(str, range(400, 600)))


@dataclass(frozen=True, slots=True)
class _Form:
    """How codes of one kind are written."""

    namespace: str
    triggers: tuple[str, ...]
    """Each such code has one of these, in lower case; to look for a text is much faster than for an expression."""
    regex: re.Pattern[str]
    """Group 1 is the value."""
    before: int = 0
    """Characters of a code that stand before its trigger."""
    is_marked: bool = True
    words: frozenset[str] = frozenset()
    """Each such code has one of these as a whole word; empty where that cannot be said."""

    def matches(self, said: str, folded: str, brackets: Mapping[str, Sequence[int]]) -> list[re.Match[str]]:
        """Each code of this form in `said`; `folded` is the same in lower case.

        `brackets` is where each kind of bracket stands before what may be a code.
        """
        found: list[re.Match[str]] = []
        for trigger in self.triggers:
            places = brackets.get(trigger)
            if places is None:
                # Most forms are in few messages: what there is to do for each is nearly all of the work.
                at = folded.find(trigger)
                if at < 0:
                    continue
                places = _places(trigger, folded, at)
            before, match_at = self.before, self.regex.match
            found += [match for at in places if at >= before and (match := match_at(said, at - before))]
        return found


def _places(text: str, folded: str, at: int) -> list[int]:
    """Where `text` is in `folded`, from `at` on, where it is for the first time."""
    found = []
    while at >= 0:
        found.append(at)
        at = folded.find(text, at + 1)
    return found


def _form(
    namespace: str,
    triggers: str | tuple[str, ...],
    regex: str,
    *,
    before: int = 0,
    is_marked: bool = True,
    words: str | frozenset[str] = "",
) -> _Form:
    several = (triggers,) if isinstance(triggers, str) else triggers
    needed = frozenset(words.split()) if isinstance(words, str) else words
    return _Form(namespace, several, re.compile(regex), before, is_marked, needed)


_IN_BRACKETS = re.compile(r"[\[(][0-9A-Z]{3,7}[\])]")
_FORMS = (
    _form("ORA", "ora-", r"\bORA-(\d{3,5})\b", words="ora"),
    _form("TNS", "tns-", r"\bTNS-(\d{3,5})\b", words="tns"),
    _form("PLS", "pls-", r"\bPLS-(\d{3,5})\b", words="pls"),
    _form("DB2", "sql", r"\bSQL(\d{4,5}[A-Z])\b"),
    # Db2 for i has the numbers of the other Db2s, and some above 7000 of its own: `SQL0204 - ORDERS in SHOP …`.
    _form("DB2", "sql", r"\bSQL([0-6]\d{3})(?= ?[-:] )"),
    _form("DB2", "sqlcode", r"\bSQLCODE\W{1,3}(-?\d{2,5})\b", words="sqlcode"),
    _form("MSSQL", "msg ", r"\bMsg (-?\d{1,6})\b", words="msg"),
    _form("SQLSTATE", "sqlstate", rf"(?i:\bSQLSTATE)\W{{0,3}}({_SQLSTATE})\b"),
    _form("SQLSTATE", "[", rf"\[({_SQLSTATE})\]"),
    # In parentheses digits alone are a state only after a number: `ERROR 1213 (40001)`, but not `… Edition. (22988)`.
    _form("SQLSTATE", "(", rf"(?:(?<=\d )|(?=\(\d*[A-Z]))\(({_SQLSTATE})\)"),
    _form(
        "SQLSTATE",
        ("error: ", "fatal: ", "panic: "),
        rf"\b(?:ERROR|FATAL|PANIC): {{1,3}}({_SQLSTATE}): ",
        words="error fatal panic",
    ),
    _form(NATIVE, "nativeerror", r"\b(?i:NativeError)\W{1,3}(-?\d{1,12})\b", words="nativeerror"),
    _form("REPLICATE", "[", r"\[(10\d{5}|12\d{4})\]"),
    _form("REPLICATE", ", application-", r"\b(10\d{5}), Application-", before=7, words="application"),
    _form("AADSTS", "aadsts", r"\bAADSTS(\d{4,7})\b"),
    _form(
        "HTTP",
        "http",
        r"\bHTTP(?:/\d(?:\.\d)?)?(?: (?i:response|status|error))?(?: (?i:code))?[ :=]{1,2}([45]\d\d)\b",
        words=_HTTP_STATUS,
    ),
    _form("HTTP", "status", r"\b(?i:status(?:[ _]?code)?)[ :=\"]{1,3}([45]\d\d)\b", words=_HTTP_STATUS),
    _form("HTTP", '"code"', r'"code" ?: ?([45]\d\d)\b', words=_HTTP_STATUS),
    _form("HTTP", "response", r"\b(?i:response(?: code)?)[ :=]{1,2}([45]\d\d)\b", words=_HTTP_STATUS),
    _form(
        "HTTP",
        tuple(word.lower() for word in _HTTP_WORDS),
        rf"\b([45]\d\d) (?:{'|'.join(_HTTP_WORDS)})",
        before=4,
        words=_HTTP_STATUS,
    ),
    _form(
        "POSIX",
        (
            *("os errno", "errno", "os error", "system error", "error code", "winsock error", "socket error"),
            "sockets error",
        ),
        r"\b(?i:(?:os )?errno|os error|system error|error code|winsock error|sockets? error)\W{1,3}"
        r"(0x[0-9a-fA-F]{1,8}|\d{1,5})\b(?!:? ?\()",
        words="errno error",
    ),
    _form("CURL", "code=", r"\bcode=(\d{1,2})(?= msg=)"),
    _form("CURL", "curl", r"\b(?i:curl(?:[ _]?(?:error|code))?)[ :(]{1,2}\(?(\d{1,2})\b\)?"),
    _form("HANA", ";", r";(-?\d{1,6}) (?=[a-zA-Z])"),
    _form("HANA", "sap dbtech", r"\bSAP DBTech \w+:? ?\[(-?\d{1,6})\]", words="dbtech"),
    _form(
        NATIVE,
        ("error", "errno", "code"),
        r"\b(?i:error(?:[ _]code|code)?|errno|code)\W{1,3}(?:MY-0*)?(-?\d{2,6})\b",
        words="error error_code errorcode errno code",
    ),
    _form(NATIVE, "[", r"\[(\d{3,5})\](?=\s?[A-Z(])", is_marked=False),
    _form("SNOWFLAKE", "(", r"\b(\d{6})(?= \([0-9A-Z]{5}\))", before=7),
    _form(NATIVE, "(", r"\((\d{3,6})\)(?=[ .:;]|$)", is_marked=False),
    _form("MONGODB", "e11000", r"\bE(11000)\b", words="e11000"),
    _form("IBMI", ("cpf", "sql", "mch", "cpe"), r"\b((?:CPF|SQL|MCH|CPE)[0-9A-F]{4})\b"),
)
"""The surer first: where two stand at one place, the first one counts."""
_ANY_WORDS = tuple(number for number, form in enumerate(_FORMS) if not form.words)
_OF_WORD: Mapping[str, Sequence[int]] = {
    word: tuple(number for number, form in enumerate(_FORMS) if word in form.words)
    for word in frozenset().union(*(form.words for form in _FORMS))
}
"""Numbers of the forms whose codes have that word."""


@dataclass(frozen=True, slots=True)
class Code:
    """One code in a message."""

    namespace: str
    value: str
    start: int
    end: int
    """Where it stands in what the message says, with what announces it."""
    is_marked: bool = True
    """It is announced as an error's code; a number in brackets may be anything."""

    def __str__(self) -> str:
        return f"{self.namespace}:{self.value}"


def codes_in(said: str, folded: str = "", words: frozenset[str] = frozenset()) -> list[Code]:
    """The codes in `said`, in its order. `folded` is the same in lower case, `words` are those of it."""
    folded = folded or said.lower()
    words = words or frozenset(WORD.findall(folded))
    found: list[Code] = []
    taken: set[int] = set()
    brackets: dict[str, list[int]] = {"[": [], "(": []}
    for bracketed in _IN_BRACKETS.finditer(said):
        brackets[bracketed[0][0]].append(bracketed.start())
    of_words = chain.from_iterable(_OF_WORD[word] for word in _OF_WORD.keys() & words)
    for form in map(_FORMS.__getitem__, sorted({*_ANY_WORDS, *of_words})):
        for match in form.matches(said, folded, brackets):
            start, end = match.span()
            # Two readings of one place share its last character.
            if end not in taken and match.end(1) not in taken:
                taken.update((end, match.end(1)))
                value = normal(form.namespace, match[1])
                found.append(Code(form.namespace, value, start, end, form.is_marked))
    found.sort(key=lambda code: code.start)
    return found


def family(value: str) -> str:
    """How the family of `value` is written, of whose codes the first two characters say what they are about."""
    return f"{value[:2]}*" if len(value) >= SHORTEST_OF_A_FAMILY else ""


# The same numbers come again and again.
@functools.lru_cache(maxsize=4096)
def normal(namespace: str, value: str) -> str:
    """One spelling for what is written in several: `ORA:1017` and `ORA:01017`, `DB2:-911` and `DB2:SQL0911N`."""
    value = value.strip()
    if namespace == "SQLSTATE":
        return value.upper()
    if namespace in ("ORA", "TNS", "PLS"):
        return value.rpartition("-")[2].lstrip("0") or "0"
    if namespace == "DB2" and (number := re.fullmatch(r"-?(?:SQL)?0*(\d{1,5})[A-Z]?", value, re.IGNORECASE)):
        return number[1]
    if namespace == "REPLICATE" and re.fullmatch(r"12\d{4}", value):
        # Older releases leave out a zero.
        return f"10{value[1:]}"
    if namespace == "POSIX" and value.lower().startswith("0x"):
        return str(int(value, 16))
    if namespace == "AADSTS":
        return value.upper().removeprefix("AADSTS")
    if re.fullmatch(r"-?\d+", value):
        return value.lstrip("-").lstrip("0") or "0"
    return value
