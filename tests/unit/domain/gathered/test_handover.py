"""What a shift gathers: which runs it looks at, how far back, and what of them counts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from qlikops.domain.fleet.freshness import Freshness, StaleTask, StaleTime
from qlikops.domain.fleet.task import StopReason, TaskFacts, TaskKey, TaskState
from qlikops.domain.gathered.handover import LOOK_BACK, PAGES, Handled, Handover, gather
from qlikops.domain.ports import ContextServices
from qlikops.domain.proposals.approval import Status
from qlikops.domain.proposals.lasting import FellOver, Followed, Lasting, TaskLasting
from qlikops.domain.proposals.mute import Mute, MuteReason
from qlikops.domain.runs.plan import Plan, Scope
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskProgress, TaskSnapshot
from qlikops.domain.workflow.execution import (
    ExecutionDetail,
    ExecutionStatus,
    ExecutionSummary,
    RunProposal,
    RunSummary,
)
from tests.fakes import Clock, FakeApprovals, FakeEnvironment
from tests.unit.domain.samples import KEY, NOON, WAITING, waiting

HOUR = timedelta(hours=1)
SINCE = NOON - 12 * HOUR


def run_of(
    name: str, began: float, ended: float | None, *proposals: RunProposal, status: ExecutionStatus | None = None
) -> ExecutionDetail:
    """A run that began and ended so many hours ago."""
    started, stopped = NOON - began * HOUR, None if ended is None else NOON - ended * HOUR
    status = status or (ExecutionStatus.RUNNING if ended is None else ExecutionStatus.SUCCEEDED)
    run = RunSummary(f"arn:{name}", name, started, proposals=len(proposals))
    return ExecutionDetail(ExecutionSummary(f"arn:{name}", name, status, started, stopped, run), None, proposals)


def closed(name: str, hours: float, status: Status = Status.RESTARTED) -> RunProposal:
    return RunProposal(name, f"eu/{name}", "STALLED", "resume", status, NOON - hours * HOUR)


@pytest.fixture
def environment() -> FakeEnvironment:
    return FakeEnvironment(FakeApprovals(Clock(NOON)))


def gathered(environment: FakeEnvironment, *details: ExecutionDetail) -> Handover:
    environment.executions.details = list(details)
    newest_first = sorted(details, key=lambda detail: detail.summary.started_at, reverse=True)
    environment.executions.summaries = [detail.summary for detail in newest_first]
    return gather(cast("ContextServices", environment), SINCE, NOON)


FAILED = ExecutionStatus.FAILED


@pytest.mark.parametrize(
    ("run", "handled"),
    [
        (run_of("within", 3, 2, closed("one", 2)), ["one"]),
        (run_of("waited-through", 20, 1, closed("one", 1), closed("before", 13)), ["one"]),
        (run_of("still-runs", 900, None, closed("one", 1)), ["one"]),
        (run_of("over-before", 20, 13, closed("later", 1)), []),  # it ended well, so nothing was left open
        (run_of("died-before", 20, 13, closed("one", 1, Status.ABANDONED), status=FAILED), ["one"]),
        (run_of("unanswered", 3, None, closed("waits", 1, Status.WAITING), closed("new", 1, Status.PROPOSED)), []),
    ],
    ids=lambda value: value.summary.name if isinstance(value, ExecutionDetail) else "",
)
def test_what_was_closed_within_the_shift_is_handled(
    environment: FakeEnvironment, run: ExecutionDetail, handled: list[str]
) -> None:
    assert [each.proposal.proposal_id for each in gathered(environment, run).handled] == handled


def test_a_run_that_proposed_nothing_is_not_asked(
    environment: FakeEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def proposals(name: str) -> tuple[()]:
        asked.append(name)
        return ()

    monkeypatch.setattr(environment.executions, "proposals", proposals)
    unsaid = run_of("looking", 0.1, None)
    gathered(environment, run_of("idle", 2, 1), replace(unsaid, summary=replace(unsaid.summary, run=None)))
    assert asked == ["looking"]


def test_runs_are_counted_by_when_they_ended(environment: FakeEnvironment) -> None:
    found = gathered(
        environment,
        run_of("now", 0.1, None),
        run_of("broken", 3, 2, status=FAILED),
        run_of("redriven", 4, 3, status=ExecutionStatus.PENDING_REDRIVE),
        run_of("fine", 13, 11),
        run_of("before", 14, 13, status=FAILED),
    )
    assert found.runs == 3
    assert [run.name for run in found.running] == ["now"]
    assert [run.name for run in found.broken] == ["broken"]


def test_what_runs_of_the_shift_saw_fall_over_is_named_once(environment: FakeEnvironment) -> None:
    def seen(name: str, hours: float, *fallen: FellOver) -> ExecutionDetail:
        run = run_of(name, hours, hours)
        assert run.summary.run
        summary = replace(run.summary.run, followed=Followed(fell_over=fallen))
        return replace(run, summary=replace(run.summary, run=summary))

    def fell(proposal_id: str, hours: float) -> FellOver:
        task = TaskLasting(TaskKey("default", "s", "orders"), Lasting.FELL_OVER, 420, NOON - hours * HOUR)
        return FellOver(proposal_id, "s/orders", (task,), 1)

    later, again = fell("later", 1), fell("later", 1)
    found = gathered(environment, seen("one", 3, fell("first", 3)), seen("two", 1, later), seen("three", 0.5, again))
    assert [each.proposal_id for each in found.fell_over] == ["later", "first"]


def test_the_newest_is_first_and_what_expires_first_waits_first(environment: FakeEnvironment) -> None:
    late = replace(waiting("00000000000a"), deadline=NOON + 9 * HOUR)
    environment.approvals.records = {each.approval_id: each for each in (late, WAITING)}
    found = gathered(environment, run_of("one", 5, 1, closed("older", 4), closed("newer", 2)))
    assert [each.proposal.proposal_id for each in found.handled] == ["newer", "older"]
    assert [row.approval_id for row in found.waiting] == [WAITING.approval_id, late.approval_id]


def test_what_is_kept_quiet_is_what_is_not_over_and_the_longest_first(environment: FakeEnvironment) -> None:
    def task(name: str, hours: float | None) -> TaskSnapshot:
        mute = None if hours is None else Mute(MuteReason.SNOOZED, NOON + hours * HOUR, "anna")
        facts = TaskFacts(replace(KEY, task=name), TaskState.RUNNING, StopReason.NONE)
        return TaskSnapshot(facts, TaskProgress(quiet=mute))

    assert (gathered(environment).quiet, gathered(environment).seen_at) == ((), None)
    tasks = (task("short", 1), task("over", 0), task("b-long", 5), task("a-long", 5), task("none", None))
    environment.fleet.latest = FleetSnapshot(NOON - HOUR, "run-1", (), tasks)
    found = gathered(environment)
    assert [each.key.task for each in found.quiet] == ["a-long", "b-long", "short"]
    assert found.seen_at == NOON - HOUR


def test_what_is_out_of_freshness_is_that_of_the_last_run_and_the_time_that_of_all_in_the_shift(
    environment: FakeEnvironment,
) -> None:
    def run(name: str, ended: float, seconds: int) -> ExecutionDetail:
        detail = run_of(name, ended + 0.1, ended)
        assert detail.summary.run
        counted = replace(detail.summary.run, stale=(StaleTime("gold", seconds, 2),))
        return replace(detail, summary=replace(detail.summary, run=counted))

    freshness = Freshness("gold", 900, NOON - 2 * HOUR)
    facts = TaskFacts(KEY, TaskState.RUNNING, StopReason.NONE)
    stale = TaskSnapshot(facts, TaskProgress(freshness=freshness))
    environment.fleet.latest = FleetSnapshot(NOON - HOUR, "run-1", (), (stale,))
    found = gathered(environment, run("early", 3, 60), run("late", 1, 300), run("before", 30, 900))
    assert found.stale == (StaleTask(KEY, freshness),)
    assert found.stale_time == (StaleTime("gold", 360, 2),)


@pytest.mark.parametrize("status", [*Status, Status.read("paused")])
def test_the_next_shift_looks_at_what_is_neither_denied_nor_done(status: Status) -> None:
    fine = {Status.RESTARTED, Status.ALREADY_RUNNING, Status.SUPERSEDED, Status.DENIED, Status.HELD}
    is_open = status.is_known and not status.is_final
    assert Handled("run-1", closed("one", 1, status)).is_worrying is (status not in fine and not is_open)


def test_it_looks_no_further_back_than_a_run_can_take(environment: FakeEnvironment) -> None:
    old = [run_of(f"old-{index}", 13 + LOOK_BACK / HOUR, 12.5 + LOOK_BACK / HOUR) for index in range(100)]
    found = gathered(environment, run_of("new", 2, 1), run_of("newer", 1, 0.5), *old)
    assert (found.is_complete, found.looked_back_to) == (True, SINCE - LOOK_BACK)
    # Those that run, and then two to a page until one is old enough.
    assert environment.executions.pages == 1 + 2


def test_one_that_began_long_ago_and_ended_lately_hides_none_that_is_listed_behind_it(
    environment: FakeEnvironment,
) -> None:
    found = gathered(
        environment,
        run_of("new", 2, 1),
        run_of("long", 14 + LOOK_BACK / HOUR, 1.5),
        run_of("behind", 4, 3, closed("one", 3)),
        run_of("old", 14 + LOOK_BACK / HOUR, 13 + LOOK_BACK / HOUR),
    )
    assert [each.proposal.proposal_id for each in found.handled] == ["one"]


def test_more_runs_than_are_looked_at_are_not_said_to_be_all(environment: FakeEnvironment) -> None:
    ages = [1 + index / 100 for index in range(2 * PAGES + 2)]
    found = gathered(environment, *(run_of(f"young-{age}", age, age) for age in ages))
    assert (found.is_complete, found.looked_back_to) == (False, NOON - ages[2 * PAGES - 1] * HOUR)


@pytest.mark.parametrize(
    ("definition", "hours"),
    [
        (json.dumps({"TimeoutSeconds": 100 * 3600}), 100),
        (json.dumps({"TimeoutSeconds": 60}), LOOK_BACK / HOUR),
        ("[]", LOOK_BACK / HOUR),
        ("{}", LOOK_BACK / HOUR),
        ('{"TimeoutSeconds": "x"}', LOOK_BACK / HOUR),
        ('{"TimeoutSeconds": 1e99}', LOOK_BACK / HOUR),
        ("{", LOOK_BACK / HOUR),
    ],
)
def test_how_far_it_looks_back_follows_the_definition(
    environment: FakeEnvironment, definition: str, hours: float
) -> None:
    environment.executions.written = definition
    slow = run_of("slow", 100, 1, closed("one", 2))
    found = gathered(environment, slow, run_of("new", 2, 1))
    assert found.looked_back_to == SINCE - hours * HOUR
    assert len(found.handled) == (hours == 100)


def test_a_plan_that_is_not_over_belongs_to_the_shift(environment: FakeEnvironment) -> None:
    over = Plan("plan-0", Scope(servers=("eu",)), NOON - 2 * HOUR, NOON, "patching", "bob", "run-1", NOON - 2 * HOUR)
    goes_on, to_come = (
        replace(over, plan_id="plan-1", ends_at=NOON + HOUR),
        replace(over, plan_id="plan-2", starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR),
    )
    environment.fleet.latest = FleetSnapshot(NOON, "run-1", (), (), plans=(to_come, over, goes_on))
    assert gathered(environment).plans == (goes_on, to_come)
