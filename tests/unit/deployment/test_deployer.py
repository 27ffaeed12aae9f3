"""One release on a real CloudFormation: planned, discarded, applied, applied again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from qlikops.deployment.artifact_bucket import ArtifactStore
from qlikops.deployment.changes import ChangeKind
from qlikops.deployment.deployer import Deployer, Release, build_release
from qlikops.deployment.errors import DeploymentError
from qlikops.deployment.stack import Stack, Template
from qlikops.domain.errors import NotFound
from tests.embedded import ACCOUNT, REGION, EmbeddedAws

PARAMETERS = {"AgentSettings": '{"evaluator": "rules"}', "TableDeletionProtection": "false"}


@pytest.fixture
def deployer(embedded_aws: EmbeddedAws) -> Deployer:
    stack = Stack(embedded_aws.client("cloudformation"), "qlikops", poll_seconds=0.05)
    return Deployer(stack, ArtifactStore(embedded_aws.client("s3"), account=ACCOUNT, region=REGION))


@pytest.fixture
def release() -> Release:
    return build_release(PARAMETERS, approval_timeout_seconds=60)


def test_from_nothing_to_deployed_to_changed(deployer: Deployer, release: Release, embedded_aws: EmbeddedAws) -> None:
    cloudformation, s3 = embedded_aws.client("cloudformation"), embedded_aws.client("s3")

    # A plan alone leaves nothing behind: no stack, no bucket.
    before = s3.list_buckets()["Buckets"]
    plan = deployer.plan(release)
    assert plan.creates_stack
    assert {change.kind for change in plan.changes} == {ChangeKind.ADD}
    assert sum(change.is_iam for change in plan.changes) == 11
    deployer.stack.discard(plan)
    with pytest.raises(NotFound):
        deployer.stack.outputs()
    assert s3.list_buckets()["Buckets"] == before

    events = list(deployer.apply(deployer.plan(release), release))
    assert events[-1].status == "CREATE_COMPLETE"
    outputs = deployer.stack.outputs()
    assert outputs.state_machine_arn.endswith(":stateMachine:QlikMonitoringAgent")
    states = embedded_aws.client("stepfunctions")
    definition = states.describe_state_machine(stateMachineArn=outputs.state_machine_arn)["definition"]
    assert "${" not in definition
    assert "$$.Task.Token" in definition
    assert f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:QlikMonitor-RequestApproval" in definition
    table = embedded_aws.client("dynamodb").describe_table(TableName=outputs.table)["Table"]
    (index,) = table["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "inbox"
    assert index["Projection"] == {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["row", "claim"]}

    # The same again is no change, and says so.
    assert deployer.plan(release).is_empty
    left = cloudformation.list_change_sets(StackName="qlikops")["Summaries"]
    assert [change_set for change_set in left if change_set["Status"] == "FAILED"] == []

    # Another definition changes the machine only; what is not given stays.
    other = build_release({}, approval_timeout_seconds=90)
    plan = deployer.plan(other)
    assert [(change.logical_id, change.kind) for change in plan.changes] == [("StateMachine", ChangeKind.CHANGE)]
    assert list(deployer.apply(plan, other))
    settings = embedded_aws.client("lambda").get_function_configuration(FunctionName="QlikMonitor-MonitorTasks")
    assert json.loads(settings["Environment"]["Variables"]["QLIKOPS_SETTINGS"]) == {"evaluator": "rules"}
    assert settings["Handler"] == "qlikops.agent.handlers.monitor_tasks.handler"


def test_the_artifact_bucket_is_private_encrypted_versioned_and_tls_only(embedded_aws: EmbeddedAws) -> None:
    s3 = embedded_aws.client("s3")
    store = ArtifactStore(s3, account=ACCOUNT, region=REGION)
    store.ensure()
    store.ensure()
    assert all(s3.get_public_access_block(Bucket=store.bucket)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_versioning(Bucket=store.bucket)["Status"] == "Enabled"
    assert s3.get_bucket_encryption(Bucket=store.bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=store.bucket)["Policy"])["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_an_artifact_is_uploaded_once(embedded_aws: EmbeddedAws, release: Release) -> None:
    s3 = embedded_aws.client("s3")
    store = ArtifactStore(s3, account=ACCOUNT, region=REGION)
    store.ensure()
    store.put(release.bundle)
    store.put(release.bundle)
    versions = s3.list_object_versions(Bucket=store.bucket, Prefix=release.bundle.key)["Versions"]
    assert len(versions) == 1


class ForeignBucket:
    """S3 where the name is taken by another account."""

    def head_bucket(self, **_: str) -> None:
        raise ClientError({"Error": {"Code": "403"}, "ResponseMetadata": {"HTTPStatusCode": 403}}, "HeadBucket")  # type: ignore[typeddict-item]


def test_a_bucket_of_another_account_is_never_used() -> None:
    store = ArtifactStore(ForeignBucket(), account=ACCOUNT, region=REGION)  # type: ignore[arg-type]
    with pytest.raises(DeploymentError, match="cannot be used"):
        store.ensure()


SMALL = Template('{"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}')


def small_stack(aws: EmbeddedAws, name: str, age: timedelta = timedelta(0)) -> Stack:
    return Stack(aws.client("cloudformation"), name, poll_seconds=0.05, now=lambda: datetime.now(UTC) + age)


def change_sets(aws: EmbeddedAws, stack: str) -> list[str]:
    return [each["ChangeSetId"] for each in aws.client("cloudformation").list_change_sets(StackName=stack)["Summaries"]]


def test_after_a_killed_first_run_the_next_one_clears_up_and_creates(embedded_aws: EmbeddedAws) -> None:
    killed = small_stack(embedded_aws, "killed").plan(SMALL, {})
    # A parallel run within the hour keeps it: somebody may sit before it.
    parallel = small_stack(embedded_aws, "killed").plan(SMALL, {})
    assert {killed.change_set, parallel.change_set} == set(change_sets(embedded_aws, "killed"))
    later = small_stack(embedded_aws, "killed", timedelta(hours=2))
    plan = later.plan(SMALL, {})
    assert change_sets(embedded_aws, "killed") == [plan.change_set]
    assert [event.status for event in later.apply(plan)][-1] == "CREATE_COMPLETE"


def test_of_two_runs_with_a_plan_each_only_one_is_applied(embedded_aws: EmbeddedAws) -> None:
    first, second = (small_stack(embedded_aws, "parallel") for _ in range(2))
    plans = first.plan(SMALL, {}), second.plan(SMALL, {})
    list(first.apply(plans[0]))
    with pytest.raises(DeploymentError, match="nothing of it was applied"):
        list(second.apply(plans[1]))
    assert second.plan(SMALL, {}).is_empty


def test_a_template_too_large_for_a_request_goes_through_the_bucket(
    release: Release, embedded_aws: EmbeddedAws
) -> None:
    store = ArtifactStore(embedded_aws.client("s3"), account=ACCOUNT, region=REGION)
    stack = Stack(embedded_aws.client("cloudformation"), "large", poll_seconds=0.05)
    large = Deployer(stack, store, inline_bytes=1000)
    plan = large.plan(release)
    assert "MonitorTasks" in {change.logical_id for change in plan.changes}
    large.stack.discard(plan)
    assert embedded_aws.client("s3").head_object(Bucket=store.bucket, Key=release.template.key)
