"""What is kept between refreshes: pages of executions."""

from __future__ import annotations

from dataclasses import replace
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
    made.take_next(ExecutionPage(runs(6, 5, 4), "after-4"))
    return made


def refresh(executions: LoadedExecutions, chosen: int, *there: int, status: ExecutionStatus = DONE) -> str | None:
    """Asks for a page of three of what is there now, with the cursor on `chosen`; returns by which token."""
    token = executions.token_to_refresh(*runs(chosen))
    rest = [each for each in there if token is None or each < int(token.removeprefix("after-"))]
    page = rest[:3]
    executions.take_refreshed(
        ExecutionPage(runs(*page, status=status), f"after-{page[-1]}" if rest[3:] else None), token
    )
    return token


def names(executions: LoadedExecutions) -> list[str]:
    return [run.name.removeprefix("run-") for run in executions.runs]


def test_a_refresh_of_the_newest_page_adds_what_is_new_and_keeps_the_rest() -> None:
    executions = loaded()
    executions.take_refreshed(ExecutionPage(runs(10, 9, 8), "after-8"), None)
    assert names(executions) == ["10", "9", "8", "7", "6", "5", "4"]
    assert executions.next_token == "after-4"


def test_what_no_longer_matches_within_a_page_that_came_again_goes() -> None:
    executions = loaded()
    executions.take_refreshed(ExecutionPage(runs(9, 7, 6), "after-6"), None)
    assert names(executions) == ["9", "7", "6", "5", "4"]


def test_what_no_longer_matches_at_the_beginning_of_an_older_page_goes() -> None:
    executions = loaded()
    for _ in range(2):
        refresh(executions, 4, 9, 8, 7, 5, 4)
    assert names(executions) == ["9", "8", "7", "5", "4"]


def test_page_after_page_is_asked_for_up_to_that_of_the_cursor() -> None:
    executions = loaded()
    there = range(9, 0, -1)
    assert [refresh(executions, 5, *there) for _ in range(4)] == ["after-7", None, "after-7", None]
    assert [refresh(executions, 7, *there) for _ in range(2)] == [None, None]
    executions.take_next(ExecutionPage(runs(3, 2, 1), None))
    assert [refresh(executions, 1, *there) for _ in range(4)] == ["after-7", "after-4", None, "after-7"]
    assert executions.token_to_refresh(None) is None


def test_after_a_question_that_had_no_answer_one_begins_with_the_newest() -> None:
    executions = loaded()
    (chosen,) = runs(5)
    assert [executions.token_to_refresh(chosen) for _ in range(2)] == ["after-7", None]


def test_however_many_came_since_all_that_was_loaded_is_kept_true() -> None:
    executions = loaded()
    for newest in range(10, 16):
        refresh(executions, newest, *range(newest, 0, -1))
    for _ in range(5):
        refresh(executions, 4, *range(15, 0, -1), status=ExecutionStatus.ABORTED)
    assert {run.status for run in executions.runs} == {ExecutionStatus.ABORTED}
    assert names(executions)[:12] == [str(number) for number in range(15, 3, -1)]
    assert executions.next_token == f"after-{names(executions)[-1]}"


def test_an_older_page_that_came_again_empty_says_nothing() -> None:
    executions = loaded()
    executions.take_refreshed(ExecutionPage((), "after-7"), None)
    refresh(executions, 4, *range(9, 0, -1))
    executions.take_refreshed(ExecutionPage((), None), executions.token_to_refresh(*runs(4)))
    assert executions.token_to_refresh(*runs(4)) is None
    assert names(executions) == ["9", "8", "7", "6", "5", "4"]
    executions.take_refreshed(ExecutionPage((), None), None)
    assert not names(executions)


def test_an_older_page_that_was_asked_for_before_all_was_loaded_anew_is_not_taken_for_the_newest() -> None:
    executions = loaded()
    executions.clear()
    executions.take_refreshed(ExecutionPage(runs(6, 5, 4), None), "after-7")
    assert not names(executions)
    assert not executions.complete
    executions.take_refreshed(ExecutionPage(runs(9, 8, 7), "after-7"), None)
    executions.take_refreshed(ExecutionPage(runs(3, 2, 1), None), "after-4")
    assert names(executions) == ["9", "8", "7"]


def test_what_began_in_the_same_moment_as_the_end_of_a_page_stays_on_the_next() -> None:
    executions = LoadedExecutions()
    first, second, third, fourth = (replace(run, started_at=samples.NOW) for run in runs(4, 3, 2, 1))
    executions.take_refreshed(ExecutionPage((first, third), "more"), None)
    executions.take_next(ExecutionPage((fourth, second), None))
    assert names(executions) == ["4", "3", "2", "1"]
    executions.take_refreshed(ExecutionPage((first, third), "more"), None)
    assert names(executions) == ["4", "3", "2", "1"]


def test_what_ends_comes_to_the_front_of_step_functions_list_and_stays_where_it_began_in_this_one() -> None:
    executions = LoadedExecutions()
    began = runs(4, 3, 2, 1)
    ended = [replace(run, stopped_at=run.started_at + timedelta(minutes=90)) for run in began]
    executions.take_refreshed(ExecutionPage((began[0], began[1]), "after-3"), None)
    executions.take_next(ExecutionPage((began[2], began[3]), None))

    executions.take_refreshed(ExecutionPage((ended[3], began[0]), "after-4"), executions.token_to_refresh(None))
    assert names(executions) == ["4", "3", "2", "1"]
    assert [run.stopped_at is not None for run in executions.runs] == [False, False, False, True]

    assert executions.token_to_refresh(began[2]) == "after-4"
    executions.take_refreshed(ExecutionPage((began[1], began[2]), None), "after-4")
    assert names(executions) == ["4", "3", "2", "1"]
    executions.take_refreshed(ExecutionPage((ended[3], began[0]), "after-4"), executions.token_to_refresh(ended[3]))
    assert executions.token_to_refresh(ended[3]) is None


def test_after_a_gap_one_begins_again() -> None:
    executions = loaded()
    executions.take_refreshed(ExecutionPage(runs(99, 98, 97), "after-97"), None)
    assert names(executions) == ["99", "98", "97"]
    assert executions.next_token == "after-97"


def test_the_last_page_is_known() -> None:
    executions = loaded()
    assert not executions.complete
    executions.take_next(ExecutionPage(runs(3), None))
    assert executions.complete
