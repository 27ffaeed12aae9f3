"""executions, show, run, stop."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from qlikops.cli.exit_codes import ExitCode
from qlikops.domain.errors import UsageError
from qlikops.domain.proposals.approval import Status
from qlikops.domain.workflow.execution import (
    ExecutionDetail,
    ExecutionStatus,
    ExecutionSummary,
    FoldedHistory,
    RunProposal,
    RunSummary,
    StateStatus,
    StateVisit,
)
from tests.fakes import Clock, FakeEnvironment
from tests.unit.cli.conftest import Run
from tests.unit.domain.samples import NOON, WAITING

ARN = "arn:aws:states:eu-west-1:111111111111:execution:QlikMonitoringAgent:"


def summary(name: str, status: ExecutionStatus = ExecutionStatus.SUCCEEDED) -> ExecutionSummary:
    outcomes = {Status.RESTARTED.value: 1}
    run = RunSummary(ARN + name, name, NOON, servers=3, tasks=38, anomalies=2, proposals=1, outcomes=outcomes)
    return ExecutionSummary(ARN + name, name, status, NOON, NOON + timedelta(seconds=42), run)


def detail(status: ExecutionStatus, proposal: Status | None = None) -> ExecutionDetail:
    row = RunProposal(WAITING.approval_id, "s/t", "FATAL_TRANSIENT", "resume", proposal or Status.WAITING, NOON)
    states = (StateVisit("MonitorTasks", StateStatus.SUCCEEDED, NOON, NOON + timedelta(seconds=2)),)
    history = FoldedHistory(status, states, ())
    return ExecutionDetail(summary("run-1", status), history, (row,) if proposal else (), error="Boom", cause="why\nso")


@pytest.fixture
def history_file(tmp_path: Path) -> Path:
    events = [
        {"id": 1, "previousEventId": 0, "type": "ExecutionStarted", "timestamp": "2026-03-07T12:00:00Z"},
        {
            "id": 2,
            "previousEventId": 0,
            "type": "TaskStateEntered",
            "timestamp": "2026-03-07T12:00:01Z",
            "stateEnteredEventDetails": {"name": "Ask"},
        },
        {
            "id": 3,
            "previousEventId": 2,
            "type": "TaskScheduled",
            "timestamp": "2026-03-07T12:00:02Z",
            "taskScheduledEventDetails": {
                "resource": "invoke.waitForTaskToken",
                "timeoutInSeconds": 60,
                "parameters": '{"TaskToken":"secret"}',
            },
        },
    ]
    path = tmp_path / "history.json"
    path.write_text(json.dumps({"events": events}))
    return path


def test_executions_are_listed_with_what_they_found(run: Run, environment: FakeEnvironment) -> None:
    environment.executions.summaries = [summary(f"run-{number}") for number in range(5)]
    shown = run("executions", "--limit", "3").stdout
    assert [f"run-{number}" in shown for number in range(5)] == [True, True, True, False, False]
    assert "succeeded" in shown
    listed = json.loads(run("executions", "--json").stdout)
    assert [entry["name"] for entry in listed] == [f"run-{number}" for number in range(5)]
    assert listed[0]["run"]["outcomes"] == {"restarted": 1}


def test_executions_of_one_status(run: Run, environment: FakeEnvironment) -> None:
    environment.executions.summaries = [summary("good"), summary("bad", ExecutionStatus.FAILED)]
    assert [e["name"] for e in json.loads(run("executions", "--status", "failed", "--json").stdout)] == ["bad"]
    assert run("executions", "--status", "sleeping").exit_code == ExitCode.USAGE


def test_showing_an_execution(run: Run, environment: FakeEnvironment) -> None:
    environment.executions.details = [detail(ExecutionStatus.FAILED, Status.RESTARTED)]
    shown = run("show", "run-1")
    assert all(word in shown.stdout for word in ("run-1", "Boom", "MonitorTasks", "RESTARTED"))
    assert f"https://console.test/{ARN}run-1" in shown.stderr
    assert json.loads(run("show", "run-1", "--json").stdout)["summary"]["arn"] == f"{ARN}run-1"


def test_showing_an_approval_by_its_id(run: Run) -> None:
    assert WAITING.proposal.title in run("show", WAITING.approval_id).stdout
    assert json.loads(run("show", WAITING.approval_id, "--json").stdout)["digest"] == WAITING.digest


def test_several_are_shown_one_by_one(run: Run, environment: FakeEnvironment) -> None:
    environment.executions.details = [detail(ExecutionStatus.FAILED, Status.RESTARTED)]
    shown = run("show", "run-1", WAITING.approval_id)
    assert shown.stdout.index("MonitorTasks") < shown.stdout.index(WAITING.proposal.title)
    execution, approval = json.loads(run("show", "run-1", WAITING.approval_id, "--json").stdout)
    assert (execution["summary"]["name"], approval["digest"]) == ("run-1", WAITING.digest)
    # One that there is not is said before anything is printed of the others.
    missing = run("show", WAITING.approval_id, "nothing")
    assert (missing.exit_code, missing.stdout) == (ExitCode.NOT_FOUND, "")


def test_an_execution_whose_name_looks_like_an_id(run: Run, environment: FakeEnvironment) -> None:
    hexadecimal = replace(detail(ExecutionStatus.SUCCEEDED), summary=summary("feed"))
    environment.executions.details = [hexadecimal]
    assert json.loads(run("show", "feed", "--json").stdout)["summary"]["name"] == "feed"


@pytest.mark.parametrize(
    ("args", "code"),
    [((), ExitCode.USAGE), (("x", "--history", "f"), ExitCode.USAGE), (("nothing",), ExitCode.NOT_FOUND)],
)
def test_showing_nothing_that_is_there(run: Run, args: tuple[str, ...], code: ExitCode) -> None:
    assert run("show", *args).exit_code == code


def test_a_saved_history_needs_no_environment(run: Run, history_file: Path) -> None:
    result = run("show", "--history", str(history_file), "--json")
    assert result.stderr == ""
    shown = json.loads(result.stdout)
    assert shown["status"] == "RUNNING"
    assert shown["states"] == [
        {
            "name": "Ask",
            "status": "running",
            "entered_at": "2026-03-07T12:00:01.000Z",
            "exited_at": None,
            "map_index": None,
            "map_path": [],
            "state_type": "Task",
            "attempts": 1,
            "error": "",
            "cause": "",
            "entered_event_id": 2,
            "exited_event_id": None,
            "source": "history",
        }
    ]
    (open_callback,) = shown["open_callbacks"]
    assert {key: open_callback[key] for key in ("state", "map_index", "scheduled_event_id", "timeout_seconds")} == {
        "state": "Ask",
        "map_index": None,
        "scheduled_event_id": 3,
        "timeout_seconds": 60,
    }
    assert "secret" not in result.stdout


def test_a_saved_history_for_people_and_from_stdin(run: Run, history_file: Path) -> None:
    shown = run("show", "--history", "-", input=history_file.read_text()).stdout
    assert "running" in shown
    assert "Ask" in shown
    assert "1m00s at most" in shown


def test_an_empty_history_shows_that_nothing_happened(run: Run) -> None:
    result = run("show", "--history", "-", "--json", input='{"events": []}')
    assert json.loads(result.stdout)["states"] == []
    assert run("show", "--history", "-", input="[]").exit_code == ExitCode.OK


@pytest.mark.parametrize("text", ["", "nonsense", '{"a": 1}', "\x00\x01"])
def test_a_file_that_is_no_history_is_a_usage_error(run: Run, tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    assert run("show", "--history", str(path)).exit_code == ExitCode.USAGE
    assert run("show", "--history", str(tmp_path / "missing")).exit_code == ExitCode.USAGE


def test_starting_a_run_names_it(run: Run, environment: FakeEnvironment) -> None:
    environment.executions.summaries = [summary("run-1", ExecutionStatus.RUNNING)]
    assert json.loads(run("run", "--json").stdout)["name"] == "run-1"
    assert "run-1" in run("run").stdout


@pytest.mark.parametrize(
    ("last", "code"),
    [
        (detail(ExecutionStatus.SUCCEEDED), ExitCode.OK),
        (detail(ExecutionStatus.RUNNING, Status.WAITING), ExitCode.OK),
        (detail(ExecutionStatus.FAILED), ExitCode.FAILURE),
        (detail(ExecutionStatus.RUNNING, Status.RESTARTING), ExitCode.UNKNOWN),
    ],
)
def test_waiting_for_a_run_ends_with_it_or_with_a_human_or_with_time(
    run: Run, environment: FakeEnvironment, clock: Clock, last: ExecutionDetail, code: ExitCode
) -> None:
    environment.executions.summaries = [summary("run-1", ExecutionStatus.RUNNING)]
    environment.executions.details = [detail(ExecutionStatus.RUNNING), detail(ExecutionStatus.RUNNING), last]
    assert run("run", "--wait", "--timeout", "1m").exit_code == code
    assert clock.seconds == (60 if code is ExitCode.UNKNOWN else 4)


def test_stopping_needs_a_reason_and_hands_it_on(run: Run, environment: FakeEnvironment) -> None:
    environment.executions.details = [detail(ExecutionStatus.RUNNING)]
    assert run("stop", "run-1").exit_code == ExitCode.USAGE
    assert json.loads(run("stop", "run-1", "--reason", "maintenance", "--json").stdout)["status"] == "ABORTED"
    assert environment.executions.stopped == [("run-1", "maintenance")]


def test_of_several_executions_one_that_is_refused_keeps_none_of_the_others(
    run: Run, environment: FakeEnvironment
) -> None:
    environment.executions.details = [detail(ExecutionStatus.FAILED)]
    for command in (("stop", "--reason", "maintenance"), ("redrive",)):
        one_missing = run(*command, "nothing", "run-1", "run-1", "--json")
        assert one_missing.exit_code == ExitCode.NOT_FOUND
        assert len(json.loads(one_missing.stdout)) == 1
        assert "nothing: " in one_missing.stderr
    assert environment.executions.stopped == [("nothing", "maintenance"), ("run-1", "maintenance")]


def test_all_executions_are_all_pages_of_them(run: Run, environment: FakeEnvironment) -> None:
    environment.executions.summaries = [summary(f"run-{number}") for number in range(45)]
    assert len(json.loads(run("executions", "--json").stdout)) == 20
    assert len(json.loads(run("executions", "--all", "--json").stdout)) == 45


def test_redriving_says_what_runs_again(run: Run, environment: FakeEnvironment) -> None:
    environment.executions.details = [detail(ExecutionStatus.FAILED)]
    assert json.loads(run("redrive", "run-1", "--json").stdout)["status"] == "RUNNING"
    assert "running" in run("redrive", "run-1").stdout
    assert run("redrive", "nothing").exit_code == ExitCode.NOT_FOUND


def test_a_redrive_that_is_refused_says_why(run: Run, environment: FakeEnvironment) -> None:
    environment.executions.redrive_error = UsageError("run-1 is not redriven: proposals of it are still open.")
    refused = run("redrive", "run-1")
    assert (refused.exit_code, refused.stdout) == (ExitCode.USAGE, "")
    assert "still open" in refused.stderr
