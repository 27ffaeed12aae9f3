"""The schedule behind its port, on the embedded EventBridge Scheduler and Step Functions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from qlikops.aws.schedule import DEFAULT_SCHEDULE, StackSchedules
from qlikops.domain.errors import AccessDenied, NotFound, UsageError
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


def end_by_hand(client: Any, end: datetime) -> None:
    """As the AWS console does it: qlikops sets no end."""
    found = client.get_schedule(Name=DEFAULT_SCHEDULE, GroupName="default")
    shape = client.meta.service_model.operation_model("UpdateSchedule").input_shape
    client.update_schedule(**{**{key: found[key] for key in shape.members if key in found}, "EndDate": end})


@pytest.fixture
def scheduled(schedules: StackSchedules, connection: FakeConnection, embedded_aws: EmbeddedAws) -> Iterator[str]:
    """A schedule of a machine that has never run; the machine."""
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
    yield machine
    connection.scheduler.delete_schedule(Name=DEFAULT_SCHEDULE, GroupName="default")
    connection.stepfunctions.delete_state_machine(stateMachineArn=machine)


def test_paused_and_resumed_with_the_last_run(
    schedules: StackSchedules, connection: FakeConnection, scheduled: str
) -> None:
    assert schedules.status().last_run is None
    started = connection.stepfunctions.start_execution(stateMachineArn=scheduled, input="{}")["startDate"]
    found = schedules.pause(timedelta(hours=2))
    assert found.last_run == started
    assert found.schedule.paused_until == found.next_run == START + timedelta(hours=2)
    assert schedules.resume().schedule.runs
    assert schedules.pause().next_run is None
    read_only = StackSchedules(replace(connection, read_only=True), FakeClock())
    with pytest.raises(AccessDenied):
        read_only.resume()
    assert not read_only.status().schedule.enabled


class Listing:
    """Step Functions with one run that ended last and one that began last."""

    def list_executions(self, **_: Any) -> dict[str, Any]:
        began = (START - timedelta(hours=4), START - timedelta(minutes=5))
        return {"executions": [{"name": f"run-{number}", "startDate": at} for number, at in enumerate(began)]}


@pytest.mark.usefixtures("scheduled")
def test_the_last_run_is_the_one_that_began_last(
    schedules: StackSchedules, connection: FakeConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "stepfunctions", Listing())
    assert schedules.status().last_run == START - timedelta(minutes=5)


@pytest.mark.usefixtures("scheduled")
def test_an_end_that_somebody_set_is_known_kept_and_lifted_once_it_is_over(
    schedules: StackSchedules, connection: FakeConnection, clock: FakeClock
) -> None:
    end = START + timedelta(hours=3)
    end_by_hand(connection.scheduler, end)
    assert schedules.pause(timedelta(hours=2)).schedule.ends_at == end
    found = schedules.resume()
    assert (found.schedule.ends_at, found.schedule.runs) == (end, True)
    with pytest.raises(UsageError, match="ends 2026"):
        schedules.pause(timedelta(hours=3))
    clock.now += timedelta(hours=2, minutes=30)
    assert schedules.status().next_run is None
    clock.now = end
    found = schedules.status()
    assert (found.schedule.has_ended, found.schedule.runs, found.next_run) == (True, False, None)
    with pytest.raises(UsageError):
        schedules.pause()
    found = schedules.resume()
    assert (found.schedule.ends_at, found.schedule.runs) == (None, True)


def test_without_a_clock_the_time_is_this_machines(connection: FakeConnection, scheduled: str) -> None:
    found = StackSchedules(connection).status()
    assert found.schedule.target_arn == scheduled
    assert found.next_run is not None
    assert found.next_run > datetime.now(UTC)
