"""What a task's message says went wrong, as far as a pattern can tell.

Enterprise Manager has no call for logs: the message is all that there is. Whether resuming can work hangs on it, so
the patterns are few, each has a name that evidence can quote, and what no pattern matches is left to a human.

A message may quote a row, and a row may say anything. So what is in quotes is not what the engine says, the engine's
own error code decides before the prose around it, and where two signals disagree the stricter one holds. A message is
taken for a lost connection only if it is whole, and nothing in it is left unexplained.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from qlikops.agent.diagnosis.explained import about_the_log, is_cut, unexplained
from qlikops.agent.diagnosis.patterns import (
    ERROR_NUMBER,
    NATIVE_ERROR,
    PATTERNS,
    MessageClass,
    MessagePattern,
    sqlstate,
)
from qlikops.agent.diagnosis.words import ABOUT_DATA
from qlikops.domain.task import TaskFacts
from qlikops.domain.text import plain


class EndpointSide(StrEnum):
    """The endpoint that a message is about."""

    SOURCE = "source"
    TARGET = "target"


@dataclass(frozen=True, slots=True)
class MessageMatch:
    """What a message was recognised as. `pattern` is the pattern's name, empty for an unmatched message."""

    message_class: MessageClass
    pattern: str = ""
    vendor: str = ""
    passage: str = ""
    """What of the message that rests on, in its own words."""
    doubt: str = ""
    """Of an unmatched message that is cut or speaks of a connection: why it is not taken for a lost one."""

    def words(self, *, quoting: bool) -> str:
        """For evidence, with the passage if it is `quoting`; empty where nothing is known and nothing in doubt."""
        if self.pattern:
            return f"{self.message_class} ({self.pattern})" + (f": {self.passage}" if quoting else "")
        return f"nothing known: {self.doubt}" if self.doubt else ""


_ORDER = list(MessageClass)
_BY_PRECEDENCE = tuple(sorted(PATTERNS, key=lambda pattern: (_ORDER.index(pattern.message_class), pattern.is_fallback)))
"""A lost position wins over everything and a refusal over a lost connection: each makes the resume that the weaker
class suggests useless or harmful."""

PROOFS = tuple(
    f"{pattern.message_class} ({pattern.name})"
    for pattern in PATTERNS
    if pattern.message_class is MessageClass.CONNECTIVITY and not pattern.is_fallback
)
"""How the words of a MessageMatch of a lost connection begin."""

_ENGINE_CODE = re.compile(
    r"\b(?:ORA|TNS)-\d{4,5}\b"
    r"|\bSQL\d{4,5}[A-Z]\b"
    r"|\bMsg -?\d{1,12}\b"
    rf"|(?i:{NATIVE_ERROR})-?\d{{1,12}}\b"
    rf"|(?i:{ERROR_NUMBER})\d{{4}}\b"
    r"|(?i:\bSQLSTATE\W{0,3})[0-9A-Z]{5}\b"
    # ISO/IEC 9075's classes and those that engines add to them: not any number in brackets is a SQLSTATE.
    r"|[\[(](?:0[0-9A-Z]|2[0-8ADEF]|3[48BCDF]|4[0-4]|5[3-8]|HY|IM|XX|P0)[0-9A-Z]{3}[\])]"
)
"""An engine's own error code: Oracle's, Db2's, SQL Server's, MySQL's, and SQLSTATEs."""
_SAYS_NOTHING = re.compile(
    # Oracle: an error at recursive SQL level, over a link, in a trigger, at a line, of the operating system.
    r"ORA-(?:00604|02063|04088|06512|2730[0-3])"
    # ODBC: general errors and time-outs of whatever it was.
    rf"|{sqlstate('00000|01000|HY000|HYT00|S1000')}"
    # Db2: comes with SQL1224N.
    rf"|{sqlstate('55032')}"
    # Drivers of PostgreSQL and others: the same small number whatever happened.
    rf"|{NATIVE_ERROR}-?(?:[0147]|14|26|30|101)\b",
    re.IGNORECASE,
)
"""Codes that leave it to the prose."""
_IS_ABOUT_A_LOG = re.compile(
    # PostgreSQL: the object is not there, not in the right state, its file is missing: slots and WAL are among them.
    rf"{sqlstate('42704|55000|58P01')}"
    # MySQL: reading the binary log failed; the text says how.
    rf"|(?:{ERROR_NUMBER}|{NATIVE_ERROR})1236\b",
    re.IGNORECASE,
)
"""Codes that leave it to the prose how a position was lost, and are none of a lost connection."""
_QUOTED = re.compile(
    # An apostrophe within a word ("can't") opens and closes nothing. What is never closed was cut off.
    r"(?<!\w)'.*?(?:'(?!\w)|\Z)"
    r'|".*?(?:"|\Z)'
    r"|`.*?(?:[`']|\Z)"
    # German opens with what English closes with; Swedish and Finnish open and close with the same one.
    r"|„.*?(?:[“”„]|\Z)|“.*?(?:[”“]|\Z)|”.*?(?:”|\Z)|‚.*?(?:[‘’]|\Z)|‘.*?(?:’|\Z)"
    r"|«.*?(?:»|\Z)|».*?(?:[«»]|\Z)|‹.*?(?:›|\Z)|›.*?(?:[‹›]|\Z)"
    r"|「.*?(?:」|\Z)|『.*?(?:』|\Z)|〝.*?(?:[〞〟]|\Z)|《.*?(?:》|\Z)|〈.*?(?:〉|\Z)|【.*?(?:】|\Z)|〔.*?(?:〕|\Z)"
    # PostgreSQL: "Key (name)=(…)", "Failing row contains (…)". SQL Server: "The duplicate key value is (…)".
    r"|(?:=|\b(?:contains|value is|values|row)) ?\(.*?(?:\)|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_QUOTE_MARKS = "'\"`„“”‚‘’«»‹›「」『』〝〞〟《》〈〉【】〔〕=( )"
_STATEMENT_BEFORE = re.compile(r"\bstatement\W{0,3}\Z", re.IGNORECASE)
_STATEMENT = re.compile(
    r"\W*(?:select|insert|update|delete|merge|copy|begin|commit|declare|call|exec)\b", re.IGNORECASE
)
_ANNOUNCES = re.compile(
    r"\b(?:at|to|from|on|host(?: ?name)?|server|broker|endpoint|database|task|component|source|target|socket|protocol"
    r"|used|detected|detecting the error|error code(?:\(s\))?)[\s:]*(?:(?:'[^']{0,40}'|\"[^\"]{0,40}\"),? ?){0,9}\Z",
    re.IGNORECASE,
)
"""After that, a quote or the last one of several is a name. Without it the same text may be a reason."""
_NAME = re.compile(r"[\w.$@:/\\#%*+-]{0,128}", re.ASCII)
"""Of a host, a database, a file. Where words need no blanks between them, a sentence would look the same."""
_QUOTES_ITSELF = re.compile(r"error\W{1,3}1236\b[^'\"]{0,160}:\s*\Z", re.IGNORECASE)
"""MySQL puts its own reason into quotes: "Got fatal error 1236 from source when reading data from binary log: '…'"."""

_SIDE_WORD = re.compile(r"\b(source|target)\b", re.IGNORECASE)
_IN_QUOTES = re.compile(r"'[^']*'|\"[^\"]*\"")
_COMES_AND_GOES = re.compile(
    r"\S*\d\S*|\b(?:mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|am|pm)\b[.,]?"
    r"|\b[0-9a-f]{8,}\b"
)
"""Of a folded text, what may be another the next time that the same is said: numbers, dates, handles in hex."""
_CODE = re.compile(rf"{_ENGINE_CODE.pattern}|\[\d{{6,7}}\]")
"""An engine's error code, or one of Replicate's: numbers that do not come and go."""
FAULT_CAP = 120
"""Characters of a message by which a fault is known to people; a longer one has a checksum of all of it behind `…`."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """A message taken apart."""

    text: str
    """All of it, in compatibility forms and without what shows as nothing."""
    said: str
    """What the engine says, with empty quotes for quoted text."""
    quoted: tuple[str, ...] = ()
    """What it quotes, with the quotes; names and statements excepted."""
    names: tuple[str, ...] = ()
    """What it quotes where it says whose name comes."""
    statements: tuple[str, ...] = ()
    is_open: bool = False
    """A quote has no end."""
    gaps: tuple[tuple[int, int], ...] = field(default=())
    """After that position in `said`, that many characters of `text` are left out."""

    def passage(self, match: re.Match[str]) -> str:
        """The words of `text` around what was found in `said`."""
        start, end = self._place(match.start()), self._place(match.end())
        return self.text[max(0, start - _BEFORE) : end + _AFTER].strip()

    def _place(self, position: int) -> int:
        return position + sum(left_out for after, left_out in self.gaps if after < position)


_BEFORE, _AFTER = 20, 120
"""Characters that a passage has on either side of what was recognised."""


def judge(facts: TaskFacts) -> MessageMatch:
    """What the task's message says, given how far the task has got."""
    loading = (facts.tables_loading or 0) + (facts.tables_queued or 0) > 0
    return classify(facts.message, facts.full_load_completed is not True or loading)


# Detection, grouping and wording ask about the same message several times, one task after the other.
@functools.lru_cache(maxsize=256)
def classify(message: str, is_loading: bool = False) -> MessageMatch:
    """What `message` says. An empty, unknown, cut or contradictory text is UNMATCHED."""
    parts = _apart(message)
    another_code = _another_code(parts.said)
    for pattern in _BY_PRECEDENCE:
        if is_loading and not pattern.holds_while_loading:
            continue
        found = pattern.search(parts.said)
        if found is None or (
            pattern.message_class is MessageClass.POSITION_LOST and another_code and not pattern.is_code
        ):
            continue
        if pattern.message_class is MessageClass.CONNECTIVITY and (doubt := _doubt(parts, pattern)):
            return MessageMatch(MessageClass.UNMATCHED, doubt=doubt)
        return MessageMatch(pattern.message_class, pattern.name, pattern.vendor, parts.passage(found))
    return MessageMatch(MessageClass.UNMATCHED, doubt=_WAS_CUT if message and is_cut(parts.text, parts.said) else "")


_WAS_CUT = "a part of the message is missing"
_FAILED = "a connection failed,"


def _doubt(parts: _Parts, pattern: MessagePattern) -> str:
    """Why the message is not taken for one of a lost connection, though `pattern` is in it; empty where it is."""
    if objection := _objection("\n".join((*parts.quoted, *parts.names, *parts.statements))):
        return f"{_FAILED} but it quotes “{_short(objection)}”"
    if code := _objecting_code(parts.said):
        return f"{_FAILED} but it also has the code {code}"
    if found := ABOUT_DATA.search(parts.said):
        return f"{_FAILED} but it also speaks of a row: “{_short(found[0])}”"
    if words := about_the_log(parts.text):
        return f"{_FAILED} but it also speaks of a log: “{_short(words)}”"
    if words := _left_over(parts):
        return f"{_FAILED} but it also says “{words}”"
    if parts.is_open or is_cut(parts.text, parts.said):
        return f"{_FAILED} but {_WAS_CUT}"
    return f"{_FAILED} but it does not say why" if pattern.is_fallback else ""


def _left_over(parts: _Parts) -> str:
    """What nothing explains, in the order of the text or of its quotes."""
    if words := unexplained(_ENGINE_CODE.sub(" ", parts.said)):
        return _short(words)
    for quoted in parts.quoted:
        if unexplained(_ENGINE_CODE.sub(" ", quoted.strip(_QUOTE_MARKS))):
            return _short(quoted)
    return ""


def _short(text: str) -> str:
    return text if len(text) <= _AFTER else text[: _AFTER - 1] + "…"


def _apart(message: str) -> _Parts:
    # "ORA-03113" is the same in any width, and with something invisible in it.
    text = plain(message)
    said: list[str] = []
    quoted: list[str] = []
    names: list[str] = []
    statements: list[str] = []
    gaps: list[tuple[int, int]] = []
    end = length = 0
    is_open = False
    for match in _QUOTED.finditer(text):
        before = text[end : match.start()]
        said.append(before)
        length += len(before)
        # The longest of what is looked for before a quote, and more.
        lead = text[max(0, match.start() - 200) : match.start()]
        if _QUOTES_ITSELF.search(lead):
            said.append(match[0])
            length += len(match[0])
        else:
            is_open = is_open or not _is_closed(match[0])
            if _STATEMENT_BEFORE.search(lead) and _STATEMENT.match(match[0]):
                statements.append(match[0])
            elif _ANNOUNCES.search(lead) and _NAME.fullmatch(match[0].strip(_QUOTE_MARKS)):
                names.append(match[0])
            else:
                quoted.append(match[0])
            said.append("''")
            gaps.append((length, len(match[0]) - 2))
            length += 2
        end = match.end()
    said.append(text[end:])
    return _Parts(text, "".join(said), tuple(quoted), tuple(names), tuple(statements), is_open, tuple(gaps))


def _is_closed(quoted: str) -> bool:
    return len(quoted) > 1 and (quoted[-1] == ")" or (quoted[-1] in _QUOTE_MARKS and quoted[-1] not in "( "))


def _another_code(said: str) -> str:
    """An engine's reason that is none of ours; empty where there is none."""
    return next((code[0] for code in _ENGINE_CODE.finditer(said) if not _is_known(code[0], said)), "")


def _objecting_code(said: str) -> str:
    """A code that is none of a lost connection's, ours or not; empty where there is none."""
    found = (code[0] for code in _ENGINE_CODE.finditer(said))
    return next((code for code in found if not _is_of_a_connection(code, said)), "")


def _is_of_a_connection(code: str, said: str) -> bool:
    of_a_connection = (known for known in PATTERNS if known.message_class is MessageClass.CONNECTIVITY)
    return bool(_SAYS_NOTHING.search(code)) or _is_of(code, said, of_a_connection)


def _is_known(code: str, said: str) -> bool:
    return bool(_SAYS_NOTHING.search(code) or _IS_ABOUT_A_LOG.search(code)) or _is_of(code, said, PATTERNS)


def _is_of(code: str, said: str, patterns: Iterable[MessagePattern]) -> bool:
    return any(known.is_code and known.names(code) and known.search(said) for known in patterns)


def _objection(quoted: str) -> str:
    """What in quoted text speaks against a lost connection.

    It may be a row or the engine's own words: it proves nothing, and is enough to have a human look.
    """
    strict = (pattern for pattern in PATTERNS if pattern.message_class is not MessageClass.CONNECTIVITY)
    found = (match[0] for pattern in strict if (match := pattern.search(quoted)))
    return next(found, "") or _another_code(quoted)


def side_of(facts: TaskFacts) -> EndpointSide | None:
    """Which endpoint the task's message is about: the one it names, or the only one whose vendor talks like that."""
    words = {word.lower() for word in _SIDE_WORD.findall(_apart(facts.message).said)}
    if len(words) == 1:
        return EndpointSide(words.pop())
    vendor = judge(facts).vendor
    if not vendor:
        return None
    is_source, is_target = (
        vendor in kind.casefold().replace(" ", "") for kind in (facts.source_type, facts.target_type)
    )
    if is_source == is_target:
        return None
    return EndpointSide.SOURCE if is_source else EndpointSide.TARGET


def fingerprint(message: str, match: MessageMatch | None = None) -> str:
    """What is the same in the messages of one fault: the matched class, or the text without names and numbers.

    `match` is what `message` was judged to say, where that is known.
    """
    match = match or classify(message)
    if match.message_class is not MessageClass.UNMATCHED:
        return match.message_class.value
    return _lasting(_IN_QUOTES.sub("#0", message))[:120]


def fault_of(facts: TaskFacts) -> str:
    """What must still be said for the task to have the same fault: the matched class, or all of an unknown text.

    Of one task, unlike of a group, nothing but what comes and goes is left out: a reason may stand in quotes, and far
    behind an envelope.
    """
    match = judge(facts)
    if match.message_class is not MessageClass.UNMATCHED:
        return match.message_class.value
    codes = sorted({code[0] for code in _CODE.finditer(plain(facts.message))})
    text = " ".join((_lasting(facts.message), *codes))
    if len(text) <= FAULT_CAP:
        return text
    return f"{text[:FAULT_CAP]}…{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def _lasting(message: str) -> str:
    """`message` folded, with one `#` for whatever comes and goes in it."""
    return re.sub(r"#(?:\s*#)+", "#", " ".join(_COMES_AND_GOES.sub("#", message.casefold()).split()))
