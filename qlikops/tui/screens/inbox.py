"""The inbox: what waits, the record beside it, and the keys that answer it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical

from qlikops.dataclass import dataclass
from qlikops.domain.ports import DecisionRequest
from qlikops.domain.proposals.approval import ProposalRecord, Status, new_decision_id
from qlikops.presentation.headline import Headline
from qlikops.presentation.lists import inbox, under_way
from qlikops.tui.model import links, messages
from qlikops.tui.model.context import LiveContext, WaitingRow
from qlikops.tui.model.links import Links
from qlikops.tui.model.outbox import ApprovalKey
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.screens.base import ConsoleScreen
from qlikops.tui.widgets.chosen import ChosenReview
from qlikops.tui.widgets.inbox import BY_CAUSE, WIDE, WaitingList
from qlikops.tui.widgets.review import Aside
from qlikops.tui.widgets.table import KeyedTable

if TYPE_CHECKING:
    from qlikops.tui.screens.bulk import ReviewedDecisions
    from qlikops.tui.screens.decision import DecisionScreen

_MARKED = Binding.Group("Marked")
"""The group of keys in the footer; at 80 columns their whole names would push Help out of it."""
AT_ONCE = timedelta(seconds=0.5)
"""A dialog that opens within this time of its key is what the person waits for."""
HIGH = 40
"""The number of rows from which on a wide terminal has room for half of the record below the list."""
_CLAIMED = "Claimed: others see that you look at it."
_SEVERAL_CONTEXTS = "Not together: the marked ones are in different contexts."


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A key that was pressed before the record had come which it is about."""

    key: ApprovalKey
    approved: bool
    at: datetime
    typed: str = ""
    """The beginning of a denial's reason, typed since."""


class InboxScreen(ConsoleScreen):
    """Deciding is about `Review.approval`, the object on the screen; rows only say what to load."""

    MODE = "inbox"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 - Textual declares it
    VERTICAL_BREAKPOINTS = [(HIGH, "-high")]  # noqa: RUF012 - Textual declares it
    AUTO_FOCUS = "#inbox"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "decide(True)", "Approve", id="approve", tooltip="first shows what will be sent, and asks"),
        Binding("d", "decide(False)", "Deny", id="deny", tooltip="asks why; nothing is restarted"),
        Binding("space", "mark", "Mark", id="mark", tooltip="to answer all that are marked together"),
        Binding("m", "marks(True)", "Mark its cause", show=False, id="mark-cause", tooltip="all shown with one cause"),
        Binding("M", "marks(False)", "Mark all shown", show=False, id="mark-all", tooltip="again: none"),
        Binding("A", "decide_marked(True)", "Approve marked", id="approve-marked", group=_MARKED),
        Binding("D", "decide_marked(False)", "Deny marked", id="deny-marked", group=_MARKED),
        Binding(
            "c", "claim", "Claim", id="claim", tooltip="tells the others that you are looking at it; again: no longer"
        ),
        Binding("x", "stop_waiting", "Stop", id="stop-waiting", tooltip="a restart that waits for its endpoint"),
        # What there is to copy says so itself.
        Binding("y", "copy", "Copy", show=False, id="copy", tooltip="the last receipt, or else the approval's id"),
        Binding("slash", "filter", "Filter", key_display="/", id="filter", tooltip=inbox.FILTER_EXAMPLE),
        Binding("s", "sort", "Sort by the next column", show=False, id="sort"),
        Binding("g", "group", "Group by cause", show=False, id="group"),
        Binding("r", "refresh", "Refresh", show=False, id="refresh"),
        Binding("escape", "back", "Back", id="back"),
    ]

    def __init__(self, state: ConsoleState) -> None:
        super().__init__(state)
        self._list = WaitingList(state)
        self._aside = Aside()
        self._review = ChosenReview(state, self._aside)
        self._wanted: _Wanted | None = None
        """What is asked as soon as its record has come."""
        self._passing: tuple[int | str, ...] = ()
        """What passes with time alone, as it was drawn last."""

    def content(self) -> ComposeResult:
        """The list and the record, part of it below the list where the terminal is wide and high."""
        with Container(id="split"):
            with Vertical(id="left"):
                yield self._list
                yield self._aside
            yield self._review

    def headline(self) -> Headline | None:
        """What waits, and what of it comes first."""
        state = self.state
        return inbox.headline([each.row for each in state.waiting], state.now(), state.news(), len(state.marked))

    def on_mount(self) -> None:
        """Starts the tick of what locks deciding."""
        self.set_interval(1, self._tick)

    def state_changed(self) -> None:
        """Rows, freshness or a decision changed."""
        self._passing = self._passes()
        super().state_changed()
        self._show_rows()

    def _tick(self) -> None:
        # Under a dialog too: what it is about must not look younger than it is.
        if not self.is_current:
            return
        if self._passing != self._passes():
            self.state_changed()
        else:
            self._list.show_why_empty()

    def _passes(self) -> tuple[int | str, ...]:
        """How many are new, and why nothing can be decided, by context: data grows old by itself."""
        return self.state.news(), *(context.locked_because() for context in self.state.contexts)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in {"decide", "claim", "mark", "marks", "decide_marked"} and all(
            context.read_only for context in self.state.contexts
        ):
            return False
        if action in {"decide", "claim"}:
            chosen = self._list.chosen
            takes_it = chosen is not None and (action == "decide" or chosen.row.waits is None)
            return True if chosen is not None and takes_it and not chosen.context.locked_because() else None
        if action == "stop_waiting":
            chosen = self._list.chosen
            if chosen is None or chosen.row.waits is None or chosen.context.read_only:
                return False
            return not chosen.context.locked_because() or None
        if action == "mark" or (action == "marks" and parameters[0]):
            chosen = self._list.chosen
            return True if chosen is not None and chosen.can_be_marked else None
        if action == "decide_marked":
            # Without marks the footer has no room for them.
            contexts = {waiting.context for waiting in self._list.marked_waiting}
            return bool(contexts) and (not any(context.locked_because() for context in contexts) or None)
        if action == "back":
            here = self._wanted is not None or self.has_class("-open") or self._list.bar.display
            return here or self.state.navigation.can_go_back
        return True if action == "neighbour" else super().check_action(action, parameters)

    def why_not(self) -> str:
        """What is greyed needs a chosen row in a context that is not locked."""
        chosen = self._list.chosen
        return chosen.context.locked_because() if chosen else "nothing is chosen"

    # The list

    def _show_rows(self) -> None:
        self._list.show()
        if self._list.chosen is not None:
            self._review.follow(self._list.chosen)
        elif not self.state.waiting:
            self._review.clear()
        self._review.forget_others()
        self._review.follow_on()
        self._say_where()

    def _say_where(self) -> None:
        """Says in the record's frame where in the list it stands."""
        table = self._list.table
        is_listed = self._list.chosen is not None
        self._review.border_subtitle = f"{table.cursor + 1:,} of {len(table.keys):,}" if is_listed else ""

    # The record

    @on(WaitingList.Chosen)
    def _choose(self) -> None:
        self._review.follow(self._list.chosen)
        self._say_where()
        self.refresh_bindings()

    @on(ChosenReview.Shown)
    def _ask_if_wanted(self) -> None:
        wanted, self._wanted = self._wanted, None
        # It may have taken long: whoever is elsewhere by now is not interrupted.
        if wanted is not None and self._review.shows(wanted.key) and self.is_active:
            self._ask(wanted.approved, late=self.state.now() - wanted.at > AT_ONCE, typed=wanted.typed)
        self.refresh_bindings()

    @on(KeyedTable.Opened, "#inbox")
    def _open_record(self) -> None:
        self.add_class("-open")
        self.set_focus(self._review)
        self.refresh_bindings()

    def action_back(self) -> None:
        """Takes back a key whose record has not come; from the record to the list, then from the filtered to all."""
        if self._wanted is not None:
            self._wanted = None
            self._say_what_loads()
        elif self.has_class("-open"):
            self.remove_class("-open")
        elif self._list.bar.display:
            self._list.bar.close()
        else:
            super().action_back()
            return
        self.set_focus(self._list.table)
        self.refresh_bindings()

    def reveal(self, context: str, approval_id: str) -> None:
        """Opens what waits, whatever the filter keeps back."""
        waiting = self.state.by_key.get(ApprovalKey(context, approval_id))
        if waiting is None:
            return
        if waiting.row_key not in self._list.table.keys:
            self._list.bar.close()
        self._list.choose(waiting.row_key)
        self._open_record()

    def links(self) -> Links:
        """What is chosen leads to; the more once its record has been read."""
        chosen, approval = self._list.chosen, self._review.approval
        if chosen is None:
            return Links()
        if approval is not None and self._review.shows(chosen.key):
            return links.of_record(chosen.context.name, approval)
        return links.of_row(chosen.context.name, chosen.row)

    def action_neighbour(self, by: int) -> None:
        """The next row, or the one before, without leaving the record."""
        self._list.table.action_move(by)

    # Which rows, and in which order

    def action_filter(self) -> None:
        """Opens the filter line."""
        self.remove_class("-open")
        self._list.bar.open()
        self.refresh_bindings()

    def action_sort(self) -> None:
        """Sorts by the next of what can be sorted by."""
        order = self._list.sort_next()
        self.remember(sort=order)
        self.notify(f"Sorted: {order}.", markup=False)

    def action_group(self) -> None:
        """Puts what has one cause together, or apart again."""
        together = self._list.toggle_groups()
        self.remember(group_by=BY_CAUSE if together else "")
        self.notify("Grouped by cause." if together else "Not grouped.", markup=False)

    # Deciding

    def action_decide(self, approved: bool) -> None:
        """Asks once, on the record that is on the screen."""
        self._ask(approved, late=False)

    def type_ahead(self, text: str) -> bool:
        """What is typed while the record of a denial is on its way is its reason: no letter acts on the list."""
        wanted = self._wanted
        if wanted is None or wanted.approved:
            return False
        self._wanted = replace(wanted, typed=wanted.typed + text)
        self._say_what_loads()
        return True

    def _say_what_loads(self) -> None:
        """What has been asked for and, where a key waits for it, what comes then."""
        chosen, wanted = self._list.chosen, self._wanted
        if chosen is None or self._review.shows(chosen.key):
            return
        words = f"Loading {inbox.label(chosen.row)}"
        if wanted is not None:
            words += f"; then it asks whether to {'approve' if wanted.approved else 'deny'} it"
        typed = f" Reason so far: {wanted.typed}" if wanted is not None and wanted.typed else ""
        self._review.show_loading(chosen.row.approval_id, f"{words} …{typed}")
        self.refresh_bindings()

    def _ask(self, approved: bool, *, late: bool, typed: str = "") -> None:
        approval, chosen = self._review.approval, self._list.chosen
        if chosen is None:
            return
        if wait := chosen.row.waits:
            self.notify(under_way.why_no_answer(wait, self.state.keys["stop-waiting"]), markup=False)
            return
        if chosen.in_flight:
            self.notify("You have already answered this one.", markup=False)
            return
        if approval is None or not self._review.shows(chosen.key):
            self._wanted = _Wanted(chosen.key, approved, self.state.now())
            self._say_what_loads()
            return
        if approval.status is not Status.WAITING:
            self.notify("This one no longer waits.", severity="warning", markup=False)
            return

        if changes := self._review.changes():
            from qlikops.tui.screens.changed import ChangedScreen

            saw = self._review.have_seen
            self.app.push_screen(
                ChangedScreen(self.state, chosen.context, changes), lambda _: saw(chosen.key, approval)
            )
            return
        from qlikops.tui.screens.decision import ApproveScreen, DenyScreen

        kind = ApproveScreen if approved else DenyScreen
        screen: DecisionScreen = kind(self.state, chosen.context, approval, self._review.latest, late=late)
        screen.type_ahead(typed)

        def answer(request: DecisionRequest | None) -> None:
            if request is not None:
                self._send(chosen, approval, request)
            elif screen.became is not None:
                self._review.have_seen(chosen.key, screen.became)

        self.app.push_screen(screen, answer)

    def _send(self, decided: WaitingRow, approval: ProposalRecord, request: DecisionRequest) -> None:
        decided.context.outbox.send([(approval, request)], self.app)
        self.remove_class("-open")
        self.set_focus(self._list.table)
        self.state_changed()
        # Only now: what the list showed until then may be gone.
        following = self._list.next_unanswered()
        if self._list.table.chosen == decided.row_key and following is not None:
            self._list.table.choose(following)

    # Several at once

    def action_mark(self) -> None:
        """Marks the chosen row, or takes its mark away, and goes to the next."""
        self._list.toggle_mark()
        self._count_marks()

    def action_marks(self, of_cause: bool) -> None:
        """Marks all that is shown, or what of it has the chosen one's cause, or takes these marks away."""
        self._list.toggle_marks(of_cause=of_cause)
        self._count_marks()

    def _count_marks(self) -> None:
        # Not in a notice: it would lie over the dialog that is opened next.
        self.draw_frame()
        self.refresh_bindings()

    def action_decide_marked(self, approved: bool) -> None:
        """Asks once about all that is marked."""
        marked = [waiting for waiting in self._list.marked_waiting if waiting.can_be_marked]
        if not marked:
            return
        context = marked[0].context
        if any(waiting.context is not context for waiting in marked):
            self.notify(_SEVERAL_CONTEXTS, severity="warning", markup=False)
            return
        from qlikops.tui.screens.bulk import BulkScreen

        ids = [waiting.row.approval_id for waiting in marked]
        screen = BulkScreen(self.state, context, ids, approved=approved)
        self.app.push_screen(screen, lambda answers: self._send_marked(context, answers))

    def _send_marked(self, context: LiveContext, answers: ReviewedDecisions | None) -> None:
        self.state.marked -= {ApprovalKey(context.name, approval.approval_id) for approval, _ in answers or ()}
        context.outbox.send(answers or (), self.app, batch=new_decision_id())
        self.state_changed()

    def chosen_values(self) -> Mapping[str, str]:
        """The chosen proposal, its run, and its task if it is of one and its record is shown."""
        chosen, approval = self._list.chosen, self._review.approval
        if chosen is None:
            return {}
        found = {"id": chosen.row.approval_id, "execution": chosen.row.execution_name, "context": chosen.context.name}
        if approval is not None and self._review.shows(chosen.key) and len(approval.proposal.targets) == 1:
            found |= asdict(approval.proposal.targets[0].key)
        return found

    def action_claim(self) -> None:
        """Says "I am looking at it" to the others, or no longer if one has said so."""
        chosen = self._list.chosen
        if chosen is None:
            return
        claim, context = chosen.row.claim, chosen.context
        is_own = claim is not None and claim.by == context.caller and claim.until > context.now()
        (context.release if is_own else context.claim)(chosen.row.approval_id, self)

    @on(messages.Claimed)
    def _claimed(self, message: messages.Claimed) -> None:
        words = "Released: others no longer see that you look at it." if message.is_released else _CLAIMED
        self.notify(words, markup=False)
        self.action_refresh()

    def action_stop_waiting(self) -> None:
        """Asks, then pulls the brake of a restart that waits for its endpoint."""
        chosen = self._list.chosen
        if chosen is None:
            return
        from qlikops.tui.screens.stop_waiting import StopWaitingScreen

        context = chosen.context

        def stop(approval_id: str | None) -> None:
            if approval_id is not None and not context.locked_because():
                context.stop_waiting(approval_id, self)

        self.app.push_screen(StopWaitingScreen(self.state, context, chosen.row.approval_id), stop)

    @on(messages.WaitStopped)
    def _wait_stopped(self) -> None:
        self.notify("Stopped: nothing of it is started, and its next look ends it.", markup=False)
        self.action_refresh()

    def action_refresh(self) -> None:
        """Asks every context for its inbox now, and for what surrounds the record that is shown."""
        self.state.load_rows(self.app)
        self._review.look_around_again()

    def action_copy(self) -> None:
        """The last receipt, or those of all that were answered together; else the chosen approval's id."""
        now, latest, chosen = self.state.now(), self.state.latest_together, self._list.chosen
        if latest and not any(sending.due for sending in latest):
            what = "Receipt" if len(latest) == 1 else f"{len(latest)} receipts"
            self.copy("\n\n".join(sending.proof(now) for sending in latest), what)
        elif chosen is not None:
            self.copy(chosen.row.approval_id, chosen.row.approval_id)
