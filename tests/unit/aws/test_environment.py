"""From a context to resources: the stack's outputs, the local status, and nothing before it is needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from qlikops.aws import process
from qlikops.aws.ahead import EarlyInbox
from qlikops.aws.environment import AwsEnvironment
from qlikops.aws.session import AwsConnection, Resources
from qlikops.config import Context, LocalConnection, Settings
from qlikops.domain.errors import CredentialsProblem, NotFound, Offline, UsageError
from qlikops.domain.ports import Credentials
from qlikops.domain.workflow.execution import ExecutionStatus
from tests.embedded import ACCOUNT, REGION, EmbeddedAws
from tests.unit.aws.conftest import MACHINE

TEMPLATE = {
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    "Outputs": {
        "StateMachineArn": {"Value": MACHINE},
        "TableName": {"Value": "ledger-x"},
        "DataBucketName": {"Value": "data-x"},
        "Version": {"Value": "0.9.0"},
    },
}


@pytest.fixture(autouse=True)
def _dummy_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


def context(endpoint: str, stack: str = "qlikops", region: str = REGION) -> Context:
    return Context("x", Settings(region=region, stack=stack, endpoint_url=endpoint))


@pytest.fixture(scope="module")
def stack(embedded_aws: EmbeddedAws) -> str:
    for name, template in (("finished", TEMPLATE), ("other", {"Resources": TEMPLATE["Resources"]})):
        embedded_aws.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))
    return "finished"


def test_resources_are_the_stacks_outputs(embedded_aws: EmbeddedAws, stack: str) -> None:
    connection = AwsConnection(context(embedded_aws.endpoint, stack))
    assert connection.resources == Resources(MACHINE, "ledger-x", "data-x", "0.9.0")
    assert connection.resources is connection.resources


def use(environment: AwsEnvironment) -> None:
    """All four clients of a console, without a call."""
    for service in ("dynamodb", "stepfunctions", "s3", "sts"):
        environment._connection.client(service)


@pytest.mark.parametrize("is_local", [False, True], ids=["AWS", "embedded"])
def test_opened_anew_through_an_outage_it_takes_no_more_memory(is_local: bool) -> None:
    status = LocalConnection("http://127.0.0.1:9", REGION, "qlikops", MACHINE, "t", "b") if is_local else None
    outage = replace(context("http://127.0.0.1:9"), local=status)

    def reopen(times: int) -> int:
        """The bytes in use after that."""
        for _ in range(times):
            environment = AwsEnvironment(outage)
            use(environment)
            environment.close()
        return tracemalloc.get_traced_memory()[0]

    reopen(1)  # what it reads of the services stays
    tracemalloc.start()
    try:
        once = reopen(1)
        assert reopen(4) < once + 1_000_000
    finally:
        tracemalloc.stop()


def test_closed_it_can_still_be_used(embedded_aws: EmbeddedAws, stack: str) -> None:
    environment = AwsEnvironment(context(embedded_aws.endpoint, stack))
    use(environment)
    environment.close()
    assert environment.caller()


def test_where_names_the_account_once_it_is_known(embedded_aws: EmbeddedAws, stack: str) -> None:
    environment = AwsEnvironment(context(embedded_aws.endpoint, stack))
    assert environment.where == f"{REGION} finished"
    assert environment.executions.page(ExecutionStatus.FAILED).executions == ()
    assert environment.where == f"{ACCOUNT} {REGION} finished"
    assert environment.caller().startswith("arn:aws:")


@pytest.mark.parametrize(("name", "says"), [("missing", "There is no stack missing"), ("other", "no output")])
def test_a_stack_that_is_not_there_or_not_ours(embedded_aws: EmbeddedAws, stack: str, name: str, says: str) -> None:
    assert name != stack
    with pytest.raises(NotFound, match=says) as caught:
        AwsEnvironment(context(embedded_aws.endpoint, name)).approvals.waiting()
    assert "qlikops deploy" in caught.value.hint


def test_the_local_context_asks_nobody_what_it_consists_of() -> None:
    status = LocalConnection("http://127.0.0.1:9", REGION, "qlikops", MACHINE, "ledger-y", "data-y")
    local = Context("local", Settings(region=REGION, endpoint_url=status.endpoint_url), local=status)
    assert AwsConnection(local).resources == Resources(MACHINE, "ledger-y", "data-y")


def test_local_credentials_never_come_from_the_chain(
    embedded_aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "not-there")
    monkeypatch.setenv("AWS_CONFIG_FILE", __file__)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    status = LocalConnection(embedded_aws.endpoint, REGION, "qlikops", MACHINE, "ledger-y", "data-y")
    local = Context("local", Settings(region=REGION, endpoint_url=status.endpoint_url), local=status)
    assert ACCOUNT in AwsEnvironment(local).caller()


def test_what_is_missing_is_said_in_our_words(embedded_aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="No Region"):
        AwsEnvironment(context(embedded_aws.endpoint, region="")).approvals.waiting()
    with pytest.raises(CredentialsProblem, match="not-there"):
        AwsEnvironment(Context("x", Settings(profile="not-there", region=REGION))).caller()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(CredentialsProblem):
        AwsEnvironment(context(embedded_aws.endpoint)).caller()


def test_opening_an_environment_imports_no_boto3() -> None:
    program = (
        "import sys\nfrom qlikops.aws.environment import AwsEnvironment\nfrom qlikops.config import Context\n"
        "environment = AwsEnvironment(Context('x'))\nenvironment.approvals, environment.where, environment.read_only\n"
        "assert not {'boto3', 'botocore'} & sys.modules.keys()"
    )
    subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


@pytest.fixture
def local() -> AwsEnvironment:
    status = LocalConnection("http://127.0.0.1:9", REGION, "qlikops", MACHINE, "ledger-y", "data-y")
    return AwsEnvironment(replace(context("http://127.0.0.1:9"), local=status))


def test_every_role_is_made_when_it_is_asked_for(local: AwsEnvironment) -> None:
    assert (local.name, local.read_only, local.waits_for, local.credentials()) == ("x", False, None, Credentials())
    assert local.fleet is local.fleet
    assert local.schedules is local.schedules


def test_signing_in_takes_the_terminal_from_every_later_process(local: AwsEnvironment) -> None:
    with process.terminal(is_free=True):
        local.sign_in()
        assert not process._Terminal.is_free


@pytest.mark.parametrize("is_there", [True, False])
def test_what_was_asked_ahead_is_the_first_inbox_and_no_other(monkeypatch: pytest.MonkeyPatch, is_there: bool) -> None:
    found = EarlyInbox(Resources(MACHINE, "ledger-x", "data-x"), ()) if is_there else None
    monkeypatch.setattr("qlikops.aws.environment.Ahead", lambda _: SimpleNamespace(answer=lambda: found))
    environment = AwsEnvironment(context("http://127.0.0.1:9"))
    environment.ask_ahead()
    if is_there:
        assert environment.approvals.inbox() == ()
        assert ACCOUNT in environment.where
    for _ in range(2):
        with pytest.raises(Offline):
            environment.approvals.waiting()


def test_a_process_of_another_profile_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text(f"[profile x]\ncredential_process = touch {tmp_path / 'asked'}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    with process.terminal(is_free=True):
        AwsEnvironment(context("http://127.0.0.1:9")).sign_in()
    assert not (tmp_path / "asked").exists()
