"""MonitorTasks: looks at the fleet and opens proposals."""

from __future__ import annotations

from typing import Any

from qlikops.agent.run import Run
from qlikops.agent.wiring import Services, process_services
from qlikops.domain import codec
from qlikops.domain.proposal import ProposalCard


def handler(event: dict[str, Any], _context: object, services: Services | None = None) -> dict[str, Any]:
    """`{"run", "proposal_count", "proposals", "outcomes", "counts"}`; a card is 4 KB at most, and there are 40."""
    run = codec.decode(Run, event)
    monitored = (services or process_services()).monitor().run(run)
    summary = monitored.summary
    return {
        "run": codec.encode(run),
        "proposal_count": len(monitored.proposals),
        "proposals": [codec.encode(ProposalCard.of(proposal)) for proposal in monitored.proposals],
        "outcomes": [],
        "counts": {
            "servers": summary.servers,
            "tasks": summary.tasks,
            "anomalies": summary.anomalies,
            "deferred": summary.deferred,
        },
    }
