"""The inbox: what waits, the record beside it, and the keys that answer it."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.widgets import DataTable, Input, Static

from qlikops.domain.approval import Approval, InboxRow, Status
from qlikops.domain.ports import DecisionReceipt, DecisionRequest, HistoryLine
from qlikops.presentation import decision, executions, inbox
from qlikops.presentation.bulk import not_one_cause
from qlikops.presentation.problem import explain
from qlikops.tui import messages
from qlikops.tui.screens.base import ConsoleScreen
from qlikops.tui.screens.bulk import Answers, BulkScreen
from qlikops.tui.screens.decision import ApproveScreen, DecisionScreen, DenyScreen
from qlikops.tui.state import ConsoleState, Sending
from qlikops.tui.widgets.prose import palette, text
from qlikops.tui.widgets.review import Review
from qlikops.tui.widgets.table import KeyedTable, Row

TICK_SECONDS = 60
"""How often the ages in the table are written anew."""


class InboxScreen(ConsoleScreen):
    """Deciding is about `Review.approval`, the object on the screen; rows only say what to load."""

    MODE = "inbox"
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
        Binding("r", "refresh", "Refresh", id="refresh"),
        Binding("escape", "back", "Back", id="back"),
    ]

    def __init__(self, state: ConsoleState) -> None:
        super().__init__(state)
        self._records: dict[tuple[str, str], tuple[Approval, tuple[HistoryLine, ...]]] = {}
        """By id and digest prefix, for what waits."""
        self._marked: set[str] = set()
        """Ids of what is to be answered together; only what still waits."""
        self._wanted: tuple[str, bool] | None = None
        """The approval on which a or d was pressed before its record had come; asked as soon as it has."""

    def content(self) -> ComposeResult:
        """The list, the record, and one line on the last decision."""
        with Container(id="split"):
            with Vertical(id="list"):
                yield Input(placeholder="Filter: any text of a row; Esc clears", id="filter", compact=True)
                yield KeyedTable(inbox.columns, id="inbox")
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
        """Starts the slow tick of the ages."""
        self.query_one("#filter").display = False
        self.set_interval(TICK_SECONDS, self._show_rows)
        self.state_changed()

    def state_changed(self) -> None:
        """Rows, freshness or a decision changed."""
        super().state_changed()
        self._show_rows()
        self.show_progress()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual passes it
        """Hides what can never apply here and greys what cannot apply now."""
        if action in {"decide", "claim"}:
            if self.state.read_only:
                return False
            return True if self._chosen_row() and not self.state.locked_because() else None
        if action in {"mark", "decide_marked"} and self.state.read_only:
            return False
        if action == "decide_marked":
            # Without marks the footer has no room for them.
            return bool(self._marked) and (not self.state.locked_because() or None)
        if action == "back":
            return self.has_class("-open") or self._filter_shown
        return True

    def why_not(self) -> str:
        """What is greyed needs a chosen row."""
        return super().why_not() or ("" if self._chosen_row() else "nothing is chosen")

    # The list

    @property
    def _filter_shown(self) -> bool:
        return bool(self.query("#filter")) and bool(self.query_one("#filter").display)

    def _chosen_row(self) -> InboxRow | None:
        tables = self.query(KeyedTable)
        return self.state.row(tables.first().chosen or "") if tables else None

    def _show_rows(self, *, choose_first: bool = False) -> None:
        state, now = self.state, self.state.now()
        needle = self.query_one("#filter", Input).value.strip() if self._filter_shown else ""
        rows = [row for row in state.rows if not needle or inbox.matches(row, needle)]
        minute = int(now.timestamp()) // TICK_SECONDS
        self._table.show([self._row(row, minute) for row in rows], choose_first=choose_first)
        empty = self.query_one("#empty", Static)
        empty.display = not rows
        self._table.display = bool(rows)
        if not rows:
            empty.update(Text(self._empty_text(needle)))
            if not self._review.gone:
                self._review.show_text("")
        elif self._table.chosen is not None:
            self._load_chosen()
        self._marked &= {row.approval_id for row in state.rows}
        # What no longer waits is not shown from memory.
        waiting = {(row.approval_id, row.digest) for row in state.rows}
        self._records = {key: record for key, record in self._records.items() if key in waiting}

    def _row(self, row: InboxRow, minute: int) -> Row:
        mark = "marked" if row.approval_id in self._marked else ""
        mark = "answered" if self.state.in_flight(row.approval_id) else mark
        return Row(row.approval_id, (row, minute, mark), lambda: inbox.cells(row, self.state.now(), mark))

    def _empty_text(self, needle: str) -> str:
        state = self.state
        if needle and state.rows:
            return f"Nothing that waits contains “{needle}”. Esc clears the filter."
        if state.freshness.error is not None:
            return f"{state.freshness.explanation()}\n\nTrying again by itself; r tries now."
        if state.freshness.loaded_at is None:
            return "Connecting …"
        last = executions.last_run(state.last_run) if state.last_run else "No run yet."
        return f"Nothing waits for a decision.\n\n{last}"

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
        row = self._chosen_row()
        if row is None:
            return
        shown = self._review.approval
        if shown is not None and shown.approval_id == row.approval_id and shown.digest.startswith(row.digest):
            return
        known = self._records.get((row.approval_id, row.digest))
        if known is not None:
            self._review.show_approval(*known)
            self._ask_if_wanted(known[0])
        elif self._review.loading_id != row.approval_id:
            self._review.show_loading(row.approval_id, f"Loading {inbox.cells(row, self.state.now())['label'].text} …")
            self.state.load_approval(row.approval_id, self)

    def _ask_if_wanted(self, approval: Approval) -> None:
        wanted, self._wanted = self._wanted, None
        if wanted is not None and wanted[0] == approval.approval_id:
            self.action_decide(wanted[1])

    def _say_it_is_gone(self) -> None:
        shown = self._review.approval
        if shown is None:
            return
        answered = "You answered this; it" if self.state.in_flight(shown.approval_id) else "This"
        self._review.mark_gone(f"{answered} no longer waits. {self._how_to_go_on()}")
        self.state.load_approval(shown.approval_id, self)

    def _how_to_go_on(self) -> str:
        return "↓ chooses the next." if self.state.rows else ""

    @on(messages.ApprovalLoaded)
    def _take_approval(self, message: messages.ApprovalLoaded) -> None:
        message.stop()
        approval = message.approval
        row = self.state.row(approval.approval_id)
        if row is not None and approval.digest.startswith(row.digest):
            self._records[approval.approval_id, row.digest] = (approval, tuple(message.history))
        if self._table.chosen == approval.approval_id:
            self._review.show_approval(approval, message.history)
            self._ask_if_wanted(approval)
        elif self._review.gone == approval.approval_id:
            became = decision.no_longer_waits(approval)
            self._review.show_gone(approval, message.history, f"{became} {self._how_to_go_on()}")
        self.refresh_bindings()

    @on(messages.ApprovalLoadFailed)
    def _miss_approval(self, message: messages.ApprovalLoadFailed) -> None:
        message.stop()
        if self._table.chosen == message.asked:
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
        self.query_one("#filter").focus()
        self.refresh_bindings()

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
        approval, row = self._review.approval, self._chosen_row()
        if row is None:
            return
        if self.state.in_flight(row.approval_id):
            self.notify("You have already answered this one.", markup=False)
            return
        if approval is None or approval.approval_id != row.approval_id:
            self._wanted = (row.approval_id, approved)
            return
        if approval.status is not Status.WAITING:
            self.notify("This one no longer waits.", severity="warning", markup=False)
            return

        def answer(request: DecisionRequest | None) -> None:
            if request is not None:
                self._send(approval, request)

        screen: DecisionScreen = (ApproveScreen if approved else DenyScreen)(self.state, approval)
        self.app.push_screen(screen, answer)

    def _send(self, approval: Approval, request: DecisionRequest) -> None:
        self.state.send(approval, request, self.app)
        following = self._table.next_key(self.state.in_flight)
        self.remove_class("-open")
        self._table.focus()
        self.state_changed()
        if self._table.chosen == approval.approval_id and following is not None:
            self._table.choose(following)

    # Several at once

    def action_mark(self) -> None:
        """Marks the chosen row, or takes its mark away, and goes to the next."""
        row = self._chosen_row()
        if row is None:
            return
        self._marked ^= {row.approval_id}
        self._show_rows()
        self._table.action_cursor_down()
        self.refresh_bindings()

    def action_decide_marked(self, approved: bool) -> None:
        """Reads what is marked, then asks once about all of it."""
        rows = [row for row in self.state.rows if row.approval_id in self._marked]
        rows = [row for row in rows if not self.state.in_flight(row.approval_id)]
        if not rows:
            return
        if approved and (refusal := not_one_cause(rows)):
            self.notify(refusal, severity="warning", markup=False)
            return
        self.state.load_marked([row.approval_id for row in rows], self, approved=approved)

    @on(messages.MarkedLoaded)
    def _ask_about_marked(self, message: messages.MarkedLoaded) -> None:
        message.stop()
        # The records may be newer than the rows were.
        if message.approved and (refusal := not_one_cause([approval.proposal for approval in message.approvals])):
            self.notify(refusal, severity="warning", markup=False)
        # It took a moment to read them: whoever is elsewhere by now is not interrupted.
        elif self.is_active:
            screen = BulkScreen(self.state, message.approvals, approved=message.approved)
            self.app.push_screen(screen, self._send_marked)

    @on(messages.MarkedLoadFailed)
    def _miss_marked(self, message: messages.MarkedLoadFailed) -> None:
        message.stop()
        self.notify(str(explain(message.error)), severity="error", markup=False)

    def _send_marked(self, answers: Answers | None) -> None:
        for approval, request in answers or ():
            self._marked.discard(approval.approval_id)
            self.state.send(approval, request, self.app)
        self.state_changed()

    def action_claim(self) -> None:
        """Says "I am looking at it" to the others."""
        row = self._chosen_row()
        if row is not None:
            self.state.claim(row.approval_id, self)

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
        """Asks for the inbox now."""
        self.state.load_rows(self.app)

    def action_copy(self) -> None:
        """The last receipt, else the chosen approval's id."""
        latest = self.state.latest
        row = self._chosen_row()
        if latest is not None and latest.receipt is not None:
            self.app.copy_to_clipboard(decision.receipt_text(_newest_receipt(latest, latest.receipt)))
            self.notify("Receipt copied.", markup=False)
        elif row is not None:
            self.app.copy_to_clipboard(row.approval_id)
            self.notify(f"Copied {row.approval_id}.", markup=False)

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


def _newest_receipt(sending: Sending, receipt: DecisionReceipt) -> DecisionReceipt:
    """The receipt with the outcome, once there is one."""
    if sending.ended is None:
        return receipt
    return DecisionReceipt(receipt.approval_id, receipt.decision, sending.ended.status, sending.ended.outcome)
