"""An execution against the last good one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from qlikops.domain.workflow.events import HistoryEvent
from qlikops.domain.workflow.execution import (
    ExecutionDetail,
    ExecutionStatus,
    FoldedHistory,
    Source,
    StateStatus,
    StateVisit,
)
from qlikops.domain.workflow.following import FollowedExecution
from qlikops.domain.workflow.history import trace
from qlikops.domain.workflow.machine import parse_machine
from qlikops.presentation.pages.comparison import VALUES, Comparison, ValueDifference, compare, gone, none, text
from qlikops.resources import resource
from tests.unit.presentation import samples
from tests.unit.presentation.samples import NOW

DONE = ExecutionStatus.SUCCEEDED
DEFINITION = resource("statemachine", "state_machine.json").read_text()
FOUR, _ = samples.four_proposals()


def visit(name: str, seconds: float, event: int, **changes: object) -> StateVisit:
    visited = StateVisit(
        name,
        StateStatus.SUCCEEDED,
        NOW,
        NOW + timedelta(seconds=seconds),
        state_type="Task",
        entered_event_id=event,
        exited_event_id=event + 1,
    )
    return replace(visited, **changes)  # type: ignore[arg-type]


def followed(
    name: str, history: FoldedHistory | None, *payloads: str, definition: str = DEFINITION
) -> FollowedExecution:
    """Events hold `payloads` by turns as input and output."""
    events = tuple(
        HistoryEvent(number, 0, "", NOW, {("input", "output")[1 - number % 2]: payload})
        for number, payload in enumerate(payloads, start=1)
    )
    detail = ExecutionDetail(samples.execution(name, DONE), history)
    return FollowedExecution(detail, events, trace(()), parse_machine(definition), definition=definition)


def history(*states: StateVisit) -> FoldedHistory:
    return FoldedHistory(DONE, states, ())


QUIET = history(visit("MonitorTasks", 9, 1), visit("CheckAnomalies", 0, 5), visit("GenerateReport", 1, 3))


def rows(found: Comparison) -> list[str]:
    return [" ".join(row.split()) for row in text(found).splitlines()]


def test_a_run_whose_history_is_gone_is_not_said_to_have_done_nothing() -> None:
    assert gone(followed("run-2", FOUR), followed("run-1", QUIET)) == ""
    said = "The history of run-1 is gone, so nothing can be compared."
    assert gone(followed("run-2", FOUR), followed("run-1", None)) == said


def test_each_state_and_way_says_what_is_otherwise() -> None:
    found = compare(followed("run-2", FOUR), followed("run-1", QUIET), NOW)
    shown = rows(found)
    assert shown[0] == "Against run-1, the last run before it that succeeded; it began 0s earlier."
    assert "Definition: the same." in shown
    assert "= MonitorTasks 9s 9s" in shown
    assert "+ WaitForApproval 3 x, 26m, caught not run" in shown
    assert "- GenerateReport not run 1s" in shown
    assert "+ CheckApproval → WaitForApproval 3 x 0 x" in shown
    assert "- CheckAnomalies → GenerateReport 0 x 1 x" in shown


def test_slower_broken_and_oftener_are_otherwise_and_a_little_is_not() -> None:
    def sign(now: StateVisit, *more: StateVisit) -> str:
        run = followed("run-2", history(now, *more))
        (state,) = compare(run, followed("run-1", history(visit("MonitorTasks", 9, 1))), NOW).states
        return state.sign

    assert sign(visit("MonitorTasks", 9.5, 1)) == "="
    assert sign(visit("MonitorTasks", 30, 1)) == "~"
    assert sign(visit("MonitorTasks", 9, 1), visit("MonitorTasks", 9, 1)) == "~"
    assert sign(visit("MonitorTasks", 9, 1, status=StateStatus.FAILED, error="Boom")) == "~"


def test_a_visit_by_the_ledger_has_no_length() -> None:
    by_ledger = visit("RecordOutcome", 9, 1, entered_at=None, source=Source.LEDGER, map_path=(0,))
    found = compare(followed("run-2", history(by_ledger)), followed("run-1", None), NOW)
    assert rows(found)[-1] == "+ RecordOutcome ran not run"


def test_values_are_compared_by_their_place_without_what_differs_in_any_run() -> None:
    before = '{"run": {"name": "run-1", "at": "2026-03-07T11:00:00Z"}, "count": 1, "tasks": [1], "same": 2}'
    after = (
        '{"run": {"name": "run-2", "at": "2026-03-07T11:05:00Z"}, "count": 4, "tasks": [1, 2], "same": 2, "new": "x"}'
    )
    one = history(visit("MonitorTasks", 9, 1))
    found = compare(followed("run-2", one, "{}", after), followed("run-1", one, "{}", before), NOW)
    assert found.values == (
        ValueDifference("MonitorTasks output count", "4", "1"),
        ValueDifference("MonitorTasks output tasks", "a list of 2", "a list of 1"),
        ValueDifference("MonitorTasks output new", "x", "nothing"),
    )
    assert "~ MonitorTasks output count 4 1" in rows(found)


def test_what_is_too_much_or_was_cut_is_said() -> None:
    one = history(visit("MonitorTasks", 9, 1))
    many = "{" + ", ".join(f'"{number}": %d' for number in range(VALUES + 3)) + "}"
    now = followed("run-2", one, '{"cut": "of', many.replace("%d", "1"))
    found = compare(now, followed("run-1", one, "{}", many.replace("%d", "2"), definition="{}"), NOW)
    assert (found.definition, found.more_values, found.unread) == ("revised since", 3, ("MonitorTasks input",))
    assert rows(found)[-3:] == ["… and 3 values more", "", "Too long to be compared: MonitorTasks input."]
    assert compare(replace(now, definition=""), now, NOW).definition == "not known"


def test_without_a_good_run_it_says_how_far_it_looked() -> None:
    assert none(samples.execution()) == (
        "There is no run to compare run-0711 with: none before it succeeded among the newest 500."
    )
