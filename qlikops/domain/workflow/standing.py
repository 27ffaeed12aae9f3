"""Where proposals stand in the state machine by the ledger, for histories that do not say.

The embedded AWS keeps no states inside a Map. What the ledger knows of an item is where it stands or how it ended,
not every state on the way there: only what follows for certain is filled in, and marked as the ledger's. It does list
the tasks inside the Map, without their states: if none of them failed but by an answer or for want of one, no Catch for
what breaks was taken, and the way to where an item stands follows from the definition.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from qlikops.dataclass import dataclass
from qlikops.domain.proposals.approval import Status
from qlikops.domain.workflow.execution import (
    ExecutionStatus,
    FoldedHistory,
    RunProposal,
    Source,
    StateStatus,
    StateVisit,
)

WAIT_FOR_ENDPOINT = "WaitForEndpoint"
EVALUATE, WAIT, RESTART, RECORD = "EvaluateProposal", "WaitForApproval", "ExecuteRestart", "RecordOutcome"
HELD, EXPIRED, DENIED = "ProposalHeld", "ApprovalExpired", "ApprovalDenied"
CHECK_APPROVAL, CHECK_DECISION, CHECK_RESTART = "CheckApproval", "CheckDecision", "CheckRestart"
AUTOMATIC = "ApproveAutomatically"

_NO_ITEMS = "The history lacks what ran inside the Map; the ledger filled it in."
_NO_HISTORY = "The history is gone (it is kept for 90 days); what became of each proposal is the ledger's."

_STANDS_IN = {Status.PROPOSED: EVALUATE, Status.WAITING: WAIT, Status.RESTARTING: RESTART}
_PASSED = {
    Status.EVALUATED: (EVALUATE,),
    Status.HELD: (HELD, RECORD),
    Status.EXPIRED: (WAIT, EXPIRED, RECORD),
    Status.DENIED: (RECORD,),
    Status.FAILED: (RECORD,),
    Status.ABANDONED: (),
    **dict.fromkeys(
        (
            Status.RESTARTED,
            Status.ALREADY_RUNNING,
            Status.SUPERSEDED,
            Status.STILL_DOWN,
            Status.PARTIAL,
            Status.UNVERIFIED,
            Status.NOT_TRIED,
        ),
        (RESTART, RECORD),
    ),
}
"""What an item of that status has certainly been through. A denial may have come either way, so neither is named."""

_ANSWERS = frozenset({DENIED, "States.Timeout", "States.HeartbeatTimeout"})
"""Errors of a task that waits for an answer, when it was a no or did not come."""


def history_note(history: FoldedHistory | None, proposals: Sequence[RunProposal]) -> str:
    """What the history lacks and the ledger says instead; empty where it lacks nothing."""
    if history is None:
        return _NO_HISTORY
    return _NO_ITEMS if _lacks_items(history, proposals) else ""


def filled_in(history: FoldedHistory, proposals: Sequence[RunProposal]) -> FoldedHistory:
    """The history, with what the ledger knows of each Map item where it has none itself."""
    if not _lacks_items(history, proposals):
        return history
    denied = sum(proposal.status is Status.DENIED for proposal in proposals)
    errors = history.unplaced_errors or ()
    ways = _Ways(
        nothing_broke=history.unplaced_errors is not None and _ANSWERS.issuperset(errors),
        denied_by_error=errors.count(DENIED) == denied,
    )
    standing = (run for proposal in proposals for run in _standing(proposal, history.status, ways))
    return replace(history, states=(*history.states, *standing))


@dataclass(frozen=True, slots=True)
class _Ways:
    """What is known of the ways that the items took."""

    nothing_broke: bool
    """No Catch was taken for something that broke."""
    denied_by_error: bool
    """Every denial came as an error, none as an answer that says no."""

    def to(self, proposal: RunProposal, last: tuple[str, ...]) -> tuple[str, ...]:
        """The states that an item has left, with those that lead to `last`, its last ones."""
        decision = proposal.outcome.decision if proposal.outcome else None
        certain = last not in ((), (EVALUATE,)) or proposal.status in (Status.WAITING, Status.RESTARTING)
        if not self.nothing_broke or not certain:
            return last
        asked: tuple[str, ...] = ()
        if proposal.status is Status.DENIED:
            asked = (WAIT, DENIED) if self.denied_by_error else (WAIT,)
        elif RESTART in last and decision is not None:
            asked = (AUTOMATIC,) if decision.automatic else (WAIT, CHECK_DECISION)
        checked = tuple(part for name in last for part in ((name, CHECK_RESTART) if name == RESTART else (name,)))
        return (EVALUATE, CHECK_APPROVAL, *asked, *checked)


def _lacks_items(history: FoldedHistory, proposals: Sequence[RunProposal]) -> bool:
    return bool(proposals) and all(run.map_index is None or run.source is Source.LEDGER for run in history.states)


def _passed(proposal: RunProposal) -> tuple[str, ...]:
    if proposal.status is Status.SUPERSEDED and proposal.outcome and not proposal.outcome.decision:
        # Ended without an answer, so it never came to a restart.
        return ()
    if proposal.status is Status.RESTARTING and proposal.waits:
        return (RESTART,)
    return _PASSED.get(proposal.status, ())


def _standing(proposal: RunProposal, execution: ExecutionStatus, ways: _Ways) -> Iterator[StateVisit]:
    def run(name: str, status: StateStatus) -> StateVisit:
        is_open = status is StateStatus.RUNNING
        return StateVisit(
            name,
            status,
            entered_at=proposal.updated_at if is_open else None,
            exited_at=None if is_open else proposal.updated_at,
            map_index=proposal.index,
            map_path=(proposal.index,),
            source=Source.LEDGER,
        )

    for name in ways.to(proposal, _passed(proposal)):
        is_no = name == WAIT and proposal.status in (Status.EXPIRED, Status.DENIED)
        yield run(name, StateStatus.CAUGHT if is_no else StateStatus.SUCCEEDED)
    if stands_in := _STANDS_IN.get(proposal.status):
        waits = proposal.waits and stands_in == RESTART
        goes_on = execution in (ExecutionStatus.RUNNING, ExecutionStatus.PENDING_REDRIVE)
        yield run(WAIT_FOR_ENDPOINT if waits else stands_in, StateStatus.RUNNING if goes_on else StateStatus.ABORTED)
