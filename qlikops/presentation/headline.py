"""A screen's headline: one number, and at most three lines that say what it counts, what comes first and why, and what
runs out first.
"""

from __future__ import annotations

from qlikops.dataclass import dataclass
from qlikops.presentation.tone import Span, Spans

_DOTS = {
    "0": ("███", "█ █", "█ █", "█ █", "███"),
    "1": (" █ ", "██ ", " █ ", " █ ", "███"),
    "2": ("███", "  █", "███", "█  ", "███"),
    "3": ("███", "  █", "███", "  █", "███"),
    "4": ("█ █", "█ █", "███", "  █", "  █"),
    "5": ("███", "█  ", "███", "  █", "███"),
    "6": ("███", "█  ", "███", "█ █", "███"),
    "7": ("███", "  █", "  █", "  █", "  █"),
    "8": ("███", "█ █", "███", "█ █", "███"),
    "9": ("███", "█ █", "███", "  █", "███"),
    ",": (" ", " ", " ", "█", "█"),
}
"""Five rows of dots for each character of a number; two rows share a line of text."""
_HALVES = {"  ": " ", "█ ": "▀", " █": "▄", "██": "█"}


@dataclass(frozen=True, slots=True)
class Headline:
    """What a screen says first."""

    number: str
    """Digits and commas."""
    counts: Spans
    """What is counted, with the number in words: not every reader sees a number made of blocks."""
    more: tuple[Spans, ...] = ()
    """At most two lines."""
    line: Spans = ()
    """All of it in one line; empty for `counts` and the first of `more`."""

    @property
    def brief(self) -> Spans:
        """All that one line has room for."""
        return self.line or ((*self.counts, Span(". "), *self.more[0]) if self.more else self.counts)


def big(number: str) -> tuple[str, str, str]:
    """`number` in three lines of half blocks."""
    rows = [" ".join(_DOTS[character][row] for character in number) for row in range(5)]
    rows.append(" " * len(rows[0]))
    first, second, third = (
        "".join(_HALVES[over + under] for over, under in zip(rows[row], rows[row + 1], strict=True))
        for row in (0, 2, 4)
    )
    return first, second, third
