"""The fold on small histories of our own; `test_history_recorded.py` has those recorded on AWS."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlikops.domain.workflow.execution import ExecutionStatus, FoldedHistory, StateStatus
from qlikops.domain.workflow.history import fold_history

START = datetime(2026, 5, 4, 3, 0, tzinfo=UTC)
WAIT = "invoke.waitForTaskToken"

Event = dict[str, Any]


def event(number: int, previous: int, kind: str, **details: Any) -> Event:
    """An event in wire shape, one second after the one before it."""
    made: Event = {
        "id": number,
        "previousEventId": previous,
        "type": kind,
        "timestamp": (START + timedelta(seconds=number)).isoformat(),
    }
    if kind.endswith(("StateEntered", "StateExited")):
        made["stateEnteredEventDetails" if kind.endswith("Entered") else "stateExitedEventDetails"] = details
    elif details:
        made[kind[0].lower() + kind[1:] + "EventDetails"] = details
    return made


def waiting_map() -> list[Event]:
    """Two concurrent iterations: the first waits for its token, the second has failed once and waits again."""
    return [
        event(1, 0, "ExecutionStarted", input="{}"),
        event(2, 0, "MapStateEntered", name="ProcessProposals"),
        event(3, 2, "MapStateStarted", length=2),
        event(4, 3, "MapIterationStarted", name="ProcessProposals", index=0),
        event(5, 3, "MapIterationStarted", name="ProcessProposals", index=1),
        event(6, 4, "TaskStateEntered", name="WaitForApproval"),
        event(7, 5, "TaskStateEntered", name="WaitForApproval"),
        event(8, 6, "TaskScheduled", resource=WAIT, timeoutInSeconds=900, parameters='{"TaskToken":"secret-a"}'),
        event(9, 7, "TaskScheduled", resource=WAIT, timeoutInSeconds=900, parameters='{"TaskToken":"secret-b"}'),
        event(10, 9, "TaskFailed", error="Lambda.TooManyRequestsException", cause="slow down"),
        event(11, 8, "TaskStarted", resource=WAIT),
        event(12, 10, "TaskScheduled", resource=WAIT, timeoutInSeconds=900, parameters='{"TaskToken":"secret-c"}'),
        event(13, 11, "TaskSubmitted", resource=WAIT),
    ]


def callbacks(history: FoldedHistory) -> list[tuple[str, int | None, int]]:
    return [(open_.state, open_.map_index, open_.scheduled_event_id) for open_ in history.open_callbacks]


def states(history: FoldedHistory) -> list[tuple[str, tuple[int, ...], str]]:
    return [(run.name, run.map_path, str(run.status)) for run in history.states]


def test_nothing_has_happened_yet() -> None:
    history = fold_history([])
    assert history == FoldedHistory(status=ExecutionStatus.RUNNING, states=(), open_callbacks=())


def test_each_concurrent_iteration_has_its_own_index_and_only_the_newest_attempt_waits() -> None:
    history = fold_history(waiting_map())
    assert callbacks(history) == [("WaitForApproval", 0, 8), ("WaitForApproval", 1, 12)]
    assert [run.attempts for run in history.states] == [1, 1, 2]
    assert history.open_callbacks[0].timeout_seconds == 900
    assert history.states[2].error == ""


def test_no_token_survives_the_fold() -> None:
    assert "secret" not in repr(fold_history(waiting_map()))


def test_a_failed_attempt_waits_for_nobody_before_its_retry() -> None:
    history = fold_history(waiting_map()[:11])
    assert callbacks(history) == [("WaitForApproval", 0, 8)]
    assert history.states[2].status is StateStatus.RUNNING
    assert history.states[2].error == "Lambda.TooManyRequestsException"


def test_an_answer_closes_the_callback_before_the_state_is_left() -> None:
    answered = [*waiting_map(), event(14, 13, "TaskSucceeded", output="{}")]
    assert callbacks(fold_history(answered)) == [("WaitForApproval", 1, 12)]


def test_a_caught_denial_leads_on_in_the_same_iteration() -> None:
    history = fold_history(
        [
            *waiting_map(),
            event(14, 13, "TaskFailed", error="ApprovalDenied", cause='{"reason":"maintenance"}'),
            event(15, 14, "TaskStateExited", name="WaitForApproval"),
            event(16, 15, "PassStateEntered", name="ApprovalDenied"),
        ]
    )
    assert states(history)[1:] == [
        ("WaitForApproval", (0,), "caught"),
        ("WaitForApproval", (1,), "running"),
        ("ApprovalDenied", (0,), "running"),
    ]
    assert history.states[1].error == "ApprovalDenied"
    assert history.states[1].exited_at == START + timedelta(seconds=15)


def test_a_missed_deadline_is_timed_out_until_it_is_caught() -> None:
    timed_out = [*waiting_map(), event(14, 13, "TaskTimedOut", error="States.Timeout")]
    assert callbacks(fold_history(timed_out)) == [("WaitForApproval", 1, 12)]
    ended = fold_history([*timed_out, event(15, 14, "ExecutionFailed", error="States.Timeout")])
    assert states(ended) == [
        ("ProcessProposals", (), "timed_out"),
        ("WaitForApproval", (0,), "timed_out"),
        ("WaitForApproval", (1,), "aborted"),
    ]


def test_a_failing_iteration_aborts_its_siblings_which_point_at_its_failure() -> None:
    history = fold_history(
        [
            *waiting_map(),
            event(14, 13, "TaskFailed", error="Boom"),
            event(15, 14, "MapIterationFailed", name="ProcessProposals", index=0),
            event(16, 14, "TaskStateAborted"),
            event(17, 14, "MapIterationAborted", name="ProcessProposals", index=1),
            event(18, 14, "MapStateFailed"),
            event(19, 18, "MapStateExited", name="ProcessProposals"),
            event(20, 19, "TaskStateEntered", name="GenerateReport"),
        ]
    )
    assert states(history) == [
        ("ProcessProposals", (), "caught"),
        ("WaitForApproval", (0,), "failed"),
        ("WaitForApproval", (1,), "aborted"),
        ("GenerateReport", (), "running"),
    ]
    assert callbacks(history) == []
    assert history.status is ExecutionStatus.RUNNING


def test_aborting_one_iteration_leaves_the_others_waiting() -> None:
    aborted = [*waiting_map(), event(14, 10, "MapIterationAborted", name="ProcessProposals", index=1)]
    assert callbacks(fold_history(aborted)) == [("WaitForApproval", 0, 8)]


def test_a_failed_parallel_closes_the_callback_of_the_other_branch() -> None:
    branches = [
        event(1, 0, "ExecutionStarted"),
        event(2, 0, "ParallelStateEntered", name="Both"),
        event(3, 2, "ParallelStateStarted"),
        event(4, 3, "TaskStateEntered", name="Ask"),
        event(5, 3, "FailStateEntered", name="GiveUp"),
        event(6, 4, "TaskScheduled", resource=WAIT),
    ]
    assert callbacks(fold_history(branches)) == [("Ask", None, 6)]
    failed = fold_history([*branches, event(7, 5, "TaskStateAborted"), event(8, 5, "ParallelStateFailed")])
    assert callbacks(failed) == []
    assert [str(run.status) for run in failed.states] == ["running", "aborted", "failed"]


def nested(depth: int) -> Iterator[Event]:
    yield event(1, 0, "ExecutionStarted")
    for level in range(depth):
        base = 2 + level * 3
        yield event(base, base - 1 if level else 0, "MapStateEntered", name=f"Level{level}")
        yield event(base + 1, base, "MapStateStarted", length=9)
        yield event(base + 2, base + 1, "MapIterationStarted", name=f"Level{level}", index=level + 5)


def test_nested_maps_keep_every_index_outermost_first() -> None:
    history = fold_history([*nested(3), event(11, 10, "PassStateEntered", name="Deep")])
    assert history.states[-1].map_path == (5, 6, 7)
    assert history.states[-1].map_index == 7


def test_a_failure_goes_outward_through_nested_maps_to_the_execution() -> None:
    history = fold_history(
        [
            *nested(2),
            event(8, 7, "TaskStateEntered", name="Work"),
            event(9, 8, "TaskScheduled", resource="invoke"),
            event(10, 9, "TaskFailed", error="Boom", cause="why"),
            event(11, 10, "MapIterationFailed", name="Level1", index=6),
            event(12, 10, "MapStateFailed"),
            event(13, 12, "MapIterationFailed", name="Level0", index=5),
            event(14, 12, "MapStateFailed"),
            event(15, 14, "ExecutionFailed", error="Boom", cause="why"),
        ]
    )
    assert states(history) == [("Level0", (), "failed"), ("Level1", (5,), "failed"), ("Work", (5, 6), "failed")]
    assert history.status is ExecutionStatus.FAILED
    assert (history.error, history.cause) == ("Boom", "why")


def test_a_map_that_is_retried_runs_again() -> None:
    history = fold_history(
        [
            *nested(1),
            event(5, 4, "TaskStateEntered", name="Work"),
            event(6, 5, "TaskScheduled", resource=WAIT),
            event(7, 6, "TaskFailed", error="Boom"),
            event(8, 7, "MapStateFailed"),
            event(9, 8, "MapStateStarted", length=1),
            event(10, 9, "MapIterationStarted", name="Level0", index=0),
            event(11, 10, "TaskStateEntered", name="Work"),
            event(12, 11, "TaskScheduled", resource=WAIT),
        ]
    )
    assert states(history) == [("Level0", (), "running"), ("Work", (5,), "failed"), ("Work", (0,), "running")]
    assert history.states[0].attempts == 2
    assert callbacks(history) == [("Work", 0, 12)]


def test_a_distributed_map_says_why_it_failed_only_in_its_run() -> None:
    history = fold_history(
        [
            event(1, 0, "ExecutionStarted"),
            event(2, 0, "MapStateEntered", name="Many"),
            event(3, 2, "MapStateStarted", length=0),
            event(4, 3, "MapRunStarted", mapRunArn="arn"),
            event(5, 4, "MapRunFailed", error="States.ExceedToleratedFailureThreshold", cause="too many"),
            event(6, 5, "MapStateFailed"),
            event(7, 6, "ExecutionFailed", error="States.ExceedToleratedFailureThreshold"),
        ]
    )
    (run,) = history.states
    assert (run.status, run.error, run.cause) == (
        StateStatus.FAILED,
        "States.ExceedToleratedFailureThreshold",
        "too many",
    )


@pytest.mark.parametrize(
    ("ending", "status", "state"),
    [
        ("ExecutionAborted", ExecutionStatus.ABORTED, StateStatus.ABORTED),
        ("ExecutionTimedOut", ExecutionStatus.TIMED_OUT, StateStatus.TIMED_OUT),
    ],
)
def test_the_end_of_the_execution_ends_everything_open(
    ending: str, status: ExecutionStatus, state: StateStatus
) -> None:
    history = fold_history([*waiting_map(), event(14, 0, ending)])
    assert history.status is status
    assert {run.status for run in history.states} == {state}
    assert history.open_callbacks == ()
    assert history.stopped_at == START + timedelta(seconds=14)


def test_a_redriven_execution_runs_again() -> None:
    failed = [
        event(1, 0, "ExecutionStarted"),
        event(2, 0, "TaskStateEntered", name="Ask"),
        event(3, 2, "TaskScheduled", resource=WAIT),
        event(4, 3, "TaskFailed", error="Boom"),
        event(5, 4, "ExecutionFailed", error="Boom"),
    ]
    redriven = [*failed, event(6, 5, "ExecutionRedriven", redriveCount=1), event(7, 2, "TaskScheduled", resource=WAIT)]
    history = fold_history(redriven)
    assert (history.status, history.stopped_at, history.error) == (ExecutionStatus.RUNNING, None, "")
    assert callbacks(history) == [("Ask", None, 7)]


def test_a_redriven_map_goes_on_with_the_items_that_are_not_done() -> None:
    """AWS enters neither it nor what had begun in it anew: the next attempt follows the entry of its state."""
    work = {"name": "Map"}
    failed = [
        event(1, 0, "ExecutionStarted"),
        event(2, 0, "MapStateEntered", name="Map"),
        event(3, 2, "MapStateStarted", length=3),
        event(4, 3, "MapIterationStarted", **work, index=0),
        event(5, 4, "TaskStateEntered", name="Work"),
        event(6, 5, "TaskScheduled", resource="invoke"),
        event(7, 6, "TaskSucceeded"),
        event(8, 7, "TaskStateExited", name="Work"),
        event(9, 8, "MapIterationSucceeded", **work, index=0),
        event(10, 8, "MapIterationStarted", **work, index=1),
        event(11, 10, "TaskStateEntered", name="Work"),
        event(12, 11, "TaskScheduled", resource="invoke"),
        event(13, 12, "TaskFailed", error="Boom"),
        event(14, 13, "MapIterationFailed", **work, index=1),
        event(15, 13, "MapStateFailed"),
        event(16, 15, "ExecutionFailed", error="Boom"),
    ]
    redriven = [
        *failed,
        event(17, 16, "ExecutionRedriven", redriveCount=1),
        event(18, 11, "TaskScheduled", resource="invoke"),
        event(19, 18, "TaskSucceeded"),
        event(20, 19, "TaskStateExited", name="Work"),
        event(21, 20, "MapIterationSucceeded", **work, index=1),
        event(22, 20, "MapIterationStarted", **work, index=2),
        event(23, 22, "TaskStateEntered", name="Work"),
        event(24, 23, "TaskScheduled", resource=WAIT),
    ]
    ended = [
        *redriven,
        event(25, 24, "TaskSucceeded"),
        event(26, 25, "TaskStateExited", name="Work"),
        event(27, 26, "MapIterationSucceeded", **work, index=2),
        event(28, 27, "MapStateSucceeded"),
        event(29, 27, "MapStateExited", name="Map"),
        event(30, 29, "ExecutionSucceeded"),
    ]

    def states(events: list[Event]) -> list[tuple[str, int | None, StateStatus, int]]:
        return [(each.name, each.map_index, each.status, each.attempts) for each in fold_history(events).states]

    done = StateStatus.SUCCEEDED
    assert states(failed)[0] == ("Map", None, StateStatus.FAILED, 1)
    assert states(redriven) == [
        ("Map", None, StateStatus.RUNNING, 1),
        ("Work", 0, done, 1),
        ("Work", 1, done, 2),
        ("Work", 2, StateStatus.RUNNING, 1),
    ]
    assert callbacks(fold_history(redriven)) == [("Work", 2, 24)]
    assert states(ended) == [("Map", None, done, 1), ("Work", 0, done, 1), ("Work", 1, done, 2), ("Work", 2, done, 1)]


def test_a_redrive_leaves_what_lies_in_a_map_that_was_left() -> None:
    history = fold_history(
        [
            event(1, 0, "ExecutionStarted"),
            event(2, 0, "MapStateEntered", name="Map"),
            event(3, 2, "MapStateStarted", length=1),
            event(4, 3, "MapIterationStarted", name="Map", index=0),
            event(5, 4, "TaskStateEntered", name="Work"),
            event(6, 5, "TaskScheduled", resource="invoke"),
            event(7, 6, "TaskFailed", error="Boom"),
            event(8, 7, "MapIterationFailed", name="Map", index=0),
            event(9, 7, "MapStateFailed"),
            event(10, 9, "MapStateExited", name="Map"),  # caught
            event(11, 10, "TaskStateEntered", name="Report"),
            event(12, 11, "TaskScheduled", resource="invoke"),
            event(13, 12, "TaskFailed", error="Bang"),
            event(14, 13, "ExecutionFailed", error="Bang"),
            event(15, 14, "ExecutionRedriven", redriveCount=1),
        ]
    )
    assert [(each.name, each.status, each.error) for each in history.states] == [
        ("Map", StateStatus.CAUGHT, ""),
        ("Work", StateStatus.FAILED, "Boom"),
        ("Report", StateStatus.RUNNING, ""),
    ]


def test_a_fail_state_and_the_execution_it_ends() -> None:
    history = fold_history(
        [
            event(1, 0, "ExecutionStarted"),
            event(2, 0, "FailStateEntered", name="MonitoringFailed"),
            event(3, 2, "ExecutionFailed", error="MonitoringFailed", cause="nothing is known"),
        ]
    )
    assert history.states[0].status is StateStatus.FAILED
    assert history.states[0].cause == "nothing is known"


def test_order_and_repetition_do_not_matter() -> None:
    events = waiting_map()
    assert fold_history([*reversed(events), *events]) == fold_history(events)


def test_types_of_the_future_are_kept_and_passed_over() -> None:
    history = fold_history(
        [
            *waiting_map(),
            event(14, 12, "TaskReconsidered", why="new in 2031"),
            event(15, 14, "TaskSucceeded", output="{}"),
        ]
    )
    assert history.unknown_types == ("TaskReconsidered",)
    assert history.event_count == 15
    assert callbacks(history) == [("WaitForApproval", 0, 8)]


def test_a_history_without_its_head_keeps_what_it_can_tell() -> None:
    history = fold_history(waiting_map()[5:])
    assert callbacks(history) == [("WaitForApproval", None, 8), ("WaitForApproval", None, 12)]
    only_the_callback = fold_history(waiting_map()[7:8])
    assert callbacks(only_the_callback) == [("", None, 8)]


def test_a_state_whose_entry_is_missing_has_left_all_the_same() -> None:
    (run,) = fold_history([event(40, 39, "TaskStateExited", name="MonitorTasks")]).states
    assert (run.name, run.status, run.entered_at) == ("MonitorTasks", StateStatus.SUCCEEDED, None)


def test_a_history_without_links_is_one_branch() -> None:
    kinds = [
        ("ExecutionStarted", {}),
        ("TaskStateEntered", {"name": "MonitorTasks"}),
        ("TaskScheduled", {"resource": "arn:aws:states:::lambda:invoke"}),
        ("TaskSucceeded", {}),
        ("TaskStateExited", {"name": "MonitorTasks"}),
        ("TaskStateEntered", {"name": "WaitForApproval"}),
        ("TaskScheduled", {"resource": "arn:aws:states:::lambda:invoke.waitForTaskToken"}),
    ]
    unlinked = [event(number, 0, kind, **details) for number, (kind, details) in enumerate(kinds, start=1)]
    for one in unlinked:
        del one["previousEventId"]
    history = fold_history(unlinked)
    assert states(history) == [("MonitorTasks", (), "succeeded"), ("WaitForApproval", (), "running")]
    assert callbacks(history) == [("WaitForApproval", None, 7)]


def test_tasks_inside_a_map_without_their_states_are_not_the_maps_own() -> None:
    kinds = [
        ("MapStateEntered", {"name": "ProcessProposals"}),
        ("TaskScheduled", {"resource": WAIT}),
        ("TaskScheduled", {"resource": "invoke"}),
        ("TaskFailed", {"error": "Boom"}),
        ("MapStateExited", {"name": "ProcessProposals"}),
    ]
    unlinked = [event(number, 0, kind, **details) for number, (kind, details) in enumerate(kinds, start=1)]
    assert callbacks(fold_history(unlinked[:3])) == []
    (run,) = fold_history(unlinked).states
    assert (run.status, run.attempts) == (StateStatus.SUCCEEDED, 1)
    # Not whose it was, but that it failed and why, is known all the same.
    errors = [fold_history(unlinked[:number]).unplaced_errors for number in (1, 3, 5)]
    assert errors == [None, (), ("Boom",)]


def test_times_are_read_from_boto3_and_from_both_versions_of_the_cli() -> None:
    for timestamp in (START, START.isoformat(), START.timestamp()):
        assert fold_history([{"type": "ExecutionStarted", "id": 1, "timestamp": timestamp}]).started_at == START


def test_what_steers_a_terminal_is_removed_from_causes() -> None:
    failed = [event(1, 0, "ExecutionStarted"), event(2, 1, "ExecutionFailed", error="E\x1b[2J", cause="a\x1b]0;x\x07b")]
    history = fold_history(failed)
    assert (history.error, history.cause) == ("E", "ab")


def test_every_event_type_of_the_service_model_is_known() -> None:
    model = botocore.session.get_session().get_service_model("stepfunctions")
    types: list[str] = model.shape_for("HistoryEventType").enum  # type: ignore[attr-defined]
    assert fold_history([{"type": kind, "id": number} for number, kind in enumerate(types, 1)]).unknown_types == ()


scalars = st.none() | st.integers() | st.text(max_size=8) | st.floats()
junk_events = st.dictionaries(
    st.sampled_from(
        ["id", "previousEventId", "timestamp", "type", "taskFailedEventDetails", "stateEnteredEventDetails"]
    ),
    scalars | st.dictionaries(st.sampled_from(["name", "index", "error", "cause", "resource"]), scalars),
)


@given(st.lists(junk_events, max_size=12))
def test_no_list_of_objects_makes_it_raise(events: list[Event]) -> None:
    fold_history(events)


@given(st.permutations(waiting_map()), st.integers(0, 13))
def test_no_part_of_a_history_makes_it_raise(events: list[Event], kept: int) -> None:
    assert fold_history(events[:kept]).event_count == kept


def retried_map(again_after: str) -> list[Event]:
    """A Map whose first attempt failed in its second item while the first one waited, and that is tried again."""
    return [
        event(1, 0, "ExecutionStarted"),
        event(2, 0, "MapStateEntered", name="Items"),
        event(3, 2, "MapStateStarted", length=2),
        event(4, 3, "MapIterationStarted", name="Items", index=0),
        event(5, 3, "MapIterationStarted", name="Items", index=1),
        event(6, 4, "TaskStateEntered", name="Wait"),
        event(7, 6, "TaskScheduled", resource=WAIT),
        event(8, 5, "TaskStateEntered", name="Work"),
        event(9, 8, "TaskScheduled", resource="invoke"),
        event(10, 9, "TaskFailed", error="Broken", cause="by chance"),
        event(11, 10, "MapIterationFailed", name="Items", index=1),
        *([event(12, 11, "MapIterationAborted", name="Items", index=0)] if again_after == "aborted" else []),
        event(13, 12 if again_after == "aborted" else 11, "MapStateStarted", length=2),
        event(14, 13, "MapIterationStarted", name="Items", index=0),
        event(15, 13, "MapIterationStarted", name="Items", index=1),
        event(16, 14, "TaskStateEntered", name="Wait"),
        event(17, 16, "TaskScheduled", resource=WAIT),
    ]


@pytest.mark.parametrize("again_after", ["failed", "aborted"])
def test_every_attempt_of_a_map_belongs_to_the_state_that_was_entered(again_after: str) -> None:
    history = fold_history(retried_map(again_after))

    assert [(run.name, run.status, run.attempts, run.map_path) for run in history.states] == [
        ("Items", StateStatus.RUNNING, 2, ()),
        ("Wait", StateStatus.ABORTED, 1, (0,)),
        ("Work", StateStatus.FAILED, 1, (1,)),
        ("Wait", StateStatus.RUNNING, 1, (0,)),
    ]
    assert [callback.scheduled_event_id for callback in history.open_callbacks] == [17]


def test_every_attempt_of_a_parallel_belongs_to_the_state_that_was_entered() -> None:
    history = fold_history(
        [
            event(1, 0, "ParallelStateEntered", name="Both"),
            event(2, 1, "ParallelStateStarted"),
            event(3, 2, "TaskStateEntered", name="Left"),
            event(4, 2, "TaskStateEntered", name="Right"),
            event(5, 4, "TaskScheduled", resource="invoke"),
            event(6, 5, "TaskFailed", error="Broken"),
            event(7, 6, "ParallelStateStarted"),
            event(8, 7, "TaskStateEntered", name="Left"),
            event(9, 7, "TaskStateEntered", name="Right"),
        ]
    )

    assert [(run.name, run.status, run.attempts) for run in history.states] == [
        ("Both", StateStatus.RUNNING, 2),
        ("Left", StateStatus.ABORTED, 1),
        ("Right", StateStatus.FAILED, 1),
        ("Left", StateStatus.RUNNING, 1),
        ("Right", StateStatus.RUNNING, 1),
    ]


@pytest.mark.parametrize(
    ("outer", "inner"), [("Map", "Map"), ("Map", "Parallel"), ("Parallel", "Map"), ("Parallel",) * 2]
)
@pytest.mark.parametrize("who", ["inner", "outer"])
def test_of_a_map_or_parallel_in_another_the_one_is_tried_again_that_has_not_failed(
    outer: str, inner: str, who: str
) -> None:
    number = 0
    events: list[Event] = []

    def then(kind: str, previous: int | None = None, **details: Any) -> int:
        nonlocal number
        events.append(event(number + 1, number if previous is None else previous, kind, **details))
        number += 1
        return number

    def begun(kind: str, name: str) -> None:
        then(f"{kind}StateStarted")
        if kind == "Map":
            then("MapIterationStarted", name=name, index=0)

    then(f"{outer}StateEntered", name="Outer")
    begun(outer, "Outer")
    then(f"{inner}StateEntered", name="Inner")
    begun(inner, "Inner")
    then("TaskStateEntered", name="Work")
    then("TaskScheduled", resource="invoke")
    then("TaskFailed", error="Broken")
    if inner == "Map":
        then("MapIterationFailed", name="Inner", index=0)
    if who == "outer":
        then(f"{inner}StateFailed")
        if outer == "Map":
            then("MapIterationFailed", name="Outer", index=0)
    begun(outer if who == "outer" else inner, who.title())
    then("TaskStateEntered", name="Again")

    history = fold_history(events)

    runs = {run.name: run for run in history.states}
    assert "" not in runs
    assert (runs["Outer"].attempts, runs["Inner"].attempts) == ((2, 1) if who == "outer" else (1, 2))
    assert runs["Outer"].status is StateStatus.RUNNING
    assert runs["Inner"].status is (StateStatus.FAILED if who == "outer" else StateStatus.RUNNING)
    assert runs["Again"].status is StateStatus.RUNNING


def test_a_state_that_was_aborted_by_itself_has_ended() -> None:
    history = fold_history(
        [
            event(1, 0, "ExecutionStarted"),
            event(2, 1, "WaitStateEntered", name="Pause"),
            event(3, 2, "WaitStateAborted"),
        ]
    )
    assert states(history) == [("Pause", (), "aborted")]


def test_the_end_of_an_item_whose_map_is_not_in_the_history_ends_nothing_else() -> None:
    history = fold_history(
        [event(7, 0, "TaskStateEntered", name="Work"), event(8, 7, "MapIterationAborted", name="Gone")]
    )
    assert states(history) == [("Work", (), "running")]


def test_what_the_future_does_to_an_execution_does_not_end_it() -> None:
    history = fold_history([event(1, 0, "ExecutionStarted"), event(2, 1, "ExecutionSuspended")])
    assert (history.status, history.unknown_types) == (ExecutionStatus.RUNNING, ("ExecutionSuspended",))
