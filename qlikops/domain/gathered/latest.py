"""What the last poll says of the tasks that a proposal is about: younger than its record, and no part of the digest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.proposals.proposal import Proposal, ProposedTask
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskSnapshot


@dataclass(frozen=True, slots=True)
class Latest:
    """A poll, as far as it concerns one proposal."""

    taken_at: datetime
    tasks: tuple[tuple[ProposedTask, TaskSnapshot | None], ...]
    """Each as it was proposed and as the poll saw it; None where it says nothing of the task."""

    @classmethod
    def of(cls, snapshot: FleetSnapshot, proposal: Proposal) -> Latest:
        """What `snapshot` says of the tasks of `proposal`."""
        wanted = {target.key for target in proposal.targets} - snapshot.not_visible
        seen = {task.facts.key: task for task in snapshot.tasks if task.facts.key in wanted}
        return cls(snapshot.taken_at, tuple((target, seen.get(target.key)) for target in proposal.targets))

    def only(self, targets: Iterable[ProposedTask]) -> Latest:
        """A copy with these tasks only."""
        keys = {target.key for target in targets}
        return replace(self, tasks=tuple(pair for pair in self.tasks if pair[0].key in keys))

    @property
    def saw_any(self) -> bool:
        """Whether the poll says anything of one of the tasks."""
        return any(task is not None for _, task in self.tasks)

    def changed(self, kind: AnomalyKind) -> tuple[tuple[ProposedTask, TaskSnapshot], ...]:
        """The tasks that are no longer as they were proposed on, as far as the poll saw them."""
        return tuple((target, task) for target, task in self.tasks if task and not _is_as_proposed(kind, target, task))


def _is_as_proposed(kind: AnomalyKind, target: ProposedTask, task: TaskSnapshot) -> bool:
    facts = task.facts
    return (facts.state, facts.stop_reason) == (target.state, target.stop_reason) and any(
        anomaly.kind is kind for anomaly in task.anomalies
    )
