"""The line on what is held back: wherever one is, it says what will be sent, when, and what Esc does about it."""

from __future__ import annotations

from textual.widgets import Static

from qlikops.presentation import decision
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.widgets.prose import palette, text


class DelayBar(Static):
    """Shown only while something is held back. The app draws it anew as the time runs."""

    def __init__(self, state: ConsoleState, escape: str = "Esc: do not send") -> None:
        super().__init__(markup=False)
        self._state = state
        self._escape = escape
        """What Esc does on this screen."""

    def on_mount(self) -> None:
        """A screen may open while something is held back."""
        self.draw()

    def draw(self) -> None:
        """Counts down."""
        held, now = self._state.held, self._state.now()
        self.display = bool(held)
        if held:
            first = min(held, key=lambda sending: sending.due or now)
            left = ((first.due or now) - now).total_seconds()
            words = decision.held_back(first.approval, first.request, left, len(held) - 1, self._escape, first.context)
            self.update(text(words, palette(self)))
