"""What each detector says of a task or server that has what it looks for, and that it says nothing of a healthy one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.agent.config import Thresholds
from qlikops.agent.look.detectors import (
    DETECTORS,
    SERVER_DETECTORS,
    ServerView,
    TaskView,
    is_in_trouble,
    is_waiting_to_apply,
    lost_connection,
)
from qlikops.domain.fleet.anomaly import AnomalyKind, Severity
from qlikops.domain.fleet.task import ServerState, StopReason, TaskFacts, TaskState
from qlikops.domain.runs.plan import StoppedInPlan
from qlikops.domain.runs.snapshot import TaskProgress, TaskSnapshot
from qlikops.qlik.reader import NOT_READ_IN_TIME
from tests.unit.agent.fleet import CONNECTION_LOST, HEALTHY, NOW, POSITION_LOST, SERVER, UNMATCHED, failed, task

STOPPED: dict[str, Any] = {"state": TaskState.STOPPED, "memory_mb": 0}
LOST_SLOWLY: dict[str, Any] = {"message": CONNECTION_LOST, "stop_reason": StopReason.NONE}


def said(kind: AnomalyKind, facts: TaskFacts, restarts: int = 0, **memory: Any) -> tuple[str, Severity | None]:
    signal = DETECTORS[kind](TaskView(facts, TaskProgress(**memory), Thresholds(), NOW, restarts))
    return (signal.summary, signal.severity) if signal else ("", None)


@pytest.mark.parametrize("kind", DETECTORS)
def test_a_healthy_task_has_nothing(kind: AnomalyKind) -> None:
    assert said(kind, HEALTHY) == ("", None)


@pytest.mark.parametrize(
    ("kind", "facts", "memory", "summary"),
    [
        (AnomalyKind.FATAL_TRANSIENT, failed(), {}, "connection to the source lost"),
        (AnomalyKind.FATAL_UNKNOWN, failed(message=UNMATCHED), {}, "failed: the message is not one that is known"),
        (AnomalyKind.FATAL_UNKNOWN, failed(**LOST_SLOWLY), {}, "but Replicate doesn't say that it has given up"),
        (AnomalyKind.POSITION_LOST, failed(message=POSITION_LOST), {}, "no longer has the log"),
        (AnomalyKind.RECOVERING_LONG, task(state=TaskState.RECOVERY), {}, "recovering for more than"),
        (AnomalyKind.USER_STOPPED, task(**STOPPED, stop_reason=StopReason.NORMAL), {}, "stopped by a user"),
        (
            AnomalyKind.LEFT_STOPPED,
            task(**STOPPED, stop_reason=StopReason.NORMAL),
            {"left_stopped": True},
            "stopped by qlikops for a restart",
        ),
        (
            AnomalyKind.STOPPED_IN_PLAN,
            task(**STOPPED, stop_reason=StopReason.NORMAL),
            {"stopped_in": StoppedInPlan("plan-1", "CHG123", NOW)},
            "stopped during planned work, and still down",
        ),
        (
            AnomalyKind.PLANNED_STOP,
            task(**STOPPED, stop_reason=StopReason.FULL_LOAD_ONLY_FINISHED),
            {},
            "stopped as its settings planned",
        ),
        (AnomalyKind.RESOURCE_STOP, task(**STOPPED, stop_reason=StopReason.STOPPED_LOW_MEMORY), {}, "low memory"),
        (AnomalyKind.NOT_RUNNING, task(**STOPPED), {}, "not running (STOPPED), and nothing says why"),
        (AnomalyKind.PROCESS_MISMATCH, task(memory_mb=0), {}, "its process uses no memory"),
        (
            AnomalyKind.STALLED,
            task(changes_in_memory=7),
            {"applied_since": NOW - timedelta(hours=2)},
            "nothing applied for 2h00m with 7 changes waiting",
        ),
        (AnomalyKind.TABLE_ERROR, task(tables_with_error=1), {}, "1 table suspended"),
        (AnomalyKind.DISK_SPILL, task(changes_on_disk=9), {"changes_on_disk": 4}, "9, 4 a poll before"),
    ],
)
def test_what_a_task_has_is_said(kind: AnomalyKind, facts: TaskFacts, memory: dict[str, Any], summary: str) -> None:
    assert summary in said(kind, facts, **memory)[0]


@pytest.mark.parametrize(
    ("kind", "facts", "memory"),
    [
        (AnomalyKind.NOT_RUNNING, task(**STOPPED, stop_reason=StopReason.NORMAL), {}),
        (AnomalyKind.FATAL_UNKNOWN, failed(stop_reason=StopReason.STOPPED_LOW_MEMORY), {}),
        (AnomalyKind.STALLED, task(changes_in_memory=7), {"applied_since": NOW}),
    ],
)
def test_what_another_kind_says_or_time_will_tell_is_not_said(
    kind: AnomalyKind, facts: TaskFacts, memory: dict[str, Any]
) -> None:
    assert said(kind, facts, **memory) == ("", None)


def test_a_task_is_in_trouble_or_behind_only_if_it_should_run() -> None:
    assert is_in_trouble(failed())
    assert not is_in_trouble(HEALTHY)
    assert is_waiting_to_apply(task(changes_in_memory=7))
    assert not is_waiting_to_apply(task(changes_in_memory=7, tables_loading=1))


def test_what_is_worse_than_its_kind_always_is_says_so() -> None:
    limits = Thresholds()
    slow, very_slow = limits.source_latency_warning_seconds, limits.source_latency_critical_seconds
    for seconds, severity in ((slow - 1, None), (slow, None), (very_slow, Severity.CRITICAL)):
        facts = task(source_latency_seconds=seconds, total_latency_seconds=seconds)
        assert said(AnomalyKind.SOURCE_LATENCY, facts)[1] is severity
    for new, severity in ((limits.data_errors_warning + 1, None), (limits.data_errors_critical + 1, Severity.CRITICAL)):
        summary, found = said(AnomalyKind.DATA_ERRORS, task(data_error_count=new), data_error_count=0)
        assert (summary, found) == (f"{new} new data errors since the last poll", severity)


def test_restarts_that_do_not_help_hold_a_task() -> None:
    assert said(AnomalyKind.FLAPPING, failed(), 2)[0] == ""
    assert said(AnomalyKind.FLAPPING, failed(), 3)[0].startswith("started again 3 times")


@pytest.mark.parametrize(
    ("types", "words"),
    [
        (("Oracle", "Snowflake"), "connection to the source lost"),
        (("Snowflake", "Oracle"), "connection to the target lost"),
        (("Oracle", "Oracle"), "connection lost"),
    ],
)
def test_the_side_of_a_lost_connection_is_named_if_it_is_known(types: tuple[str, str], words: str) -> None:
    assert lost_connection(failed(source_type=types[0], target_type=types[1])) == words


def test_a_server_that_is_down_or_late_counts_its_own_tasks() -> None:
    fleet = [TaskSnapshot(task("a")), TaskSnapshot(task("b", server="eu-2"))]
    down = replace(SERVER, state=ServerState.ERROR)
    late = replace(SERVER, error_code=NOT_READ_IN_TIME, message="2 of its 9 tasks were not read in time")
    found = {
        kind: [detect(ServerView(facts, fleet, Thresholds(), NOW)) for facts in (SERVER, down, late)]
        for kind, detect in SERVER_DETECTORS.items()
    }
    nothing, is_down, not_late = found[AnomalyKind.SERVER_DOWN]
    assert (nothing, not_late) == (None, None)
    assert is_down is not None
    assert [value for _, value in is_down.evidence] == ["1"]
    signal = found[AnomalyKind.NOT_READ][2]
    assert signal is not None
    assert signal.summary == "2 of its 9 tasks were not read in time; they are as the last run saw them"
    assert signal.evidence == ()
