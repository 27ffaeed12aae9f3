"""A small fleet for the agent's tests: one healthy task, a server, a clock, and what they turn into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from qlikops.agent.config import AgentConfig, Thresholds
from qlikops.agent.look.detection import detect
from qlikops.domain.fleet.anomaly import Anomaly, AnomalyKind
from qlikops.domain.fleet.task import ServerFacts, ServerState, StopReason, TaskFacts, TaskKey, TaskState
from qlikops.domain.runs.plan import Plan, Scope
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskSnapshot

NOW = datetime(2026, 3, 7, 3, 12, tzinfo=UTC)
CONNECTION_LOST = "ORA-12541: TNS:no listener"
POSITION_LOST = "ORA-00308: cannot open archived log '/arch/1_4711.dbf'"
UNMATCHED = "Something nobody has seen before"

CONFIG = AgentConfig(table="ledger", bucket="data", topic_arn="topic", qlik_secret_arn="secret")
ALL_LIMITS = replace(CONFIG, thresholds=Thresholds(server_disk_mb=10**6, server_memory_mb=10**6))
"""The same with the limits that are off by default."""
SERVER = ServerFacts("default", "eu-1", ServerState.MONITORED)
HEALTHY = TaskFacts(
    key=TaskKey("default", "eu-1", "sales-orders"),
    state=TaskState.RUNNING,
    stop_reason=StopReason.NONE,
    source_endpoint="ORA-PROD",
    source_type="Oracle",
    target_endpoint="LAKE",
    target_type="Snowflake",
    source_latency_seconds=3,
    total_latency_seconds=9,
    memory_mb=512,
    data_error_count=0,
    full_load_enabled=True,
    full_load_completed=True,
    tables_completed=5,
    tables_loading=0,
    tables_queued=0,
    tables_with_error=0,
    changes_in_memory=0,
    changes_on_disk=0,
    applied_records=1000,
    tags_known=True,
)


def task(name: str = "sales-orders", server: str = "eu-1", **changes: Any) -> TaskFacts:
    return replace(HEALTHY, key=TaskKey("default", server, name), **changes)


def failed(name: str = "sales-orders", message: str = CONNECTION_LOST, **changes: Any) -> TaskFacts:
    defaults = {"state": TaskState.ERROR, "stop_reason": StopReason.FATAL_ERROR, "memory_mb": 0}
    return task(name, message=message, **{**defaults, **changes})


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def stopped(name: str = "sales-orders", server: str = "eu-1", **changes: Any) -> TaskFacts:
    """A task that somebody stopped."""
    return task(
        name, server, **{"state": TaskState.STOPPED, "stop_reason": StopReason.NORMAL, "memory_mb": 0, **changes}
    )


def plan(plan_id: str = "plan-1", until: datetime | None = None, **changes: Any) -> Plan:
    """Planned work on the server, from NOW for an hour unless said otherwise."""
    scope = Scope(servers=("eu-1",))
    made = Plan(plan_id, scope, NOW, until or after(3600), "CHG123", "ana", "run-0", NOW)
    return replace(made, **changes)


def poll(
    *tasks: TaskFacts,
    previous: FleetSnapshot | None = None,
    at: float = 0,
    servers: Sequence[ServerFacts] = (SERVER,),
    config: AgentConfig = CONFIG,
    restarts: Mapping[TaskKey, int] | None = None,
    plans: Sequence[Plan] = (),
) -> FleetSnapshot:
    """One poll, `at` seconds after NOW."""
    now = after(at)
    return detect(servers, tasks, previous, config, now, f"run-{at}", restarts_last_hour=restarts, plans=plans)


def poll_twice(
    *tasks: TaskFacts, config: AgentConfig = CONFIG, restarts: Mapping[TaskKey, int] | None = None
) -> FleetSnapshot:
    """Two polls a minute apart, so that what needs two is confirmed."""
    first = poll(*tasks, config=config, restarts=restarts)
    return poll(*tasks, previous=first, at=60, config=config, restarts=restarts)


def only_task(snapshot: FleetSnapshot) -> TaskSnapshot:
    (only,) = snapshot.tasks
    return only


def kinds(snapshot: FleetSnapshot) -> list[AnomalyKind]:
    return [anomaly.kind for anomaly in only_task(snapshot).anomalies]


def anomaly_of(snapshot: FleetSnapshot, kind: AnomalyKind) -> Anomaly:
    return next(anomaly for anomaly in only_task(snapshot).anomalies if anomaly.kind is kind)
