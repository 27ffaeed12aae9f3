"""Closes what executions left behind: stopped, failed or lost ones cannot close their proposals any more."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from qlikops.agent.ledger import Ledger, OpenProposal
from qlikops.agent.restart import interrupted
from qlikops.agent.run import Run
from qlikops.agent.tasks import Lease
from qlikops.domain.approval import Approval, Outcome, Status
from qlikops.domain.errors import NotFound, RecordTooNew
from qlikops.domain.execution import ExecutionStatus

GRACE = timedelta(minutes=2)
"""Step Functions answers eventually: an execution this young may not be there yet."""
ACTING = timedelta(minutes=16)
"""Stopping an execution stops none of its functions: for as long as ExecuteRestart may run, it may be acting."""
GONE = "gone"
"""Of an execution that Step Functions does not know (any more)."""

_logger = logging.getLogger(__name__)


class Executions:
    """The state of executions, asked once each; `client` is boto3's for Step Functions."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._known: dict[str, str] = {}

    def status(self, execution_arn: str) -> str:
        """An ExecutionStatus, or GONE; RUNNING where we may not ask, so that nobody else's work is closed."""
        if execution_arn not in self._known:
            try:
                answer = self._client.describe_execution(executionArn=execution_arn)["status"]
            except ClientError as exc:
                answer = _without_answer(exc)
            self._known[execution_arn] = answer
        return self._known[execution_arn]


def _without_answer(error: ClientError) -> str:
    match error.response["Error"]["Code"]:
        case "ExecutionDoesNotExist":
            return GONE
        case "AccessDeniedException":
            # Another state machine's execution: the role reads those of its own only.
            return ExecutionStatus.RUNNING
    raise error


class Reconciler:
    """Closes proposals whose execution is over, in the name of `run`."""

    def __init__(
        self,
        ledger: Ledger,
        executions: Executions,
        clock: Callable[[], datetime],
        run: Run,
        quiet_after_denial: int,
        tell: Callable[[Approval], object],
    ) -> None:
        self._ledger = ledger
        self._executions = executions
        self._clock = clock
        self._run = run
        self._quiet_after_denial = quiet_after_denial
        self._tell = tell

    def proposals(self) -> list[str]:
        """Closes what is open for an execution that is over, asked or not; the ids of what was closed."""
        return [one.proposal_id for one in self._ledger.open() if self._is_over(one)]

    def _is_over(self, one: OpenProposal) -> bool:
        if not one.is_closed:
            return bool(self._over(one.execution_arn, one.since)) and self._is_closed(one.proposal_id)
        try:
            # Whoever closed it may be at it still: doing it twice changes nothing.
            self._ledger.finish(one.proposal_id, self._quiet_after_denial)
        except (NotFound, RecordTooNew) as exc:
            _logger.warning("left as it is: %s", exc)
            return False
        return True

    def leases(self, leases: Iterable[Lease]) -> list[Lease]:
        """Frees what is held for nothing; the leases that are left."""
        by_proposal: dict[str, list[Lease]] = {}
        for lease in leases:
            by_proposal.setdefault(lease.proposal_id, []).append(lease)
        held: list[Lease] = []
        for proposal_id, same in by_proposal.items():
            if self._is_young(max(lease.taken_at for lease in same)) or not self._is_closed(proposal_id):
                held += same
            else:
                # Closing frees what the proposal names. Opening a large group takes several transactions, the record
                # with the last: leases without one are left where it died in between.
                self._ledger.tasks.free(same)
        return held

    def _is_young(self, since: datetime, grace: timedelta = GRACE) -> bool:
        return self._clock() - since < grace

    def _over(self, execution_arn: str, since: datetime) -> str:
        """How the execution ended; empty while it goes on, or may."""
        if execution_arn == self._run.execution_arn or self._is_young(since):
            return ""
        status = self._executions.status(execution_arn)
        running = (ExecutionStatus.RUNNING, ExecutionStatus.PENDING_REDRIVE)
        return "" if status in running else status

    def _is_closed(self, proposal_id: str) -> bool:
        """Whether it is closed now; one whose execution goes on is not, and a newer version's is left to that."""
        try:
            approval = self._ledger.record(proposal_id).approval
        except RecordTooNew as exc:
            _logger.warning("left as it is: %s", exc)
            return False
        except NotFound:
            return True
        if not approval.status.is_known:
            _logger.warning("left as it is: %s is %s, which this version does not know", proposal_id, approval.status)
            return False
        status = self._over(approval.proposal.execution_arn, approval.updated_at)
        if not status or (approval.status is Status.RESTARTING and self._may_be_acting(approval)):
            return False
        _logger.warning("closing %s: its execution is over (%s)", proposal_id, status)
        closed = self._ledger.close(
            proposal_id, self._outcome(approval, status), self._quiet_after_denial, closed_by=self._run.execution_name
        )
        self._tell(closed.approval)
        return True

    def _may_be_acting(self, approval: Approval) -> bool:
        """Each invocation of ExecuteRestart but the first one, which moves the record, takes the leases again."""
        leases = self._ledger.tasks.leases(target.key for target in approval.proposal.targets).values()
        begun = [lease.taken_at for lease in leases if lease.proposal_id == approval.approval_id]
        return not approval.outcome and self._is_young(max([approval.updated_at, *begun]), ACTING)

    def _outcome(self, approval: Approval, status: str) -> Outcome:
        if approval.outcome:
            # A restart that was finished and not recorded any more: what really happened counts.
            return approval.outcome
        detail = f"its execution ended without it ({status})"
        if approval.status is Status.RESTARTING:
            left = interrupted(self._ledger.tasks, approval.proposal, detail)
            if left.targets:
                return left
            detail = f"{detail}; it was approved, and nothing had been started"
        return Outcome(Status.ABANDONED, detail)
