"""Planned work as the last run knew it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from qlikops.domain.ports import ContextServices
from qlikops.domain.runs.snapshot import FleetSnapshot
from qlikops.presentation.lists import plans
from qlikops.presentation.problem import explain
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.screens.ordering import LiftScreen, OrderingScreen, PlanScreen
from qlikops.tui.widgets.table import KeyedTable


class PlansScreen(OrderingScreen[FleetSnapshot]):
    """What `qlikops plan` prints, with planning and ending."""

    MODE = "fleet"
    AUTO_FOCUS = "#plans"
    POLL_SECONDS = 15
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "plan", "Plan work", id="plan"),
        Binding("escape", "back", "Back", id="back"),
    ]

    def __init__(self, state: ConsoleState) -> None:
        super().__init__(state)
        self._snapshot: FleetSnapshot | None = None
        self._rows: Mapping[str, plans.PlanRow] = {}

    def content(self) -> ComposeResult:
        yield Static("Loading …", markup=False, id="plans-summary")
        yield KeyedTable(plans.TABLE.fit, id="plans")

    def load(self, environment: ContextServices) -> FleetSnapshot:
        return environment.fleet.snapshot()

    def took(self, found: FleetSnapshot) -> None:
        self._snapshot = found
        now = self.state.now()
        self._rows = {row.plan.plan_id: row for row in plans.listed(found, now)}
        self.query_one("#plans-summary", Static).update(Text(plans.summary(found, now)))
        self.query_one(KeyedTable).show(tuple(self._rows), lambda key: plans.TABLE.cells(self._rows[key]))
        self.refresh_bindings()

    def missed(self, error: Exception) -> None:
        self.query_one("#plans-summary", Static).update(Text(str(explain(error))))

    def action_plan(self) -> None:
        """Asks what for, then sends."""
        if self._snapshot is not None:
            self.confirm(PlanScreen(self.state, self.context, self._snapshot))

    def action_lift(self) -> None:
        """Ends the chosen one."""
        row = self._rows.get(self.query_one(KeyedTable).chosen or "")
        if row is not None:
            self.confirm(LiftScreen(self.state, self.context, row.plan))

    @on(KeyedTable.Opened, "#plans")
    def _open(self, event: KeyedTable.Opened) -> None:
        if row := self._rows.get(event.key):
            self.notify(plans.whole(row.plan, self.state.now()), timeout=15, markup=False)
