"""The list of executions: newest first, as far down as one goes."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from qlikops.domain.workflow.execution import ExecutionStatus, ExecutionSummary
from qlikops.presentation import filter as filters
from qlikops.presentation.lists import executions
from qlikops.presentation.problem import explain
from qlikops.presentation.table import Cells
from qlikops.presentation.tone import Tone
from qlikops.tui.model.executing import ExecutionsQuery, LoadedExecutions, LoadedPage
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.screens.execution import ExecutionScreen
from qlikops.tui.screens.filtered import FilteredScreen
from qlikops.tui.screens.runs import RunsScreen
from qlikops.tui.widgets.filtering import FilterBar
from qlikops.tui.widgets.prose import palette
from qlikops.tui.widgets.table import KeyedTable

STATUSES = (None, *(status for status in ExecutionStatus if status is not ExecutionStatus.PENDING_REDRIVE))
"""What `s` goes through; None is all."""


class ExecutionsScreen(FilteredScreen, RunsScreen[LoadedPage]):
    """Pages come as the cursor gets near the end; what is loaded stays, and is kept true page by page."""

    AUTO_FOCUS = "#executions"
    POLL_SECONDS = 3
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "status", "Status", id="status"),
        Binding("slash", "filter", "Filter", key_display="/", id="filter"),
        Binding("n", "start", "New run", id="start"),
        Binding("f", "fold", "Unfold", id="fold", tooltip="shows each run that found nothing, or folds them"),
        Binding("escape", "back", "Clear filter", show=False, id="back"),
    ]

    def __init__(self, state: ConsoleState) -> None:
        super().__init__(state)
        self._loaded = LoadedExecutions()
        self._rows: dict[str, tuple[ExecutionSummary, ...]] = {}
        """The rows by key: an execution, or several that are folded into one row."""
        self._status: ExecutionStatus | None = None
        self._more_wanted = False
        self._folds = True
        self._unfolded: set[str] = set()
        """ARNs of runs that found nothing and are shown all the same."""

    def content(self) -> ComposeResult:
        yield Static(markup=False, id="executions-summary")
        yield FilterBar(self.state, self.place, f"Filter: {filters.HELP}; Esc clears")
        yield Static("Loading …", markup=False, id="empty")
        yield KeyedTable(executions.TABLE.fit, id="executions")

    @property
    def execution(self) -> ExecutionSummary | None:
        """The chosen one; None where several are, folded."""
        return self._chosen[0] if len(self._chosen) == 1 else None

    @property
    def _chosen(self) -> tuple[ExecutionSummary, ...]:
        tables = self.query(KeyedTable)
        return self._rows.get(tables.first().chosen or "", ()) if tables else ()

    # What is asked for

    def action_refresh(self) -> None:
        """Asks for the newest page, or for the one that the cursor is in."""
        if not self.context.backend.busy(self.lane):
            oldest = self._chosen[-1] if self._chosen else None
            self._ask(self._loaded.token_to_refresh(oldest), is_next=False)

    def _ask(self, token: str | None, *, is_next: bool) -> None:
        query = ExecutionsQuery(self._status, token, is_next)
        self.ask(lambda environment: LoadedPage(query, environment.executions.page(query.status, query.token)))

    @on(KeyedTable.NearEnd)
    def _ask_for_more(self) -> None:
        if self._loaded.next_token is None:
            return
        if self.context.backend.busy(self.lane):
            self._more_wanted = True
        else:
            self._ask(self._loaded.next_token, is_next=True)

    def _begin_again(self) -> None:
        self._loaded.clear()
        self._more_wanted = False
        self.table.show((), lambda _: {})
        self.query_one("#empty", Static).update("Loading …")
        self.query_one("#empty").display = True

    # What came

    def took(self, found: LoadedPage) -> None:
        """Shows it, unless something else is asked for by now."""
        query = found.query
        if query.status is not self._status:
            self.action_refresh()
            return
        self.error = None
        if not query.is_next:
            self._loaded.take_refreshed(found.page, query.token)
        elif query.token == self._loaded.next_token:
            self._loaded.take_next(found.page)
        self.show_list()
        if self._more_wanted:
            self._more_wanted = False
            self._ask_for_more()

    def show_list(self) -> None:
        """Draws what is loaded and kept by the filter, runs that found nothing as one row."""
        now, loaded, table = self.state.now(), self._loaded, self.table
        chosen = self.query_one(FilterBar).parse(executions.TABLE.fields)
        kept = loaded.runs
        if chosen:
            kept = [each for each in kept if chosen.matches(executions.ListedExecution(each, now))]
        # A filter asks for rows: what it keeps is not to be looked for in a fold.
        folds = self._folds and not chosen
        rows = dict(executions.folded(kept, self._unfolded) if folds else ((each.arn, (each,)) for each in kept))
        longest = executions.longest_seconds((runs[0] for runs in rows.values() if len(runs) == 1), now)

        def cells(key: str) -> Cells:
            first, *others = rows[key]
            if others:
                return executions.fold_cells(rows[key])
            return executions.TABLE.cells(executions.ListedExecution(first, now, longest))

        if self._chosen and table.chosen and table.chosen not in rows:
            # What lay at the end of a fold, or at its beginning, may lie within it by now.
            arns = {each.arn for each in self._chosen}
            table.chosen = next((key for key, runs in rows.items() if any(each.arn in arns for each in runs)), None)
        self._rows = rows
        table.show(tuple(rows), cells)
        empty = self.query_one("#empty", Static)
        empty.display = not rows
        empty.update(Text(str(explain(self.error)) if self.error else self._why_empty()))
        self._show_summary(len(kept) if chosen else None)
        self.refresh_bindings()
        if chosen and len(rows) <= table.size.height:
            # What the filter looks for may lie further down.
            self._ask_for_more()

    def _why_empty(self) -> str:
        if self._loaded.runs:
            more = "" if self._loaded.complete else " Looking further back …"
            return f"None of the {len(self._loaded.runs):,} loaded matches. Esc clears the filter.{more}"
        if self._status is not None:
            return f"No execution is {self._status}. {self.state.keys['status']} shows others."
        if self.context.read_only:
            return "No execution yet. The schedule starts them."
        return f"No execution yet. The schedule starts them; {self.state.keys['start']} starts one now."

    def _show_summary(self, shown: int | None = None) -> None:
        colours = palette(self)
        total = len(self._loaded.runs)
        which = "all" if self._status is None else f"{self._status} only"
        counts = f"{total:,}" if shown is None else f"{shown:,} of {total:,}"
        text = Text(f"{which}, {counts} loaded{'' if self._loaded.complete else ', more below'}", colours[Tone.MUTED])
        if self.error and total:
            text.append(f"   {explain(self.error)}", colours[Tone.DANGER])
        self.query_one("#executions-summary", Static).update(text)

    @on(KeyedTable.Opened)
    def _open(self, event: KeyedTable.Opened) -> None:
        runs = self._rows.get(event.key, ())
        if len(runs) > 1:
            self._unfolded |= {each.arn for each in runs}
            self.show_list()
        elif runs:
            self.app.push_screen(ExecutionScreen(self.state, runs[0]))

    # Filters

    def action_status(self) -> None:
        """Shows the executions of the next status."""
        self._status = STATUSES[(STATUSES.index(self._status) + 1) % len(STATUSES)]
        self._begin_again()
        self._show_summary()
        self.action_refresh()

    def action_fold(self) -> None:
        """Shows each run that found nothing, or those in a row as one."""
        self._folds = not self._folds
        self._unfolded.clear()
        self.show_list()
