"""What is held back: wherever one is, a line says what will be sent, when, and what Esc does about it."""

from __future__ import annotations

from rich.text import Text
from textual import events, on
from textual.widgets import Static

from qlikops.presentation.deciding import decision
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.widgets.prose import Palette, palette, text

_BEFORE = len("Sending in 3 s: ")


def held_back(state: ConsoleState, colours: Palette, room: int, escape: str = "Esc: do not send") -> Text:
    """The countdown of what is sent first; of its name as much as has `room`, so that `escape` is always seen."""
    held, now = state.held, state.now()
    first = min(held, key=lambda sending: sending.due or now)
    left = ((first.due or now) - now).total_seconds()
    words = decision.held_back(first.approval, first.request, left, len(held) - 1, escape, first.context)
    before, what, after = (text([span], colours) for span in words)
    what.truncate(max(1, room - before.cell_len - after.cell_len), overflow="ellipsis")
    return before + what + after


class DelayBar(Static):
    """What counts down in a dialog, only while something is held back. The app draws it anew as the time runs."""

    def __init__(self, state: ConsoleState, escape: str = "Esc: do not send") -> None:
        super().__init__(markup=False)
        self._state = state
        self._escape = escape
        """What Esc does in this dialog."""

    @on(events.Mount)
    @on(events.Resize)
    def draw(self) -> None:
        """Counts down, with as much of the name as there is room for now."""
        self.display = bool(self._state.held)
        if self.display:
            # Of two lines the second has room for the name and `escape`, wherever the first one is broken.
            self.update(held_back(self._state, palette(self), self.size.width + _BEFORE, self._escape))
