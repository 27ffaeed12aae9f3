"""The fleet as a table: one row a task, servers in a line above."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from qlikops.domain.duration import format_duration
from qlikops.domain.fleet import FleetSnapshot, TaskSnapshot
from qlikops.domain.task import ServerState, StopReason
from qlikops.presentation import vocabulary
from qlikops.presentation.tone import Cells, Column, Line, Span, Tone, fit, line, outside

COLUMNS = (
    Column("server", "Server", 14),
    Column("task", "Task", 15, flexible=True),
    Column("state", "State", 8),
    Column("stop", "Stop reason", 14),
    Column("source", "Source", 7, right=True),
    Column("target", "Target", 7, right=True),
    Column("anomaly", "Anomaly", 15),
    Column("note", "Note", 24),
)
_DROP_FIRST = ("note", "stop", "source", "target")


def columns(width: int) -> tuple[Column, ...]:
    """What fits in `width` cells."""
    return fit(COLUMNS, width, _DROP_FIRST)


def row_key(task: TaskSnapshot) -> str:
    """Names the task for ever."""
    key = task.facts.key
    return f"{key.instance}/{key.server}/{key.task}"


def version(task: TaskSnapshot) -> tuple[object, ...]:
    """Changes when the row would."""
    return (task.facts, task.anomalies, task.proposal_id, task.note)


def worst_first(snapshot: FleetSnapshot) -> tuple[TaskSnapshot, ...]:
    """Tasks with something wrong first, then by server and name."""
    return tuple(sorted(snapshot.tasks, key=lambda task: (not task.anomalies, task.facts.key)))


def cells(task: TaskSnapshot) -> Cells:
    """One task as the last run saw it."""
    facts = task.facts
    stop = "" if facts.stop_reason is StopReason.NONE else facts.raw_stop_reason or str(facts.stop_reason)
    kinds = ", ".join(anomaly.kind for anomaly in task.anomalies)
    worst = max((anomaly.severity for anomaly in task.anomalies), key=_SEVERITIES.index, default="info")
    note = task.note or (f"waits: {task.proposal_id}" if task.proposal_id else "")
    return {
        "server": outside(facts.key.server, cap=40),
        "task": outside(facts.key.task, cap=80),
        "state": vocabulary.task_state(facts.state, facts.raw_state),
        "stop": outside(stop, cap=32) if stop else vocabulary.NOTHING,
        "source": _latency(facts.source_latency_seconds),
        "target": _latency(facts.target_latency_seconds),
        "anomaly": outside(kinds, vocabulary.severity(worst).tone, 60) if kinds else vocabulary.NOTHING,
        "note": outside(note, Tone.MUTED, 200) if note else vocabulary.NOTHING,
    }


_SEVERITIES = ("info", "warning", "critical")


def _latency(seconds: int | None) -> Span:
    return vocabulary.NOTHING if seconds is None else Span(format_duration(float(seconds)))


def summary(snapshot: FleetSnapshot, now: datetime) -> tuple[Line, ...]:
    """Counts by state, how old they are, and every server that is not well."""
    states = Counter(str(task.facts.state) for task in snapshot.tasks)
    counted = ", ".join(f"{number:,} {state}" for state, number in sorted(states.items())) or "no tasks"
    lines = [
        line(
            f"{vocabulary.count(len(snapshot.servers), 'server')}",
            f"{counted}",
            Span(
                f"   as of {vocabulary.clock_time(snapshot.taken_at)}, {vocabulary.ago(snapshot.taken_at, now)} ago",
                Tone.MUTED,
            ),
        )
    ]
    for server in snapshot.servers:
        if server.state is not ServerState.MONITORED:
            why = server.message or server.error_code or "no reason given"
            lines.append(
                line("server", Span(f"■ {server.state} ", Tone.DANGER), outside(f"{server.name}: {why}", cap=200))
            )
    return tuple(lines)
