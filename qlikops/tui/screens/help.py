"""What can be done here, by key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from qlikops.presentation.tone import Tone
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.screens.modal import Modal
from qlikops.tui.usable import Usable
from qlikops.tui.widgets.delay_bar import DelayBar
from qlikops.tui.widgets.prose import palette

_WORDS = (
    ("Expires", "At zero nothing is restarted; the proposal is recorded as expired."),
    ("Evaluation", "“AI” is a model's opinion, “rules” is not. Neither decides: the policy asks you."),
    ("✓ → @", "Before a task: marked, answered by you, claimed by somebody."),
    ("┌3 │ └", "Three with one cause."),
    ("ro", "Before a context: it may only be read."),
    ("▲ STALE …", "What is shown may be old, so deciding is locked until fresh data comes."),
    ("digest", "Names exactly what you saw. If it changed, your answer is not sent."),
)


class HelpScreen(Modal[None]):
    """The keys of the screen below, and what its words mean."""

    # Without the focus no key scrolls it, and at 24 lines half of it is below the edge.
    AUTO_FOCUS = "#help"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,enter,q", "dismiss", "Close", id="close-help")
    ]

    def __init__(self, state: ConsoleState, actions: Sequence[Usable], why_not: str) -> None:
        super().__init__()
        self._state = state
        self._actions = actions
        self._why_not = why_not

    def compose(self) -> ComposeResult:
        """One scrolling page."""
        with VerticalScroll(id="help") as page:
            page.border_title, page.border_subtitle = "Help", "↑ ↓ scroll, Esc closes"
            yield Static(markup=False, id="help-text")
        yield DelayBar(self._state)

    def on_mount(self) -> None:
        """Fills it in."""
        colours = palette(self)
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style=colours[Tone.INFO], no_wrap=True)
        grid.add_column()
        everywhere = [entry for entry in self._actions if isinstance(entry.node, App)]
        # What the screen is for comes before how one moves in it.
        here = sorted(
            (entry for entry in self._actions if entry not in everywhere),
            key=lambda entry: not isinstance(entry.node, Screen),
        )
        for title, entries in (("Here", here), ("Everywhere", everywhere)):
            grid.add_row(Text(title, style="bold"), "")
            for entry in entries:
                meaning = Text(entry.description)
                if not entry.enabled:
                    meaning.append(f"  not now: {self._why_not or 'it does not apply'}", colours[Tone.WARNING])
                elif entry.more:
                    meaning.append(f"  {entry.more}", colours[Tone.MUTED])
                grid.add_row(Text(entry.keys), meaning)
            grid.add_row("", "")
        grid.add_row(Text("Words", style="bold"), "")
        for word, meaning_of_it in _WORDS:
            grid.add_row(Text(word), Text(meaning_of_it))
        self.query_one("#help-text", Static).update(grid)
