"""The fold on histories recorded on AWS, where they lie beside the checkout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from qlikops.domain.encoding import codec
from qlikops.domain.workflow.events import load_history_file
from qlikops.domain.workflow.execution import FoldedHistory
from qlikops.domain.workflow.history import fold_history
from tests.beside import HISTORIES

State = tuple[str, tuple[int, ...], str, int]
"""Name, Map indexes, status, attempts."""

LEVEL_2: list[State] = [
    state
    for outer in range(2)
    for state in [
        ("MapL2", (outer,), "succeeded", 1),
        *(("MapL2Pass", (outer, inner), "succeeded", 1) for inner in range(3)),
    ]
]

EXPECTED: dict[str, tuple[str, str, list[State]]] = {
    "activity_task": ("SUCCEEDED", "", [("ActivityTask", (), "succeeded", 1)]),
    "cross_account_service_lambda_invoke_retry": ("FAILED", "Exception", [("InvokeLambda", (), "failed", 3)]),
    "fixed_timeout_lambda": ("FAILED", "States.Timeout", [("Start", (), "timed_out", 1)]),
    "lambda_service_invoke_with_retry_extended_input": (
        "SUCCEEDED",
        "",
        [("InvokeLambdaWithRetry", (), "caught", 4), ("HandleError", (), "succeeded", 1)],
    ),
    "map_state_nested": ("SUCCEEDED", "", [("MapL1", (), "succeeded", 1), *LEVEL_2]),
    "parallel_state_fail": (
        "FAILED",
        "FailureType",
        [("ParallelState", (), "failed", 1), ("Branch1", (), "failed", 1)],
    ),
    "reference_in_map_state_max_items_path_map_state_reference_in": (
        "SUCCEEDED",
        "",
        [("Start", (), "succeeded", 1), ("MapState", (), "succeeded", 1)],
    ),
    "reference_in_map_state_max_items_path_map_state_reference_in_9": (
        "SUCCEEDED",
        "",
        [("Start", (), "succeeded", 1), ("BatchMapState", (), "succeeded", 1)],
    ),
    "service_lambda_map_timeout": (
        "FAILED",
        "States.Timeout",
        # Each sibling timed out by itself before the first one's failure aborted the rest.
        [("MapWait", (), "failed", 1), *(("LambdaInvoke", (index,), "timed_out", 1) for index in range(4))],
    ),
    "sns_publish_wait_for_task_token": ("SUCCEEDED", "", [("Publish", (), "succeeded", 1)]),
    "sqs_failure_in_wait_for_task_tok_no_error_field_sqs_parallel": (
        "SUCCEEDED",
        "",
        [
            ("ParallelJob", (), "caught", 1),
            ("SendMessageWithWait", (), "failed", 1),
            ("CaughtStatesALL", (), "succeeded", 1),
        ],
    ),
    "sqs_failure_in_wait_for_task_token": ("FAILED", "Failure error", [("SendMessageWithWait", (), "failed", 1)]),
    "sqs_wait_for_task_token": ("SUCCEEDED", "", [("SendMessageWithWait", (), "succeeded", 1)]),
    "sqs_wait_for_task_token_timeout": (
        "FAILED",
        "States.Timeout",
        [("SendMessageWithWaitAndTimeout", (), "timed_out", 1)],
    ),
    "stop_execution": ("ABORTED", "", [("State_1", (), "aborted", 1)]),
    "undefined_reference_base_undefined_output": (
        "FAILED",
        "States.QueryEvaluationError",
        [("State0", (), "failed", 1)],
    ),
}

WAITING_FROM_TO = {
    # file -> state, Map index, scheduled event id, timeout, and the last event with which it still waits
    "sns_publish_wait_for_task_token": ("Publish", None, 3, None, 5),
    "sqs_failure_in_wait_for_task_tok_no_error_field_sqs_parallel": ("SendMessageWithWait", None, 5, None, 7),
    "sqs_failure_in_wait_for_task_token": ("SendMessageWithWait", None, 3, None, 5),
    "sqs_wait_for_task_token": ("SendMessageWithWait", None, 3, None, 5),
    "sqs_wait_for_task_token_timeout": ("SendMessageWithWaitAndTimeout", None, 3, 5, 5),
}


def recorded_events(name: str) -> list[Mapping[str, Any]]:
    path = HISTORIES / f"{name}.json"
    if not path.exists():
        pytest.skip(f"no recorded history {path.name} beside this checkout")
    return load_history_file(path.read_text())


def recorded(name: str, events: int | None = None) -> FoldedHistory:
    return fold_history(recorded_events(name)[:events])


@pytest.mark.parametrize("name", EXPECTED)
def test_a_recorded_history_folds_to_what_happened(name: str) -> None:
    status, error, states = EXPECTED[name]
    history = recorded(name)
    assert (history.status, history.error) == (status, error)
    assert [(run.name, run.map_path, run.status, run.attempts) for run in history.states] == states
    assert history.open_callbacks == ()
    assert history.unknown_types == ()
    assert all(run.entered_at and run.exited_at and run.entered_at <= run.exited_at for run in history.states)


@pytest.mark.parametrize("name", WAITING_FROM_TO)
def test_a_callback_is_open_from_its_scheduling_to_its_answer(name: str) -> None:
    state, map_index, scheduled, timeout, last = WAITING_FROM_TO[name]
    for length in range(1, last + 2):
        expected = [(state, map_index, scheduled, timeout)] if scheduled <= length <= last else []
        waiting = recorded(name, length).open_callbacks
        assert [(o.state, o.map_index, o.scheduled_event_id, o.timeout_seconds) for o in waiting] == expected


@pytest.mark.parametrize("name", EXPECTED)
def test_no_recorded_token_is_kept(name: str) -> None:
    assert "task_token" not in codec.dumps(recorded(name))


def test_every_file_beside_the_checkout_is_expected_here() -> None:
    present = {path.stem for path in HISTORIES.glob("*.json")}
    if not present:
        pytest.skip("no recorded histories beside this checkout")
    assert present <= EXPECTED.keys()
