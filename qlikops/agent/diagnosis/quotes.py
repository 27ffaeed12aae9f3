"""Tells what an engine says from what it quotes.

A message may quote a row, and a row may say anything. So quoted text proves nothing, in any kind of quotes.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from qlikops.dataclass import dataclass

_QUOTED = re.compile(
    # An apostrophe within a word ("can't") opens and closes nothing. What is never closed was cut off.
    r"(?<!\w)'[^']*(?:'(?=\w)[^']*)*'?"
    r'|"[^"]*"?'
    r"|`[^`']*[`']?"
    # German opens with what English closes with; Swedish and Finnish open and close with the same one.
    r"|„[^“”„]*[“”„]?|“[^”“]*[”“]?|”[^”]*”?|‚[^‘’]*[‘’]?|‘[^’]*’?"
    r"|«[^»]*»?|»[^«»]*[«»]?|‹[^›]*›?|›[^‹›]*[‹›]?"
    r"|「[^」]*」?|『[^』]*』?|〝[^〞〟]*[〞〟]?|《[^》]*》?|〈[^〉]*〉?|【[^】]*】?|〔[^〕]*〕?"
    # PostgreSQL: "Key (name)=(…)", "Failing row contains (…)". SQL Server: "The duplicate key value is (…)".
    r"|(?:= ?)?\([^)]*\)?"
)
_OPENING = re.compile("['\"`„“”‚‘«»‹›「『〝《〈【〔=(]")
_ROW_BEFORE = re.compile(r"\b(?:contains|value is|values|row) ?\Z", re.IGNORECASE)
_MARKS = "'\"`„“”‚‘’«»‹›「」『』〝〞〟《》〈〉【】〔〕=( )"
_STATEMENT_BEFORE = re.compile(r"\bstatement\W{0,3}\Z", re.IGNORECASE)
_STATEMENT = re.compile(
    r"\W*(?:select|insert|update|delete|merge|copy|begin|commit|declare|call|exec)\b", re.IGNORECASE
)
_SAYS_IT_IN_QUOTES = re.compile(
    # MySQL puts its own reason into quotes: "Got fatal error 1236 from source when reading data from binary log: '…'".
    r"error\W{1,3}1236\b[^'\"]{0,160}:\s*\Z"
    # So does Replicate with what Oracle's call interface says: "OCI error 'ORA-…'".
    r"|\bOCI error:?\s*\Z"
    # And the drivers of Hive and Spark with what the server says.
    r"|\bError from server:.{0,80}\berror message:\s*\Z"
    # Azure's client libraries, and curl's within Snowflake's driver.
    r"|\bErrorCode: ?\Z|\bErrorCode: ?'\w{1,80}'\W{1,3}Message: ?\Z|\bcode=\d{1,3} msg=\Z"
    # An answer in JSON: `{"error":{"code":403,"message":"…","errors":[{"reason":"…"}]}}`.
    r'|"error\w{0,20}" ?:[^}]{0,160}"(?:code|message|reason|status)" ?: ?\Z'
    r'|"(?:error|error_?code|error_description)" ?: ?\Z',
    re.IGNORECASE,
)
_BEFORE_ITS_WORDS = (":", "=", "error")
"""What all of them end with: most quotations stand after something else, and the long expression takes its time."""
_STATUS = re.compile(r'"code" ?: ?[45]\d\d\b')
_NUMBERED = re.compile(r'"error_code" ?: ?\d{3,5}\b')
"""How a schema registry gives its number."""
_IN_AN_ERROR = re.compile(r'"errors?" ?: ?[\[{][^}]{0,160}\Z', re.IGNORECASE)
# Db2: "Reason code: "00C9008E"".
_CODE_BEFORE = re.compile(r"\breason code\W{0,3}\Z", re.IGNORECASE)
_A_CODE = re.compile(r"[0-9A-Z]{1,10}")
_ANNOUNCES = re.compile(
    r"\b(?:at|to|from|on|host(?: ?name)?|server|broker|endpoint|database|task|component|source|target|socket|protocol"
    r"|topic|queue|bucket|container|warehouse|cluster|used|detected|detecting the error|error code(?:\(s\))?)"
    r"[\s:]*(?:(?:'[^']{0,40}'|\"[^\"]{0,40}\"),? ?){0,9}\Z"
    # A field of an answer in JSON.
    r"|\{ ?\Z|\{\"[^{}]{0,180}, ?\Z",
    re.IGNORECASE,
)
"""After that, a quotation or the last one of several is a name. Without it the same text may be a reason."""
_NAME = re.compile(r"[\w.$@:/\\#%*+{}-]{0,128}", re.ASCII)
"""Name of a host, a database, a file. In writing without blanks between words, a sentence would look the same."""
_STAND_IN = "''"
_LONGEST_ROW = 12
_LEAD = 200
"""Characters before a quote that are looked at; more than the longest of what is looked for there."""


class Role(Enum):
    """What a quotation is in a message."""

    TEXT = auto()
    """Anything: a row, or a reason."""
    NAME = auto()
    """Name of something that the message announces: `on host 'db1'`."""
    STATEMENT = auto()
    """The SQL after the word "statement"."""


@dataclass(frozen=True, slots=True)
class Quotation:
    """What a message quotes."""

    place: int
    """Where `''` stands for it in what the message says."""
    text: str
    """The quotation with its quotes."""
    lead: str
    """What stands right before it."""

    @property
    def role(self) -> Role:
        """What it is by what stands before it."""
        if _STATEMENT_BEFORE.search(self.lead) and _STATEMENT.match(self.text):
            return Role.STATEMENT
        return Role.NAME if self.is_like_a_name and _ANNOUNCES.search(self.lead) else Role.TEXT

    @property
    def inner(self) -> str:
        """The quotation without its quotes."""
        return self.text.strip(_MARKS)

    @property
    def is_like_a_name(self) -> bool:
        """Whether it may be the name of a host, a database or a file."""
        return _NAME.fullmatch(self.inner) is not None


@dataclass(frozen=True, slots=True)
class Said:
    """A text with its quotations taken out."""

    said: str
    """What the engine says, with `''` in place of what it quotes."""
    quotations: tuple[Quotation, ...] = ()
    is_open: bool = False
    """A quotation has no end."""

    def place(self, position: int) -> int:
        """Where `position` of `said` is in the text."""
        return position + sum(len(each.text) - len(_STAND_IN) for each in self.quotations if each.place < position)


def without_quotes(text: str) -> Said:
    """`text` taken apart into what it says and what it quotes."""
    said: list[str] = []
    quotations: list[Quotation] = []
    end = length = 0
    for start, stop, is_reason in _quotations(text):
        found = text[start:stop] if is_reason else _STAND_IN
        said += (text[end:start], found)
        length += start - end
        if not is_reason:
            quotations.append(Quotation(length, text[start:stop], text[max(0, start - _LEAD) : start]))
        length += len(found)
        end = stop
    said.append(text[end:])
    return Said("".join(said), tuple(quotations), not all(_is_closed(each.text) for each in quotations))


def _quotations(text: str) -> list[tuple[int, int, bool]]:
    """Start and end of each, and whether it is what the engine itself says."""
    found: list[tuple[int, int, bool]] = []
    position = 0
    while opening := _OPENING.search(text, position):
        start = opening.start()
        is_row = opening[0] != "(" or _ROW_BEFORE.search(text[max(0, start - _LONGEST_ROW) : start])
        match = _QUOTED.match(text, start) if is_row else None
        if match is None:
            position = start + 1
            continue
        stop = match.end()
        lead = text[max(0, start - _LEAD) : start]
        may_say_it = lead.rstrip()[-5:].lower().endswith(_BEFORE_ITS_WORDS)
        is_reason = (may_say_it and bool(_SAYS_IT_IN_QUOTES.search(lead))) or bool(
            _STATUS.match(text, start) and _IN_AN_ERROR.search(lead)
        )
        is_reason = is_reason or bool(_NUMBERED.match(text, start))
        if _A_CODE.fullmatch(text, start + 1, stop - 1) and _CODE_BEFORE.search(lead):
            # Alone, without the mark that would begin a quotation anew.
            found.extend(((start, start + 1, True), (stop - 1, stop, True)))
            position = stop
            continue
        if is_reason and match[0][0] == "'":
            # What stands inside may quote something itself: `OCI error 'ORA-…: at "SYS.DBMS_LOGMNR", line 58'`.
            found.append((start, start + 1, True))
            position = start + 1
            found.extend(
                (start + 1 + inner.start(), start + 1 + inner.end(), False)
                for inner in re.finditer(r'"[^"]*"', text[start + 1 : stop])
            )
            position = stop
            continue
        found.append((start, stop, is_reason))
        position = stop
    return found


def _is_closed(quoted: str) -> bool:
    return len(quoted) > 1 and (quoted[-1] == ")" or (quoted[-1] in _MARKS and quoted[-1] not in "( "))
