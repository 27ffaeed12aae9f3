"""One task first, then more, and no further once the cause is seen to be still there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qlikops.agent.act import ramp
from qlikops.agent.transient import TransientError
from qlikops.domain.fleet.task import RunOption, StopReason, TaskFacts, TaskKey, TaskState
from qlikops.domain.proposals.approval import Decision, Outcome, RunCall, Status, TaskOutcome
from qlikops.qlik.errors import QemUnreachable
from qlikops.qlik.simulator.library import log_stream, server, task
from qlikops.qlik.simulator.scenario import AfterRun, Break, Scenario
from tests.unit.agent.act.restarted import (
    ANOTHER_MATTER,
    COMES_UP,
    ID,
    LOST,
    SETTINGS,
    STAYS_DOWN,
    Restarted,
    lost_source,
)
from tests.unit.agent.fakes import SERVER

KEYS = [TaskKey("default", "eu-1", f"task-{number}") for number in range(20)]
UP = TaskOutcome(KEYS[0], Status.RESTARTED, run_call=RunCall.TAKEN)
DOWN = TaskOutcome(KEYS[1], Status.FAILED, "failed again: another matter", run_call=RunCall.TAKEN)
STILL = replace(DOWN, same_cause=True)
NOTHING_DONE = TaskOutcome(KEYS[2], Status.SUPERSEDED)


@pytest.mark.parametrize(
    ("came_up", "under_way", "has_room"),
    [
        (0, 0, True),
        (0, 1, False),
        (1, 1, True),
        (1, 2, False),
        (3, 3, True),
        (3, 4, False),
        (90, 9, True),
        (90, 10, False),
    ],
)
def test_each_that_came_up_makes_room_for_one_more(came_up: int, under_way: int, has_room: bool) -> None:
    assert ramp.has_room(KEYS[19], [UP] * came_up, KEYS[:under_way], (), at_a_time=10) is has_room


@pytest.mark.parametrize("says_nothing", [NOTHING_DONE, DOWN, replace(UP, status=Status.UNVERIFIED)])
def test_nothing_else_makes_room(says_nothing: TaskOutcome) -> None:
    assert not ramp.has_room(KEYS[19], [says_nothing] * 9, KEYS[:1], (), at_a_time=10)


def test_readers_wait_for_whoever_stages_their_log() -> None:
    staging = KEYS[:2]
    assert ramp.has_room(KEYS[1], [UP], KEYS[:1], staging, at_a_time=10)
    assert not ramp.has_room(KEYS[5], [UP] * 5, KEYS[1:2], staging, at_a_time=10)
    assert ramp.has_room(KEYS[5], [UP] * 5, KEYS[6:8], staging, at_a_time=10)


@pytest.mark.parametrize(
    ("results", "why"),
    [
        ([], ""),
        ([UP, NOTHING_DONE, DOWN], ""),
        ([UP, DOWN, DOWN], "2 tasks did not come up"),
        ([UP, STILL], "the cause is still there: eu-1/task-1 failed again"),
        ([replace(STILL, run_call=RunCall.UNCERTAIN)], "the cause is still there: eu-1/task-1 failed again"),
        ([UP, replace(STILL, run_call=RunCall.UNCERTAIN)], ""),
        ([replace(DOWN, key=KEYS[9])], "eu-1/task-9, which stages the log for others, failed again"),
        ([replace(NOTHING_DONE, key=KEYS[9])], "eu-1/task-9, which stages the log for others, superseded"),
        ([replace(UP, key=KEYS[9], status=Status.ALREADY_RUNNING)], ""),
    ],
)
def test_what_stops_it(results: list[TaskOutcome], why: str) -> None:
    assert ramp.why_no_further(results, [KEYS[9]], max_errors=2) == why


@pytest.mark.parametrize("size", [2, 60, 400])
def test_behind_a_source_that_stays_down_one_run_call_is_sent(size: int) -> None:
    group = Restarted(lost_source(size, lambda _: STAYS_DOWN))

    outcome = group.to_the_end()

    assert group.runs() == ["task-0000"]
    assert outcome.status is Status.FAILED
    why = "the cause is still there: replicate-1/task-0000 failed again"
    assert outcome.detail.endswith(f"{size - 1} not tried, 1 failed again: {why}" if size > 2 else why)
    first, *rest = outcome.targets
    assert first.same_cause
    assert {(one.status, one.detail) for one in rest} == {(Status.NOT_TRIED, why)}
    assert len(group.attempts(outcome)) == 1


def test_a_source_that_goes_away_again_stops_the_rest() -> None:
    group = Restarted(lost_source(60, lambda number: STAYS_DOWN if number == 20 else COMES_UP))

    outcome = group.to_the_end()

    assert outcome.status is Status.PARTIAL
    assert 21 <= len(group.runs()) <= 31
    assert sum(one.status is Status.NOT_TRIED for one in outcome.targets) == 60 - len(group.runs())


def test_other_failures_stop_it_when_there_are_as_many_as_is_set() -> None:
    group = Restarted(lost_source(60, lambda _: ANOTHER_MATTER), replace(SETTINGS, max_errors=3))

    outcome = group.to_the_end()

    assert len(group.runs()) == 3
    assert outcome.detail == "57 not tried, 3 start refused: 3 tasks did not come up"


@pytest.mark.parametrize("seconds", [10, 30, 840])
def test_the_next_invocation_goes_on_where_the_ledger_says_it_stands(seconds: float) -> None:
    group = Restarted(lost_source(40, lambda number: STAYS_DOWN if number == 30 else COMES_UP))

    outcome = group.to_the_end(seconds)

    runs = group.runs()
    assert runs == sorted(set(runs))
    assert 31 <= len(runs) < 40
    assert {one.key.task for one in outcome.targets if one.status is Status.NOT_TRIED}.isdisjoint(runs)


def test_the_smallest_unprotected_task_goes_first() -> None:
    scenario = lost_source(4)
    tables, tags = (9, 3, 1, 3), ((), (), ("gold",), ())
    (only,) = scenario.servers
    tasks = (replace(one, tables=many, tags=tag) for one, many, tag in zip(only.tasks, tables, tags, strict=True))
    settings = replace(SETTINGS, protected_tags=("gold",), restarts_at_a_time=1)
    group = Restarted(replace(scenario, servers=(replace(only, tasks=tuple(tasks)),)), settings)

    group.to_the_end()

    assert group.runs() == ["task-0001", "task-0003", "task-0000", "task-0002"]


def test_who_stages_a_log_is_up_before_its_readers_are_started() -> None:
    group = Restarted(log_stream(1))

    outcome = group.to_the_end()

    assert group.runs()[0] == "orders-log"
    assert outcome.status is Status.RESTARTED


def test_readers_of_a_log_whose_staging_task_was_stopped_meanwhile_are_not_started() -> None:
    group = Restarted(log_stream(1))
    details = group.operator.task

    def stopped(server: str, task: str) -> TaskFacts:
        facts = details(server, task)
        return replace(facts, state=TaskState.STOPPED, message="") if task == "orders-log" else facts

    group.operator.task = stopped  # type: ignore[method-assign]
    outcome = group.to_the_end()

    assert group.runs() == []
    assert {one.status for one in outcome.targets} == {Status.SUPERSEDED, Status.NOT_TRIED}


@pytest.mark.parametrize(("size", "is_up", "first"), [(6, False, STAYS_DOWN), (1, True, COMES_UP)])
def test_what_another_invocation_begins_while_this_one_ends_is_not_said_to_be_left(
    size: int, is_up: bool, first: AfterRun
) -> None:
    group = Restarted(lost_source(size, lambda number: COMES_UP if number else first))
    keep, details = group.ledger.save_result, group.operator.task

    def begin_beside(proposal_id: str, outcome: Outcome, *, none_since: int | None = None) -> Outcome:
        """As this one has looked for claims for the last time, the other one claims the last task."""
        group.operator.task = details  # type: ignore[method-assign]
        group.ledger.tasks.mark_start(outcome.targets[-1].key, proposal_id, "ERROR (FATAL_ERROR)")
        group.ledger.save_result = keep  # type: ignore[method-assign]
        return keep(proposal_id, outcome, none_since=none_since)

    group.ledger.save_result = begin_beside  # type: ignore[method-assign]
    if is_up:  # for this one, which therefore sends nothing
        group.operator.task = lambda server, task: replace(  # type: ignore[method-assign]
            details(server, task), state=TaskState.RUNNING, stop_reason=StopReason.NONE
        )
    with pytest.raises(TransientError, match="by another invocation"):
        group.to_the_end()

    assert group.to_the_end().targets[-1].status is Status.UNVERIFIED


@pytest.mark.parametrize("is_claimed_before", [True, False])
def test_what_another_invocation_begins_with_is_not_said_to_be_left_alone(is_claimed_before: bool) -> None:
    group = Restarted(lost_source(2))
    keep, details, mark = group.ledger.save_result, group.operator.task, group.ledger.tasks.mark_start

    def stopped(server: str, task: str) -> TaskFacts:
        facts = details(server, task)
        return replace(facts, state=TaskState.STOPPED, message="") if task == "task-0001" else facts

    def begin_beside() -> None:
        """The other one has read the task before it was stopped, and claims it."""
        group.operator.task = details  # type: ignore[method-assign]
        mark(TaskKey("default", SERVER, "task-0001"), ID, "ERROR (FATAL_ERROR)")

    def after_the_last_look(proposal_id: str, outcome: Outcome, *, none_since: int | None = None) -> Outcome:
        begin_beside()
        group.ledger.save_result = keep  # type: ignore[method-assign]
        return keep(proposal_id, outcome, none_since=none_since)

    group.operator.task = stopped  # type: ignore[method-assign]
    if is_claimed_before:
        starts = group.ledger.tasks.starts

        def before_the_last_look(proposal_id: str) -> int:
            begin_beside()
            group.ledger.tasks.starts = starts  # type: ignore[method-assign]
            return starts(proposal_id)

        group.ledger.tasks.starts = before_the_last_look  # type: ignore[method-assign]
    else:
        group.ledger.save_result = after_the_last_look  # type: ignore[method-assign]
        with pytest.raises(TransientError, match="by another invocation"):
            group.to_the_end()

    assert [one.status for one in group.to_the_end().targets] == [Status.RESTARTED, Status.UNVERIFIED]


def test_an_enterprise_manager_that_is_silent_leaves_the_tasks_of_another_one_to_be_restarted() -> None:
    names = [SERVER, "replicate-2", "replicate-3"]
    tasks = [task(f"task-{number}") for number in range(3)]
    breaks = tuple(Break(0, name, each.name, message=LOST) for name in names for each in tasks)
    scenario = Scenario("three Enterprise Managers", tuple(server(name, tasks) for name in names), breaks)
    group = Restarted(scenario, instances={"replicate-2": "silent", "replicate-3": "third"})
    details = group.operator.task

    def silent(server: str, task: str) -> TaskFacts:
        if server == "replicate-2":
            raise QemUnreachable("no answer")
        return details(server, task)

    group.operator.task = silent  # type: ignore[method-assign]
    outcome = group.to_the_end()

    came_to = {target.key: (target.status, target.detail) for target in outcome.targets}
    of_silent = [said for key, said in came_to.items() if key.instance == "silent"]
    assert of_silent[0] == (Status.FAILED, "not started: no answer")
    assert of_silent[1:] == [(Status.NOT_TRIED, "Enterprise Manager is silent")] * 2
    assert {status for key, (status, _) in came_to.items() if key.instance != "silent"} == {Status.RESTARTED}


def test_a_group_of_which_one_invocation_sees_only_tasks_that_run_does_not_go_on_for_ever() -> None:
    group = Restarted(lost_source(60))
    for number in range(59):
        group.fleet.run(SERVER, f"task-{number:04}", RunOption.RESUME_PROCESSING)
    group.clock.sleep(60)
    group.operator.before = lambda _: group.clock.sleep(2)

    outcome = group.invoke(60)

    assert isinstance(outcome, Outcome)
    last = outcome.targets[-1]
    assert (outcome.status, last.status, last.detail) == (Status.PARTIAL, Status.NOT_TRIED, "no time was left")
    assert group.runs().count(last.key.task) == 0


def test_what_was_denied_before_a_late_question_was_opened_is_not_restarted_however_that_is_answered() -> None:
    group = Restarted(lost_source(1))
    approval, now = group.ledger.record(ID).approval, group.clock.now
    denial = Outcome(Status.DENIED, at=now, decision=Decision(approved=False, snooze_seconds=3600))
    earlier = replace(approval.proposal, proposal_id="ba9876543210")
    group.ledger.tasks.end(replace(approval, proposal=earlier, status=Status.DENIED, outcome=denial), 0)

    assert [one.status for one in group.to_the_end().targets] == [Status.SUPERSEDED]
    assert group.runs() == []


def test_the_list_is_not_read_anew_for_each_task_without_a_message() -> None:
    group = Restarted(lost_source(60))
    details = group.operator.task
    group.operator.task = lambda server, task: replace(details(server, task), message="")  # type: ignore[method-assign]
    began = group.clock.now

    assert group.to_the_end().status is Status.RESTARTED
    assert group.operator.calls["tasks"] <= 1 + (group.clock.now - began).total_seconds() // 15


def test_four_hundred_that_recover_take_hardly_longer_than_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def seconds() -> float:
        group = Restarted(lost_source(400))
        began = group.clock.now
        assert group.to_the_end().status is Status.RESTARTED
        return (group.clock.now - began).total_seconds()

    ramped = seconds()
    monkeypatch.setattr(
        ramp, "has_room", lambda _following, _results, under_way, _staging, at_a_time: len(under_way) < at_a_time
    )
    assert ramped <= 1.3 * seconds()
