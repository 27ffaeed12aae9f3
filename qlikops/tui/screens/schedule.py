"""When the monitoring runs: where it stands, and pausing and resuming it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Button, Select, Static

from qlikops.domain.errors import NotFound
from qlikops.domain.ports import ContextServices
from qlikops.domain.runs.schedule import Schedule, ScheduleStatus
from qlikops.presentation.pages import schedule
from qlikops.presentation.tone import Line, Section, Tone, as_text
from qlikops.tui.model import messages
from qlikops.tui.model.context import LiveContext
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.screens.base import PolledScreen
from qlikops.tui.screens.dialog import OutgoingDialog, lasting
from qlikops.tui.widgets.prose import palette, prose

UNTIL_RESUMED = 0.0
HOURS = (*lasting(0.5, 1.0, 2.0, 4.0, 12.0, 24.0), ("until a person resumes it", UNTIL_RESUMED))
_USUAL_HOURS = 1.0
"""Preselected: a pause that ends by itself cannot be forgotten."""


ScheduleChange = Callable[[ContextServices], ScheduleStatus]
"""What was confirmed, to be sent off the UI thread."""


class ScheduleScreen(PolledScreen[ScheduleStatus]):
    """What `qlikops schedule` prints, with the two things that an operator may do to it."""

    MODE = "schedule"
    AUTO_FOCUS = "#schedule"
    POLL_SECONDS = 10
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "change(True)", "Pause", id="pause"),
        Binding("u", "change(False)", "Resume", id="resume"),
        Binding("y", "copy", "Copy", id="copy"),
    ]

    def __init__(self, state: ConsoleState) -> None:
        super().__init__(state)
        self._status: ScheduleStatus | None = None
        self._error: Exception | None = None

    def content(self) -> ComposeResult:
        with VerticalScroll(id="schedule"):
            yield Static("Loading …", markup=False, id="schedule-text")

    def load(self, environment: ContextServices) -> ScheduleStatus:
        return environment.schedules.status()

    def took(self, found: ScheduleStatus) -> None:
        self._status, self._error = found, None
        self._draw()

    def missed(self, error: Exception) -> None:
        """Says why under what is there; nothing if there is no schedule."""
        if isinstance(error, NotFound):
            self._status = None
        self._error = error
        self._draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action != "change":
            return True
        if self.context.read_only or self._status is None:
            return False
        (pause,) = parameters
        found = self._status.schedule
        if not (found.enabled and not found.has_ended if pause else not found.runs):
            return False
        return None if self.context.locked_because() or self._error is not None else True

    def action_change(self, pause: bool) -> None:
        """Asks, then sends."""
        if self._status is not None:
            dialog = ChangeScreen(self.state, self.context, self._status.schedule, pause=pause)
            self.app.push_screen(dialog, self._send)

    def action_copy(self) -> None:
        """Copies the schedule as plain text."""
        if self._status is not None:
            self.copy(as_text(schedule.sections(self._status, self.state.now())), "Schedule")

    def _send(self, change: ScheduleChange | None) -> None:
        if change is not None:
            self.context.backend.call(
                "schedule-change",
                lambda environment: messages.ScheduleChanged(change(environment)),
                messages.ScheduleChangeFailed,
                self,
            )

    @on(messages.ScheduleChanged)
    def _changed(self, message: messages.ScheduleChanged) -> None:
        self.notify(f"The schedule is {schedule.state(message.status.schedule).text[2:]}.", markup=False)
        self.took(message.status)

    @on(messages.ScheduleChangeFailed)
    def _not_changed(self, message: messages.ScheduleChangeFailed) -> None:
        self.notify(schedule.not_changed(message.error), severity="error", timeout=10, markup=False)
        self.action_refresh()

    def _draw(self) -> None:
        colours = palette(self)
        found = () if self._status is None else schedule.sections(self._status, self.state.now())
        notes = [Section("", (schedule.by_command(),))]
        if self._error is not None:
            notes.insert(0, Section("", (schedule.not_read(self._error),)))
        self.query_one("#schedule-text", Static).update(prose((*found, *notes), colours))
        self.refresh_bindings()


class ChangeScreen(OutgoingDialog[ScheduleChange]):
    """Pausing until a time of day, or resuming."""

    AUTO_FOCUS = "#send"

    def __init__(self, state: ConsoleState, context: LiveContext, found: Schedule, *, pause: bool) -> None:
        super().__init__(state, context)
        self._schedule = found
        self._pause = pause

    def heading(self) -> str:
        return f"{self._verb} the schedule: this will be sent"

    def fields(self) -> ComposeResult:
        if self._pause:
            yield Select(HOURS, value=_USUAL_HOURS, allow_blank=False, id="duration", compact=True)

    def send_button(self) -> Button:
        """The verb; pausing is what a person may regret."""
        return Button(self._verb, variant="warning" if self._pause else "success", id="send", compact=True)

    def outgoing(self) -> tuple[Line, ...]:
        return schedule.what_goes_out(
            self._schedule, pause=self._pause, duration=self._duration, now=self.context.now()
        )

    def advice(self) -> Text:
        choosing = "↑ chooses for how long, Tab comes back. " if self._pause else ""
        return Text(f"Enter sends. {choosing}Esc cancels.", palette(self)[Tone.MUTED])

    def answer(self) -> ScheduleChange:
        duration = self._duration
        if self._pause:
            return lambda environment: environment.schedules.pause(duration)
        return lambda environment: environment.schedules.resume()

    @property
    def _verb(self) -> str:
        return "Pause" if self._pause else "Resume"

    @property
    def _duration(self) -> timedelta | None:
        hours = self.query_one("#duration", Select).value if self._pause else UNTIL_RESUMED
        return timedelta(hours=hours) if isinstance(hours, float) and hours else None
