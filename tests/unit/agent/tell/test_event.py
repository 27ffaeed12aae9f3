"""What all events have: a key of the thing that they are about."""

from __future__ import annotations

from qlikops.agent.tell.event import LONGEST_KEY, dedup_key
from tests.event_schemas import examples
from tests.unit.agent.fakes import ARN


def test_a_dedup_key_names_one_thing_of_one_deployment() -> None:
    assert dedup_key(ARN, "approval", "0123456789ab") == "qlikops/eu-west-1/000000000000/approval/0123456789ab"
    assert dedup_key(ARN, "finding", "a/b", "c") != dedup_key(ARN, "finding", "a", "b/c")
    long = [dedup_key(ARN, "finding", "x" * 300, end) for end in "ab"]
    assert len(set(long)) == 2
    assert all(len(key) == LONGEST_KEY for key in long)


def test_several_of_one_kind_are_one_message() -> None:
    event = examples()["MonitoringFailed"]
    assert event.together([event]) == (event.summary, event.text)
    summary, text = event.together([event, event])
    assert summary == "monitoring fails (and 1 more)"
    assert text == f"{event.text}\n{event.text}"
