"""One endpoint and the tasks on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from qlikops.domain.fleet.endpoint import EndpointKey
from qlikops.domain.gathered.since import read_fleet
from qlikops.domain.ports import ContextServices
from qlikops.domain.runs.snapshot import FleetSnapshot
from qlikops.presentation.lists import fleet
from qlikops.presentation.pages import endpoint
from qlikops.presentation.problem import explain
from qlikops.presentation.tone import Section
from qlikops.tui.model import links
from qlikops.tui.model.context import LiveContext
from qlikops.tui.model.links import Links, TaskLink
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.screens.base import PolledScreen
from qlikops.tui.widgets.prose import palette, prose
from qlikops.tui.widgets.table import KeyedTable


class EndpointScreen(PolledScreen[FleetSnapshot]):
    """What is known of it from the last run; each of its tasks opens."""

    MODE = "fleet"
    AUTO_FOCUS = "#endpoint"
    POLL_SECONDS = 15
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", "Back", id="back")]

    def __init__(self, state: ConsoleState, context: LiveContext, key: EndpointKey) -> None:
        super().__init__(state, context)
        self._key = key
        self._shown: Mapping[str, fleet.FleetRow] = {}

    def content(self) -> ComposeResult:
        yield Static("Loading …", markup=False, id="endpoint-summary")
        yield KeyedTable(fleet.TABLE.fit, id="endpoint")

    def load(self, environment: ContextServices) -> FleetSnapshot:
        return read_fleet(environment).snapshot

    def took(self, found: FleetSnapshot) -> None:
        """Shows it, what is wrong first."""
        now = self.state.now()
        lines = tuple(endpoint.summary(found, self._key, now))
        self.query_one("#endpoint-summary", Static).update(prose([Section("", lines)], palette(self)))
        on_it = {task.facts.key for task in endpoint.tasks_on(found, self._key)}
        tasks = [each for each in fleet.listed(found, now) if each.facts.key in on_it]
        self._shown = {each.facts.key.full: each for each in fleet.TABLE.sorted(tasks, fleet.TABLE.orders[0])}
        self.query_one(KeyedTable).show(tuple(self._shown), lambda key: fleet.TABLE.cells(self._shown[key]))
        self.refresh_bindings()

    def missed(self, error: Exception) -> None:
        """Says why in the place of what is not known, or beside it."""
        if self._shown:
            super().missed(error)
        else:
            self.query_one("#endpoint-summary", Static).update(Text(str(explain(error))))

    def links(self) -> Links:
        chosen = self._shown.get(self.query_one(KeyedTable).chosen or "") if self._shown else None
        return Links() if chosen is None else links.of_task(self.context.name, chosen.task)

    @on(KeyedTable.Opened)
    def _open(self, event: KeyedTable.Opened) -> None:
        if row := self._shown.get(event.key):
            among = [TaskLink(self.context.name, each.facts.key) for each in self._shown.values()]
            self.state.navigation.go(TaskLink(self.context.name, row.facts.key), among)
