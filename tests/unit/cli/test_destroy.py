"""destroy: what goes, what stays, and what an interruption leaves for the next time."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qlikops.cli.exit_codes import ExitCode
from tests.embedded import REGION, EmbeddedAws
from tests.unit.cli.conftest import LOCAL, Run, Terminal

ARTIFACTS = "qlikops-artifacts-000000000000-eu-west-1"


@pytest.fixture
def deployed(run: Run, aws: EmbeddedAws) -> dict[str, str]:
    """A stack, protected as on AWS, with a schedule and a report."""
    assert run("deploy", *LOCAL, "--yes").exit_code == ExitCode.OK
    assert run("schedule", *LOCAL, "--rate", "5m").exit_code == ExitCode.OK
    (stack,) = aws.client("cloudformation").describe_stacks(StackName="qlikops")["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    for body in (b"1", b"2"):
        aws.client("s3").put_object(Bucket=outputs["DataBucketName"], Key="reports/latest.json", Body=body)
    aws.client("dynamodb").put_item(
        TableName=outputs["TableName"],
        Item={"pk": {"S": "APPROVAL#1"}, "sk": {"S": "RECORD"}, "inbox": {"S": "WAITING"}, "deadline": {"N": "1"}},
    )
    return outputs


def test_the_plan_says_what_goes_and_what_stays(run: Run, deployed: dict[str, str]) -> None:
    plan = run("destroy", *LOCAL, "--plan", "--json")
    said = json.loads(plan.stdout)
    assert said["goes"][0] == "the schedule"
    assert said["stays"] == [
        f"the ledger {deployed['TableName']}",
        f"snapshots and reports in {deployed['DataBucketName']}",
        f"bundles and definitions in {ARTIFACTS}",
    ]
    assert any(f"delete-table --region {REGION} --table-name {deployed['TableName']}" in it for it in said["commands"])
    assert said["waiting"] == 1
    assert json.loads(run("destroy", *LOCAL, "--plan", "--delete-data", "--json").stdout)["stays"] == []


def test_ledger_and_reports_stay_and_the_rest_goes(run: Run, aws: EmbeddedAws, deployed: dict[str, str]) -> None:
    done = run("destroy", *LOCAL, "--yes")
    assert done.exit_code == ExitCode.OK, done.stderr
    assert "approvals wait" in done.stderr
    assert aws.client("scheduler").list_schedules()["Schedules"] == []
    assert aws.client("stepfunctions").list_state_machines()["stateMachines"] == []
    assert aws.client("lambda").list_functions()["Functions"] == []
    assert aws.client("dynamodb").list_tables()["TableNames"] == [deployed["TableName"]]
    buckets = {bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]}
    assert deployed["DataBucketName"] in buckets
    # It is read over TLS only, as before.
    policy = json.loads(aws.client("s3").get_bucket_policy(Bucket=deployed["DataBucketName"])["Policy"])
    assert [each["Sid"] for each in policy["Statement"]] == ["TlsOnly"]
    assert re.search(r"^Removed, in \d+s\.$", done.stderr, re.MULTILINE)
    for kept in (deployed["TableName"], deployed["DataBucketName"], ARTIFACTS):
        assert re.search(f"^Stays: .* {kept}$", done.stderr, re.MULTILINE)

    # The stack is gone, and what it left is found by its tag.
    again = run("destroy", *LOCAL, "--yes")
    assert "goes: nothing" in again.stdout
    assert f"stays: the ledger {deployed['TableName']}" in again.stdout


def removed_by_qlikops(run: Run, _: EmbeddedAws, told: str) -> None:
    command = shlex.split(told.partition("`")[2].partition("`")[0])
    removed = run(*command[1:], "--yes")
    assert removed.exit_code == ExitCode.OK, removed.stderr


def removed_by_hand(_: Run, aws: EmbeddedAws, told: str) -> None:
    commands = [line for line in told.splitlines() if line.startswith(("  aws ", "  until "))]
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "NO_PROXY": "127.0.0.1",
    }
    done = subprocess.run(
        ["sh", "-e", "-c", "\n".join(commands)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("remove", [removed_by_qlikops, removed_by_hand])
def test_the_commands_that_are_told_remove_what_stays(
    run: Run, aws: EmbeddedAws, remove: Callable[[Run, EmbeddedAws, str], None]
) -> None:
    done = run("destroy", *LOCAL, "--yes")
    remove(run, aws, done.stderr)
    assert aws.client("dynamodb").list_tables()["TableNames"] == []
    assert aws.client("s3").list_buckets()["Buckets"] == []
    assert "stays: nothing" in run("destroy", *LOCAL, "--plan").stdout


def _has_entered_a_state(states: Any, arn: str) -> bool:
    events = states.get_execution_history(executionArn=arn)["events"]
    return any(event["type"] == "WaitStateEntered" for event in events)


def test_what_runs_is_stopped_before_the_stack_goes(run: Run, aws: EmbeddedAws) -> None:
    assert run("deploy", *LOCAL, "--yes").exit_code == ExitCode.OK
    states = aws.client("stepfunctions")
    (machine,) = (each["stateMachineArn"] for each in states.list_state_machines()["stateMachines"])
    waits = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": True}}}
    states.update_state_machine(stateMachineArn=machine, definition=json.dumps(waits))
    arns = [states.start_execution(stateMachineArn=machine, input="{}")["executionArn"] for _ in range(3)]
    # The embedded AWS fails an execution whose state machine goes before its first state is entered, stopped or not.
    end = time.monotonic() + 20
    while not all(_has_entered_a_state(states, arn) for arn in arns):
        assert time.monotonic() < end

    assert "goes: 3 executions, which are stopped" in run("destroy", *LOCAL, "--plan").stdout
    done = run("destroy", *LOCAL, "--yes")
    assert done.exit_code == ExitCode.OK, done.stderr
    assert done.stderr.index("Stopped 3 executions in ") < done.stderr.index("DELETE_COMPLETE")
    assert {states.describe_execution(executionArn=arn)["status"] for arn in arns} == {"ABORTED"}


def test_data_goes_where_that_was_asked_for(run: Run, aws: EmbeddedAws, deployed: dict[str, str]) -> None:
    done = run("destroy", *LOCAL, "--yes", "--delete-data")
    assert done.exit_code == ExitCode.OK, done.stderr
    assert deployed["TableName"] in done.stdout
    assert aws.client("dynamodb").list_tables()["TableNames"] == []
    assert aws.client("s3").list_buckets()["Buckets"] == []


def test_what_an_interruption_left_is_taken_up(run: Run, aws: EmbeddedAws, deployed: dict[str, str]) -> None:
    run("schedule", *LOCAL, "--remove")
    aws.client("dynamodb").update_table(TableName=deployed["TableName"], DeletionProtectionEnabled=False)
    aws.client("dynamodb").delete_table(TableName=deployed["TableName"])
    done = run("destroy", *LOCAL, "--yes", "--delete-data")
    assert done.exit_code == ExitCode.OK, done.stderr
    assert aws.client("s3").list_buckets()["Buckets"] == []
    assert aws.client("stepfunctions").list_state_machines()["stateMachines"] == []


@pytest.mark.usefixtures("deployed")
def test_the_stacks_name_is_typed(run: Run, aws: EmbeddedAws, terminal: Terminal) -> None:
    assert run("destroy", *LOCAL).exit_code == ExitCode.USAGE
    terminal.present = True
    assert run("destroy", *LOCAL, input="yes\n").exit_code == ExitCode.FAILURE
    assert len(aws.client("stepfunctions").list_state_machines()["stateMachines"]) == 1
    assert run("destroy", *LOCAL, input="qlikops\n").exit_code == ExitCode.OK
    assert aws.client("stepfunctions").list_state_machines()["stateMachines"] == []


@pytest.mark.usefixtures("deployed")
def test_a_read_only_context_removes_nothing(run: Run, aws: EmbeddedAws, environ: dict[str, str]) -> None:
    environ["QLIKOPS_READ_ONLY"] = "1"
    assert run("destroy", *LOCAL, "--yes").exit_code == ExitCode.DENIED_ACCESS
    assert len(aws.client("scheduler").list_schedules()["Schedules"]) == 1
