"""The inbox as a list: which rows the filter lets through, in which order, which one is chosen, which are marked."""

from __future__ import annotations

import functools
from dataclasses import replace

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from qlikops.presentation.filter import HELP
from qlikops.presentation.lists import executions, inbox
from qlikops.presentation.table import Cells, Column
from qlikops.tui.model.context import LiveContext, WaitingRow
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.modes import INBOX
from qlikops.tui.widgets.filtering import FilterBar
from qlikops.tui.widgets.table import KeyedTable

TICK_SECONDS = 60
"""How often the ages are written anew, even if no answer comes."""
WIDE = 160
"""The width in cells from which on the record stands beside the list."""
BY_CAUSE = "cause"
"""The grouping as preferences spell it."""


class WaitingList(Vertical):
    """Says when another row is chosen, or none; the rest is asked of it."""

    class Chosen(Message):
        """`chosen` is another one, or None."""

    def __init__(self, state: ConsoleState) -> None:
        super().__init__(id="list")
        self._state = state
        self.bar = FilterBar(state, INBOX.name, f"Filter: {inbox.FILTER_EXAMPLE}; {HELP}")
        """The filter; closed, everything shows again."""
        self.table = KeyedTable(self._columns, id="inbox")
        """The rows."""
        remembered = state.memory.preferences
        self._order = inbox.TABLE.order_called(remembered.sort)
        self._grouped = remembered.group_by == BY_CAUSE

    def compose(self) -> ComposeResult:
        yield self.bar
        yield self.table
        yield Static(markup=False, id="empty")

    def on_mount(self) -> None:
        """Starts the slow tick of the ages, and the quick one of a last minute."""
        self.set_interval(TICK_SECONDS, self.show)
        self.set_interval(1, self._tick)

    def _tick(self) -> None:
        first = next(iter(self._state.waiting), None)
        if first is not None and inbox.counts_seconds(first.row.deadline, self._state.now()):
            self.show()

    @property
    def chosen(self) -> WaitingRow | None:
        """What the cursor is on."""
        return self._state.find(self.table.chosen)

    @property
    def marked_waiting(self) -> list[WaitingRow]:
        """What is marked, in the order of deadlines."""
        state = self._state
        found = [each for key in state.marked if (each := state.by_key.get(key))]
        return sorted(found, key=lambda each: each.order)

    def show(self, *, choose_first: bool = False) -> None:
        """Shows what waits as it is now."""
        state, now = self._state, self._state.now()
        wanted = self.bar.parse(inbox.TABLE.fields)
        waiting = {each.row_key: each for each in state.waiting}
        rows = [inbox.ListedRow(each.row, now, each.context.name, key) for key, each in waiting.items()]
        if wanted:
            rows = list(filter(wanted.matches, rows))
            self.bar.tell(f"{len(rows):,} of {len(waiting):,}")
        wheres = {
            context.name: inbox.where(context.name, context.freshness, now, read_only=context.read_only)
            for context in (state.contexts if state.several else ())
        }
        placed = {row.key: row for row in inbox.arrange(rows, self._order, grouped=self._grouped)}

        @functools.cache  # they are measured, compared and drawn
        def cells(key: str) -> Cells:
            mark = "marked" if waiting[key].key in state.marked else ""
            mark = "answered" if waiting[key].in_flight else mark
            return inbox.TABLE.cells(replace(placed[key], mark=mark, where=wheres.get(placed[key].context)))

        self.table.show(tuple(placed), cells, choose_first=choose_first)
        self.query_one("#empty").display = not placed
        self.table.display = bool(placed)
        self.show_why_empty()

    def show_why_empty(self) -> None:
        """Says in the table's place why there is none; that may change with time alone."""
        empty = self.query_one("#empty", Static)
        if not empty.display:
            return
        state = self._state
        words = "Nothing that waits is like that. Esc clears the filter."
        if not state.waiting:
            words = "\n\n".join(
                inbox.why_empty(
                    each.freshness,
                    self._last_run(each),
                    state.now(),
                    state.keys["refresh"],
                    each.name if state.several else "",
                )
                for each in state.contexts
            )
        empty.update(Text(words))

    def _last_run(self, context: LiveContext) -> str:
        if context.missed_last_run:
            return f"The last run could not be looked up; {self._state.keys['errors']} says why."
        return executions.last_run(context.last_run) if context.knows_last_run else ""

    def choose(self, row_key: str) -> None:
        """Puts the cursor on what waits, also if it has been kept back until now."""
        self.show()
        self.table.choose(row_key)

    def sort_next(self) -> str:
        """Sorts by the next of what can be sorted by; returns its words."""
        self._order = inbox.TABLE.order_after(self._order)
        self.show()
        return self._order.words

    def toggle_groups(self) -> bool:
        """Puts what has one cause together, or apart again; returns whether it is together."""
        self._grouped = not self._grouped
        self.show()
        return self._grouped

    def toggle_mark(self) -> None:
        """Marks the chosen row, or takes its mark away, and goes to the next."""
        if (chosen := self.chosen) and chosen.can_be_marked:
            self._state.marked ^= {chosen.key}
            self.show()
            self.table.action_move(1)

    def toggle_marks(self, *, of_cause: bool) -> None:
        """Marks all that is shown, or what of it has the chosen one's cause; where all are marked, takes that back."""
        state, chosen = self._state, self.chosen
        if of_cause and chosen is None:
            return
        found = {
            waiting.key
            for waiting in map(state.find, self.table.keys)
            if waiting is not None
            and waiting.can_be_marked
            and (chosen is None or not of_cause or _cause_and_context(waiting) == _cause_and_context(chosen))
        }
        state.marked = state.marked - found if found <= state.marked else state.marked | found
        self.show()

    def next_unanswered(self) -> str | None:
        """The nearest row that waits for an answer, and has none from this console."""

        def is_answered(key: str) -> bool:
            found = self._state.find(key)
            return found is not None and (found.in_flight or found.row.waits is not None)

        return self.table.next_key(is_answered)

    @on(KeyedTable.Chosen)
    def _choose(self, event: KeyedTable.Chosen) -> None:
        event.stop()
        # Of its own: a message that comes from what this widget set off ends at it.
        self.post_message(self.Chosen())

    @on(FilterBar.Changed)
    def _narrow(self, event: FilterBar.Changed) -> None:
        event.stop()
        self.show(choose_first=True)

    @on(FilterBar.Left)
    def _leave_filter(self, event: FilterBar.Left) -> None:
        event.stop()
        if event.closed:
            self.show()
        self.screen.set_focus(self.table)

    def _columns(self, width: int) -> tuple[Column, ...]:
        return inbox.columns(width, by=self._order, several=self._state.several, empty=self.table.empty)


def _cause_and_context(waiting: WaitingRow) -> tuple[str, str]:
    return waiting.context.name, inbox.cause(waiting.row)
