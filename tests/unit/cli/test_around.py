"""show --logs and show --diff."""

from __future__ import annotations

import json

import pytest

from qlikops.cli.exit_codes import ExitCode
from qlikops.domain.workflow.events import parse_events
from qlikops.domain.workflow.execution import ExecutionDetail, ExecutionStatus, FoldedHistory
from qlikops.resources import resource
from tests.fakes import FakeEnvironment
from tests.unit.cli.conftest import Run
from tests.unit.cli.test_executions import ARN, summary
from tests.unit.domain.samples import NOON

FUNCTION = "QlikMonitor-MonitorTasks"


@pytest.fixture
def environment(environment: FakeEnvironment) -> FakeEnvironment:
    """One run that failed after one that succeeded; of each, MonitorTasks called its function once."""
    runs = environment.executions
    runs.written = resource("statemachine", "state_machine.json").read_text()
    for name, status, hour in (("run-2", ExecutionStatus.FAILED, 13), ("run-1", ExecutionStatus.SUCCEEDED, 12)):
        at = NOON.replace(hour=hour)
        made = summary(name, status)
        made = type(made)(made.arn, name, status, at, at, made.run)
        runs.summaries.append(made)
        runs.details.append(ExecutionDetail(made, FoldedHistory(status, (), ())))
        output = f'{{"Payload": {{}}, "SdkResponseMetadata": {{"RequestId": "id-{name}"}}}}'
        runs.histories[ARN + name] = parse_events(
            [
                {
                    "id": 1,
                    "type": "TaskStateEntered",
                    "timestamp": at,
                    "stateEnteredEventDetails": {"name": "MonitorTasks"},
                },
                {"id": 2, "previousEventId": 1, "type": "TaskScheduled", "timestamp": at},
                {
                    "id": 3,
                    "previousEventId": 2,
                    "type": "TaskSucceeded",
                    "timestamp": at,
                    "taskSucceededEventDetails": {"output": output},
                },
                {
                    "id": 4,
                    "previousEventId": 3,
                    "type": "TaskStateExited",
                    "timestamp": at,
                    "stateExitedEventDetails": {
                        "name": "MonitorTasks",
                        "output": json.dumps({"tasks": len(name + status)}),
                    },
                },
            ]
        )
    runs.logged[FUNCTION] = [
        "START RequestId: id-run-2",
        "boom",
        "REPORT RequestId: id-run-2",
        "START RequestId: x",
        "not",
    ]
    return environment


def test_log_lines_of_a_run_are_those_of_its_calls(run: Run, environment: FakeEnvironment) -> None:
    del environment
    done = run("show", "run-2", "--logs", "--state", "MonitorTasks")
    assert done.exit_code == ExitCode.OK
    assert f"MonitorTasks: /aws/lambda/{FUNCTION}" in done.stdout
    assert "boom" in done.stdout
    assert "not" not in done.stdout.split()
    (log,) = json.loads(run("show", "run-2", "--logs", "--json").stdout)
    assert (log["call"]["request_id"], [line["text"] for line in log["lines"]][1]) == ("id-run-2", "boom")


def test_a_state_that_the_definition_lacks_is_named(run: Run, environment: FakeEnvironment) -> None:
    del environment
    done = run("show", "run-2", "--logs", "--state", "MonitorTask")
    assert done.exit_code == ExitCode.NOT_FOUND
    assert "no state MonitorTask" in done.stderr
    assert "MonitorTasks" in done.stderr
    assert run("show", "run-2", "--logs", "--state", "CheckRestart").stdout.startswith("It was not reached")


def test_without_a_history_it_says_so(run: Run, environment: FakeEnvironment) -> None:
    environment.executions.histories[ARN + "run-2"] = None
    for what in ("--logs", "--diff"):
        done = run("show", "run-2", what)
        assert (done.exit_code, "90 days" in done.stderr) == (ExitCode.NOT_FOUND, True)


def test_the_difference_is_that_to_the_last_good_run(run: Run, environment: FakeEnvironment) -> None:
    done = run("show", "run-2", "--diff")
    assert done.exit_code == ExitCode.OK
    assert done.stdout.startswith("Against run-1, the last run before it that succeeded; it began 1h00m earlier.")
    assert "MonitorTasks output tasks" in done.stdout
    compared = json.loads(run("show", "run-2", "--diff", "--json").stdout)
    assert (compared["then"]["name"], compared["definition"]) == ("run-1", "the same")
    environment.executions.summaries.pop()
    missing = run("show", "run-2", "--diff")
    assert (missing.exit_code, missing.stderr.count("There is no run to compare run-2 with")) == (ExitCode.NOT_FOUND, 1)


@pytest.mark.parametrize(
    "args",
    [
        ("run-2", "--logs", "--diff"),
        ("run-1", "run-2", "--logs"),
        ("--diff",),
        ("run-2", "--state", "X"),
        ("run-2", "--diff", "--state", "X"),
    ],
)
def test_it_is_one_thing_about_one_execution(run: Run, environment: FakeEnvironment, args: tuple[str, ...]) -> None:
    del environment
    done = run("show", *args)
    assert done.exit_code == ExitCode.USAGE
    assert "each about one execution" in done.stderr


@pytest.mark.parametrize("args", [("run-2",), ("--logs",), ("--diff",), ("--state", "X")])
def test_a_saved_history_is_shown_alone(run: Run, args: tuple[str, ...]) -> None:
    done = run("show", "--history", "/no/such/file", *args)
    assert (done.exit_code, "--history is a file alone" in done.stderr) == (ExitCode.USAGE, True)
