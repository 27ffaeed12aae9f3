"""Answering several at once: a list in which each can be taken out, then one answer for each of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar

from rich.segment import Segment
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.strip import Strip
from textual.widgets import Button, Input, SelectionList
from textual.widgets.selection_list import Selection

from qlikops.domain.gathered import advice
from qlikops.domain.ports import Approve, DecisionRequest, Deny
from qlikops.domain.proposals.approval import ProposalRecord, Status, new_decision_id
from qlikops.domain.proposals.callback import DECISION_TEXT_CAP
from qlikops.presentation import vocabulary
from qlikops.presentation.deciding import choosing
from qlikops.presentation.deciding.bulk import entry, named, not_one_cause, together
from qlikops.presentation.deciding.decision import no_longer_waits
from qlikops.presentation.lists import inbox
from qlikops.presentation.lists.inbox import claimed_by_another
from qlikops.presentation.pages.review import second_thoughts
from qlikops.presentation.problem import explain
from qlikops.presentation.tone import Line, Tone, outside
from qlikops.tui.model import messages
from qlikops.tui.model.context import LiveContext
from qlikops.tui.model.outbox import ReviewedDecision
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.screens.dialog import LOOK_FIRST, FollowingDialog
from qlikops.tui.widgets.denying import Denying
from qlikops.tui.widgets.line import LineInput
from qlikops.tui.widgets.prose import palette, text

ReviewedDecisions = tuple[ReviewedDecision, ...]
AT_ONCE = timedelta(seconds=0.5)
"""What comes within this time of the key is what the person waits for."""
_CLAUSE = 80
"""Characters of why a record could not be read."""
_SAID = 3
"""Number of proposals that are named as left out or looked at; the rest is counted."""


class Ticks(SelectionList[str]):
    """Space ticks and unticks, but not what is left out; Enter never does, it goes on."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "screen.go_on", "Go on", show=False, id="go-on")]

    def render_line(self, y: int) -> Strip:
        """Textual tells ticked, unticked and disabled by colour alone."""
        strip = super().render_line(y)
        index = self.scroll_offset.y + y
        if index >= self.option_count:
            return strip
        _, box, _, gap, *rest = strip
        option = self.get_option_at_index(index)
        if option.disabled:
            return Strip([Segment("[–]", gap.style), gap, *rest])
        ticked = option.value in self.selected
        return Strip([Segment("[x]", box.style) if ticked else Segment("[ ]", gap.style), gap, *rest])

    def leave_out(self, index: int) -> None:
        """It can no longer be answered."""
        self.deselect(self.get_option_at_index(index))
        self.disable_option_at_index(index)


class BulkScreen(FollowingDialog[ReviewedDecisions]):
    """Answers with one request for each ticked record, bound to its own digest.

    It opens at once and reads the records then: what is typed after its key is meant for it, not for the list below.
    What anything speaks against starts unticked where it is about approving.
    """

    def __init__(self, state: ConsoleState, context: LiveContext, ids: Sequence[str], *, approved: bool) -> None:
        super().__init__(state, context)
        self._ids = tuple(ids)
        self._approvals: dict[str, ProposalRecord] = {}
        """The records by id, once they have been read."""
        self._approved = approved
        self._opened_at = context.now()
        self._never = ""
        """Why none of them can be answered from here."""
        self._left_out: dict[str, str] = {}
        """Why, for each that is not answered any more."""

    def heading(self) -> str:
        return f"{'Approve' if self._approved else 'Deny'} together: one answer for each that is ticked"

    def content(self) -> ComposeResult:
        yield Ticks(id="ticks")
        yield from super().content()

    def fields(self) -> ComposeResult:
        if self._approved:
            yield LineInput(max_length=DECISION_TEXT_CAP, id="reason", compact=True)
        else:
            yield Denying("One reason for all (needed)", self.context.now)

    def foot(self) -> str:
        """Says in whose name it is sent, and how long Esc takes it back."""
        who = vocabulary.person(self.context.caller) if self.context.caller else vocabulary.NO_CALLER
        held = self.context.outbox.hold.total_seconds()
        return f"as {who} · Esc takes them back for {held:.0f} s" if held else f"as {who}"

    def send_button(self) -> Button:
        return Button("", variant="success" if self._approved else "error", id="send", compact=True)

    def on_mount(self) -> None:
        """Asks for the records. What is typed from now on is the reason, if there is one."""
        ticks = self.query_one(Ticks)
        self.begin_in("#ticks" if self._approved else "#reason")
        self.watch(ticks, "scroll_y", self.draw, init=False)
        self.context.load_marked(self._ids, self)

    # What came

    @on(messages.MarkedLoaded)
    def _take(self, message: messages.MarkedLoaded) -> None:
        # A row does not say what the cause is, so it takes the records.
        proposals = [approval.proposal for approval in message.approvals]
        self._left_out = {key: outside(explain(error).text, cap=_CLAUSE).text for key, error in message.missed.items()}
        if not message.approvals:
            first, *more = message.missed.values()
            others = f" {len(more):,} more have no record that can be read." if more else ""
            self._never = f"{explain(first)}{others} Nothing was sent. Esc closes."
            self.draw()
            return
        if self._approved and (refusal := not_one_cause(proposals)):
            self._never = f"{refusal} Esc closes."
        if self.context.now() - self._opened_at > AT_ONCE:
            self.answers_from = self.context.now() + LOOK_FIRST
        self._approvals = {approval.approval_id: approval for approval in message.approvals}
        colours = palette(self)
        self.query_one(Ticks).add_options(
            # Outside text reaches the list as text, never as markup.
            Selection(
                text(entry(approval, approved=self._approved), colours),
                key,
                not (self._approved and second_thoughts(approval)),
            )
            for key, approval in self._approvals.items()
        )
        self.query_one(Ticks).highlighted = 0
        self._outgoing.show_anew()
        self.state_changed()
        # How much of the list lies below is known once it has been laid out.
        self.call_after_refresh(self.draw)

    @on(messages.MarkedLoadFailed)
    def _miss(self, message: messages.MarkedLoadFailed) -> None:
        self._never = f"{explain(message.error)} Nothing was sent. Esc closes."
        self.draw()

    def state_changed(self) -> None:
        """What no longer waits as it was read drops out of the answer; what becomes of it is looked up."""
        for index, (key, approval) in enumerate(self._approvals.items()):
            if key not in self._left_out and (why := self._gone(approval)):
                self._left_out[key] = why
                self.query_one(Ticks).leave_out(index)
                self.follow(key)
        super().state_changed()

    def _gone(self, approval: ProposalRecord) -> str:
        if self.context.locked_because():
            return ""  # what has not been read says nothing
        row = self.context.row(approval.approval_id)
        if self.context.outbox.in_flight(approval.approval_id):
            return "you have answered it"
        if row is None or approval.status is not Status.WAITING:
            return "it no longer waits"
        return "" if row.is_of(approval) else "it changed; review it by itself"

    def followed(self, approval: ProposalRecord) -> None:
        if approval.status is not Status.WAITING:
            self._left_out[approval.approval_id] = no_longer_waits(approval)

    # What is shown

    def _answered(self) -> list[ProposalRecord]:
        ticked = set(self.query_one(Ticks).selected)
        return [approval for key, approval in self._approvals.items() if key in ticked]

    @on(SelectionList.SelectedChanged)
    def _look_anew(self) -> None:
        # Others may say something that has not been read.
        if self._approved:
            self._outgoing.show_anew()
        self.draw()

    @on(Denying.Changed)
    def draw(self) -> None:
        """How many would be sent, what that comes to, and what stands in the way."""
        answered = self._answered()
        self.query_one("#send", Button).label = f"{'Approve' if self._approved else 'Deny'} {len(answered)}"
        if self._approved:
            self.query_one("#reason", Input).placeholder = choosing.why(0, self._needs_reason())
        else:
            self.query_one(Denying).show([approval.proposal for approval in answered])
        super().draw()

    def outgoing(self) -> tuple[Line, ...]:
        return together(self._answered(), approved=self._approved)

    def problem(self) -> str:
        """Not read yet, never to be answered, or nothing to answer."""
        if self._never:
            return self._never
        if not self._approvals:
            return f"Reading the {len(self._ids):,} marked … Esc gives up."
        if locked := super().problem():
            return locked
        if self._approved and (needs := self._needs_reason()):
            return f"A reason is needed: {needs}."
        return "" if self._answered() else f"Nothing is ticked.{self._labels_left_out()} Esc goes back."

    def advice(self) -> Text:
        """Which key does what, and who has been or may be faster."""
        colours = palette(self)
        answered = self._answered()
        keys = (
            "Space unticks, Enter goes on" if self._approved else "Enter sends, ↑ ↓ when, Shift+Tab then Space unticks"
        )
        words = Text(f"{len(answered)} of {len(self._approvals)} ticked. {keys}, Esc goes back.")
        ticks = self.query_one(Ticks)
        if below := ticks.max_scroll_y - round(ticks.scroll_y):
            words.append(f" ▼ {below:,} more below.", colours[Tone.WARNING])
        claimed = [f" {claimant} is looking at {self._label(key)}." for key, claimant in self._claimants(answered)]
        words.append(_first(claimed, "are looked at"), colours[Tone.WARNING])
        words.append(self._labels_left_out(), colours[Tone.WARNING])
        if not self._approved and not self.reason:
            words.append(" A reason is required.", colours[Tone.WARNING])
        return words

    def _claimants(self, answered: Sequence[ProposalRecord]) -> list[tuple[str, str]]:
        now, caller = self.context.now(), self.context.caller
        rows = [row for approval in answered if (row := self.context.row(approval.approval_id))]
        return [(row.approval_id, name) for row in rows if (name := claimed_by_another(row, caller, now))]

    def _labels_left_out(self) -> str:
        said = [f" Left out: {self._label(key)}: {why.rstrip('.')}." for key, why in self._left_out.items()]
        return _first(said, "are left out")

    def _label(self, key: str) -> str:
        approval, row = self._approvals.get(key), self.context.row(key)
        return named(approval, 40) if approval else inbox.label(row) if row else key

    def _needs_reason(self) -> str:
        """Why a reason is needed, while there is none; empty otherwise."""
        if self.reason:
            return ""
        if not self._approved:
            return "those who are asked next read it"
        found = (advice.against(each, each.proposal.choose()) for each in self._answered())
        return next(filter(None, found), "")

    # What is sent

    def action_go_on(self) -> None:
        """Goes from the list to the reason if one is needed, else to the button that sends."""
        self.set_focus(self.query_one("#reason" if self._needs_reason() else "#send"))

    @on(Input.Submitted)
    def _enter_reason(self) -> None:
        if self._approved:
            self.action_go_on()
        else:
            self.submit()

    def submit(self) -> None:
        """Asks for the reason first."""
        if self._needs_reason():
            self.app.bell()
            self.set_focus(self.query_one("#reason"))
            return
        super().submit()

    def answer(self) -> ReviewedDecisions:
        """One request for each, with a decision id of its own."""
        reason = self.reason
        snooze = None if self._approved else self.query_one(Denying).snooze

        def request(digest: str) -> DecisionRequest:
            if self._approved:
                return Approve(digest, reason, via="tui", decision_id=new_decision_id())
            return Deny(digest, reason, snooze, via="tui", decision_id=new_decision_id())

        return tuple((approval, request(approval.digest)) for approval in self._answered())


def _first(sentences: Sequence[str], are: str) -> str:
    """The first few sentences, and how many more proposals `are` so."""
    more = len(sentences) - _SAID
    return "".join(sentences[:_SAID]) + (f" {more:,} more {are}." if more > 0 else "")
