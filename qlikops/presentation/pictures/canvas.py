"""Text, lines and boxes on a grid of cells, as rows of spans."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from unicodedata import combining, east_asian_width

from qlikops.presentation.tone import Spans, Tone, joined

N, E, S, W = 1, 2, 4, 8
_GLYPHS = {
    **dict.fromkeys((N, S, N | S), "│"),
    **dict.fromkeys((E, W, E | W), "─"),
    **dict(zip((N | E, N | W, S | E, S | W), "╰╯╭╮", strict=True)),
    **dict(zip((N | S | E, N | S | W, E | W | S, E | W | N, N | E | S | W), "├┤┬┴┼", strict=True)),
}
_DASHED = {"│": "┆", "─": "╌"}
ROUND, HEAVY, DASHED = "╭─╮│╰╯┬", "┏━┓┃┗┛┯", "┌╌┐┆└┘┬"
"""The outlines of a box: corner, edge, corner, side, corner, corner; last, the edge that a line leaves."""
Point = tuple[int, int]
"""Column and row."""


def cells(text: str) -> int:
    """The cells of a terminal that a text takes."""
    return sum(map(_cells, text))


def _cells(character: str) -> int:
    return 0 if combining(character) else 2 if east_asian_width(character) in "WF" else 1


def cut(text: str, width: int) -> str:
    """The text in `width` cells; of one that is too long the middle is left out, since its ends tell it from others."""
    if cells(text) <= width:
        return text
    head = _beginning(text, (width - 1) // 2)
    return f"{head}…{_beginning(text[::-1], width - 1 - cells(head))[::-1]}"


def cut_end(text: str, width: int) -> str:
    """The text in `width` cells; of one that is too long the end is left out."""
    return text if cells(text) <= width else f"{_beginning(text, width - 1)}…"


def _beginning(text: str, width: int) -> str:
    ends = accumulate(map(_cells, text))
    return "".join(character for character, end in zip(text, ends, strict=True) if end <= width)


class Canvas:
    """A sheet as wide as the terminal, as high as what is put on it."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.height = 0
        self._cells: dict[Point, tuple[str, Tone]] = {}
        self._bits: dict[Point, int] = {}

    def text(self, x: int, y: int, text: str, tone: Tone = Tone.NEUTRAL) -> None:
        """Puts text there, cut at the right edge."""
        self.height = max(self.height, y + 1)
        for character in text:
            size = _cells(character)
            if not size:
                continue
            if x + size > self.width:
                break
            self._put(x, y, character, tone)
            if size == 2:
                self._put(x + 1, y, "", tone)
            x += size

    def line(self, points: Sequence[Point], tone: Tone, *, dashed: bool = False) -> None:
        """Draws a line through `points`, each on one row or column with the one before; where lines meet they join."""
        for (x, y), (to_x, to_y) in pairwise(points):
            step = (_sign(to_x - x), _sign(to_y - y))
            ahead, behind = {(1, 0): (E, W), (-1, 0): (W, E), (0, 1): (S, N), (0, -1): (N, S)}.get(step, (0, 0))
            while (x, y) != (to_x, to_y):
                self._join(x, y, ahead, tone, dashed=dashed)
                x, y = x + step[0], y + step[1]
                self._join(x, y, behind, tone, dashed=dashed)

    def box(self, x: int, y: int, width: int, height: int, outline: str, tone: Tone) -> None:
        """Draws an empty box."""
        left, edge, right, side, low_left, low_right, _ = tuple(outline)
        self.text(x, y, left + edge * (width - 2) + right, tone)
        for row in range(y + 1, y + height - 1):
            self.text(x, row, side, tone)
            self.text(x + width - 1, row, side, tone)
        self.text(x, y + height - 1, low_left + edge * (width - 2) + low_right, tone)

    def is_plain(self, x: int, y: int, width: int) -> bool:
        """Whether there is nothing but a straight line in these cells."""
        return all(self._bits.get((each, y)) == E | W for each in range(x, x + width))

    def is_free(self, x: int, y: int, width: int) -> bool:
        """Whether there is nothing in these cells."""
        return x >= 0 and x + width <= self.width and all((each, y) not in self._cells for each in range(x, x + width))

    def rows(self) -> tuple[Spans, ...]:
        """Every row from the left edge to its last cell with something in it."""
        ends = dict.fromkeys(range(self.height), 0)
        for x, y in self._cells:
            ends[y] = max(ends[y], x + 1)
        return tuple(self._row(y, end) for y, end in ends.items())

    def _row(self, y: int, end: int) -> Spans:
        cells: list[tuple[str, Tone]] = []
        tone = Tone.NEUTRAL
        for x in range(end):
            # What is empty goes on in the tone before it.
            cell = self._cells.get((x, y), (" ", tone))
            tone = cell[1]
            cells.append(cell)
        return joined(cells)

    def _put(self, x: int, y: int, character: str, tone: Tone) -> None:
        self.height = max(self.height, y + 1)
        self._cells[x, y] = character, tone
        self._bits.pop((x, y), None)

    def _join(self, x: int, y: int, bits: int, tone: Tone, *, dashed: bool) -> None:
        if not 0 <= x < self.width or y < 0:
            return
        joined = self._bits.get((x, y), 0) | bits
        glyph = _GLYPHS[joined] if joined else " "
        self._put(x, y, _DASHED.get(glyph, glyph) if dashed else glyph, tone)
        self._bits[x, y] = joined


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)
