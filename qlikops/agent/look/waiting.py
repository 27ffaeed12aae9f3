"""What it costs to leave a task down: until when it can be resumed, and what its source suffers meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from qlikops.agent.config import AgentConfig
from qlikops.agent.diagnosis.engines import engine_of
from qlikops.domain.fleet.anomaly import ACTIONS, AnomalyKind
from qlikops.domain.fleet.point_of_no_return import PointOfNoReturn
from qlikops.domain.fleet.task import TaskFacts
from qlikops.domain.runs.snapshot import TaskSnapshot

SOURCES_THAT_SUFFER: Mapping[str, tuple[str, str]] = {
    "postgresql": (
        "PostgreSQL keeps its WAL for the task's replication slot as long as the task is down: its disk can fill",
        "https://www.postgresql.org/docs/current/logicaldecoding-explanation.html",
    ),
    "sqlserver": (
        "what the task has not read can keep SQL Server's transaction log from being truncated: once it is full, the "
        "database takes no more changes",
        "https://help.qlik.com/en-US/replicate/November2022/Content/Replicate/Main/SQL%20Server/SQLServerDBSource_AdvProps.htm",
    ),
    "ase": (
        "ASE truncates its log no further than the task has read: once it is full, the database stands still",
        "https://github.com/awsdocs/aws-dms-user-guide/blob/81be26a/doc_source/CHAP_Source.SAP.md",
    ),
}
"""Engine -> what a task that is down does to its source, and the page that says so."""


def position_of(facts: TaskFacts, last: TaskSnapshot | None, now: datetime) -> datetime | None:
    """Up to when about the target has the source's changes; what the `last` poll knew unless this one can tell.

    Latency is that of a task that is up. A task that was only just started says 0 before it has read anything; so may
    one that no check has seen up before.
    """
    latency, known = facts.total_latency_seconds, last.memory.position if last else None
    if not facts.is_up or latency is None or (latency == 0 and not (last and last.facts.is_up)):
        return known
    try:
        return now - timedelta(seconds=latency)
    except OverflowError:
        return known


def point_of(
    kind: AnomalyKind, facts: TaskFacts, position: datetime | None, config: AgentConfig
) -> PointOfNoReturn | None:
    """Until when a task with this anomaly can be resumed; None where that is no question.

    It is none while the task is up and nothing has to be done to it, for one that reads no log or loads its tables
    again anyway, and once the log is gone.
    """
    is_waiting = not facts.is_up or kind in ACTIONS
    reads_on = facts.apply_changes_enabled is not False and facts.full_load_completed is not False
    if not is_waiting or not reads_on or kind.traits.position_lost:
        return None
    kept = config.log_retention.of(facts)
    return PointOfNoReturn(
        facts.source_endpoint,
        position,
        int(kept.total_seconds()) if kept else None,
        facts.tables,
        facts.full_load_seconds,
    )


def source_meanwhile(facts: TaskFacts) -> str:
    """What its source suffers while the task is down, with the page that says so; empty if that is not known of it."""
    if facts.log_stream_staging or facts.full_load_completed is False:
        return ""  # a staging task reads the log in its place, or nothing does yet
    words, page = SOURCES_THAT_SUFFER.get(engine_of(facts.source_type), ("", ""))
    return f"{words} ({page})" if words else ""
