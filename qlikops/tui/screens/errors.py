"""The last errors: notices pass, and the title only says what is wrong now."""

from __future__ import annotations

from typing import ClassVar

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text
from textual.binding import Binding, BindingType

from qlikops.presentation.tone import Tone
from qlikops.tui.screens.modal import ModalPage
from qlikops.tui.widgets.prose import palette


class ErrorsScreen(ModalPage):
    """Newest first."""

    NAME, KEYS = "Last errors", "Esc closes"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,exclamation_mark,enter,q", "dismiss", "Close", id="close-errors")
    ]

    def page(self) -> RenderableType:
        if not self.state.failures:
            return Text("Nothing has failed since the console started.")
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style=palette(self)[Tone.MUTED], no_wrap=True)
        grid.add_column(overflow="fold")
        for failure in self.state.failures:
            times = f"  ({failure.times:,} times in a row)" if failure.times > 1 else ""
            grid.add_row(Text(f"{failure.at:%H:%M:%S} UTC"), Text(failure.words + times))
        return grid
