"""Tells again what waits for an answer and has none: as its time passes, and as its point of no return comes near.

Each reason is told once: the run that tells says so on the proposal's record first, on the condition that the proposal
still waits and no other run was faster, and says afterwards that it has. One that dies in between, or whose message the
topic did not take, leaves it to a run that comes two minutes later or more: for what is to wake a person, twice is
better than never.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.steps.asking import close_if_over
from qlikops.agent.steps.lasting import TELLING
from qlikops.agent.steps.reconcile import left_to_the_next_run
from qlikops.agent.tell.events import ApprovalReminder, Reason
from qlikops.agent.tell.notify import Notifier
from qlikops.dataclass import dataclass
from qlikops.domain.proposals.approval import ProposalRecord, Reminded

HALF, MOST = 0.5, 0.8
"""Parts of the time that an answer may take, after which it is asked for again."""


def due(approval: ProposalRecord, now: datetime) -> Iterator[Reason]:
    """Why to tell of `approval` again at `now`, the most pressing reason last."""
    if approval.requested_at is None or approval.deadline is None or now >= approval.deadline:
        return
    passed = (now - approval.requested_at) / (approval.deadline - approval.requested_at)
    if passed >= HALF:
        yield Reason.HALF
    if passed >= MOST:
        yield Reason.MOST
    point = approval.proposal.point_of_no_return
    if point and point.is_near(now) and not point.has_passed(now):
        yield Reason.POINT_OF_NO_RETURN


@dataclass(frozen=True)
class Reminders:
    """What one run tells again."""

    ledger: Ledger
    notifier: Notifier
    clock: Callable[[], datetime]

    def tell(self, waiting: Sequence[ProposalRecord]) -> None:
        """Tells of those of `waiting`, as this run has read them, that are due; to the escalation topic, too, of what
        nobody has claimed.
        """
        for approval in waiting:
            with left_to_the_next_run(approval.approval_id):
                self._tell_if_due(approval, self.clock())

    def _tell_if_due(self, approval: ProposalRecord, now: datetime) -> None:
        before = approval.reminded or Reminded()
        reasons = [reason for reason in due(approval, now) if reason not in before.reasons]
        was_left = before.telling_since is not None and now - before.telling_since >= TELLING
        if not (reasons or was_left):
            return
        is_claimed = approval.claim is not None and not approval.claim.brake and approval.claim.until > now
        reminded = Reminded((*before.reasons, *reasons), before.escalated or not is_claimed, telling_since=now)
        if self.ledger.save_reminded(approval, reminded):
            self._tell(replace(approval, reminded=reminded), escalates=not is_claimed)

    def _tell(self, approval: ProposalRecord, *, escalates: bool) -> None:
        reminded = approval.reminded or Reminded()
        event = ApprovalReminder.of(approval, Reason(reminded.reasons[-1]), self.clock(), is_claimed=not escalates)
        try:
            if self.notifier.tell(event, escalates=escalates):
                self.ledger.save_reminded(approval, replace(reminded, telling_since=None))
        finally:
            # Whatever becomes of the mark: the next run does not look at what has ended while people were told.
            close_if_over(self.ledger, self.notifier, approval.approval_id)
