"""Closes what executions left behind: stopped, failed or lost ones cannot close their proposals any more."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from qlikops.agent.act.outcomes import interrupted
from qlikops.agent.remember.ledger import Ledger, OpenProposal
from qlikops.agent.remember.record import StoredRecord
from qlikops.agent.remember.run import Run
from qlikops.agent.remember.tasks import Lease
from qlikops.agent.transient import IN_VAIN, NO_ANSWER, may_pass
from qlikops.dataclass import dataclass
from qlikops.domain.errors import NotFound, RecordTooNew
from qlikops.domain.proposals.approval import Outcome, ProposalRecord, Status
from qlikops.domain.words.text import harmless
from qlikops.domain.workflow.execution import ExecutionStatus

GRACE = timedelta(minutes=2)
"""Step Functions answers eventually: an execution this young may not be there yet."""
ACTING = timedelta(minutes=16)
"""Stopping an execution stops none of its functions: for as long as ExecuteRestart may run, it may be acting."""
SUPERSEDED_ERROR = "ProposalSuperseded"
"""The error that ends the wait for an answer to what is no longer asked; no Retry of the state machine names it."""
GONE = "gone"
"""Status of an execution that Step Functions does not know (any more)."""
NOT_SAID = ""
"""Status of an execution that may go on: nothing of it is closed, and nothing taken for told."""
_NOT_OVER = (NOT_SAID, ExecutionStatus.RUNNING, ExecutionStatus.PENDING_REDRIVE)

Settled = TypeVar("Settled")
_logger = logging.getLogger(__name__)


_WAIT_IS_OVER = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})
_CAUSE_CAP = 1000


class ExecutionStates:
    """The state of executions, asked once each; `client` is boto3's for Step Functions.

    A run does not depend on it: from a VPC there may be no way to Step Functions. What cannot be asked is left as it
    is, and once nobody has answered, nobody is asked any more.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._known: dict[str, str] = {}
        self.unreachable_because = ""
        """Why Step Functions did not answer; empty as long as it does."""

    def status(self, execution_arn: str) -> str:
        """An ExecutionStatus, GONE, or NOT_SAID if Step Functions did not answer or refused to."""
        if execution_arn not in self._known:
            self._known[execution_arn] = self._described(execution_arn)
        return self._known[execution_arn]

    def end_wait(self, token: str, cause: str) -> bool:
        """Whether what waits with this token for an answer waits no longer."""
        if self.unreachable_because:
            return False
        try:
            self._client.send_task_failure(taskToken=token, error=SUPERSEDED_ERROR, cause=harmless(cause, _CAUSE_CAP))
        except IN_VAIN as exc:
            return _code(exc) in _WAIT_IS_OVER or self._missed(exc)
        return True

    def _described(self, execution_arn: str) -> str:
        if self.unreachable_because:
            return NOT_SAID
        try:
            return str(self._client.describe_execution(executionArn=execution_arn)["status"])
        except IN_VAIN as exc:
            if _code(exc) == "ExecutionDoesNotExist":
                return GONE
            self._missed(exc)
        return NOT_SAID

    def _missed(self, error: Exception) -> bool:
        """False. An answer that says no (another state machine's execution, say) is one: the next may be another."""
        _logger.warning("Step Functions was asked in vain: %s", error)
        if isinstance(error, NO_ANSWER):
            self.unreachable_because = str(error)
        return False


def _code(error: Exception) -> str:
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else ""


def end_wait(ledger: Ledger, executions: ExecutionStates, closed: ProposalRecord) -> bool:
    """Ends the wait for an answer to a proposal that is closed; whether nothing waits any more.

    The item of the state machine then comes to its RecordOutcome, which finds the outcome and tells people.
    """
    token = ledger.token(closed.approval_id)
    return not token or executions.end_wait(token, closed.outcome.detail if closed.outcome else "")


@contextmanager
def left_to_the_next_run(proposal_id: str) -> Iterator[None]:
    """Lets a proposal with which something is wrong stop neither the others nor the run, which looks at the fleet."""
    try:
        yield
    except Exception as exc:
        if may_pass(exc):
            raise  # not this one's fault: the state is tried again
        _logger.exception("left as it is: %s", proposal_id)


@dataclass(frozen=True)
class Reconciler:
    """Closes proposals whose execution is over, in the name of `run`."""

    ledger: Ledger
    executions: ExecutionStates
    clock: Callable[[], datetime]
    run: Run
    quiet_after_denial: int
    tell: Callable[[ProposalRecord], object]
    told: set[str] = field(init=False, default_factory=set)
    """Ids of the proposals whose end this run has told: it comes twice to a proposal that it cannot finish."""

    def proposals(self) -> list[str]:
        """Closes what is open for an execution that is over, asked or not; the ids of what was closed."""
        return [one.proposal_id for one in self.ledger.open() if self._settled(one.proposal_id, self._is_over, one)]

    def _settled(self, proposal_id: str, settle: Callable[[Settled], bool], what: Settled) -> bool:
        """Whether it is."""
        with left_to_the_next_run(proposal_id):
            if settle(what):
                return True
        return False

    def _is_over(self, one: OpenProposal) -> bool:
        if not one.is_closed:
            return bool(self._over(one.execution_arn, one.since)) and self._is_closed(one.proposal_id)
        try:
            closed = self.ledger.record(one.proposal_id).approval
            if not end_wait(self.ledger, self.executions, closed):
                return False
            status = self._status(one.execution_arn, one.since)
            if status not in _NOT_OVER:
                self._tell(closed)
            # Whoever closed it may be at it still: doing it twice changes nothing. It stays listed until its own
            # RecordOutcome has told of it, or cannot come any more.
            self.ledger.finish(one.proposal_id, self.quiet_after_denial, stays_listed=status in _NOT_OVER)
        except (NotFound, RecordTooNew) as exc:
            _logger.warning("left as it is: %s", exc)
            return False
        return status not in _NOT_OVER

    def leases(self, leases: Iterable[Lease]) -> list[Lease]:
        """Frees what is held for nothing; the leases that are left."""
        by_proposal: dict[str, list[Lease]] = {}
        for lease in leases:
            by_proposal.setdefault(lease.proposal_id, []).append(lease)
        held: list[Lease] = []
        for proposal_id, same in by_proposal.items():
            if not self._settled(proposal_id, self._are_freed, same):
                held += same
        return held

    def _are_freed(self, same: Sequence[Lease]) -> bool:
        """Whether the leases of one proposal, as they were read, are gone now."""
        if self._is_young(max(lease.taken_at for lease in same)) or not self._is_closed(same[0].proposal_id):
            return False
        # Closing frees what the proposal names. Opening a large group takes several transactions, the record with the
        # last: leases without one are left where it died in between.
        self.ledger.tasks.free(same)
        return True

    def _is_listed(self, proposal_id: str) -> bool:
        """Whether something is left to do for it: its entry among what is open goes last."""
        return any(one.proposal_id == proposal_id for one in self.ledger.open())

    def _is_young(self, since: datetime, grace: timedelta = GRACE) -> bool:
        return self.clock() - since < grace

    def _over(self, execution_arn: str, since: datetime) -> str:
        """How the execution ended; empty while it goes on, or may."""
        status = self._status(execution_arn, since)
        return "" if status in _NOT_OVER else status

    def _status(self, execution_arn: str, since: datetime) -> str:
        if self._is_young(since):
            return NOT_SAID
        return (
            ExecutionStatus.RUNNING
            if execution_arn == self.run.execution_arn
            else self.executions.status(execution_arn)
        )

    def _is_closed(self, proposal_id: str) -> bool:
        """Whether it is closed now; one whose execution goes on is not, and a newer version's is left to that."""
        try:
            record = self.ledger.record(proposal_id)
            approval = record.approval
        except RecordTooNew as exc:
            _logger.warning("left as it is: %s", exc)
            return False
        except NotFound:
            return True
        if not approval.status.is_known:
            _logger.warning("left as it is: %s is %s, which this version does not know", proposal_id, approval.status)
            return False
        if approval.status.is_final and not self._is_listed(proposal_id):
            return True  # a late function has taken its tasks again, and people have heard of that end
        status = self._over(approval.proposal.execution_arn, approval.updated_at)
        if not status:
            return False
        # It may have been stopped elsewhere: only `qlikops stop` pulls the brake itself.
        record = self.ledger.begin_no_further_task(record, f"its execution is over ({status})")
        approval = record.approval
        if approval.status is Status.RESTARTING and self._may_be_acting(record):
            return False
        _logger.warning("closing %s: its execution is over (%s)", proposal_id, status)
        closed = self.ledger.close(
            proposal_id,
            self._outcome(approval, status),
            self.quiet_after_denial,
            closed_by=self.run.execution_name,
            as_found=approval.status,
            tell=self._tell,
        )
        return closed.approval.status.is_final

    def _tell(self, closed: ProposalRecord) -> None:
        if closed.approval_id not in self.told:
            self.tell(closed)
            self.told.add(closed.approval_id)

    def _may_be_acting(self, record: StoredRecord) -> bool:
        """Each invocation of ExecuteRestart but the first one, which moves the record, takes the leases again.

        One whose brake was pulled before it had started anything never will.
        """
        approval = record.approval
        if approval.claim and approval.claim.brake and not record.starts:
            return False
        leases = self.ledger.tasks.leases(target.key for target in approval.proposal.targets).values()
        begun = [lease.taken_at for lease in leases if lease.proposal_id == approval.approval_id]
        return not approval.outcome and self._is_young(max([approval.updated_at, *begun]), ACTING)

    def _outcome(self, approval: ProposalRecord, status: str) -> Outcome:
        if approval.outcome:
            # A restart that was finished and not recorded any more: what really happened counts.
            return approval.outcome
        detail = f"its execution ended without it ({status})"
        if approval.status is Status.RESTARTING:
            left = interrupted(self.ledger.tasks, approval, detail)
            if left.targets:
                return left
            detail = f"{detail}; it was approved, and nothing had been started"
        return Outcome(Status.ABANDONED, detail)
