"""Both channels: what each takes, what is harmless in a chat, and that one that fails stops nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.parsers import ResponseParserError

from qlikops.agent.config import NotificationFormat
from qlikops.agent.remember.run import Run
from qlikops.agent.tell import events as told
from qlikops.agent.tell.event import Event
from qlikops.agent.tell.events import ApprovalRequested, MonitoringFailed, MonitoringRecovered
from qlikops.agent.tell.notify import MOST_ENTRIES, PAUSE_SECONDS
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.proposals.approval import Outcome, ProposalRecord, Status
from qlikops.domain.proposals.evaluation import Evaluation
from tests.event_schemas import examples
from tests.unit.agent.fakes import ARN, START, FakeEvents, FakeSns, group, notifier, proposal

HOUR = timedelta(hours=1)
RUN = Run(ARN, "run-1", "2026-03-07T03:00:00.000Z")
EXAMPLES = examples()
WAITING = ProposalRecord(group(1), Status.WAITING, START, requested_at=START, deadline=START + HOUR)


def hostile(size: int = 500) -> Event:
    """An event with all that names and texts from outside may hold, as long as they may be."""
    names = [TaskKey(f"i{n}{'訂' * 200}", f"s{n}<!channel>`", f"t{n}\x1b[31m{'&' * 900}") for n in range(size)]
    made = replace(
        proposal("0123456789ab", *names, title="*x* <http://e|y>"), tags=tuple(f"{n}" * 200 for n in range(40))
    )
    waiting = ProposalRecord(made, Status.WAITING, START, requested_at=START, deadline=START + timedelta(hours=1))
    return told.ApprovalRequested.of(waiting, START)


def test_ten_events_fit_one_call_whatever_is_in_them() -> None:
    events = FakeEvents()
    notifier(events=events).tell(*[hostile()] * (MOST_ENTRIES + 1))
    assert sum(len(entry["Detail"].encode()) for entry in events.put[:MOST_ENTRIES]) < 200_000
    assert {(entry["Source"], entry["DetailType"]) for entry in events.put} == {("qlikops", "ApprovalRequested")}
    assert len(events.put) == MOST_ENTRIES + 1


@pytest.mark.parametrize("event", [*EXAMPLES.values(), hostile()], ids=[*EXAMPLES, "hostile"])
def test_a_message_says_what_filters_go_by(event: Event) -> None:
    sns = FakeSns()
    notifier(sns).tell(event)
    attributes = sns.messages[0]["MessageAttributes"]
    assert len(attributes) <= 10
    for name, each in attributes.items():
        assert each["StringValue"], name
        several = json.loads(each["StringValue"]) if each["DataType"] == "String.Array" else [each["StringValue"]]
        assert all(several)
    said = {name: each["StringValue"] for name, each in attributes.items()}
    assert (said["event"], said["state"], said["dedup_key"]) == (event.name, event.STATE, event.dedup_key)


def test_several_findings_are_one_message_and_as_json_one_each() -> None:
    opened = EXAMPLES["FindingOpened"]
    other = replace(opened, dedup_key="other", severity=opened.severity.raised)
    for form, count in ((NotificationFormat.TEXT, 1), (NotificationFormat.JSON, 2)):
        sns = FakeSns()
        notifier(sns, message_format=form).tell(opened, other)
        assert len(sns.messages) == count
        if form is NotificationFormat.JSON:
            assert [json.loads(each["Message"])["dedup_key"] for each in sns.messages] == [opened.dedup_key, "other"]
        else:
            keys = json.loads(sns.messages[0]["MessageAttributes"]["dedup_key"]["StringValue"])
            assert keys == [opened.dedup_key, "other"]


def test_a_chat_gets_a_thread_for_each_thing_and_nothing_that_acts() -> None:
    sns = FakeSns()
    notifier(sns, message_format=NotificationFormat.CHAT).tell(hostile())
    message = json.loads(sns.messages[0]["Message"])
    assert (message["version"], message["source"], message["content"]["textType"]) == (
        "1.0",
        "custom",
        "client-markdown",
    )
    assert message["metadata"]["threadId"] == hostile().dedup_key
    shown = message["content"]["description"].removeprefix("```\n").removesuffix("\n```")
    assert len(message["content"]["title"]) <= 250
    assert len(shown) < 8000
    for text in (shown, message["content"]["title"], message["metadata"]["summary"]):
        assert not set("<>`\x1b") & set(text)


HOSTILE = (
    "\x1b]0;owned\x07\x1b[2J" + "\u202eevil\u2066" + "a\r\nSubject: x " + "訂單" * 500,
    "x" * 5000,
    "'; rm -rf ~ #",
    "\n",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_from_outside_breaks_a_message(text: str) -> None:
    sns = FakeSns()
    telling = notifier(sns)
    made = proposal("0123456789ab", TaskKey("default", text, text), title=text, reason=text, cause=text)
    evaluation = Evaluation.unavailable(text, "bedrock", text, START)
    waiting = replace(WAITING, proposal=made, evaluation=evaluation)
    ended = replace(waiting, status=Status.FAILED, outcome=Outcome(Status.FAILED, text))
    run = replace(RUN, execution_name=text, execution_arn=text)

    telling.tell(ApprovalRequested.of(waiting, START))
    telling.closed(ended)
    telling.tell(MonitoringFailed.of(run, text, was_read=False))
    telling.tell(MonitoringRecovered.of(run))

    assert len(sns.messages) == 4
    for message in sns.messages:
        subject = message["Subject"]
        assert subject.isascii()
        assert subject.isprintable()
        assert 0 < len(subject) < 100
        lines = message["Message"].split("\n")
        assert len(lines) <= 7
        assert all(line.isprintable() and 0 < len(line) <= 200 for line in lines)


DENIED = ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "PutEvents")
FAILURES = (EndpointConnectionError(endpoint_url="https://example.com"), ResponseParserError("a proxy's page"), DENIED)


@pytest.mark.parametrize("failure", FAILURES)
def test_a_channel_that_fails_stops_neither_the_other_nor_the_run(
    caplog: pytest.LogCaptureFixture, failure: Exception
) -> None:
    event = ApprovalRequested.of(WAITING, START)
    sns, events = FakeSns(), FakeEvents()
    sns.failure = events.failure = failure
    events.broken = True
    assert notifier(sns, events).tell(event)
    sns.broken, events.broken = True, False
    assert not notifier(sns, events).tell(event)
    assert len(sns.messages) == 1
    assert [entry["DetailType"] for entry in events.put] == ["ApprovalRequested"]
    assert "EventBridge did not take 1 events" in caplog.text


def test_an_event_that_is_refused_alone_is_put_again_alone(caplog: pytest.LogCaptureFixture) -> None:
    """PutEvents in the API reference: what fails for itself, its caller has to try again."""
    events, opened = FakeEvents(), EXAMPLES["FindingOpened"]
    told = [replace(opened, dedup_key=name) for name in ("a", "b", "c")]
    events.refusing = 2
    notifier(events=events).tell(*told)
    assert [each["dedup_key"] for each in events.details] == ["a", "b", "c"]
    assert not caplog.text

    events.put, events.refusing = [], 3
    notifier(events=events).tell(*told, replace(opened, dedup_key="d"))
    assert [each["dedup_key"] for each in events.details] == ["a", "b", "c"]
    assert "EventBridge refused 1 events: ['ThrottlingException']" in caplog.text


@pytest.mark.parametrize("failure", FAILURES[:2])
def test_eventbridge_that_does_not_answer_is_left_alone_for_a_minute(failure: Exception) -> None:
    """Each try waits for its time-outs, and a run has other things to do."""
    seconds, events = iter((0.0, 0.0, PAUSE_SECONDS - 1, PAUSE_SECONDS)), FakeEvents()
    events.failure = failure
    telling = notifier(events=events, monotonic=lambda: next(seconds))
    events.broken = True
    assert telling.tell(EXAMPLES["MonitoringFailed"])
    events.broken = False
    assert telling.tell(EXAMPLES["MonitoringFailed"])
    assert events.put == []
    assert telling.tell(EXAMPLES["MonitoringRecovered"])
    assert len(events.put) == 1


def test_eventbridge_that_refuses_has_answered_and_is_asked_again() -> None:
    """At once, and of what comes next: a process may serve many proposals in a minute."""
    events = FakeEvents()
    events.failure = DENIED
    telling = notifier(events=events, monotonic=lambda: 0.0)
    events.broken = True
    assert telling.tell(EXAMPLES["MonitoringFailed"])
    events.broken = False
    assert telling.tell(EXAMPLES["MonitoringRecovered"])
    assert len(events.put) == 1
