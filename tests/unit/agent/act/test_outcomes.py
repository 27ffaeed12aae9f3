"""What came of a restart is said as it was: what was sent, what came of that, and what is left standing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from qlikops.agent.act.outcomes import combined
from qlikops.agent.config import Thresholds
from qlikops.agent.remember.attempts import Attempt, RestartLimits
from qlikops.agent.remember.ledger import Ledger
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.task import Action, TaskKey
from qlikops.domain.proposals.approval import Decision, Outcome, RunCall, Status, TaskOutcome
from qlikops.domain.runs.snapshot import FleetSnapshot
from qlikops.presentation.vocabulary import status_meaning
from qlikops.qlik.client import QemClient
from qlikops.qlik.errors import QemBusinessError
from qlikops.qlik.simulator.scenario import AfterRun, Break, Effect
from qlikops.qlik.wire import ActionReply
from tests.scenarios.disturbed import Disturbance, Trouble
from tests.scenarios.small import expect, small
from tests.simulation.account import ModelledAws
from tests.unit.agent.fakes import ORDERS, SERVER, START, FakeClock, proposal, simulated
from tests.unit.agent.machine import Agent, Json, items
from tests.unit.agent.steps.test_restart import ID, STALLED, Approve, Restarting, Simulate, approve, simulate  # noqa: F401

LIMITS = RestartLimits(per_hour=9, cooldown_seconds=900)
REFUSAL = QemBusinessError("AEM_RUN_TASK_INNER_ERR", "the license does not allow it")
FAILS = small(
    "fails",
    Break(
        0,
        SERVER,
        "orders",
        message="ORA-12541: no listener",
        after_run=AfterRun(Effect.FAILS_AGAIN, fails_after_seconds=1),
    ),
    expected=expect(),
)


def lost(call: str) -> Callable[[Restarting], None]:
    def lose(restarting: Restarting) -> None:
        restarting.operator.lose_request = lambda each: each == call

    return lose


def unanswered(*calls: str) -> Callable[[Restarting], None]:
    def lose(restarting: Restarting) -> None:
        restarting.operator.lose_answer = lambda each: each in calls

    return lose


def refused(restarting: Restarting) -> None:
    def refuse() -> None:
        raise REFUSAL

    restarting.operator.run_takes = refuse


def none(_: Restarting) -> None:
    """Nothing goes wrong on the way."""


SENT: dict[str, tuple[Any, ...]] = {
    "came up": ("one_fatal", "orders", {}, none, Status.RESTARTED, RunCall.TAKEN, False, "restarted"),
    "failed after a while": (
        FAILS, "orders", {}, none, Status.FAILED, RunCall.TAKEN, False, "failed again",
    ),
    "failed at once": ("restart_fails", "customers", {}, none, Status.FAILED, RunCall.TAKEN, False, "failed again"),
    "refused": ("restart_fails", "invoices", {}, none, Status.FAILED, RunCall.REFUSED, False, "start refused"),
    "answer lost, and refused": (
        "restart_fails", "invoices", {}, unanswered("run"), Status.FAILED, RunCall.REFUSED, False, "start refused",
    ),
    "answer lost": (
        FAILS, "orders", {}, unanswered("run"), Status.UNVERIFIED, RunCall.UNCERTAIN, False,
        "may have been told to run",
    ),
    "stopped and up": ("healthy", "orders", STALLED, none, Status.RESTARTED, RunCall.TAKEN, True, "restarted"),
    "stopped, run never sent": (
        "healthy", "orders", STALLED, lost("run"), Status.FAILED, RunCall.NOT_SENT, True,
        "stopped and not started again",
    ),
    "stopped, run refused": (
        "healthy", "orders", STALLED, refused, Status.FAILED, RunCall.REFUSED, True, "stopped and not started again",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("scenario", "name", "changes", "wrong", "status", "run_call", "stopped", "words"), SENT.values(), ids=SENT
)
def test_what_was_sent_is_kept_counted_and_said(
    simulate: Simulate,  # noqa: F811 - a fixture of the neighbour's
    approve: Approve,  # noqa: F811
    ledger: Ledger,
    clock: FakeClock,
    database: Any,
    table: str,
    scenario: Any,
    name: str,
    changes: dict[str, Any],
    wrong: Callable[[Restarting], None],
    status: Status,
    run_call: RunCall,
    stopped: bool,
    words: str,
) -> None:
    simulator = simulate(scenario)
    clock.sleep(5)
    restarting = approve(simulator, name, **changes)
    wrong(restarting)

    outcome = restarting.again()

    (target,) = outcome.targets
    assert (target.status, target.run_call, target.stopped) == (status, run_call, stopped)
    assert "nothing was restarted" not in status_meaning(status, outcome) or run_call is RunCall.REFUSED
    closed = ledger.close(ID, outcome).approval
    (line,) = ledger.tasks.history(target.key)
    assert (line.status, line.came_to) == (status, target.came_to)
    (quiet,) = ledger.tasks.quiet([target.key], LIMITS, {}).values()
    assert quiet.words().startswith(f"{words}, cooling down until")
    made = closed.proposal
    key = {"pk": {"S": f"TRACK#{made.counted_as}/{made.action}"}, "sk": {"S": "rules/approve"}}
    counted = database.get_item(TableName=table, Key=key)["Item"]
    assert (counted["tried"]["N"], counted["recovered"]["N"]) == ("1", str(int(status is Status.RESTARTED)))


FAILED = {
    RunCall.TAKEN: "the run call was sent, and it did not come up",
    RunCall.UNCERTAIN: "the run call was sent, and it did not come up",
    RunCall.REFUSED: "Enterprise Manager refused the start; nothing was restarted",
    RunCall.NOT_SENT: "something broke; nothing was restarted",
    None: "it did not work; its record says whether anything was started",
}


@pytest.mark.parametrize("run_call", FAILED)
def test_a_failure_says_that_nothing_was_restarted_only_where_nothing_was(run_call: RunCall | None) -> None:
    outcome = Outcome(Status.FAILED, targets=(TaskOutcome(ORDERS, Status.FAILED, run_call=run_call),))

    assert status_meaning(Status.FAILED, outcome) == FAILED[run_call]
    assert status_meaning(Status.FAILED, Outcome(Status.FAILED)) == "something broke; nothing was restarted"
    assert "nothing was restarted" not in status_meaning(Status.FAILED)


def test_a_group_counts_what_came_of_its_tasks_by_what_was_sent() -> None:
    def task(number: int, status: Status, run_call: RunCall | None, *, stopped: bool = False) -> TaskOutcome:
        key = TaskKey("default", SERVER, f"t{number}")
        return TaskOutcome(key, status, run_call=run_call, stopped=stopped)

    outcome = combined(
        [
            task(1, Status.RESTARTED, RunCall.TAKEN),
            task(2, Status.FAILED, RunCall.NOT_SENT),
            task(3, Status.FAILED, RunCall.NOT_SENT),
            task(4, Status.FAILED, RunCall.TAKEN),
            task(5, Status.FAILED, RunCall.REFUSED, stopped=True),
            task(6, Status.UNVERIFIED, RunCall.UNCERTAIN),
        ]
    )

    assert outcome.status is Status.PARTIAL
    assert outcome.detail == (
        "2 not started, 1 restarted, 1 failed again, 1 stopped and not started again, 1 unverified"
    )


def test_what_an_earlier_version_stored_claims_no_more_than_it_knew() -> None:
    old = codec.decode(TaskOutcome, {"key": codec.encode(ORDERS), "status": "failed", "detail": "failed again: x"})

    assert (old.run_call, old.stopped, old.came_to) == (None, False, "failed")
    assert Attempt(START, old).may_have_started
    assert not Attempt(START, old).left_stopped


def test_an_attempt_of_which_nothing_is_known_is_not_said_to_be_a_restart(ledger: Ledger) -> None:
    ledger.open_proposals("run-1", [proposal(ID)], 7200)
    ledger.begin_restart(ID, Decision(approved=True))
    ledger.tasks.mark_start(ORDERS, ID, "ERROR (FATAL_ERROR)")

    (quiet,) = ledger.tasks.quiet([ORDERS], LIMITS, {}).values()

    assert quiet.words().startswith("may have been told to run, cooling down")


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Agent]]:
    """On a task whose process vanishes and whose start is refused."""

    def refuse(*_: object, **__: object) -> ActionReply:
        raise REFUSAL

    monkeypatch.setattr(QemClient, "run", refuse)
    with ExitStack() as running:

        def make() -> Agent:
            clock = FakeClock()
            story = small(
                "unstartable",
                Disturbance(10, SERVER, "orders", Trouble.NO_PROCESS),
                expected=expect(),
            )
            simulator = running.enter_context(simulated(story, clock, is_direct=True))
            return Agent(ModelledAws(clock), simulator, clock, thresholds=Thresholds(process_mismatch_seconds=60))

        yield make


def orders_of(here: Agent) -> Any:
    snapshot = codec.loads(FleetSnapshot, here.stored("snapshots/latest.json"))
    (orders,) = (task for task in snapshot.tasks if task.facts.key.task == "orders")
    return orders


def stopped_and_not_started(here: Agent) -> Json:
    """A run that stops the task and cannot start it; what it recorded."""
    here.clock.sleep(20)
    here.report(here.monitor("run-1"))
    here.clock.sleep(120)
    monitored = here.monitor("run-2")
    (item,) = items(monitored)
    assert item["proposal"]["action"] == "stop_and_resume"
    digest = here.evaluate(item)["digest"]
    here.request(item)
    restarted = here.restart(item, {"approved": True, "digest": digest})
    recorded = here.record(item, {"status": restarted["status"], "result": restarted})
    here.report(monitored)
    return recorded


def test_a_task_that_qlikops_stopped_and_could_not_start_is_proposed_again(agent: Callable[[], Agent]) -> None:
    here = agent()
    assert stopped_and_not_started(here)["detail"].startswith("stopped, and not started again")

    here.clock.sleep(60)
    assert here.monitor("run-3")["proposal_count"] == 0
    orders = orders_of(here)
    assert [anomaly.kind for anomaly in orders.anomalies] == [AnomalyKind.LEFT_STOPPED]
    assert orders.note.startswith("stopped and not started again, cooling down until")
    here.clock.sleep(3 * 3600)  # longer than what is remembered of restarts
    (item,) = items(here.monitor("run-4"))

    assert (item["proposal"]["kind"], item["proposal"]["action"]) == (AnomalyKind.LEFT_STOPPED, Action.RESUME)
    assert "stopped by qlikops" in item["proposal"]["title"]
    here.simulator.server.fleet.run(SERVER, "orders", "RELOAD_TARGET")
    here.clock.sleep(60)
    here.evaluate(item)
    here.request(item)
    here.record(item, {"status": "denied", "decision": {"approved": False}})
    here.monitor("run-5")
    assert orders_of(here).anomalies == ()
    assert not orders_of(here).memory.left_stopped


@pytest.mark.parametrize("polls", [1, 4])
@pytest.mark.parametrize("seconds", [60, 1200, 3600])
def test_a_task_that_a_user_stopped_after_it_ran_again_is_the_users(
    agent: Callable[[], Agent], seconds: int, polls: int
) -> None:
    here = agent()
    stopped_and_not_started(here)
    here.simulator.server.fleet.run(SERVER, "orders", "RELOAD_TARGET")
    here.clock.sleep(60)
    here.monitor("run-3")
    here.simulator.server.fleet.stop(SERVER, "orders")

    for number in range(polls):
        here.clock.sleep(seconds)
        assert here.monitor(f"later-{number}")["proposal_count"] == 0
        assert [anomaly.kind for anomaly in orders_of(here).anomalies] == [AnomalyKind.USER_STOPPED]


def test_a_restart_that_was_interrupted_after_the_stop_is_ours_as_well(
    simulate: Simulate,  # noqa: F811
    approve: Approve,  # noqa: F811
    ledger: Ledger,
) -> None:
    from qlikops.agent.act.outcomes import interrupted

    restarting = approve(simulate("healthy"), "orders", **STALLED)
    ledger.begin_restart(ID, Decision(approved=True))
    ledger.tasks.mark_start(ORDERS, ID, "RUNNING")
    made = ledger.record(ID).approval

    outcome = interrupted(ledger.tasks, made, "killed")

    assert outcome.status is Status.UNVERIFIED
    ((attempt,),) = ledger.tasks.attempts([ORDERS], START).values()
    assert attempt.left_stopped
    assert attempt.result == outcome.targets[0]
    assert restarting.simulator.task("orders")["runs"] == 0
