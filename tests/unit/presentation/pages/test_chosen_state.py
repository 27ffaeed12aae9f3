"""One state or proposal in short."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qlikops.domain.workflow.execution import FoldedHistory, Source
from qlikops.domain.workflow.machine import Machine, parse_machine
from qlikops.presentation.pages.chosen_state import text
from qlikops.presentation.pictures.graph import graph
from qlikops.resources import resource
from tests.unit.presentation import samples
from tests.unit.presentation.samples import NOW, run_of

HISTORY, PROPOSALS = samples.four_proposals()


@pytest.fixture(scope="module")
def machine() -> Machine:
    made = parse_machine(resource("statemachine", "state_machine.json").read_text())
    assert made is not None
    return made


def shown(machine: Machine | None, key: str, history: FoldedHistory = HISTORY) -> list[str]:
    found = graph(machine, run_of(history, PROPOSALS), NOW, unfolded=True)
    return [" ".join(row.split()) for row in text(found, key, machine, NOW, "l").splitlines()]


def test_a_state_says_what_ran_how_long_and_where_it_leads(machine: Machine) -> None:
    assert shown(machine, "state WaitForApproval") == [
        "WaitForApproval: ● 1 waits",
        "",
        "type Task, waits for its token",
        "visits 3: 1 ▶ running, 1 ✓ succeeded, 1 ↷ caught",
        "entered 2026-03-07 10:53:38 UTC",
        "took 26m at most so far",
        "function QlikMonitor-RequestApproval (l: its log)",
        "leads to CheckDecision",
        "ApprovalDenied, on ApprovalDenied",
        "ApprovalExpired, on States.Timeout, States.HeartbeatTimeout",
        "ApprovalFailed, on States.ALL",
    ]
    assert shown(machine, "state CheckAnomalies")[-2:] == [
        "leads to ProcessProposals, if $.proposal_count NumericGreaterThan 0",
        "GenerateReport, else",
    ]


def test_what_was_tried_again_or_broke_or_was_not_reached_says_so(machine: Machine) -> None:
    broken = [
        replace(state, attempts=3, error="Boom") if state.name == "EvaluateProposal" else state
        for state in HISTORY.states
    ]
    rows = shown(machine, "state EvaluateProposal", replace(HISTORY, states=tuple(broken)))
    assert rows[5:8] == ["took 9s at most", "tries 3 at most", "error Boom, 4 x"]
    assert shown(machine, "state ProposalHeld") == [
        "ProposalHeld: ○ not reached",
        "",
        "type Pass",
        "leads to RecordOutcome",
    ]
    assert shown(None, "state CheckApproval")[0] == "CheckApproval: ✓ 4"


def test_what_the_ledger_tells_is_marked(machine: Machine) -> None:
    told = [replace(state, source=Source.LEDGER, entered_at=None) for state in HISTORY.states]
    assert "told by the ledger" in shown(machine, "state CheckDecision", replace(HISTORY, states=tuple(told)))


def test_a_proposal_says_where_it_was(machine: Machine) -> None:
    rows = shown(machine, "item 3")
    assert rows[1].startswith("○ denied")
    assert rows[3:] == [
        "was in 10:53:29 EvaluateProposal, 9s",
        "10:53:38 CheckApproval",
        "10:53:38 WaitForApproval, 11m",
        "11:05:30 ApprovalDenied",
        "11:06:40 RecordOutcome, 1s",
        "log l: of all its functions",
    ]
    assert shown(machine, "nothing of it") == []
