"""The schedule behind its port, on the embedded EventBridge Scheduler and Step Functions."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from qlikops.aws.schedule import DEFAULT_SCHEDULE, StackSchedules
from qlikops.domain.errors import AccessDenied, NotFound
from tests.embedded import ACCOUNT, EmbeddedAws
from tests.unit.agent.fakes import START, FakeClock
from tests.unit.aws.conftest import FakeConnection

ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"


@pytest.fixture
def schedules(embedded_aws: EmbeddedAws, connection: FakeConnection, clock: FakeClock) -> StackSchedules:
    connection.scheduler, connection.stepfunctions = (
        embedded_aws.client("scheduler"),
        embedded_aws.client("stepfunctions"),
    )
    return StackSchedules(connection, clock)


def test_paused_and_resumed_with_the_last_run(
    schedules: StackSchedules, connection: FakeConnection, embedded_aws: EmbeddedAws
) -> None:
    with pytest.raises(NotFound):
        schedules.status()
    definition = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
    machine = embedded_aws.client("stepfunctions").create_state_machine(
        name="scheduled", definition=json.dumps(definition), roleArn=ROLE
    )["stateMachineArn"]
    connection.scheduler.create_schedule(
        Name=DEFAULT_SCHEDULE,
        GroupName="default",
        ScheduleExpression="rate(1 hour)",
        FlexibleTimeWindow={"Mode": "OFF"},
        State="ENABLED",
        Target={"Arn": machine, "RoleArn": ROLE, "Input": "{}"},
    )
    assert schedules.status().last_run is None
    started = connection.stepfunctions.start_execution(stateMachineArn=machine, input="{}")["startDate"]
    found = schedules.pause(timedelta(hours=2))
    assert found.last_run == started
    assert found.schedule.paused_until == found.next_run == START + timedelta(hours=2)
    assert schedules.resume().schedule.runs
    assert schedules.pause().next_run is None
    read_only = StackSchedules(replace(connection, read_only=True), FakeClock())
    with pytest.raises(AccessDenied):
        read_only.resume()
    assert not read_only.status().schedule.enabled
    connection.scheduler.delete_schedule(Name=DEFAULT_SCHEDULE, GroupName="default")
