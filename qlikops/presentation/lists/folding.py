"""Rows of the fleet that say the same as one: what is well, what one server hides, what has one cause."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from functools import cached_property

from qlikops.domain.fleet.task import TaskState
from qlikops.presentation import vocabulary
from qlikops.presentation.lists.fleet import TABLE, FleetRow, stale_name, waits
from qlikops.presentation.table import Cells
from qlikops.presentation.tone import Span, Tone, outside

PREFIX = "fold "
"""How the key of several tasks begins; no task's key begins so."""
_NEVER = datetime.max.replace(tzinfo=UTC)


class Fold:
    """Several tasks of the fleet as one row, the first in the order of the list."""

    def __init__(self, tasks: list[FleetRow]) -> None:
        self.tasks = tasks

    @cached_property
    def cells(self) -> Cells:
        """What it shows of all of them: what they have in common, the longest delay and the oldest data."""
        first, known = self.tasks[0], TABLE.cells(self.tasks[0])
        slowest = max(self.tasks, key=lambda each: each.facts.total_latency_seconds or 0)
        oldest = min(self.tasks, key=lambda each: each.task.memory.position or _NEVER)
        server = self._common("server", (each.facts.key.server for each in self.tasks), known)
        title = outside(f"▸ {len(self.tasks):,} {self._words}", cap=80)
        where = "several servers" if server is _SEVERAL else server.text
        return {
            **dict.fromkeys(known, vocabulary.NOTHING),
            "task": title,
            "label": title if where in title.text else outside(f"{title.text} ({where})", cap=120),
            "server": server,
            "state": self._common("state", (each.facts.raw_state or each.facts.state for each in self.tasks), known),
            "kind": self._common("kind", map(_kinds, self.tasks), known),
            "latency": TABLE.cells(slowest)["latency"],
            "as_of": TABLE.cells(oldest)["as_of"],
            "quiet": vocabulary.NOTHING
            if is_well(first)
            else self._common("quiet", (waits(each).text for each in self.tasks), known),
        }

    @property
    def _words(self) -> str:
        first = self.tasks[0]
        if is_well(first):
            return "run well"
        if first.server_down:
            return f"on {first.facts.key.server}"
        sources = {each.facts.source_endpoint for each in self.tasks}
        targets = {each.facts.target_endpoint for each in self.tasks}
        shared = next((name for found in (sources, targets) if len(found) == 1 for name in found), "")
        return f"on {shared}" if shared else "with one cause"

    @staticmethod
    def _common(column: str, values: Iterable[str], known: Cells) -> Span:
        return known[column] if len(set(values)) == 1 else _SEVERAL


_SEVERAL = Span("several", Tone.MUTED)


def is_well(each: FleetRow) -> bool:
    """Whether it runs, and nothing is to be said of it."""
    task = each.task
    return (
        each.facts.state is TaskState.RUNNING
        and not (task.anomalies or task.proposal_id or task.note or task.memory.quiet)
        and not (each.server_down or each.deed or stale_name(each))
    )


def folded(
    tasks: Iterable[FleetRow], unfolded: Collection[str] = (), *, by_server: bool = True
) -> Mapping[str, FleetRow | Fold]:
    """Rows by key in the order of `tasks`, several tasks where the first of them is.

    What is well is one row a server, or one in all; the tasks of a server that is down are one, and those of one
    proposal, or with one source and one anomaly. Tasks whose full key is in `unfolded` stand by themselves.
    """
    found: dict[str, list[FleetRow]] = {}
    for each in tasks:
        key = each.facts.key.full
        found.setdefault(key if key in unfolded else _together(each, by_server=by_server) or key, []).append(each)
    return {
        key if len(group) > 1 else group[0].facts.key.full: Fold(group) if len(group) > 1 else group[0]
        for key, group in found.items()
    }


def _together(each: FleetRow, *, by_server: bool) -> str:
    key = each.facts.key
    server = f"{key.instance}/{key.server}"
    if each.server_down:
        return f"{PREFIX}down {server}"
    if is_well(each):
        return f"{PREFIX}well {server if by_server else ''}"
    if each.task.proposal_id:
        return f"{PREFIX}proposal {each.task.proposal_id}"
    if not (each.task.anomalies and each.facts.source_endpoint):
        return ""
    quiet = each.task.memory.quiet
    return f"{PREFIX}cause {server} {each.facts.source_endpoint} {_kinds(each)} {quiet.kind if quiet else ''}"


def _kinds(each: FleetRow) -> str:
    return " ".join(anomaly.kind for anomaly in each.task.anomalies)
