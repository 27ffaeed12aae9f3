"""The demo's first steps: one sentence each, done when they have been done, off by itself after the last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from textual.app import App

from qlikops.dataclass import dataclass
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.modes import MODES


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do."""

    words: str
    """What to do, in one sentence."""
    more: str
    """What else is worth knowing; may be empty."""
    is_done: Callable[[App[Any], ConsoleState], bool]


class Coach:
    """Where a newcomer is. `None` in its place means that nobody is shown anything."""

    def __init__(self, app: App[Any], state: ConsoleState) -> None:
        self._app = app
        self._state = state
        self._steps = tuple(_steps(state))
        self._at = 0

    @property
    def step(self) -> Step | None:
        """What is to be done now; None once all has been."""
        return self._steps[self._at] if self._at < len(self._steps) else None

    @property
    def place(self) -> str:
        """`1 of 5`."""
        return f"{self._at + 1} of {len(self._steps)}"

    def look(self) -> bool:
        """Goes on if the step has been done; returns whether it did."""
        step = self.step
        if step is None or not step.is_done(self._app, self._state):
            return False
        self.go_on()
        return True

    def go_on(self) -> None:
        """To the next step; after the last one it is remembered that this is known."""
        self._at += 1
        if self.step is None:
            self.end()

    def end(self) -> None:
        """No more of this, also at the next start."""
        self._at = len(self._steps)
        self._state.remember(coached=True)


def _steps(state: ConsoleState) -> Iterator[Step]:
    keys = state.keys
    yield Step(
        "The first row is right to approve. Press Enter to read its record.",
        "What broke, what is recommended, what it rests on, and what happens if you do nothing.",
        lambda app, _: app.screen.has_class("-open"),
    )
    yield Step(
        f"Press {keys['approve']}, read what will be sent, then Enter.",
        "Esc takes it back for some seconds.",
        lambda _, state: any(sending.sent_at for sending in state.sendings.values()),
    )
    yield Step(
        "Wait until the line below says that the task came up.",
        "The workflow sends the start command once and watches the task.",
        lambda _, state: any(sending.ended and not sending.goes_on for sending in state.sendings.values()),
    )
    if any(mode.name == "shift" for mode in MODES):
        yield Step(
            f"Press {keys['shift']}: what was decided, how it ended, and whether it lasted.",
            "The next shift reads the same.",
            lambda app, _: app.current_mode == "shift",
        )
    yield Step(
        f"Press {keys['help']}: it explains the keys and the words of any screen.",
        "Then: one to correct first, one that cannot be undone, twelve at once.",
        lambda app, _: type(app.screen).__name__ == "HelpScreen",
    )
