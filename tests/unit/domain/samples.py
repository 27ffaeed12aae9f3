"""One ordinary proposal with all that belongs to it, for tests that need a whole record."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from qlikops.domain.fleet.anomaly import AnomalyKind, Evidence, Severity
from qlikops.domain.fleet.task import Action, StopReason, TaskKey, TaskState
from qlikops.domain.proposals.approval import ProposalRecord, Status, digest_of
from qlikops.domain.proposals.evaluation import ApprovalMode, Evaluation, Finding, PolicyResult, Risk, Route, Verdict
from qlikops.domain.proposals.proposal import Proposal, ProposedTask

NOON = datetime(2026, 3, 7, 12, 0, tzinfo=UTC)
KEY = TaskKey("default", "replicate-eu-1", "sales-orders")

PROPOSAL = Proposal(
    proposal_id="0123456789ab",
    kind=AnomalyKind.FATAL_TRANSIENT,
    severity=Severity.CRITICAL,
    action=Action.RESUME,
    title="sales-orders: connection to the source lost",
    reason="The source answers again and the full load is complete.",
    cause="",
    targets=(ProposedTask(KEY, TaskState.ERROR, StopReason.FATAL_ERROR, full_load_completed=True, tables=5),),
    evidence=(Evidence("e1", "message", "ORA-12170: TNS:Connect timeout occurred"),),
    created_at=NOON,
    execution_arn="arn:aws:states:eu-west-1:111111111111:execution:QlikMonitoringAgent:run-1",
    execution_name="run-1",
)

EVALUATION = Evaluation(
    verdict=Verdict.APPROVE,
    risk=Risk.LOW,
    confidence=0.9,
    rationale="A lost connection; resume continues from a known position.",
    evaluator="rules",
    evaluator_version="1",
    evaluated_at=NOON,
    findings=(Finding("The source did not answer.", ("e1",)),),
)

POLICY = PolicyResult(route=Route.ASK, mode=ApprovalMode.ALWAYS, reason="Approval mode is always.")

WAITING = ProposalRecord(
    proposal=PROPOSAL,
    status=Status.WAITING,
    updated_at=NOON,
    evaluation=EVALUATION,
    policy=POLICY,
    digest=digest_of(PROPOSAL, EVALUATION, POLICY),
    requested_at=NOON,
    deadline=NOON + timedelta(hours=4),
)


def waiting(approval_id: str) -> ProposalRecord:
    """The sample under another id, with the digest that belongs to it."""
    proposal = replace(PROPOSAL, proposal_id=approval_id)
    return replace(WAITING, proposal=proposal, digest=digest_of(proposal, EVALUATION, POLICY))
