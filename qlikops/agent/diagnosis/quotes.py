"""Tells what an engine says from what it quotes.

A message may quote a row, and a row may say anything. So quoted text proves nothing, in any kind of quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

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
    r"|(?:= ?)?\(.*?(?:\)|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_OPENING = re.compile("['\"`„“”‚‘«»‹›「『〝《〈【〔=]|\\(")
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
    r"|\bError from server:.{0,80}\berror message:\s*\Z",
    re.IGNORECASE,
)
# Db2: "Reason code: "00C9008E"".
_CODE_BEFORE = re.compile(r"\breason code\W{0,3}\Z", re.IGNORECASE)
_A_CODE = re.compile(r"[0-9A-Z]{1,10}")
_LONGEST_ROW = 12
_LEAD = 200
"""Characters before a quote that are looked at; more than the longest of what is looked for there."""


@dataclass(frozen=True, slots=True)
class Said:
    """A text with its quotations taken out."""

    said: str
    """What the engine says, with `''` in place of what it quotes."""
    quoted: tuple[str, ...] = ()
    """What it quotes, with the quotes; statements excepted."""
    statements: tuple[str, ...] = ()
    """The SQL that it quotes after the word "statement"."""
    is_open: bool = False
    """A quotation has no end."""
    gaps: tuple[tuple[int, int], ...] = ()
    """After that position in `said`, that many characters of the text are left out."""

    def place(self, position: int) -> int:
        """Where `position` of `said` is in the text."""
        return position + sum(left_out for after, left_out in self.gaps if after < position)


def without_quotes(text: str) -> Said:
    """`text` taken apart into what it says and what it quotes."""
    said: list[str] = []
    quoted: list[str] = []
    statements: list[str] = []
    gaps: list[tuple[int, int]] = []
    end = length = 0
    is_open = False
    for start, stop, is_reason in _quotations(text):
        before, found = text[end:start], text[start:stop]
        said.append(before)
        length += len(before)
        if is_reason:
            said.append(found)
            length += len(found)
        else:
            is_open = is_open or not _is_closed(found)
            is_sql = _STATEMENT_BEFORE.search(text[max(0, start - _LEAD) : start]) and _STATEMENT.match(found)
            (statements if is_sql else quoted).append(found)
            said.append("''")
            gaps.append((length, len(found) - 2))
            length += 2
        end = stop
    said.append(text[end:])
    return Said("".join(said), tuple(quoted), tuple(statements), is_open, tuple(gaps))


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
        is_reason = bool(_SAYS_IT_IN_QUOTES.search(lead))
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


def bare(quoted: str) -> str:
    """`quoted` without its quotes."""
    return quoted.strip(_MARKS)


def _is_closed(quoted: str) -> bool:
    return len(quoted) > 1 and (quoted[-1] == ")" or (quoted[-1] in _MARKS and quoted[-1] not in "( "))
