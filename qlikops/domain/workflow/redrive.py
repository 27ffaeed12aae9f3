"""Whether the rest of an ended execution may be run again without anything being asked or done twice.

Step Functions would redrive more than this. A redriven item goes on where it was: WaitForApproval with a new token
and the old deadline, ExecuteRestart on an approval that may be days old, both with leases that may have run out and
gone to another run's proposal. So nothing is redriven while a proposal of it is open. One that is closed is safe:
the ledger never opens it again, so its item only passes through to the report.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from qlikops.domain.words.naming import listed
from qlikops.domain.workflow.execution import ExecutionDetail, ExecutionStatus

WINDOW = timedelta(days=14)
"""Time after its end in which Step Functions redrives an execution."""
STILL_RUNNING = timedelta(minutes=15)
"""A stop does not end the functions that were invoked before it; this is the longest that one of them can run."""
UNSUCCESSFUL = frozenset({ExecutionStatus.FAILED, ExecutionStatus.ABORTED, ExecutionStatus.TIMED_OUT})


def redrive_refusal(detail: ExecutionDetail, now: datetime) -> str:
    """Why it may not be redriven, as a sentence's end after "because"; empty where it may."""
    return _by_state(detail, now) or _by_ledger(detail)


def _by_state(detail: ExecutionDetail, now: datetime) -> str:
    status, ended = detail.summary.status, detail.summary.stopped_at
    if status not in UNSUCCESSFUL:
        return f"it is {status}; only what failed, timed out or was aborted has a rest to run"
    if ended is not None and now - ended > WINDOW:
        return f"it ended more than {WINDOW.days} days ago"
    if detail.redrive.status != "REDRIVABLE":
        return detail.redrive.reason or "Step Functions does not offer it here"
    states = () if detail.history is None else detail.history.states
    if states and states[-1].state_type == "Fail":
        return f"it ended in {states[-1].name}, which would only fail again; start a new run instead"
    if status is not ExecutionStatus.FAILED and ended is not None and now - ended < STILL_RUNNING:
        return (
            "a function that was under way when it ended may still run; "
            f"that is ruled out from {ended + STILL_RUNNING:%H:%M:%S} UTC on"
        )
    return ""


def _by_ledger(detail: ExecutionDetail) -> str:
    still_open = [proposal for proposal in detail.proposals if not proposal.status.is_final]
    if not still_open:
        return ""
    named = listed([f"{proposal.label} ({proposal.status})" for proposal in still_open], 3)
    return (
        f"proposals of it are still open: {named}; redriven, they would be asked or acted on "
        "with a deadline and a lease that are over. The next run closes them"
    )
