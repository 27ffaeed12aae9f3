"""Where a task stands before and after a run proposes: who holds it, why nothing is proposed on it, what is kept of it.

Leases, mutes and proposals as sets of tasks, and nothing else: nothing here reads, writes or asks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from qlikops.agent.propose.correlation import Correlated
from qlikops.agent.remember.attempts import Attempts
from qlikops.agent.remember.ledger import Opened
from qlikops.agent.remember.tasks import Lease
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.proposals.mute import Mute
from qlikops.domain.proposals.proposal import Proposal
from qlikops.domain.runs.report import NoAction
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskSnapshot

_NOT_READ = "not read in time: it is as the last run saw it"
_TAKEN = "one of the tasks behind the same cause was taken by another proposal in the same moment"


def taken(leases: Iterable[Lease], execution_arn: str, opened: Collection[str]) -> dict[TaskKey, Lease]:
    """The leases that stand in the way of this run, by task.

    What an invocation of this run that died has leased and not `opened` is proposed again, not blocked.
    """
    return {lease.key: lease for lease in leases if lease.execution_arn != execution_arn or lease.proposal_id in opened}


def blocked(leases: Mapping[TaskKey, Lease], mutes: Mapping[TaskKey, Mute]) -> dict[TaskKey, str]:
    """Why nothing may be proposed on a task, in words."""
    return {key: mute.words() for key, mute in mutes.items()} | {
        key: f"proposal {lease.proposal_id} is open" for key, lease in leases.items()
    }


def no_actions(correlated: Correlated, opened: Opened) -> tuple[NoAction, ...]:
    """The anomalies on which nothing is proposed, and why; of a task that is proposed on, only its other anomalies."""
    refused = (NoAction(key, proposal.kind, _TAKEN) for proposal in opened.refused for key in _keys(proposal))
    kinds = {(key, proposal.kind) for proposal in opened.proposals for key in _keys(proposal)}
    return tuple(left for left in (*correlated.left_alone, *refused) if (left.key, left.kind) not in kinds)


def holders(leases: Mapping[TaskKey, Lease], proposals: Sequence[Proposal]) -> dict[TaskKey, str]:
    """The id of the proposal that holds a task once this run's `proposals` are open."""
    return {key: lease.proposal_id for key, lease in leases.items()} | {
        key: proposal.proposal_id for proposal in proposals for key in _keys(proposal)
    }


def with_restarts_and_mutes(
    snapshot: FleetSnapshot, restarts: Attempts, asked: Mapping[TaskKey, Mute | None]
) -> FleetSnapshot:
    """The snapshot with when tasks were restarted last and are muted until; of those not `asked`, what was known."""

    def updated(task: TaskSnapshot) -> TaskSnapshot:
        key, memory = task.facts.key, task.memory
        over = memory.quiet is not None and memory.quiet.until <= snapshot.taken_at
        mute = asked.get(key, None if over else memory.quiet)
        restarted_at = max((attempt.at for attempt in restarts.get(key, ())), default=memory.restarted_at)
        return replace(task, memory=replace(memory, quiet=mute, restarted_at=restarted_at))

    return replace(snapshot, tasks=tuple(map(updated, snapshot.tasks)))


def with_holders_and_notes(
    snapshot: FleetSnapshot, held_by: Mapping[TaskKey, str], left_alone: Sequence[NoAction]
) -> FleetSnapshot:
    """The snapshot with who holds a task, why nothing is proposed on one, and that planned work covers one."""
    notes = {left.key: left.why for left in left_alone}
    notes |= {key: plan.words(snapshot.taken_at) for key, plan in snapshot.planned.items() if key not in held_by}

    def updated(task: TaskSnapshot) -> TaskSnapshot:
        holder = held_by.get(task.facts.key, "")
        memory = replace(task.memory, held_at=snapshot.taken_at) if holder else task.memory
        note = _NOT_READ if task.is_unread else notes.get(task.facts.key, "")
        return replace(task, memory=memory, proposal_id=holder, note=note)

    return replace(snapshot, tasks=tuple(map(updated, snapshot.tasks)))


def _keys(proposal: Proposal) -> Iterable[TaskKey]:
    return (target.key for target in proposal.targets)
