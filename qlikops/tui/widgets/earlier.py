"""A line that brings earlier ones back with ↑, from one start of the console to the next."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from qlikops.tui.model.state import ConsoleState
from qlikops.tui.widgets.line import LineInput

KEPT = 20
"""Lines of each place."""
LONGEST = 200
"""Characters of a line that is kept."""


class EarlierInput(LineInput):
    """What is kept of it is remembered under its place."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "go(-1)", "What was typed before", show=False, id="row-up"),
        Binding("down", "go(1)", "What was typed after that", show=False, id="row-down"),
    ]

    def __init__(self, state: ConsoleState, place: str, value: str = "", **more: Any) -> None:
        super().__init__(value, **more)
        self._state = state
        self._place = place
        self._back = 0
        """How many lines one has gone back."""
        self._own = ""
        """What was typed before going back."""

    @property
    def is_back(self) -> bool:
        """Whether an earlier line is shown."""
        return self._back > 0

    @property
    def _kept(self) -> tuple[str, ...]:
        return self._state.memory.preferences.typed.get(self._place, ())

    def action_go(self, by: int) -> None:
        """Further back with a negative number, else forward to what was typed."""
        kept = self._kept
        if not self._back:
            self._own = self.value
        self._back = max(0, min(self._back - by, len(kept)))
        self.value = kept[self._back - 1] if self._back else self._own
        self.cursor_position = len(self.value)

    def keep(self) -> None:
        """Remembers what is typed, as the newest."""
        typed, self._back = self.value.strip(), 0
        if typed and len(typed) <= LONGEST:
            others = (each for each in self._kept if each != typed)
            everywhere = self._state.memory.preferences.typed
            self._state.remember(typed={**everywhere, self._place: (typed, *others)[:KEPT]})
