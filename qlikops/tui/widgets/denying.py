"""What a denial asks for: a reason, and when the tasks are proposed again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from qlikops.domain.proposals.callback import DECISION_TEXT_CAP
from qlikops.domain.proposals.proposal import Proposal
from qlikops.presentation.deciding import denial
from qlikops.presentation.tone import Tone
from qlikops.tui.model.outbox import Clock
from qlikops.tui.widgets.line import LineInput
from qlikops.tui.widgets.prose import palette, text


class Denying(Vertical):
    """The reason has the focus, and the arrows choose when somebody is asked again."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "choose(-1)", "Earlier", show=False, id="asked-earlier"),
        Binding("down", "choose(1)", "Later", show=False, id="asked-later"),
    ]

    class Changed(Message):
        """Another time is chosen."""

    def __init__(self, placeholder: str, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._placeholder = placeholder
        self._means: datetime | timedelta | None = None
        """What is chosen, as Again.means has it."""
        self._rows = Static(markup=False, id="snooze")

    def compose(self) -> ComposeResult:
        yield self._rows
        yield LineInput(placeholder=self._placeholder, max_length=DECISION_TEXT_CAP, id="reason", compact=True)

    @property
    def snooze(self) -> timedelta | None:
        """How long the tasks are muted from now on; None for the usual cooldown."""
        times = denial.times(self._clock())
        return times[self._chosen(times)].quiet

    def show(self, proposals: Sequence[Proposal]) -> None:
        """Each time, and what it means for `proposals`."""
        colours, now = palette(self), self._clock()
        chosen = self._chosen(denial.times(now))
        lines = [Text("Asked again (↑ ↓)", colours[Tone.MUTED])]
        for index, row in enumerate(denial.asked_again(proposals, now)):
            is_chosen = index == chosen
            lines.append(Text("(•) " if is_chosen else "( ) ", "bold" if is_chosen else "") + text(row, colours))
        self._rows.update(Text("\n").join(lines))

    def action_choose(self, step: int) -> None:
        """The time before or after."""
        self._choose(self._chosen(denial.times(self._clock())) + step)

    def on_click(self, event: events.Click) -> None:
        if event.widget is self._rows:
            self._choose(event.y - 1)

    def _chosen(self, times: Sequence[denial.Again]) -> int:
        """The index of what is chosen: the first if that is a time of day which has passed since."""
        return next((index for index, each in enumerate(times) if each.means == self._means), 0)

    def _choose(self, index: int) -> None:
        times = denial.times(self._clock())
        if 0 <= index < len(times):
            self._means = times[index].means
            self.post_message(self.Changed())
