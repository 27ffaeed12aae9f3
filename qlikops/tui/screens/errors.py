"""The last errors: notices pass, and the title only says what is wrong now."""

from __future__ import annotations

from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from qlikops.presentation.tone import Tone
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.screens.modal import Modal
from qlikops.tui.widgets.delay_bar import DelayBar
from qlikops.tui.widgets.prose import palette


class ErrorsScreen(Modal[None]):
    """Newest first, as they were when it opened."""

    AUTO_FOCUS = "#help"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,exclamation_mark,enter,q", "dismiss", "Close", id="close-errors")
    ]

    def __init__(self, state: ConsoleState) -> None:
        super().__init__()
        self._state = state
        self._failures = tuple(state.failures)

    def compose(self) -> ComposeResult:
        """One scrolling page."""
        with VerticalScroll(id="help") as page:
            page.border_title, page.border_subtitle = "Last errors", "Esc closes"
            yield Static(markup=False, id="help-text")
        yield DelayBar(self._state)

    def on_mount(self) -> None:
        """Fills it in."""
        muted = palette(self)[Tone.MUTED]
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style=muted, no_wrap=True)
        grid.add_column(overflow="fold")
        for failure in self._failures:
            times = f"  ({failure.times:,} times in a row)" if failure.times > 1 else ""
            grid.add_row(Text(f"{failure.at:%H:%M:%S} UTC"), Text(failure.words + times))
        nothing = Text("Nothing has failed since the console started.")
        self.query_one("#help-text", Static).update(grid if self._failures else nothing)
