"""Closes what executions left behind: stopped, failed or lost ones cannot close their proposals any more."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from qlikops.agent.ledger import Ledger
from qlikops.agent.restart import interrupted
from qlikops.agent.tasks import Lease
from qlikops.domain.approval import Approval, Outcome, Status
from qlikops.domain.errors import NotFound, RecordTooNew
from qlikops.domain.execution import ExecutionStatus

GRACE = timedelta(minutes=2)
"""Step Functions answers eventually: an execution this young may not be there yet."""
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
    """Closes proposals whose execution is over; the execution that runs this is `own_arn`."""

    def __init__(self, ledger: Ledger, executions: Executions, clock: Callable[[], datetime], own_arn: str) -> None:
        self._ledger = ledger
        self._executions = executions
        self._clock = clock
        self._own_arn = own_arn

    def inbox(self) -> list[str]:
        """Closes what waits for an answer that nobody can use; the ids of what was closed."""
        machine = self._own_arn.rpartition(":")[0]
        closed = []
        for row in self._ledger.waiting():
            # The row names its execution, not the state machine: what looks over is looked up before it is closed.
            over = self._over(f"{machine}:{row.execution_name}", row.requested_at)
            if over and self._abandon(row.approval_id):
                closed.append(row.approval_id)
        return closed

    def leases(self, leases: Iterable[Lease]) -> list[Lease]:
        """Closes what holds tasks for an execution that is over; the leases that are left."""
        held = []
        for lease in leases:
            over = self._over(lease.execution_arn, lease.taken_at)
            if not over or not self._abandon(lease.proposal_id, lease):
                held.append(lease)
        return held

    def _over(self, execution_arn: str, since: datetime) -> str:
        """How the execution ended; empty while it goes on, or may."""
        if execution_arn == self._own_arn or self._clock() - since < GRACE:
            return ""
        status = self._executions.status(execution_arn)
        running = (ExecutionStatus.RUNNING, ExecutionStatus.PENDING_REDRIVE)
        return "" if status in running else status

    def _abandon(self, proposal_id: str, lease: Lease | None = None) -> bool:
        """Whether it is closed now; one whose own execution goes on is not, and a newer version's is left to that."""
        try:
            approval = self._ledger.record(proposal_id).approval
        except RecordTooNew as exc:
            _logger.warning("left as it is: %s", exc)
            return False
        except NotFound:
            # Its execution died between leasing a large group and writing the record.
            if lease:
                self._ledger.tasks.free(lease)
            return True
        status = self._over(approval.proposal.execution_arn, approval.updated_at)
        if not status:
            return False
        _logger.warning("closing %s: its execution is over (%s)", proposal_id, status)
        self._ledger.close(proposal_id, self._outcome(approval, status))
        return True

    def _outcome(self, approval: Approval, status: str) -> Outcome:
        if approval.outcome:
            # A restart that was finished and not recorded any more: what really happened counts.
            return approval.outcome
        detail = f"its execution ended without it ({status})"
        if approval.status is not Status.RESTARTING:
            return Outcome(Status.ABANDONED, detail)
        left = interrupted(self._ledger.tasks, approval.proposal, detail)
        return replace(left, status=Status.ABANDONED, detail=f"{left.status}: {left.detail}")
