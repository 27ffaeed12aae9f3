"""Rates as people write them, and updates that lose nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from qlikops.deployment.schedule import Scheduler, cron_expression, rate_expression
from qlikops.domain.errors import NotFound, UsageError
from tests.embedded import EmbeddedAws
from tests.fakes import Clock
from tests.unit.domain.samples import NOON

MACHINE = "arn:aws:states:eu-west-1:000000000000:stateMachine:QlikMonitoringAgent"
ROLE = "arn:aws:iam::000000000000:role/schedule"


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("5m", "rate(5 minutes)"),
        ("1m", "rate(1 minute)"),
        ("1h", "rate(1 hour)"),
        ("2 hours", "rate(2 hours)"),
        ("1 minute", "rate(1 minute)"),
        ("10 Minutes", "rate(10 minutes)"),
        ("1d", "rate(1 day)"),
        ("rate(15 minutes)", "rate(15 minutes)"),
        (" 7min ", "rate(7 minutes)"),
    ],
)
def test_rates(text: str, expression: str) -> None:
    assert rate_expression(text) == expression


@pytest.mark.parametrize("text", ["", "0m", "-5m", "30s", "5", "five minutes", "1.5h", "1h30m", "5 months", "rate()"])
def test_what_is_no_rate_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        rate_expression(text)
    assert "5m" in caught.value.hint


def test_cron() -> None:
    assert cron_expression("0/10 6-20 ? * MON-FRI *") == "cron(0/10 6-20 ? * MON-FRI *)"
    assert cron_expression("cron(0 6 * * ? *)") == "cron(0 6 * * ? *)"
    with pytest.raises(UsageError):
        cron_expression("*/5 * * * *")


@pytest.fixture
def scheduler(embedded_aws: EmbeddedAws, request: pytest.FixtureRequest) -> Scheduler:
    return Scheduler(embedded_aws.client("scheduler"), request.node.name)


def test_set_pause_resume_remove(scheduler: Scheduler) -> None:
    made = scheduler.set("rate(5 minutes)", target_arn=MACHINE, role_arn=ROLE)
    assert (made.expression, made.timezone, made.enabled, made.target_arn) == ("rate(5 minutes)", "UTC", True, MACHINE)
    assert not scheduler.pause().enabled
    assert scheduler.set("rate(1 hour)", target_arn=MACHINE, role_arn=ROLE).enabled is False
    assert scheduler.resume().expression == "rate(1 hour)"
    scheduler.remove()
    with pytest.raises(NotFound):
        scheduler.show()


def test_nothing_can_be_done_to_what_is_not_there(scheduler: Scheduler) -> None:
    for act in (scheduler.show, scheduler.pause, scheduler.resume, scheduler.remove):
        with pytest.raises(NotFound):
            act()


def test_an_update_keeps_what_others_set(
    scheduler: Scheduler, embedded_aws: EmbeddedAws, request: pytest.FixtureRequest
) -> None:
    client = embedded_aws.client("scheduler")
    theirs = {
        "Name": request.node.name,
        "GroupName": "default",
        "ScheduleExpression": "rate(1 hour)",
        "ScheduleExpressionTimezone": "Europe/Berlin",
        "Description": "ours",
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5},
        "State": "DISABLED",
        "KmsKeyArn": "arn:aws:kms:eu-west-1:000000000000:key/1",
    }
    target = {
        "Arn": "arn:old",
        "RoleArn": "arn:old-role",
        "Input": '{"note": "x"}',
        "DeadLetterConfig": {"Arn": "arn:aws:sqs:eu-west-1:000000000000:dead"},
        "RetryPolicy": {"MaximumRetryAttempts": 1},
    }
    client.create_schedule(**theirs, Target=target)
    scheduler.set("rate(5 minutes)", target_arn=MACHINE, role_arn=ROLE)
    now = client.get_schedule(Name=request.node.name)
    assert {key: now[key] for key in theirs} == {**theirs, "ScheduleExpression": "rate(5 minutes)"}
    assert now["Target"] == {**target, "Arn": MACHINE, "RoleArn": ROLE}


def test_a_pause_ends_by_itself_and_can_be_ended_before(
    embedded_aws: EmbeddedAws, request: pytest.FixtureRequest
) -> None:
    clock = Clock(NOON)
    scheduler = Scheduler(embedded_aws.client("scheduler"), request.node.name, clock.now)
    scheduler.set("rate(5 minutes)", target_arn=MACHINE, role_arn=ROLE)
    paused = scheduler.pause(timedelta(hours=2))
    assert (paused.enabled, paused.paused_until, paused.runs) == (True, NOON + timedelta(hours=2), False)
    assert scheduler.resume().paused_until is None
    scheduler.pause(timedelta(hours=2))
    clock.sleep(7201)
    assert scheduler.show().runs
    # What is over is not sent back: EventBridge refuses a start of long ago.
    scheduler.set("rate(1 hour)", target_arn=MACHINE, role_arn=ROLE)
    assert not embedded_aws.client("scheduler").get_schedule(Name=request.node.name).get("StartDate")


def test_a_pause_for_a_while_survives_a_new_rate(embedded_aws: EmbeddedAws, request: pytest.FixtureRequest) -> None:
    scheduler = Scheduler(embedded_aws.client("scheduler"), request.node.name, Clock(NOON).now)
    scheduler.set("rate(5 minutes)", target_arn=MACHINE, role_arn=ROLE)
    scheduler.pause(timedelta(hours=2))
    changed = scheduler.set("rate(1 hour)", target_arn=MACHINE, role_arn=ROLE, dead_letter_arn="arn:aws:sqs:q")
    assert changed.paused_until == NOON + timedelta(hours=2)
    target = embedded_aws.client("scheduler").get_schedule(Name=request.node.name)["Target"]
    assert target["DeadLetterConfig"] == {"Arn": "arn:aws:sqs:q"}
