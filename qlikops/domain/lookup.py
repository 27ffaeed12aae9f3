"""One task looked up by name, with what the ledger has on it. Gathered through the ports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from qlikops.domain.approval import HistoryLine
from qlikops.domain.errors import NotFound, UsageError
from qlikops.domain.fleet import FleetSnapshot, TaskSnapshot
from qlikops.domain.ports import Environment
from qlikops.domain.since import read_fleet
from qlikops.domain.text import harmless

_NAMED = 5
"""Tasks that a name fits are named, up to so many."""


@dataclass(frozen=True, slots=True)
class TaskDetail:
    """One task as the last run saw it, with how earlier proposals on it ended."""

    task: TaskSnapshot
    taken_at: datetime
    """When that run looked."""
    server_down: bool = False
    """Then nothing is known of it but its name."""
    history: tuple[HistoryLine, ...] = ()
    """Newest first."""


def look_up(environment: Environment, name: str) -> TaskDetail:
    """The task that `name` names: `task`, `server/task` or `instance/server/task`.

    Raises NotFound, and UsageError where several tasks have that name. Blocks like the ports do.
    """
    snapshot = read_fleet(environment)
    task = _find(snapshot, name)
    key = task.facts.key
    history = tuple(environment.approvals.history(key))
    return TaskDetail(task, snapshot.taken_at, key in snapshot.suppressed, history)


def _find(snapshot: FleetSnapshot, name: str) -> TaskSnapshot:
    # Names may hold slashes, so none is taken apart; the fullest name that fits wins.
    for spelling in (lambda key: key.full, str, lambda key: key.task):
        found = [task for task in snapshot.tasks if spelling(task.facts.key) == name]
        if len(found) > 1:
            names = ", ".join(harmless(task.facts.key.full, 120) for task in found[:_NAMED])
            raise UsageError(f"{len(found)} tasks are called {harmless(name, 120)}: {names}.", "Give more of it.")
        if found:
            return found[0]
    raise NotFound(f"The last run saw no task {harmless(name, 120)}.", "`qlikops tasks` lists them.")
