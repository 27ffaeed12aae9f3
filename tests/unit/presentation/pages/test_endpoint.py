"""What is said of one endpoint."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from qlikops.domain.fleet.endpoint import EndpointKey, Probe, ProbeAnswer
from qlikops.domain.fleet.task import StopReason, TaskFacts, TaskKey, TaskState
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskSnapshot
from qlikops.presentation.pages.endpoint import summary, tasks_on
from qlikops.presentation.tone import Section, as_text
from tests.unit.presentation.samples import NOW

ORA = EndpointKey("default", "eu-1", "ORA")


def task(name: str, *, source: str = "ORA", target: str = "DWH", server: str = "eu-1", up: bool = True) -> TaskSnapshot:
    state, reason = (TaskState.RUNNING, StopReason.NONE) if up else (TaskState.ERROR, StopReason.FATAL_ERROR)
    return TaskSnapshot(
        TaskFacts(
            TaskKey("default", server, name),
            state,
            reason,
            source_endpoint=source,
            source_type="Oracle",
            target_endpoint=target,
            target_type="Snowflake",
            memory_mb=200 if up else 0,
        )
    )


def fleet(*tasks: TaskSnapshot, probes: tuple[Probe, ...] = ()) -> FleetSnapshot:
    return FleetSnapshot(NOW - timedelta(seconds=40), "run-1", (), tasks, probes=probes)


def said(snapshot: FleetSnapshot, endpoint: EndpointKey = ORA) -> str:
    return " ".join(as_text((Section("", tuple(summary(snapshot, endpoint, NOW))),)).split())


def test_the_tasks_of_every_server_with_an_endpoint_of_that_name_are_on_it() -> None:
    snapshot = fleet(task("a"), task("b", server="us-1"), task("c", source="PG"), task("d", source="PG", target="ORA"))
    assert [each.facts.key.task for each in tasks_on(snapshot, ORA)] == ["a", "b", "d"]
    assert "endpoint ORA Oracle" in said(snapshot)
    assert "on eu-1, us-1" in said(snapshot)
    assert "source of 2 tasks, target of 1 task; all that was seen run" in said(snapshot)


def test_what_does_not_run_and_what_was_not_seen_is_counted_apart() -> None:
    snapshot = fleet(task("a", up=False), task("b"), replace(task("c"), is_unread=True))
    assert "source of 3 tasks; 1 not running, 1 not seen" in said(snapshot)
    assert "source of 1 task; 1 not seen" in said(fleet(replace(task("c"), is_unread=True)))


def test_the_newest_test_is_said_with_its_age() -> None:
    old = Probe(ORA, ProbeAnswer.ERROR, NOW - timedelta(hours=1), "ORA-12541")
    new = Probe(ORA, ProbeAnswer.CONNECTED, NOW - timedelta(minutes=3))
    of_another = replace(new, endpoint=EndpointKey("default", "us-1", "ORA"), answer=ProbeAnswer.TIMED_OUT)
    assert "last test ORA takes logins, 3m ago" in said(fleet(task("a"), probes=(new, old, of_another)))
    assert "last test" not in said(fleet(task("a")))


def test_an_endpoint_that_no_task_has_is_said_to_be_that() -> None:
    assert "no task of the last run has it" in said(fleet(), EndpointKey("default", "eu-1", "DWH2"))
    assert "target of 1 task" in said(fleet(task("a")), EndpointKey("default", "eu-1", "DWH"))
