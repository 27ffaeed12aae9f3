"""A run beside those before it: what is new, what is over, and what nobody could see."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from qlikops.agent.tell.trend import TREND_RUNS, changes, extended, mean_latency, point_of, stale_since
from qlikops.domain.fleet.anomaly import Anomaly, AnomalyKind, Severity
from qlikops.domain.fleet.freshness import Freshness, StaleTime
from qlikops.domain.fleet.task import StopReason, TaskFacts, TaskState
from qlikops.domain.proposals.approval import Status
from qlikops.domain.runs.report import Changes, ReportedProposal, RunPoint, RunReport
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskProgress, TaskSnapshot
from tests.unit.domain.samples import KEY, NOON, PROPOSAL

STEP = timedelta(minutes=5)


def task(name: str, *kinds: AnomalyKind, first_minutes: int | None = None, is_unread: bool = False) -> TaskSnapshot:
    key = replace(KEY, task=name)
    first = None if first_minutes is None else NOON + timedelta(minutes=first_minutes)
    anomalies = tuple(Anomaly(kind, Severity.WARNING, key, "", first_seen=first) for kind in kinds)
    facts = TaskFacts(key, TaskState.ERROR, StopReason.FATAL_ERROR)
    return TaskSnapshot(facts, anomalies=anomalies, is_unread=is_unread)


def poll(*tasks: TaskSnapshot, runs: int = 0) -> FleetSnapshot:
    return FleetSnapshot(NOON + runs * STEP, f"run-{runs}", (), tasks)


STALLED, SLOW = AnomalyKind.STALLED, AnomalyKind.SOURCE_LATENCY


@pytest.mark.parametrize(
    ("before", "now", "new", "resolved"),
    [
        ([task("a")], [task("a", STALLED)], ["a STALLED"], []),
        ([task("a", STALLED)], [task("a", STALLED)], [], []),
        ([task("a", STALLED)], [task("a", SLOW)], [f"a {SLOW}"], ["a STALLED"]),
        ([task("a", STALLED)], [], [], ["a STALLED"]),
        # What cannot be seen is not over.
        ([task("a", STALLED)], [task("a", is_unread=True)], [], []),
        # Nor is it new when it is seen again, if it began before; what began since is.
        ([task("a", is_unread=True)], [task("a", STALLED, first_minutes=-5)], [], []),
        ([task("a", is_unread=True)], [task("a", STALLED, first_minutes=5)], ["a STALLED"], []),
        ([task("a", is_unread=True)], [task("a", STALLED)], ["a STALLED"], []),
    ],
)
def test_what_is_new_and_what_is_over(
    before: list[TaskSnapshot], now: list[TaskSnapshot], new: list[str], resolved: list[str]
) -> None:
    found = changes(poll(*before), poll(*now, runs=1))
    assert found.since == NOON
    assert [f"{each.key.task} {each.kind}" for each in found.new] == new
    assert [f"{each.key.task} {each.kind}" for each in found.resolved] == resolved


def test_without_a_run_before_nothing_is_new() -> None:
    assert changes(None, poll(task("a", STALLED))) == Changes()


def test_time_out_of_freshness_is_counted_from_the_run_before() -> None:
    stale = TaskSnapshot(task("a").facts, TaskProgress(freshness=Freshness("gold", 900, NOON - STEP)))
    assert stale_since(poll(), poll(stale, runs=1)) == (StaleTime("gold", 300, 1),)
    assert stale_since(None, poll(stale)) == ()


def test_the_mean_latency_is_that_of_the_running_tasks_that_say_one() -> None:
    def latency(state: TaskState, seconds: int | None) -> TaskSnapshot:
        return TaskSnapshot(TaskFacts(KEY, state, StopReason.NONE, total_latency_seconds=seconds))

    known = (latency(TaskState.RUNNING, 3), latency(TaskState.RUNNING, 10), latency(TaskState.RUNNING, None))
    assert mean_latency(poll(*known, latency(TaskState.STOPPED, 9999))) == 6.5
    assert mean_latency(poll(latency(TaskState.RUNNING, None))) is None


def report(name: str, started: int, *statuses: Status, error: str = "") -> RunReport:
    proposals = tuple(ReportedProposal(PROPOSAL, status) for status in statuses)
    at = NOON + started * STEP
    return RunReport("arn", name, at, at, 1, 1, {}, (), proposals, (), error=error, latency_seconds=6.5)


def test_a_run_in_numbers() -> None:
    statuses = (Status.RESTARTED, Status.RESTARTED, Status.FAILED, Status.PARTIAL, Status.UNVERIFIED, Status.DENIED)
    point = point_of(report("run-1", 0, *statuses))
    assert (point.proposals, point.restarted, point.failures, point.failed) == (6, 2, 3, False)
    assert point_of(report("run-1", 0, error="no server")).failed


def test_the_trend_has_each_run_once_by_its_start_and_the_last_ones_only() -> None:
    trend = [RunPoint(f"run-{number}", NOON + number * STEP) for number in range(TREND_RUNS)]
    found = extended(trend, report("run-3", 3, Status.RESTARTED))
    assert [point.execution_name for point in found] == [point.execution_name for point in trend]
    assert found[3].restarted == 1
    longer = extended(trend, report("late", TREND_RUNS))
    assert (len(longer), longer[0].execution_name, longer[-1].execution_name) == (TREND_RUNS, "run-1", "late")
