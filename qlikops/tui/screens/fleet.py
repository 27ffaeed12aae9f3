"""The fleet as the last run saw it."""

from __future__ import annotations

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import Static

from qlikops.domain.ports import Environment
from qlikops.presentation import fleet
from qlikops.presentation.problem import explain
from qlikops.presentation.tone import Section
from qlikops.tui import messages
from qlikops.tui.screens.base import PolledScreen
from qlikops.tui.widgets.prose import palette, prose
from qlikops.tui.widgets.table import KeyedTable, Row


class FleetScreen(PolledScreen):
    """Every task, what is wrong first."""

    MODE = "fleet"
    AUTO_FOCUS = "#fleet"
    POLL_SECONDS = 15
    """It changes once a run."""

    def content(self) -> ComposeResult:
        """Counts and sick servers above, tasks below."""
        yield Static("Loading …", markup=False, id="fleet-summary")
        yield KeyedTable(fleet.columns, id="fleet", opens=False)

    def load(self, environment: Environment) -> Message:
        """The snapshot."""
        return messages.FleetLoaded(environment.fleet.snapshot())

    def missed(self, error: Exception) -> Message:
        """Why it did not come."""
        return messages.FleetLoadFailed(error)

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
