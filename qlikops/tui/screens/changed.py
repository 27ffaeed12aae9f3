"""What changed since you looked: shown before the new record can be decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from qlikops.presentation.tone import Line, Section
from qlikops.tui.model.context import LiveContext
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.screens.dialog import Reading
from qlikops.tui.widgets.delay_bar import DelayBar
from qlikops.tui.widgets.outgoing import Outgoing
from qlikops.tui.widgets.prose import palette, prose
from qlikops.tui.widgets.sheet import Sheet


class ChangedScreen(Reading[None]):
    """Field by field, old -> new. Closing it sends nothing: the new record is below, to be read."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss", "Look at it as it is now", id="close-changes")
    ]

    def __init__(self, state: ConsoleState, context: LiveContext, changes: Sequence[Line]) -> None:
        super().__init__()
        self._state = state
        self._of = context
        self._changes = tuple(changes)

    def compose(self) -> ComposeResult:
        with Sheet(self._of):
            yield Outgoing()
            yield Static("Nothing was sent. Enter: look at it as it is now, then decide.", markup=False, id="problem")
            yield DelayBar(self._state)

    def on_mount(self) -> None:
        self.query_one(Sheet).say("Changed since you looked at it")
        self.query_one(Outgoing).show(prose([Section("", self._changes)], palette(self)))

    @on(Outgoing.Looked)
    def _scroll_by_arrows(self) -> None:
        """Nothing else here wants the focus."""
        if self.is_current and self.focused is None:
            self.query_one(Outgoing).window.focus()
