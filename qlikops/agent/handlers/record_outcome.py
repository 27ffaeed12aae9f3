"""RecordOutcome: every way that a proposal can end in the state machine, as an Outcome that closes its record."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from qlikops.agent.act.outcomes import interrupted
from qlikops.agent.handlers.boundary import names_what_may_pass
from qlikops.agent.handlers.payload import error_text, proposal_id_of
from qlikops.agent.remember.tasks import TaskLedger
from qlikops.agent.transient import TransientError
from qlikops.agent.wiring import Services, process_services
from qlikops.domain.encoding.codec import CodecError
from qlikops.domain.proposals.approval import Decision, Outcome, ProposalRecord, Status
from qlikops.domain.proposals.callback import (
    DECISION_TEXT_CAP,
    HOW_TO_DECIDE,
    NoDecision,
    parse_decision,
    parse_denial,
)
from qlikops.domain.words.text import harmless

CLOCK_SKEW = timedelta(seconds=60)
"""Between Lambda's clock and that of Step Functions."""
_DETAIL_CAP = 500


@names_what_may_pass
def handler(event: dict[str, Any], _context: object, services: Services | None = None) -> dict[str, Any]:
    """`{"proposal_id", "status", "recorded", "detail"}`, with the status that the ledger holds.

    Raises TransientError if a function that Lambda invoked late takes the next step just then: a retry reads what it
    did. A restart without a result begins with no further task from here on.
    """
    services = services or process_services()
    proposal_id = proposal_id_of(event)
    record = services.ledger.record(proposal_id)
    found = services.ledger.begin_no_further_task(record, "the restart was interrupted").approval
    outcome = parse_outcome(event.get("outcome"), found, services.ledger.tasks, services.clock())
    quiet = services.config.cooldown_seconds
    closed = services.ledger.close(
        proposal_id, outcome, quiet, as_found=found.status, tell=services.notifier.closed
    ).approval
    if closed.status.is_known and not closed.status.is_final:
        raise TransientError(f"{proposal_id} went on while its end was recorded")
    return {
        "proposal_id": proposal_id,
        "status": closed.status.value,
        "recorded": True,
        "detail": (closed.outcome or outcome).detail[:_DETAIL_CAP],
    }


def parse_outcome(data: Any, approval: ProposalRecord, tasks: TaskLedger, now: datetime) -> Outcome:
    """The outcome that a state of the Map left in `$.outcome`. Raises CodecError for none of the known shapes.

    The definition tells apart what approves, what fails by the name of a denial, and the rest. What the rest was is
    said here: an answer that is none ends as failed, so that nobody has denied anything and the next run asks again.
    """
    if not isinstance(data, dict):
        raise CodecError(f"$.outcome: expected an object, got {type(data).__name__}")
    if approval.outcome:
        # ExecuteRestart stored what really happened, even where its answer was lost on the way.
        return approval.outcome
    error = data.get("error")
    match data.get("status"):
        case "held":
            return Outcome(Status.HELD, approval.policy.reason if approval.policy else "held by policy")
        case "denied":
            return _denied(data)
        case "expired" if approval.deadline and now < approval.deadline - CLOCK_SKEW:
            # Anybody can send an error called States.Timeout; the real one comes no sooner than the deadline.
            return Outcome(Status.FAILED, str(NoDecision(f"an error called {error_text(error)}, before the deadline")))
        case "expired":
            return Outcome(Status.EXPIRED, "nobody answered in time; nothing was done")
        case "failed" if "decision" in data:
            decision = approval.decision or _decision_in(data["decision"])
            outcome = interrupted(tasks, approval, error_text(error))
            return Outcome(outcome.status, outcome.detail, outcome.targets, decision=decision)
        case "failed" if approval.status is Status.WAITING:
            ended = f"the wait ended with an error, not with a decision: {error_text(error)}. Nothing was restarted."
            return Outcome(Status.FAILED, f"{ended} {HOW_TO_DECIDE}")
        case "failed":
            return Outcome(Status.FAILED, error_text(error))
    raise CodecError(f"$.outcome.status: {data.get('status')!r} without a stored result")


def _denied(data: dict[str, Any]) -> Outcome:
    """The denial that came by name or as a literal false; what else the definition took for one is none."""
    error = data.get("error")
    try:
        denial = (
            parse_denial(error.get("Error"), error.get("Cause"))
            if isinstance(error, dict)
            else parse_decision(data.get("decision"))
        )
    except NoDecision as exc:
        return Outcome(Status.FAILED, str(exc))
    return Outcome(Status.DENIED, harmless(denial.reason, DECISION_TEXT_CAP), decision=denial)


def _decision_in(data: Any) -> Decision | None:
    """The decision that led to a restart; None for what is none."""
    try:
        return parse_decision(data)
    except NoDecision:
        return None
