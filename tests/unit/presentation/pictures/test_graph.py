"""What an execution did, as a graph."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from qlikops.domain.proposals.approval import Decision, Outcome, Status
from qlikops.domain.runs.run import Progress, RunSummary
from qlikops.domain.workflow.execution import ExecutionStatus, FoldedHistory, RunProposal, StateStatus, StateVisit
from qlikops.domain.workflow.history import trace
from qlikops.domain.workflow.machine import Machine, parse_machine
from qlikops.domain.workflow.standing import filled_in
from qlikops.presentation.pictures.graph import (
    Graph,
    Level,
    Node,
    Reached,
    definition_note,
    graph,
    longest,
    main_path,
    walk,
)
from qlikops.presentation.tone import Tone
from qlikops.resources import resource
from tests.growth import assert_time_grows_with_length_alone
from tests.unit.presentation import samples
from tests.unit.presentation.samples import NOW, run_of

HISTORY, PROPOSALS = samples.four_proposals()
SUMMARY = RunSummary("arn", "run-0711", NOW, servers=4, tasks=36, anomalies=4, proposals=4)
EMPTY = FoldedHistory(ExecutionStatus.RUNNING, (), ())
ENDED = replace(HISTORY, status=ExecutionStatus.SUCCEEDED)


@pytest.fixture(scope="module")
def machine() -> Machine:
    made = parse_machine(resource("statemachine", "state_machine.json").read_text())
    assert made is not None
    return made


def nodes(found: Graph) -> dict[str, Node]:
    return {node.name: node for level in walk(found.level) for node in level.nodes}


def labels(level: Level) -> dict[tuple[str, str], str]:
    return {(way.source, way.target): way.label for way in level.ways}


def inside(found: Graph) -> Level:
    (level,) = found.level.inner
    return level


def test_each_state_says_how_far_the_run_came_with_it(machine: Machine) -> None:
    found = graph(machine, run_of(HISTORY, PROPOSALS, SUMMARY), NOW)
    shown = nodes(found)
    assert {name: node.note.text for name, node in shown.items()} == {
        "MonitorTasks": "✓ 36 tasks",
        "CheckAnomalies": "✓ 4 proposals",
        "ProcessProposals": "◐ 1 of 4 open",
        "GenerateReport": "○ not yet",
        "Success": "○ not yet",
        "EvaluateProposal": "✓ 4",
        "CheckApproval": "✓ 4",
        "ApproveAutomatically": "✓",
        "WaitForApproval": "● 1 waits",
        "CheckDecision": "✓",
        "ExecuteRestart": "✓ 3 times",
        "CheckRestart": "✓ 3 times",
        "ApprovalDenied": "✓",
        "RecordOutcome": "✓ 3",
    }
    assert shown["WaitForApproval"].reached is Reached.HERE
    assert (shown["MonitorTasks"].took, shown["CheckApproval"].took, shown["WaitForApproval"].took) == ("9s", "", "26m")
    assert found.here == "state WaitForApproval"


def test_the_numbers_on_the_arrows_say_how_many_went_that_way(machine: Machine) -> None:
    found = graph(machine, run_of(HISTORY, PROPOSALS), NOW)
    assert labels(inside(found)) == {
        ("EvaluateProposal", "CheckApproval"): "4",
        ("CheckApproval", "WaitForApproval"): "3",
        ("CheckApproval", "ApproveAutomatically"): "1",
        ("ApproveAutomatically", "ExecuteRestart"): "1",
        ("WaitForApproval", "CheckDecision"): "1",
        ("WaitForApproval", "ApprovalDenied"): "1",
        ("CheckDecision", "ExecuteRestart"): "1",
        ("ExecuteRestart", "CheckRestart"): "2",
        ("CheckRestart", "ExecuteRestart"): "1 x",
        ("CheckRestart", "RecordOutcome"): "2",
        ("ApprovalDenied", "RecordOutcome"): "1",
    }
    assert labels(found.level)["MonitorTasks", "CheckAnomalies"] == ""
    assert ("CheckAnomalies", "GenerateReport") not in labels(found.level), "the choice went another way"


def test_the_path_of_a_chosen_item_is_lit_and_the_rest_fades(machine: Machine) -> None:
    found = graph(machine, run_of(HISTORY, PROPOSALS), NOW, chosen="item 3")
    lit = {name for name, node in nodes(found).items() if not node.faded}
    assert lit == {
        *("MonitorTasks", "CheckAnomalies", "ProcessProposals"),
        *("EvaluateProposal", "CheckApproval", "WaitForApproval", "ApprovalDenied", "RecordOutcome"),
    }
    assert {way.target for way in inside(found).ways if not way.faded} == {
        *("CheckApproval", "WaitForApproval", "ApprovalDenied", "RecordOutcome"),
    }


@pytest.mark.parametrize("unfolded", [False, True])
@pytest.mark.parametrize("history", [EMPTY, HISTORY, ENDED, trace(samples.events()).history])
def test_every_state_of_the_definition_is_drawn_or_counted_once(
    machine: Machine, history: FoldedHistory, unfolded: bool
) -> None:
    found = graph(machine, run_of(history), NOW, unfolded=unfolded)
    drawn = [node.name for level in walk(found.level) for node in level.nodes]
    folded = [name for level in walk(found.level) for name in level.folded]
    assert Counter(drawn + folded) == Counter(state.name for _, state in machine.walk())
    assert not (unfolded and folded)
    for level in walk(found.level):
        known = {node.name for node in level.nodes}
        assert all({way.source, way.target} <= known for way in level.ways)


def test_of_a_run_that_ended_nothing_is_drawn_that_it_did_not_reach(machine: Machine) -> None:
    found = graph(machine, run_of(ENDED), NOW)
    assert all(node.visits for node in nodes(found).values())
    assert set(found.level.folded) == {"GenerateReport", "Success", "ReportMonitoringFailure", "MonitoringFailed"}


def test_the_main_path_is_the_longest_that_never_goes_back(machine: Machine) -> None:
    assert main_path(inside(graph(machine, run_of(HISTORY), NOW))) == (
        *("EvaluateProposal", "CheckApproval", "WaitForApproval", "CheckDecision"),
        *("ExecuteRestart", "CheckRestart", "RecordOutcome"),
    )
    assert main_path(Level("", (), (), (), ())) == ()


@pytest.mark.parametrize(
    ("status", "note", "reached", "tone"),
    [
        (StateStatus.FAILED, "✗ 1 of 2 Boom", Reached.FAILED, Tone.DANGER),
        (StateStatus.TIMED_OUT, "✗ 1 of 2 timed out", Reached.FAILED, Tone.DANGER),
        (StateStatus.ABORTED, "✗ 1 of 2 aborted", Reached.FAILED, Tone.WARNING),
        (StateStatus.CAUGHT, "✗ 1 of 2 caught", Reached.RAN, Tone.WARNING),
        (StateStatus.RUNNING, "◐ 1 of 2 running, 3 tries", Reached.HERE, Tone.INFO),
    ],
)
def test_what_needs_a_look_comes_first(status: StateStatus, note: str, reached: Reached, tone: Tone) -> None:
    visits = (
        StateVisit("S", StateStatus.SUCCEEDED, NOW),
        StateVisit(
            "S",
            status,
            NOW,
            attempts=3 if status is StateStatus.RUNNING else 1,
            error="Boom" if status is StateStatus.FAILED else "",
        ),
    )
    (node,) = graph(None, run_of(replace(EMPTY, states=visits)), NOW).level.nodes
    assert (node.note.text, node.reached, node.note.tone) == (note, reached, tone)


def test_a_denial_is_no_failure_of_the_state_that_waits(machine: Machine) -> None:
    waited = [visit for visit in HISTORY.states if visit.map_path in ((), (3,))]
    found = graph(machine, run_of(replace(HISTORY, states=tuple(waited))), NOW)
    assert nodes(found)["WaitForApproval"].note.text == "✓"


@pytest.mark.parametrize("status", Status)
def test_what_the_ledger_fills_in_is_drawn_with_what_it_must_have_come_through(
    machine: Machine, status: Status
) -> None:
    bare = replace(EMPTY, states=(StateVisit("ProcessProposals", StateStatus.RUNNING, NOW, state_type="Map"),))
    proposal = RunProposal("0" * 12, "server/orders", "FATAL_TRANSIENT", "resume", status, NOW)
    full = filled_in(bare, [proposal])
    found = graph(machine, run_of(full, [proposal]), NOW)
    assert {visit.name for visit in full.states} <= nodes(found).keys()
    if status in (Status.PROPOSED, Status.EVALUATED):
        # It is at the Map's first state: there is nothing that it came through.
        assert [node.name for node in inside(found).nodes] == ["EvaluateProposal"]
    elif len(full.states) > 1:
        assert nodes(found)[full.states[-1].name].note.text.endswith("by ledger")
        assert nodes(found)["CheckApproval"].note.text == "? not recorded"
        assert ("CheckApproval", "WaitForApproval") in labels(inside(found))


def test_where_the_ledger_knows_the_whole_way_nothing_else_is_drawn(machine: Machine) -> None:
    bare = replace(EMPTY, states=(StateVisit("ProcessProposals", StateStatus.RUNNING, NOW, state_type="Map"),))
    waiting, restarted, denied = (
        RunProposal("0" * 12, "server/orders", "FATAL_TRANSIENT", "resume", status, NOW, index)
        for index, status in enumerate((Status.WAITING, Status.RESTARTED, Status.DENIED))
    )
    restarted = replace(restarted, outcome=Outcome(Status.RESTARTED, decision=Decision(approved=True)))
    proposals = [waiting, restarted, denied]
    full = filled_in(replace(bare, unplaced_errors=("ApprovalDenied",)), proposals)
    level = inside(graph(machine, run_of(full, proposals), NOW))
    assert labels(level) == {
        ("EvaluateProposal", "CheckApproval"): "3",
        ("CheckApproval", "WaitForApproval"): "3",
        ("WaitForApproval", "CheckDecision"): "1",
        ("CheckDecision", "ExecuteRestart"): "1",
        ("ExecuteRestart", "CheckRestart"): "1",
        ("CheckRestart", "RecordOutcome"): "1",
        ("WaitForApproval", "ApprovalDenied"): "1",
        ("ApprovalDenied", "RecordOutcome"): "1",
    }
    assert level.by_ledger


def test_without_a_definition_what_ran_is_drawn_with_what_ran_inside_it() -> None:
    found = graph(None, run_of(HISTORY, PROPOSALS), NOW)
    assert [node.name for node in found.level.nodes] == ["MonitorTasks", "CheckAnomalies", "ProcessProposals"]
    assert labels(inside(found))["CheckApproval", "WaitForApproval"] == "3"
    inner_only = [visit for visit in HISTORY.states if visit.map_path]
    assert nodes(graph(None, run_of(replace(HISTORY, states=tuple(inner_only))), NOW)).keys() == {
        visit.name for visit in inner_only
    }


def test_states_that_the_definition_does_not_have_are_drawn_too(machine: Machine) -> None:
    older = replace(EMPTY, states=(StateVisit("Older\x1b[31m", StateStatus.SUCCEEDED, NOW),))
    assert "Older" in nodes(graph(machine, run_of(older), NOW))


def test_branches_of_a_parallel_are_told_apart_by_what_leads_to_what() -> None:
    machine = parse_machine(
        """{"StartAt": "P", "States": {"P": {"Type": "Parallel", "End": true, "Branches": [
        {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "End": true}}},
        {"StartAt": "C", "States": {"C": {"Type": "Pass", "Next": "D"}, "D": {"Type": "Pass", "End": true}}}]}}}"""
    )
    visits = tuple(StateVisit(name, StateStatus.SUCCEEDED, NOW, NOW) for name in ("P", "A", "C", "B", "D"))
    found = graph(machine, run_of(replace(EMPTY, status=ExecutionStatus.SUCCEEDED, states=visits)), NOW)
    assert labels(inside(found)) == {("A", "B"): "", ("C", "D"): ""}


def test_times_are_counted_outside_a_map() -> None:
    visits = tuple(StateVisit(name, StateStatus.SUCCEEDED, NOW, NOW) for name in ("A", "B", "A", "B"))
    found = graph(None, run_of(replace(EMPTY, states=visits)), NOW)
    assert labels(found.level) == {("A", "B"): "2 x", ("B", "A"): "1 x"}


def test_an_item_says_where_it_is_and_what_it_came_to() -> None:
    failed = replace(PROPOSALS[0], index=7, status=Status.FAILED, outcome=Outcome(Status.FAILED, "refused", at=NOW))
    restarting = replace(PROPOSALS[0], index=8, status=Status.RESTARTING, progress=Progress(1, 0, 3))
    group = replace(PROPOSALS[0], index=9, status=Status.ABANDONED, label="3 tasks: source X/Y", action="reload")
    first = graph(None, run_of(HISTORY, [*PROPOSALS, failed, restarting, group]), NOW)
    assert [(item.what, item.stands, item.came_to.text) for item in first.items] == [
        ("task-0 (replicate-eu-1)", "WaitForApproval", "● waiting"),
        ("task-1 (replicate-eu-1)", "RecordOutcome", "✓ restarted"),
        ("task-2 (replicate-eu-1)", "RecordOutcome", "✓ restarted"),
        ("task-3 (replicate-eu-1)", "RecordOutcome", "○ denied"),
        ("task-0 (replicate-eu-1)", "", "✗ failed: refused"),
        ("task-0 (replicate-eu-1)", "", "◐ restarting: 1 up, 2 to go"),
        ("reload: 3 tasks: source X/Y", "", "✗ abandoned"),
    ]
    unknown = graph(None, run_of(HISTORY), NOW)
    assert [(item.what, item.came_to.text) for item in unknown.items][:2] == [
        ("item 0", "▶ running"),
        ("item 1", "✓ succeeded"),
    ]


def test_the_longest_visit_counts_and_one_that_never_began_does_not() -> None:
    assert longest([], NOW) == longest([StateVisit("S", StateStatus.RUNNING, None)], NOW) == 0


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ("access denied", "The definition of this execution could not be read: access denied. These are the states"),
        ("", "The definition of this execution could not be read. These are the states"),
    ],
)
def test_a_definition_that_could_not_be_read_is_said_to_be_missing(machine: Machine, problem: str, said: str) -> None:
    assert definition_note(None, problem).startswith(said)
    assert definition_note(machine, problem) == ""


def test_a_loop_takes_time_in_proportion_to_its_rounds() -> None:
    loop = StateVisit("Loop", StateStatus.SUCCEEDED, NOW, NOW)
    known = parse_machine('{"StartAt": "Loop", "States": {"Loop": {"Type": "Pass", "End": true}}}')
    assert_time_grows_with_length_alone(
        lambda rounds: graph(known, run_of(replace(EMPTY, states=(loop,) * rounds)), NOW), 8_000
    )
