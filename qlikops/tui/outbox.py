"""The decisions of one context on their way from key press to outcome: held back, sent, watched.

It knows nothing of screens, nor of whether deciding is allowed: it does what it is told, once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from textual.message_pump import MessagePump

from qlikops.domain.approval import Approval, Status
from qlikops.domain.errors import DecisionUnknown, QlikopsError
from qlikops.domain.ports import DecisionReceipt, DecisionRequest, Environment
from qlikops.presentation import decision
from qlikops.presentation.tone import Span, Spans, Tone
from qlikops.tui import messages
from qlikops.tui.backend import Backend

OUTCOME_TIMEOUT = timedelta(minutes=5)
"""How long a decision is watched: a restart is verified for two minutes, and statuses lag."""
_SENDS = "sends"

Clock = Callable[[], datetime]


class ApprovalKey(NamedTuple):
    """What tells approvals apart: two contexts may have the same id."""

    context: str
    approval_id: str


@dataclass(frozen=True, slots=True)
class Sending:
    """One decision of this console on its way from key press to outcome."""

    key: ApprovalKey
    approval: Approval
    """As it was on the screen."""
    request: DecisionRequest
    receipt: DecisionReceipt | None = None
    error: Exception | None = None
    ended: Approval | None = None
    """The record once the watch was over."""
    due: datetime | None = None
    """Held back until then; None once it has been handed over to be sent."""
    withdrawn: str = ""
    """Why it was not sent after all."""
    batch: str = ""
    """The same for all that were answered together; empty for one alone."""

    @property
    def progress(self) -> Spans:
        """Where it is, in one line."""
        if self.withdrawn:
            return decision.withdrawn(self.approval, self.request, self.withdrawn)
        return decision.progress(self.approval, self.request, self.receipt, self.error, self.ended)

    @property
    def stage(self) -> Span:
        """The same in a word or two."""
        if self.withdrawn:
            return Span("not sent", Tone.WARNING)
        return decision.stage(self.request, self.receipt, self.error, self.ended)

    @property
    def is_settled(self) -> bool:
        """Whether it is on its way no longer: it is recorded, or known not to be, or not known."""
        return self.receipt is not None or self.error is not None or bool(self.withdrawn)

    @property
    def proof(self) -> str:
        """All there is to say of it, for a clipboard: the receipt with the outcome, or why there is none."""
        if self.receipt is None:
            return decision.unproven(self.approval, self.request, self.progress)
        receipt = self.receipt
        if self.ended is not None:
            receipt = replace(receipt, status=self.ended.status, outcome=self.ended.outcome)
        return decision.receipt_text(receipt)

    @property
    def may_count(self) -> bool:
        """Whether it has been answered by this, unless that certainly did not count."""
        if self.withdrawn or (self.ended is not None and self.ended.status is Status.WAITING):
            return False
        return self.error is None or maybe_sent(self.error)


def maybe_sent(error: Exception) -> bool:
    """Whether a decision that ended in `error` may have counted: only our own errors rule it out."""
    return isinstance(error, DecisionUnknown) or not isinstance(error, QlikopsError)


class Outbox:
    """Only handlers on the UI thread change it. `sendings` is shared by the contexts of a console, in order."""

    def __init__(
        self, context: str, backend: Backend, clock: Clock, hold: timedelta, sendings: dict[ApprovalKey, Sending]
    ) -> None:
        self._context = context
        self._backend = backend
        self._clock = clock
        self._hold = hold
        self._sendings = sendings

    def in_flight(self, approval_id: str) -> bool:
        """Whether this console has answered it, unless that certainly did not count."""
        sending = self._sendings.get(self._key(approval_id))
        return sending is not None and sending.may_count

    @property
    def sending_now(self) -> bool:
        """Whether a decision is on its way to the wire."""
        return self._backend.busy(_SENDS)

    @property
    def held(self) -> tuple[Sending, ...]:
        """What is held back: answered here, not sent, and not sent at all if it is cancelled."""
        return tuple(
            sending for sending in self._sendings.values() if sending.key.context == self._context and sending.due
        )

    def cancel_held(self, reason: str) -> tuple[Sending, ...]:
        """Sends nothing of what is held back; returns what was."""
        return tuple(self._change(sending.key.approval_id, due=None, withdrawn=reason) for sending in self.held)

    def send_due(self, to: MessagePump) -> None:
        """Sends what has been held back long enough."""
        for sending in self.held:
            if sending.due is not None and sending.due <= self._clock():
                self._send(replace(sending, due=None), to)

    def sent(self, approval_id: str, receipt: DecisionReceipt) -> None:
        """The ledger holds our decision."""
        self._change(approval_id, receipt=receipt)

    def not_sent(self, approval_id: str, error: Exception) -> Sending:
        """It did not count, or nobody can say yet."""
        return self._change(approval_id, error=error)

    def ended(self, approval: Approval) -> Sending:
        """The watch is over."""
        return self._change(approval.approval_id, ended=approval)

    def _change(self, approval_id: str, **changed: object) -> Sending:
        key = self._key(approval_id)
        self._sendings[key] = sending = replace(self._sendings[key], **changed)  # type: ignore[arg-type]
        return sending

    def _key(self, approval_id: str) -> ApprovalKey:
        return ApprovalKey(self._context, approval_id)

    def send(self, approval: Approval, request: DecisionRequest, to: MessagePump, batch: str = "") -> None:
        """Sends a decision, once it has been held back; one at a time, in the order they were made."""
        sending = Sending(self._key(approval.approval_id), approval, request, batch=batch)
        # Put last even where the same approval was tried before.
        self._sendings.pop(sending.key, None)
        if self._hold:
            self._sendings[sending.key] = replace(sending, due=self._clock() + self._hold)
        else:
            self._send(sending, to)

    def _send(self, sending: Sending, to: MessagePump) -> None:
        self._sendings[sending.key] = sending
        approval, request = sending.approval, sending.request

        def send(environment: Environment) -> messages.DecisionSent:
            receipt = environment.approvals.decide(approval.approval_id, request)
            return messages.DecisionSent(self._context, approval, request, receipt)

        self._backend.call(
            _SENDS, send, lambda error: messages.DecisionSendFailed(self._context, approval, request, error), to
        )

    def watch(self, approval_id: str, to: MessagePump) -> None:
        """Waits for the outcome, beside everything else."""

        def watch(environment: Environment) -> messages.OutcomeLoaded:
            return messages.OutcomeLoaded(self._context, environment.approvals.outcome(approval_id, OUTCOME_TIMEOUT))

        self._backend.call(
            f"outcome-{approval_id}",
            watch,
            lambda error: messages.OutcomeLoadFailed(error, approval_id, self._context),
            to,
        )
