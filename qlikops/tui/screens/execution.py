"""One execution: its state graph, its events, and what went in and came out."""

from __future__ import annotations

from typing import ClassVar

from rich.console import Group
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import ContentSwitcher, Input, Static

from qlikops.domain.ports import ContextServices
from qlikops.domain.words.text import harmless
from qlikops.domain.workflow.events import HistoryEvent
from qlikops.domain.workflow.execution import ExecutionDetail, ExecutionSummary
from qlikops.domain.workflow.following import ExecutionFollower, FollowedExecution, last_good
from qlikops.domain.workflow.history import StepPath, trace
from qlikops.domain.workflow.logs import calls_of, read_logs
from qlikops.presentation import vocabulary
from qlikops.presentation.lists import events, executions
from qlikops.presentation.pages import chosen_state, comparison, logs
from qlikops.presentation.pictures import drawing, graph
from qlikops.presentation.problem import explain
from qlikops.presentation.table import Cells
from qlikops.presentation.tone import Section, Tone
from qlikops.tui.model import messages
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.screens.runs import RunsScreen
from qlikops.tui.widgets.graph import GraphView
from qlikops.tui.widgets.line import LineInput
from qlikops.tui.widgets.pager import Pager
from qlikops.tui.widgets.prose import palette, prose
from qlikops.tui.widgets.report import ReportView
from qlikops.tui.widgets.table import KeyedTable

GRAPH, EVENTS, PAYLOADS, REPORT, LOGS, DIFFERENCE = "graph", "events", "payloads", "report", "logs", "difference"
_VIEWS = {
    GRAPH: "Graph",
    EVENTS: "Events",
    PAYLOADS: "Data",
    REPORT: "Report",
    LOGS: "Log",
    DIFFERENCE: "Difference",
}
"""Names of the views by the id of the widget, which is also that of the key."""
_ASKED_FOR = (LOGS, DIFFERENCE)
_PAGED = (PAYLOADS, *_ASKED_FOR)
_PANEL_FROM = 160
"""Columns from which the chosen state stands beside the graph."""
_RUNS_IN_PANEL = 3
_NOWHERE = StepPath("")


class ExecutionScreen(RunsScreen[FollowedExecution]):
    """Views of one execution, in the context in which it was opened."""

    AUTO_FOCUS = f"#{GRAPH}"
    POLL_SECONDS = 3
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="back"),
        # The line of the views names these.
        Binding("g", "view('graph')", "Graph", show=False, id="graph"),
        Binding("e", "view('events')", "Events", show=False, id="events"),
        Binding("i", "view('payloads')", "Input and output", show=False, id="payloads"),
        Binding("p", "view('report')", "Report", show=False, id="report", tooltip="what the run found and did"),
        Binding("l", "view('logs')", "Log lines", show=False, id="logs", tooltip="of the functions that it called"),
        Binding("d", "view('difference')", "Difference", show=False, id="difference", tooltip="to the last good run"),
        Binding("f", "fold", "Unfold", id="fold", tooltip="shows the states that nothing ran through"),
        Binding("slash", "search", "Search", key_display="/", id="search"),
        Binding("n", "step(1)", "Next match", show=False, id="next-match"),
        Binding("N", "step(-1)", "Match before", show=False, id="match-before"),
    ]

    def __init__(self, state: ConsoleState, execution: ExecutionSummary) -> None:
        super().__init__(state)
        self._follower = ExecutionFollower(execution.arn)
        self._followed = FollowedExecution(ExecutionDetail(execution, None), (), trace(()), None)
        self._is_read = False
        self._event_at: dict[int, int] = {}
        """Event id -> place in the list."""
        self._subject = ""
        """The state, item or event whose payloads are shown; empty: the execution's own."""
        self._graph: graph.Graph | None = None
        self._logs_of = ""
        """The state or item whose log lines are shown; empty before any are."""
        self._texts: dict[str, str] = {}
        """What was asked for, by its view."""
        self._unfolded = False
        self._needle = ""
        self._search_said = ""

    def content(self) -> ComposeResult:
        yield Static("Loading …", markup=False, id="execution-heading")
        yield Static(markup=False, id="views")
        with Horizontal(id="views-and-panel"):
            with ContentSwitcher(initial=GRAPH, id="view"):
                yield GraphView(id=GRAPH)
                yield KeyedTable(events.columns, id=EVENTS)
                yield Pager(id=PAYLOADS)
                yield ReportView(id=REPORT)
                yield Pager(id=LOGS)
                yield Pager(id=DIFFERENCE)
            yield Pager(id="panel")
        keys = self.state.keys
        go_on = f"{keys['next-match']} and {keys['match-before']} go on"
        yield LineInput(placeholder=f"Search; Enter finds, {go_on}", id="search", compact=True)

    def on_mount(self) -> None:
        """The search opens with its key."""
        self.query_one("#search").display = False
        self._show_views()

    @property
    def execution(self) -> ExecutionSummary:
        return self._followed.detail.summary

    @property
    def place(self) -> str:
        """Not the list."""
        return "execution"

    # What is asked for, and what came

    def poll(self) -> None:
        """What is over does not change by itself."""
        if not (self._is_read and self._followed.is_over):
            self.action_refresh()

    def load(self, environment: ContextServices) -> FollowedExecution:
        """The execution with what is new of its history."""
        return self._follower.read(environment.executions)

    def took(self, found: FollowedExecution) -> None:
        known = len(self._followed.events) if self._is_read else -1
        self._followed = followed = found
        self._is_read = True
        self._show_heading()
        self._show_graph()
        if known != len(followed.events):
            keys = [str(event.id) for event in followed.events]
            self._event_at = {event.id: index for index, event in enumerate(followed.events)}
            self.query_one(f"#{EVENTS}", KeyedTable).show(keys, self._event_cells)
        self._show_views()
        self._show_payloads()
        if self._view == LOGS and not followed.is_over:
            self._ask_for(LOGS)
        self.refresh_bindings()

    def _show_graph(self) -> None:
        followed, now = self._followed, self.state.now()
        view = self.query_one(GraphView)
        # The path of an item is lit while the cursor is on it.
        item = view.chosen if view.chosen.startswith("item ") else ""
        self._graph = made = graph.graph(followed.machine, followed.detail, now, unfolded=self._unfolded, chosen=item)
        view.show(lambda width: drawing.draw(made, width, now, self.state.keys["fold"], item), made.here)
        self._show_panel()

    def _show_panel(self) -> None:
        """Shows the chosen state beside the graph, if there is room."""
        panel, view = self.query_one("#panel", Pager), self.query_one(GraphView)
        panel.display = self._view == GRAPH and self.size.width >= _PANEL_FROM
        stop = view.stops.get(view.chosen)
        if panel.display and stop is not None and self._graph is not None:
            keys, machine = self.state.keys, self._followed.machine
            short = chosen_state.text(self._graph, view.chosen, machine, self.state.now(), keys["logs"])
            panel.show(f"{short}\n\n{events.state_text(stop.visits, self._event, _RUNS_IN_PANEL)}")

    def on_resize(self) -> None:
        """There is room for the panel now, or none any more."""
        self._show_panel()

    def action_fold(self) -> None:
        """Draws the states that nothing ran through, or folds them."""
        self._unfolded = not self._unfolded
        self._show_graph()

    @on(GraphView.Chosen)
    def _light(self) -> None:
        self._show_graph()
        self.refresh_bindings()

    def missed(self, error: Exception) -> None:
        self._show_heading(Text(str(explain(error)), palette(self)[Tone.DANGER]))

    def _show_heading(self, problem: Text | None = None) -> None:
        followed = self._followed
        section = Section("", executions.headline(followed.detail, self.state.now()))
        note = graph.definition_note(followed.machine, followed.problem) if self._is_read else "Loading …"
        below = problem or Text(note, palette(self)[Tone.WARNING])
        parts = [prose([section], palette(self)), *([below] if below.plain else [])]
        self.query_one("#execution-heading", Static).update(Group(*parts))

    def _event_cells(self, key: str) -> Cells:
        event = self._followed.events[self._event_at[int(key)]]
        return events.cells(event, self._followed.trace.places.get(event.id, _NOWHERE))

    # The views

    @property
    def _view(self) -> str:
        return self.query_one(ContentSwitcher).current or GRAPH

    def action_view(self, view: str) -> None:
        """Shows a view; input and output are those of the execution, unless a row was opened."""
        if view == PAYLOADS:
            self._subject = ""
            self._show_payloads()
        if view == REPORT and not self.query_one(ReportView).markdown:
            self._ask_for_report()
        if view in _ASKED_FOR and self._is_read:
            self._logs_of = self.query_one(GraphView).chosen
            self._texts.pop(view, None)
            self.query_one(f"#{view}", Pager).show("Loading …")
            self._ask_for(view)
        self._switch(view)

    def _ask_for(self, view: str) -> None:
        """Has the text of a view made off the UI thread, unless that is under way."""
        about = self._about(view)
        lane = f"{self.lane}-{view}-{about}"
        if self.context.backend.busy(lane):
            return
        followed, now = self._followed, self.state.now()
        stop = self.query_one(GraphView).stops.get(about)
        visits = stop.visits if stop else ()

        def work(environment: ContextServices) -> messages.TextLoaded:
            role = environment.executions
            if view == REPORT:
                return messages.TextLoaded(view, environment.fleet.report_markdown(followed.detail.summary.name))
            if followed.detail.history is None:
                return messages.TextLoaded(view, followed.detail.history_note, about)
            if view == LOGS:
                calls = calls_of(followed, visits)
                found = read_logs(role.log_lines, calls, now)
                return messages.TextLoaded(view, logs.text(followed.machine, visits, calls, found, now), about)
            good = last_good(role, followed.detail.summary)
            if good is None:
                return messages.TextLoaded(view, comparison.none(followed.detail.summary))
            then = ExecutionFollower(good.arn).read(role)
            gone = comparison.gone(followed, then)
            return messages.TextLoaded(view, gone or comparison.text(comparison.compare(followed, then, now)))

        self.context.backend.call(lane, work, lambda error: messages.TextLoadFailed(error, view, about=about), self)

    def _about(self, view: str) -> str:
        return self._logs_of if view == LOGS else ""

    @on(messages.TextLoaded)
    def _take_text(self, message: messages.TextLoaded) -> None:
        # What was asked about another state may come late.
        if message.about != self._about(message.view):
            return
        if message.view == REPORT:
            self.query_one(ReportView).show(message.text)
            return
        self._texts[message.view] = message.text
        self.query_one(f"#{message.view}", Pager).show(message.text, from_top=False)

    @on(messages.TextLoadFailed)
    def _miss_text(self, message: messages.TextLoadFailed) -> None:
        if message.about != self._about(message.asked):
            return
        words = str(explain(message.error))
        if message.asked == REPORT:
            self.query_one(ReportView).say(words)
            return
        self._texts.pop(message.asked, None)
        self.query_one(f"#{message.asked}", Pager).show(words)

    def _ask_for_report(self) -> None:
        run = self.execution.run
        view = self.query_one(ReportView)
        if run is None or (run.finished_at is None and run.outcomes is None):
            view.say("No report yet: a run writes it once its last proposal is decided.")
            return
        view.say("Loading …")
        self._ask_for(REPORT)

    def action_copy(self) -> None:
        """Copies the report as it lies in S3, log lines or the difference while they are shown, else the ARN."""
        shown = self.query_one(ReportView).markdown if self._view == REPORT else self._texts.get(self._view, "")
        if shown:
            self.copy(shown, f"{_VIEWS[self._view]} of {self.execution.name}")
        else:
            super().action_copy()

    def _switch(self, view: str) -> None:
        self.query_one(ContentSwitcher).current = view
        self.set_focus(self.query_one(f"#{view}"))
        self._show_panel()
        self._show_views("")

    @on(KeyedTable.Opened)
    @on(GraphView.Opened)
    def _open(self, event: KeyedTable.Opened | GraphView.Opened) -> None:
        self._subject = f"{self._view}/{event.key}"
        self._show_payloads()
        self._switch(PAYLOADS)

    def _show_payloads(self) -> None:
        if self._is_read:
            self.query_one(f"#{PAYLOADS}", Pager).show(self._payloads(self._followed))

    def _payloads(self, followed: FollowedExecution) -> str:
        table, _, key = self._subject.partition("/")
        if table == GRAPH and key in (stops := self.query_one(GraphView).stops):
            return events.state_text(stops[key].visits, self._event)
        if table == EVENTS and (event := self._event(int(key))):
            return events.event_text(event, followed.trace.places.get(event.id, _NOWHERE))
        return events.execution_text(followed.detail)

    def _event(self, event_id: int) -> HistoryEvent | None:
        index = self._event_at.get(event_id)
        return None if index is None else self._followed.events[index]

    def _show_views(self, found: str | None = None) -> None:
        """Names the views, and what a search `found`; without that, what it said last stands."""
        found = self._search_said = self._search_said if found is None else found
        colours, text = palette(self), Text()
        for view, name in _VIEWS.items():
            text.append(f" {self.state.keys[view]} {name} ", "reverse" if view == self._view else colours[Tone.MUTED])
        if found:
            text.append(f"  {found}", colours[Tone.INFO])
        elif self._is_read:
            text.append(f"  {vocabulary.count(len(self._followed.events), 'event')}", colours[Tone.MUTED])
        self.query_one("#views", Static).update(text)

    def action_back(self) -> None:
        """Goes out of the search, then from what is about a row to the row, then to the list."""
        if self.query_one("#search").display:
            self._close_search()
        elif self._view == REPORT and self._needle:
            self._needle = ""
            self.query_one(ReportView).search("")
            self._show_views("")
        elif self._view == PAYLOADS and self._subject:
            self._switch(self._subject.partition("/")[0])
        elif self._view in _ASKED_FOR:
            self._switch(GRAPH)
        else:
            super().action_back()

    # Searching

    def action_search(self) -> None:
        """Opens the search line."""
        self.query_one("#search").display = True
        self.set_focus(self.query_one("#search"))

    def _close_search(self) -> None:
        self.query_one("#search").display = False
        self.set_focus(self.query_one(f"#{self._view}"))

    @on(Input.Submitted, "#search")
    def _search(self, event: Input.Submitted) -> None:
        self._needle = event.value
        self._close_search()
        if self._view in _PAGED:
            self.query_one(f"#{self._view}", Pager).search(self._needle)
        elif self._view == REPORT:
            self.query_one(ReportView).search(self._needle)
            self._show_views("what holds it; Esc shows all" if self._needle else "")
        else:
            self.action_step(1)

    def action_step(self, by: int) -> None:
        """Goes to the next match, or the one before; round and round."""
        if not self._needle or self._view == REPORT:
            return
        if self._view in _PAGED:
            self.query_one(f"#{self._view}", Pager).step(by)
        else:
            self._step_in(by)

    def _step_in(self, by: int) -> None:
        needle = self._needle.casefold()
        view = self.query_one(GraphView) if self._view == GRAPH else self.query_one(f"#{self._view}", KeyedTable)
        keys = view.keys
        matches = [index for index, key in enumerate(keys) if needle in self._row_text(key).casefold()]
        here = keys.index(view.chosen) if view.chosen in keys else -1
        if not matches:
            self._show_views(f"“{harmless(self._needle, 40)}” is not in here")
            return
        onward = [index for index in matches if index > here] if by > 0 else [i for i in matches[::-1] if i < here]
        index = onward[0] if onward else matches[0 if by > 0 else -1]
        view.choose(keys[index])
        self._show_views(f"match {matches.index(index) + 1} of {len(matches):,}")

    def _row_text(self, key: str) -> str:
        if self._view == GRAPH:
            return self.query_one(GraphView).stops[key].text
        event = self._followed.events[self._event_at[int(key)]]
        return events.search_text(event, self._followed.trace.places.get(event.id, _NOWHERE))

    @on(Pager.Found)
    def _found(self, event: Pager.Found) -> None:
        if self._needle:
            count = f"match {event.number} of {event.total:,}"
            self._show_views(count if event.total else f"“{harmless(self._needle, 40)}” is not in here")
