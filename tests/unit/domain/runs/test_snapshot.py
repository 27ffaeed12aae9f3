"""What a poll says nothing of, and all that it found."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from qlikops.domain.fleet.anomaly import Anomaly, AnomalyKind, Severity
from qlikops.domain.fleet.task import ServerFacts, ServerState, StopReason, TaskFacts, TaskKey, TaskState
from qlikops.domain.runs.plan import Plan, Scope
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskSnapshot
from tests.unit.domain.samples import NOON


def task(
    server: str, name: str, *kinds: AnomalyKind, instance: str = "default", is_unread: bool = False
) -> TaskSnapshot:
    key = TaskKey(instance, server, name)
    anomalies = tuple(Anomaly(kind, Severity.WARNING, key, "") for kind in kinds)
    return TaskSnapshot(TaskFacts(key, TaskState.UNKNOWN, StopReason.NONE), anomalies=anomalies, is_unread=is_unread)


def on_server(kind: AnomalyKind, server: str) -> Anomaly:
    return Anomaly(kind, Severity.CRITICAL, TaskKey("default", server, ""), "")


UP, DOWN, ELSEWHERE, UNREAD = (
    task("up", "a", AnomalyKind.STALLED),
    task("down", "b"),
    task("down", "c", instance="second"),
    task("up", "d", is_unread=True),
)
SNAPSHOT = FleetSnapshot(
    NOON,
    "run-1",
    (),
    (UP, DOWN, ELSEWHERE, UNREAD),
    (on_server(AnomalyKind.SERVER_DOWN, "down"),),
)


def test_the_servers_findings_come_before_the_tasks() -> None:
    assert [anomaly.kind for anomaly in SNAPSHOT.anomalies] == [AnomalyKind.SERVER_DOWN, AnomalyKind.STALLED]


def test_nothing_is_known_of_what_is_on_a_down_server_or_was_not_read() -> None:
    assert SNAPSHOT.on_down_servers == {DOWN.facts.key}
    assert SNAPSHOT.not_visible == {DOWN.facts.key, UNREAD.facts.key}


def test_the_console_of_a_task_is_its_enterprise_managers() -> None:
    servers = (ServerFacts("default", "up", ServerState.MONITORED, console="https://qem"),)
    snapshot = replace(SNAPSHOT, servers=servers)
    assert snapshot.console_of(UP.facts.key) == "https://qem"
    assert snapshot.console_of(ELSEWHERE.facts.key) == ""


def test_another_finding_on_a_server_hides_none_of_its_tasks() -> None:
    others = [kind for kind in AnomalyKind if kind is not AnomalyKind.SERVER_DOWN]
    snapshot = replace(SNAPSHOT, server_anomalies=tuple(on_server(kind, "down") for kind in others))
    assert snapshot.on_down_servers == frozenset()


def test_planned_work_covers_tasks_and_servers_while_it_goes_on() -> None:
    hour = timedelta(hours=1)
    plan = Plan("plan-1", Scope(servers=("up",)), NOON, NOON + hour, "CHG123", "ana", "run-1", NOON)
    longer = replace(plan, plan_id="plan-2", scope=Scope(tasks=(UP.facts.key,)), ends_at=NOON + 2 * hour)
    servers = tuple(ServerFacts("default", name, ServerState.MONITORED) for name in ("up", "down"))
    snapshot = replace(SNAPSHOT, servers=servers, plans=(plan, longer))
    assert snapshot.planned == {UP.facts.key: longer, UNREAD.facts.key: plan, servers[0].key: plan}
    assert replace(snapshot, taken_at=NOON + 3 * hour).planned == {}
