"""The frame of everything that asks: what is asked and where it takes effect above, who asks below."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text
from textual import events, on
from textual.containers import Vertical

from qlikops.presentation.tone import Tone, outside
from qlikops.tui.model.context import LiveContext
from qlikops.tui.widgets.prose import palette
from qlikops.tui.widgets.title import chip

_EDGES = 6
"""Cells of an edge that no label has: its corners, and a blank beside each."""
_LEAST_RULE = 2


class Sheet(Vertical):
    """The place is never cut; what is asked is where there is no room for both."""

    def __init__(self, context: LiveContext) -> None:
        super().__init__(id="dialog")
        self._of = context
        self._heading = self._foot = ""

    def say(self, heading: str, foot: str = "") -> None:
        """Puts these into its edges."""
        self._heading, self._foot = heading, foot
        self.draw()

    @on(events.Resize)
    def draw(self) -> None:
        """Draws both edges."""
        colours = palette(self)
        edge, colour = self.styles.border_top
        rule, frame = "═" if edge == "double" else "─", Style(color=colour.rich_color)
        room = self.outer_size.width - _EDGES
        name = outside(self._of.name, cap=30).text
        place = chip(name, Style(bold=True))
        where = outside(self._of.where, cap=60, before=" ").text
        if room - len(self._heading) - place.cell_len - len(where) - _LEAST_RULE - 1 >= 0:
            place.append(where, colours[Tone.MUTED])
        heading = Text(self._heading, frame + Style(bold=True))
        heading.truncate(max(0, room - place.cell_len - _LEAST_RULE - 1), overflow="ellipsis")
        line = rule * max(_LEAST_RULE, room - heading.cell_len - place.cell_len - 1)
        self.border_title = Text.assemble(heading, " ", (line, frame), place)
        self.border_subtitle = Text(self._foot, colours[Tone.MUTED])
