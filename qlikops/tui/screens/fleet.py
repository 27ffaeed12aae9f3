"""The fleet as the last run saw it."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from qlikops.presentation import fleet
from qlikops.presentation.problem import explain
from qlikops.presentation.tone import Section
from qlikops.tui import messages
from qlikops.tui.screens.base import ConsoleScreen
from qlikops.tui.widgets.prose import palette, prose
from qlikops.tui.widgets.table import KeyedTable, Row

POLL_SECONDS = 15
"""It changes once a run."""


class FleetScreen(ConsoleScreen):
    """Every task, what is wrong first."""

    MODE = "fleet"
    AUTO_FOCUS = "#fleet"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("r", "refresh", "Refresh")]

    def content(self) -> ComposeResult:
        """Counts and sick servers above, tasks below."""
        yield Static("Loading …", markup=False, id="fleet-summary")
        yield KeyedTable(fleet.columns, id="fleet", opens=False)

    def on_mount(self) -> None:
        """Starts polling."""
        self.set_interval(POLL_SECONDS, self._poll)

    def on_screen_resume(self) -> None:
        """Catches up."""
        super().on_screen_resume()
        self.action_refresh()

    def _poll(self) -> None:
        if self.is_active:
            self.action_refresh()

    def action_refresh(self) -> None:
        """Asks for the snapshot, unless it has been asked for."""
        if not self.state.backend.busy("fleet"):
            self.state.backend.call(
                "fleet",
                lambda environment: messages.FleetLoaded(environment.fleet.snapshot()),
                messages.FleetLoadFailed,
                self,
            )

    @on(messages.FleetLoaded)
    def _take(self, message: messages.FleetLoaded) -> None:
        message.stop()
        snapshot = message.snapshot
        summary = Section("", fleet.summary(snapshot, self.state.now()))
        self.query_one("#fleet-summary", Static).update(prose([summary], palette(self)))
        self.query_one(KeyedTable).show(
            [
                Row(fleet.row_key(task), fleet.version(task), lambda task=task: fleet.cells(task))  # type: ignore[misc]
                for task in fleet.worst_first(snapshot)
            ]
        )

    @on(messages.FleetLoadFailed)
    def _miss(self, message: messages.FleetLoadFailed) -> None:
        message.stop()
        self.query_one("#fleet-summary", Static).update(Text(str(explain(message.error))))
