"""ExecuteRestart: carries out an approved proposal, in as many invocations as a long group takes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from qlikops.agent.act.outcomes import Unfinished
from qlikops.agent.handlers.boundary import names_what_may_pass
from qlikops.agent.handlers.payload import LambdaContext, proposal_id_of
from qlikops.agent.wiring import Services, process_services
from qlikops.domain.proposals.approval import Outcome
from qlikops.domain.proposals.callback import parse_decision

CONTINUE, WAITING = "continue", "waiting"
"""Words in place of a Status: CheckRestart invokes again, at once or after `wait_seconds`."""
RESERVE = timedelta(seconds=20)
"""Kept of the Lambda's time for storing the result."""


@names_what_may_pass
def handler(event: dict[str, Any], context: LambdaContext, services: Services | None = None) -> dict[str, Any]:
    """`{"proposal_id", "status", "detail", "tasks"}`; the ledger has each task's outcome.

    `tasks` counts those that are settled; with the status CONTINUE there are more, and this is to be called again. With
    WAITING it is to be called again after `wait_seconds`. An execution whose definition has no CheckRestart does not
    say `may_continue`, and one without WaitForEndpoint no `may_wait`: they get the outcome from the first call.
    """
    services = services or process_services()
    with services.own_failures.in_use(), services.restarter() as restarter:
        # Now, not when the invocation began: known failures may have been slow to load.
        left = timedelta(milliseconds=context.get_remaining_time_in_millis())
        acted = restarter.restart(
            proposal_id_of(event),
            parse_decision(event.get("decision")),
            services.clock() + left - RESERVE,
            may_continue=event.get("may_continue") is True,
            may_wait=event.get("may_wait") is True,
        )
    said: dict[str, Any]
    if isinstance(acted, Outcome):
        said = {"status": acted.status.value, "detail": acted.detail[:500], "tasks": len(acted.targets)}
    elif isinstance(acted, Unfinished):
        detail = f"{acted.done} of {acted.total} tasks are settled"
        said = {"status": CONTINUE, "detail": detail, "tasks": acted.done}
    else:
        said = {"status": WAITING, "detail": acted.wait.words, "tasks": 0, "wait_seconds": acted.seconds}
    return {"proposal_id": proposal_id_of(event), **said}
