"""What can be done here, by key."""

from __future__ import annotations

from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from qlikops.presentation.tone import Tone
from qlikops.tui.state import ConsoleState
from qlikops.tui.widgets.held import HeldBar
from qlikops.tui.widgets.prose import palette

_ALWAYS = (
    ("↑ ↓  j k", "move"),
    ("1 2 3 4", "Inbox, Executions, Fleet, Reports"),
    (":  ctrl+p", "every action by name, themes too"),
    ("!", "the last errors"),
    ("ctrl+q", "quit; nothing that waits is lost"),
)
_WORDS = (
    ("Expires", "At zero nothing is restarted; the proposal is recorded as expired."),
    ("Evaluation", "“AI” is a model's opinion, “rules” is not. Neither decides: the policy asks you."),
    ("▲ STALE …", "What is shown may be old, so deciding is locked until fresh data comes."),
    ("digest", "Names exactly what you saw. If it changed, your answer is not sent."),
)


class HelpScreen(ModalScreen[None]):
    """The keys of the screen below, and what its words mean."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,enter,q", "dismiss", "Close")]

    def __init__(self, state: ConsoleState, keys: list[tuple[str, str]]) -> None:
        super().__init__()
        self._state = state
        self._keys = keys

    def compose(self) -> ComposeResult:
        """One scrolling page."""
        with VerticalScroll(id="help"):
            yield Static(markup=False, id="help-text")
        yield HeldBar(self._state)

    def on_mount(self) -> None:
        """Fills it in."""
        colours = palette(self)
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style=colours[Tone.INFO], no_wrap=True)
        grid.add_column()
        for title, entries in (("Here", self._keys), ("Everywhere", _ALWAYS), ("Words", _WORDS)):
            grid.add_row(Text(title, style="bold"), "")
            for key, meaning in entries:
                grid.add_row(Text(key), Text(meaning))
            grid.add_row("", "")
        grid.add_row("", Text("Esc closes", style=colours[Tone.MUTED]))
        self.query_one("#help-text", Static).update(grid)
