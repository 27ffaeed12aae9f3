"""Lines of a Lambda function's log group."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from qlikops.aws.errors import aws_errors
from qlikops.domain.errors import AccessDenied, NotFound
from qlikops.domain.words.text import harmless
from qlikops.domain.workflow.events import redact
from qlikops.domain.workflow.logs import LOG_GROUP, FoundLines, LogLine

if TYPE_CHECKING:
    from types_boto3_logs.client import CloudWatchLogsClient

_PAGES = 10
"""Pages read at most, of a megabyte each. CloudWatch gives empty ones too, while it looks on."""
_LINES = 5000
"""Lines kept at most."""
_LINE_CAP = 20_000
"""Characters kept of a line; CloudWatch allows 1 MB."""


def read_lines(client: CloudWatchLogsClient, function: str, begin: datetime, end: datetime) -> FoundLines:
    """Reads the lines that a function wrote between two times. Raises AccessDenied and NotFound with what to do."""
    group = LOG_GROUP.format(function)
    paginator = client.get_paginator("filter_log_events")
    found: list[LogLine] = []
    try:
        with aws_errors(f"read the log group {group}"):
            pages = paginator.paginate(logGroupName=group, startTime=_milliseconds(begin), endTime=_milliseconds(end))
            for number, page in enumerate(pages, start=1):
                found += (
                    LogLine(
                        datetime.fromtimestamp(event.get("timestamp", 0) / 1000, UTC),
                        event.get("logStreamName", ""),
                        _text(event.get("message", "")),
                    )
                    for event in page["events"]
                )
                if page.get("nextToken") and (number == _PAGES or len(found) >= _LINES):
                    return FoundLines(tuple(found[:_LINES]), is_whole=False)
    except AccessDenied as exc:
        hint = "The stack's ReadOnlyPolicy allows it from this version on: update the stack, or ask for {}."
        raise AccessDenied(exc.message, hint.format("logs:FilterLogEvents on the functions' log groups")) from exc
    except NotFound as exc:
        hint = "It comes with the stack and goes with it. The definition that this execution ran by names it."
        raise NotFound(f"There is no log group {group}.", hint) from exc
    return FoundLines(tuple(found[:_LINES]), is_whole=len(found) <= _LINES)


def _text(message: str) -> str:
    # Of a traceback, Lambda's runtimes part the lines by carriage returns, so that it stays one event.
    return harmless(redact(message).rstrip().replace("\r", "\n"), _LINE_CAP, multiline=True)


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
