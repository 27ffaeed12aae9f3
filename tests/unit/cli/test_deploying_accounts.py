"""Qlik accounts on their way into the stack's secret: large, refused, cut off, from an older template."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from qlikops.cli.exit_codes import ExitCode
from qlikops.config import LocalConnection, local_status_path
from qlikops.deployment.deployer import DEFAULT_STACK
from qlikops.deployment.secret import QlikSecret
from qlikops.deployment.stack import Stack, Template
from qlikops.domain.encoding import codec
from qlikops.resources import resource
from tests.embedded import REGION, EmbeddedAws
from tests.unit.cli.conftest import LOCAL, Run
from tests.unit.cli.test_deploy import secret
from tests.unit.secrecy import QuotingAws, Refusal

URL = "https://qem.example.com/attunityenterprisemanager/api/v1"
SECRET = "hunter2-and-more"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\n" + "x" * 1600 + "\n-----END CERTIFICATE-----\n"


def instance(password: str = SECRET, certificates: int = 3) -> dict[str, Any]:
    """Root, issuing and another authority alone are more than a CloudFormation parameter takes."""
    return {"base_url": URL, "username": "u", "password": password, "ca_bundle": CERTIFICATE * certificates}


def given(*instances: dict[str, Any]) -> str:
    return json.dumps({"instances": instances})


def quoted(status: int, code: str) -> Refusal:
    return lambda body: (status, json.dumps({"__type": code, "message": f"refused: {body.decode()}"}).encode())


def html(body: bytes) -> tuple[int, bytes]:
    return 502, b"<html>" + body


def lacks_accounts(aws: EmbeddedAws) -> bool:
    outputs = Stack(aws.client("cloudformation"), DEFAULT_STACK).outputs()
    return not QlikSecret(aws.client("secretsmanager"), outputs.qlik_secret_arn).has_accounts()


def point_at(environ: dict[str, str], endpoint: str, stack: str = DEFAULT_STACK) -> None:
    local_status_path(environ).write_text(codec.dumps(LocalConnection(endpoint, REGION, stack, "", "", "")))


def test_accounts_with_their_authorities_are_put_and_shown_by_their_keys_only(run: Run, aws: EmbeddedAws) -> None:
    assert len(given(instance())) > 4096
    planned = run("deploy", *LOCAL, "--plan", "--json", "--qlik", "-", input=given(instance()))
    assert json.loads(planned.stdout)["secret"] == {
        "default": ["base_url", "ca_bundle", "name", "password", "username"]
    }
    done = run("deploy", *LOCAL, "--yes", "--qlik", "-", input=given(instance()))
    assert done.exit_code == ExitCode.OK, done.stderr
    assert secret(aws)["instances"][0]["password"] == SECRET
    assert SECRET not in planned.output + done.output
    assert "knows no Qlik instance" not in done.output

    # Only the password is another one: nothing for CloudFormation to do, and the secret has it all the same.
    rotated = run("deploy", *LOCAL, "--yes", "--qlik", "-", input=given(instance("pw2")))
    assert rotated.exit_code == ExitCode.OK, rotated.stderr
    assert "nothing to change" in rotated.stdout
    assert secret(aws)["instances"][0]["password"] == "pw2"


def test_a_page_of_a_gateway_is_no_empty_secret(run: Run, aws: EmbeddedAws, environ: dict[str, str]) -> None:
    assert run("deploy", *LOCAL, "--yes", "--qlik", "-", input=given(instance())).exit_code == ExitCode.OK
    with QuotingAws(aws.endpoint, "GetSecretValue", lambda _: (200, b"<html>")) as quoting:
        point_at(environ, quoting.url)
        other = given({**instance(), "name": "other"})
        refused = run("deploy", *LOCAL, "--rotate-secret", "--yes", "--qlik", "-", input=other)
        assert refused.exit_code == ExitCode.UNREACHABLE
    assert [each["name"] for each in secret(aws)["instances"]] == ["default"]


def test_accounts_that_no_secret_takes_are_refused_before_anything_is_created(run: Run, aws: EmbeddedAws) -> None:
    refused = run("deploy", *LOCAL, "--yes", "--qlik", "-", input=given(instance(certificates=45)))
    assert refused.exit_code == ExitCode.USAGE
    assert "65,536" in refused.stderr
    assert SECRET not in refused.output
    assert aws.client("cloudformation").describe_stacks()["Stacks"] == []


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (quoted(400, "ValidationException"), ExitCode.FAILURE),
        (quoted(400, "AccessDeniedException"), ExitCode.DENIED_ACCESS),
        (quoted(500, "InternalServiceError"), ExitCode.UNREACHABLE),
        (html, ExitCode.UNREACHABLE),
    ],
    ids=["refused", "denied", "broken", "gateway"],
)
def test_accounts_that_cannot_be_put_leave_a_stack_without_them_and_nothing_is_quoted(
    monkeypatch: pytest.MonkeyPatch,
    run: Run,
    aws: EmbeddedAws,
    environ: dict[str, str],
    refusal: Refusal,
    code: ExitCode,
) -> None:
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))  # between two attempts
    with QuotingAws(aws.endpoint, "PutSecretValue", refusal) as quoting:
        point_at(environ, quoting.url)
        cut_off = run("deploy", *LOCAL, "--yes", "--qlik", "-", input=given(instance()))
        assert quoting.refused
        assert SECRET not in cut_off.output
        assert "x" * 100 not in cut_off.output
        assert cut_off.exit_code == code, cut_off.stderr
        assert "only the Qlik accounts are not in its secret" in cut_off.stderr
        rotated = run("deploy", *LOCAL, "--rotate-secret", "--yes", "--qlik", "-", input=given(instance()))
        assert (rotated.exit_code, SECRET in rotated.output) == (code, False)
    assert lacks_accounts(aws)


def test_a_stack_whose_secret_was_not_filled_is_noticed_and_can_be_filled(run: Run, aws: EmbeddedAws) -> None:
    assert run("deploy", *LOCAL, "--yes").exit_code == ExitCode.OK
    assert lacks_accounts(aws)
    again = run("deploy", *LOCAL, "--yes")
    assert again.exit_code == ExitCode.OK, again.stderr
    assert "knows no Qlik instance yet" in again.stderr
    assert "deploy --rotate-secret" in again.stderr
    filled = run("deploy", *LOCAL, "--rotate-secret", "--yes", "--qlik", "-", input=given(instance()))
    assert filled.exit_code == ExitCode.OK, filled.stderr
    assert secret(aws)["instances"][0]["password"] == SECRET
    assert "knows no Qlik instance" not in run("deploy", *LOCAL, "--yes").output


def as_before(template: str) -> str:
    """The template of 0.1, in which the secret's value was a parameter; without comments, or it is too long to send."""
    template = re.sub(r"^ *#.*\n", "", template, flags=re.MULTILINE)
    parameter = "  QlikSecretValue:\n    Type: String\n    NoEcho: true\n    Default: '{\"instances\": []}'\n"
    head, mark, tail = template.partition("  SubnetIds:\n")
    description, value, rest = (head + parameter + mark + tail).partition("that the monitoring agent uses.\n")
    return f"{description}{value}      SecretString: !Ref QlikSecretValue\n{rest}"


@pytest.mark.parametrize("rotated", [False, True])
@pytest.mark.parametrize("accounts", [None, "another password"])
def test_a_stack_whose_secret_was_a_parameter_keeps_its_value(
    run: Run, aws: EmbeddedAws, rotated: bool, accounts: str | None
) -> None:
    stack = Stack(aws.client("cloudformation"), DEFAULT_STACK, poll_seconds=0.05)
    before = given(instance("first", certificates=1))
    parameters = {"QlikSecretValue": before, "CodeBucket": "before", "BundleKey": "k", "DefinitionKey": "d"}
    parameters["MetricMath"] = "false"  # which the embedded CloudFormation lacks
    template = Template(as_before(resource("deploy", "template.yaml").read_text()))
    aws.client("s3").create_bucket(Bucket="before", CreateBucketConfiguration={"LocationConstraint": REGION})
    aws.client("s3").put_object(
        Bucket="before", Key="d", Body=b'{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}'
    )
    list(stack.apply(stack.plan(template, parameters)))
    assert secret(aws) == json.loads(before)
    if rotated:
        value = given(instance("rotated", certificates=1))
        aws.client("secretsmanager").put_secret_value(SecretId=stack.outputs().qlik_secret_arn, SecretString=value)

    arguments = ["--qlik", "-"] if accounts else []
    done = run("deploy", *LOCAL, "--yes", *arguments, input=given(instance(accounts or "", certificates=1)))
    assert done.exit_code == ExitCode.OK, done.stderr
    assert "QlikSecretValue" not in stack.parameters()
    expected = accounts or ("rotated" if rotated else "first")
    assert secret(aws)["instances"][0]["password"] == expected
    assert "knows no Qlik instance" not in done.output


KEY = "arn:aws:kms:eu-west-1:000000000000:key/ours"


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--kms-key", KEY.replace("arn:aws:", "arn:aws-cn:")], "partition aws-cn"),
        (["--kms-key", KEY.replace("eu-west-1", "us-east-1")], "Region us-east-1"),
        (["--notification-topic", "arn:aws:sns:us-east-1:000000000000:t"], "Region us-east-1"),
        (["--qlik-secret-arn", "arn:aws:secretsmanager:us-east-1:000000000000:secret:s"], "Region us-east-1"),
        (["--permissions-boundary", "arn:aws-us-gov:iam::000000000000:policy/b"], "partition aws-us-gov"),
    ],
)
def test_what_lies_elsewhere_is_refused_before_cloudformation_is_asked(
    run: Run, aws: EmbeddedAws, args: list[str], told: str
) -> None:
    refused = run("deploy", *LOCAL, "--plan", *args)
    assert refused.exit_code == ExitCode.USAGE
    assert told in refused.stderr
    assert aws.client("cloudformation").describe_stacks()["Stacks"] == []


def test_settings_that_no_function_takes_are_refused(run: Run, aws: EmbeddedAws, tmp_path: Path) -> None:
    for count, fits in ((40, True), (130, False)):
        settings = tmp_path / f"{count}.json"
        settings.write_text(json.dumps({"protected_tags": [f"a tag of some length {each}" for each in range(count)]}))
        planned = run("deploy", *LOCAL, "--plan", "--settings", str(settings))
        assert planned.exit_code == (ExitCode.OK if fits else ExitCode.USAGE), planned.stderr
        assert ("4,096" in planned.stderr) is not fits
    assert aws.client("cloudformation").describe_stacks()["Stacks"] == []


def test_a_plan_whose_names_another_stack_has_says_which(run: Run, aws: EmbeddedAws, environ: dict[str, str]) -> None:
    assert run("deploy", *LOCAL, "--yes").exit_code == ExitCode.OK
    point_at(environ, aws.endpoint, "other")
    planned = run("deploy", *LOCAL, "--plan", "--json")
    assert planned.exit_code == ExitCode.FAILURE
    (obstacle,) = json.loads(planned.stdout)["obstacles"]
    assert obstacle["text"].endswith("in the stack qlikops")
    assert "QlikMonitor-MonitorTasks" in obstacle["text"]
    assert "qlikops --stack qlikops destroy" in planned.stderr
    assert run("deploy", *LOCAL, "--yes").exit_code == ExitCode.FAILURE
    assert len(aws.client("cloudformation").describe_stacks()["Stacks"]) == 1


def test_a_plan_names_the_artifact_bucket(run: Run, aws: EmbeddedAws) -> None:
    bucket = "qlikops-artifacts-000000000000-eu-west-1"
    first = json.loads(run("deploy", *LOCAL, "--plan", "--json").stdout)["uploads"]
    assert (first["bucket"], first["creates_bucket"]) == (bucket, True)
    assert f"to the bucket {bucket}, which is created: bundle/" in run("deploy", *LOCAL, "--plan").stdout
    assert run("deploy", *LOCAL, "--yes").exit_code == ExitCode.OK
    again = json.loads(run("deploy", *LOCAL, "--plan", "--json").stdout)["uploads"]
    assert again == {**first, "creates_bucket": False}
    assert aws.client("s3").head_object(Bucket=bucket, Key=first["keys"][0])
