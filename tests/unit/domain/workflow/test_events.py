"""Events as they enter: without a task token, whatever they are nested in, and bounded."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from qlikops.domain.errors import UsageError
from qlikops.domain.workflow.events import (
    LEFT_OUT,
    PAYLOAD_CAP,
    REDACTED,
    load_history_file,
    parse_event,
    parse_events,
    redact,
)
from tests.unit.domain.samples import NOON

EVENTS = [{"id": 1, "type": "ExecutionStarted"}, {"id": 2, "previousEventId": 1, "type": "ExecutionSucceeded"}]


@pytest.mark.parametrize("wrap", [lambda events: {"events": events, "nextToken": "x"}, lambda events: events])
def test_a_file_is_the_output_of_the_cli_or_a_bare_list(wrap: Any) -> None:
    assert load_history_file("\ufeff" + json.dumps(wrap(EVENTS))) == EVENTS


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("{'events': []}", "not JSON"),
        ('{"executions": []}', "an object without an `events` list"),
        ("3", "a int"),
        ("[1]", "Entry 0"),
        ('[{"id": 1}]', "Entry 0"),
    ],
)
def test_anything_else_is_refused_with_a_reason(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        load_history_file(text)
    assert "get-execution-history" in caught.value.hint


def test_tokens_are_redacted_at_any_depth_and_inside_json_text() -> None:
    inner = json.dumps({"task_token": "secret", "n": 1})
    value = {
        "TaskToken": "secret",
        "list": [{"taskToken": ["secret"]}, 3],
        "body": json.dumps({"deep": inner}),
        "cut": json.dumps({"a": json.dumps({"TaskToken": "secret-and-the-rest-is-cut"})})[:-9],
        "plain": "nothing to hide",
    }
    clean = redact(value)
    assert "secret" not in json.dumps(clean)
    assert json.dumps(clean).count(REDACTED) == 4
    assert clean["plain"] == "nothing to hide"
    assert json.loads(json.loads(clean["body"])["deep"])["n"] == 1


def test_text_without_a_token_is_left_as_it_is_spelled() -> None:
    assert redact('{ "a" : 1.0 }') == '{ "a" : 1.0 }'


@pytest.mark.parametrize(
    ("timestamp", "at"),
    [
        (NOON, NOON),
        (NOON.astimezone(timezone(timedelta(hours=9))), NOON),
        (NOON.isoformat(), NOON),
        (NOON.timestamp(), NOON),
        ("soon", None),
        (1e30, None),
        (float("nan"), None),
        (None, None),
    ],
)
def test_a_time_comes_from_boto3_or_either_version_of_the_cli_or_is_not_known(
    timestamp: Any, at: datetime | None
) -> None:
    assert parse_event({"type": "ExecutionStarted", "timestamp": timestamp}).at == at


def test_details_are_told_as_harmless_text_or_as_a_number() -> None:
    details = {"name": "\x1b[31mred", "index": "7", "tries": [1], "cause": "c" * 300, "ratio": float("inf")}
    event = parse_event({"id": 3, "previousEventId": "2", "type": "X", "xEventDetails": details})
    assert (event.id, event.previous) == (3, 2)
    assert [event.text(name) for name in ("name", "tries", "gone")] == ["red", "[1]", ""]
    assert [event.number(name) for name in ("index", "name", "gone", "ratio")] == [7, None, None, None]
    assert event.text("cause", 10) == "ccccccccc\u2026"
    assert event.size == len("\x1b[31mred") + len("7") + 300


def test_an_event_without_an_id_is_numbered_by_its_place() -> None:
    assert [event.id for event in parse_events([{"type": "A"}, {"type": "B", "id": 9}, {"type": "C", "id": "x"}])] == [
        1,
        9,
        3,
    ]


def test_payloads_are_cut_or_left_out_and_a_token_goes_before_the_cut() -> None:
    token = '{"pad": "%s", "TaskToken": "secret"}' % ("x" * (PAYLOAD_CAP - 25))
    details = {"input": token, "output": {"task_token": "secret"}, "task_token": "secret", "name": "Wait"}
    raw = {"type": "TaskStateEntered", "stateEnteredEventDetails": details}
    event = parse_event(raw)
    assert "secret" not in repr(event)
    assert len(event.details["input"]) == PAYLOAD_CAP
    assert event.details["output"] == '{"task_token":"[redacted]"}'
    without = parse_event(raw, payloads=False).details
    assert (without["input"], without["output"], without["name"]) == (LEFT_OUT, LEFT_OUT, "Wait")


@pytest.mark.parametrize(
    "text",
    [
        'said {"TaskToken": "secret"} and more',
        '{"a": "\\u007b", "TaskT\\u006fken": "secret"}',
        '{"a": "cut, "TaskToken": "secret',
        "[" * 100_000 + '"taskToken": "secret"',
    ],
    ids=lambda text: text[:12],
)
def test_a_token_is_found_in_text_however_it_is_spelled(text: str) -> None:
    assert "secret" not in redact(text)


def test_what_is_no_text_is_left_alone() -> None:
    assert redact((1, None, True)) == [1, None, True]


@pytest.mark.parametrize(
    ("kind", "details", "request_id"),
    [
        (
            "TaskSucceeded",
            {"output": '{"Payload": "%s", "SdkResponseMetadata": {"RequestId": "a-1"}}' % ("x" * 30_000)},
            "a-1",
        ),
        ("TaskFailed", {"cause": '{"errorMessage": "no", "requestId": "b-2"}'}, "b-2"),
        ("TaskFailed", {"cause": "RequestId: c-3 Error: Runtime exited"}, "c-3"),
        ("TaskFailed", {"cause": {"requestId": "d\x1b-4"}}, ""),
        ("TaskFailed", {"cause": "somebody said no"}, ""),
        ("ExecutionFailed", {"cause": "RequestId: c-3 Error: Runtime exited"}, ""),
    ],
)
def test_the_id_of_a_call_is_found_before_payloads_are_cut(kind: str, details: object, request_id: str) -> None:
    (event,) = parse_events([{"type": kind, "xEventDetails": details}])
    assert event.request_id == request_id
