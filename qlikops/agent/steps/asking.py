"""Puts a proposal before a human: the inbox first, then the message, and the token nowhere but in the ledger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.remember.tasks import LeaseLost
from qlikops.dataclass import dataclass
from qlikops.domain.proposals.approval import InboxRow, Outcome, ProposalRecord, Status

if TYPE_CHECKING:
    from qlikops.agent.steps.assessment import Assessor
    from qlikops.agent.tell.notify import Notifier


_MORE_THAN_RETRIES = 1_000
"""More attempts than the definition allows of one state: 60, 5 and 2 by its retriers."""


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """One wait of the state machine."""

    proposal_id: str
    task_token: str
    entered_at: datetime
    timeout_seconds: int
    attempt: int = 0
    """How often the state had been retried since the execution was redriven last; 0 as well where a definition does not
    say.
    """
    redrives: int | None = None
    """How often the execution had been redriven; None where a definition or the local Step Functions does not say."""

    @property
    def deadline(self) -> datetime:
        """When Step Functions stops waiting; whole seconds, rounded down, so that no person is promised more."""
        return (self.entered_at + timedelta(seconds=self.timeout_seconds)).replace(microsecond=0)

    @property
    def turn(self) -> int:
        """Which attempt of the wait it is. A redrive does not enter the state anew, and counts its attempts anew."""
        return (self.redrives or 0) * _MORE_THAN_RETRIES + self.attempt

    def __repr__(self) -> str:
        """The request without its token."""
        return f"ApprovalRequest({self.proposal_id!r}, until {self.deadline:%Y-%m-%dT%H:%M:%SZ})"


def ask(
    question: ApprovalRequest,
    *,
    ledger: Ledger,
    assessor: Assessor,
    notifier: Notifier,
    lease_margin_seconds: int,
    clock: Callable[[], datetime],
) -> ProposalRecord:
    """The record as it waits. Raises RecordClosed where the proposal is closed already.

    Nobody is asked what could not be done: where another proposal holds one of the tasks by now, this one ends as
    superseded. Raises LeaseLost then, which ends the wait; RecordOutcome finds the outcome.
    """
    received_at = clock()
    approval = assessor.assess_without_evaluator(question.proposal_id)
    try:
        record = ledger.request(
            question.proposal_id,
            question.task_token,
            InboxRow.of(approval, question.entered_at, question.deadline),
            received_at,
            question.deadline + timedelta(seconds=lease_margin_seconds),
            attempt=question.turn,
        )
    except LeaseLost as exc:
        # This may be a second invocation, whose failure ends no wait: then the next run does.
        ledger.withdraw(question.proposal_id, Outcome(Status.SUPERSEDED, f"no approval would count: {exc}"))
        raise
    if record.approval.status is Status.WAITING:  # not where its token was answered before the inbox had it
        from qlikops.agent.tell.events import ApprovalRequested

        notifier.tell(ApprovalRequested.of(record.approval, clock()))
        close_if_over(ledger, notifier, question.proposal_id)
    return record.approval


def close_if_over(ledger: Ledger, notifier: Notifier, proposal_id: str) -> None:
    """Tells that a proposal is over if it ended while it was told that it waits: the closing must come last."""
    approval = ledger.record(proposal_id).approval
    if approval.status.is_final:
        notifier.closed(approval)
