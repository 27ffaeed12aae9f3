"""What waits is told again: half way, near its end, and as its point of no return comes near; each once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from qlikops.agent.steps.reminding import Reminders, due
from qlikops.agent.tell.events import ApprovalReminder, Reason
from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.point_of_no_return import PointOfNoReturn
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import Claim, ProposalRecord, Reminded, Status
from tests.unit.agent.fakes import START, group
from tests.unit.agent.faults import Killed, Wire
from tests.unit.agent.machine import MACHINE
from tests.unit.agent.night import Night, falling_over, night, wired_night
from tests.unit.agent.pager import Pager
from tests.unit.agent.story import faults_of

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
ESCALATION = "arn:aws:sns:eu-west-1:000000000000:second"
ANNA = "arn:aws:sts::1:assumed-role/ops/anna"
NEVER_UP = falling_over(HOUR, times=0)
REMINDING = "Reminding"


def asks(nights: Night) -> None:
    """The first run, which goes on for as long as its question waits."""
    nights.approves = False
    nights.run()
    nights.agent.states.statuses[f"{MACHINE}:run-1"] = "RUNNING"


@pytest.fixture
def nights() -> Iterator[Night]:
    with night(NEVER_UP, escalation_topic_arn=ESCALATION) as nights:
        asks(nights)
        yield nights


def reminders(nights: Night) -> list[str]:
    return [each["reason"] for each in nights.agent.events.details if each["event"] == "ApprovalReminder"]


def escalated(nights: Night) -> list[str]:
    return [each["Subject"] for each in nights.agent.sns.messages if each["TopicArn"] == ESCALATION]


def claim(nights: Night, until: datetime) -> None:
    """As a console writes it."""
    nights.agent.aws.client("dynamodb").update_item(
        TableName=nights.agent.table,
        Key={"pk": {"S": keys.approval_partition(nights.asked[0].approval_id)}, "sk": {"S": keys.RECORD}},
        UpdateExpression="SET #claim = :claim",
        ExpressionAttributeNames={"#claim": Attribute.CLAIM},
        ExpressionAttributeValues={":claim": {"S": codec.dumps(Claim(ANNA, until))}},
    )


def test_what_nobody_answers_is_told_again_half_way_and_near_the_end(nights: Night) -> None:
    nights.live(115 * MINUTE)
    assert reminders(nights) == []
    nights.live(10 * MINUTE)
    assert reminders(nights) == ["half_of_its_time"]
    nights.live(110 * MINUTE)

    assert reminders(nights) == ["half_of_its_time", "most_of_its_time"]
    assert escalated(nights) == ["qlikops: still waiting: resume replicate-1/orders"] * 2
    last = nights.told_of("still waiting")[-1]
    assert last.startswith("Not answered yet: 80% of the time for an answer is over. Nobody has claimed it.\n")
    assert f"\nqlikops show {nights.asked[0].approval_id}" in last
    pager = Pager(nights.agent.events.details)
    assert list(pager.rang.values()) == [1]


def test_what_somebody_has_claimed_is_told_again_and_not_escalated(nights: Night) -> None:
    claim(nights, START + 3 * HOUR)
    nights.clock.sleep(2 * 3600)
    nights.run()
    assert (reminders(nights), escalated(nights)) == (["half_of_its_time"], [])
    assert "Somebody is looking at it." in nights.told_of("still waiting")[0]

    nights.clock.sleep(1.5 * 3600)
    nights.run()
    assert len(reminders(nights)) == len(escalated(nights)) + 1 == 2


def test_who_was_woken_hears_of_the_end(nights: Night) -> None:
    nights.clock.sleep(2 * 3600 + 60)
    nights.run()
    item = {"proposal": {"proposal_id": nights.asked[0].approval_id}}
    nights.agent.record(item, {"status": "denied", "decision": {"approved": False}})

    assert escalated(nights)[-1] == "qlikops: denied: replicate-1/orders"


def test_after_a_long_silence_one_reminder_says_it_all(nights: Night) -> None:
    nights.clock.sleep(3.5 * 3600)
    nights.run()
    nights.run()
    assert reminders(nights) == ["most_of_its_time"]


def test_runs_at_the_same_time_tell_again_once(nights: Night) -> None:
    nights.clock.sleep(2 * 3600 + 60)
    waiting = [stored.approval for stored in nights.ledger.records([nights.asked[0].approval_id])]
    nights.run()
    Reminders(nights.ledger, nights.agent.services.notifier, nights.clock).tell(waiting)
    assert reminders(nights) == ["half_of_its_time"]


def test_a_reminder_that_the_topic_did_not_take_is_tried_by_the_next_run(nights: Night) -> None:
    nights.clock.sleep(2 * 3600 + 60)
    nights.agent.sns.broken = True
    nights.run()
    nights.agent.sns.broken = False
    assert nights.told_of("still waiting") == []
    nights.live(15 * MINUTE)
    assert len(nights.told_of("still waiting")) == 2  # to both topics
    record = nights.again(0)
    assert record.reminded
    assert (record.reminded.reasons, record.reminded.telling_since) == (("half_of_its_time",), None)


def test_what_ends_while_it_is_told_again_is_closed_even_if_the_mark_cannot_be_written(nights: Night) -> None:
    nights.clock.sleep(2 * 3600 + 60)
    (waiting,) = [stored.approval for stored in nights.ledger.records([nights.asked[0].approval_id])]
    notifier = nights.agent.services.notifier

    def tell_as_it_ends(event: ApprovalReminder, *, escalates: bool) -> bool:
        item = {"proposal": {"proposal_id": waiting.approval_id}}
        nights.agent.record(item, {"status": "denied", "decision": {"approved": False}})
        return notifier.tell(event, escalates=escalates)

    def save_but_the_second(approval: ProposalRecord, reminded: Reminded) -> bool:
        if reminded.telling_since is None:
            raise PermissionError("the policy was changed")
        return nights.ledger.save_reminded(approval, reminded)

    ledger: Any = SimpleNamespace(record=nights.ledger.record, save_reminded=save_but_the_second)
    teller: Any = SimpleNamespace(tell=tell_as_it_ends, closed=notifier.closed)
    Reminders(ledger, teller, nights.clock).tell([waiting])

    assert reminders(nights) == ["half_of_its_time"]
    assert not Pager(nights.agent.events.details).open


def test_one_that_cannot_be_told_of_stops_neither_the_others_nor_the_run(nights: Night) -> None:
    nights.clock.sleep(2 * 3600 + 60)
    (waiting,) = [stored.approval for stored in nights.ledger.records([nights.asked[0].approval_id])]
    later_version = Reminded(("a_reason_of_a_later_version",), telling_since=START)
    assert nights.ledger.save_reminded(waiting, later_version)
    other = replace(waiting, reminded=later_version, deadline=START + 24 * HOUR)
    reminders_ = Reminders(nights.ledger, nights.agent.services.notifier, nights.clock)
    reminders_.tell([other])
    assert reminders(nights) == []


@pytest.mark.parametrize(("left", "told"), [(7 * HOUR, []), (80 * MINUTE, [Reason.POINT_OF_NO_RETURN]), (-MINUTE, [])])
def test_what_soon_cannot_be_resumed_is_told_again(left: timedelta, told: list[Reason]) -> None:
    retention = 8 * HOUR
    point = PointOfNoReturn("ORA", START + left - retention, int(retention.total_seconds()))
    proposal = replace(group(1), point_of_no_return=point)
    waiting = ProposalRecord(proposal, Status.WAITING, START, requested_at=START, deadline=START + 4 * HOUR)
    assert list(due(waiting, START)) == told
    assert list(due(waiting, START + 4 * HOUR)) == []
    text = ApprovalReminder.of(waiting, Reason.POINT_OF_NO_RETURN, START, is_claimed=False).text
    assert ("\nA resume is possible until about " in text) is (left > MINUTE)


@contextmanager
def due_soon() -> Iterator[tuple[Night, Wire]]:
    """A question whose time is half over; the next run tells of it again."""
    with wired_night(NEVER_UP, escalation_topic_arn=ESCALATION) as (nights, wire):
        nights.agent.aws.client("sns").create_topic(Name="t")
        asks(nights)
        nights.clock.sleep(2 * 3600 + 60)
        yield nights, wire


def told_again(nights: Night, wire: Wire) -> int:
    """How often the topic took it, after that run, once more if it fails, and the next two."""
    wire.state = REMINDING
    for name in ("run-2", "run-2", "run-3", "run-4"):
        try:
            nights.agent.monitor(name)
        except (Exception, Killed):
            assert wire.fired, "it failed by itself"
        if name == "run-2":
            nights.clock.sleep(5)
        else:
            nights.clock.sleep(300)
        wire.state = "later"
    record = nights.again(0)
    assert record.reminded
    assert (record.reminded.reasons, record.reminded.telling_since) == (("half_of_its_time",), None)
    messages = [message for _, message in nights.agent.aws.client("sns")._model.published]
    return sum("still waiting" in each["Subject"] and each["TopicArn"] != ESCALATION for each in messages)


def test_each_call_fails_once_while_it_is_told_again() -> None:
    with due_soon() as (nights, wire):
        assert told_again(nights, wire) == 1
        calls = list(wire.calls)
    assert [call.name for call in calls if call.state == REMINDING].count("Publish") == 2
    for call, fault in faults_of(calls, REMINDING):
        with due_soon() as (nights, wire):
            wire.fault = (call, fault)
            try:
                # Who dies once it has gone out, or cannot say that it has, leaves it to be told twice.
                assert told_again(nights, wire) in (1, 2)
                assert wire.fired
            except AssertionError as exc:
                raise AssertionError(f"{call} {fault}: {exc}") from exc
