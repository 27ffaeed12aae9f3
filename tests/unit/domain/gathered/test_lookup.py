"""One task by its name: found with its history, not found, or one of several that may be meant."""

from __future__ import annotations

from typing import cast

import pytest

from qlikops.domain.errors import NotFound, UsageError
from qlikops.domain.fleet.anomaly import Anomaly, AnomalyKind, Severity
from qlikops.domain.fleet.task import StopReason, TaskFacts, TaskKey, TaskState
from qlikops.domain.gathered.lookup import TaskDetail, look_up
from qlikops.domain.ports import ContextServices
from qlikops.domain.proposals.approval import HistoryLine, Status
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskSnapshot
from tests.fakes import Clock, FakeApprovals, FakeEnvironment
from tests.unit.domain.samples import NOON

LINE = HistoryLine(NOON, "0123456789ab", "STALLED", "resume", Status.RESTARTED)
KEYS = [
    TaskKey("default", "eu-1", "orders"),
    TaskKey("default", "us-1", "orders"),
    TaskKey("default", "eu-1", "a/b"),
    TaskKey("default", "eu-1 ", "50%  off"),
]


def found(name: str) -> TaskDetail:
    environment = FakeEnvironment(FakeApprovals(Clock(NOON), lines=(LINE,)))
    tasks = tuple(TaskSnapshot(TaskFacts(key, TaskState.RUNNING, StopReason.NONE)) for key in KEYS)
    environment.fleet.latest = FleetSnapshot(NOON, "run-1", (), tasks)
    return look_up(cast("ContextServices", environment), name)


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("eu-1/orders", 0),
        ("default/us-1/orders", 1),
        ("US-1/ord", 1),
        ("a/b", 2),
        ("eu-1/50% off", 3),
        ("default/eu-1/50% off", 3),
    ],
)
def test_a_task_is_found_as_it_is_shown_or_by_a_part(name: str, index: int) -> None:
    detail = found(name)
    assert detail.task.facts.key == KEYS[index]
    assert (detail.taken_at, detail.history, detail.server_down) == (NOON, (LINE,), False)


@pytest.mark.parametrize(
    ("name", "said"), [("orders", "2 tasks are called orders: "), ("-1/o", "2 tasks may be meant by -1/o: ")]
)
def test_several_are_named_in_full(name: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        found(name)
    assert caught.value.message == f"{said}default/eu-1/orders, default/us-1/orders."


def test_one_that_is_not_there_is_named_without_steering_the_terminal() -> None:
    with pytest.raises(NotFound, match=r"saw no task gone\.") as caught:
        found("\x1b[31mgone")
    assert "qlikops tasks" in caught.value.hint


def test_a_task_on_a_down_server_is_said_to_be_on_one() -> None:
    environment = FakeEnvironment(FakeApprovals(Clock(NOON)))
    task = TaskSnapshot(TaskFacts(KEYS[0], TaskState.UNKNOWN, StopReason.NONE))
    down = Anomaly(AnomalyKind.SERVER_DOWN, Severity.CRITICAL, TaskKey("default", "eu-1", ""), "")
    environment.fleet.latest = FleetSnapshot(NOON, "run-1", (), (task,), (down,))
    assert look_up(cast("ContextServices", environment), "orders").server_down


def test_the_other_tasks_on_its_endpoints_are_its_neighbours() -> None:
    environment = FakeEnvironment(FakeApprovals(Clock(NOON)))
    ends = {"a": ("ORA", "LAKE"), "b": ("ORA", "S3"), "c": ("PG", "ORA"), "d": ("PG", "S3"), "e": ("", "")}
    tasks = [
        TaskSnapshot(
            TaskFacts(
                TaskKey("default", server, name),
                TaskState.RUNNING,
                StopReason.NONE,
                source_endpoint=source,
                target_endpoint=target,
            )
        )
        for server in ("eu-1", "us-1")
        for name, (source, target) in ends.items()
    ]
    environment.fleet.latest = FleetSnapshot(NOON, "run-1", (), tuple(tasks))

    def beside(name: str) -> list[str]:
        return [str(key) for key in look_up(cast("ContextServices", environment), name).neighbours]

    assert beside("eu-1/a") == ["eu-1/b", "eu-1/c"]
    assert beside("eu-1/e") == []
