"""tasks, task and report."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from qlikops.cli.exit_codes import ExitCode
from qlikops.domain.fleet.task import ServerFacts, ServerState, StopReason, TaskFacts, TaskKey, TaskState
from qlikops.domain.proposals.approval import HistoryLine, Status
from qlikops.domain.runs.report import ReportedProposal, RunReport
from qlikops.domain.runs.run import RunSummary
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskSnapshot
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
        (("--server", "e"), {"orders", "stock"}),
        (("--filter", "server:eu !state:error"), {"stock"}),
        (("--filter", "kind:"), set()),
    ],
)
def test_tasks_are_filtered_by_server_and_state(run: Run, args: tuple[str, ...], names: set[str]) -> None:
    shown = json.loads(run("tasks", *args, "--json").stdout)
    assert {task["facts"]["key"]["task"] for task in shown["tasks"]} == names
    table = run("tasks", *args).stdout
    assert {name for name in ("orders", "stock", "bills") if name in table} == names


def test_a_server_that_is_none_is_an_error_and_no_empty_fleet(run: Run, environment: FakeEnvironment) -> None:
    missing = run("tasks", "--server", "nowhere", "--json")
    assert (missing.exit_code, missing.stdout) == (ExitCode.NOT_FOUND, "")
    assert "no server nowhere" in missing.stderr
    assert "There are: eu, us." in missing.stderr
    assert environment.fleet.latest is not None
    more = ServerFacts("default", "eu-2", ServerState.MONITORED)
    environment.fleet.latest = replace(environment.fleet.latest, servers=(*environment.fleet.latest.servers, more))
    assert run("tasks", "--server", "eu").exit_code == ExitCode.OK
    several = run("tasks", "--server", "e")
    assert several.exit_code == ExitCode.USAGE
    assert "Did you mean eu or eu-2?" in several.stderr


def test_a_filter_that_makes_no_sense_is_not_used(run: Run) -> None:
    refused = run("tasks", "--filter", "who:me")
    assert refused.exit_code == ExitCode.USAGE
    assert "There is no key who" in refused.stderr


def test_tasks_come_in_the_order_asked_for(run: Run) -> None:
    def names(*args: str) -> list[str]:
        return [each["facts"]["key"]["task"] for each in json.loads(run("tasks", *args, "--json").stdout)["tasks"]]

    assert names("--sort", "name") == ["bills", "orders", "stock"]
    assert names("--sort", "server") == names() == ["orders", "stock", "bills"]


def test_a_task_is_found_by_as_much_of_its_name_as_is_needed(run: Run, environment: FakeEnvironment) -> None:
    line = HistoryLine(NOON, "aaaa", "FATAL_TRANSIENT", "resume", Status.RESTARTED, "arn:aws:iam::1:user/bob")
    environment.approvals.lines = (line,)
    for name in ("orders", "eu/orders", "default/eu/orders"):
        assert "by bob" in run("task", name).stdout
    data = json.loads(run("task", "orders", "--json").stdout)
    assert (data["task"]["facts"]["key"]["server"], data["history"][0]["approval_id"]) == ("eu", "aaaa")
    missing = run("task", "ordering")
    assert missing.exit_code == ExitCode.NOT_FOUND
    assert environment.fleet.latest is not None
    twice = replace(environment.fleet.latest.tasks[0].facts, key=TaskKey("default", "us", "orders"))
    environment.fleet.latest = replace(
        environment.fleet.latest, tasks=(*environment.fleet.latest.tasks, TaskSnapshot(twice))
    )
    assert run("task", "orders").exit_code == ExitCode.USAGE
    assert run("task", "us/orders").exit_code == ExitCode.OK


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


def test_decisions_are_counted_since_a_time_and_are_no_report_of_one_run(run: Run) -> None:
    assert "0 that ended" in run("report", "--decisions", "--since", "7d").stdout
    assert "0 that you decided" in run("report", "--decisions", "--mine").stdout
    assert json.loads(run("report", "--decisions", "--json").stdout)["closed"] == 0
    assert run("report", "run-1", "--decisions").exit_code == ExitCode.USAGE
    for alone in (("--since", "7d"), ("--mine",)):
        result = run("report", *alone)
        assert (result.exit_code, "add --decisions" in result.stderr) == (ExitCode.USAGE, True)


def test_reports_are_listed_newest_first_with_what_they_came_to(run: Run, environment: FakeEnvironment) -> None:
    outcomes = {Status.DENIED.value: 1, Status.RESTARTED.value: 2}
    environment.fleet.runs["run-2"] = RunSummary("arn", "run-2", NOON, anomalies=4, outcomes=outcomes, finished_at=NOON)
    newest, oldest = run("reports").stdout.splitlines()[1:]
    assert newest.split() == ["03-07", "12:00", "4", "2", "restarted,", "1", "denied", "run-2"]
    assert "run-1" in oldest
    assert [entry["execution_name"] for entry in json.loads(run("reports", "--json").stdout)] == ["run-2", "run-1"]
    assert len(json.loads(run("reports", "--limit", "1", "--json").stdout)) == 1
    environment.fleet.written = {}
    assert run("reports").stdout == ""
