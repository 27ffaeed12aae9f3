"""Whatever an execution's input is, MonitorTasks gets it as it is, by the definition's own payload."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from qlikops.domain.runs.orders import lift_order, orders_in, read_order
from qlikops.resources import resource
from tests.embedded import EmbeddedAws

ORDER = lift_order("plan-0123456789", "done")
EVENT = {"version": "0", "source": "aws.events", "detail": {"orders": ["not ours"]}}


@pytest.fixture(scope="module")
def machine(embedded_aws: EmbeddedAws) -> str:
    """A state machine that answers with what MonitorTasks would be called with."""
    definition = json.loads(resource("statemachine", "state_machine.json").read_text())
    payload = definition["States"]["MonitorTasks"]["Parameters"]["Payload"]
    passing = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "Parameters": payload, "End": True}}}
    made = embedded_aws.client("stepfunctions").create_state_machine(
        name="payload-of-monitor-tasks", definition=json.dumps(passing), roleArn="arn:aws:iam::000000000000:role/x"
    )
    return str(made["stateMachineArn"])


@pytest.mark.parametrize("given", [{}, [], "text", 7, None, EVENT, {"orders": ["nothing"]}])
def test_any_input_comes_through(embedded_aws: EmbeddedAws, machine: str, given: Any) -> None:
    assert payload_of(embedded_aws, machine, given)["input"] == given


def test_an_order_comes_through_as_it_was_sent(embedded_aws: EmbeddedAws, machine: str) -> None:
    sent = {"orders": [{"order": "lift", "reason": "done", "id": "plan-0123456789"}]}
    payload = payload_of(embedded_aws, machine, sent)
    assert [read_order(each) for each in orders_in(payload["input"])] == [ORDER]
    assert payload.keys() == {"execution_arn", "execution_name", "started_at", "input"}


def payload_of(embedded_aws: EmbeddedAws, machine: str, given: Any) -> dict[str, Any]:
    states = embedded_aws.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"]
    deadline = time.monotonic() + 60
    while (described := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
        assert time.monotonic() < deadline
    found: dict[str, Any] = json.loads(described["output"])
    return found
