"""The demo's first steps: one sentence each, done when they have been done, off by itself after the last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from textual.app import App

from qlikops.dataclass import dataclass
from qlikops.tui.model.outbox import Sending
from qlikops.tui.model.state import ConsoleState


@dataclass(frozen=True, slots=True)
class CoachStep:
    """One thing to do."""

    words: str
    """What to do, in one sentence."""
    more: str
    """What else is worth knowing; may be empty."""
    is_done: Callable[[App[Any], ConsoleState], bool]


class Coach:
    """Where a newcomer is. `None` in its place means that no steps are shown.

    Steps are done in any order: what has been done is not asked for any more.
    """

    def __init__(self, app: App[Any], state: ConsoleState) -> None:
        self._app = app
        self._state = state
        self._steps = tuple(_steps(state))
        self._open = list(self._steps)

    @property
    def step(self) -> CoachStep | None:
        """What is to be done now; None once all has been."""
        return self._open[0] if self._open else None

    @property
    def place(self) -> str:
        """`1 of 5`."""
        at = self._steps.index(self._open[0]) + 1 if self._open else len(self._steps)
        return f"{at} of {len(self._steps)}"

    def look(self) -> bool:
        """Crosses out what has been done; returns whether that was the step that is shown."""
        before = self.step
        self._leave([step for step in self._open if not step.is_done(self._app, self._state)])
        return self.step is not before

    def go_on(self) -> None:
        """Goes to the next step; after the last one it is remembered that this is known."""
        self._leave(self._open[1:])

    def end(self) -> None:
        """No more of this, also at the next start."""
        self._leave([])

    def _leave(self, steps: list[CoachStep]) -> None:
        if self._open and not steps:
            self._state.remember(coached=True)
        self._open = steps


def _steps(state: ConsoleState) -> Iterator[CoachStep]:
    keys = state.keys
    yield CoachStep(
        "The first row is right to approve. Press Enter to read its record.",
        "What broke, what is recommended, what it rests on, and what happens if you do nothing.",
        # An approval without it is a step further.
        lambda app, state: app.screen.has_class("-open") or bool(_approved(state)),
    )
    yield CoachStep(
        f"Press {keys['approve']}, read what will be sent, then Enter.",
        "Esc takes it back for some seconds.",
        lambda _, state: bool(_approved(state)),
    )
    yield CoachStep(
        "Wait until the line below says that the task came up.",
        "The workflow sends the start command once and watches the task.",
        lambda _, state: any(sending.ended and not sending.goes_on for sending in _approved(state)),
    )
    yield CoachStep(
        f"Press {keys['shift']}: what was decided, how it ended, and whether it lasted.",
        "The next shift reads the same.",
        lambda app, _: app.current_mode == "shift",
    )
    yield CoachStep(
        f"Press {keys['help']}: it explains the keys and the words of any screen.",
        "Then: one to correct first, one that cannot be undone, twelve at once.",
        lambda app, _: type(app.screen).__name__ == "HelpScreen",
    )


def _approved(state: ConsoleState) -> list[Sending]:
    """What was approved here, unless it certainly did not count: nothing comes up by a denial."""
    return [each for each in state.sendings.values() if each.sent_at and each.request.approved and each.may_count]
