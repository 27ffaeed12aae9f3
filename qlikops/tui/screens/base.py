"""What every full screen has: title, footer, and the console's state."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer

from qlikops.tui.state import ConsoleState
from qlikops.tui.widgets.title import TitleBar


class ConsoleScreen(Screen[None]):
    """A screen under one of the four tabs."""

    MODE: ClassVar[str]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - Textual declares it

    def __init__(self, state: ConsoleState) -> None:
        super().__init__()
        self.state = state

    def compose(self) -> ComposeResult:
        """Title, content, footer."""
        yield TitleBar(self.state, self.MODE)
        yield from self.content()
        yield Footer(compact=True, show_command_palette=False)

    def content(self) -> ComposeResult:
        """What lies between title and footer."""
        yield from ()

    def state_changed(self) -> None:
        """The inbox, its freshness or a decision changed."""
        self.query_one(TitleBar).draw()
        self.refresh_bindings()

    def on_screen_resume(self) -> None:
        """Shows what changed meanwhile."""
        self.state_changed()

    def action_refresh(self) -> None:
        """Asks again for what this screen shows."""
