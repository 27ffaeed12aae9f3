"""The coach's line, above the status line: nothing moves when it goes but the list, which gets its room."""

from __future__ import annotations

from rich.console import Group
from rich.style import Style
from rich.table import Table
from rich.text import Text
from textual import events, on
from textual.widgets import Static

from qlikops.presentation.tone import Tone
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.widgets.prose import palette

LOOK_SECONDS = 0.3
WIDE = 100
"""The width in cells from which on the keys stand beside the step, and what else is worth knowing below it."""


class CoachLine(Static):
    """What to do now, and the keys that go on or end it; gone when there is nothing."""

    def __init__(self, state: ConsoleState) -> None:
        super().__init__(markup=False)
        self._state = state

    def on_mount(self) -> None:
        """Looks again and again whether the step has been done."""
        self.set_interval(LOOK_SECONDS, self._look)
        self.draw()

    def _look(self) -> None:
        # The one in sight looks for all, also under a dialog.
        if self.screen in self.app.screen_stack and self._state.coach is not None and self._state.coach.look():
            self.screen.refresh_bindings()
        self.draw()

    @on(events.Resize)
    def draw(self) -> None:
        """The step as it is now."""
        coach = self._state.coach
        step = coach.step if coach is not None else None
        self.display = step is not None
        if step is None or coach is None:
            return
        colours, keys = palette(self), self._state.keys
        line = Text(f"{coach.place}  ", colours[Tone.INFO])
        line.append(step.words, Style(bold=True))
        ways = Text()
        for key, words in (("coach-next", "next"), ("coach-off", "no more of this")):
            ways.append(f"  {keys[key]}", colours[Tone.INFO] + Style(bold=True))
            ways.append(f" {words}", colours[Tone.MUTED])
        indent = " " * (len(coach.place) + 2)
        if self.size.width < WIDE:
            # Every line counts there: what else is worth knowing goes first.
            self.update(Group(line, Text(indent) + Text(ways.plain.strip(), colours[Tone.INFO])))
            return
        grid = Table.grid(expand=True)
        grid.add_column(ratio=1)
        grid.add_column(justify="right", no_wrap=True)
        grid.add_row(line, ways)
        self.update(Group(grid, Text(indent + step.more, colours[Tone.MUTED], no_wrap=True, overflow="ellipsis")))
