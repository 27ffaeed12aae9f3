"""A long text to scroll and to search in; it draws the lines in sight only."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import chop_cells
from rich.segment import Segment
from textual import events, on
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from qlikops.dataclass import dataclass


class Pager(ScrollView, can_focus=True):
    """Plain text that came from outside and was made harmless before; lines are folded at the width."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"pager--found", "pager--here"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False, id="down"),
        Binding("k", "scroll_up", "Up", show=False, id="up"),
    ]

    @dataclass
    class Found(Message):
        """Number of the match and of all; 0 of 0 if nothing matches."""

        number: int
        total: int

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._text = ""
        self._lines: list[str] = []
        self._needle = ""
        self._matches: list[int] = []
        """Lines that hold the needle."""
        self._here = 0

    def show(self, text: str, *, from_top: bool = True) -> None:
        """Shows `text`, from its beginning unless it is more of the same; what is shown already does not move."""
        if text != self._text:
            self._text = text
            self._fold()
            if from_top:
                self.scroll_home(animate=False, immediate=True)

    def search(self, needle: str) -> None:
        """Marks every line that holds it, case aside, and goes to the first from here on."""
        self._needle = needle
        self._find()
        top = int(self.scroll_y)
        self._here = next((index for index, line in enumerate(self._matches) if line >= top), 0)
        self._go()

    def step(self, by: int) -> None:
        """Goes to the next match or the one before, round and round."""
        if self._matches:
            self._here = (self._here + by) % len(self._matches)
        self._go()

    def render_line(self, y: int) -> Strip:
        """Draws a line of the screen, with what was searched for marked."""
        index = int(self.scroll_y) + y
        style = self.rich_style
        if index >= len(self._lines):
            return Strip.blank(self.size.width, style)
        line = self._lines[index]
        segments, rest = [], 0
        if self._needle:
            here = bool(self._matches) and self._matches[self._here] == index
            mark = self.get_component_rich_style("pager--here" if here else "pager--found")
            folded, needle = line.lower(), self._needle.lower()
            # Lower-casing can change lengths; then the line is marked as a whole or not at all.
            at = folded.find(needle) if len(folded) == len(line) else -1
            while at >= 0:
                segments += [Segment(line[rest:at], style), Segment(line[at : at + len(needle)], style + mark)]
                rest = at + len(needle)
                at = folded.find(needle, rest)
        segments.append(Segment(line[rest:], style))
        return Strip(segments).adjust_cell_length(self.size.width, style)

    @on(events.Resize)
    def _fold(self) -> None:
        # Without the scrollbar's column, which `size` counts as content.
        width = max(1, self.scrollable_content_region.width)
        self._lines = [
            part for line in self._text.expandtabs(2).split("\n") for part in chop_cells(line, width) or [""]
        ]
        self.virtual_size = Size(0, len(self._lines))
        self._find()
        self.refresh()

    def _find(self) -> None:
        needle = self._needle.lower()
        self._matches = [index for index, line in enumerate(self._lines) if needle in line.lower()] if needle else []
        self._here = min(self._here, max(0, len(self._matches) - 1))

    def _go(self) -> None:
        if self._matches:
            line = self._matches[self._here]
            if not int(self.scroll_y) <= line < int(self.scroll_y) + self.size.height:
                self.scroll_to(y=max(0, line - self.size.height // 2), animate=False, immediate=True)
        self.refresh()
        self.post_message(self.Found(self._here + 1 if self._matches else 0, len(self._matches)))
