"""What a task's numbers and an action's name amount to, where Enterprise Manager says little."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from qlikops.domain.task import (
    Action,
    RunOption,
    ServerFacts,
    ServerState,
    StopReason,
    TaskFacts,
    TaskKey,
    TaskState,
)

KEY = TaskKey("default", "eu-1", "orders")
RUNS = TaskFacts(KEY, TaskState.RUNNING, StopReason.NONE, memory_mb=120)


@pytest.mark.parametrize("action", Action)
def test_only_a_reload_loads_anew(action: Action) -> None:
    reloads = action.run_option is RunOption.RELOAD_TARGET
    assert reloads is (action is Action.RELOAD)
    assert action.stops_first is (action is Action.STOP_AND_RESUME)


def test_an_unknown_action_has_no_run_call() -> None:
    with pytest.raises(ValueError, match="rewind"):
        _ = Action.read("rewind").run_option


@pytest.mark.parametrize(
    ("source", "total", "target"), [(3, 9, 6), (9, 3, 0), (0, 0, 0), (None, 9, None), (3, None, None)]
)
def test_apply_latency_is_the_rest_and_never_negative(
    source: int | None, total: int | None, target: int | None
) -> None:
    facts = replace(RUNS, source_latency_seconds=source, total_latency_seconds=total)
    assert facts.target_latency_seconds == target


@pytest.mark.parametrize(
    ("change", "is_up"),
    [
        ({}, True),
        ({"memory_mb": 0}, False),
        ({"memory_mb": None}, False),
        ({"state": TaskState.ERROR}, False),
        ({"state": TaskState.read("WARMING_UP")}, False),
    ],
)
def test_a_task_is_up_if_it_runs_and_uses_memory(change: dict[str, Any], is_up: bool) -> None:
    assert replace(RUNS, **change).is_up is is_up


@pytest.mark.parametrize(
    ("change", "has_details"),
    [({}, False), ({"memory_mb": 0}, True), ({"source_endpoint": "ORA"}, True), ({"target_endpoint": "SNOW"}, True)],
)
def test_a_line_of_the_list_of_tasks_is_told_from_details(change: dict[str, Any], has_details: bool) -> None:
    assert replace(RUNS, **{"memory_mb": None, **change}).has_details is has_details


def test_a_key_is_written_as_it_is_shown() -> None:
    server = ServerFacts("default", "eu-1", ServerState.MONITORED).key
    assert (str(KEY), KEY.full, str(server)) == ("eu-1/orders", "default/eu-1/orders", "eu-1")


@pytest.mark.parametrize(
    ("key", "covers"),
    [
        (TaskKey("default", "eu-1", ""), True),
        (TaskKey("default", "default", ""), True),  # the whole Enterprise Manager
        (TaskKey("default", "eu-2", ""), False),
        (TaskKey("second", "eu-1", ""), False),
        (KEY, False),
    ],
)
def test_a_server_covers_its_tasks_and_no_others(key: TaskKey, covers: bool) -> None:
    assert key.covers(KEY) is covers
