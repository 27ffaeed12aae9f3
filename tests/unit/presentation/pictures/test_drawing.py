"""A graph as rows of text, with what can be chosen in it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from qlikops.domain.runs.run import RunSummary
from qlikops.domain.workflow.execution import ExecutionStatus, FoldedHistory, StateStatus, StateVisit
from qlikops.domain.workflow.history import fold_history
from qlikops.domain.workflow.machine import Machine, parse_machine
from qlikops.presentation.pictures.canvas import cells
from qlikops.presentation.pictures.drawing import BOXES_FROM, Drawing, draw
from qlikops.presentation.pictures.graph import graph, walk
from qlikops.presentation.tone import plain
from qlikops.resources import resource
from tests.beside import HISTORIES
from tests.cases import for_all
from tests.unit.presentation import samples
from tests.unit.presentation.samples import NOW, run_of

RECORDED = sorted(HISTORIES.glob("*.json"))
WIDTHS = (60, 80, 100, 120, 200)
HISTORY, PROPOSALS = samples.four_proposals()
EMPTY = FoldedHistory(ExecutionStatus.RUNNING, (), ())


@pytest.fixture(scope="module")
def machine() -> Machine:
    made = parse_machine(resource("statemachine", "state_machine.json").read_text())
    assert made is not None
    return made


def seen(drawing: Drawing) -> list[str]:
    return [plain(row).rstrip() for row in drawing.rows]


def text(drawing: Drawing) -> str:
    return "\n".join(seen(drawing))


def test_a_narrow_terminal_shows_a_line_a_state(machine: Machine) -> None:
    found = graph(machine, run_of(HISTORY, PROPOSALS, RunSummary("arn", "r", NOW, 4, 36, 4, 4)), NOW)
    assert seen(draw(found, 80, NOW, "f")) == [
        "  ✓  MonitorTasks                     36 tasks                              9s",
        "  ✓  CheckAnomalies                   4 proposals",
        "  ◐  ProcessProposals                 1 of 4 open                          26m",
        "  ├─╮",
        "  │ ✓  EvaluateProposal            4                                        9s",
        "  │ ✓  CheckApproval               4  → 3 WaitForApproval, 1 ApproveAutom…",
        "  │ ✓  ApproveAutomatically        1",
        "  │ ●  WaitForApproval             3  1 waits  → 1 CheckDecision, 1 Appro… 26m",
        "  │ ✓  CheckDecision               1",
        "  │ ✓  ExecuteRestart              2  3 times                              42s",
        "  │ ✓  CheckRestart                2  3 times  → 1 x ExecuteRestart, 2 Re…",
        "  │ ✓  ApprovalDenied              1",
        "  │ ✓  RecordOutcome               3                                        1s",
        "  ├─╯  8 states not reached   f unfolds",
        "  ○  GenerateReport                   not yet",
        "  ○  Success                          not yet",
        "  2 states not reached: ReportMonitoringFailure, MonitoringFail…   f unfolds",
        "",
        "      Proposal                                    Came to",
        "    0 task-0 (replicate-eu-1)                     ● waiting",
        "    1 task-1 (replicate-eu-1)                     ✓ restarted",
        "    2 task-2 (replicate-eu-1)                     ✓ restarted",
        "    3 task-3 (replicate-eu-1)                     ○ denied",
        "",
        "   Took at most",
        "   MonitorTasks            ━ 9s",
        "   ProcessProposals        ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ 26m so far",
        "   EvaluateProposal        ━ 9s",
        "   WaitForApproval         ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ 26m so far",
        "   ExecuteRestart          ━               ━━ 42s",
        "   RecordOutcome                             ━ 1s",
    ]


def test_a_wide_one_shows_boxes_with_what_is_inside_a_map_in_a_frame(machine: Machine) -> None:
    drawn = draw(graph(machine, run_of(HISTORY, PROPOSALS), NOW), 200, NOW, "f")
    found = seen(drawn)
    assert "numbers: how many of the 4 went this way" in found[5]
    assert found[5].startswith("╭─ ProcessProposals ─")
    assert all(row[0] in "│╰" for row in found[6 : 1 + max(y for y, row in enumerate(found) if row.startswith("╰"))])
    one_line = {stop.y for key, stop in drawn.stops.items() if key.startswith("state ") and stop.y < 5}
    assert len(one_line) == 1, "the chain is one line"
    assert "8 states not reached: ProposalHeld, EvaluationUnavailable, " in text(drawn)


def test_the_times_of_a_chosen_item_are_its_own(machine: Machine) -> None:
    found = graph(machine, run_of(HISTORY, PROPOSALS), NOW, chosen="item 3")
    below = text(draw(found, 120, NOW, "f", "item 3")).partition("   Took\n")[2]
    assert "WaitForApproval" in below
    assert "11m" in below
    assert "ExecuteRestart" not in below


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("unfolded", [False, True])
@pytest.mark.parametrize("history", [EMPTY, HISTORY, replace(HISTORY, status=ExecutionStatus.ABORTED)])
def test_every_state_that_is_drawn_can_be_chosen_and_nothing_is_wider_than_the_terminal(
    machine: Machine, history: FoldedHistory, unfolded: bool, width: int
) -> None:
    found = graph(machine, run_of(history, PROPOSALS), NOW, unfolded=unfolded)
    drawn = draw(found, width, NOW, "f")
    assert all(cells(row) <= width for row in seen(drawn))
    wanted = {node.key for level in walk(found.level) for node in level.nodes} | {item.key for item in found.items}
    assert drawn.stops.keys() == wanted
    for stop in drawn.stops.values():
        assert 0 <= stop.mark_row < len(drawn.rows)
        assert seen(drawn)[stop.mark_row][stop.x : stop.x + stop.width].strip()
    assert [stop.y for stop in drawn.stops.values()] == sorted(stop.y for stop in drawn.stops.values())


@for_all(RECORDED, WIDTHS)
def test_what_was_recorded_on_aws_is_drawn_with_every_state_that_ran(path: Path, width: int) -> None:
    history = fold_history(json.loads(path.read_text())["events"])
    drawn = draw(graph(None, run_of(history), NOW), width, NOW, "f")
    assert {f"state {visit.name}" for visit in history.states if visit.name} <= drawn.stops.keys()


def test_where_no_box_has_room_there_are_lines() -> None:
    nested = '{"StartAt": "Z", "States": {"Z": {"Type": "Pass", "End": true}}}'
    for depth in range(30):
        nested = f'{{"StartAt": "M{depth}", "States": {{"M{depth}": {{"Type": "Map", "ItemProcessor": {nested}}}}}}}'
    drawn = draw(graph(parse_machine(nested), run_of(EMPTY), NOW, unfolded=True), BOXES_FROM, NOW, "f")
    assert len(drawn.stops) == 31
    assert "├─╯" in text(drawn)
    assert "┏" not in text(drawn)


def test_what_ran_inside_a_map_that_did_not_is_drawn_all_the_same() -> None:
    machine = parse_machine(
        """{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "M"}, "M": {"Type": "Map", "End": true,
        "ItemProcessor": {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": true}}}}}}"""
    )
    only = replace(
        EMPTY, status=ExecutionStatus.FAILED, states=(StateVisit("I", StateStatus.FAILED, NOW, map_path=(0,)),)
    )
    for width in (80, 120):
        drawn = draw(graph(machine, run_of(only), NOW), width, NOW, "f")
        assert drawn.stops.keys() == {"state I", "item 0"}
        assert "2 states not reached" in text(drawn)


def test_items_beyond_all_measure_are_counted() -> None:
    many = [replace(PROPOSALS[0], index=index, label="a long name of a task " * 9) for index in range(500)]
    drawn = draw(graph(None, run_of(EMPTY, many), NOW), 80, NOW, "f")
    assert sum(key.startswith("item ") for key in drawn.stops) == 200
    assert "… and 300 items more" in text(drawn)
    assert all(cells(row) <= 80 for row in seen(drawn))


def test_a_state_without_times_has_no_bar() -> None:
    visits = (
        StateVisit("A", StateStatus.SUCCEEDED, None),
        StateVisit("B", StateStatus.SUCCEEDED, NOW, NOW + timedelta(milliseconds=10)),
    )
    assert "Took" not in text(draw(graph(None, run_of(replace(EMPTY, states=visits)), NOW), 80, NOW, "f"))


def test_a_definition_of_many_states_is_drawn() -> None:
    states = {f"S{number}": {"Type": "Pass", "Next": f"S{number + 1}"} for number in range(300)}
    long = parse_machine(json.dumps({"StartAt": "S0", "States": {**states, "S300": {"Type": "Succeed"}}}))
    assert len(draw(graph(long, run_of(EMPTY), NOW), 120, NOW, "f").stops) == 301
