"""deploy on the embedded AWS: planned, confirmed, applied, kept, refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from qlikops.cli.exit_codes import ExitCode
from tests.embedded import EmbeddedAws
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

    # A new password is a new value of the same secret.
    run("login", *LOCAL, "--username", "u", "--password-stdin", input="pw2\n")
    # (The embedded AWS does not know that a new value leaves a secret in its place, and says that it might not.)
    rotated = run("deploy", *LOCAL, "--yes", "--replace-data", "--file", str(file), "--qlik-login")
    assert rotated.exit_code == ExitCode.OK, rotated.stderr
    assert secret(aws)["instances"][0]["password"] == "pw2"


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
    assert run("deploy", *LOCAL, "--follow").exit_code == ExitCode.OK


@pytest.mark.parametrize(
    "args",
    [
        ["--qlik-login", "--qlik-secret-arn", "arn:aws:secretsmanager:x"],
        ["--subnet", "subnet-1"],
        ["--tag", "team"],
        ["--ca-bundle", "none.pem"],
        ["--approval-timeout", "soon"],
        ["--evaluator", "nobody"],
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
