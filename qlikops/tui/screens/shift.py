"""The shift: what went wrong, what is not certain yet, what lasted, what is kept quiet, planned and waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from itertools import groupby
from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from qlikops.domain.gathered.decided import Known
from qlikops.domain.gathered.shift import Shift, gather_shift
from qlikops.domain.gathered.shift_entry import ShiftEntry
from qlikops.domain.ports import ContextServices
from qlikops.domain.runs.plan import Plan
from qlikops.domain.runs.snapshot import TaskSnapshot
from qlikops.presentation import filter as filters
from qlikops.presentation.headline import Headline
from qlikops.presentation.lists import shift_rows as shift
from qlikops.presentation.lists.plans import nothing_to_lift
from qlikops.presentation.lists.shift_rows import ShiftRow, ShiftSection
from qlikops.presentation.problem import explain
from qlikops.presentation.tone import Line, Section, Span, Tone
from qlikops.tui.model import messages
from qlikops.tui.model.links import Links, RecordLink, RunLink, TaskLink, TasksLink
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.screens.filtered import FilteredScreen
from qlikops.tui.screens.ordering import LiftScreen, OrderingScreen
from qlikops.tui.widgets.filtering import FilterBar
from qlikops.tui.widgets.grouped import GroupedTable
from qlikops.tui.widgets.headline import ROOMY
from qlikops.tui.widgets.prose import LABEL_WIDTH, palette, prose

HOURS = (12, 24, 72)
"""What `s` goes through."""
_MARGIN = 4


class ShiftScreen(FilteredScreen, OrderingScreen[Shift]):
    """A shift in groups, below the strip of its hours."""

    MODE = "shift"
    AUTO_FOCUS = "#shift"
    POLL_SECONDS = 15
    """After the first one, a reading costs two ListExecutions, a Query for each run under way, one for what waits, one
    conditional GET, and a read for each proposal that something may have become of."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "take_back", "Ask me again", id="take-back", tooltip="ends what keeps it quiet, a plan, a claim"),
        Binding("y", "copy", "Copy as Markdown", id="copy", tooltip="for the next shift"),
        Binding("s", "hours", "Hours", id="hours", tooltip="looks back further"),
        Binding("slash", "filter", "Filter", key_display="/", id="filter"),
        Binding("escape", "back", "Whole shift", id="back"),
    ]

    def __init__(self, state: ConsoleState) -> None:
        super().__init__(state)
        self._hours = HOURS[0]
        self._known = Known()
        """Only the lane of this screen reads and changes it."""
        self._shift: Shift | None = None
        self._rows: Mapping[str, ShiftRow] = {}
        """All of them, in order."""
        self._folded = {str(ShiftSection.WAITS), str(ShiftSection.OTHER)}
        self._seen_at = state.visited(self.context.name)
        """When the person looked last, before this visit."""

    def content(self) -> ComposeResult:
        yield Static("Loading …", markup=False, id="hours")
        yield FilterBar(self.state, self.place, f"Filter: {shift.FILTER_EXAMPLE}; {filters.HELP}")
        yield GroupedTable(shift.columns, id="shift")

    @property
    def table(self) -> GroupedTable:
        return self.query_one(GroupedTable)

    def load(self, environment: ContextServices) -> Shift:
        """What has changed since the last reading."""
        now, known = self.state.now(), self._known
        return gather_shift(environment, now - timedelta(hours=self._hours), now, known)

    def took(self, found: Shift) -> None:
        self._shift, self.error = found, None
        self.show_list()

    def catch_up(self) -> None:
        """What came since the last visit is new for as long as this one lasts."""
        self._seen_at = self.state.visited(self.context.name)
        super().catch_up()

    @on(events.ScreenSuspend)
    @on(events.Unmount)
    def _leave(self) -> None:
        self.state.visits(self.context.name)

    def headline(self) -> Headline | None:
        """The handover's first sentence."""
        if self._shift is None:
            return None
        rows = tuple(self._rows.values())
        wrong = sum(row.group is ShiftSection.WRONG for row in rows)
        counts = (Span(shift.first_sentence(rows, self._shift.since)),)
        return Headline(f"{wrong:,}", counts, (shift.second_sentence(rows, self._seen_at),))

    def state_changed(self) -> None:
        """Who one is may have become known."""
        self.show_list()
        super().state_changed()

    def on_resize(self) -> None:
        """The strip has room for more or less."""
        super().on_resize()
        self.show_list()

    def show_list(self) -> None:
        """Draws the groups, with what the filter keeps of each."""
        if self._shift is None:
            if self.error is not None:
                self.query_one("#hours", Static).update(Text(str(explain(self.error))))
            return
        self._rows = {row.key: row for row in shift.rows(self._shift, self.context.caller, self._seen_at)}
        kept = self.query_one(FilterBar).parse(shift.TABLE.fields)
        shown = list(filter(kept.matches, self._rows.values()))
        groups = {title: [row.key for row in rows] for title, rows in groupby(shown, lambda row: str(row.group))}
        # What one looks for is not to be looked for under a fold.
        folded = () if kept else self._folded
        is_roomy = self.app.size.height >= ROOMY
        self.table.show_groups(groups, folded, lambda key: shift.TABLE.cells(self._rows[key]), is_roomy=is_roomy)
        self._show_strip()
        self.draw_frame()
        self.refresh_bindings()

    def _show_strip(self) -> None:
        """Not on short terminals: the rows are worth more there."""
        strip = self.query_one("#hours", Static)
        if self._shift is None:
            return
        lines: list[Line] = []
        if self.error is not None:
            lines.append(Line("not read", (Span(str(explain(self.error)), Tone.DANGER),)))
        if not self._shift.is_complete:
            lines.append(Line("note", (Span("there were more runs than are looked at", Tone.WARNING),)))
        if self.app.size.height >= ROOMY:
            cells = self.size.width - LABEL_WIDTH - 1 - _MARGIN
            lines += shift.hours(self._rows.values(), self._shift.since, self._shift.until, cells)
        strip.display = bool(lines)
        strip.update(prose([Section("", tuple(lines))], palette(self)))

    # What is chosen, and where it leads

    @property
    def chosen(self) -> ShiftRow | None:
        """The row under the cursor."""
        return self._rows.get(self.table.chosen or "") if self.is_mounted else None

    def links(self) -> Links:
        row, name = self.chosen, self.context.name
        if row is None:
            return Links()
        record = RecordLink(name, row.entry.approval_id, row.entry.label) if row.entry else None
        task = TaskLink(name, row.task) if row.task else None
        tasks = TasksLink(name, row.entry.approval_id, row.entry.label) if row.entry and not row.task else None
        return Links(record, task or tasks, run=RunLink(name, row.execution_name) if row.execution_name else None)

    def chosen_values(self) -> Mapping[str, str]:
        row = self.chosen
        values = {"context": self.context.name}
        if row is not None and row.task is not None:
            values |= asdict(row.task)
        if row is not None and row.entry is not None:
            values["id"] = row.entry.approval_id
        return values

    @on(GroupedTable.Opened)
    def _open(self, event: GroupedTable.Opened) -> None:
        if title := GroupedTable.group_of(event.key):
            self._folded ^= {title}
            self.show_list()
            return
        found = self.links()
        if link := found.record or found.run or found.task:
            self.state.navigation.go(link)

    # What can be done

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What cannot be taken back has no key for it."""
        if action == "back":
            return FilterBar.is_open_in(self)
        if action == "take_back":
            return False if self._what_to_take_back() is None else super().check_action("lift", parameters)
        if action == "lift":  # one key does it here, whatever it is
            return False
        return super().check_action(action, parameters)

    def _what_to_take_back(self) -> TaskSnapshot | Plan | ShiftEntry | str | None:
        """What keeps the chosen one quiet, or the id of what one has claimed."""
        row, snapshot = self.chosen, self._shift.snapshot if self._shift else None
        if row is None:
            return None
        if row.plan is not None:
            return row.plan
        now = self.state.now()
        task = next((each for each in snapshot.tasks if each.facts.key == row.task), None) if snapshot else None
        if task is not None and not nothing_to_lift(task, now):
            return task
        entry = row.entry
        if entry is None:
            return None
        waiting = self.context.row(entry.approval_id)
        if waiting is not None:
            claim = waiting.claim
            return entry.approval_id if claim and claim.by == self.context.caller and claim.until > now else None
        return entry if row.task is None and not nothing_to_lift(entry, now) else None

    def action_take_back(self) -> None:
        """Ends what keeps the chosen one quiet, a plan, or one's own claim."""
        what = self._what_to_take_back()
        if isinstance(what, str):
            self.context.release(what, self)
        elif what is not None:
            self.confirm(LiftScreen(self.state, self.context, what))

    @on(messages.Claimed)
    def _released(self, message: messages.Claimed) -> None:
        self.notify(f"{message.approval_id}: you look at it no longer.", markup=False)
        self.context.load_rows(self.app)

    def action_copy(self) -> None:
        """Copies the shift for the next one, in the order of the screen."""
        if self._shift is not None:
            name = self.context.name if self.state.several else ""
            rows = tuple(self._rows.values())
            self.copy(shift.markdown(rows, self._shift.since, name), "Shift, as Markdown")

    def action_hours(self) -> None:
        """Looks back further, round and round."""
        self._hours = HOURS[(HOURS.index(self._hours) + 1) % len(HOURS)]
        self._known = Known()
        self.notify(f"The last {self._hours} hours.", markup=False)
        self.action_refresh()
