"""One execution followed: what is read again, and what is not."""

from __future__ import annotations

from collections.abc import Sequence

from qlikops.domain.errors import AccessDenied, NotFound
from qlikops.domain.workflow.events import HistoryEvent
from qlikops.domain.workflow.execution import ExecutionStatus
from qlikops.domain.workflow.following import PAGES, ExecutionFollower, last_good
from tests.unit.presentation import samples
from tests.unit.tui.fakes import FakeEnvironment, FakeExecutions

DONE = ExecutionStatus.SUCCEEDED


class Forgotten(FakeExecutions):
    """Executions whose histories are gone."""

    def events(self, arn: str, after: int = 0) -> Sequence[HistoryEvent]:
        raise NotFound(f"{arn} {after}")


def test_an_ended_execution_is_read_once_more_and_then_its_history_no_more() -> None:
    environment = FakeEnvironment()
    environment.runs = [samples.execution()]
    follower = ExecutionFollower(environment.runs[0].arn)
    assert not follower.read(environment.executions).is_over
    environment.runs = [samples.execution("run-0711", DONE)]
    for _ in range(3):
        follower.read(environment.executions)
    assert [read for read in environment.reads if "events" in read] == ["events after 0", "events after 13"]


def test_without_history_and_definition_it_says_so() -> None:
    environment = FakeEnvironment()
    environment.runs = [samples.execution("run-0711", DONE)]
    environment.definition_error = AccessDenied("Could not read it: not allowed")
    found = ExecutionFollower(environment.runs[0].arn).read(Forgotten(environment))
    assert (found.machine, found.problem) == (None, "Could not read it: not allowed")
    assert found.detail.history is None
    assert "the history is gone" in found.detail.history_note.lower()


def test_the_last_good_run_is_the_newest_before_it_that_succeeded() -> None:
    environment = FakeEnvironment(page_size=1)
    here = samples.execution("run-9", ExecutionStatus.FAILED, minutes_old=10)
    environment.runs = [
        samples.execution("run-10", DONE, minutes_old=5),
        here,
        samples.execution("run-8", ExecutionStatus.ABORTED, minutes_old=15),
        samples.execution("run-7", DONE, minutes_old=20),
        samples.execution("run-6", DONE, minutes_old=25),
    ]
    good = last_good(environment.executions, here)
    assert good is not None
    assert good.name == "run-7"
    assert last_good(environment.executions, environment.runs[-1]) is None
    environment.runs[:1] = [samples.execution(f"run-1{number}", DONE, minutes_old=1) for number in range(PAGES)]
    assert last_good(environment.executions, here) is None
