"""A chart as wide as there is room, under its title."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.text import Text

from qlikops.dataclass import dataclass
from qlikops.presentation.pictures.chart import Chart, draw
from qlikops.presentation.tone import Tone
from qlikops.tui.widgets.prose import Palette, text


@dataclass(frozen=True)
class ChartPicture:
    """Takes no room if there is nothing to draw."""

    chart: Chart
    rows: int
    """Height of the plot itself, in lines."""
    colours: Palette

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich asks for what is shown, in the width that there is."""
        lines = draw(self.chart, options.max_width, self.rows)
        if not lines:
            return
        title = Text("Behind", self.colours[Tone.INFO] + Style(bold=True))
        yield Text.assemble("\n", title, (f", {self.chart.unit}", self.colours[Tone.MUTED]))
        for each in lines:
            drawn = text(each, self.colours)
            drawn.no_wrap = True
            yield drawn
