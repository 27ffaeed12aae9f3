"""deploy on the embedded AWS: planned, confirmed, applied, kept, refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qlikops.cli.exit_codes import ExitCode
from tests.embedded import REGION, EmbeddedAws
from tests.unit.cli.conftest import LOCAL, Run

URL = "https://qem.example.com/attunityenterprisemanager/api/v1"


def stack(aws: EmbeddedAws) -> dict[str, Any]:
    (found,) = aws.client("cloudformation").describe_stacks(StackName="qlikops")["Stacks"]
    return dict(found)


def parameters(aws: EmbeddedAws) -> dict[str, str]:
    return {each["ParameterKey"]: each["ParameterValue"] for each in stack(aws)["Parameters"]}


def secret(aws: EmbeddedAws) -> dict[str, Any]:
    arn = next(each["OutputValue"] for each in stack(aws)["Outputs"] if each["OutputKey"] == "QlikSecretArn")
    value: dict[str, Any] = json.loads(aws.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
    return value


def test_from_a_file_and_a_login_then_again_with_less(run: Run, aws: EmbeddedAws, tmp_path: Path) -> None:
    (tmp_path / "authority.pem").write_text("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n")
    file = tmp_path / "qlikops.deploy.toml"
    file.write_text(
        f"""
        approval_timeout = "2h"
        run_every = "10m"
        notification_email = "oncall@example.com"
        ca_bundle = "authority.pem"
        tags = {{ team = "data" }}
        agent = {{ restart_budget_per_hour = 2 }}
        qlik = [{{ base_url = "{URL}" }}]
        """
    )
    run("login", *LOCAL, "--url", "https://old", "--username", "u", "--password-stdin", input="pw\n")

    planned = run("deploy", *LOCAL, "--plan", "--file", str(file), "--qlik-login", "--json")
    assert planned.exit_code == ExitCode.OK, planned.stderr
    assert json.loads(planned.stdout)["creates_stack"] is True
    assert aws.client("cloudformation").describe_stacks()["Stacks"] == []

    done = run("deploy", *LOCAL, "--yes", "--file", str(file), "--qlik-login")
    assert done.exit_code == ExitCode.OK, done.stderr
    assert "pw" not in done.stdout + done.stderr
    assert "CREATE_COMPLETE" in done.stderr
    assert parameters(aws)["ApprovalTimeoutSeconds"] == "7200"
    assert stack(aws)["Tags"] == [{"Key": "team", "Value": "data"}]
    (instance,) = secret(aws)["instances"]
    assert (instance["base_url"], instance["password"]) == (URL, "pw")
    assert "BEGIN CERTIFICATE" in instance["ca_bundle"]

    # The same file, without the account: nothing changes.
    again = run("deploy", *LOCAL, "--yes", "--file", str(file))
    assert again.exit_code == ExitCode.OK, again.stderr
    assert "nothing to change" in again.stdout

    # One option: everything else stays, the approval timeout and the other agent settings too.
    assert run("deploy", *LOCAL, "--yes", "--approval-mode", "policy").exit_code == ExitCode.OK
    assert json.loads(parameters(aws)["AgentSettings"]) == {"restart_budget_per_hour": 2, "approval_mode": "policy"}
    assert parameters(aws)["ApprovalTimeoutSeconds"] == "7200"
    assert stack(aws)["Tags"] == [{"Key": "team", "Value": "data"}]
    assert secret(aws)["instances"][0]["password"] == "pw"

    # A new password is a new value of the same secret; what is not given again, such as the certificates, stays.
    run("login", *LOCAL, "--username", "u", "--password-stdin", input="pw2\n")
    # (The embedded AWS does not know that a new value leaves a secret in its place, and says that it might not.)
    rotated = run("deploy", *LOCAL, "--yes", "--replace-data", "--qlik-login")
    assert rotated.exit_code == ExitCode.OK, rotated.stderr
    assert secret(aws)["instances"][0]["password"] == "pw2"
    assert "BEGIN CERTIFICATE" in secret(aws)["instances"][0]["ca_bundle"]


def test_a_rotated_password_touches_nothing_else_and_is_not_taken_back(run: Run, aws: EmbeddedAws) -> None:
    run("login", *LOCAL, "--url", URL, "--username", "u", "--password-stdin", input="first\n")
    run("login", *LOCAL, "--instance", "second", "--url", URL, "--username", "u", "--password-stdin", input="other\n")
    assert run("deploy", *LOCAL, "--yes", "--qlik-login").exit_code == ExitCode.OK
    run("logout", *LOCAL, "--instance", "second")
    run("login", *LOCAL, "--username", "u", "--password-stdin", input="rotated\n")
    before = stack(aws)

    planned = run("deploy", *LOCAL, "--rotate-secret", "--qlik-login", "--plan", "--json")
    assert json.loads(planned.stdout) == {"stack": "qlikops", "secret": {"default": ["password"]}}
    assert run("deploy", *LOCAL, "--rotate-secret", "--qlik-login").exit_code == ExitCode.USAGE  # nobody confirms
    assert [each["password"] for each in secret(aws)["instances"]] == ["first", "other"]

    done = run("deploy", *LOCAL, "--rotate-secret", "--qlik-login", "--yes")
    assert done.exit_code == ExitCode.OK, done.stderr
    assert "rotated" not in done.stdout
    assert [each["password"] for each in secret(aws)["instances"]] == ["rotated", "other"]
    assert stack(aws) == before
    assert "already" in run("deploy", *LOCAL, "--rotate-secret", "--qlik-login", "--yes").stdout

    # A pipeline needs to know no more than the password.
    for given, code in (('{"instances": [{"password": "piped"}]}', 0), ("[", 2), ('{"instances": 1}', 2), ("[1]", 2)):
        piped = run("deploy", *LOCAL, "--rotate-secret", "--qlik", "-", "--yes", input=given)
        assert piped.exit_code == code, piped.stderr
    assert [each["password"] for each in secret(aws)["instances"]] == ["piped", "other"]
    run("deploy", *LOCAL, "--rotate-secret", "--qlik-login", "--yes")

    # CloudFormation only knows the first password; touching the secret for another reason must not bring it back.
    tagged = run("deploy", *LOCAL, "--yes", "--replace-data", "--kms-key", KEY)
    assert tagged.exit_code == ExitCode.OK, tagged.stderr
    assert [each["password"] for each in secret(aws)["instances"]] == ["rotated", "other"]


def test_a_stack_that_is_not_there_has_no_secret_to_rotate(run: Run, aws: EmbeddedAws) -> None:
    run("login", *LOCAL, "--url", URL, "--username", "u", "--password-stdin", input="first\n")
    missing = run("deploy", *LOCAL, "--rotate-secret", "--qlik-login", "--yes")
    assert missing.exit_code == ExitCode.NOT_FOUND
    assert "eu-west-1" in missing.stderr
    assert aws.client("secretsmanager").list_secrets()["SecretList"] == []


def test_nothing_is_applied_unless_somebody_says_so(run: Run, aws: EmbeddedAws) -> None:
    refused = run("deploy", *LOCAL)
    assert refused.exit_code == ExitCode.USAGE
    assert "--yes" in refused.stderr
    assert aws.client("cloudformation").describe_stacks()["Stacks"] == []


def test_a_secret_of_ones_own_is_not_overwritten(run: Run, aws: EmbeddedAws, tmp_path: Path) -> None:
    mine = aws.client("secretsmanager").create_secret(Name="mine", SecretString="{}")["ARN"]
    assert run("deploy", *LOCAL, "--yes", "--qlik-secret-arn", mine).exit_code == ExitCode.OK
    qlik = tmp_path / "qlik.json"
    qlik.write_text(json.dumps({"instances": [{"base_url": URL, "username": "u", "password": "pw"}]}))
    refused = run("deploy", *LOCAL, "--yes", "--qlik", str(qlik))
    assert refused.exit_code == ExitCode.USAGE
    assert "put-secret-value" in refused.stderr
    assert aws.client("secretsmanager").get_secret_value(SecretId=mine)["SecretString"] == "{}"


def test_drift_and_following_when_nothing_runs(run: Run, aws: EmbeddedAws) -> None:
    assert run("deploy", *LOCAL, "--drift").exit_code == ExitCode.NOT_FOUND
    assert run("deploy", *LOCAL, "--yes").exit_code == ExitCode.OK
    assert json.loads(run("deploy", *LOCAL, "--drift", "--json").stdout) == {"stack": "qlikops", "drift": []}
    role = aws.client("iam").list_roles()["Roles"]
    name = next(each["RoleName"] for each in role if "RecordOutcome" in each["RoleName"])
    aws.client("iam").update_role(RoleName=name, Description="changed by hand")
    drifted = json.loads(run("deploy", *LOCAL, "--drift", "--json").stdout)["drift"]
    assert [each["logical_id"] for each in drifted] == ["RecordOutcomeRole"]
    followed = run("deploy", *LOCAL, "--follow")
    assert (followed.exit_code, "Nothing changes the stack" in followed.stderr) == (ExitCode.OK, True)


@pytest.mark.parametrize(
    "args",
    [
        ["--qlik-login", "--qlik-secret-arn", "arn:aws:secretsmanager:x"],
        ["--subnet", "subnet-1"],
        ["--tag", "team"],
        ["--ca-bundle", "none.pem"],
        ["--approval-timeout", "soon"],
        ["--evaluator", "nobody"],
        ["--rotate-secret"],
        ["--rotate-secret", "--qlik", "-", "--tag", "team=data"],
    ],
)
def test_what_makes_no_sense_changes_nothing(run: Run, aws: EmbeddedAws, args: list[str]) -> None:
    assert run("deploy", *LOCAL, "--yes", *args).exit_code == ExitCode.USAGE
    assert aws.client("cloudformation").describe_stacks()["Stacks"] == []


def test_a_read_only_context_only_looks(run: Run, aws: EmbeddedAws, environ: dict[str, str]) -> None:
    environ["QLIKOPS_READ_ONLY"] = "1"
    assert run("deploy", *LOCAL, "--yes").exit_code == ExitCode.DENIED_ACCESS
    assert run("deploy", *LOCAL, "--plan").exit_code == ExitCode.OK
    assert aws.client("cloudformation").describe_stacks()["Stacks"] == []


def test_a_half_created_stack_says_the_way_out_and_it_leads_there(run: Run, aws: EmbeddedAws) -> None:
    cloudformation = aws.client("cloudformation")
    location = {"LocationConstraint": REGION}
    aws.client("s3").create_bucket(Bucket="taken", CreateBucketConfiguration=location)
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "taken"}}
    cloudformation.create_stack(StackName="qlikops", TemplateBody=json.dumps({"Resources": {"Bucket": bucket}}))
    assert run("deploy", *LOCAL, "--follow").exit_code in {ExitCode.OK, ExitCode.FAILURE}
    assert stack(aws)["StackStatus"] == "ROLLBACK_COMPLETE"

    refused = run("deploy", *LOCAL, "--yes")
    assert refused.exit_code == ExitCode.FAILURE
    assert "ROLLBACK_COMPLETE" in refused.stderr
    assert "qlikops destroy" in refused.stderr
    assert run("destroy", *LOCAL, "--yes").exit_code == ExitCode.OK
    assert run("deploy", *LOCAL, "--yes").exit_code == ExitCode.OK


KEY = "arn:aws:kms:eu-west-1:000000000000:key/ours"
BOUNDARY = "arn:aws:iam::000000000000:policy/boundary"
TOPIC = "arn:aws:sns:eu-west-1:000000000000:ours"
FUNCTIONS = {"MonitorTasks", "EvaluateProposal", "RequestApproval", "ExecuteRestart", "RecordOutcome", "GenerateReport"}
OF_QLIK = {"MonitorTasks", "ExecuteRestart"}
NOT_LOCAL = "the embedded CloudFormation plans it and leaves it out"


def encrypted_with(aws: EmbeddedAws) -> object:
    (table,) = aws.client("dynamodb").list_tables()["TableNames"]
    sse = aws.client("dynamodb").describe_table(TableName=table)["Table"]["SSEDescription"]
    secret_arn = next(each["OutputValue"] for each in stack(aws)["Outputs"] if each["OutputKey"] == "QlikSecretArn")
    return {sse["KMSMasterKeyArn"], aws.client("secretsmanager").describe_secret(SecretId=secret_arn)["KmsKeyId"]}


def notified(aws: EmbeddedAws) -> object:
    functions = aws.client("lambda").list_functions()["Functions"]
    alarms = aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    variables = {each["Environment"]["Variables"]["QLIKOPS_TOPIC_ARN"] for each in functions}
    return variables | {action for alarm in alarms for action in alarm["AlarmActions"]}


def subscribed(aws: EmbeddedAws) -> object:
    subscriptions = aws.client("sns").list_subscriptions()["Subscriptions"]
    return [(each["Protocol"], each["Endpoint"]) for each in subscriptions]


# Choices of which none takes another one's place.
CHOICES: tuple[tuple[list[str], set[tuple[str, str]], Callable[[EmbeddedAws], object], object], ...] = (
    (
        ["--subnet", "subnet-1", "--subnet", "subnet-2", "--security-group", "sg-1"],
        {(name, "VpcConfig") for name in OF_QLIK},
        lambda _: NOT_LOCAL,
        NOT_LOCAL,
    ),
    (
        ["--permissions-boundary", BOUNDARY],
        {(f"{name}Role", "PermissionsBoundary") for name in FUNCTIONS | {"StateMachine", "Schedule"}},
        lambda _: NOT_LOCAL,
        NOT_LOCAL,
    ),
    (
        ["--kms-key", KEY],
        {("Table", "SSESpecification"), ("DataBucket", "BucketEncryption"), ("Topic", "KmsMasterKeyId"),
         ("QlikSecret", "KmsKeyId")},
        encrypted_with,
        {KEY},
    ),
    (["--notification-email", "oncall@example.com"], set(), subscribed, [("email", "oncall@example.com")]),
    (["--notification-topic", TOPIC], {("ExecutionsFailedAlarm", "AlarmActions")}, notified, {TOPIC}),
)  # fmt: skip


def test_each_choice_is_in_the_plan_and_then_in_place_and_stays(run: Run, aws: EmbeddedAws) -> None:
    """One after the other on one stack: to make it takes longer than to change it."""
    assert run("deploy", *LOCAL, "--yes").exit_code == ExitCode.OK
    for args, planned, look, expected in CHOICES:
        changes = json.loads(run("deploy", *LOCAL, "--plan", "--json", *args).stdout)["changes"]
        assert changes, args
        assert planned <= {(each["logical_id"], prop) for each in changes for prop in each["properties"]}, args
        done = run("deploy", *LOCAL, "--yes", "--replace-data", *args)
        assert done.exit_code == ExitCode.OK, (args, done.stderr)
        assert look(aws) == expected, args
        # What is not chosen again stays.
        assert "nothing to change" in run("deploy", *LOCAL, "--yes").stdout, args
