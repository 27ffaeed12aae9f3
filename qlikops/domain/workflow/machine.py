"""A state machine's definition as a tree of states in reading order: the flow first, what catches errors after it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from qlikops.dataclass import dataclass
from qlikops.domain.encoding.stored import StoredEnum


class Via(StoredEnum):
    """How one state leads to another."""

    NEXT = "next"
    CHOICE = "choice"
    DEFAULT = "default"
    CATCH = "catch"


@dataclass(frozen=True, slots=True)
class Edge:
    """One way out of a state."""

    via: Via
    target: str
    when: str = ""
    """A choice's condition, or the errors that are caught."""


@dataclass(frozen=True, slots=True)
class State:
    """One state, with those inside it where it is a Map or a Parallel."""

    name: str
    kind: str
    """Type of the state: Task, Choice, Map …"""
    edges: tuple[Edge, ...] = ()
    inner: tuple[State, ...] = ()
    waits_for_token: bool = False
    function: str = ""
    """Name of the Lambda function that it calls; empty where it calls none."""

    def walk(self, depth: int = 0) -> Iterator[tuple[int, State]]:
        """It and what is inside it, each with its depth."""
        yield depth, self
        for state in self.inner:
            yield from state.walk(depth + 1)


@dataclass(frozen=True, slots=True)
class Machine:
    """A definition."""

    states: tuple[State, ...]

    def walk(self) -> Iterator[tuple[int, State]]:
        """Every state in reading order, with its depth."""
        for state in self.states:
            yield from state.walk()


def parse_machine(definition: str) -> Machine | None:
    """Reads a definition in Amazon States Language; None for what is no definition. Unknown fields don't matter."""
    try:
        states = _states(json.loads(definition))
    except (ValueError, RecursionError):
        return None
    return Machine(states) if states else None


def _states(data: Any) -> tuple[State, ...]:
    if not isinstance(data, Mapping) or not isinstance(data.get("States"), Mapping):
        return ()
    states = {str(name): _state(str(name), body) for name, body in data["States"].items() if isinstance(body, Mapping)}
    order = _reading_order(states, str(data.get("StartAt", "")))
    return tuple(states[name] for name in order)


def _state(name: str, body: Mapping[str, Any]) -> State:
    containers = [body.get("ItemProcessor") or body.get("Iterator"), *_listed(body.get("Branches"))]
    return State(
        name,
        str(body.get("Type", "")),
        tuple(_edges(body)),
        tuple(state for container in containers for state in _states(container)),
        waits_for_token=str(body.get("Resource", "")).endswith(".waitForTaskToken"),
        function=_function(body),
    )


def _function(body: Mapping[str, Any]) -> str:
    """The function of a `lambda:invoke`, by its name: `FunctionName` may be an ARN, with a version behind it."""
    parameters = body.get("Parameters")
    if ":lambda:invoke" not in str(body.get("Resource", "")) or not isinstance(parameters, Mapping):
        return ""
    name = str(parameters.get("FunctionName", ""))
    return name.rpartition(":function:")[2].partition(":")[0]


def _edges(body: Mapping[str, Any]) -> Iterator[Edge]:
    if "Next" in body:
        yield Edge(Via.NEXT, str(body["Next"]))
    for rule in _listed(body.get("Choices")):
        yield Edge(Via.CHOICE, str(rule.get("Next", "")), _condition(rule))
    if "Default" in body:
        yield Edge(Via.DEFAULT, str(body["Default"]))
    for catcher in _listed(body.get("Catch")):
        yield Edge(Via.CATCH, str(catcher.get("Next", "")), ", ".join(map(str, catcher.get("ErrorEquals") or ())))


def _listed(value: Any) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def _condition(rule: Mapping[str, Any]) -> str:
    """A rule of a Choice in words, such as `$.proposal_count NumericGreaterThan 0`; of an `And` the last part, which is
    what it comes down to.
    """
    for junction in ("And", "Or"):
        if parts := _listed(rule.get(junction)):
            return _condition(parts[-1])
    if isinstance(rule.get("Not"), Mapping):
        return f"not {_condition(rule['Not'])}"
    if "Condition" in rule:
        return str(rule["Condition"])
    tests = [f"{key} {value}" for key, value in rule.items() if key not in ("Variable", "Next", "Comment", "Assign")]
    return " ".join([str(rule.get("Variable", "")), *tests]).strip()


def _reading_order(states: Mapping[str, State], start: str) -> list[str]:
    """Depth first, backwards: what is reached last comes first, so each state stands above what it leads to."""
    done: list[str] = []
    seen: set[str] = set()
    stack: list[tuple[str, Iterator[Edge]]] = []

    def enter(name: str) -> None:
        seen.add(name)
        stack.append((name, iter(reversed(states[name].edges))))

    if start in states:
        enter(start)
    # Not recursive: how long a definition is, is not ours to say.
    while stack:
        name, edges = stack[-1]
        target = next((edge.target for edge in edges if edge.target in states and edge.target not in seen), None)
        if target is None:
            done.append(name)
            stack.pop()
        else:
            enter(target)
    return [*reversed(done), *(name for name in states if name not in seen)]
