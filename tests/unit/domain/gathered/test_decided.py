"""What a screen asks for again and again is asked for once, unless something may have become of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from qlikops.domain.errors import NotFound, RecordTooNew
from qlikops.domain.gathered.decided import Known, decided_since
from qlikops.domain.ports import ContextServices
from qlikops.domain.proposals.approval import Outcome, Status, TaskOutcome
from qlikops.domain.proposals.lasting import Aftermath
from qlikops.domain.runs.run import Progress
from qlikops.domain.workflow.execution import ExecutionDetail, RunProposal
from tests.fakes import Clock, FakeApprovals, FakeEnvironment
from tests.unit.domain.gathered.test_decisions import FELL, HOUR, LASTED, ended
from tests.unit.domain.gathered.test_handover import run_of
from tests.unit.domain.samples import KEY, NOON

SINCE = NOON - 12 * HOUR


class Counting(FakeEnvironment):
    """Counts what is asked of records and of runs."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.asked: list[str] = []
        approval, proposals = self.approvals.approval, self.executions.proposals

        def read(name: str) -> object:
            self.asked.append(name)
            return approval(name)

        def query(name: str) -> object:
            self.asked.append(name)
            return proposals(name)

        self.approvals.approval = read  # type: ignore[method-assign, assignment]
        self.executions.proposals = query  # type: ignore[method-assign, assignment]

    def has(self, *runs: ExecutionDetail) -> None:
        self.executions.details = list(runs)
        self.executions.summaries = [run.summary for run in runs]


def row(approval_id: str, status: Status, progress: Progress | None = None) -> RunProposal:
    return RunProposal(f"{approval_id:0>12}", "eu/x", "", "resume", status, NOON - HOUR, progress=progress)


@pytest.fixture
def environment() -> Counting:
    return Counting(FakeApprovals(Clock(NOON)))


def came_up(lasting: Aftermath | None) -> Outcome:
    return replace(ended("a", Status.RESTARTED, lasting)).outcome or Outcome(Status.RESTARTED)


def test_what_is_over_is_read_once(environment: Counting) -> None:
    denied, restarted = ended("a", Status.DENIED), ended("b", Status.RESTARTED, LASTED)
    environment.approvals.records = {each.approval_id: each for each in (denied, restarted)}
    over = run_of("over", 5, 1, row("a", Status.DENIED), row("b", Status.RESTARTED))
    going = run_of("going", 0.1, None, row("c", Status.WAITING))
    environment.has(going, over)
    known, services = Known(), cast("ContextServices", environment)
    first = decided_since(services, SINCE, known, NOON)
    assert sorted(environment.asked) == ["00000000000a", "00000000000b", "going", "over"]
    environment.asked.clear()
    assert decided_since(services, SINCE, known, NOON) == first
    assert environment.asked == ["going"]


def test_a_restart_is_looked_at_again_once_a_run_may_have_seen_more(environment: Counting) -> None:
    up = ended("a", Status.RESTARTED)
    assert up.outcome
    up = replace(up, outcome=replace(up.outcome, targets=(TaskOutcome(KEY, Status.RESTARTED),)))
    environment.approvals.records = {up.approval_id: up}
    environment.has(run_of("over", 5, 1, row("a", Status.RESTARTED)))
    known, services = Known(), cast("ContextServices", environment)
    decided_since(services, SINCE, known, NOON)
    environment.approvals.records = {up.approval_id: replace(up, lasting=FELL)}
    (same,) = decided_since(services, SINCE, known, NOON).records
    (later,) = decided_since(services, SINCE, known, NOON + timedelta(minutes=5)).records
    assert (same.lasting, later.lasting) == (None, FELL)


def test_what_goes_on_is_read_again_and_says_how_far_it_is(environment: Counting) -> None:
    going = ended("a", Status.RESTARTING)
    environment.approvals.records = {going.approval_id: going}
    environment.has(run_of("one", 5, None, row("a", Status.RESTARTING, Progress(3, 0, 12))))
    known, services = Known(), cast("ContextServices", environment)
    assert decided_since(services, SINCE, known).progress == {going.approval_id: Progress(3, 0, 12)}
    environment.asked.clear()
    decided_since(services, SINCE, known)
    assert environment.asked == ["one", going.approval_id]


@pytest.mark.parametrize(("error", "too_new"), [(NotFound("gone"), 0), (RecordTooNew("newer"), 1)])
def test_what_cannot_be_read_costs_nothing_else(environment: Counting, error: Exception, too_new: int) -> None:
    def fails(_: str) -> object:
        raise error

    environment.approvals.approval = fails  # type: ignore[method-assign, assignment]
    environment.has(run_of("none", 6, 5), run_of("one", 5, 1, row("a", Status.DENIED)))
    found = decided_since(cast("ContextServices", environment), SINCE)
    assert (found.records, len(found.too_new)) == ((), too_new)
    assert [run.name for run in found.runs] == ["one", "none"]


def test_no_more_pages_are_asked_for_than_it_takes_to_meet_what_is_known(environment: Counting) -> None:
    environment.has(*(run_of(f"run-{number}", number / 10, number / 10) for number in range(1, 20)))
    known, services = Known(), cast("ContextServices", environment)
    first = decided_since(services, SINCE, known)
    environment.executions.pages = 0
    again = decided_since(services, SINCE, known)
    assert (again.runs, environment.executions.pages) == (first.runs, 2)


def test_a_run_that_ran_is_looked_for_until_it_is_found(environment: Counting) -> None:
    runs = [run_of(f"run-{number}", number / 10, number / 10) for number in range(1, 9)]
    known, services = Known(), cast("ContextServices", environment)
    environment.has(*runs[:6], run_of("long", 0.7, None), runs[7])
    decided_since(services, SINCE, known)
    environment.has(*runs[:6], run_of("long", 0.7, 0), runs[7])
    found = {run.name: run for run in decided_since(services, SINCE, known).runs}
    assert (found["long"].stopped_at, len(found)) == (NOON, 8)
