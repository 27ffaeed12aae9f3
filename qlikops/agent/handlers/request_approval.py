"""RequestApproval: puts the proposal before a human. What it returns is ignored; the callback is the answer.

What it raises ends the wait, and RecordOutcome says with the ledger how the proposal ended.
"""

from __future__ import annotations

from typing import Any

from qlikops.agent.handlers.boundary import names_what_may_pass
from qlikops.agent.handlers.payload import proposal_id_of
from qlikops.agent.steps.asking import ApprovalRequest, ask
from qlikops.agent.wiring import Services, process_services
from qlikops.domain.encoding import codec


@names_what_may_pass
def handler(event: dict[str, Any], _context: object, services: Services | None = None) -> dict[str, Any]:
    """`{"proposal_id", "status", "deadline"}`."""
    services = services or process_services()
    question = codec.decode(ApprovalRequest, {**event, "proposal_id": proposal_id_of(event)})
    approval = ask(
        question,
        ledger=services.ledger,
        assessor=services.assessor,
        notifier=services.notifier,
        lease_margin_seconds=services.config.lease_margin_seconds,
        clock=services.clock,
    )
    return {
        "proposal_id": approval.approval_id,
        "status": approval.status.value,
        "deadline": codec.format_time(question.deadline),
    }
