"""An audit trail whose fields nobody documents: what can be read of it is, and nonsense costs nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from qlikops.domain.fleet.task import TaskKey
from qlikops.qlik import client as clients
from qlikops.qlik.audit import AuditLine, parse_audit_trail
from qlikops.qlik.errors import QemBusinessError, QemUnreachable
from qlikops.qlik.simulator.scenario import AuditedAction
from tests.growth import assert_time_grows_with_length_alone
from tests.scenarios.faulty import FaultKind, HttpFault
from tests.scenarios.small import expect, small
from tests.unit.qlik.conftest import START, Simulate, client_of

KEY = TaskKey("default", "eu-1", "orders")
AT = datetime(2026, 11, 27, 2, 12, tzinfo=UTC)
TICKS = 621_355_968_000_000_000 + int(AT.timestamp()) * 10_000_000

SHAPES: list[dict[str, Any]] = [
    {
        "timestamp": "2026-11-27T02:12:00Z",
        "user": "CORP\\anna",
        "action": "STOP_TASK",
        "server": "eu-1",
        "task": "orders",
    },
    {"Time": "2026-11-27T02:12:00", "UserName": "CORP\\anna", "Operation": "Stop Task", "Object": "eu-1/orders"},
    {
        "id": 7,
        "ticks": TICKS,
        "event_time": TICKS,
        "user_name": "CORP\\anna",
        "request": "AemStopTaskReq",
        "path": "/servers/eu-1/tasks/orders",
    },
    {"date": str(TICKS), "who": {"account": "CORP\\anna"}, "what": {"command": "stop", "task": "Orders"}},
    {
        "timestamp": "2026-11-27T04:12:00+02:00",
        "user_id": 7,
        "user": "CORP\\anna",
        "method": "stop",
        "parameters": {"t": "orders"},
    },
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "wrapped",
    [
        lambda entry: json.dumps(entry),
        lambda entry: json.dumps([entry]),
        lambda entry: json.dumps({"auditTrail": [entry], "count": 1}),
        lambda entry: f"{json.dumps(entry)}\n{json.dumps(entry)}"[: len(json.dumps(entry)) + 20],
        lambda entry: f"\ufeff[{json.dumps(entry)},{json.dumps(entry)[:30]}",
    ],
)
def test_who_did_what_when_is_read_whatever_it_is_called(shape: dict[str, Any], wrapped: Any) -> None:
    (line,) = parse_audit_trail(wrapped(shape))
    assert (line.done.who, line.done.at, line.stops, line.edits) == ("CORP\\anna", AT, True, False)
    assert line.is_about(KEY, ["eu-1", "eu-2"])


def lines(*entries: object) -> tuple[AuditLine, ...]:
    return parse_audit_trail(json.dumps(entries))


STOP = SHAPES[0]


@pytest.mark.parametrize(
    ("changes", "is_about"),
    [
        ({"task": "orders-2"}, False),
        ({"task": "old orders"}, True),
        ({"task": "orders.old"}, False),
        ({"server": "eu-2"}, False),
        ({"server": ""}, True),
        ({"server": "eu-10"}, False),
        ({"server": "", "p": "/servers/eu-2/tasks/orders"}, False),
    ],
)
def test_a_line_is_about_a_task_if_it_has_its_name_and_not_another_server_s(
    changes: dict[str, str], is_about: bool
) -> None:
    (line,) = lines({**STOP, **changes})
    assert line.is_about(KEY, ["eu-1", "eu-2"]) is is_about


@pytest.mark.parametrize("what", ["SAVE_TASK", "Edit task", "AemImportTaskReq", "PutTaskTableSelection", "update"])
def test_edits_are_told_from_other_deeds(what: str) -> None:
    (line,) = lines({**STOP, "action": what})
    assert (line.edits, line.stops) == (True, False)
    (run,) = lines({**STOP, "action": "RUN_TASK"})
    assert (run.edits, run.stops) == (False, False)


def test_what_it_says_is_made_harmless_and_cut() -> None:
    (line,) = lines({**STOP, "user": f"anna\x1b[31m\u202e{'n' * 500}", "action": f"STOP{'!' * 500}"})
    assert "\x1b" not in line.done.words
    assert len(line.done.words) < 300


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "<html>{no}</html>",
        "timestamp,user,action\n2026-11-27T02:12:00Z,anna,STOP",
        "{}",
        "[1, 2]",
        '{"timestamp": "soon", "user": "anna", "action": "STOP"}',
        '{"timestamp": "2026-11-27T02:12:00Z", "user": "anna", "action": 7}',
        '{"timestamp": -1, "date": 99999999999999999999999999, "action": "STOP"}',
    ],
)
def test_nonsense_has_no_lines(text: str) -> None:
    assert parse_audit_trail(text) == ()


@pytest.mark.parametrize("piece", ['{"a":', "{", "["])
def test_what_opens_and_never_closes_has_no_lines_and_takes_time_by_its_length_alone(piece: str) -> None:
    assert parse_audit_trail(piece * 100_000) == ()
    assert_time_grows_with_length_alone(lambda times: parse_audit_trail(piece * times), 1_000_000)


def test_a_trail_is_read_over_http_between_two_times(simulate: Simulate) -> None:
    server = simulate(story())
    with client_of(server) as client:
        server.clock.advance(1000)
        assert [line.done.words for line in client.audit_trail(START, AT)] == [
            "STOP_TASK at 2026-03-07 03:01 UTC by CORP\\anna",
            "SAVE_TASK at 2026-03-07 03:03 UTC by ben",
        ]
        assert not client.audit_trail(START, START + timedelta(seconds=99))
        client.stop("replicate-1", "stock")
        assert [line.done.who for line in client.audit_trail(START + timedelta(seconds=1000), AT)] == ["monitor"]
        server.fleet.may_audit = lambda _: False
        with pytest.raises(QemBusinessError, match="UNAUTHORIZED_REQUEST"):
            client.audit_trail(START, AT)


def story(*faults: HttpFault) -> Any:
    deeds = (
        AuditedAction(100, "replicate-1", "orders", "CORP\\anna"),
        AuditedAction(200, "replicate-1", "orders", "ben", "SAVE_TASK"),
    )
    return small("story", *deeds, expected=expect(), faults=faults)


@pytest.mark.parametrize("kind", [FaultKind.MALFORMED, FaultKind.TRUNCATED, FaultKind.RESET, FaultKind.GATEWAY])
def test_an_answer_that_does_not_come_whole_is_an_error_or_less_of_a_trail(simulate: Simulate, kind: FaultKind) -> None:
    server = simulate(story(HttpFault(kind, path="/security/audit_trail")))
    with client_of(server) as client:
        server.clock.advance(1000)
        try:
            assert len(client.audit_trail(START, AT)) <= 1
        except QemUnreachable:
            assert kind is not FaultKind.MALFORMED
        assert client.servers()


def test_of_a_huge_answer_the_beginning_is_read(simulate: Simulate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "AUDIT_BYTES", 200)
    server = simulate(story())
    with client_of(server) as client:
        server.clock.advance(1000)
        (line,) = client.audit_trail(START, AT)
        assert line.done.who == "CORP\\anna"
        assert client.servers()
