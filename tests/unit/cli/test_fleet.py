"""tasks and report."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from qlikops.cli.exit_codes import ExitCode
from qlikops.domain.approval import Status
from qlikops.domain.fleet import FleetSnapshot, TaskSnapshot
from qlikops.domain.report import ReportedProposal, RunReport
from qlikops.domain.task import ServerFacts, ServerState, StopReason, TaskFacts, TaskKey, TaskState
from tests.fakes import FakeEnvironment
from tests.unit.cli.conftest import Run
from tests.unit.domain.samples import NOON, WAITING

TASKS = [("eu", "orders", TaskState.ERROR), ("eu", "stock", TaskState.RUNNING), ("us", "bills", TaskState.RUNNING)]


@pytest.fixture(autouse=True)
def _fleet(environment: FakeEnvironment) -> None:
    facts = [TaskFacts(TaskKey("default", *names), state, StopReason.NONE) for *names, state in TASKS]
    servers = (ServerFacts("default", "eu", ServerState.MONITORED), ServerFacts("default", "us", ServerState.ERROR))
    environment.fleet.latest = FleetSnapshot(NOON, "run-1", servers, tuple(map(TaskSnapshot, facts)))
    environment.fleet.written = {
        name: RunReport(
            f"arn:{name}",
            name,
            NOON,
            NOON + timedelta(minutes=3),
            servers=2,
            tasks=3,
            tasks_by_state={"RUNNING": 2},
            anomalies=(),
            proposals=(ReportedProposal(WAITING.proposal, Status.RESTARTED),),
            left_alone=(),
        )
        for name in ("run-2", "run-1")
    }


@pytest.mark.parametrize(
    ("args", "names"),
    [
        ((), {"orders", "stock", "bills"}),
        (("--server", "eu"), {"orders", "stock"}),
        (("--state", "running"), {"stock", "bills"}),
        (("--server", "eu", "--state", "RUNNING"), {"stock"}),
        (("--server", "nowhere"), set()),
    ],
)
def test_tasks_are_filtered_by_server_and_state(run: Run, args: tuple[str, ...], names: set[str]) -> None:
    shown = json.loads(run("tasks", *args, "--json").stdout)
    assert {task["facts"]["key"]["task"] for task in shown["tasks"]} == names
    table = run("tasks", *args).stdout
    assert {name for name in ("orders", "stock", "bills") if name in table} == names


def test_a_server_that_is_not_well_is_said(run: Run) -> None:
    assert "us: no reason given" in run("tasks").stderr


def test_before_the_first_run_there_is_no_fleet(run: Run, environment: FakeEnvironment) -> None:
    environment.fleet.latest = None
    assert run("tasks").exit_code == ExitCode.NOT_FOUND


def test_the_newest_report_is_shown_by_default(run: Run) -> None:
    assert "run-2" in run("report").stdout
    assert WAITING.approval_id in run("report", "run-1").stdout
    assert json.loads(run("report", "--json").stdout)["execution_name"] == "run-2"
    assert run("report", "--markdown").stdout == "# Run run-2\n"
    assert run("report", "run-9").exit_code == ExitCode.NOT_FOUND


def test_reports_are_listed_newest_first(run: Run, environment: FakeEnvironment) -> None:
    assert run("report", "--list").stdout == "run-2\nrun-1\n"
    assert json.loads(run("report", "--list", "--json").stdout) == ["run-2", "run-1"]
    environment.fleet.written = {}
    assert run("report", "--list").stdout == ""
    assert run("report", "run-1", "--list").exit_code == ExitCode.USAGE
