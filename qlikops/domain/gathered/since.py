"""The fleet as the last run saw it, with what the ledger says has come since of the proposals that were open then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING

from qlikops.dataclass import dataclass
from qlikops.domain.errors import QlikopsError
from qlikops.domain.fleet.task import StopReason, TaskKey, TaskState
from qlikops.domain.gathered.shift_entry import ShiftEntry, entry_of
from qlikops.domain.proposals.approval import ProposalRecord, Status
from qlikops.domain.runs.run import Progress
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskSnapshot

if TYPE_CHECKING:
    from qlikops.domain.ports import ContextServices

MOST_READ = 25
"""Proposals that are looked up; what is beyond that stays as the run saw it, until the next one."""


@dataclass(frozen=True, slots=True)
class FleetNow:
    """The fleet, with what was decided since the run looked that saw it."""

    snapshot: FleetSnapshot
    deeds: Mapping[TaskKey, ShiftEntry] = field(default_factory=dict)
    """The proposals that were open then and no longer wait, by each task that they are for."""


def read_fleet(environment: ContextServices) -> FleetNow:
    """The fleet, newer where a proposal has ended since. Raises what reading the snapshot raises.

    Asks for the inbox, for the record of each proposal that was open and no longer waits, and once for each run that
    restarts a group. What cannot be read of those stays as the run saw it. Blocks like the ports do.
    """
    snapshot = environment.fleet.snapshot()
    held = dict.fromkeys(task.proposal_id for task in snapshot.tasks if task.proposal_id)
    if not held:
        return FleetNow(snapshot)
    found: dict[str, ProposalRecord] = {}
    progress: dict[str, Progress | None] = {}
    try:
        waiting = {row.approval_id for row in environment.approvals.waiting()}
        for proposal_id in [each for each in held if each not in waiting][:MOST_READ]:
            found[proposal_id] = environment.approvals.approval(proposal_id)
        groups = [each for each in found.values() if each.status is Status.RESTARTING and len(each.chosen.targets) > 1]
        for run in dict.fromkeys(each.proposal.execution_name for each in groups):
            progress |= {row.proposal_id: row.progress for row in environment.executions.proposals(run)}
    except QlikopsError:
        pass
    deeds = {
        target.key: entry_of(record, progress.get(name))
        for name, record in found.items()
        for target in record.chosen.targets
    }
    ended = {name: record for name, record in found.items() if record.status.is_final}
    return FleetNow(with_outcomes(snapshot, ended), deeds)


def with_outcomes(snapshot: FleetSnapshot, ended: Mapping[str, ProposalRecord]) -> FleetSnapshot:
    """`snapshot` with how the proposals in `ended` ended, by their ids: a task that was seen to run, runs."""

    def since(task: TaskSnapshot) -> TaskSnapshot:
        approval = ended.get(task.proposal_id)
        if approval is None or approval.outcome is None:
            return task
        outcome = approval.outcome
        target = next((each for each in outcome.targets if each.key == task.facts.key), None)
        status = target.status if target else outcome.status
        at = f" at {outcome.at:%H:%M:%S} UTC" if outcome.at else ""
        word = status.value.replace("_", " ")
        note = f"{word}{at}, after this poll (proposal {task.proposal_id})"
        if target is None or target.after != TaskState.RUNNING:
            return replace(task, proposal_id="", note=note)
        facts = replace(task.facts, state=TaskState.RUNNING, stop_reason=StopReason.NONE, message="")
        return replace(task, facts=facts, anomalies=(), proposal_id="", note=note)

    return replace(snapshot, tasks=tuple(map(since, snapshot.tasks))) if ended else snapshot
