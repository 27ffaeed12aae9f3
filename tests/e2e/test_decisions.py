"""The main job on real parts: something breaks, the agent finds it, a human answers, and that is what happens."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from qlikops.cli.exit_codes import ExitCode
from tests.e2e.conftest import Local

pytestmark = pytest.mark.e2e


def test_an_approved_task_runs_again(local: Local) -> None:
    approval_id, arn = local.broken("task-0001")
    assert local.task("task-0001")["state"] == "ERROR"
    receipt = local.qlikops("approve", approval_id, "--option", "resume", "--only", "task-0001", "--checked", "--yes")
    assert local.task("task-0001")["state"] == "RUNNING"
    record = local.final(approval_id, "restarted")
    assert record["decision"]["approved"] is True
    assert record["decision"]["option"] == "resume"
    assert record["decision"]["by"]
    assert record["decision"]["digest"] == record["digest"]
    assert record["decision"]["decision_id"][:8] in receipt.stdout + receipt.stderr
    assert json.loads(local.ended(arn)["output"])["outcomes"] == {"restarted": 1}


def test_a_denied_task_stays_and_the_report_says_why(local: Local) -> None:
    approval_id, arn = local.broken("task-0002")
    local.qlikops("deny", approval_id, "--reason", "the database team is on it", "--yes")
    record = local.final(approval_id, "denied")
    assert record["decision"]["reason"] == "the database team is on it"
    execution = local.ended(arn)
    assert local.task("task-0002")["state"] == "ERROR"
    assert local.task("task-0002")["runs"] == 0
    report = local.qlikops("report", execution["name"]).stdout
    assert "the database team is on it" in report
    assert "denied" in report.lower()


def test_an_unanswered_task_stays_and_expires(local: Local) -> None:
    approval_id, arn = local.broken("task-0003")
    record = local.final(approval_id, "expired")
    assert record.get("decision") is None
    local.ended(arn)
    assert local.task("task-0003")["runs"] == 0
    late = local.qlikops("approve", approval_id, "--yes", expect=None)
    assert late.returncode == ExitCode.EXPIRED, late.stderr
    assert local.task("task-0003")["runs"] == 0


def test_two_at_the_same_moment_one_wins_and_the_task_runs_once(local: Local) -> None:
    approval_id, arn = local.broken("task-0004")
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "qlikops", "approve", approval_id, "--yes"],
            env=local.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    said = {process.communicate(timeout=120)[0]: process.returncode for process in both}
    assert sorted(said.values()) == [ExitCode.OK, ExitCode.ALREADY_DECIDED], said
    record = local.final(approval_id, "restarted")
    (loser,) = (text for text, code in said.items() if code == ExitCode.ALREADY_DECIDED)
    assert record["decision"]["by"].rpartition("/")[2].rpartition(":")[2] in loser
    local.ended(arn)
    assert local.task("task-0004")["runs"] == 1


def test_the_schedule_finds_it_without_us(local: Local) -> None:
    """No run is started here: EventBridge Scheduler does, within a minute."""
    local.break_task("task-0005")
    approval_id = local.waiting("task-0005", seconds=100)
    local.qlikops("approve", approval_id, "--yes")
    assert local.task("task-0005")["state"] == "RUNNING"


def test_the_fleet_is_as_the_last_run_saw_it(local: Local) -> None:
    local.ended(local.start())
    tasks = local.json("tasks")
    listed = tasks["tasks"] if isinstance(tasks, dict) else tasks
    assert len(listed) == 40
