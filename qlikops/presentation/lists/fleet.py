"""The fleet as a table: one row a task; in lines above it how old that is, and every server that is not well."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.task import ServerState, StopReason, TaskFacts, TaskKey, TaskState
from qlikops.domain.gathered.shift_entry import ShiftEntry
from qlikops.domain.proposals.mute import MuteReason
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskSnapshot
from qlikops.presentation import stale, vocabulary
from qlikops.presentation.lists.now import of_task
from qlikops.presentation.pictures.lag import SPARK_CELLS, lags, spark
from qlikops.presentation.table import Column, ColumnOf, SortOrder, TableOf
from qlikops.presentation.tone import Line, Span, Tone, line, outside

STALE_FLOOR = timedelta(minutes=10)
"""No snapshot younger than this counts as stale, however often runs come."""
STALE_PERIODS = 3
"""Beyond so many missed runs it does, as for the alarm on silence."""

FILTER_EXAMPLE = "server:eu !state:running tag:gold kind:"


class FleetSort(StrEnum):
    """The orders of the fleet, the usual one first; `TABLE` says what each means."""

    WORST = "worst"
    NAME = "name"
    SERVER = "server"
    LATENCY = "latency"
    RESTARTED = "restarted"


@dataclass(frozen=True, slots=True)
class FleetRow:
    """A task in the list that shows it."""

    task: TaskSnapshot
    now: datetime
    server_down: bool = False
    """Nothing is known of it."""
    taken_at: datetime | None = None
    """When the run looked; None is as good as now."""
    deed: ShiftEntry | None = None
    """The newest proposal on it that something was decided about since; None if there is none."""
    caller: str = ""
    """The ARN of who is `you`."""
    polls_a_cell: int = 1
    """How many runs one cell of its spark stands for: the same in every row, so that one column is one time."""

    @property
    def facts(self) -> TaskFacts:
        """What Replicate says of it."""
        return self.task.facts


def listed(
    snapshot: FleetSnapshot, now: datetime, deeds: Mapping[TaskKey, ShiftEntry] | None = None, caller: str = ""
) -> list[FleetRow]:
    """Every task as the last run saw it, with what was decided since: `deeds`."""
    down, deeds = snapshot.on_down_servers, deeds or {}
    polls_a_cell = math.ceil(max((len(task.memory.samples) for task in snapshot.tasks), default=1) / SPARK_CELLS) or 1
    return [
        FleetRow(task, now, key in down, snapshot.taken_at, deeds.get(key), caller, polls_a_cell)
        for task in snapshot.tasks
        for key in (task.facts.key,)
    ]


def _stop(each: FleetRow) -> Span:
    if each.facts.stop_reason is StopReason.NONE:
        return vocabulary.NOTHING
    return outside(each.facts.raw_stop_reason or each.facts.stop_reason, cap=32)


def _anomaly(each: FleetRow) -> Span:
    anomalies = each.task.anomalies
    if not anomalies:
        return vocabulary.NOTHING
    worst = max((anomaly.severity for anomaly in anomalies), key=lambda severity: severity.rank)
    return outside(
        ", ".join(anomaly.kind.traits.headline for anomaly in anomalies), vocabulary.severity(worst).tone, 60
    )


def _restarted(each: FleetRow) -> Span:
    at = each.task.memory.restarted_at
    return (
        vocabulary.NOTHING if at is None else Span(f"{vocabulary.short_duration((each.now - at).total_seconds())} ago")
    )


def waits(each: FleetRow) -> Span:
    """What a task waits for or why it is muted, or what became of it; NOTHING if there is nothing to say."""
    known = of_task(each.task, each.taken_at or each.now, each.deed, each.now, each.caller)
    return known or why_quiet(each.task, each.now, server_down=each.server_down) or vocabulary.NOTHING


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


def _latency(each: FleetRow) -> Span:
    seconds, freshness = each.facts.total_latency_seconds, each.task.memory.freshness
    if seconds is None:
        return vocabulary.NOTHING
    is_stale = freshness is not None and freshness.is_stale(each.now)
    return Span(vocabulary.short_duration(seconds), Tone.DANGER if is_stale else Tone.NEUTRAL)


def _as_of(each: FleetRow) -> Span:
    """Up to when the target has the source's changes, and whether that is later than was promised."""
    position = each.task.memory.position
    if position is None:
        return vocabulary.NOTHING
    is_today = position.astimezone(UTC).date() == each.now.astimezone(UTC).date()
    moment = f"{position.astimezone(UTC):{'%H:%M' if is_today else '%m-%d'}}"
    return Span(f"{moment} late", Tone.WARNING) if stale_name(each) else Span(moment)


def stale_name(each: FleetRow) -> str:
    """What a filter finds: the limit that a target is out of; nothing if it is not, or not known to be."""
    freshness = each.task.memory.freshness
    return freshness.name if freshness and freshness.is_stale(each.now) else ""


def is_stale(snapshot: FleetSnapshot, now: datetime) -> bool:
    """Whether several runs should have looked since, judged by how far apart the last ones were."""
    return now - snapshot.taken_at > max(STALE_FLOOR, STALE_PERIODS * _period(snapshot))


def summary(snapshot: FleetSnapshot, now: datetime) -> tuple[Line, ...]:
    """Counts by state, how old they are, and a line for every server that is not well."""
    states = Counter(str(task.facts.state) for task in snapshot.tasks)
    counted = ", ".join(f"{number:,} {state}" for state, number in sorted(states.items())) or "no tasks"
    older = vocabulary.short_duration(snapshot.state_age.total_seconds()) if snapshot.state_age else ""
    state = [Span(f"; Enterprise Manager's state up to {older} older", Tone.MUTED)] if older else []
    head = line(vocabulary.count(len(snapshot.servers), "server"), f"{counted}   ", age(snapshot, now), *state)
    return (head, *_unwell(snapshot), *stale.lines(snapshot.stale, now))


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
        if anomaly.kind.traits.hides_tasks:
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


def shown(number: int, snapshot: FleetSnapshot, order: SortOrder[FleetRow]) -> Span:
    """`38 of 412 tasks, worst first`."""
    total = vocabulary.count(len(snapshot.tasks), "task")
    some = "" if number == len(snapshot.tasks) else f"{number:,} of "
    return Span(f"{some}{total}, {order.words}", Tone.MUTED)


TABLE: TableOf[FleetRow] = TableOf(
    (
        ColumnOf(
            Column("task", "Task", 20, flexible=True),
            lambda each: outside(each.facts.key.task, cap=80),
            field=lambda each: each.facts.key.task,
            order=SortOrder(FleetSort.NAME, "by name", lambda each: each.facts.key.task.casefold()),
            short=ColumnOf(
                Column("label", "Task (server)", 20, flexible=True),
                lambda each: outside(f"{each.facts.key.task} ({each.facts.key.server})", cap=120),
            ),
            beside="server",
        ),
        ColumnOf(
            Column("server", "Server", 14, goes=40),
            lambda each: outside(each.facts.key.server, cap=40),
            field=lambda each: each.facts.key.server,
            order=SortOrder(FleetSort.SERVER, "by server", lambda each: each.facts.key),
        ),
        ColumnOf(
            Column("state", "State", 8),
            lambda each: vocabulary.task_state(each.facts.state, each.facts.raw_state),
            field=lambda each: each.facts.raw_state if each.facts.state is TaskState.UNKNOWN else each.facts.state,
        ),
        ColumnOf(
            Column("stop", "Stop reason", 14, goes=10),
            _stop,
            field=lambda each: "" if each.facts.stop_reason is StopReason.NONE else each.facts.stop_reason,
        ),
        ColumnOf(
            Column("latency", "Latency", 7, right=True, goes=20),
            _latency,
            order=SortOrder(FleetSort.LATENCY, "slowest first", lambda each: -(each.facts.total_latency_seconds or 0)),
        ),
        ColumnOf(Column("as_of", "Target as of", 12, goes=35), _as_of),
        ColumnOf(
            Column("trend", "Behind", SPARK_CELLS, goes=50),
            lambda each: Span(
                spark(lags(each.task.memory), each.polls_a_cell), Tone.WARNING if stale_name(each) else Tone.MUTED
            ),
        ),
        ColumnOf(
            Column("kind", "What broke", 24),
            _anomaly,
            field=lambda each: " ".join(
                f"{anomaly.kind} {anomaly.kind.traits.headline}" for anomaly in each.task.anomalies
            ),
            short=ColumnOf(Column("kind", "What broke", 14), _anomaly),
        ),
        ColumnOf(
            Column("restarted", "Restarted", 9, right=True, goes=15),
            _restarted,
            order=SortOrder(
                FleetSort.RESTARTED,
                "last restarted first",
                lambda each: -(each.task.memory.restarted_at.timestamp() if each.task.memory.restarted_at else 0),
            ),
        ),
        ColumnOf(
            Column("quiet", "Waits or muted", 44, goes=60),
            waits,
            field=lambda each: each.task.memory.quiet.words() if each.task.memory.quiet is not None else "",
            short=ColumnOf(Column("quiet", "Waits or muted", 22), waits),
        ),
    ),
    ties=lambda each: each.facts.key,
    more_orders=(
        SortOrder(
            FleetSort.WORST,
            "worst first",
            lambda each: -max((anomaly.severity.rank for anomaly in each.task.anomalies), default=-1),
        ),
    ),
    more_fields={
        "instance": lambda each: each.facts.key.instance,
        "tag": lambda each: " ".join(each.facts.tags),
        "severity": lambda each: " ".join(anomaly.severity for anomaly in each.task.anomalies),
        "source": lambda each: f"{each.facts.source_endpoint} {each.facts.source_type}".strip(),
        "target": lambda each: f"{each.facts.target_endpoint} {each.facts.target_type}".strip(),
        "proposal": lambda each: each.task.proposal_id,
        "note": lambda each: each.task.note,
        "stale": stale_name,
    },
)
"""The fleet."""
