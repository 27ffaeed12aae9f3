"""The fleet as a table: one row a task; in lines above it how old that is, and every server that is not well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from qlikops.domain.anomaly import AnomalyKind
from qlikops.domain.fleet import FleetSnapshot, Sample, TaskSnapshot
from qlikops.domain.mute import MuteReason
from qlikops.domain.task import ServerState, StopReason, TaskKey, TaskState
from qlikops.presentation import vocabulary
from qlikops.presentation.tone import Cells, Column, Line, Span, Tone, fit, line, outside

TREND_COLUMNS = 8
"""Samples in a row's trend; the newest is the last."""
STALE_FLOOR = timedelta(minutes=10)
"""No snapshot younger than this counts as stale, however often runs come."""
STALE_PERIODS = 3
"""Beyond so many missed runs it does, as for the alarm on silence."""

COLUMNS = (
    Column("task", "Task", 20, flexible=True),
    Column("server", "Server", 14),
    Column("state", "State", 8),
    Column("stop", "Stop reason", 14),
    Column("latency", "Latency", 7, right=True),
    Column("trend", "Trend", TREND_COLUMNS),
    Column("anomaly", "Anomaly", 15),
    Column("restarted", "Restarted", 9, right=True),
    Column("quiet", "Waits or is left alone", 22),
)
_DROP_FIRST = ("stop", "quiet", "restarted", "server", "trend", "latency")
_ROOMY = 160
"""From this width on reasons have twice the room."""
_LABEL = "label"
"""In place of the task's name where there is no room for the server beside it: the server after the name, cut first."""

_LEVELS = "▁▂▃▄▅▆▇█"
_STEPS = (5, 15, 60, 180, 600, 1800, 7200)
"""Seconds at which the trend goes up by one: the same height means the same latency in every row."""


class Order(StrEnum):
    """How the table can be sorted."""

    WORST = "worst first"
    NAME = "by name"
    SERVER = "by server"
    LATENCY = "slowest first"
    RESTARTED = "last restarted first"

    @property
    def next(self) -> Order:
        """The one after it, round and round."""
        orders = tuple(Order)
        return orders[(orders.index(self) + 1) % len(orders)]


FIELDS: Mapping[str, Callable[[TaskSnapshot], str]] = {
    "task": lambda task: task.facts.key.task,
    "server": lambda task: task.facts.key.server,
    "instance": lambda task: task.facts.key.instance,
    "state": lambda task: task.facts.raw_state if task.facts.state is TaskState.UNKNOWN else task.facts.state,
    "stop": lambda task: "" if task.facts.stop_reason is StopReason.NONE else task.facts.stop_reason,
    "tag": lambda task: " ".join(task.facts.tags),
    "kind": lambda task: " ".join(anomaly.kind for anomaly in task.anomalies),
    "severity": lambda task: " ".join(anomaly.severity for anomaly in task.anomalies),
    "source": lambda task: f"{task.facts.source_endpoint} {task.facts.source_type}".strip(),
    "target": lambda task: f"{task.facts.target_endpoint} {task.facts.target_type}".strip(),
    "proposal": lambda task: task.proposal_id,
    "quiet": lambda task: task.memory.quiet.words() if task.memory.quiet is not None else "",
    "note": lambda task: task.note,
}
"""What a filter can ask of a task."""
FILTER_EXAMPLE = "server:eu !state:running tag:gold kind:"


def columns(width: int) -> tuple[Column, ...]:
    """What fits in `width` cells; a server without a column of its own goes behind the task's name."""
    roomy = width >= _ROOMY
    wanted = [
        replace(column, width=2 * column.width) if roomy and column.key == "quiet" else column for column in COLUMNS
    ]
    fitting = fit(wanted, width, _DROP_FIRST)
    if any(column.key == "server" for column in fitting):
        return fitting
    task, *rest = fitting
    return (replace(task, key=_LABEL, header="Task (server)"), *rest)


def row_key(task: TaskSnapshot) -> str:
    """Names the task for ever."""
    return task.facts.key.full


def ordered(tasks: Sequence[TaskSnapshot], order: Order = Order.WORST) -> tuple[TaskSnapshot, ...]:
    """`tasks` in that order; equal ones by server and name."""
    return tuple(sorted(tasks, key=lambda task: (*_ORDERS[order](task), task.facts.key)))


_ORDERS: Mapping[Order, Callable[[TaskSnapshot], tuple[object, ...]]] = {
    Order.WORST: lambda task: (-_severity_rank(task),),
    Order.NAME: lambda task: (task.facts.key.task.casefold(),),
    Order.SERVER: lambda _: (),
    Order.LATENCY: lambda task: (-(task.facts.total_latency_seconds or 0),),
    Order.RESTARTED: lambda task: (-(task.memory.restarted_at.timestamp() if task.memory.restarted_at else 0),),
}


def cells(task: TaskSnapshot, now: datetime, down: frozenset[TaskKey] = frozenset()) -> Cells:
    """One task as the last run saw it; `down` are those of which nothing is known because their server is down."""
    facts = task.facts
    stop = "" if facts.stop_reason is StopReason.NONE else facts.raw_stop_reason or str(facts.stop_reason)
    kinds = ", ".join(anomaly.kind for anomaly in task.anomalies)
    worst = max((anomaly.severity for anomaly in task.anomalies), key=lambda each: each.rank, default=None)
    restarted = task.memory.restarted_at
    return {
        "task": outside(facts.key.task, cap=80),
        _LABEL: outside(f"{facts.key.task} ({facts.key.server})", cap=120),
        "server": outside(facts.key.server, cap=40),
        "state": vocabulary.task_state(facts.state, facts.raw_state),
        "stop": outside(stop, cap=32) if stop else vocabulary.NOTHING,
        "latency": _latency(facts.total_latency_seconds),
        "trend": Span(trend(task.memory.samples), Tone.INFO),
        "anomaly": vocabulary.NOTHING if worst is None else outside(kinds, vocabulary.severity(worst).tone, 60),
        "restarted": vocabulary.NOTHING
        if restarted is None
        else Span(f"{vocabulary.short_duration((now - restarted).total_seconds())} ago"),
        "quiet": why_quiet(task, now, server_down=facts.key in down) or vocabulary.NOTHING,
    }


def trend(samples: Sequence[Sample], columns: int = TREND_COLUMNS) -> str:
    """The newest latencies end to end as blocks, a step a threshold; a dot where none is known."""
    return "".join(
        "·" if sample.total_seconds is None else _LEVELS[sum(sample.total_seconds >= step for step in _STEPS)]
        for sample in samples[-columns:]
    )


def why_quiet(task: TaskSnapshot, now: datetime, *, server_down: bool = False) -> Span | None:
    """Why nothing is proposed on it, and until when; None where nothing is to be said."""
    if task.proposal_id:
        return outside(f"proposal {task.proposal_id} is open", Tone.INFO, 40)
    quiet = task.memory.quiet
    if quiet is not None and quiet.until > now:
        left = vocabulary.short_duration((quiet.until - now).total_seconds())
        by = f" by {quiet.by}" if quiet.by else ""
        return outside(f"{_QUIET.get(quiet.kind, quiet.kind)} {left} more{by}", Tone.WARNING, 80)
    if server_down:
        return Span("server is down: nothing is known", Tone.MUTED)
    # A note repeats what kept it quiet when the run looked; that may be over.
    note = "" if quiet is not None and quiet.words() == task.note else task.note
    return outside(note, Tone.MUTED, 200) if note else None


_QUIET = {
    MuteReason.SNOOZED: "snoozed",
    MuteReason.DENIED: "denied, quiet",
    MuteReason.COOLDOWN: "cooling down",
    MuteReason.BUDGET: "restart budget spent,",
}


def _severity_rank(task: TaskSnapshot) -> int:
    """-1 where nothing is wrong, then by severity."""
    return max((anomaly.severity.rank for anomaly in task.anomalies), default=-1)


def _latency(seconds: int | None) -> Span:
    return vocabulary.NOTHING if seconds is None else Span(vocabulary.short_duration(seconds))


def is_stale(snapshot: FleetSnapshot, now: datetime) -> bool:
    """Whether several runs should have looked since, judged by how far apart the last ones were."""
    return now - snapshot.taken_at > max(STALE_FLOOR, STALE_PERIODS * _period(snapshot))


def summary(snapshot: FleetSnapshot, now: datetime) -> tuple[Line, ...]:
    """Counts by state, how old they are, and a line for every server that is not well."""
    states = Counter(str(task.facts.state) for task in snapshot.tasks)
    counted = ", ".join(f"{number:,} {state}" for state, number in sorted(states.items())) or "no tasks"
    head = line(vocabulary.count(len(snapshot.servers), "server"), f"{counted}   ", age(snapshot, now))
    return (head, *_unwell(snapshot))


def age(snapshot: FleetSnapshot, now: datetime) -> Span:
    """When a run looked last; a fleet that nobody looks at any more looks like that."""
    ago = f"{vocabulary.ago(snapshot.taken_at, now)} ago"
    if is_stale(snapshot, now):
        since = vocabulary.clock_time(snapshot.taken_at)
        return Span(f"▲ STALE: no run has looked since {since}, {ago}", Tone.WARNING)
    return Span(f"as of {snapshot.taken_at:%H:%M:%S} UTC, {ago}", Tone.MUTED)


def _unwell(snapshot: FleetSnapshot) -> Iterator[Line]:
    """Each anomaly of a server with the server's own message, then each server in a bad state without an anomaly."""
    servers = {server.key: server for server in snapshot.servers}
    found = {anomaly.key for anomaly in snapshot.server_anomalies}
    for anomaly in snapshot.server_anomalies:
        severity = vocabulary.severity(anomaly.severity)
        said = servers[anomaly.key].message if anomaly.key in servers else ""
        quoted = f" ({said})" if said and said not in anomaly.summary else ""
        spans = [
            Span(f"{severity.text} ", severity.tone),
            outside(f"{anomaly.key}: {anomaly.summary}{quoted}", cap=300),
        ]
        if anomaly.kind is AnomalyKind.SERVER_DOWN:
            hidden = sum(anomaly.key.covers(task.facts.key) for task in snapshot.tasks)
            spans.append(Span(f"; {vocabulary.count(hidden, 'task')} suppressed", Tone.WARNING))
        yield line("server", *spans)
    for key, server in servers.items():
        if key not in found and (server.state is not ServerState.MONITORED or server.error_code):
            why = server.message or server.error_code or "no reason given"
            yield line("server", Span(f"■ {server.state} ", Tone.DANGER), outside(f"{server.name}: {why}", cap=200))


def _period(snapshot: FleetSnapshot) -> timedelta:
    """How far apart the last two runs were, from the samples that they left; nothing where there are none."""
    for task in snapshot.tasks:
        pairs = list(pairwise(task.memory.samples[-2:]))
        if pairs:
            ((before, last),) = pairs
            return last.at - before.at
    return timedelta(0)


def shown(number: int, snapshot: FleetSnapshot, order: Order) -> Span:
    """`38 of 412 tasks, worst first`."""
    total = vocabulary.count(len(snapshot.tasks), "task")
    return Span(f"{number:,} of {total}, {order}" if number != len(snapshot.tasks) else f"{total}, {order}", Tone.MUTED)
