"""A shift proposal by proposal: what waits, who decided what, how it ended, and whether that lasted.

`handover` and `decisions` give the numbers of it; this is the list behind them. Gathered through the ports.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from qlikops.dataclass import dataclass
from qlikops.domain.approval import Decision, ProposalRecord, Status
from qlikops.domain.decided import Known, decided_since
from qlikops.domain.endpoint import EndpointWait
from qlikops.domain.errors import RecordTooNew
from qlikops.domain.fleet import FleetSnapshot
from qlikops.domain.handover import MutedTask, is_broken, last_snapshot, muted
from qlikops.domain.lasting import Aftermath
from qlikops.domain.naming import shown
from qlikops.domain.plan import Plan
from qlikops.domain.ports import ContextServices
from qlikops.domain.run import Progress
from qlikops.domain.task import TaskKey
from qlikops.domain.workflow.execution import ExecutionSummary

ME = "me"
"""In place of a decider's name: the caller."""


@dataclass(frozen=True, slots=True)
class ShiftEntry:
    """One proposal, and what has become of it so far."""

    approval_id: str
    label: str
    tasks: tuple[str, ...]
    """As `server/task`."""
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
    """When it was asked; None if nobody was."""
    execution_name: str = ""
    """The run that proposed it."""
    waits: EndpointWait | None = None
    """What an approved restart waits for before it starts a task; None if it does not."""
    progress: Progress | None = None
    """How far a restart under way has come; None if it is not known."""
    key: TaskKey | None = None
    """Its task; None of several."""

    @property
    def fell_over(self) -> bool:
        """Whether a task of it was seen down again after it had come up."""
        return self.lasting is not None and bool(self.lasting.fell_over)


@dataclass(frozen=True, slots=True)
class Shift:
    """The proposals that wait, or were answered or closed from `since` until `until`."""

    since: datetime
    until: datetime
    entries: tuple[ShiftEntry, ...]
    """What waits first, by its deadline; then the newest."""
    is_complete: bool = True
    """False if there were more runs than are looked at."""
    too_new: tuple[str, ...] = ()
    """The ids of proposals that a newer qlikops wrote: they are no entries."""
    snapshot: FleetSnapshot | None = None
    """The fleet as the last run saw it; None if none has."""
    broken: tuple[ExecutionSummary, ...] = ()
    """Runs that failed, timed out or were aborted within the shift, the newest first."""

    @property
    def plans(self) -> tuple[Plan, ...]:
        """Work that goes on or is to come, as the last run knew it, by its beginning."""
        plans = self.snapshot.plans if self.snapshot else ()
        return tuple(plan for plan in plans if not plan.is_over(self.until))

    @property
    def muted(self) -> tuple[MutedTask, ...]:
        """The tasks that are muted, as the last run knew it, what ends last first."""
        return muted(self.snapshot, self.until)


def gather_shift(environment: ContextServices, since: datetime, now: datetime, known: Known | None = None) -> Shift:
    """Reads it: what `decided_since` reads, one read for what waits, each record of that, and one for the fleet.

    With what is `known`, a record that waits is read once.
    """
    known = known or Known()
    snapshot = last_snapshot(environment)
    asked = known.asked
    decided = decided_since(environment, since, known, snapshot.taken_at if snapshot else None)
    found = {record.approval_id: record for record in decided.records}
    too_new = list(decided.too_new)
    for row in environment.approvals.waiting():
        try:
            if row.digest:
                found[row.approval_id] = asked.get(row.approval_id) or environment.approvals.approval(row.approval_id)
            else:  # the row itself cannot be read
                too_new.append(row.approval_id)
        except RecordTooNew:
            too_new.append(row.approval_id)
    known.asked = {name: record for name, record in found.items() if record.status is Status.WAITING}
    until = {each.key: each.quiet.until for each in muted(snapshot, now)}
    entries = [
        entry_of(record, decided.progress.get(name), _muted_until(record, until)) for name, record in found.items()
    ]
    entries.sort(key=lambda each: each.at, reverse=True)
    entries.sort(key=lambda each: (each.status is not Status.WAITING, each.deadline or now))
    broken = tuple(run for run in decided.runs if is_broken(run) and run.stopped_at and run.stopped_at >= since)
    return Shift(since, now, tuple(entries), decided.is_complete, tuple(too_new), snapshot, broken)


def _muted_until(record: ProposalRecord, until: Mapping[TaskKey, datetime]) -> datetime | None:
    """Until when all of its tasks are muted."""
    ends = [until.get(target.key) for target in record.proposal.targets]
    known = [end for end in ends if end is not None]
    return min(known) if known and len(known) == len(ends) else None


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
