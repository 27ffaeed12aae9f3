"""A shift proposal by proposal: what waits, who decided what, how it ended, and whether that lasted.

`handover` and `decisions` give the numbers of it; this is the list behind them. Gathered through the ports.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from qlikops.dataclass import dataclass
from qlikops.domain.approval import Decision, ProposalRecord, Status
from qlikops.domain.decisions import decided_since
from qlikops.domain.errors import RecordTooNew
from qlikops.domain.handover import last_snapshot, muted
from qlikops.domain.lasting import Aftermath
from qlikops.domain.naming import shown
from qlikops.domain.ports import ContextServices

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


def gather_shift(environment: ContextServices, since: datetime, now: datetime) -> Shift:
    """Reads it: what `decided_since` reads, one read for what waits, each record of that, and one for the fleet."""
    decided = decided_since(environment, since)
    found = {record.approval_id: record for record in decided.records}
    too_new = list(decided.too_new)
    for row in environment.approvals.waiting():
        try:
            if row.digest:
                found[row.approval_id] = environment.approvals.approval(row.approval_id)
            else:  # the row itself cannot be read
                too_new.append(row.approval_id)
        except RecordTooNew:
            too_new.append(row.approval_id)
    until = {str(each.key): each.quiet.until for each in muted(last_snapshot(environment), now)}
    entries = [_entry(record, until) for record in found.values()]
    entries.sort(key=lambda each: each.at, reverse=True)
    entries.sort(key=lambda each: (each.status is not Status.WAITING, each.deadline or now))
    return Shift(since, now, tuple(entries), decided.is_complete, tuple(too_new))


def _entry(record: ProposalRecord, muted_until: Mapping[str, datetime]) -> ShiftEntry:
    waits = record.status is Status.WAITING
    tasks = tuple(str(target.key) for target in record.proposal.targets)
    ends = [muted_until.get(task) for task in tasks]
    known = [end for end in ends if end is not None]
    return ShiftEntry(
        approval_id=record.approval_id,
        label=record.proposal.label,
        tasks=tasks,
        failure=record.proposal.counted_as,
        action=record.chosen.option.action,
        status=record.status,
        at=(record.requested_at if waits else None) or record.updated_at,
        decision=record.decision,
        detail=record.outcome.detail if record.outcome else "",
        lasting=record.lasting,
        deadline=record.deadline if waits else None,
        muted_until=min(known) if len(known) == len(ends) else None,
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
