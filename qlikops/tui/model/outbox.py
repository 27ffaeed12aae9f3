"""The decisions of one context on their way from key press to outcome: held back, sent, watched.

What has not gone out can always be taken back: a decision whose turn has not come waits here, not in a thread, until
those before it are known to have arrived. It knows nothing of screens, nor of whether deciding is allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import KW_ONLY, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from textual.message_pump import MessagePump

from qlikops.dataclass import dataclass
from qlikops.domain.errors import Unreachable
from qlikops.domain.ports import ContextServices, DecisionReceipt, DecisionRequest
from qlikops.domain.proposals.approval import ProposalRecord, Status, choice_of
from qlikops.presentation.deciding import decision
from qlikops.presentation.tone import Span, Spans, Tone
from qlikops.tui.model import messages
from qlikops.tui.model.backend import Backend

HOLD_IF_FINAL = timedelta(seconds=10)
"""That a decision is held back at least after which tables load again, unless nothing is held back at all."""
OUTCOME_TIMEOUT = timedelta(minutes=5)
"""How long a decision is watched: a restart is verified for two minutes, and statuses lag."""
UNKNOWN_TIMEOUT = timedelta(minutes=1)
"""How long the record is asked for a decision that may have been lost. If it still waits by then, it can be answered
again: a task token counts once, so whichever comes first does, and the other is told.
"""
DENIALS_AT_ONCE = 8
"""Nothing restarts by them, and a storm of proposals is denied before it expires. Approvals go one by one."""

Clock = Callable[[], datetime]
ReviewedDecision = tuple[ProposalRecord, DecisionRequest]
"""A decision, with the record as it was on the screen."""


class ApprovalKey(NamedTuple):
    """What tells approvals apart: two contexts may have the same id."""

    context: str
    approval_id: str


@dataclass(frozen=True, slots=True)
class Sending:
    """One decision of this console on its way from key press to outcome."""

    key: ApprovalKey
    approval: ProposalRecord
    """Record as it was on the screen."""
    request: DecisionRequest
    receipt: DecisionReceipt | None = None
    error: Exception | None = None
    ended: ProposalRecord | None = None
    """The record once the watch was over."""
    due: datetime | None = None
    """Held back until then, and until its turn comes; None once it has been handed over to be sent."""
    sent_at: datetime | None = None
    """When it was handed over."""
    withdrawn: str = ""
    """Why it was not sent after all."""
    batch: str = ""
    """A name that all have in common that were answered together; empty for one alone."""
    context: str = ""
    """The name of the context that it goes to, if there are several."""

    def progress(self, now: datetime) -> Spans:
        """How far it is, in one line."""
        if self.withdrawn:
            return decision.withdrawn(self.approval, self.request, self.withdrawn, self.context)
        waited = 0.0 if self.sent_at is None else (now - self.sent_at).total_seconds()
        return decision.progress(
            self.approval, self.request, self.receipt, self.error, self.ended, waited, context=self.context
        )

    @property
    def stage(self) -> Span:
        """Says in a word or two how far it is."""
        if self.withdrawn:
            return Span("not sent", Tone.WARNING)
        if self.due is not None:
            return Span("to be sent")
        return decision.stage(self.request, self.receipt, self.error, self.ended)

    @property
    def is_settled(self) -> bool:
        """Whether it is on its way no longer: it is recorded, or known not to be, or not known."""
        return self.receipt is not None or self.error is not None or bool(self.withdrawn)

    @property
    def record(self) -> ProposalRecord | None:
        """The proposal with what this console knows became of it; None while the ledger holds no answer of ours."""
        if self.ended is not None or self.receipt is None:
            return self.ended
        made = self.receipt.decision
        at = made.at or self.approval.updated_at
        return replace(self.approval, status=self.receipt.status, decision=made, updated_at=at)

    @property
    def is_on_the_way(self) -> bool:
        """Whether it may be on the wire right now."""
        return self.sent_at is not None and not self.is_settled

    def proof(self, now: datetime) -> str:
        """All there is to say of it, for a clipboard: the receipt with the outcome, or why there is none."""
        if self.receipt is None:
            return decision.unproven(self.approval, self.request, self.progress(now), self.context)
        receipt = self.receipt
        if self.ended is not None:
            receipt = replace(receipt, status=self.ended.status, outcome=self.ended.outcome)
        return decision.receipt_text(receipt, self.context)

    @property
    def is_recorded(self) -> bool:
        """Whether the ledger holds an answer, ours or another."""
        return self.receipt is not None or (self.ended is not None and self.ended.decision is not None)

    @property
    def goes_on(self) -> bool:
        """Whether more will become of it by itself."""
        if self.ended is not None:
            return not self.ended.status.is_final and self.ended.status is not Status.WAITING
        return not self.withdrawn and self.may_count

    @property
    def may_count(self) -> bool:
        """Whether this decision may have counted: False only if it certainly did not."""
        if self.withdrawn or (self.ended is not None and self.ended.status is Status.WAITING):
            return False
        return self.error is None or decision.maybe_sent(self.error)


@dataclass(frozen=True)
class Outbox:
    """Only handlers on the UI thread change it. `sendings` is shared by the contexts of a console, in order."""

    context: str
    backend: Backend
    clock: Clock
    hold: timedelta
    sendings: dict[ApprovalKey, Sending]
    _: KW_ONLY
    label: str = ""
    """Which context it is, in texts; empty where there is only one."""

    def in_flight(self, approval_id: str) -> bool:
        """Whether this console has answered it, unless that certainly did not count."""
        sending = self.sendings.get(self._key(approval_id))
        return sending is not None and sending.may_count

    @property
    def records(self) -> tuple[ProposalRecord, ...]:
        """What was decided here and is recorded, in the order in which it was sent."""
        return tuple(record for sending in self._ours() if (record := sending.record))

    @property
    def sending_now(self) -> bool:
        """Whether a decision is on its way to the wire."""
        return any(sending.is_on_the_way for sending in self._ours())

    @property
    def held(self) -> tuple[Sending, ...]:
        """What is held back: answered here, not sent, and not sent at all if it is cancelled."""
        return tuple(sending for sending in self._ours() if sending.due)

    def cancel_delayed(self, reason: str, batch: str | None = None) -> tuple[Sending, ...]:
        """Sends nothing of what is held back, or of `batch`; returns what was."""
        return tuple(
            self._change(sending.key.approval_id, due=None, withdrawn=reason)
            for sending in self.held
            if batch is None or sending.batch == batch
        )

    def send_due(self, to: MessagePump) -> None:
        """Sends what has been held back long enough and whose turn it is, in the order it was decided."""
        on_the_way = [sending.request.approved for sending in self._ours() if sending.is_on_the_way]
        for sending in self.held:
            one_by_one = sending.request.approved or any(on_the_way)
            if len(on_the_way) >= (1 if one_by_one else DENIALS_AT_ONCE):
                return
            if sending.due is None or sending.due > self.clock():
                return
            on_the_way.append(sending.request.approved)
            self._send(sending, to)

    def sent(self, approval_id: str, receipt: DecisionReceipt, to: MessagePump) -> None:
        """The ledger holds our decision, and what comes of it is watched."""
        self._change(approval_id, receipt=receipt)
        self.watch(approval_id, to)

    def not_sent(self, approval_id: str, error: Exception, to: MessagePump) -> Sending:
        """It did not count; or nobody can say yet, and the record is watched.

        Where one was too late the next may not be. Where nobody knows what became of it, or nothing arrives, those
        decided together with it stay here: one to look after is enough.
        """
        sending = self._change(approval_id, error=error)
        if sending.batch and (decision.maybe_sent(error) or isinstance(error, Unreachable)):
            known = "may have been lost" if decision.maybe_sent(error) else "could not be sent"
            self.cancel_delayed(f"the one before it {known}", sending.batch)
        if sending.goes_on:
            self.watch(approval_id, to)
        return sending

    def ended(self, approval: ProposalRecord) -> Sending:
        """The watch is over."""
        return self._change(approval.approval_id, ended=approval)

    def _ours(self) -> Iterator[Sending]:
        return (sending for key, sending in self.sendings.items() if key.context == self.context)

    def _change(self, approval_id: str, **changed: object) -> Sending:
        key = self._key(approval_id)
        self.sendings[key] = sending = replace(self.sendings[key], **changed)  # type: ignore[arg-type]
        return sending

    def _key(self, approval_id: str) -> ApprovalKey:
        return ApprovalKey(self.context, approval_id)

    def send(self, answers: Iterable[ReviewedDecision], to: MessagePump, batch: str = "") -> None:
        """Sends decisions in their order, once they have been held back; `batch` is theirs where they are several.

        What is held back goes out by `send_due`, whose caller knows whether the screen was there all the time.
        """
        now = self.clock()
        for approval, request in answers:
            key, due = self._key(approval.approval_id), now + self.held_for(approval, request)
            # Put last even where the same approval was tried before.
            self.sendings.pop(key, None)
            self.sendings[key] = Sending(key, approval, request, due=due, batch=batch, context=self.label)
        if not self.hold:
            self.send_due(to)

    def held_for(self, approval: ProposalRecord, request: DecisionRequest) -> timedelta:
        """Longer where nothing takes back what is set off; none at all if that is the setting."""
        is_final = request.approved and choice_of(approval.proposal, request.decision()).loads_again
        return max(self.hold, HOLD_IF_FINAL) if self.hold and is_final else self.hold

    def _send(self, sending: Sending, to: MessagePump) -> None:
        approval, request = sending.approval, sending.request
        self._change(approval.approval_id, due=None, sent_at=self.clock())

        def send(environment: ContextServices) -> messages.DecisionSent:
            receipt = environment.approvals.decide(approval.approval_id, request)
            return messages.DecisionSent(self.context, approval, request, receipt)

        self.backend.call(
            f"send-{approval.approval_id}",
            send,
            lambda error: messages.DecisionSendFailed(self.context, approval, request, error),
            to,
        )

    def watch(self, approval_id: str, to: MessagePump) -> None:
        """Waits for the outcome, beside everything else."""
        timeout = OUTCOME_TIMEOUT if self.sendings[self._key(approval_id)].is_recorded else UNKNOWN_TIMEOUT

        def watch(environment: ContextServices) -> messages.OutcomeLoaded:
            return messages.OutcomeLoaded(self.context, environment.approvals.outcome(approval_id, timeout))

        self.backend.call(
            f"outcome-{approval_id}",
            watch,
            lambda error: messages.OutcomeLoadFailed(error, approval_id, self.context),
            to,
        )
