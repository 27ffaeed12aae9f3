"""The fleet as the last run saw it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.gathered.shift_entry import ShiftEntry
from qlikops.domain.gathered.since import FleetNow, read_fleet
from qlikops.domain.ports import ContextServices
from qlikops.domain.runs.snapshot import FleetSnapshot
from qlikops.presentation import filter as filters
from qlikops.presentation.lists import fleet
from qlikops.presentation.lists.folding import Fold, folded
from qlikops.presentation.problem import explain
from qlikops.presentation.table import Cells
from qlikops.presentation.tone import Section, Span, Tone, line
from qlikops.tui.model import links
from qlikops.tui.model.context import LiveContext
from qlikops.tui.model.links import Links, TaskLink
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.screens.filtered import FilteredScreen
from qlikops.tui.screens.ordering import LiftScreen, OrderingScreen
from qlikops.tui.screens.plans import PlansScreen
from qlikops.tui.widgets.filtering import FilterBar
from qlikops.tui.widgets.prose import palette, prose
from qlikops.tui.widgets.table import KeyedTable

ROOMY = 30
"""Lines from which on what is well is a row a server; with fewer it is one row."""


class FleetScreen(FilteredScreen, OrderingScreen[FleetNow]):
    """Every task, what is wrong first."""

    MODE = "fleet"
    AUTO_FOCUS = "#fleet"
    POLL_SECONDS = 15
    """It changes once a run."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", key_display="/", id="filter"),
        Binding("s", "sort", "Sort", id="sort"),
        Binding(
            "f",
            "fold",
            "Unfold",
            id="fold",
            tooltip="shows each task, or folds them",
        ),
        Binding("w", "plans", "Planned work", id="planned-work"),
        Binding("escape", "back", "Back", id="back"),
    ]

    def __init__(self, state: ConsoleState, context: LiveContext | None = None, narrowed: str = "") -> None:
        """`narrowed` is the filter that it opens with."""
        super().__init__(state, context)
        self._narrowed = narrowed
        self._snapshot: FleetSnapshot | None = None
        self._deeds: Mapping[TaskKey, ShiftEntry] = {}
        """What was decided since, as the ledger had it."""
        self._shown_deeds: Mapping[TaskKey, ShiftEntry] = {}
        """The deeds that are shown, with what this console has learnt since."""
        self._order = fleet.TABLE.orders[0]
        self._before: str | None = None
        """What was chosen when the filter was opened."""
        self._rows: Mapping[str, fleet.FleetRow | Fold] = {}
        """The rows by key: a task, or several that are folded into one row."""
        self._tasks: list[fleet.FleetRow] = []
        """All that the filter keeps, in the order of the list."""
        self._keeps_all = True
        """Whether the filter leaves none out."""
        self._folds = True
        self._unfolded: set[str] = set()

    def content(self) -> ComposeResult:
        yield Static("Loading …", markup=False, id="fleet-summary")
        yield FilterBar(self.state, self.place, f"Filter: {fleet.FILTER_EXAMPLE}; {filters.HELP}", self._narrowed)
        yield KeyedTable(fleet.TABLE.fit, id="fleet")

    def load(self, environment: ContextServices) -> FleetNow:
        return read_fleet(environment)

    def took(self, found: FleetNow) -> None:
        self._snapshot, self._deeds, self.error = found.snapshot, found.deeds, None
        self.show_list()

    def state_changed(self) -> None:
        """What is decided here is seen at once."""
        if self.context.deeds(self._deeds) != self._shown_deeds:
            self.show_list()
        super().state_changed()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is a way back from a filter, and to where the list was opened as part of something else."""
        if action == "back":
            return self._is_filtered or self.state.navigation.can_go_back
        return super().check_action(action, parameters)

    @property
    def _is_filtered(self) -> bool:
        return FilterBar.is_open_in(self) and not self._narrowed

    def action_filter(self) -> None:
        """Opens the filter, and remembers what is chosen."""
        self._before = self.table.chosen
        super().action_filter()

    def action_back(self) -> None:
        """Shows every task again, or goes back to where the list was opened."""
        if self._is_filtered:
            super().action_back()
        else:
            self.state.navigation.back()

    def links(self) -> Links:
        chosen = self._chosen
        return Links() if chosen is None else links.of_task(self.context.name, chosen.task)

    @property
    def _chosen(self) -> fleet.FleetRow | None:
        """The chosen task; None where several are, folded."""
        row = self._rows.get(self.table.chosen or "") if self.is_mounted else None
        return row if isinstance(row, fleet.FleetRow) else None

    def action_fold(self) -> None:
        """Shows every task by itself, or folds those that say the same."""
        self._folds = not self._folds
        self._unfolded.clear()
        self._show_rows()

    def on_resize(self) -> None:
        """There may be room for a row a server now."""
        super().on_resize()
        self._show_rows()

    def action_sort(self) -> None:
        """The next order."""
        self._order = fleet.TABLE.order_after(self._order)
        self.show_list()

    def action_lift(self) -> None:
        """Ends what keeps the chosen task quiet."""
        chosen = self._chosen
        if chosen is not None:
            self.confirm(LiftScreen(self.state, self.context, chosen.task))

    def action_plans(self) -> None:
        """Opens planned work."""
        self.app.push_screen(PlansScreen(self.state))

    def left_filter(self, table: KeyedTable, *, closed: bool) -> None:
        """Chooses again what was chosen before: while the filter was typed, the row may have been out of sight."""
        if closed and self._before is not None and self._before in self._rows:
            table.choose(self._before)
        self._before = None

    def show_list(self) -> None:
        """The snapshot under the filter; the cursor stays on its task."""
        summary, snapshot, now = self.query_one("#fleet-summary", Static), self._snapshot, self.state.now()
        colours = palette(self)
        if snapshot is None:
            if self.error is not None:
                summary.update(Text(str(explain(self.error))))
            return
        kept = self.query_one(FilterBar).parse(fleet.TABLE.fields)
        self._shown_deeds = self.context.deeds(self._deeds)
        listed = fleet.listed(snapshot, now, self._shown_deeds, self.context.caller)
        tasks = self._tasks = fleet.TABLE.sorted(filter(kept.matches, listed), self._order)
        lines = [*fleet.summary(snapshot, now), line("shown", fleet.shown(len(tasks), snapshot, self._order))]
        if self.error is not None:
            lines.append(line("not read", Span(str(explain(self.error)), Tone.DANGER)))
        summary.update(prose([Section("", tuple(lines))], colours))
        self._keeps_all = len(tasks) == len(listed)
        self._show_rows()

    def _show_rows(self) -> None:
        """Draws the tasks as rows, anew if only what is folded has changed."""
        if self._snapshot is None:
            return
        table = self.table
        # A filter or a sort asks for rows; and the cursor stays on its task.
        folds = self._folds and self._keeps_all and self._order is fleet.TABLE.orders[0]
        alone = {*self._unfolded, table.chosen or ""} if folds else {each.facts.key.full for each in self._tasks}
        self._rows = folded(self._tasks, alone, by_server=self.app.size.height >= ROOMY)

        def cells(key: str) -> Cells:
            row = self._rows[key]
            return row.cells if isinstance(row, Fold) else fleet.TABLE.cells(replace(row, now=self.state.now()))

        table.show(tuple(self._rows), cells)

    def chosen_values(self) -> Mapping[str, str]:
        chosen = self._chosen
        return {} if chosen is None else {**asdict(chosen.facts.key), "context": self.context.name}

    @on(KeyedTable.Opened, "#fleet")
    def _open(self, event: KeyedTable.Opened) -> None:
        row = self._rows.get(event.key)
        if isinstance(row, Fold):
            keys = [each.facts.key.full for each in row.tasks]
            self._unfolded.update(keys)
            self._show_rows()
            self.table.choose(keys[0])
        elif row is not None:
            among = [TaskLink(self.context.name, each.facts.key) for each in self._tasks]
            self.state.navigation.go(TaskLink(self.context.name, row.facts.key), among)
