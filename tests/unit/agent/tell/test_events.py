"""Events as programs get them: by their schemas, within what SNS and EventBridge take, and harmless in a chat."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.agent.config import NotificationFormat
from qlikops.agent.tell import events as told
from qlikops.agent.tell.event import LONGEST_KEY, Event, dedup_key
from qlikops.agent.tell.notify import MOST_ENTRIES
from qlikops.domain.approval import ProposalRecord, Status
from qlikops.domain.task import TaskKey
from tests.event_schemas import examples, faults, schema_of
from tests.unit.agent.fakes import ARN, START, FakeEvents, FakeSns, group, notifier, proposal

EXAMPLES = examples()
Change = Callable[[dict[str, Any]], object]


def test_there_is_an_example_of_each_event() -> None:
    assert list(EXAMPLES) == [event.__name__ for event in told.EVENTS]


@pytest.mark.parametrize("event", EXAMPLES.values(), ids=EXAMPLES)
def test_an_example_is_as_its_schema_says(event: Event) -> None:
    detail = json.loads(json.dumps(event.detail()))
    assert list(faults(schema_of(event), detail)) == []
    assert (detail["version"], detail["event"]) == (1, event.name)
    assert all(schema_of(event)["properties"][name].get("description") for name in ("dedup_key", "summary", "text"))


@pytest.mark.parametrize(
    "change",
    [
        lambda detail: detail.pop("dedup_key"),
        lambda detail: detail.update(version=2),
        lambda detail: detail.update(severity="loud"),
        lambda detail: detail.update(task_count="3"),
        lambda detail: detail.update(tags=["gold", 1]),
        lambda detail: detail.update(token="t"),
    ],
)
def test_what_is_not_as_its_schema_says_is_found(change: Change) -> None:
    event = EXAMPLES["ApprovalRequested"]
    detail = event.detail()
    change(detail)
    assert len(list(faults(schema_of(event), detail))) == 1


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


def test_a_dedup_key_names_one_thing_of_one_deployment() -> None:
    assert dedup_key(ARN, "approval", "0123456789ab") == "qlikops/eu-west-1/000000000000/approval/0123456789ab"
    assert dedup_key(ARN, "finding", "a/b", "c") != dedup_key(ARN, "finding", "a", "b/c")
    long = [dedup_key(ARN, "finding", "x" * 300, end) for end in "ab"]
    assert len(set(long)) == 2
    assert all(len(key) == LONGEST_KEY for key in long)


def test_findings_of_a_group_say_its_tags() -> None:
    assert EXAMPLES["FindingOpened"].tags == EXAMPLES["FindingClosed"].tags == ("gold", "prod")
    assert group(3).tags == ()
