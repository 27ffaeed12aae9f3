"""Definitions as a tree in reading order."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qlikops.domain.workflow import standing
from qlikops.domain.workflow.machine import Machine, Via, parse_machine
from qlikops.resources import resource


def parsed(states: dict[str, Any], start: str = "A") -> Machine:
    machine = parse_machine(json.dumps({"StartAt": start, "States": states}))
    assert machine is not None
    return machine


@pytest.fixture(scope="module")
def ours() -> Machine:
    machine = parse_machine(resource("statemachine", "state_machine.json").read_text())
    assert machine is not None
    return machine


def test_the_flow_comes_first_and_what_catches_errors_after_it(ours: Machine) -> None:
    assert [state.name for state in ours.states] == [
        "MonitorTasks",
        "CheckAnomalies",
        "ProcessProposals",
        "GenerateReport",
        "Success",
        "ReportMonitoringFailure",
        "MonitoringFailed",
    ]


def test_a_state_stands_above_what_it_leads_to(ours: Machine) -> None:
    place = {state.name: index for index, (_, state) in enumerate(ours.walk())}
    back = [
        (state.name, edge.target)
        for _, state in ours.walk()
        for edge in state.edges
        if place[state.name] >= place[edge.target]
    ]
    # A long group goes on, and what waits for its endpoint is looked at again.
    assert back == [("CheckRestart", "ExecuteRestart"), ("WaitForEndpoint", "ExecuteRestart")]


def test_what_waits_for_a_token_is_known(ours: Machine) -> None:
    assert [(depth, state.name) for depth, state in ours.walk() if state.waits_for_token] == [(1, "WaitForApproval")]


def test_the_ledgers_idea_of_the_machine_is_that_of_the_definition(ours: Machine) -> None:
    names = {state.name for _, state in ours.walk()}
    named = {standing.EVALUATE, standing.WAIT, standing.RESTART, standing.RECORD, standing.HELD, standing.EXPIRED}
    assert named | {standing.WAIT_FOR_ENDPOINT} <= names


def test_ways_out_say_when(ours: Machine) -> None:
    states = {state.name: state for _, state in ours.walk()}
    assert [(edge.via, edge.target, edge.when) for edge in states["CheckDecision"].edges] == [
        (Via.CHOICE, "ExecuteRestart", "$.decision.approved BooleanEquals True"),
        (Via.DEFAULT, "ApprovalRefused", ""),
    ]


def test_circles_dead_ends_and_states_that_nothing_leads_to_are_all_there() -> None:
    machine = parsed(
        {
            "A": {"Type": "Pass", "Next": "B"},
            "B": {"Type": "Choice", "Choices": [{"Not": {"Variable": "$.x", "IsNull": True}, "Next": "A"}]},
            "Alone": {"Type": "Task", "Next": "Nowhere"},
        }
    )
    assert [state.name for state in machine.states] == ["A", "B", "Alone"]
    assert machine.states[1].edges[0].when == "not $.x IsNull True"


def test_a_long_chain_is_no_problem() -> None:
    chain = {f"S{number}": {"Type": "Pass", "Next": f"S{number + 1}"} for number in range(5000)}
    assert len(parsed(chain, "S0").states) == 5000


def test_parallel_branches_and_the_old_name_of_a_maps_inside() -> None:
    inside = {"StartAt": "In", "States": {"In": {"Type": "Pass", "End": True}}}
    machine = parsed(
        {"A": {"Type": "Parallel", "Branches": [inside, inside], "Next": "M"}, "M": {"Type": "Map", "Iterator": inside}}
    )
    assert [(depth, state.name) for depth, state in machine.walk()] == [
        (0, "A"),
        (1, "In"),
        (1, "In"),
        (0, "M"),
        (1, "In"),
    ]


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "{}", '{"States": 7}', '{"States": {}}', "[" * 100_000])
def test_what_is_no_definition_is_none(text: str) -> None:
    assert parse_machine(text) is None


@pytest.mark.parametrize(
    ("rule", "when"),
    [
        ({"Variable": "$.n", "NumericGreaterThan": 0}, "$.n NumericGreaterThan 0"),
        (
            {"And": [{"Variable": "$.n", "IsPresent": True}, {"Variable": "$.n", "NumericEquals": 1}]},
            "$.n NumericEquals 1",
        ),
        (
            {"Or": [{"Variable": "$.a", "IsNull": True}, {"Not": {"Variable": "$.b", "IsNull": True}}]},
            "not $.b IsNull True",
        ),
        ({"Condition": "{% $n > 0 %}"}, "{% $n > 0 %}"),
        ({"And": "nonsense"}, "And nonsense"),
    ],
)
def test_a_condition_is_said_in_one_line(rule: dict[str, Any], when: str) -> None:
    machine = parsed({"A": {"Type": "Choice", "Choices": [{**rule, "Next": "B"}]}, "B": {"Type": "Succeed"}})
    assert machine.states[0].edges[0].when == when
