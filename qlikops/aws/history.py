"""The events of one execution, read from the newest back to what is known already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qlikops.aws.errors import aws_errors
from qlikops.domain.workflow.events import HistoryEvent, parse_event

if TYPE_CHECKING:
    from types_boto3_stepfunctions.client import SFNClient

_PAGE = 1000
_PAYLOADS_KEPT = 32_000_000
"""Characters of one history; past that, older events come without input and output."""


def events_after(client: SFNClient, arn: str, after: int) -> tuple[HistoryEvent, ...]:
    """Reads the events after an id. They come newest first, so that following a long history is one call. Raises
    NotFound.
    """
    found: list[HistoryEvent] = []
    kept = 0
    paginator = client.get_paginator("get_execution_history")
    with aws_errors("read the execution's history"):
        for page in paginator.paginate(
            executionArn=arn, reverseOrder=True, PaginationConfig={"PageSize": _PAGE if after == 0 else _PAGE // 10}
        ):
            for raw in page["events"]:
                if raw["id"] <= after:
                    return tuple(reversed(found))
                event = parse_event(raw, payloads=kept < _PAYLOADS_KEPT)
                kept += event.size
                found.append(event)
    return tuple(reversed(found))
