"""Takes a message apart, whole and before anything is cut of it.

The grammar of a Replicate message: a headline, a notice of the task manager, then a chain of clauses with the cause
first and what followed from it outwards; or lines of a log, each with a component, a code and a place in the source.
"""

from __future__ import annotations

import re
from dataclasses import field

from qlikops.agent.diagnosis.codes import WORD, Code, codes_in
from qlikops.agent.diagnosis.quotes import Said, without_quotes
from qlikops.dataclass import dataclass
from qlikops.domain.words.text import plain

_BLANKS = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n[ \n]*")
_LOG_LINE = re.compile(
    r"\s*(?:-?\d{1,12}: )?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.:]\d{1,6})? \[(?P<component>[A-Z_]{2,16}) *\] ?"
    r"(?P<level>[A-Z]):"
)
_PLACE = re.compile(r"[(\[]((?:[\w-]{1,40}/)?[\w-]{1,60}\.c(?:pp)?:\d{1,6})[)\]]?")
_CUT_MARK = re.compile(r"[\[(<](?:\.\.\.|truncated|cut|more|snip)[^\])>]{0,40}[\])>]\W*\Z")
_GOES_ON = frozenset(":,;([{\\=-")
"""A text that ends like this goes on somewhere else. `…` is three dots by now."""
_ENDS_WITHIN = re.compile(
    r"\b(?:an?|the|and|or|of|to|from|by|with|at|on|in|for|as|that|this|while|when|during|then|is|was|were|has|have"
    r"|been|(?:ora|tns)(?:-\d{0,4})?)\Z"
)
"""No sentence ends with these words, and no code is so short."""
_ENVELOPES = (
    ("last error", re.compile(r"\blast error\b"), re.compile(r"\berror level \w+[\s.]*\Z")),
    (
        "task error notification received",
        re.compile(r"\btask error notification received\b"),
        re.compile(r"(?:\berror level \w+|\bterminated \[[\w/.-]{1,80}:\d+\] ?\[\d{6,7}\])[\s.]*\Z"),
    ),
)
"""How Replicate begins what it says of a failure, exactly, and how it ends it."""
_AFTER_A_WORD = " ."
_LONGEST_MARK, _LONGEST_END, _LONGEST_WORD = 80, 300, 12
_BRACKET = re.compile(r"[()\[\]{}]")
_BRACKETS = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True, slots=True)
class Frame:
    """One clause or line of a message."""

    text: str
    """What it says, with `''` for what it quotes."""
    component: str = ""
    """Replicate's component, as in its log: SOURCE_CAPTURE, TARGET_APPLY."""
    codes: tuple[str, ...] = ()
    """NAMESPACE:VALUE, in the order of the text."""
    place: str = ""
    """File and line in Replicate's source."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A message taken apart."""

    text: str
    """All of it, in compatibility forms and without what shows as nothing."""
    parts: Said
    folded: str
    """What it says in lower case with single blanks, character by character as long as `parts.said`."""
    codes: tuple[Code, ...] = ()
    is_cut: bool = False
    """Something is missing at its end or was left out of it."""
    words: frozenset[str] = frozenset()
    """Words of `folded`."""
    _frames: list[Frame] = field(default_factory=list, repr=False, compare=False)

    @property
    def said(self) -> str:
        """What the engine says, with `''` in place of what it quotes."""
        return self.parts.said

    @property
    def frames(self) -> list[Frame]:
        """Clauses and lines of the message, in the order of the text."""
        if not self._frames and self.said.strip():
            self._frames.extend(map(_frame, _clauses(self.said)))
        return self._frames


def parse(message: str) -> Parsed:
    """`message` taken apart. Takes any text, and time in proportion to its length."""
    text = _plain(message)
    parts = without_quotes(text)
    lowered = parts.said.lower()
    if len(lowered) != len(parts.said):
        lowered = "".join(low if len(low := char.lower()) == 1 else char for char in parts.said)
    folded = lowered.replace("\n", " ")
    words = frozenset(WORD.findall(folded))
    return Parsed(
        text,
        parts,
        folded,
        tuple(codes_in(parts.said, folded, words)),
        parts.is_open or is_cut(text, folded),
        words,
    )


def _plain(message: str) -> str:
    # What `plain` does takes time for every character, and most messages need none of it.
    if message.isascii() and message.isprintable():
        while "  " in message:
            message = message.replace("  ", " ")
        return message
    text = message if message.isascii() and message.replace("\n", "").isprintable() else plain(message)
    return _LINES.sub("\n", _BLANKS.sub(" ", text))


def _clauses(said: str) -> list[str]:
    """Lines and, within them, what "; " separates outside of brackets."""
    found: list[str] = []
    depth = start = 0
    for index, char in enumerate(said):
        if char in "([{":
            depth += 1
        elif char in ")]}":
            depth = max(0, depth - 1)
        elif char == "\n" or (char == ";" and depth == 0 and said[index + 1 : index + 2] in (" ", "")):
            found.append(said[start:index])
            start = index + 1
            depth = 0
    found.append(said[start:])
    return [clause.strip() for clause in found if clause.strip(" .;")]


def _frame(clause: str) -> Frame:
    line = _LOG_LINE.match(clause)
    text = clause[line.end() :].strip() if line else clause
    place = _PLACE.search(text)
    return Frame(
        text,
        line["component"] if line else "",
        tuple(str(code) for code in codes_in(text) if code.is_marked),
        place[1] if place else "",
    )


def is_cut(text: str, folded: str) -> bool:
    """Whether something is missing at the end of `text`, or was left out of it.

    `folded` is it in lower case and without what it quotes.
    """
    end = folded[-_LONGEST_MARK:].rstrip()
    if "..." in text or end[-1:] in _GOES_ON or _CUT_MARK.search(end):
        return True
    if _ENDS_WITHIN.search(folded.rstrip(_AFTER_A_WORD)[-_LONGEST_WORD:]):
        return True
    for begins, exactly, ends in _ENVELOPES:
        if begins in folded and exactly.search(folded) and not ends.search(folded[-_LONGEST_END:]):
            return True
    is_open: list[str] = []
    for char in _BRACKET.findall(folded):
        if char in "([{":
            is_open.append(char)
        elif is_open and is_open[-1] == _BRACKETS[char]:
            is_open.pop()
    return bool(is_open)
