"""Which log lines are of which call: by recorded histories, and by streams as Lambda writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from qlikops.domain.errors import NotFound
from qlikops.domain.workflow.events import parse_events
from qlikops.domain.workflow.execution import ExecutionDetail, ExecutionStatus, ExecutionSummary, Source
from qlikops.domain.workflow.following import FollowedExecution
from qlikops.domain.workflow.history import trace
from qlikops.domain.workflow.logs import READS, FoundLines, FunctionCall, LogLine, calls_of, read_logs
from qlikops.domain.workflow.machine import Machine, State
from tests.unit.domain.samples import NOON
from tests.unit.domain.workflow.test_history_recorded import recorded_events

SECOND = timedelta(seconds=1)


def followed(events: Sequence[Mapping[str, Any]], *states: State) -> FollowedExecution:
    parsed = parse_events(events)
    traced = trace(parsed)
    summary = ExecutionSummary("arn", "run-1", ExecutionStatus.RUNNING, NOON)
    return FollowedExecution(ExecutionDetail(summary, traced.history), parsed, traced, Machine(states))


def event(number: int, kind: str, previous: int | None = None, **details: Any) -> dict[str, Any]:
    name = "stateEntered" if "StateEntered" in kind else kind[0].lower() + kind[1:]
    before = number - 1 if previous is None else previous
    at = NOON + number * SECOND
    return {"id": number, "previousEventId": before, "type": kind, "timestamp": at, f"{name}EventDetails": details}


def output(request_id: str) -> str:
    return f'{{"Payload": {{"RequestId": "of somebody else"}}, "SdkResponseMetadata": {{"RequestId": "{request_id}"}}}}'


TRIED_TWICE = [
    event(1, "ExecutionStarted"),
    event(2, "TaskStateEntered", 0, name="Look"),
    event(3, "TaskScheduled"),
    event(4, "TaskStarted"),
    event(
        5, "TaskFailed", cause='{"errorType": "Sandbox.Timedout", "errorMessage": "RequestId: aa-1 Error: timed out"}'
    ),
    event(6, "TaskScheduled"),
    event(7, "TaskSucceeded", output=output("bb-2")),
    event(8, "TaskStateEntered", name="Ask"),
    event(9, "TaskScheduled", resource="invoke.waitForTaskToken"),
    event(10, "TaskSubmitted", output=output("cc-3")),
    event(11, "TaskSucceeded", output=output("dd-4")),
]


def test_every_try_is_a_call_and_an_answer_of_a_person_is_none() -> None:
    run = followed(TRIED_TWICE, State("Look", "Task", function="Looker"), State("Ask", "Task", function="Asker"))
    found = calls_of(run, run.trace.history.states)
    assert [(call.state, call.function, call.request_id) for call in found] == [
        ("Look", "Looker", "aa-1"),
        ("Look", "Looker", "bb-2"),
        ("Ask", "Asker", "cc-3"),
    ]
    assert [(call.begun_at, call.ended_at) for call in found][2] == (NOON + 9 * SECOND, NOON + 10 * SECOND)


def test_a_call_that_goes_on_has_no_end_and_a_state_without_a_function_no_call() -> None:
    run = followed(TRIED_TWICE[:4], State("Look", "Task", function="Looker"))
    (call,) = calls_of(run, run.trace.history.states)
    assert (call.ended_at, call.request_id) == (None, "")
    assert calls_of(replace(run, machine=None), run.trace.history.states) == ()
    assert calls_of(replace(run, machine=Machine((State("Look", "Wait"),))), run.trace.history.states) == ()


def test_of_what_only_the_ledger_knows_the_whole_run_is_searched() -> None:
    run = followed(TRIED_TWICE[:2], State("Map", "Map", inner=(State("Ask", "Task", function="Asker"),)))
    visit = replace(run.trace.history.states[0], name="Ask", source=Source.LEDGER, map_path=(0,))
    (call,) = calls_of(run, [visit, replace(visit, map_path=(1,))])
    assert (call.function, call.begun_at, call.ended_at, call.map_path) == ("Asker", NOON, None, ())


def test_recorded_tries_each_name_their_request() -> None:
    run = followed(
        recorded_events("lambda_service_invoke_with_retry_extended_input"),
        State("InvokeLambdaWithRetry", "Task", function="f"),
    )
    assert [call.request_id for call in calls_of(run, run.trace.history.states)] == [
        f"<uuid:{number}>" for number in (1, 2, 3, 4)
    ]


# Lines


def line(at: float, text: str, stream: str = "one") -> LogLine:
    return LogLine(NOON + at * SECOND, stream, text)


STREAMS = (
    line(0, "START RequestId: aa-1 Version: $LATEST"),
    line(1, "[ERROR] KeyError: 'tasks'\nTraceback (most recent call last):"),
    line(1, "START RequestId: bb-2 Version: $LATEST", "two"),
    line(2, "END RequestId: aa-1"),
    line(2, "[INFO]\t2026\tbb-2\thello", "two"),
    line(3, "REPORT RequestId: aa-1\tDuration: 3 ms"),
    line(4, "between two calls"),
    line(5, "START RequestId: cc-3 Version: $LATEST"),
    line(6, "of the next call"),
)


def reading(lines: Sequence[LogLine], spans: list[tuple[str, datetime, datetime]]) -> Any:
    def read(function: str, begin: datetime, end: datetime) -> FoundLines:
        spans.append((function, begin, end))
        return FoundLines(tuple(lines))

    return read


def call(request_id: str, begun: float = 0, ended: float | None = 4, function: str = "f") -> FunctionCall:
    return FunctionCall(
        "Look", (), function, NOON + begun * SECOND, None if ended is None else NOON + ended * SECOND, request_id
    )


def texts(lines: Sequence[LogLine]) -> list[str]:
    return [each.text.partition(" RequestId")[0].partition("\n")[0] for each in lines]


def test_a_call_has_its_lines_with_the_traceback_that_names_no_request() -> None:
    spans: list[Any] = []
    first, second = read_logs(reading(STREAMS, spans), [call("aa-1"), call("bb-2", 1)], NOON + 60 * SECOND)
    assert texts(first.lines) == ["START", "[ERROR] KeyError: 'tasks'", "END", "REPORT"]
    assert texts(second.lines) == ["START", "[INFO]\t2026\tbb-2\thello"]
    assert spans == [("f", NOON - 2 * SECOND, NOON + 14 * SECOND)]


def test_a_call_has_what_its_sandbox_wrote_before_it_and_what_names_it_after_its_end() -> None:
    lines = (
        line(0, "the end of a call that began before this span"),
        line(0, "INIT_START Runtime Version: python:3.13"),
        line(1, "[ERROR] Runtime.ImportModuleError: Unable to import module 'handler'"),
        line(1, "INIT_START Runtime Version: python:3.13", "two"),
        line(2, "START RequestId: aa-1 Version: $LATEST"),
        line(3, "REPORT RequestId: aa-1\tDuration: 3 ms"),
        line(4, "2026-03-07T12:00:04Z aa-1 Task timed out after 3.00 seconds"),
        line(5, "[ERROR] Runtime.ImportModuleError: once more, for the next call"),
        line(6, "START RequestId: bb-2 Version: $LATEST"),
    )
    first, second = read_logs(reading(lines, []), [call("aa-1"), call("bb-2", 1)], NOON + 60 * SECOND)
    assert first.lines == (lines[1], lines[2], lines[4], lines[5], lines[6])
    assert second.lines == lines[7:]


def test_without_a_request_all_lines_of_its_time_are_shown() -> None:
    (found,) = read_logs(reading(STREAMS, []), [call("", 14, None)], NOON + 20 * SECOND)
    assert found.lines == ()
    (found,) = read_logs(reading(STREAMS, []), [call("", 0, None)], NOON + 20 * SECOND)
    assert found.lines == STREAMS


def test_a_log_in_json_is_searched_for_the_request() -> None:
    lines = (line(0, '{"requestId": "aa-1", "message": "x"}'), line(1, '{"requestId": "bb-2"}'))
    (found,) = read_logs(reading(lines, []), [call("aa-1")], NOON)
    assert found.lines == lines[:1]


def test_what_lies_far_apart_is_read_one_by_one_and_only_the_newest_of_it() -> None:
    spans: list[Any] = []
    calls = [call(f"id-{number}", 1000 * number, 1000 * number + 1) for number in range(READS + 5)]
    found = read_logs(reading((), spans), [*calls, call("g", 0, 1, "g")], NOON)
    assert len(spans) == READS
    assert [each.call.request_id for each in found] == [f"id-{number}" for number in range(5, READS + 5)]


@pytest.mark.parametrize("cut", [True, False])
def test_whether_all_was_read_is_said(cut: bool) -> None:
    (found,) = read_logs(lambda *_: FoundLines((), is_whole=not cut), [call("aa-1")], NOON)
    assert found.is_whole is not cut


def test_a_function_without_a_log_group_keeps_none_of_the_others() -> None:
    def read(function: str, _: datetime, __: datetime) -> FoundLines:
        if function == "gone":
            raise NotFound("There is no log group gone.")
        return FoundLines(STREAMS)

    gone, whole = read_logs(read, [call("x", function="gone"), call("aa-1")], NOON + 60 * SECOND)
    assert (gone.problem, gone.lines, whole.problem) == ("There is no log group gone.", (), "")
    assert len(whole.lines) > 1
    with pytest.raises(NotFound):
        read_logs(read, [call("x", function="gone")], NOON)
