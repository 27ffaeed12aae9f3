"""What a task's numbers and an action's name amount to, where Enterprise Manager says little."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from qlikops.domain.fleet.task import (
    Action,
    Fetched,
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


NOW = datetime(2026, 3, 7, 3, 12, tzinfo=UTC)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


@pytest.mark.parametrize("apart", [-5 * 60, -7, 0, 7, 60])
def test_how_old_a_state_is_needs_no_clocks_that_agree(apart: float) -> None:
    """One clock writes the time, `apart` minutes from the one that reads it, every five minutes."""
    read, fetched = NOW, None
    for lag in (0.5, 0.2, 5.2, 10.2, 0.3):  # it is not fetched at the third and fourth reading
        written = read - minutes(lag) + minutes(apart)
        before, fetched = fetched, Fetched(written, written).dated(read, fetched, read)
        is_first = before is None
        # What the clocks are apart is known after the first reading, as exactly as a state is young.
        assert abs(read - fetched.at - minutes(lag)) <= minutes(0.5) or (is_first and apart < 0), lag
        read += minutes(5)


def test_a_clock_that_is_ahead_makes_nothing_old_and_hides_nothing_for_long() -> None:
    ahead = NOW + minutes(30)
    fetched = Fetched(ahead, ahead).dated(NOW, None, NOW)
    assert fetched.at == NOW
    stands_still = Fetched(ahead, ahead).dated(NOW + minutes(20), fetched, NOW + minutes(20))
    assert stands_still.at == NOW
    set_back = Fetched(NOW - minutes(90), NOW - minutes(90)).dated(NOW + minutes(25), stands_still)
    assert set_back.at == NOW + minutes(25)


def test_what_was_read_long_before_the_reading_ended_is_no_younger_than_it_says() -> None:
    """A run may stand still for minutes between asking for a server and going on with what it was told."""
    stalled = Fetched(NOW, NOW).dated(NOW + minutes(4), None, NOW)
    stands_still = NOW + minutes(2)
    assert Fetched(stands_still, stands_still).dated(NOW + minutes(9), stalled, NOW + minutes(9)).at == stands_still


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
