"""Restarts on the simulated fleet, over HTTP, with a real ledger: at most one run call a task, whatever happens."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from qlikops.agent.act.endpoint_wait import Waiting
from qlikops.agent.act.group import GroupRestarter
from qlikops.agent.act.outcomes import Unfinished, interrupted
from qlikops.agent.config import AgentConfig
from qlikops.agent.diagnosis.library import Library, using, without_own
from qlikops.agent.diagnosis.messages import diagnosis_of
from qlikops.agent.propose.judgement import OwnFailuresUnread, target_of
from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.steps.restart import CONTINUE_FOR, Restarter
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.task import Action, RunOption, StopReason, TaskFacts, TaskKey, TaskState
from qlikops.domain.proposals.approval import Decision, Outcome, RunCall, Status, TaskOutcome
from qlikops.domain.proposals.proposal import Proposal
from qlikops.qlik.errors import QemUnreachable
from qlikops.qlik.simulator.library import server, task
from qlikops.qlik.simulator.scenario import AfterRun, Break, Effect, Scenario
from qlikops.qlik.wire import ActionReply, EndpointTest, ListedTask, ServerDetails
from tests.scenarios.disturbed import Disturbance, Trouble
from tests.scenarios.library import build_scenario
from tests.unit.agent.diagnosis.test_own_failures import MAINTENANCE, SHADOW
from tests.unit.agent.diagnosis.test_own_failures import own as by_own
from tests.unit.agent.fakes import (
    ASK,
    EVALUATION,
    ORDERS,
    SERVER,
    FakeClock,
    Simulator,
    proposal,
    simulated,
)

ID = "0123456789ab"
SETTINGS = AgentConfig("ledger", "data", "topic", "secret")


@pytest.fixture
def simulate(clock: FakeClock) -> Iterator[Callable[[str | Scenario], Simulator]]:
    with ExitStack() as running:
        yield lambda scenario: running.enter_context(simulated(scenario, clock))


Simulate = Callable[[str | Scenario], Simulator]


class Operator:
    """The simulator's client, until told to lose a call: before it is sent, or its answer."""

    def __init__(self, simulator: Simulator) -> None:
        self._client = simulator.client(operator=True)
        self.lose_request: Callable[[str], bool] = lambda _: False
        self.lose_answer: Callable[[str], bool] = lambda _: False
        self.die_after_run = False
        self.run_takes: Callable[[], object] = lambda: None

    def task(self, server: str, task: str) -> TaskFacts:
        self._unless(self.lose_request, "task", maybe_sent=False)
        return self._client.task(server, task)

    def tasks(self, server: str) -> Sequence[ListedTask]:
        return self._client.tasks(server)

    def server(self, server: str) -> ServerDetails:
        self._unless(self.lose_request, "server", maybe_sent=False)
        return self._client.server(server)

    def run(self, server: str, task: str, option: RunOption, timeout_seconds: int = 60) -> ActionReply:
        self._unless(self.lose_request, "run", maybe_sent=False)
        self.run_takes()
        reply = self._client.run(server, task, option, timeout_seconds)
        if self.die_after_run:
            raise KeyboardInterrupt
        self._unless(self.lose_answer, "run", maybe_sent=True)
        return reply

    def stop(self, server: str, task: str, timeout_seconds: int = 60) -> ActionReply:
        self._unless(self.lose_request, "stop", maybe_sent=False)
        reply = self._client.stop(server, task, timeout_seconds)
        self._unless(self.lose_answer, "stop", maybe_sent=True)
        return reply

    def test_endpoint(self, server: str, endpoint: str, timeout_seconds: int = 60) -> EndpointTest:
        return self._client.test_endpoint(server, endpoint, timeout_seconds)

    @staticmethod
    def _unless(lose: Callable[[str], bool], call: str, *, maybe_sent: bool) -> None:
        if lose(call):
            raise QemUnreachable(f"{call} lost", maybe_sent=maybe_sent)


class Restarting:
    """A proposal on a simulated fleet, approved; `again` is another invocation of the same state."""

    def __init__(self, ledger: Ledger, simulator: Simulator, clock: FakeClock, made: Proposal) -> None:
        self.ledger = ledger
        self.simulator = simulator
        self.operator = Operator(simulator)
        self.clock = clock
        assert not ledger.open_proposals("run-1", [made], 7200).refused
        self.digest = ledger.save_evaluation(ID, EVALUATION, ASK).approval.digest

    def invoke(
        self,
        settings: AgentConfig = SETTINGS,
        give_up_at: datetime | None = None,
        *,
        may_continue: bool = True,
        **decision: Any,
    ) -> Outcome | Unfinished:
        restarter = Restarter(
            GroupRestarter(self.ledger, lambda _: self.operator, settings, self.clock, self.clock.sleep)
        )
        answer = Decision(**{"approved": True, "digest": self.digest, **decision})
        until = give_up_at or self.clock.now + timedelta(minutes=14)
        acted = restarter.restart(ID, answer, until, may_continue=may_continue)
        assert not isinstance(acted, Waiting)
        return acted

    def again(self, *args: Any, **kwargs: Any) -> Outcome:
        """An invocation that comes to an end."""
        outcome = self.invoke(*args, **kwargs)
        assert isinstance(outcome, Outcome)
        return outcome

    def runs(self, names: Sequence[str]) -> list[int]:
        return [self.simulator.task(name)["runs"] for name in names]


Approve = Callable[..., Restarting]


@pytest.fixture
def approve(ledger: Ledger, clock: FakeClock) -> Approve:
    """An approved proposal on what the simulator shows of the named tasks now, judged as a run judges it."""

    def make(simulator: Simulator, *names: str, **changes: Any) -> Restarting:
        with simulator.client() as client:
            facts = [client.task(SERVER, name) for name in names or ("orders",)]
        kind = changes.get("kind", proposal().kind)
        targets = tuple(target_of(one, kind, SETTINGS) for one in facts)
        return Restarting(ledger, simulator, clock, replace(proposal(ID), targets=targets, **changes))

    return make


def test_an_approved_task_really_runs_again(simulate: Simulate, approve: Approve) -> None:
    restarting = approve(simulate("one_fatal"))

    outcome = restarting.again()

    assert outcome.status is Status.RESTARTED
    (target,) = outcome.targets
    assert (target.before, target.after, target.seconds) == ("ERROR (FATAL_ERROR)", "RUNNING", 4.0)
    task = restarting.simulator.task("orders")
    assert (task["state"], task["runs"]) == ("RUNNING", 1)
    assert outcome.decision is not None
    assert outcome.decision.digest == restarting.digest


def test_the_same_invocation_twice_restarts_once_and_answers_the_same(simulate: Simulate, approve: Approve) -> None:
    restarting = approve(simulate("one_fatal"))
    first = restarting.again()
    restarting.clock.sleep(60)
    restarting.simulator.break_task("orders")

    assert restarting.again() == first
    assert restarting.simulator.task("orders")["runs"] == 1


def test_two_invocations_at_once_restart_once(simulate: Simulate, approve: Approve) -> None:
    restarting = approve(simulate("one_fatal"))

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda _: restarting.again(), range(4)))

    assert restarting.simulator.task("orders")["runs"] == 1
    assert len(set(outcomes)) == 1


def test_what_another_invocation_has_sent_meanwhile_is_not_said_to_be_unsent(
    simulate: Simulate, approve: Approve
) -> None:
    restarting = approve(simulate("one_fatal"))
    begun: list[str] = []

    def meanwhile(call: str) -> bool:
        if not begun:
            begun.append(call)
            restarting.operator.die_after_run = True
            with pytest.raises(KeyboardInterrupt):
                restarting.again()
            restarting.clock.sleep(10)  # by then it is up
        return False

    restarting.operator.lose_request = meanwhile
    outcome = restarting.again()

    (target,) = outcome.targets
    assert (outcome.status, target.run_call) == (Status.RESTARTED, RunCall.UNCERTAIN)
    assert restarting.runs(["orders"]) == [1]


def test_a_task_that_came_up_by_itself_is_left_alone(simulate: Simulate, approve: Approve) -> None:
    simulator = simulate("healthy")
    simulator.break_task("orders", heals_after_seconds=60)
    restarting = approve(simulator)
    restarting.clock.sleep(90)

    outcome = restarting.again()

    assert outcome.status is Status.ALREADY_RUNNING
    assert simulator.task("orders")["runs"] == 0


def test_a_task_that_is_in_another_state_now_is_left_alone(simulate: Simulate, approve: Approve) -> None:
    simulator = simulate("one_fatal")
    restarting = approve(simulator)
    simulator.break_task("orders", state=TaskState.STOPPED, stop_reason=StopReason.NORMAL)

    outcome = restarting.again()

    assert outcome.status is Status.SUPERSEDED
    assert outcome.detail == "state was ERROR, is STOPPED"
    assert simulator.task("orders")["runs"] == 0


def test_an_approval_of_something_else_does_nothing(simulate: Simulate, approve: Approve) -> None:
    restarting = approve(simulate("one_fatal"))

    outcome = restarting.again(digest="f" * 64)

    assert outcome.status is Status.SUPERSEDED
    assert "ffffffffffff" in outcome.detail
    assert restarting.simulator.task("orders")["runs"] == 0


def test_a_record_that_was_changed_after_its_digest_does_nothing(
    simulate: Simulate, approve: Approve, database: Any, table: str
) -> None:
    restarting = approve(simulate("one_fatal"))
    record = {"pk": {"S": f"APPROVAL#{ID}"}, "sk": {"S": "RECORD"}}
    stored = database.get_item(TableName=table, Key=record)["Item"]["proposal"]["S"]
    database.update_item(
        TableName=table,
        Key=record,
        UpdateExpression="SET proposal = :p",
        ExpressionAttributeValues={":p": {"S": stored.replace('"resume"', '"reload"')}},
    )

    assert restarting.again().status is Status.SUPERSEDED
    assert restarting.simulator.task("orders")["runs"] == 0


def test_an_approval_without_a_digest_counts_and_is_kept_as_one(simulate: Simulate, approve: Approve) -> None:
    restarting = approve(simulate("one_fatal"))

    outcome = restarting.again(digest="")

    assert outcome.status is Status.RESTARTED
    assert outcome.decision is not None
    assert not outcome.decision.is_bound


def test_an_approval_without_a_digest_does_not_count_where_one_is_required(
    simulate: Simulate, approve: Approve
) -> None:
    restarting = approve(simulate("one_fatal"))

    outcome = restarting.again(replace(SETTINGS, require_digest=True), digest="")

    assert outcome.status is Status.SUPERSEDED
    assert restarting.simulator.task("orders")["runs"] == 0


def test_what_is_not_an_approval_restarts_nothing(simulate: Simulate, approve: Approve, ledger: Ledger) -> None:
    restarting = approve(simulate("one_fatal"))

    with pytest.raises(ValueError, match="was not approved"):
        restarting.again(approved=False)

    assert ledger.record(ID).approval.status is Status.EVALUATED
    assert restarting.simulator.task("orders")["runs"] == 0


def test_a_retry_after_dying_behind_the_run_call_watches_and_does_not_send_again(
    simulate: Simulate, approve: Approve
) -> None:
    restarting = approve(simulate("one_fatal"))
    restarting.operator.die_after_run = True
    with pytest.raises(KeyboardInterrupt):
        restarting.again()

    outcome = restarting.again()

    assert outcome.status is Status.RESTARTED
    assert restarting.simulator.task("orders")["runs"] == 1


def test_a_retry_after_dying_before_the_run_call_does_not_send_it(
    simulate: Simulate, approve: Approve, ledger: Ledger
) -> None:
    restarting = approve(simulate("one_fatal"))
    ledger.begin_restart(ID, Decision(approved=True, digest=restarting.digest))
    ledger.tasks.mark_start(ORDERS, ID, "ERROR (FATAL_ERROR)")

    outcome = restarting.again()

    assert outcome.status is Status.UNVERIFIED
    assert outcome.detail.startswith("may have been told to run")
    assert restarting.simulator.task("orders")["runs"] == 0


def test_a_lost_answer_is_no_reason_to_send_again(simulate: Simulate, approve: Approve) -> None:
    restarting = approve(simulate("one_fatal"))
    restarting.operator.lose_answer = lambda call: call == "run"

    assert restarting.again().status is Status.RESTARTED
    assert restarting.simulator.task("orders")["runs"] == 1


def test_nothing_sent_leaves_nothing_behind_for_the_retry(simulate: Simulate, approve: Approve, ledger: Ledger) -> None:
    restarting = approve(simulate("one_fatal"))
    for lost in ("task", "run"):
        restarting.operator.lose_request = lambda call, lost=lost: call == lost  # type: ignore[misc]
        with pytest.raises(QemUnreachable):
            restarting.again()
    assert ledger.tasks.attempts([ORDERS], datetime.min.replace(tzinfo=UTC)) == {ORDERS: ()}
    restarting.operator.lose_request = lambda _: False

    assert restarting.again().status is Status.RESTARTED


def test_a_task_that_breaks_again_has_failed_with_the_vendors_message(simulate: Simulate, approve: Approve) -> None:
    simulator = simulate("healthy")
    after = AfterRun(resume=Effect.FAILS_AGAIN, fails_after_seconds=3, message="ORA-01017: invalid username")
    simulator.break_task("orders", message="ORA-12541: no listener", after_run=after)

    outcome = approve(simulator).again()

    assert outcome.status is Status.FAILED
    assert outcome.detail == "failed again: ORA-01017: invalid username"


def test_the_old_error_is_not_taken_for_a_new_one(simulate: Simulate, approve: Approve) -> None:
    simulator = simulate(replace(build_scenario("one_fatal", 1), state_lag_seconds=25.0))

    assert approve(simulator).again().status is Status.RESTARTED


def test_a_task_that_never_comes_up_is_unverified_within_the_time(simulate: Simulate, approve: Approve) -> None:
    simulator = simulate(replace(build_scenario("one_fatal", 1), memory_lag_seconds=9999.0))
    restarting = approve(simulator)
    began = restarting.clock.now

    outcome = restarting.again()

    assert outcome.status is Status.UNVERIFIED
    assert "last seen: RUNNING" in outcome.detail
    assert timedelta(seconds=120) <= restarting.clock.now - began < timedelta(seconds=125)


def test_the_invocations_own_end_comes_first(simulate: Simulate, approve: Approve) -> None:
    simulator = simulate(replace(build_scenario("one_fatal", 1), memory_lag_seconds=9999.0))
    restarting = approve(simulator)
    began = restarting.clock.now

    outcome = restarting.again(give_up_at=began + timedelta(seconds=10))

    assert outcome.status is Status.UNVERIFIED
    assert restarting.clock.now - began <= timedelta(seconds=12)


def test_refusals_are_told_task_by_task(simulate: Simulate, approve: Approve) -> None:
    restarting = approve(simulate("restart_fails"), "orders", "customers", "invoices")

    outcome = restarting.again()

    assert outcome.status is Status.PARTIAL
    assert outcome.detail == "1 restarted, 1 failed again, 1 start refused"
    assert [(one.key.task, one.status) for one in outcome.targets] == [
        ("orders", Status.RESTARTED),
        ("customers", Status.FAILED),
        ("invoices", Status.FAILED),
    ]
    assert "AEM_RUN_TASK_INNER_ERR" in outcome.targets[2].detail


def test_a_source_outage_is_one_decision_and_one_run_call_a_task(simulate: Simulate, approve: Approve) -> None:
    names = [f"erp-{number:02d}" for number in range(12)]
    restarting = approve(simulate("source_outage"), *names, cause="source ORA-PROD")

    outcome = restarting.again()

    assert outcome.status is Status.RESTARTED
    assert restarting.runs(names) == [1] * 12


def test_what_a_silent_enterprise_manager_leaves_undone_is_said(simulate: Simulate, approve: Approve) -> None:
    names = [f"erp-{number:02d}" for number in range(12)]
    restarting = approve(simulate("source_outage"), *names, cause="source ORA-PROD")
    reads = iter(range(10**6))
    # Is silent for the third task, and answers again when the second one is looked after.
    restarting.operator.lose_request = lambda call: call == "task" and next(reads) == 5

    outcome = restarting.again()

    assert outcome.status is Status.PARTIAL
    assert outcome.detail == "9 not tried, 2 restarted, 1 not started: Enterprise Manager is silent"
    assert sum(restarting.simulator.task(name)["runs"] for name in names) == 2


def test_no_time_left_starts_nothing(simulate: Simulate, approve: Approve) -> None:
    restarting = approve(simulate("one_fatal"))

    outcome = restarting.again(give_up_at=restarting.clock.now)

    assert (outcome.status, outcome.detail) == (Status.NOT_TRIED, "no time was left")
    assert restarting.simulator.task("orders")["runs"] == 0


SIXTY = [f"task-{number:04d}" for number in range(60)]


@pytest.fixture
def sixty(simulate: Simulate, approve: Approve, clock: FakeClock) -> Restarting:
    return sixty_broken(simulate, approve, clock)


def sixty_broken(simulate: Simulate, approve: Approve, clock: FakeClock, **changes: Any) -> Restarting:
    """Sixty broken tasks, whose run calls take 36 seconds each: twenty fit an invocation of fourteen minutes."""
    broken = tuple(Break(0, SERVER, name, message="ORA-12541: no listener") for name in SIXTY)
    simulator = simulate(Scenario("sixty", (server(SERVER, [task(name) for name in SIXTY]),), broken))
    restarting = approve(simulator, *SIXTY, cause="source ORA-PROD", **changes)
    restarting.operator.run_takes = lambda: clock.sleep(36)
    return restarting


def test_a_group_too_long_for_one_invocation_goes_on_in_the_next(sixty: Restarting) -> None:
    began = sixty.clock.now
    assert [sixty.invoke(), sixty.invoke()] == [Unfinished(20, 60), Unfinished(40, 60)]
    assert sixty.runs(SIXTY) == [1] * 40 + [0] * 20
    assert sixty.clock.now - began <= 2 * timedelta(minutes=14)

    outcome = sixty.again()

    assert outcome.status is Status.RESTARTED
    assert [target.status for target in outcome.targets] == [Status.RESTARTED] * 60
    assert sixty.runs(SIXTY) == [1] * 60
    assert sixty.again() == outcome


def test_an_invocation_that_comes_to_nothing_leaves_the_rest_to_the_next_one(sixty: Restarting) -> None:
    sixty.invoke()

    assert sixty.invoke(give_up_at=sixty.clock.now) == Unfinished(20, 60)

    assert sixty.invoke() == Unfinished(40, 60)
    assert sixty.again().status is Status.RESTARTED


def test_a_definition_that_would_not_call_again_gets_what_is_done_and_what_is_left(sixty: Restarting) -> None:
    outcome = sixty.again(may_continue=False)

    assert (outcome.status, outcome.detail) == (Status.PARTIAL, "40 not tried, 20 restarted: no time was left")
    assert {target.detail for target in outcome.targets[20:]} == {"no time was left"}
    assert sixty.invoke() == outcome
    assert sixty.runs(SIXTY) == [1] * 20 + [0] * 40


def test_a_group_that_goes_on_is_told_task_by_task(sixty: Restarting) -> None:
    for number, name in enumerate(SIXTY):
        if number % 2:
            refused = AfterRun(resume=Effect.REFUSED, message="another matter")
            sixty.simulator.break_task(name, message="ORA-12541: no listener", after_run=refused)
    while isinstance(outcome := sixty.invoke(replace(SETTINGS, max_errors=31)), Unfinished):
        pass

    assert outcome.status is Status.PARTIAL
    assert [target.status for target in outcome.targets] == [Status.RESTARTED, Status.FAILED] * 30
    assert sixty.runs(SIXTY) == [1] * 60


def test_a_group_goes_on_by_what_another_invocation_has_settled_of_its_tasks(sixty: Restarting) -> None:
    """One that gave up watching a task a moment before this one saw it up: the ledger says what came of it."""
    first, tasks = TaskKey("default", SERVER, SIXTY[0]), sixty.ledger.tasks
    not_seen_up = TaskOutcome(first, Status.UNVERIFIED, "not seen up in time", run_call=RunCall.TAKEN)
    sixty.operator.run_takes = lambda: tasks.finish_restart_claim(first, ID, not_seen_up)

    outcome = sixty.again(replace(SETTINGS, max_errors=1))

    assert outcome.targets[0] == not_seen_up
    assert sixty.runs(SIXTY) == [1] + [0] * 59


def test_invocations_of_a_long_group_at_once_restart_each_task_once(sixty: Restarting) -> None:
    sixty.operator.run_takes = lambda: None
    brief = sixty.clock.now + timedelta(seconds=20)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: sixty.invoke(give_up_at=brief), range(3)))
    while isinstance(sixty.invoke(), Unfinished):
        pass

    assert sixty.runs(SIXTY) == [1] * 60


def test_a_group_goes_on_once_the_known_failures_it_rests_on_can_be_read_again(
    simulate: Simulate, approve: Approve, clock: FakeClock
) -> None:
    ours = by_own({**SHADOW, "id": "oracle-no-listener"})
    with using(ours):
        own = sixty_broken(simulate, approve, clock, kind=AnomalyKind.FATAL_UNKNOWN)
        assert own.invoke() == Unfinished(20, 60)
    with using(without_own()), pytest.raises(OwnFailuresUnread, match="your own known failures cannot be read"):
        own.invoke()
    assert own.runs(SIXTY) == [1] * 20 + [0] * 40
    with using(ours):
        assert own.invoke() == Unfinished(40, 60)


def test_a_task_whose_known_failures_are_unread_keeps_no_other_one_down(simulate: Simulate, approve: Approve) -> None:
    """Nor does one that says really something else while they are: without them nobody can tell."""
    said = {"billing": "ORA-12541: no listener", "orders": "It broke.", "prices": "It broke."}
    own = on_each(said, simulate, approve, by_own(SHADOW))
    with using(without_own()), pytest.raises(OwnFailuresUnread, match="your own known failures cannot be read"):
        own.invoke()
    assert own.runs([*said]) == [0, 1, 1]

    with using(by_own(SHADOW)):
        outcome = own.again()
    assert [target.status for target in outcome.targets] == [Status.RESTARTED] * 3
    assert own.runs([*said]) == [1, 1, 1]


def test_what_came_of_a_group_is_told_if_its_known_failures_stay_unread(simulate: Simulate, approve: Approve) -> None:
    said = {"billing": "ORA-12541: no listener", "orders": "It broke."}
    own = on_each(said, simulate, approve, by_own(SHADOW))
    with using(without_own()), pytest.raises(OwnFailuresUnread) as unread:
        own.invoke()

    outcome = interrupted(own.ledger.tasks, own.ledger.record(ID).approval, str(unread.value))

    assert [target.status for target in outcome.targets] == [Status.NOT_TRIED, Status.RESTARTED]
    assert "your own known failures cannot be read" in outcome.detail


def test_a_task_that_an_earlier_invocation_started_is_watched_whatever_is_unread(
    simulate: Simulate, approve: Approve
) -> None:
    """Also where there is room for the next one, since the first came up."""
    said = {"billing": "It broke.", "orders": "It broke.", "prices": "ORA-12541: no listener"}
    own = on_each(said, simulate, approve, by_own(SHADOW))
    calls = itertools.count()

    def die() -> None:
        own.operator.die_after_run = next(calls) == 1

    own.operator.run_takes = die
    with using(by_own(SHADOW)), pytest.raises(KeyboardInterrupt):
        own.invoke()

    with using(without_own()), pytest.raises(OwnFailuresUnread):
        own.invoke()

    outcome = interrupted(own.ledger.tasks, own.ledger.record(ID).approval, "")
    assert [target.status for target in outcome.targets] == [Status.RESTARTED, Status.RESTARTED, Status.NOT_TRIED]


def test_the_reader_of_a_staged_log_is_not_started_while_the_task_that_stages_it_is_open(
    simulate: Simulate, approve: Approve
) -> None:
    said = {"stager": "ORA-12541: no listener", "orders": "It broke."}
    staging = (TaskKey("default", SERVER, "stager"),)
    own = on_each(said, simulate, approve, by_own(SHADOW), staging=staging)
    with using(without_own()), pytest.raises(OwnFailuresUnread):
        own.invoke()
    assert own.runs([*said]) == [0, 0]


@pytest.mark.parametrize("says", ["", "ORA-12541: TNS:no listener"])
def test_what_was_judged_by_an_entry_of_ones_own_is_judged_by_no_other_one(
    simulate: Simulate, approve: Approve, says: str
) -> None:
    """A message that is gone is another one by any entries."""
    ours = by_own({**MAINTENANCE, "examples": ["the gatekeeper sent us away"]}, automatic=True)
    simulator = simulate("healthy")
    simulator.break_task("orders", message="the gatekeeper sent us away")
    with using(ours):
        with simulator.client() as client:
            found = diagnosis_of(client.task(SERVER, "orders"))
        own = approve(simulator, "orders", diagnosis=found)
    assert found.failure == MAINTENANCE["id"]
    simulator.break_task("orders", message=says)
    with using(without_own()):
        if says:
            with pytest.raises(OwnFailuresUnread):
                own.invoke()
        else:
            assert own.again().status is Status.SUPERSEDED
    assert own.runs(["orders"]) == [0]


def on_each(said: Mapping[str, str], simulate: Simulate, approve: Approve, ours: Library, **changes: Any) -> Restarting:
    """An approved proposal on tasks that have failed for what is `said`, all of it unknown by the entries `ours`."""
    broken = tuple(Break(0, SERVER, name, message=message) for name, message in said.items())
    simulator = simulate(Scenario("said", (server(SERVER, [task(name) for name in said]),), broken))
    with using(ours):
        return approve(simulator, *said, cause="source ORA-PROD", kind=AnomalyKind.FATAL_UNKNOWN, **changes)


def test_an_invocation_that_died_in_a_long_group_is_taken_up_by_the_next(sixty: Restarting) -> None:
    calls = iter(range(10**6))

    def die() -> None:
        if next(calls) == 5:
            raise KeyboardInterrupt

    sixty.operator.run_takes = die
    with pytest.raises(KeyboardInterrupt):
        sixty.invoke()

    outcome = sixty.again()

    assert sixty.runs(SIXTY) == [1] * 5 + [0] + [1] * 54
    assert [target.key.task for target in outcome.targets if target.status is Status.UNVERIFIED] == [SIXTY[5]]


def test_a_long_group_keeps_its_tasks_while_it_goes_on(sixty: Restarting, ledger: Ledger) -> None:
    sixty.clock.sleep(7000)
    sixty.invoke()
    sixty.clock.sleep(1800)

    held = ledger.tasks.leases(target.key for target in ledger.record(ID).approval.proposal.targets)

    assert len(held) == 60


def test_a_group_does_not_go_on_for_ever(sixty: Restarting) -> None:
    sixty.invoke()
    sixty.clock.sleep(CONTINUE_FOR.total_seconds())

    outcome = sixty.again()

    assert outcome.status is Status.PARTIAL
    assert outcome.targets[-1].detail == "no time was left"
    assert sixty.runs(SIXTY) == [1] * 40 + [0] * 20


def test_a_group_starts_few_at_a_time(simulate: Simulate, approve: Approve) -> None:
    names = [f"erp-{number:02d}" for number in range(12)]
    restarting = approve(simulate("source_outage"), *names, cause="source ORA-PROD")
    on_their_way: list[int] = []

    def count() -> None:
        tasks = [restarting.simulator.task(name) for name in names]
        on_their_way.append(sum(task["runs"] == 1 and task["memory_mb"] == 0 for task in tasks))

    restarting.operator.run_takes = count
    restarting.again(replace(SETTINGS, restarts_at_a_time=3))

    assert max(on_their_way) == 2
    assert restarting.runs(names) == [1] * 12


STALLED = {"kind": AnomalyKind.STALLED, "action": Action.STOP_AND_RESUME}
STALL = replace(build_scenario("healthy", 1), events=(Disturbance(0, SERVER, "orders", Trouble.STALL, amount=500),))


def test_a_stalled_task_is_stopped_and_resumed(simulate: Simulate, approve: Approve) -> None:
    restarting = approve(simulate(STALL), **STALLED)

    outcome = restarting.again()

    assert outcome.status is Status.RESTARTED
    task = restarting.simulator.task("orders")
    assert (task["state"], task["stops"], task["runs"]) == ("RUNNING", 1, 1)


def test_a_task_that_was_stopped_is_not_left_lying_for_one_lost_call(simulate: Simulate, approve: Approve) -> None:
    restarting = approve(simulate(STALL), **STALLED)
    runs = iter([True, True, False])
    restarting.operator.lose_request = lambda call: call == "run" and next(runs)
    restarting.operator.lose_answer = lambda call: call == "stop"

    assert restarting.again().status is Status.RESTARTED


def test_a_task_that_was_stopped_and_cannot_be_started_is_said_to_lie(simulate: Simulate, approve: Approve) -> None:
    restarting = approve(simulate(STALL), **STALLED)
    restarting.operator.lose_request = lambda call: call == "run"

    outcome = restarting.again()

    assert outcome.status is Status.FAILED
    assert outcome.detail.startswith("stopped, and not started again")
    assert restarting.simulator.task("orders")["state"] == "STOPPED"


def test_a_mismatch_that_is_gone_needs_no_restart(simulate: Simulate, approve: Approve) -> None:
    restarting = approve(simulate("healthy"), kind=AnomalyKind.PROCESS_MISMATCH, action=Action.STOP_AND_RESUME)

    assert restarting.again().status is Status.ALREADY_RUNNING
    assert restarting.simulator.task("orders")["stops"] == 0


def test_a_lost_position_is_reloaded_where_that_was_approved(simulate: Simulate, approve: Approve) -> None:
    restarting = approve(simulate("lost_position"), kind=AnomalyKind.POSITION_LOST, action=Action.RELOAD)

    assert restarting.again().status is Status.RESTARTED
    (call,) = restarting.simulator.server.fleet.true_state()["calls"]
    assert call["option"] == "RELOAD_TARGET"


def test_an_interrupted_restart_is_what_its_claims_say(simulate: Simulate, approve: Approve, ledger: Ledger) -> None:
    restarting = approve(simulate("restart_fails"), "orders", "customers")
    made = ledger.record(ID).approval
    assert interrupted(ledger.tasks, made, "killed") == Outcome(Status.FAILED, "killed")
    ledger.begin_restart(ID, Decision(approved=True))
    ledger.tasks.mark_start(ORDERS, ID, "ERROR (FATAL_ERROR)")

    outcome = interrupted(ledger.tasks, made, "killed")

    assert outcome.status is Status.UNVERIFIED
    assert [one.status for one in outcome.targets] == [Status.UNVERIFIED, Status.NOT_TRIED]
    assert outcome.targets[1].detail == "the restart was interrupted"
    assert restarting.simulator.task("orders")["runs"] == 0
