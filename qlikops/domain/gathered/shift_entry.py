"""One proposal of a shift, and what has become of it so far."""

from __future__ import annotations

from datetime import datetime

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.endpoint import EndpointWait
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.proposals.approval import Decision, ProposalRecord, Status
from qlikops.domain.proposals.lasting import Aftermath
from qlikops.domain.runs.run import Progress
from qlikops.domain.words.naming import shown

ME = "me"
"""Stands in place of a decider's name for the caller."""


@dataclass(frozen=True, slots=True)
class ShiftEntry:
    """One proposal, and what has become of it so far."""

    approval_id: str
    label: str
    tasks: tuple[str, ...]
    """Tasks, each as `server/task`."""
    failure: str
    """The id of the known failure, or else the kind of anomaly."""
    action: str
    """What it proposed, or what was approved of it."""
    status: Status
    at: datetime
    """When its status changed last; of one that waits, when it was asked."""
    decision: Decision | None = None
    detail: str = ""
    """How it ended, in the workflow's words."""
    lasting: Aftermath | None = None
    """What became later of the tasks that came up; None if no run has found out anything."""
    deadline: datetime | None = None
    """Until when it can be decided; only of one that waits."""
    muted_until: datetime | None = None
    """Until when nothing is proposed on all of its tasks, as the last run knew it; None if that is over."""
    requested_at: datetime | None = None
    """When it was asked; None if no person was."""
    execution_name: str = ""
    """The run that proposed it."""
    waits: EndpointWait | None = None
    """What an approved restart waits for before it starts a task; None if it does not."""
    progress: Progress | None = None
    """How far a restart under way has come; None if it is not known."""
    key: TaskKey | None = None
    """Task that the entry is about; None if there are several."""

    def is_newer_than(self, other: ShiftEntry) -> bool:
        """Whether this says more than `other`; of the same proposal, a reading of the ledger knows how far it is."""
        if self.approval_id == other.approval_id:
            return self.status.is_final and not other.status.is_final
        return self.at > other.at

    @property
    def fell_over(self) -> bool:
        """Whether a task of it was seen down again after it had come up."""
        return self.lasting is not None and bool(self.lasting.fell_over)


def entry_of(
    record: ProposalRecord, progress: Progress | None = None, muted_until: datetime | None = None
) -> ShiftEntry:
    """The entry of `record`, with what it does not say itself."""
    proposal, waits = record.proposal, record.status is Status.WAITING
    return ShiftEntry(
        approval_id=record.approval_id,
        label=proposal.label,
        tasks=tuple(str(target.key) for target in proposal.targets),
        failure=proposal.counted_as,
        action=record.chosen.option.action,
        status=record.status,
        at=(record.requested_at if waits else None) or record.updated_at,
        decision=record.decision,
        detail=record.outcome.detail if record.outcome else "",
        lasting=record.lasting,
        deadline=record.deadline if waits else None,
        muted_until=muted_until,
        requested_at=record.requested_at,
        execution_name=proposal.execution_name,
        waits=record.waits,
        progress=progress,
        key=proposal.targets[0].key if len(proposal.targets) == 1 else None,
    )


def is_followed(record: ProposalRecord) -> bool:
    """Whether runs may still find out more about whether its restart lasted."""
    came_up = any(task.status is Status.RESTARTED for task in record.outcome.targets) if record.outcome else False
    return came_up if record.lasting is None else not record.lasting.is_over


def fits(entry: ShiftEntry, *, by: str, task: str, failure: str, caller: str) -> bool:
    """Whether `entry` was decided by a name like `by`, is of a task like `task`, and of a failure that begins like
    `failure`; an empty one fits all. `caller` is the ARN that `by` means by ME.
    """
    if by == ME:
        is_by = entry.decision is not None and entry.decision.by == caller
    else:
        is_by = not by or (entry.decision is not None and shown(by) in shown(entry.decision.who()))
    return (
        is_by
        and (not task or any(shown(task) in shown(each) for each in entry.tasks))
        and (not failure or shown(entry.failure).startswith(shown(failure)))
    )
