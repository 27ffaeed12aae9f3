"""Where proposals stand by the ledger, in a history that does not say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qlikops.domain.fleet.endpoint import EndpointKey, EndpointWait
from qlikops.domain.proposals.approval import Decision, Outcome, Status
from qlikops.domain.runs.run import Progress
from qlikops.domain.workflow.execution import (
    ExecutionStatus,
    FoldedHistory,
    RunProposal,
    Source,
    StateStatus,
    StateVisit,
)
from qlikops.domain.workflow.standing import (
    EVALUATE,
    EXPIRED,
    HELD,
    RECORD,
    RESTART,
    WAIT,
    filled_in,
    history_note,
)
from tests.unit.domain.samples import NOON

BARE = FoldedHistory(ExecutionStatus.RUNNING, (StateVisit("ProcessProposals", StateStatus.RUNNING, NOON),), ())


def proposal(status: Status, index: int = 0) -> RunProposal:
    return RunProposal(f"{index:012x}", "server/orders", "FATAL_TRANSIENT", "resume", status, NOON, index)


@pytest.mark.parametrize("decision", [None, Decision(approved=True)])
def test_what_was_superseded_has_been_at_its_restart_only_where_somebody_had_decided(decision: Decision | None) -> None:
    ended = replace(proposal(Status.SUPERSEDED), outcome=Outcome(Status.SUPERSEDED, decision=decision))
    assert ("ExecuteRestart" in {run.name for run in filled_in(BARE, [ended]).states}) == (decision is not None)


def test_what_stood_open_when_the_execution_ended_is_not_called_running() -> None:
    ended = FoldedHistory(ExecutionStatus.ABORTED, (StateVisit("ProcessProposals", StateStatus.ABORTED, None),), ())
    assert filled_in(ended, [proposal(Status.WAITING)]).states[-1].status is StateStatus.ABORTED


def ran(*proposals: RunProposal) -> list[tuple[str, StateStatus]]:
    return [(run.name, run.status) for run in filled_in(BARE, proposals).states if run.source is Source.LEDGER]


@pytest.mark.parametrize("status", [*Status, Status.read("paused")])
def test_only_what_is_certain_is_filled_in(status: Status) -> None:
    running, done = StateStatus.RUNNING, StateStatus.SUCCEEDED
    certain: dict[str, list[tuple[str, StateStatus]]] = {
        Status.PROPOSED: [(EVALUATE, running)],
        Status.EVALUATED: [(EVALUATE, done)],
        Status.WAITING: [(WAIT, running)],
        Status.RESTARTING: [(RESTART, running)],
        Status.HELD: [(HELD, done), (RECORD, done)],
        Status.EXPIRED: [(WAIT, StateStatus.CAUGHT), (EXPIRED, done), (RECORD, done)],
        Status.DENIED: [(RECORD, done)],
        Status.FAILED: [(RECORD, done)],
        Status.ABANDONED: [],
        "paused": [],
    }
    assert ran(proposal(status)) == certain.get(status, [(RESTART, done), (RECORD, done)])


def test_each_item_has_its_index_and_the_time_that_the_ledger_knows() -> None:
    waits, ended = filled_in(BARE, [proposal(Status.WAITING, 0), proposal(Status.DENIED, 1)]).states[1:]
    assert (waits.map_path, waits.entered_at, waits.exited_at) == ((0,), NOON, None)
    assert (ended.map_path, ended.entered_at, ended.exited_at) == ((1,), None, NOON)


def test_a_history_that_says_what_ran_is_left_as_it_is() -> None:
    whole = replace(BARE, states=(*BARE.states, StateVisit(WAIT, StateStatus.RUNNING, NOON, map_index=0)))
    for history, proposals in ((whole, [proposal(Status.WAITING)]), (BARE, [])):
        assert filled_in(history, proposals) is history
        assert history_note(history, proposals) == ""


def test_what_is_lacking_is_said() -> None:
    assert "the ledger filled it in" in history_note(BARE, [proposal(Status.WAITING)])
    assert "history is gone" in history_note(None, [])


HEAD = ["EvaluateProposal", "CheckApproval"]
ANSWERED = Outcome(Status.RESTARTED, decision=Decision(approved=True))
AUTOMATIC = Outcome(Status.RESTARTED, decision=Decision(approved=True, automatic=True))


def way(proposal: RunProposal, *errors: str) -> list[str]:
    found = filled_in(replace(BARE, unplaced_errors=errors), [proposal])
    return [run.name for run in found.states if run.source is Source.LEDGER]


@pytest.mark.parametrize(
    ("status", "outcome", "errors", "names"),
    [
        (Status.PROPOSED, None, (), ["EvaluateProposal"]),
        (Status.EVALUATED, None, (), ["EvaluateProposal"]),
        (Status.WAITING, None, (), [*HEAD, "WaitForApproval"]),
        (Status.HELD, None, (), [*HEAD, "ProposalHeld", "RecordOutcome"]),
        (Status.EXPIRED, None, ("States.Timeout",), [*HEAD, "WaitForApproval", "ApprovalExpired", "RecordOutcome"]),
        (Status.DENIED, None, ("ApprovalDenied",), [*HEAD, "WaitForApproval", "ApprovalDenied", "RecordOutcome"]),
        (Status.DENIED, None, (), [*HEAD, "WaitForApproval", "RecordOutcome"]),
        (Status.FAILED, None, (), [*HEAD, "RecordOutcome"]),
        (
            Status.RESTARTED,
            ANSWERED,
            (),
            [*HEAD, "WaitForApproval", "CheckDecision", "ExecuteRestart", "CheckRestart", "RecordOutcome"],
        ),
        (
            Status.RESTARTED,
            AUTOMATIC,
            (),
            [*HEAD, "ApproveAutomatically", "ExecuteRestart", "CheckRestart", "RecordOutcome"],
        ),
        (Status.RESTARTED, None, (), [*HEAD, "ExecuteRestart", "CheckRestart", "RecordOutcome"]),
        (Status.RESTARTED, ANSWERED, ("TransientError",), ["ExecuteRestart", "RecordOutcome"]),
        (Status.ABANDONED, None, (), []),
    ],
)
def test_where_no_task_broke_the_way_follows_from_the_definition(
    status: Status, outcome: Outcome | None, errors: tuple[str, ...], names: list[str]
) -> None:
    assert way(replace(proposal(status), outcome=outcome), *errors) == names


def test_what_waits_for_its_endpoint_has_been_at_its_restart() -> None:
    waits = EndpointWait(EndpointKey("default", "eu", "ORA-PROD"), NOON, NOON)
    restarting = replace(proposal(Status.RESTARTING), progress=Progress(0, 0, 1, waits))
    assert way(restarting) == [*HEAD, "ExecuteRestart", "CheckRestart", "WaitForEndpoint"]
