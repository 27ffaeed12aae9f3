"""destroy: what goes, what stays, and what an interruption leaves for the next time."""

from __future__ import annotations

import json

import pytest

from qlikops.cli.exit_codes import ExitCode
from tests.embedded import EmbeddedAws
from tests.unit.cli.conftest import LOCAL, Run, Terminal


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
    assert deployed["TableName"] in said["stays"][0]
    assert deployed["DataBucketName"] in said["stays"][1]
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
    assert "nothing" in run("destroy", *LOCAL, "--yes").stdout


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
