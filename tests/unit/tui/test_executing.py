"""What is kept between refreshes: pages of executions."""

from __future__ import annotations

from datetime import timedelta

from qlikops.domain.ports import ExecutionPage
from qlikops.domain.workflow.execution import ExecutionStatus, ExecutionSummary
from qlikops.tui.model.executing import LoadedExecutions
from tests.unit.presentation import samples

DONE = ExecutionStatus.SUCCEEDED


def runs(*numbers: int, status: ExecutionStatus = DONE) -> tuple[ExecutionSummary, ...]:
    """Higher numbers are newer."""
    return tuple(
        ExecutionSummary(f"arn-{number}", f"run-{number}", status, samples.NOW + timedelta(minutes=number))
        for number in numbers
    )


def loaded() -> LoadedExecutions:
    """Two pages of three."""
    made = LoadedExecutions()
    made.take_refreshed(ExecutionPage(runs(9, 8, 7), "after-7"), None)
    made.take_next(ExecutionPage(runs(6, 5, 4), "after-4"), "after-7")
    return made


def names(executions: LoadedExecutions) -> list[str]:
    return [executions.by_arn[arn].name.removeprefix("run-") for arn in executions.order]


def test_a_refresh_of_the_newest_page_adds_what_is_new_and_keeps_the_rest() -> None:
    executions = loaded()
    executions.take_refreshed(ExecutionPage(runs(10, 9, 8), "after-8"), None)
    assert names(executions) == ["10", "9", "8", "7", "6", "5", "4"]
    assert executions.next_token == "after-4"


def test_what_no_longer_matches_within_a_page_that_came_again_goes() -> None:
    executions = loaded()
    executions.take_refreshed(ExecutionPage(runs(9, 7, 6), "after-6"), None)
    assert names(executions) == ["9", "7", "6", "5", "4"]
    executions.take_refreshed(ExecutionPage(runs(6, 4), None), "after-7")
    assert names(executions) == ["9", "7", "6", "4"]


def test_by_turns_the_page_of_the_cursor_is_asked_for() -> None:
    executions = loaded()
    assert [executions.token_to_refresh("arn-5") for _ in range(4)] == [None, "after-7", None, "after-7"]
    assert [executions.token_to_refresh("arn-9") for _ in range(2)] == [None, None]
    assert [executions.token_to_refresh(None) for _ in range(2)] == [None, None]


def test_an_older_page_that_came_again_says_how_they_stand_now() -> None:
    executions = loaded()
    executions.take_refreshed(ExecutionPage(runs(6, 5, 4, status=ExecutionStatus.ABORTED), "after-4"), "after-7")
    assert [summary.status for summary in executions.by_arn.values()].count(ExecutionStatus.ABORTED) == 3


def test_after_a_gap_one_begins_again() -> None:
    executions = loaded()
    executions.take_refreshed(ExecutionPage(runs(99, 98, 97), "after-97"), None)
    assert names(executions) == ["99", "98", "97"]
    assert executions.next_token == "after-97"


def test_the_last_page_is_known() -> None:
    executions = loaded()
    assert not executions.complete
    executions.take_next(ExecutionPage(runs(3), None), "after-4")
    assert executions.complete
