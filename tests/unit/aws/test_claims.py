"""Claims and brakes as DynamoDB takes them, beside a workflow that moves the record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest

from qlikops.aws.claims import brake_of, write_claim
from qlikops.aws.session import Connection
from qlikops.domain.proposals.approval import Claim

NOON = datetime(2026, 3, 7, 12, tzinfo=UTC)
CONFLICT, CHECK = "TransactionConflictException", "ConditionalCheckFailedException"


class Table:
    """DynamoDB that answers one write after another with these errors, then takes one."""

    def __init__(self, *codes: str) -> None:
        self.exceptions: Any = boto3.client("dynamodb", "eu-west-1").exceptions
        self.codes, self.conditions = list(codes), list[str]()

    def update_item(self, **request: Any) -> None:
        self.conditions.append(request["ConditionExpression"])
        if self.codes:
            reply = {"Error": {"Code": (code := self.codes.pop(0)), "Message": "no"}}
            raise self.exceptions.from_code(code)(reply, "UpdateItem")


@pytest.mark.parametrize(
    ("codes", "written", "pauses"),
    [((), True, 0), ((CONFLICT,), True, 1), ((CONFLICT, CHECK), False, 1), ((CHECK,), False, 0)],
)
@pytest.mark.parametrize("brake", [True, False])
def test_a_record_that_moves_is_tried_again(codes: tuple[str, ...], written: bool, pauses: int, brake: bool) -> None:
    table, slept = Table(*codes), list[float]()
    connection = cast("Connection", SimpleNamespace(dynamodb=table, resources=SimpleNamespace(table="ledger")))
    assert write_claim(connection, "0123456789ab", Claim("anna", NOON, brake=brake), slept.append) is written
    assert len(slept) == pauses
    assert {"#pk" in condition for condition in table.conditions} == {brake}


def test_one_that_moves_on_and_on_is_an_error() -> None:
    table = Table(*[CONFLICT] * 5)
    connection = cast("Connection", SimpleNamespace(dynamodb=table, resources=SimpleNamespace(table="ledger")))
    with pytest.raises(table.exceptions.TransactionConflictException):
        write_claim(connection, "0123456789ab", Claim("anna", NOON), lambda _: None)


def test_a_brake_does_not_run_out_and_is_no_claim_for_ever_to_versions_that_know_none() -> None:
    brake = brake_of("arn:aws:iam::1:user/ann", NOON)
    assert brake.brake
    assert NOON < brake.until <= NOON + timedelta(hours=2)
