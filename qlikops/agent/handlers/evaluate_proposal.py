"""EvaluateProposal: an evaluator annotates, the policy decides the route."""

from __future__ import annotations

from typing import Any

from qlikops.agent.handlers.boundary import names_what_may_pass
from qlikops.agent.handlers.payload import proposal_id_of
from qlikops.agent.wiring import Services, process_services


@names_what_may_pass
def handler(event: dict[str, Any], _context: object, services: Services | None = None) -> dict[str, Any]:
    """`{"route", "verdict", "risk", "confidence", "evaluator", "digest", "gates"}`; the ledger has the rest."""
    approval = (services or process_services()).assessor.assess(proposal_id_of(event))
    evaluation, policy = approval.evaluation, approval.policy
    if evaluation is None or policy is None:
        raise LookupError(f"{approval.approval_id} was closed before it was evaluated")
    return {
        "route": policy.route.value,
        "verdict": evaluation.verdict.value,
        "risk": evaluation.risk.value,
        "confidence": evaluation.confidence,
        "evaluator": evaluation.evaluator,
        "digest": approval.digest,
        "gates": [closed.gate.value for closed in policy.closed_gates],
    }
