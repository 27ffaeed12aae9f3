"""ExecuteRestart: carries out an approved proposal."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Protocol

from qlikops.agent.handlers.payload import proposal_id_of
from qlikops.agent.wiring import Services, process_services
from qlikops.domain.approval import parse_decision

RESERVE = timedelta(seconds=20)
"""Kept of the Lambda's time for storing the result."""


class LambdaContext(Protocol):
    """Of Lambda's context object, what is used."""

    def get_remaining_time_in_millis(self) -> int:
        """Until the invocation is killed."""
        ...


def handler(event: dict[str, Any], context: LambdaContext, services: Services | None = None) -> dict[str, Any]:
    """`{"proposal_id", "status", "detail", "tasks"}`; the ledger has each task's outcome."""
    services = services or process_services()
    left = timedelta(milliseconds=context.get_remaining_time_in_millis())
    with services.restarter() as restarter:
        outcome = restarter.restart(
            proposal_id_of(event), parse_decision(event.get("decision")), services.clock() + left - RESERVE
        )
    return {
        "proposal_id": proposal_id_of(event),
        "status": outcome.status.value,
        "detail": outcome.detail[:500],
        "tasks": len(outcome.targets),
    }
