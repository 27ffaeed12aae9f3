"""The inbox: what waits, the record beside it, and the keys that answer it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.widgets import DataTable, Input, Static

from qlikops.domain.approval import Approval, Status
from qlikops.domain.ports import DecisionReceipt, DecisionRequest, HistoryLine
from qlikops.presentation import decision, executions, inbox
from qlikops.presentation.bulk import not_one_cause
from qlikops.presentation.filter import HELP, Filter, parse
from qlikops.presentation.problem import explain
from qlikops.presentation.tone import Column, Span, Tone
from qlikops.tui import messages
from qlikops.tui.context import ApprovalKey, Context, Sending, Waiting
from qlikops.tui.screens.base import ConsoleScreen
from qlikops.tui.screens.bulk import Answers, BulkScreen
from qlikops.tui.screens.decision import ApproveScreen, DecisionScreen, DenyScreen
from qlikops.tui.state import ConsoleState
from qlikops.tui.widgets.prose import palette, text
from qlikops.tui.widgets.review import Review
from qlikops.tui.widgets.table import KeyedTable, Row

TICK_SECONDS = 60
"""How often the ages in the table are written anew."""
TROUBLES_SHOWN = 3
_BY_CAUSE = "cause"
_SEVERAL_CONTEXTS = "Not together: the marked ones are in different contexts."


class InboxScreen(ConsoleScreen):
    """Deciding is about `Review.approval`, the object on the screen; rows only say what to load."""

    MODE = "inbox"
    # Beside the record only where every column still fits.
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (200, "-wide")]  # noqa: RUF012 - Textual declares it
    AUTO_FOCUS = "#inbox"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "decide(True)", "Approve", id="approve"),
        Binding("d", "decide(False)", "Deny", id="deny"),
        Binding("space", "mark", "Mark", id="mark"),
        Binding("A", "decide_marked(True)", "Approve marked", id="approve-marked"),
        Binding("D", "decide_marked(False)", "Deny marked", id="deny-marked"),
        Binding("c", "claim", "Claim", id="claim"),
        Binding("y", "copy", "Copy", id="copy"),
        Binding("slash", "filter", "Filter", key_display="/", id="filter"),
        Binding("s", "sort", "Sort by the next column", show=False, id="sort"),
        Binding("g", "group", "Group by cause", show=False, id="group"),
        Binding("r", "refresh", "Refresh", show=False, id="refresh"),
        Binding("escape", "back", "Back", id="back"),
    ]

    def __init__(self, state: ConsoleState) -> None:
        super().__init__(state)
        self._records: dict[tuple[ApprovalKey, str], tuple[Approval, tuple[HistoryLine, ...]]] = {}
        """By key and digest prefix, for what waits."""
        self._reviewed: ApprovalKey | None = None
        """What the review shows or waits for: an id alone does not say where it came from."""
        self._marked: set[ApprovalKey] = set()
        """What is to be answered together; only what still waits."""
        self._wanted: tuple[ApprovalKey, bool] | None = None
        """The approval on which a or d was pressed before its record had come; asked as soon as it has."""
        remembered = state.memory.preferences
        self._by = next((by for by in inbox.Sort if by.value == remembered.sort), inbox.Sort.EXPIRES)
        self._grouped = remembered.group_by == _BY_CAUSE
        self._locks: tuple[str, ...] = ()
        """Why nothing can be decided, by context, when the keys were drawn last."""

    def content(self) -> ComposeResult:
        """What is wrong, the list, the record, and one line on the last decision."""
        yield Static(markup=False, id="troubles")
        with Container(id="split"):
            with Vertical(id="list"):
                yield Input(placeholder=f"Filter: {HELP}; Esc clears", id="filter", compact=True)
                yield Static(markup=False, id="filter-note")
                yield KeyedTable(self._columns, id="inbox")
                yield Static(markup=False, id="empty")
            yield Review(self.state.clock, id="review")
        yield Static(markup=False, id="receipt")

    @property
    def _table(self) -> KeyedTable:
        return self.query_one("#inbox", KeyedTable)

    @property
    def _review(self) -> Review:
        return self.query_one(Review)

    def on_mount(self) -> None:
        """Starts the slow tick of the ages, and the quick one of what is wrong."""
        super().on_mount()
        self.query_one("#filter").display = False
        self.set_interval(TICK_SECONDS, self._show_rows)
        self.set_interval(1, self._tick)
        self.state_changed()

    def state_changed(self) -> None:
        """Rows, freshness or a decision changed."""
        super().state_changed()
        self._show_rows()
        self._show_troubles()
        self.show_progress()

    def _tick(self) -> None:
        # Under a dialog too: what it is about must not look younger than it is.
        if not self.is_current:
            return
        if self._locks != (locks := tuple(context.locked_because() for context in self.state.contexts)):
            # Data grows old by itself.
            self._locks = locks
            self.state_changed()
        else:
            self._show_troubles()
            self._show_why_empty()

    def _show_troubles(self) -> None:
        now, colours = self.state.now(), palette(self)
        found = [context.freshness.trouble(context.name, now) for context in self.state.contexts]
        # Where the list is empty, its place says why at length.
        shown = [spans for spans in found if spans] if self.state.several or self.state.waiting else []
        bar = self.query_one("#troubles", Static)
        bar.display = bool(shown)
        lines = [text(spans, colours) for spans in shown[:TROUBLES_SHOWN]]
        if more := shown[TROUBLES_SHOWN:]:
            lines[-1].append(f"  and {len(more)} more: ! has them all")
        joined = Text("\n", no_wrap=True, overflow="ellipsis").join(lines)
        bar.update(joined)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual passes it
        """Hides what can never apply here and greys what cannot apply now."""
        if action in {"decide", "claim", "mark", "decide_marked"} and all(
            context.read_only for context in self.state.contexts
        ):
            return False
        if action in {"decide", "claim"}:
            chosen = self._chosen()
            return True if chosen is not None and not chosen.context.locked_because() else None
        if action == "mark":
            chosen = self._chosen()
            return True if chosen is not None and not chosen.context.read_only else None
        if action == "decide_marked":
            # Without marks the footer has no room for them.
            contexts = {waiting.context for waiting in self._marked_waiting()}
            return bool(contexts) and (not any(context.locked_because() for context in contexts) or None)
        if action == "back":
            return self.has_class("-open") or self._filter_shown
        return True

    def why_not(self) -> str:
        """What is greyed needs a chosen row in a context that is not locked."""
        chosen = self._chosen()
        return chosen.context.locked_because() if chosen else "nothing is chosen"

    # The list

    @property
    def _filter_shown(self) -> bool:
        return bool(self.query("#filter")) and bool(self.query_one("#filter").display)

    def _chosen(self) -> Waiting | None:
        tables = self.query(KeyedTable)
        return self.state.find(tables.first().chosen) if tables else None

    def _marked_waiting(self) -> list[Waiting]:
        return [waiting for waiting in self.state.waiting if waiting.key in self._marked] if self._marked else []

    def _columns(self, width: int) -> tuple[Column, ...]:
        return inbox.columns(width, by=self._by, context=self.state.several)

    def _filter_by(self, now: datetime) -> Filter[Waiting]:
        typed = self.query_one("#filter", Input).value if self._filter_shown else ""
        keys: dict[str, Callable[[Waiting], str]] = {"context": lambda waiting: waiting.context.name}
        for key, of in inbox.fields(now).items():
            keys[key] = lambda waiting, of=of: of(waiting.row)  # type: ignore[misc]
        return parse(typed, keys)

    def _show_rows(self, *, choose_first: bool = False) -> None:
        state, now = self.state, self.state.now()
        wanted = self._filter_by(now)
        kept = [waiting for waiting in state.waiting if wanted.matches(waiting)] if wanted else state.waiting
        placed = inbox.arrange(kept, self._by, _cause_and_context if self._grouped else None)
        minute = int(now.timestamp()) // TICK_SECONDS
        wheres = {context.name: self._where(context, now) for context in state.contexts}
        rows = [self._row(waiting, place, minute, wheres[waiting.context.name]) for waiting, place in placed]
        self._table.show(rows, choose_first=choose_first)
        note = self.query_one("#filter-note", Static)
        note.display = bool(wanted or wanted.problem)
        note.update(Text(wanted.problem or f"{len(kept):,} of {len(state.waiting):,}", palette(self)[Tone.WARNING]))
        self.query_one("#empty").display = not rows
        self._table.display = bool(rows)
        if not rows:
            self._show_why_empty()
            if not self._review.gone:
                self._review.show_text("")
        elif self._table.chosen is not None:
            self._load_chosen()
        self._marked &= {waiting.key for waiting in state.waiting}
        # What no longer waits is not shown from memory.
        known = {(waiting.key, waiting.row.digest) for waiting in state.waiting}
        self._records = {key: record for key, record in self._records.items() if key in known}

    def _where(self, context: Context, now: datetime) -> Span | None:
        if not self.state.several:
            return None
        return inbox.where(context.name, context.freshness, now, read_only=context.read_only)

    def _row(self, waiting: Waiting, place: inbox.Place, minute: int, where: Span | None) -> Row:
        row = waiting.row
        mark = "marked" if waiting.key in self._marked else ""
        mark = "answered" if waiting.in_flight else mark
        return Row(
            waiting.row_key,
            (row, minute, mark, place, where),
            lambda: inbox.cells(row, self.state.now(), mark, place=place, context=where),
        )

    def _show_why_empty(self) -> None:
        empty = self.query_one("#empty", Static)
        if empty.display:
            empty.update(Text(self._why_empty()))

    def _why_empty(self) -> str:
        if self.state.waiting:
            return "Nothing that waits is like that. Esc clears the filter."
        return "\n\n".join(
            f"{context.name}: {_why_empty(context)}" if self.state.several else _why_empty(context)
            for context in self.state.contexts
        )

    # The record

    @on(KeyedTable.Chosen, "#inbox")
    def _choose(self, event: KeyedTable.Chosen) -> None:
        event.stop()
        if event.key is None:
            self._say_it_is_gone()
        else:
            self._load_chosen()
        self.refresh_bindings()

    def _load_chosen(self) -> None:
        """Shows the chosen row's record, from memory if it is unchanged, else asks for it."""
        chosen = self._chosen()
        if chosen is None:
            return
        shown, row = self._review.approval, chosen.row
        if shown is not None and self._reviewed == chosen.key and shown.digest.startswith(row.digest):
            return
        known = self._records.get((chosen.key, row.digest))
        if known is not None:
            self._reviewed = chosen.key
            self._review.show_approval(*known)
            self._ask_if_wanted()
        elif self._reviewed != chosen.key or self._review.loading_id != row.approval_id:
            self._reviewed = chosen.key
            self._review.show_loading(row.approval_id, f"Loading {inbox.cells(row, self.state.now())['label'].text} …")
            chosen.context.load_approval(row.approval_id, self)

    def _ask_if_wanted(self) -> None:
        wanted, self._wanted = self._wanted, None
        if wanted is not None and wanted[0] == self._reviewed:
            self.action_decide(wanted[1])

    def _say_it_is_gone(self) -> None:
        if self._review.approval is None or self._reviewed is None:
            return
        context, approval_id = self.state.context(self._reviewed.context), self._reviewed.approval_id
        answered = "You answered this; it" if context.in_flight(approval_id) else "This"
        self._review.mark_gone(f"{answered} no longer waits. {self._how_to_go_on()}")
        context.load_approval(approval_id, self)

    def _how_to_go_on(self) -> str:
        return "↓ chooses the next." if self.state.waiting else ""

    @on(messages.ApprovalLoaded)
    def _take_approval(self, message: messages.ApprovalLoaded) -> None:
        message.stop()
        approval = message.approval
        key = ApprovalKey(message.context, approval.approval_id)
        row = self.state.context(message.context).row(approval.approval_id)
        if row is not None and approval.digest.startswith(row.digest):
            self._records[key, row.digest] = (approval, tuple(message.history))
        chosen = self._chosen()
        if chosen is not None and chosen.key == key:
            self._reviewed = key
            self._review.show_approval(approval, message.history)
            self._ask_if_wanted()
        elif self._reviewed == key and self._review.gone == approval.approval_id:
            became = decision.no_longer_waits(approval)
            self._review.show_gone(approval, message.history, f"{became} {self._how_to_go_on()}")
        self.refresh_bindings()

    @on(messages.ApprovalLoadFailed)
    def _miss_approval(self, message: messages.ApprovalLoadFailed) -> None:
        message.stop()
        if self._reviewed == ApprovalKey(message.context, message.asked):
            self._review.show_text(str(explain(message.error)))

    @on(DataTable.RowSelected, "#inbox")
    def _open(self, event: DataTable.RowSelected) -> None:
        event.stop()
        self.add_class("-open")
        self._review.focus()
        self.refresh_bindings()

    def action_back(self) -> None:
        """From the record to the list, then from the filtered list to the whole."""
        if self.has_class("-open"):
            self.remove_class("-open")
        else:
            self.query_one("#filter", Input).value = ""
            self.query_one("#filter").display = False
            self._show_rows()
        self._table.focus()
        self.refresh_bindings()

    # The filter

    def action_filter(self) -> None:
        """Opens the filter line."""
        self.remove_class("-open")
        self.query_one("#filter").display = True
        # At once, not after the next refresh: what is typed right after `/` must not mean approve.
        self.set_focus(self.query_one("#filter"))
        self.refresh_bindings()

    def action_sort(self) -> None:
        """Sorts by the next of what can be sorted by."""
        orders = list(inbox.Sort)
        self._by = orders[(orders.index(self._by) + 1) % len(orders)]
        self.remember(sort=self._by.value)
        self.notify(f"Sorted: {self._by}.", markup=False)
        self._show_rows()
        self._table.relabel()

    def action_group(self) -> None:
        """Puts what has one cause together, or apart again."""
        self._grouped = not self._grouped
        self.remember(group_by=_BY_CAUSE if self._grouped else "")
        self.notify("Grouped by cause." if self._grouped else "Not grouped.", markup=False)
        self._show_rows()

    @on(Input.Changed, "#filter")
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        self._show_rows(choose_first=True)

    @on(Input.Submitted, "#filter")
    def _leave_filter(self, event: Input.Submitted) -> None:
        event.stop()
        self._table.focus()

    # Deciding

    def action_decide(self, approved: bool) -> None:
        """Asks once, on the record that is on the screen."""
        approval, chosen = self._review.approval, self._chosen()
        if chosen is None:
            return
        if chosen.in_flight:
            self.notify("You have already answered this one.", markup=False)
            return
        if approval is None or self._reviewed != chosen.key:
            self._wanted = (chosen.key, approved)
            return
        if approval.status is not Status.WAITING:
            self.notify("This one no longer waits.", severity="warning", markup=False)
            return

        def answer(request: DecisionRequest | None) -> None:
            if request is not None:
                self._send(chosen, approval, request)

        screen: DecisionScreen = (ApproveScreen if approved else DenyScreen)(chosen.context, approval)
        self.app.push_screen(screen, answer)

    def _send(self, decided: Waiting, approval: Approval, request: DecisionRequest) -> None:
        decided.context.send(approval, request, self.app)
        following = self._table.next_key(self._is_answered)
        self.remove_class("-open")
        self._table.focus()
        self.state_changed()
        if self._table.chosen == decided.row_key and following is not None:
            self._table.choose(following)

    def _is_answered(self, row_key: str) -> bool:
        waiting = self.state.find(row_key)
        return waiting is not None and waiting.in_flight

    # Several at once

    def action_mark(self) -> None:
        """Marks the chosen row, or takes its mark away, and goes to the next."""
        chosen = self._chosen()
        if chosen is None:
            return
        self._marked ^= {chosen.key}
        self._show_rows()
        self._table.action_cursor_down()
        self.refresh_bindings()

    def action_decide_marked(self, approved: bool) -> None:
        """Reads what is marked, then asks once about all of it."""
        marked = [waiting for waiting in self._marked_waiting() if not waiting.in_flight]
        rows = [waiting.row for waiting in marked]
        if not rows:
            return
        context = marked[0].context
        refusal = "" if all(waiting.context is context for waiting in marked) else _SEVERAL_CONTEXTS
        if refusal or (approved and (refusal := not_one_cause(rows))):
            self.notify(refusal, severity="warning", markup=False)
            return
        context.load_marked([row.approval_id for row in rows], self, approved=approved)

    @on(messages.MarkedLoaded)
    def _ask_about_marked(self, message: messages.MarkedLoaded) -> None:
        message.stop()
        # The records may be newer than the rows were.
        if message.approved and (refusal := not_one_cause([approval.proposal for approval in message.approvals])):
            self.notify(refusal, severity="warning", markup=False)
        # It took a moment to read them: whoever is elsewhere by now is not interrupted.
        elif self.is_active:
            context = self.state.context(message.context)
            screen = BulkScreen(context, message.approvals, approved=message.approved)
            self.app.push_screen(screen, lambda answers: self._send_marked(context, answers))

    @on(messages.MarkedLoadFailed)
    def _miss_marked(self, message: messages.MarkedLoadFailed) -> None:
        message.stop()
        self.notify(str(explain(message.error)), severity="error", markup=False)

    def _send_marked(self, context: Context, answers: Answers | None) -> None:
        for approval, request in answers or ():
            self._marked.discard(ApprovalKey(context.name, approval.approval_id))
            context.send(approval, request, self.app)
        self.state_changed()

    def action_claim(self) -> None:
        """Says "I am looking at it" to the others."""
        chosen = self._chosen()
        if chosen is not None:
            chosen.context.claim(chosen.row.approval_id, self)

    @on(messages.Claimed)
    def _claimed(self, message: messages.Claimed) -> None:
        message.stop()
        self.notify("Claimed: others see that you look at it.", markup=False)
        self.action_refresh()

    @on(messages.ClaimFailed)
    def _not_claimed(self, message: messages.ClaimFailed) -> None:
        message.stop()
        self.notify(str(explain(message.error)), severity="error", markup=False)

    def action_refresh(self) -> None:
        """Asks every context for its inbox now."""
        self.state.load_rows(self.app)

    def action_copy(self) -> None:
        """The last receipt, else the chosen approval's id."""
        latest = self.state.latest
        chosen = self._chosen()
        if latest is not None and latest.receipt is not None:
            self.app.copy_to_clipboard(decision.receipt_text(_newest_receipt(latest, latest.receipt)))
            self.notify("Receipt copied.", markup=False)
        elif chosen is not None:
            self.app.copy_to_clipboard(chosen.row.approval_id)
            self.notify(f"Copied {chosen.row.approval_id}.", markup=False)

    def show_progress(self) -> None:
        """The line on the last decision."""
        bar, latest = self.query_one("#receipt", Static), self.state.latest
        bar.display = latest is not None
        if latest is not None:
            line = text(latest.progress(self.state.now()), palette(self))
            if latest.due is not None and len(self.state.held) > 1:
                line.append(f" this and {len(self.state.held) - 1} more")
            if latest.receipt is not None:
                line.append("  y copies")
            bar.update(line)


def _cause_and_context(waiting: Waiting) -> tuple[str, str]:
    return waiting.context.name, inbox.cause(waiting.row)


def _why_empty(context: Context) -> str:
    """Why nothing of this context is in the list."""
    if context.freshness.error is not None:
        return f"{context.freshness.explanation(context.now())}\n\nTrying again by itself; r tries now."
    if context.freshness.loaded_at is None:
        return "Connecting …"
    last = executions.last_run(context.last_run) if context.last_run else "No run yet."
    return f"Nothing waits for a decision.\n\n{last}"


def _newest_receipt(sending: Sending, receipt: DecisionReceipt) -> DecisionReceipt:
    """The receipt with the outcome, once there is one."""
    if sending.ended is None:
        return receipt
    return DecisionReceipt(receipt.approval_id, receipt.decision, sending.ended.status, sending.ended.outcome)
