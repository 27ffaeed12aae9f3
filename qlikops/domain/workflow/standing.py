"""Where proposals stand in the state machine by the ledger, for histories that do not say.

The embedded AWS keeps no states inside a Map. What the ledger knows of an item is where it stands or how it ended,
not every state on the way there: only what follows for certain is filled in, and marked as the ledger's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from qlikops.domain.approval import Status
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
HELD, EXPIRED = "ProposalHeld", "ApprovalExpired"

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


def history_note(history: FoldedHistory | None, proposals: Sequence[RunProposal]) -> str:
    """What the history lacks and the ledger says instead; empty where it lacks nothing."""
    if history is None:
        return _NO_HISTORY
    return _NO_ITEMS if _lacks_items(history, proposals) else ""


def filled_in(history: FoldedHistory, proposals: Sequence[RunProposal]) -> FoldedHistory:
    """The history, with what the ledger knows of each Map item where it has none itself."""
    if not _lacks_items(history, proposals):
        return history
    standing = (run for proposal in proposals for run in _standing(proposal, history.status))
    return replace(history, states=(*history.states, *standing))


def _lacks_items(history: FoldedHistory, proposals: Sequence[RunProposal]) -> bool:
    return bool(proposals) and all(run.map_index is None or run.source is Source.LEDGER for run in history.states)


def _passed(proposal: RunProposal) -> tuple[str, ...]:
    if proposal.status is Status.SUPERSEDED and proposal.outcome and not proposal.outcome.decision:
        # Ended without an answer, so it never came to a restart.
        return ()
    return _PASSED.get(proposal.status, ())


def _standing(proposal: RunProposal, execution: ExecutionStatus) -> Iterator[StateVisit]:
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

    stands_in = _STANDS_IN.get(proposal.status)
    if proposal.progress and proposal.progress.waits and stands_in == RESTART:
        stands_in = WAIT_FOR_ENDPOINT
    if stands_in:
        goes_on = execution in (ExecutionStatus.RUNNING, ExecutionStatus.PENDING_REDRIVE)
        yield run(stands_in, StateStatus.RUNNING if goes_on else StateStatus.ABORTED)
    for name in _passed(proposal):
        timed_out = name == WAIT and proposal.status is Status.EXPIRED
        yield run(name, StateStatus.CAUGHT if timed_out else StateStatus.SUCCEEDED)
