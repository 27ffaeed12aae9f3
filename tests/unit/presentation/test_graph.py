"""The state graph as rows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from qlikops.domain.approval import Status
from qlikops.domain.workflow.execution import ExecutionStatus, FoldedHistory, RunProposal, StateStatus, StateVisit
from qlikops.domain.workflow.history import trace
from qlikops.domain.workflow.machine import Machine, parse_machine
from qlikops.domain.workflow.standing import filled_in, history_note
from qlikops.presentation import graph
from qlikops.resources import resource
from tests.unit.presentation import samples

EMPTY = FoldedHistory(ExecutionStatus.RUNNING, (), ())


@pytest.fixture(scope="module")
def machine() -> Machine:
    made = parse_machine(resource("statemachine", "state_machine.json").read_text())
    assert made is not None
    return made


def drawn(machine: Machine | None, history: FoldedHistory, *proposals: RunProposal) -> dict[str, str]:
    """State -> what it did; the first of each name."""
    rows = graph.rows(machine, history, proposals, samples.NOW)
    shown: dict[str, str] = {}
    for row in rows:
        shown.setdefault(row.cells["state"].text.strip("│ "), row.cells["status"].text)
    return shown


def proposal(status: Status, index: int = 0) -> RunProposal:
    return RunProposal(f"{index:012x}", "server/orders", "FATAL_TRANSIENT", "resume", status, samples.NOW, index)


def test_a_history_of_aws_says_everything_by_itself(machine: Machine) -> None:
    shown = drawn(machine, trace(samples.events()).history, proposal(Status.WAITING))
    assert shown["MonitorTasks"] == "✓ succeeded"
    assert shown["└→ GenerateReport, else"] == "· not taken"
    assert shown["#0 orders (server): resume"] == "WAITING"
    assert shown["#1"] == "▶ running"
    assert shown["WaitForApproval"] == "▷ waiting"
    assert shown["ExecuteRestart"] == "· not reached"


def test_the_way_that_was_taken_is_marked(machine: Machine) -> None:
    assert (
        drawn(machine, trace(samples.events()).history)["├→ ProcessProposals, if $.proposal_count NumericGreaterThan 0"]
        == "✓ taken"
    )


@pytest.mark.parametrize("width", [40, 79, 119, 199])
def test_every_row_fits(width: int) -> None:
    columns = graph.columns(width)
    assert sum(column.width + 2 for column in columns) <= max(width, 58)
    assert {"state", "status"} <= {column.key for column in columns}


def test_many_runs_of_a_state_are_counted_with_what_needs_a_look_first() -> None:
    def run(status: StateStatus) -> StateVisit:
        return StateVisit("S", status, samples.NOW)

    runs = [
        run(status) for status in (StateStatus.SUCCEEDED, StateStatus.RUNNING, StateStatus.CAUGHT, StateStatus.RUNNING)
    ]
    assert graph.what_it_did(runs).text == "▶ 2 running ↷ 1 ✓ 1"
    assert graph.what_it_did(runs[:1]).text == "✓ succeeded"
    assert graph.what_it_did(runs, waits_for_token=True).text.startswith("▷ 2 waiting")


@pytest.mark.parametrize("status", Status)
def test_what_the_ledger_fills_in_is_known_to_the_machine_and_marked(machine: Machine, status: Status) -> None:
    bare = FoldedHistory(
        ExecutionStatus.RUNNING, (StateVisit("ProcessProposals", StateStatus.RUNNING, samples.NOW),), ()
    )
    standing = proposal(status)
    full = filled_in(bare, [standing])
    assert history_note(bare, [standing])
    names = {state.name for _, state in machine.walk()}
    assert {run.name for run in full.states} <= names
    shown = drawn(machine, full, standing)
    if len(full.states) > 1:
        assert shown[full.states[-1].name].endswith("by ledger")
        assert shown["EvaluationUnavailable"] == "? not recorded"


def test_states_that_the_definition_does_not_have_are_shown_after_it(machine: Machine) -> None:
    stranger = replace(EMPTY, states=(StateVisit("Older\x1b[31m", StateStatus.SUCCEEDED, samples.NOW),))
    assert list(drawn(machine, stranger))[-1] == "Older"
    assert list(drawn(None, stranger)) == ["Older"]


def test_items_beyond_all_measure_are_counted(machine: Machine) -> None:
    proposals = [proposal(Status.WAITING, index) for index in range(500)]
    rows = graph.rows(machine, EMPTY, proposals, samples.NOW)
    assert sum(row.key.startswith("item ") for row in rows) == 200
    assert any("300 items more" in row.cells["state"].text for row in rows)
    assert all(cell_len(row.cells["status"].text) <= 40 for row in rows)


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ("access denied", "The definition of this execution could not be read: access denied. These are the states"),
        ("", "The definition of this execution could not be read. These are the states"),
    ],
)
def test_a_definition_that_could_not_be_read_is_said_to_be_missing(machine: Machine, problem: str, said: str) -> None:
    assert graph.definition_note(None, problem).startswith(said)
    assert graph.definition_note(machine, problem) == ""
