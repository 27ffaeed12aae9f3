"""A shift proposal by proposal: what waits, who decided what, how it ended, and whether that lasted.

`handover` and `decisions` give the numbers of it; this is the list behind them. Gathered through the ports.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from qlikops.dataclass import dataclass
from qlikops.domain.errors import RecordTooNew
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.gathered.decided import Known, decided_since
from qlikops.domain.gathered.handover import MutedTask, is_broken, last_snapshot, muted
from qlikops.domain.gathered.shift_entry import ShiftEntry, entry_of
from qlikops.domain.ports import ContextServices
from qlikops.domain.proposals.approval import ProposalRecord, Status
from qlikops.domain.runs.plan import Plan
from qlikops.domain.runs.snapshot import FleetSnapshot
from qlikops.domain.workflow.execution import ExecutionSummary


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
