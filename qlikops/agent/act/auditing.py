"""Asks Enterprise Manager who did it, of tasks that a user has stopped and of those that have just failed.

Only if the team has said so (`audit_trail`), once a run and Enterprise Manager, and only in a run that has found such a
task anew. What cannot be read stops nothing. Names of people go into record and snapshot, and into no message, log or
metric, nor to an evaluator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from qlikops.agent.config import AgentConfig
from qlikops.dataclass import dataclass
from qlikops.domain.fleet.audit import DoneBy
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskSnapshot
from qlikops.qlik.audit import AuditLine
from qlikops.qlik.errors import QemBusinessError, QemError

BEFORE = timedelta(minutes=15)
"""An edit so long before the poll that found a failure may be behind it."""
LONGEST = timedelta(hours=2)
"""So far back the trail is asked for at most, however long ago the run before was."""


class AuditReader(Protocol):
    """The part of an Enterprise Manager client that reading the trail needs."""

    def audit_trail(self, since: datetime, until: datetime) -> Sequence[AuditLine]:
        """What was done in that time, oldest first. Raises QemError."""


@dataclass(frozen=True)
class Auditor:
    """Reads audit trails; `readers` gives the client of an Enterprise Manager by its name."""

    readers: Callable[[str], AuditReader]
    config: AgentConfig

    def ask(self, snapshot: FleetSnapshot, previous: FleetSnapshot | None) -> tuple[FleetSnapshot, tuple[str, ...]]:
        """`snapshot` with who did it, as far as the trails say, and a sentence for each that cannot be read."""
        if not self.config.audit_trail:
            return snapshot, ()
        in_question = [task for task in snapshot.tasks if _is_new(task, snapshot.taken_at)]
        began = previous.taken_at if previous else snapshot.taken_at
        since = max(began - BEFORE, snapshot.taken_at - LONGEST)
        servers = {server.name for server in snapshot.servers}
        found: dict[TaskKey, DoneBy] = {}
        notes: list[str] = []
        for instance in dict.fromkeys(task.facts.key.instance for task in in_question):
            try:
                lines = self.readers(instance).audit_trail(since, snapshot.taken_at)
            except QemError as exc:
                notes.append(f"The audit trail of {instance} could not be read: {_why(exc)}.")
                continue
            for task in in_question:
                key = task.facts.key
                if key.instance == instance and (done := _done(task, lines, servers)):
                    found[key] = done
        return _with(snapshot, found), tuple(notes)


def _is_new(task: TaskSnapshot, now: datetime) -> bool:
    """Whether this poll is the first to see that a user stopped it, or that it failed."""
    kinds = (each for each in task.anomalies if each.first_seen == now)
    return any(each.kind.traits.by_person or each.kind.traits.rests_on_message for each in kinds)


def _done(task: TaskSnapshot, lines: Sequence[AuditLine], servers: set[str]) -> DoneBy | None:
    """The last stop of a task that was stopped, the last edit of one that failed."""
    is_stopped = any(each.kind.traits.by_person for each in task.anomalies)
    fitting = (line for line in reversed(lines) if (line.stops if is_stopped else line.edits))
    return next((line.done for line in fitting if line.is_about(task.facts.key, servers)), None)


def _with(snapshot: FleetSnapshot, found: dict[TaskKey, DoneBy]) -> FleetSnapshot:
    def updated() -> Iterator[TaskSnapshot]:
        for task in snapshot.tasks:
            done = found.get(task.facts.key)
            yield replace(task, memory=replace(task.memory, done_by=done)) if done else task

    return replace(snapshot, tasks=tuple(updated())) if found else snapshot


def _why(error: QemError) -> str:
    # Enterprise Manager's own words may name people.
    return error.error_code if isinstance(error, QemBusinessError) else type(error).__name__
