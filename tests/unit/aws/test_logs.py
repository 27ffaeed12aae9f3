"""Log lines by AWS's service model: pages with an end, harmless text, errors that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from qlikops.aws import logs
from qlikops.aws.logs import read_lines
from qlikops.domain.errors import AccessDenied, NotFound
from tests.embedded import REGION

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
END = BEGIN + timedelta(seconds=9)
ASKED = {"logGroupName": "/aws/lambda/Look", "startTime": 1772366400000, "endTime": 1772366409000}


@pytest.fixture
def cloudwatch() -> Iterator[tuple[Any, Stubber]]:
    client = boto3.client("logs", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        yield client, stub
        stub.assert_no_pending_responses()


def page(*messages: str, more: str = "") -> dict[str, Any]:
    events = [{"timestamp": 1772366401250, "logStreamName": "s", "message": message} for message in messages]
    return {"events": events, **({"nextToken": more} if more else {})}


def test_lines_are_harmless_and_an_empty_page_is_not_the_end(cloudwatch: tuple[Any, Stubber]) -> None:
    client, stub = cloudwatch
    stub.add_response("filter_log_events", page(more="on"), ASKED)
    stub.add_response(
        "filter_log_events",
        page("[ERROR] \x1b[31mKeyError\rTraceback\n", '{"task_token": "secret"}'),
        {**ASKED, "nextToken": "on"},
    )
    found = read_lines(client, "Look", BEGIN, END)
    assert [line.text for line in found.lines] == ["[ERROR] KeyError\nTraceback", '{"task_token":"[redacted]"}']
    assert found.lines[0].at == BEGIN + timedelta(seconds=1.25)
    assert found.is_whole


@pytest.mark.parametrize(("name", "most"), [("_PAGES", 1), ("_LINES", 1)])
def test_reading_ends(cloudwatch: tuple[Any, Stubber], monkeypatch: pytest.MonkeyPatch, name: str, most: int) -> None:
    client, stub = cloudwatch
    monkeypatch.setattr(logs, name, most)
    stub.add_response("filter_log_events", page("one", more="on"), ASKED)
    found = read_lines(client, "Look", BEGIN, END)
    assert (len(found.lines), found.is_whole) == (1, False)


@pytest.mark.parametrize(
    ("code", "error", "says"),
    [
        ("AccessDeniedException", AccessDenied, "ReadOnlyPolicy"),
        ("ResourceNotFoundException", NotFound, "comes with the stack"),
    ],
)
def test_a_refusal_says_what_to_do(
    cloudwatch: tuple[Any, Stubber], code: str, error: type[AccessDenied | NotFound], says: str
) -> None:
    client, stub = cloudwatch
    stub.add_client_error("filter_log_events", code, "The specified log group does not exist.")
    with pytest.raises(error) as caught:
        read_lines(client, "Look", BEGIN, END)
    assert "/aws/lambda/Look" in caught.value.message
    assert says in caught.value.hint
