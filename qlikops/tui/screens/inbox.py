"""The inbox: what waits, the record beside it, and the keys that answer it."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.widgets import DataTable, Input, Static

from qlikops.domain.approval import Approval, Claim, Status, new_decision_id
from qlikops.domain.background import Background
from qlikops.domain.ports import DecisionRequest
from qlikops.presentation import decision, executions, inbox
from qlikops.presentation.bulk import not_one_cause
from qlikops.presentation.difference import differences
from qlikops.presentation.problem import explain
from qlikops.presentation.tone import Tone
from qlikops.tui import messages
from qlikops.tui.context import ApprovalKey, Context, Waiting
from qlikops.tui.screens.base import ConsoleScreen
from qlikops.tui.screens.bulk import Answers, BulkScreen
from qlikops.tui.screens.changed import ChangedScreen
from qlikops.tui.screens.decision import ApproveScreen, DecisionScreen, DenyScreen
from qlikops.tui.state import ConsoleState
from qlikops.tui.widgets.prose import palette, text
from qlikops.tui.widgets.review import Review
from qlikops.tui.widgets.table import KeyedTable, Row

TICK_SECONDS = 60
"""How often the ages in the table are written anew."""
_SEVERAL_CONTEXTS = "Not together: the marked ones are in different contexts."


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
        self._records: dict[ApprovalKey, Approval] = {}
        """Of what waits, as it was read last."""
        self._backgrounds: dict[ApprovalKey, Background] = {}
        self._looked_at: dict[ApprovalKey, Approval] = {}
        """As it was when somebody looked at it; another one can be decided once its difference has been shown."""
        self._reviewed: ApprovalKey | None = None
        """What the review shows or waits for: an id alone does not say where it came from."""
        self._marked: set[ApprovalKey] = set()
        """What is to be answered together; only what still waits."""
        self._wanted: tuple[ApprovalKey, bool] | None = None
        """The approval on which a or d was pressed before its record had come; asked as soon as it has."""

    def content(self) -> ComposeResult:
        """The list, the record, and one line on the last decision."""
        with Container(id="split"):
            with Vertical(id="list"):
                yield Input(placeholder="Filter: any text of a row; Esc clears", id="filter", compact=True)
                yield KeyedTable(inbox.columns, id="inbox")
                yield Static(markup=False, id="empty")
            yield Review(self.state.clock, self._claim_on_reviewed, id="review")
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
        if action in {"decide", "claim", "mark", "decide_marked"} and all(
            context.read_only for context in self.state.contexts
        ):
            return False
        if action in {"decide", "claim"}:
            chosen = self._chosen()
            return True if chosen is not None and not chosen.context.locked_because() else None
        if action == "decide_marked":
            # Without marks the footer has no room for them.
            contexts = {waiting.context for waiting in self._marked_waiting()}
            return bool(contexts) and (not any(context.locked_because() for context in contexts) or None)
        if action == "back":
            return self.has_class("-open") or self._filter_shown
        return True

    def why_not(self) -> str:
        """What is greyed needs a chosen row."""
        chosen = self._chosen()
        return "nothing is chosen" if chosen is None else chosen.context.locked_because()

    # The list

    @property
    def _filter_shown(self) -> bool:
        return bool(self.query("#filter")) and bool(self.query_one("#filter").display)

    def _chosen(self) -> Waiting | None:
        tables = self.query(KeyedTable)
        return self.state.find(tables.first().chosen) if tables else None

    def _marked_waiting(self) -> list[Waiting]:
        return [waiting for waiting in self.state.waiting if waiting.key in self._marked] if self._marked else []

    def _show_rows(self, *, choose_first: bool = False) -> None:
        state, now = self.state, self.state.now()
        needle = self.query_one("#filter", Input).value.strip() if self._filter_shown else ""
        rows = [waiting for waiting in state.waiting if not needle or inbox.matches(waiting.row, needle)]
        minute = int(now.timestamp()) // TICK_SECONDS
        self._table.show([self._row(waiting, minute) for waiting in rows], choose_first=choose_first)
        empty = self.query_one("#empty", Static)
        empty.display = not rows
        self._table.display = bool(rows)
        if not rows:
            empty.update(Text(self._empty_text(needle)))
            if not self._review.gone:
                self._review.show_text("")
        elif self._table.chosen is not None:
            self._load_chosen()
        self._marked &= {waiting.key for waiting in state.waiting}
        # What no longer waits is not shown from memory.
        self._records = {
            waiting.key: record
            for waiting in state.waiting
            if (record := self._records.get(waiting.key)) and waiting.row.is_of(record)
        }
        waits = {waiting.key for waiting in state.waiting}
        self._backgrounds = {key: known for key, known in self._backgrounds.items() if key in waits}
        self._looked_at = {key: seen for key, seen in self._looked_at.items() if key in waits}

    def _row(self, waiting: Waiting, minute: int) -> Row:
        row = waiting.row
        mark = "marked" if waiting.key in self._marked else ""
        mark = "answered" if waiting.in_flight else mark
        return Row(waiting.row_key, (row, minute, mark), lambda: inbox.cells(row, self.state.now(), mark))

    def _empty_text(self, needle: str) -> str:
        if needle and self.state.waiting:
            return f"Nothing that waits contains “{needle}”. Esc clears the filter."
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
        if shown is not None and self._reviewed == chosen.key and row.is_of(shown):
            return
        known = self._records.get(chosen.key)
        if known is not None and row.is_of(known):
            self._show_record(chosen, known)
        elif self._reviewed != chosen.key or self._review.loading_id != row.approval_id:
            self._reviewed = chosen.key
            self._review.show_loading(row.approval_id, f"Loading {inbox.cells(row, self.state.now())['label'].text} …")
            chosen.context.load_approval(row.approval_id, self)

    def _show_record(self, chosen: Waiting, approval: Approval) -> None:
        key = self._reviewed = chosen.key
        changes = differences(self._looked_at.setdefault(key, approval), approval)
        self._review.show_approval(approval, self._backgrounds.get(key), changes)
        if key not in self._backgrounds:
            chosen.context.load_background(approval, self)
        self._ask_if_wanted()

    def _claim_on_reviewed(self) -> Claim | None:
        row = self._reviewed and self.state.context(self._reviewed.context).row(self._reviewed.approval_id)
        return row.claim if row else None

    @on(messages.BackgroundLoaded)
    def _take_background(self, message: messages.BackgroundLoaded) -> None:
        message.stop()
        key = ApprovalKey(message.context, message.approval_id)
        self._backgrounds[key] = message.background
        if self._reviewed == key:
            self._review.show_background(message.approval_id, message.background)

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
        if row is not None and row.is_of(approval):
            self._records[key] = approval
        chosen = self._chosen()
        if chosen is not None and chosen.key == key:
            self._show_record(chosen, approval)
        elif self._reviewed == key and self._review.gone == approval.approval_id:
            self._review.show_gone(approval, f"{decision.no_longer_waits(approval)} {self._how_to_go_on()}")
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

        if changes := differences(self._looked_at[chosen.key], approval):
            self.app.push_screen(ChangedScreen(self.state, changes), lambda _: self._have_seen(chosen.key, approval))
            return
        screen: DecisionScreen = (ApproveScreen if approved else DenyScreen)(self.state, chosen.context, approval)

        def answer(request: DecisionRequest | None) -> None:
            if request is not None:
                self._send(chosen, approval, request)
            elif screen.became is not None:
                self._have_seen(chosen.key, screen.became)

        self.app.push_screen(screen, answer)

    def _have_seen(self, key: ApprovalKey, approval: Approval) -> None:
        """The person has been shown what changed: this is what they look at now."""
        self._looked_at[key] = approval
        shown = self._review.approval
        if shown is not None and self._reviewed == key:
            changes = differences(approval, shown)
            self._review.show_approval(shown, self._backgrounds.get(key), changes)

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
        if not marked:
            return
        context = marked[0].context
        if any(waiting.context is not context for waiting in marked):
            self.notify(_SEVERAL_CONTEXTS, severity="warning", markup=False)
            return
        context.load_marked([waiting.row.approval_id for waiting in marked], self, approved=approved)

    @on(messages.MarkedLoaded)
    def _ask_about_marked(self, message: messages.MarkedLoaded) -> None:
        message.stop()
        # A row does not say what the cause is, so it takes the records.
        if message.approved and (refusal := not_one_cause([approval.proposal for approval in message.approvals])):
            self.notify(refusal, severity="warning", markup=False)
        # It took a moment to read them: whoever is elsewhere by now is not interrupted.
        elif self.is_active:
            context = self.state.context(message.context)
            screen = BulkScreen(self.state, context, message.approvals, approved=message.approved)
            self.app.push_screen(screen, lambda answers: self._send_marked(context, answers))

    @on(messages.MarkedLoadFailed)
    def _miss_marked(self, message: messages.MarkedLoadFailed) -> None:
        message.stop()
        self.notify(str(explain(message.error)), severity="error", markup=False)

    def _send_marked(self, context: Context, answers: Answers | None) -> None:
        batch = new_decision_id()
        for approval, request in answers or ():
            self._marked.discard(ApprovalKey(context.name, approval.approval_id))
            context.send(approval, request, self.app, batch)
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
        """The last receipt, or those of all that were answered together; else the chosen approval's id."""
        latest, chosen = self.state.latest_together, self._chosen()
        if latest and not any(sending.due for sending in latest):
            self.app.copy_to_clipboard("\n\n".join(sending.proof for sending in latest))
            self.notify("Receipt copied." if len(latest) == 1 else f"{len(latest)} receipts copied.", markup=False)
        elif chosen is not None:
            self.app.copy_to_clipboard(chosen.row.approval_id)
            self.notify(f"Copied {chosen.row.approval_id}.", markup=False)

    def show_progress(self) -> None:
        """The line on the last decision, or on all that were answered together; not while that counts down."""
        bar, latest = self.query_one("#receipt", Static), self.state.latest_together
        bar.display = bool(latest) and not any(sending.due for sending in latest)
        if bar.display:
            alone = len(latest) == 1
            words = latest[0].progress if alone else decision.counted([sending.stage for sending in latest])
            line = text(words, palette(self))
            if all(sending.is_settled for sending in latest):
                line.append("  y copies" if alone else "  y copies all of it", palette(self)[Tone.MUTED])
            bar.update(line)


def _why_empty(context: Context) -> str:
    """Why nothing of this context is in the list."""
    if context.freshness.error is not None:
        return f"{context.freshness.explanation()}\n\nTrying again by itself; r tries now."
    if context.freshness.loaded_at is None:
        return "Connecting …"
    last = executions.last_run(context.last_run) if context.last_run else "No run yet."
    return f"Nothing waits for a decision.\n\n{last}"
