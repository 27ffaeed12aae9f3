"""A screen's number and its lines, above what the screen lists."""

from __future__ import annotations

from rich.style import Style
from rich.table import Table
from rich.text import Text
from textual.widgets import Static

from qlikops.presentation.headline import Headline, big
from qlikops.presentation.tone import Tone
from qlikops.tui.widgets.prose import palette, text

ROOMY = 30
"""The number of lines from which on the headline takes three, and an empty one above and below."""


class HeadlineBar(Static):
    """Takes no room while a screen has nothing to say first."""

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.display = False

    def show(self, headline: Headline | None) -> None:
        """Shows `headline`, or takes no room."""
        self.display = headline is not None
        if headline is None:
            return
        is_roomy, colours = self.app.size.height >= ROOMY, palette(self)
        self.set_class(is_roomy, "-roomy")
        if not is_roomy:
            self.update(text(headline.brief, colours), layout=False)
            return
        grid = Table.grid(padding=(0, 2), expand=True)
        grid.add_column(no_wrap=True)
        grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        lines = [text(headline.counts, colours), *(text(line, colours) for line in headline.more)]
        lines[0].stylize(Style(bold=True))
        number = Text("\n".join(big(headline.number)), colours[Tone.INFO])
        grid.add_row(number, Text("\n").join(lines[:3]))
        self.update(grid, layout=False)
