"""Events by AWS's service model: newest first on the wire, by id for us."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from qlikops.aws import history
from qlikops.aws.history import events_after
from tests.embedded import REGION
from tests.unit.domain.samples import NOON

ARN = "arn:aws:states:eu-west-1:111111111111:execution:m:run-1"


def event(number: int) -> dict[str, Any]:
    at = NOON + timedelta(seconds=number)
    entered = {"name": "Look", "input": "x" * 10}
    return {"id": number, "type": "PassStateEntered", "timestamp": at, "stateEnteredEventDetails": entered}


@pytest.fixture
def stepfunctions() -> Iterator[tuple[Any, Stubber]]:
    client = boto3.client("stepfunctions", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        yield client, stub
        stub.assert_no_pending_responses()


def test_all_pages_are_read_and_older_payloads_left_out_of_a_huge_history(
    stepfunctions: tuple[Any, Stubber], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, stub = stepfunctions
    first = {"executionArn": ARN, "reverseOrder": True, "maxResults": 1000}
    stub.add_response("get_execution_history", {"events": [event(3), event(2)], "nextToken": "more"}, first)
    stub.add_response("get_execution_history", {"events": [event(1)]}, {**first, "nextToken": "more"})
    monkeypatch.setattr(history, "_PAYLOADS_KEPT", 15)

    found = events_after(client, ARN, 0)

    assert [each.id for each in found] == [1, 2, 3]
    assert [each.details["input"] == "x" * 10 for each in found] == [False, True, True]


def test_only_what_is_new_is_asked_for(stepfunctions: tuple[Any, Stubber]) -> None:
    client, stub = stepfunctions
    expected = {"executionArn": ARN, "reverseOrder": True, "maxResults": 100}
    stub.add_response("get_execution_history", {"events": [event(3), event(2), event(1)]}, expected)

    assert [each.id for each in events_after(client, ARN, 2)] == [3]
