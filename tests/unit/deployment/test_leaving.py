"""What the embedded AWS does not do: tables that take a while to change, machines that take a while to go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from qlikops.deployment.data import DataStore, DataStores, StoreKind
from qlikops.deployment.errors import DeploymentError
from qlikops.deployment.executions import RunningExecutions
from qlikops.deployment.settling import Patience

MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:QlikMonitoringAgent"
EXECUTION = MACHINE.replace("stateMachine", "execution") + ":run-1"
TABLE = DataStore(StoreKind.LEDGER, "ledger")


@dataclass
class Waits:
    """A clock that only sleeping moves, and what was said."""

    now: float = 0.0
    said: list[str] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def patience(self) -> Patience:
        return Patience(self.sleep, lambda: self.now, self.said.append)


@pytest.fixture
def waits() -> Waits:
    return Waits()


def client(service: str) -> Any:
    return boto3.client(service, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")  # type: ignore[call-overload]


def table(stub: Stubber, status: str, *, protected: bool = True) -> None:
    described = {"Table": {"TableStatus": status, "DeletionProtectionEnabled": protected}}
    stub.add_response("describe_table", described, {"TableName": "ledger"})


def stores(dynamodb: Any, waits: Waits) -> DataStores:
    return DataStores(dynamodb, None, None, stack="s", artifact_bucket="a", patience=waits.patience())  # type: ignore[arg-type]


def test_a_table_is_deleted_once_it_is_active_again(waits: Waits) -> None:
    dynamodb = client("dynamodb")
    with Stubber(dynamodb) as stub:
        table(stub, "UPDATING")
        table(stub, "ACTIVE")
        stub.add_response("update_table", {}, {"TableName": "ledger", "DeletionProtectionEnabled": False})
        table(stub, "UPDATING", protected=False)
        table(stub, "ACTIVE", protected=False)
        # Its index is still changing, which the table's status does not say.
        stub.add_client_error("delete_table", "ResourceInUseException")
        table(stub, "ACTIVE", protected=False)
        stub.add_response("delete_table", {}, {"TableName": "ledger"})
        table(stub, "DELETING", protected=False)
        stub.add_client_error("describe_table", "ResourceNotFoundException")
        stores(dynamodb, waits).remove(TABLE)
        stub.assert_no_pending_responses()
    assert waits.said == [
        "Waiting, 0s so far: the table ledger is UPDATING …",
        "Deleted the table ledger in 12s.",
    ]


def test_a_table_that_goes_already_is_waited_for_and_not_touched(waits: Waits) -> None:
    dynamodb = client("dynamodb")
    with Stubber(dynamodb) as stub:
        table(stub, "DELETING")
        stub.add_client_error("describe_table", "ResourceNotFoundException")
        stores(dynamodb, waits).remove(TABLE)
        stub.assert_no_pending_responses()


def listed(stub: Stubber, *arns: str) -> None:
    executions = [
        {"executionArn": arn, "stateMachineArn": MACHINE, "name": "n", "status": "RUNNING", "startDate": 0}
        for arn in arns
    ]
    stub.add_response(
        "list_executions", {"executions": executions}, {"stateMachineArn": MACHINE, "statusFilter": "RUNNING"}
    )


def test_executions_are_stopped_once_and_waited_for(waits: Waits) -> None:
    states = client("stepfunctions")
    with Stubber(states) as stub:
        listed(stub, EXECUTION, f"{EXECUTION}2")
        stub.add_response("stop_execution", {"stopDate": 0})
        stub.add_client_error("stop_execution", "ExecutionDoesNotExist")
        listed(stub, EXECUTION)
        listed(stub)
        RunningExecutions(states, waits.patience()).stop(MACHINE)
        stub.assert_no_pending_responses()
    assert waits.said == ["Waiting, 0s so far: 2 executions still run …", "Stopped 2 executions in 4s."]


def test_a_machine_that_is_still_being_deleted_is_waited_for(waits: Waits) -> None:
    states = client("stepfunctions")
    machine = {"stateMachineArn": MACHINE, "name": "n", "definition": "{}", "roleArn": "r", "type": "STANDARD"}
    with Stubber(states) as stub:
        for _ in range(2):
            stub.add_response("describe_state_machine", {**machine, "status": "DELETING", "creationDate": 0})
        stub.add_client_error("describe_state_machine", "StateMachineDoesNotExist")
        RunningExecutions(states, waits.patience()).await_end_of(MACHINE)
        stub.assert_no_pending_responses()
    assert waits.said == ["Waiting, 0s so far: the state machine is DELETING …"]


def test_a_wait_has_an_end_and_says_now_and_then_how_long_it_is(waits: Waits) -> None:
    with pytest.raises(DeploymentError, match="gave up after 10m02s: it hangs") as caught:
        waits.patience().until(lambda: "it hangs")
    assert "qlikops destroy" in caught.value.hint
    assert 30 <= len(waits.said) <= 41
    assert waits.said[1].startswith("Waiting, 16s so far")


class Versions:
    """A bucket into which a function writes once more while it is emptied."""

    meta = client("s3").meta

    def __init__(self, pages: Sequence[list[str]], errors: Sequence[dict[str, str]] = ()) -> None:
        self.pages = list(pages)
        self.errors = list(errors)
        self.deleted: list[str] = []
        self.gone = False

    def head_bucket(self, **_: str) -> None:
        assert not self.gone

    def get_paginator(self, _: str) -> Versions:
        return self

    def paginate(self, **_: str) -> Iterator[dict[str, Any]]:
        yield {"Versions": [{"Key": key, "VersionId": "1"} for key in self.pages.pop(0)]}

    def delete_objects(self, Delete: dict[str, Any], **_: Any) -> dict[str, Any]:  # noqa: N803 - boto3's names
        self.deleted += [each["Key"] for each in Delete["Objects"]]
        return {"Errors": self.errors}

    def delete_bucket(self, **_: str) -> None:
        if self.pages:
            error: Any = {"Error": {"Code": "BucketNotEmpty"}, "ResponseMetadata": {"HTTPStatusCode": 409}}
            raise boto3.client("s3", region_name="eu-west-1").exceptions.ClientError(error, "DeleteBucket")
        self.gone = True


BUCKET = DataStore(StoreKind.DATA, "b")


def test_a_bucket_that_is_written_to_meanwhile_is_emptied_again(waits: Waits) -> None:
    s3 = Versions([["a"], ["late"]])
    DataStores(None, s3, None, stack="s", artifact_bucket="a", patience=waits.patience()).remove(BUCKET)  # type: ignore[arg-type]
    assert (s3.deleted, s3.gone) == (["a", "late"], True)


def test_an_object_that_may_not_be_deleted_is_named(waits: Waits) -> None:
    s3 = Versions([["a"]], [{"Key": "a", "Code": "AccessDenied", "Message": "no"}])
    with pytest.raises(DeploymentError, match="a in the bucket b cannot be deleted: AccessDenied"):
        DataStores(None, s3, None, stack="s", artifact_bucket="a", patience=waits.patience()).remove(BUCKET)  # type: ignore[arg-type]
