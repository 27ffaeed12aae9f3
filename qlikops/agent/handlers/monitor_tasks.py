"""MonitorTasks: looks at the fleet and opens proposals."""

from __future__ import annotations

from typing import Any

from qlikops.agent.handlers.boundary import names_what_may_pass
from qlikops.agent.handlers.payload import LambdaContext
from qlikops.agent.remember.run import Run
from qlikops.agent.wiring import Services, process_services
from qlikops.domain.encoding import codec
from qlikops.domain.proposals.proposal import ProposalSummary

RESERVE_SECONDS = 120.0
"""Kept of the Lambda's time for what comes after reading: most of it is for a large fleet's snapshot."""


@names_what_may_pass
def handler(event: dict[str, Any], context: LambdaContext, services: Services | None = None) -> dict[str, Any]:
    """`{"run", "proposal_count", "proposals", "outcomes", "counts"}`; a card is 4 KB at most, and there are 40.

    `event` is the run, with the execution's `input` where the definition hands it over: orders of people, or anything.
    """
    run = codec.decode(Run, event)
    services = services or process_services()
    with services.own_failures.in_use() as notes, services.monitor(_reading_seconds(context), notes) as monitor:
        monitored = monitor.run(run, event.get("input"))
    summary = monitored.summary
    return {
        "run": codec.encode(run),
        "proposal_count": len(monitored.proposals),
        "proposals": [codec.encode(ProposalSummary.of(proposal)) for proposal in monitored.proposals],
        "outcomes": [],
        "counts": {
            "servers": summary.servers,
            "tasks": summary.tasks,
            "anomalies": summary.anomalies,
            "deferred": summary.deferred,
        },
    }


def _reading_seconds(context: LambdaContext) -> float:
    """How long the fleet may be read from now on."""
    left = context.get_remaining_time_in_millis() / 1000
    return left - min(RESERVE_SECONDS, left / 2)
