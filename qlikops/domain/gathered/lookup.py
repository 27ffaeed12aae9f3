"""One task looked up by name, with what the ledger has on it. Gathered through the ports."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from qlikops.dataclass import dataclass
from qlikops.domain.errors import NotFound, UsageError
from qlikops.domain.fleet.task import TaskFacts, TaskKey
from qlikops.domain.gathered.shift_entry import ShiftEntry
from qlikops.domain.gathered.since import read_fleet
from qlikops.domain.ports import ContextServices
from qlikops.domain.proposals.approval import HistoryLine
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskSnapshot
from qlikops.domain.words.naming import did_you_mean, is_named, listed, named
from qlikops.domain.words.text import harmless


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
    fetched_at: datetime | None = None
    """When Enterprise Manager had fetched its state; None where that is not known."""
    run: str = ""
    """The name of the run that saw it so."""
    deed: ShiftEntry | None = None
    """The proposal on it that was open when the run looked and no longer waits; None if there is none."""
    neighbours: tuple[TaskKey, ...] = ()
    """The other tasks on one of its endpoints, a Log Stream's too; those on its source first."""


def look_up(environment: ContextServices, name: str) -> TaskDetail:
    """The task that `name` names: `task`, `server/task` or `instance/server/task`, as it is shown, or a part of it.

    Raises NotFound, and UsageError where several tasks may be meant. Blocks like the ports do.
    """
    fleet = read_fleet(environment)
    snapshot = fleet.snapshot
    task = _find(snapshot, name)
    key = task.facts.key
    history = tuple(environment.approvals.history(key))
    fetched = next((server.fetched for server in snapshot.servers if server.key == key.of_server), None)
    is_down, fetched_at = key in snapshot.on_down_servers, fetched.at if fetched else None
    run, deed = snapshot.execution_name, fleet.deeds.get(key)
    return TaskDetail(
        task, snapshot.taken_at, is_down, history, fetched_at, run, deed, _neighbours(snapshot, task.facts)
    )


def _neighbours(snapshot: FleetSnapshot, facts: TaskFacts) -> tuple[TaskKey, ...]:
    ends = {facts.source_endpoint, facts.target_endpoint} - {""}
    others = (each.facts for each in snapshot.tasks if each.facts.key.of_server == facts.key.of_server)
    found = (
        other
        for other in others
        if other.key != facts.key and not ends.isdisjoint((other.source_endpoint, other.target_endpoint))
    )
    return tuple(
        other.key
        for other in sorted(found, key=lambda other: (other.source_endpoint != facts.source_endpoint, other.key))
    )


def look_up_name(given: str, names: Iterable[str], what: str) -> str:
    """The one of `names`, which the last run saw, that `given` is or begins; `what` is what it names, such as a server.

    Raises NotFound, and UsageError where several may be meant.
    """
    known = sorted(set(names))
    found = named(given, known, lambda name: name, parts=False)
    if len(found) > 1:
        raise UsageError(f"{len(found)} {what}s may be meant by {harmless(given, 120)}.", did_you_mean(given, known))
    if not found:
        hint = did_you_mean(given, known) or (f"There are: {listed(known)}." if known else "")
        raise NotFound(f"The last run saw no {what} {harmless(given, 120)}.", hint)
    return found[0]


def _find(snapshot: FleetSnapshot, name: str) -> TaskSnapshot:
    # Names may hold slashes, so none is taken apart; the fullest name that fits wins.
    found = named(
        name,
        snapshot.tasks,
        lambda task: task.facts.key.full,
        lambda task: str(task.facts.key),
        lambda task: task.facts.key.task,
        # Blanks at the end of a server's name are not shown either.
        lambda task: "/".join(map(harmless, (task.facts.key.server, task.facts.key.task))),
        lambda task: "/".join(map(harmless, (task.facts.key.instance, task.facts.key.server, task.facts.key.task))),
    )
    if len(found) == 1:
        return found[0]
    if not found:
        keys = [task.facts.key for task in snapshot.tasks]
        meant = did_you_mean(name, [*(key.task for key in keys), *map(str, keys)])
        raise NotFound(f"The last run saw no task {harmless(name, 120)}.", meant or "`qlikops tasks` lists them.")
    names = listed([task.facts.key.full for task in found])
    what = "are called" if all(is_named(name, task.facts.key.task) for task in found) else "may be meant by"
    raise UsageError(f"{len(found)} tasks {what} {harmless(name, 120)}: {names}.", "Give more of it.")
