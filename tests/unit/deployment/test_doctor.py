"""Each check on a real (embedded) deployment: well, and broken in one way at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from qlikops.aws.session import AwsConnection
from qlikops.config import Context, LocalConnection, Settings
from qlikops.deployment.artifact_bucket import ArtifactStore
from qlikops.deployment.deployer import Deployer, build_release
from qlikops.deployment.doctor import Doctor, Examined, Health, judge_runs
from qlikops.deployment.login import Logins
from qlikops.deployment.schedule import Scheduler
from qlikops.deployment.stack import Stack, StackOutputs
from qlikops.domain.encoding import codec
from qlikops.domain.errors import CredentialsProblem
from qlikops.domain.fleet.anomaly import Anomaly, AnomalyKind, Severity
from qlikops.domain.fleet.endpoint import EndpointKey, Probe, ProbeAnswer
from qlikops.domain.fleet.task import Fetched, ServerFacts, ServerHealth, ServerState
from qlikops.domain.proposals.approval import Status
from qlikops.domain.proposals.evaluation import Evaluation
from qlikops.domain.runs.report import ReportedProposal, RunReport
from qlikops.domain.runs.snapshot import FleetSnapshot
from tests.embedded import ACCOUNT, REGION, EmbeddedAws
from tests.fakes import FakeKeyring
from tests.unit.agent.fakes import EVALUATION, proposal
from tests.unit.aws.test_schedule import end_by_hand

NOON = datetime(2026, 3, 7, 12, tzinfo=UTC)
ARN = "arn:aws:states:eu-west-1:000000000000:execution:QlikMonitoringAgent:run-1"


def connect(aws: EmbeddedAws, outputs: StackOutputs | None = None) -> AwsConnection:
    """As in a context that is this embedded AWS."""
    names = (outputs.state_machine_arn, outputs.table, outputs.data_bucket) if outputs else ("", "t", "b")
    status = LocalConnection(aws.endpoint, REGION, "qlikops", *names)
    return AwsConnection(Context("local", Settings(region=REGION, endpoint_url=aws.endpoint), local=status))


class Deployment:
    """A stack of its own, as `qlikops deploy` and `qlikops schedule` leave it, and a doctor for it."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self.aws = aws
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.keyring: FakeKeyring | None = FakeKeyring()
        self.deploy({})
        # What the template asks for and the embedded CloudFormation leaves out.
        aws.client("dynamodb").update_continuous_backups(
            TableName=self.outputs.table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )

    @property
    def stack(self) -> Stack:
        return Stack(self.aws.client("cloudformation"), "qlikops", poll_seconds=0.05)

    @property
    def outputs(self) -> StackOutputs:
        return self.stack.outputs()

    @property
    def scheduler(self) -> Scheduler:
        return Scheduler(self.aws.client("scheduler"), now=lambda: self.now())

    def deploy(self, parameters: dict[str, str]) -> None:
        deployer = Deployer(self.stack, ArtifactStore(self.aws.client("s3"), account=ACCOUNT, region=REGION))
        release = build_release(parameters)
        list(deployer.apply(deployer.plan(release), release))

    def schedule(self, rate: str = "rate(5 minutes)") -> None:
        self.scheduler.set(rate, target_arn=self.outputs.state_machine_arn, role_arn=self.outputs.schedule_role_arn)

    def put(self, key: str, value: Any) -> None:
        self.aws.client("s3").put_object(Bucket=self.outputs.data_bucket, Key=key, Body=codec.dumps(value).encode())

    def examine(self) -> dict[str, Examined]:
        outputs = self.outputs
        status = LocalConnection(
            self.aws.endpoint, REGION, "qlikops", outputs.state_machine_arn, outputs.table, outputs.data_bucket
        )
        connection = AwsConnection(
            Context("local", Settings(region=REGION, endpoint_url=self.aws.endpoint), local=status)
        )
        doctor = Doctor(
            connection, lambda: self.stack, lambda: self.scheduler, Logins(lambda: self.keyring, "local", {}), self.now
        )
        return {finding.check: finding for finding in doctor.examine()}


@pytest.fixture
def deployed(fresh_aws: EmbeddedAws) -> Deployment:
    return Deployment(fresh_aws)


def report(**changes: Any) -> RunReport:
    now = datetime.now(UTC)
    made = RunReport(ARN, "run-1", now, now, 1, 4, {}, (), (), ())
    return replace(made, **changes)


def snapshot(state: ServerState = ServerState.MONITORED) -> FleetSnapshot:
    return FleetSnapshot(datetime.now(UTC) - timedelta(minutes=1), "run-1", (ServerFacts("default", "s1", state),), ())


def test_a_fresh_deployment_is_well_except_for_what_has_not_happened_yet(deployed: Deployment) -> None:
    found = deployed.examine()
    assert {name: finding.health for name, finding in found.items()} == {
        "identity": Health.OK,
        "clock": Health.OK,
        "stack": Health.OK,
        "concurrency": Health.OK,
        "permissions": Health.SKIPPED,  # as root
        "table": Health.OK,
        "schedule": Health.FAILED,
        "secret": Health.WARNING,
        "last run": Health.WARNING,
        "qlik": Health.SKIPPED,
        "servers": Health.SKIPPED,
        "endpoints": Health.SKIPPED,
        "model": Health.OK,
        "keyring": Health.OK,
    }
    assert "qlikops schedule --rate 5m" in found["schedule"].hint


def test_a_schedule_that_is_paused_or_not_what_the_alarm_expects(deployed: Deployment) -> None:
    deployed.schedule()
    assert deployed.examine()["schedule"].health is Health.OK
    deployed.scheduler.pause()
    assert "paused" in deployed.examine()["schedule"].text
    deployed.scheduler.resume()
    deployed.schedule("rate(1 hour)")
    finding = deployed.examine()["schedule"]
    assert finding.health is Health.WARNING
    assert "--run-every 60m" in finding.hint


def test_a_schedule_that_somebody_gave_an_end(deployed: Deployment) -> None:
    deployed.schedule()
    end = datetime.now(UTC) + timedelta(days=1)
    end_by_hand(deployed.aws.client("scheduler"), end)
    finding = deployed.examine()["schedule"]
    assert (finding.health, f"ends {end:%Y-%m-%d %H:%M} UTC" in finding.text) == (Health.WARNING, True)
    deployed.now = lambda: end + timedelta(seconds=1)
    finding = deployed.examine()["schedule"]
    assert (finding.health, f"ended {end:%Y-%m-%d %H:%M} UTC" in finding.text) == (Health.FAILED, True)


class As(AwsConnection):
    """The same connection with another caller."""

    def caller(self) -> str:
        return "arn:aws:sts::000000000000:assumed-role/Oncall/anna"


def test_permissions_are_those_of_the_role_behind_a_session(deployed: Deployment) -> None:
    iam = deployed.aws.client("iam")
    iam.create_role(RoleName="Oncall", AssumeRolePolicyDocument="{}")
    resources = deployed.stack.resources() or {}
    connection = As(connect(deployed.aws, deployed.outputs)._context)
    doctor = Doctor(
        connection, lambda: deployed.stack, lambda: deployed.scheduler, Logins(lambda: None, "local", {}), deployed.now
    )

    def permissions() -> Examined:
        return next(finding for finding in doctor.examine() if finding.check == "permissions")

    assert permissions().health is Health.FAILED
    assert "ReadOnlyPolicy" in permissions().hint
    iam.attach_role_policy(RoleName="Oncall", PolicyArn=resources["ReadOnlyPolicy"])
    assert permissions().health is Health.WARNING
    assert "OperatorPolicy" in permissions().hint
    iam.attach_role_policy(RoleName="Oncall", PolicyArn=resources["OperatorPolicy"])
    assert permissions().health is Health.OK


def test_data_that_is_not_protected(deployed: Deployment) -> None:
    client = deployed.aws.client("dynamodb")
    client.update_table(TableName=deployed.outputs.table, DeletionProtectionEnabled=False)
    finding = deployed.examine()["table"]
    assert (finding.health, "deletion protection" in finding.text) == (Health.WARNING, True)


@pytest.mark.parametrize(
    ("value", "health", "told"),
    [
        ('{"instances": []}', Health.WARNING, "no Qlik accounts yet"),
        ('{"instances": [{"base_url": "https://qem", "username": "u", "password": "p:w"}]}', Health.FAILED, "colon"),
        ('{"instances": [{"base_url": "https://qem", "api_token": "hunter2"}]}', Health.OK, "for default"),
    ],
)
def test_a_secret_without_accounts_that_could_log_in_is_found_and_no_value_told(
    deployed: Deployment, value: str, health: Health, told: str
) -> None:
    secrets, arn = deployed.aws.client("secretsmanager"), deployed.outputs.qlik_secret_arn
    empty = deployed.examine()["secret"]
    assert (empty.health, "deploy --rotate-secret" in empty.hint) == (Health.WARNING, True)
    secrets.put_secret_value(SecretId=arn, SecretString=value)
    finding = deployed.examine()["secret"]
    assert finding.health is health
    assert told in finding.text
    assert not {"p:w", "hunter2"} & set(finding.text.split())


def test_a_secret_on_its_way_out_says_how_to_keep_it(deployed: Deployment) -> None:
    deployed.aws.client("secretsmanager").delete_secret(SecretId=deployed.outputs.qlik_secret_arn)
    finding = deployed.examine()["secret"]
    assert finding.health is Health.FAILED
    assert "restore-secret" in finding.hint


def test_qlik_is_judged_by_what_the_last_run_saw(deployed: Deployment) -> None:
    deployed.put("reports/latest.json", report(error="QemUnreachable: no route"))
    assert deployed.examine()["qlik"].health is Health.FAILED
    # A run that still waits for its approvals has looked, and has no report yet.
    deployed.aws.client("s3").delete_object(Bucket=deployed.outputs.data_bucket, Key="reports/latest.json")
    deployed.put("snapshots/latest.json", snapshot())
    assert deployed.examine()["qlik"].health is Health.OK
    deployed.put("reports/latest.json", report())
    assert deployed.examine()["qlik"].health is Health.OK
    deployed.put("snapshots/latest.json", snapshot(ServerState.ERROR))
    finding = deployed.examine()["qlik"]
    assert (finding.health, "s1" in finding.text) == (Health.WARNING, True)
    then = snapshot().taken_at - timedelta(seconds=700)
    aged = replace(snapshot(), taken_at=then + timedelta(seconds=700))
    aged = replace(aged, servers=(replace(aged.servers[0], fetched=Fetched(then, then)),))
    found = Anomaly(AnomalyKind.SERVER_STATE_OLD, Severity.WARNING, aged.servers[0].key, "old")
    for anomalies, health in (((), Health.OK), ((found,), Health.WARNING)):
        deployed.put("snapshots/latest.json", replace(aged, server_anomalies=anomalies))
        finding = deployed.examine()["qlik"]
        assert (finding.health, "state up to 11m40s older" in finding.text) == (health, True), finding.text
    for left, expected, words in (
        (ServerHealth(41), Health.OK, "of 1 are known; the first licence ends in 41 days, on s1"),
        (ServerHealth(), Health.OK, "of 1 are known"),
        (ServerHealth(refused=True), Health.WARNING, "may not read licence, disk and memory of s1"),
    ):
        deployed.put("snapshots/latest.json", replace(aged, servers=(replace(aged.servers[0], health=left),)))
        finding = deployed.examine()["servers"]
        assert (finding.health, words in finding.text) == (expected, True), finding.text
    deployed.put("reports/latest.json", report(error="QemUnreachable: certificate verify failed"))
    finding = deployed.examine()["qlik"]
    assert (finding.health, "certificate verify failed" in finding.text) == (Health.FAILED, True)
    # The same snapshot says whether the account may test endpoints: what came of the newest test counts.
    for answer, health, words in (
        (ProbeAnswer.CONNECTED, Health.OK, "may test them; ORA-PROD takes logins, tested 1m"),
        (ProbeAnswer.ERROR, Health.OK, "ORA-PROD does not take logins"),
        (ProbeAnswer.TIMED_OUT, Health.OK, "may test them; ORA-PROD did not answer a test in time"),
        (ProbeAnswer.NOT_PERMITTED, Health.WARNING, "the Qlik account of default may not test endpoints"),
        # Neither proves that it may.
        (ProbeAnswer.FAILED, Health.WARNING, "account may is not known; ORA-PROD could not be tested"),
        (ProbeAnswer.UNKNOWN, Health.WARNING, "account may is not known; ORA-PROD was tested, and"),
        (ProbeAnswer.NOT_FOUND, Health.SKIPPED, "account may is not known; ORA-PROD was not tested"),
    ):
        at = datetime.now(UTC) - timedelta(minutes=1)
        older = Probe(EndpointKey("default", "s1", "PG"), ProbeAnswer.NOT_PERMITTED, at - timedelta(hours=1))
        newest = Probe(EndpointKey("default", "s1", "ORA-PROD"), answer, at)
        deployed.put("snapshots/latest.json", replace(snapshot(), probes=(newest, older)))
        finding = deployed.examine()["endpoints"]
        assert (finding.health, words in finding.text) == (health, True), finding.text


def test_a_clock_that_is_off(deployed: Deployment) -> None:
    for off, health in ((30, Health.OK), (120, Health.WARNING), (400, Health.FAILED), (-400, Health.FAILED)):
        deployed.now = lambda seconds=off: datetime.now(UTC) + timedelta(seconds=seconds)  # type: ignore[misc]
        clock = deployed.examine()["clock"]
        assert clock.health is health
        assert health is Health.OK or ("ahead" if off > 0 else "behind") in clock.text


class Limits:
    """Lambda in an account that may run so many functions at once."""

    def __init__(self, total: int, free: int) -> None:
        self._limits = {"ConcurrentExecutions": total, "UnreservedConcurrentExecutions": free}

    def get_account_settings(self) -> dict[str, Any]:
        return {"AccountLimit": self._limits, "AccountUsage": {}}


def test_an_account_that_may_run_few_functions_at_once(deployed: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    real, limits = AwsConnection.client, Limits(0, 0)
    monkeypatch.setattr(
        AwsConnection, "client", lambda self, service: limits if service == "lambda" else real(self, service)
    )
    for total, free, health in ((1000, 1000, Health.OK), (10, 10, Health.WARNING), (1000, 20, Health.WARNING)):
        limits = Limits(total, free)
        concurrency = deployed.examine()["concurrency"]
        assert concurrency.health is health
        assert concurrency.text.startswith(f"{free} of the account's {total} functions at once are free to use")


def test_runs_that_stopped_or_fail(deployed: Deployment) -> None:
    states = deployed.aws.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=deployed.outputs.state_machine_arn, input="{}")["executionArn"]
    states.stop_execution(executionArn=arn)
    finding = deployed.examine()["last run"]
    assert (finding.health, "none succeeded" in finding.text) == (Health.FAILED, True)
    assert "qlikops show" in finding.hint


def test_a_long_run_that_ended_last_does_not_stand_for_those_that_began_since() -> None:
    def run(name: str, began: int, ended: int) -> Any:
        at = {key: NOON - timedelta(minutes=ago) for key, ago in (("startDate", began), ("stopDate", ended))}
        return {"name": name, "status": "SUCCEEDED", **at}

    health, *said = judge_runs([run("waited", 240, 1), run("newest", 5, 4)], NOON, timedelta(minutes=5))
    assert (health, said) == (Health.OK, ["newest SUCCEEDED, started 5m00s ago"])


def test_a_machine_without_a_keyring_is_told_what_to_do(deployed: Deployment) -> None:
    deployed.keyring = None
    finding = deployed.examine()["keyring"]
    assert (finding.health, "QLIKOPS_QLIK_PASSWORD" in finding.hint) == (Health.SKIPPED, True)


def test_without_a_stack_its_error_is_said_once(fresh_aws: EmbeddedAws) -> None:
    doctor = Doctor(
        connect(fresh_aws),
        lambda: Stack(fresh_aws.client("cloudformation"), "qlikops"),
        lambda: Scheduler(fresh_aws.client("scheduler")),
        Logins(FakeKeyring, "local", {}),
        lambda: datetime.now(UTC),
    )
    found = {finding.check: finding for finding in doctor.examine()}
    assert len(found) == 14
    assert found["identity"].health is Health.OK
    assert found["stack"].health is Health.FAILED
    assert "qlikops deploy" in found["stack"].hint
    skipped = {name for name, finding in found.items() if finding.text == "not checked: needs stack"}
    assert skipped == {
        "permissions",
        "table",
        "schedule",
        "secret",
        "last run",
        "qlik",
        "servers",
        "endpoints",
        "model",
    }
    assert {found[name].health for name in skipped} == {Health.SKIPPED}
    assert not any(found[name].hint for name in skipped)


class Nobody(AwsConnection):
    """The same connection with keys that are no longer good for anything."""

    def caller(self) -> str:
        raise CredentialsProblem("the token has expired", "Sign in.")


def test_without_credentials_nothing_else_is_asked_of_aws(fresh_aws: EmbeddedAws) -> None:
    doctor = Doctor(
        Nobody(connect(fresh_aws)._context),
        lambda: Stack(fresh_aws.client("cloudformation"), "qlikops"),
        lambda: Scheduler(fresh_aws.client("scheduler")),
        Logins(FakeKeyring, "local", {}),
        lambda: datetime.now(UTC),
    )
    first, clock, *others, keyring = doctor.examine()
    assert (first.health, first.text) == (Health.FAILED, "the token has expired")
    assert {finding.text for finding in others} == {"not checked: needs AWS"}
    # It may be the very reason, and takes no credentials to look at.
    assert (clock.check, clock.health) == ("clock", Health.OK)
    assert keyring.health is Health.OK


def test_a_model_is_judged_by_what_it_answered(deployed: Deployment) -> None:
    class Settled(Stack):
        """The same stack with an evaluator that this version may not have yet."""

        def parameters(self) -> dict[str, str]:
            return {"AgentSettings": '{"evaluator": "bedrock"}'}

    outputs = deployed.outputs
    status = LocalConnection(
        deployed.aws.endpoint, REGION, "qlikops", outputs.state_machine_arn, outputs.table, outputs.data_bucket
    )
    connection = AwsConnection(
        Context("local", Settings(region=REGION, endpoint_url=deployed.aws.endpoint), local=status)
    )
    stack = Settled(deployed.aws.client("cloudformation"), "qlikops")
    doctor = Doctor(
        connection, lambda: stack, lambda: deployed.scheduler, Logins(lambda: None, "local", {}), deployed.now
    )

    def model() -> Examined:
        return next(finding for finding in doctor.examine() if finding.check == "model")

    assert model().health is Health.SKIPPED
    failed = Evaluation.unavailable("access denied to the model", "bedrock", "1", datetime.now(UTC))
    for evaluation, health in ((EVALUATION, Health.OK), (failed, Health.WARNING)):
        told = ReportedProposal(proposal(), Status.DENIED, evaluation)
        deployed.put("reports/latest.json", report(proposals=(told,)))
        assert model().health is health
    assert "access denied to the model" in model().text
    older = replace(EVALUATION, evaluator="bedrock", evaluator_version="v1 tool some.model")
    deployed.put("reports/latest.json", report(proposals=(ReportedProposal(proposal(), Status.DENIED, older),)))
    assert model().health is Health.WARNING
    assert "with `tool` instead of `strict_tool`" in model().text
