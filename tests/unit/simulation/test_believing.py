"""Processes that take a refusal for an answer, or go by other things than people have heard: promises that can fail."""

from __future__ import annotations

import json
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest

from qlikops.domain.fleet.anomaly import Severity
from qlikops.domain.ledger import LATEST_REPORT, LATEST_SNAPSHOT, OWN_FAILURES
from tests.simulation import enterprise_manager
from tests.simulation.dynamodb import error
from tests.simulation.invariants import believing
from tests.simulation.invariants.asked import Asked
from tests.simulation.invariants.watch import Change, Deed, Heard, Remembered, Watch
from tests.simulation.services import Invocation

WHO, ID, FINDINGS = "MonitorTasks#1", "0123456789ab", "snapshots/findings/2026/03/07/run-1.json"
PLACE = "qlikops/eu-west-1/000000000000/finding/STALLED/default/replicate-0/task-0"
SENT = enterprise_manager.Sent(100.0, WHO, "run", "replicate-0", "task-0", "")


def watch(*deeds: Deed, **known: Any) -> Any:
    """What the promises ask of a world, as far as a test says it."""
    world = SimpleNamespace(
        dynamodb=SimpleNamespace(last_writer=WHO),
        functions=SimpleNamespace(begun={WHO: Invocation("MonitorTasks", {}, 100.0, WHO)}),
        faults=SimpleNamespace(reached=lambda _: None),
        is_struck=lambda *_: False,
        states=SimpleNamespace(is_waiting=lambda _: known.get("is_waiting", True)),
        journal=SimpleNamespace(
            read={(WHO, "replicate-0", "task-0"): known.pop("details", {})},
            listed={(WHO, "replicate-0"): (3.0, {"task-0": known.pop("entry", {})})},
        ),
        config=SimpleNamespace(protected_tags=("gold",)),
    )
    found: Any = SimpleNamespace(
        world=world,
        deeds=defaultdict(list, {WHO: list(deeds)}),
        unread=known.pop("unread", set()),
        heard=known.pop("heard", {}),
        snapshots=known.pop("snapshots", []),
        notified_in=lambda body: json.loads(body),
        raw_snapshot=lambda: known["seen"],
        proposal_of=lambda _: ID,
        could_not_see=lambda _: False,
        record=lambda _: {"decision": {"S": json.dumps({"automatic": known.get("is_automatic", True)})}},
    )
    found.tags_read = lambda *place: Watch.tags_read(found, *place)
    found.may_be_protected = lambda *place: Watch.may_be_protected(found, *place)
    return found


def asked(operation: str, failure: Exception | None = None, at: float = 110.0, **request: Any) -> Deed:
    return Deed(at, Asked(WHO, operation, request), failure)


def refused(code: str) -> Deed:
    return asked("send_task_failure", error(code, "SendTaskFailure"), taskToken="token")


@pytest.mark.parametrize(
    ("sent", "is_wrong"),
    [
        ([], False),
        ([asked("send_task_failure", taskToken="token")], False),
        ([refused("TaskTimedOut")], False),
        ([refused("ThrottlingException")], True),
        ([refused("AccessDeniedException")], True),
        ([asked("send_task_failure", TimeoutError(), taskToken="token")], True),
        ([refused("ThrottlingException"), refused("InvalidToken")], False),
    ],
)
def test_who_could_not_end_a_wait_keeps_its_token(sent: list[Deed], is_wrong: bool) -> None:
    gone = Change((f"TOKEN#{ID}", "TOKEN"), {"token": {"S": "token"}}, None)
    assert bool(believing.who_could_not_end_a_wait_keeps_its_token(watch(*sent), gone)) is is_wrong
    assert not believing.who_could_not_end_a_wait_keeps_its_token(watch(*sent), Change(gone.key, None, gone.before))
    assert not believing.who_could_not_end_a_wait_keeps_its_token(watch(*sent, is_waiting=False), gone)


@pytest.mark.parametrize(
    ("promise", "unread", "written"),
    [
        (believing.who_could_not_read_what_was_remembered_remembers_nothing, LATEST_SNAPSHOT, LATEST_SNAPSHOT),
        (believing.who_could_not_read_what_was_found_reports_nothing, FINDINGS, LATEST_REPORT),
    ],
)
def test_who_could_not_read_writes_nothing(promise: Any, unread: str, written: str) -> None:
    put = asked("put_object", Key=written).asked
    assert promise(watch(unread={(WHO, unread)}), put)
    assert not promise(watch(unread={("MonitorTasks#2", unread)}), put)
    assert not promise(watch(unread={(WHO, unread)}), asked("put_object", Key="other").asked)


@pytest.mark.parametrize(
    ("details", "entry", "is_wrong"),
    [
        ({"assigned_tags": ["blue"]}, {"assigned_tags": ["blue"]}, False),
        ({"assigned_tags": ["blue"]}, {}, False),
        ({"assigned_tags": ["blue"]}, {"assigned_tags": [{"id": 0}]}, True),
        ({"assigned_tags": ["gold"]}, {}, True),
        ({"assigned_tags": None, "state": "ERROR"}, {"assigned_tags": ["blue"]}, True),
        ({}, {"assigned_tags": ["blue"]}, False),
        ({}, {}, True),
    ],
)
def test_nothing_automatic_is_sent_to_what_may_be_protected(details: Any, entry: Any, is_wrong: bool) -> None:
    promise = believing.nothing_automatic_is_sent_on_what_is_not_known
    assert bool(promise(watch(details=details, entry=entry), SENT)) is is_wrong
    assert not promise(watch(details=details, entry=entry, is_automatic=False), SENT)


def test_nothing_automatic_is_sent_without_what_a_team_knows() -> None:
    known = watch(details={"assigned_tags": []}, unread={(WHO, OWN_FAILURES)})
    assert "what the team knows" in believing.nothing_automatic_is_sent_on_what_is_not_known(known, SENT)


def told(severity: str, failure: Exception | None = None) -> tuple[Deed, Deed]:
    event = {"event": "FindingOpened", "dedup_key": PLACE, "severity": severity}
    attributes = {
        name: {"DataType": "String", "StringValue": value}
        for name, value in (("event", "FindingOpened"), ("dedup_key", PLACE))
    }
    return (
        asked("put_events", Entries=[{"Detail": json.dumps(event)}]),
        asked("publish", failure, MessageAttributes=attributes),
    )


def remembered(severity: str, *, heard: bool = True) -> list[Remembered]:
    key = {"instance": "default", "server": "replicate-0", "task": "task-0"}
    body = [{"key": key, "kind": "STALLED", "severity": severity, "heard": heard}]
    return [Remembered(120.0, json.dumps(body).encode(), WHO)]


@pytest.mark.parametrize(
    ("said", "stored", "is_wrong"),
    [
        (told("critical"), remembered("critical"), False),
        (told("critical"), remembered("warning"), True),
        (told("critical"), remembered("critical", heard=False), True),
        (told("critical", TimeoutError()), remembered("critical", heard=False), False),
        ((), remembered("warning"), False),
    ],
)
def test_what_people_have_heard_of_is_remembered_so(
    said: tuple[Deed, ...], stored: list[Remembered], is_wrong: bool
) -> None:
    known = watch(*said, snapshots=stored)
    assert bool(believing.what_people_have_heard_of_is_remembered_so(known, LATEST_SNAPSHOT)) is is_wrong
    assert bool(known.heard) is (bool(said) and not is_wrong and said[1].error is None)


@pytest.mark.parametrize(
    ("severity", "said", "is_wrong"),
    [
        ("critical", (), True),
        ("warning", (), False),
        ("critical", told("critical", TimeoutError()), False),
    ],
)
def test_what_is_worse_is_told(severity: str, said: tuple[Deed, ...], is_wrong: bool) -> None:
    finding = {**json.loads(remembered(severity)[0].body)[0], "confirmed": True}
    seen: dict[str, Any] = {"plans": [], "server_anomalies": [], "tasks": [{"anomalies": [finding]}]}
    heard = {PLACE: Heard(Severity.WARNING, 90.0)}
    promise = believing.what_is_worse_than_people_have_heard_is_told
    known = watch(*said, heard=heard, snapshots=remembered(severity), seen=seen)
    assert bool(promise(known, LATEST_SNAPSHOT)) is is_wrong
    assert not promise(
        watch(heard=heard, snapshots=remembered(severity), seen={**seen, "plans": ["p"]}), LATEST_SNAPSHOT
    )


def test_what_a_run_beside_may_have_written_over_is_not_counted_on() -> None:
    heard = {"old": Heard(Severity.WARNING, 90.0), "new": Heard(Severity.WARNING, 110.0)}
    known = watch(heard=heard, snapshots=remembered("warning"))
    believing.what_people_have_heard_of_is_remembered_so(known, LATEST_SNAPSHOT)
    assert list(known.heard) == ["old"]


def test_what_is_over_may_be_told_anew() -> None:
    attributes = {
        "event": {"DataType": "String", "StringValue": "FindingClosed"},
        "dedup_key": {"DataType": "String", "StringValue": PLACE},
    }
    heard = {PLACE: Heard(Severity.WARNING, 90.0)}
    known = watch(asked("publish", MessageAttributes=attributes), heard=heard, snapshots=remembered("warning"))
    believing.what_people_have_heard_of_is_remembered_so(known, LATEST_SNAPSHOT)
    assert not known.heard


@pytest.mark.parametrize(
    ("severity", "read_at", "failure", "is_wrong"),
    [
        ("warning", 110.0, None, True),
        ("warning", 110.0, error("304", "GetObject"), True),
        ("warning", 110.0, error("AccessDenied", "GetObject"), False),
        ("warning", 80.0, None, False),
        ("critical", 110.0, None, False),
    ],
)
def test_what_people_have_heard_of_is_not_told_again(
    severity: str, read_at: float, failure: Exception | None, is_wrong: bool
) -> None:
    read = asked("get_object", failure, read_at, Key=LATEST_SNAPSHOT)
    known = watch(read, heard={PLACE: Heard(Severity.WARNING, 90.0)})
    telling = told(severity)[0].asked
    assert bool(believing.what_people_have_heard_of_is_not_told_again(known, telling)) is is_wrong
