"""What people order with a run's input: applied once, whatever fails; and what planned work keeps quiet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from qlikops.agent.remember.attempts import RestartLimits
from qlikops.agent.remember.entries import record_key
from qlikops.agent.remember.run import Run
from qlikops.agent.remember.table import Update
from qlikops.agent.steps.orders import Desk
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import Status
from qlikops.domain.proposals.mute import MuteReason
from qlikops.domain.runs.orders import (
    LATEST,
    MOST,
    NAME_CAP,
    NAMES,
    Order,
    OrderKind,
    OrderOutcome,
    lift_order,
    plan_order,
)
from qlikops.domain.runs.plan import Plan, Scope
from qlikops.domain.runs.report import RunReport
from tests.scenarios.library import build_scenario
from tests.unit.agent.fakes import SERVER, START
from tests.unit.agent.faults import Fault, Killed, Wire
from tests.unit.agent.machine import MACHINE, items
from tests.unit.agent.night import Night, falling_over, night, wired_night
from tests.unit.agent.story import faults_of

ORDERS, INVOICES = (TaskKey("default", SERVER, name) for name in ("orders", "invoices"))
MINUTE = timedelta(minutes=1)
LOST = "ORA-12541: TNS:no listener"
POSITION_LOST = "ORA-00308: cannot open archived log '/arch/1_4711.dbf'"
ANA = "arn:aws:sts::000000000000:assumed-role/ops/ana"


def given(*orders: Order) -> dict[str, Any]:
    """An execution's input with these orders, as ana sends them."""
    encoded = [codec.encode(order) for order in orders]
    return {"orders": [{**order, "by": order["by"] or ANA} for order in encoded]}


def work(lasts: timedelta = 60 * MINUTE, starts_at: datetime | None = None, **scope: Any) -> Order:
    """Planned work on the server, or on `scope`, that ends so long after START."""
    return plan_order(Scope(**(scope or {"servers": (SERVER,)})), starts_at, START + lasts, "CHG123")


@pytest.fixture
def nights() -> Iterator[Night]:
    with night(build_scenario("healthy", 1)) as made:
        made.agent.monitor("run-0")
        made.clock.sleep(300)
        yield made


def run(nights: Night, orders: Any = None, minutes: int = 5) -> OrderOutcome | None:
    """One run with these orders, and the time until the next; what became of the first order."""
    nights.runs += 1
    name = f"ordered-{nights.runs}"
    nights.agent.monitor(name, orders)
    nights.agent.states.statuses[f"{MACHINE}:{name}"] = "SUCCEEDED"
    nights.clock.sleep(60 * minutes)
    return nights.ledger.orders.outcomes(name).get(0)


def taken(nights: Night, *orders: Order) -> OrderOutcome:
    """What became of the first order."""
    outcome = run(nights, given(*orders))
    assert outcome
    return outcome


def only_plan(nights: Night) -> Plan:
    (plan,) = nights.ledger.orders.plans()
    return plan


def last_report(nights: Night) -> RunReport:
    run_of = nights.agent.services.store
    snapshot = run_of.snapshot().snapshot
    assert snapshot
    report = run_of.findings(START, snapshot.execution_name)
    assert report
    return report


def stop(nights: Night, *names: str) -> None:
    """A user stops these tasks; what is shown of them follows a little later."""
    for name in names:
        nights.agent.simulator.server.fleet.stop(SERVER, name)


@pytest.mark.parametrize("anything", [{}, [], "text", 7, None, True, {"detail": {"orders": [{}]}}, {"orders": None}])
def test_an_input_without_orders_is_ignored_as_ever(nights: Night, anything: Any) -> None:
    assert run(nights, anything) is None
    assert last_report(nights).notes == ()


@pytest.mark.parametrize(
    ("order", "why"),
    [
        ("plan", "It makes no sense"),
        ({}, "It makes no sense"),
        ({"order": "reload", "reason": "r"}, "Nobody knows here what reload is"),
        ({"order": "plan", "reason": "r", "scope": {"servers": ["s"]}}, "Planned work needs an end."),
        ({"order": "plan", "reason": "r", "ends_at": "2026-03-08T00:00:00Z"}, "It covers nothing"),
        ({"order": "plan", "scope": {"servers": ["s"]}, "ends_at": "2026-03-08T00:00:00Z"}, "It gives no reason"),
        (
            {"order": "plan", "reason": "r", "scope": {"servers": ["s"]}, "ends_at": "2026-03-01T00:00:00Z"},
            "It would be over already",
        ),
        (
            {"order": "plan", "reason": "r", "scope": {"servers": ["s"]}, "ends_at": "2027-03-01T00:00:00Z"},
            "31 days is the most",
        ),
        ({"order": "plan", "reason": "r", "scope": {"servers": ["a\x1b[2Jb"]}}, "is no name"),
        ({"order": "plan", "reason": "r", "scope": {"servers": ["s" * 300]}}, "is no name"),
        ({"order": "plan", "reason": "r", "scope": {"tags": ["t"] * 51}}, "more than 50 things"),
        ({"order": "plan", "reason": "r", "version": 99}, "written by a newer qlikops"),
        ({"order": "lift", "reason": "r"}, "Say what to lift"),
        ({"order": "lift", "reason": "r", "id": "plan-0123456789"}, "There is no plan plan-0123456789"),
        ({"order": "lift", "reason": "r", "id": "0123456789ab"}, "There is no plan and no proposal"),
        ({"order": "lift", "reason": "r", "scope": {"tasks": [codec.encode(ORDERS)]}}, "There is nothing to lift"),
    ],
)
def test_what_makes_no_sense_is_refused_and_said(nights: Night, order: Any, why: str) -> None:
    outcome = run(nights, {"orders": [order]})
    assert outcome
    assert not outcome.is_applied
    assert why in outcome.detail
    assert nights.ledger.orders.plans() == ()
    (note,) = last_report(nights).notes
    assert why in note


def test_a_run_takes_so_many_orders(nights: Night) -> None:
    run(nights, {"orders": [{}] * (MOST + 1)})
    assert last_report(nights).notes[-1] == f"1 more orders were refused: a run takes {MOST}."


def test_an_order_is_said_with_who_says_to_have_sent_it(nights: Night, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    outcome = taken(nights, work())
    assert "order 1 was applied" in caplog.text
    assert "says ana" not in caplog.text
    plan = only_plan(nights)
    assert (outcome.is_applied, outcome.plan_id) == (True, plan.plan_id)
    assert (plan.by, plan.why, plan.until) == (ANA, "CHG123", START + 60 * MINUTE)
    notes = last_report(nights).notes
    assert notes[0].startswith(f"Order 1 (plan, says ana) was applied: {plan.plan_id}: planned work on server {SERVER}")
    assert "It covers 4 tasks" in notes[1]


def test_the_largest_order_that_an_input_holds_is_kept_whole_and_said_in_short(nights: Night) -> None:
    names = tuple("數" * (NAME_CAP - 2) + f"{number:02}" for number in range(NAMES))
    keys = tuple(TaskKey(name, name, name) for name in names)
    outcome = taken(nights, work(servers=names, endpoints=names, tags=names, tasks=keys))
    assert outcome.is_applied, outcome.detail
    assert only_plan(nights).scope.tasks == keys
    assert max(len(note) for note in (outcome.detail, *last_report(nights).notes)) < 1000


def test_one_for_more_than_a_day_is_told(nights: Night) -> None:
    outcome = taken(nights, work(26 * 60 * MINUTE))
    assert "people are notified" in outcome.detail
    assert nights.told == [f"qlikops: planned work: server {SERVER}"]


def test_an_order_of_long_ago_is_refused(nights: Night) -> None:
    """A redriven run sends what was meant for then."""
    nights.agent.monitor_as(
        {
            "execution_arn": f"{MACHINE}:old",
            "execution_name": "old",
            "started_at": codec.format_time(nights.clock.now - LATEST - MINUTE),
            "input": given(work()),
        }
    )
    assert "orders are applied within 1h00m" in nights.ledger.orders.outcomes("old")[0].detail
    assert nights.ledger.orders.plans() == ()


def test_there_are_only_so_many_plans(nights: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qlikops.agent.steps.orders.PLANS_AT_ONCE", 1)
    assert taken(nights, work()).is_applied
    assert "There are 1 plans that are not over" in taken(nights, work()).detail


def test_what_falls_over_during_planned_work_is_told_after_it() -> None:
    with night(falling_over(10 * MINUTE)) as nights:
        nights.run()
        nights.approves = False
        run(nights, given(plan_order(Scope(servers=(SERVER,)), None, START + 30 * MINUTE, "CHG123")), minutes=12)
        run(nights)
        assert nights.told_of("fell over") == []
        run(nights, minutes=15)
        run(nights)
        assert len(nights.told_of("fell over")) == 1
        run(nights)
        assert len(nights.told_of("fell over")) == 1


class TestPlannedWork:
    """From its beginning to the question about what it stopped."""

    def test_inside_nothing_is_proposed_or_told_but_what_comes_through(self, nights: Night) -> None:
        nights.agent.simulator.break_task("invoices", message=POSITION_LOST)
        nights.agent.simulator.break_task("orders", message=LOST)
        stop(nights, "stock")
        run(nights, given(work()))
        proposed = [row.kind for row in nights.ledger.runs.proposals("ordered-1")]
        assert proposed == [AnomalyKind.POSITION_LOST]
        assert nights.seen(ORDERS).anomalies
        assert nights.seen(ORDERS).note == "planned until 04:00 UTC, CHG123"
        assert nights.told == []

    def test_what_it_stopped_is_one_proposal_at_its_end(self, nights: Night) -> None:
        stop(nights, "stock")
        nights.clock.sleep(60)
        run(nights, minutes=4)
        run(nights, given(work(40 * MINUTE)))
        stop(nights, "orders", "invoices")
        for _ in range(5):
            run(nights)
            assert nights.ledger.open() == []
        assert nights.clock.now == START + 40 * MINUTE
        run(nights)
        (row,) = nights.ledger.runs.proposals("ordered-8")
        assert (row.kind, row.action) == (AnomalyKind.STOPPED_IN_PLAN, "resume")
        proposal = nights.ledger.record(row.proposal_id).approval.proposal
        assert [target.key.task for target in proposal.targets] == ["invoices", "orders"]
        assert "CHG123" in proposal.title
        run(nights)
        assert nights.seen(TaskKey("default", SERVER, "stock")).anomalies[0].kind is AnomalyKind.USER_STOPPED

    def test_what_runs_again_by_its_end_is_not_asked_about_and_neither_is_what_is_stopped_later(
        self, nights: Night
    ) -> None:
        run(nights, given(work(20 * MINUTE)))
        stop(nights, "orders")
        run(nights)
        nights.agent.simulator.server.fleet.run(SERVER, "orders", "RESUME_PROCESSING")
        run(nights)
        run(nights)
        stop(nights, "invoices")
        run(nights, minutes=20)
        run(nights)
        assert nights.ledger.open() == []

    def test_a_failure_that_is_still_there_is_proposed_as_ever(self, nights: Night) -> None:
        run(nights, given(work(12 * MINUTE)))
        nights.agent.simulator.break_task("orders", message=LOST)
        run(nights, minutes=3)
        assert nights.ledger.open() == []
        run(nights)
        (row,) = nights.ledger.runs.proposals("ordered-3")
        assert row.kind == AnomalyKind.FATAL_TRANSIENT

    def test_a_question_that_it_begins_beneath_is_closed(self, nights: Night) -> None:
        nights.agent.simulator.break_task("orders", message=LOST)
        (item,) = items(nights.agent.monitor("run-1"))
        nights.agent.evaluate(item)
        nights.agent.request(item)
        nights.clock.sleep(300)
        run(nights, given(work(tasks=(ORDERS,))))
        record = nights.record(item)
        assert record.status is Status.SUPERSEDED
        assert record.outcome
        assert record.outcome.detail == "planned work has begun: planned until 04:00 UTC, CHG123"
        assert nights.seen(ORDERS).proposal_id == ""

    def test_it_is_ended_early_once(self, nights: Night) -> None:
        run(nights, given(work()))
        stop(nights, "orders")
        plan = only_plan(nights)
        run(nights)
        ended = taken(nights, lift_order(plan.plan_id, "done"))
        assert ended.is_applied
        assert only_plan(nights).ended_why == "done"
        assert [row.kind for row in nights.ledger.runs.proposals("ordered-3")] == [AnomalyKind.STOPPED_IN_PLAN]
        again = taken(nights, lift_order(plan.plan_id, "again"))
        assert (again.is_applied, "is over since" in again.detail) == (False, True)


def denied(nights: Night, snooze_seconds: int = 0, task: str = "orders") -> str:
    """A proposal on the task, denied; its id."""
    nights.agent.simulator.break_task(task, message=LOST)
    nights.runs += 1
    name = f"denied-{nights.runs}"
    (item,) = items(nights.agent.monitor(name))
    nights.agent.evaluate(item)
    nights.agent.request(item, f"token-{name}")
    cause = json.dumps({"approved": False, "by": ANA, "reason": "not now", "snooze_seconds": snooze_seconds})
    nights.agent.record(item, {"status": "denied", "error": {"Error": "ApprovalDenied", "Cause": cause}})
    nights.agent.states.statuses[f"{MACHINE}:{name}"] = "SUCCEEDED"
    nights.clock.sleep(60)
    return str(item["proposal"]["proposal_id"])


def quiet(nights: Night, key: TaskKey = ORDERS) -> MuteReason | None:
    """Why nothing is proposed on the task now."""
    limits = RestartLimits.of(nights.agent.services.config)
    mute = nights.ledger.tasks.quiet([key], limits, {}).get(key)
    return mute.kind if mute else None


def on(*tasks: TaskKey) -> Order:
    return Order(OrderKind.LIFT, "it is back", scope=Scope(tasks=tasks))


@pytest.mark.parametrize(
    ("broken", "why"),
    [({Attribute.VERSION: 99}, "written by a newer qlikops"), ({Attribute.PROPOSAL: "{"}, "not JSON")],
)
def test_an_order_that_cannot_be_carried_out_stops_neither_the_next_one_nor_the_run(
    nights: Night, broken: dict[str, Any], why: str
) -> None:
    proposal_id = denied(nights)
    table = nights.agent.services.ledger._table
    table.commit(Update(record_key(proposal_id), broken))

    outcome = taken(nights, lift_order(proposal_id, "it is back"), work())

    assert outcome.detail.startswith("It cannot be carried out: ")
    assert why in outcome.detail
    assert only_plan(nights).is_active(nights.clock.now)
    assert len(last_report(nights).notes) == 3


class TestLift:
    """What keeps a task quiet is taken back."""

    @pytest.mark.parametrize("snooze_seconds", [0, 86400])
    @pytest.mark.parametrize("by_task", [True, False])
    def test_a_denial_is_taken_back_and_asked_anew_by_the_same_run(
        self, nights: Night, snooze_seconds: int, by_task: bool
    ) -> None:
        proposal_id = denied(nights, snooze_seconds)
        assert quiet(nights) in (MuteReason.SNOOZED, MuteReason.DENIED)
        outcome = taken(nights, on(ORDERS) if by_task else lift_order(proposal_id, "it is back"))
        assert outcome.is_applied
        assert outcome.detail.startswith(f"Lifted: {ORDERS} was {'snoozed' if snooze_seconds else 'denied'}")
        assert len(nights.ledger.runs.proposals(f"ordered-{nights.runs}")) == 1

    def test_a_denial_that_is_written_once_more_stays_lifted_and_a_newer_one_counts(self, nights: Night) -> None:
        proposal_id = denied(nights, 86400)
        nights.agent.simulator.server.fleet.run(SERVER, "orders", "RESUME_PROCESSING")
        assert taken(nights, on(ORDERS)).is_applied
        nights.ledger.finish(proposal_id, 900)
        assert quiet(nights) is None
        denied(nights, 3600)
        assert quiet(nights) is MuteReason.SNOOZED

    def test_what_is_lifted_of_a_task_that_has_recovered_is_no_longer_shown(self, nights: Night) -> None:
        denied(nights, 86400)
        run(nights, minutes=70)
        nights.agent.simulator.server.fleet.run(SERVER, "orders", "RESUME_PROCESSING")
        run(nights, minutes=70)
        run(nights)
        assert nights.seen(ORDERS).memory.quiet
        assert taken(nights, on(ORDERS)).is_applied
        assert nights.seen(ORDERS).memory.quiet is None

    def test_a_denial_after_the_order_was_sent_stays(self, nights: Night) -> None:
        sent_at = codec.format_time(nights.clock.now)
        nights.clock.sleep(60)
        denied(nights, 86400)
        late = {"execution_arn": f"{MACHINE}:late", "execution_name": "late", "started_at": sent_at}
        nights.agent.monitor_as({**late, "input": given(on(ORDERS))})
        outcome = nights.ledger.orders.outcomes("late")[0]
        assert (outcome.is_applied, "changed in the same moment" in outcome.detail) == (False, True)
        assert quiet(nights) is MuteReason.SNOOZED

    @pytest.mark.parametrize("budget", [1, 3])
    def test_a_cooldown_is_lifted_and_the_restart_limit_is_not(self, budget: int) -> None:
        with night(build_scenario("healthy", 1), restart_budget_per_hour=budget) as nights:
            nights.agent.simulator.break_task("orders", message=LOST)
            nights.run()
            nights.clock.sleep(60)
            assert quiet(nights) is (MuteReason.COOLDOWN if budget > 1 else MuteReason.BUDGET)
            outcome = taken(nights, on(ORDERS))
            assert outcome.is_applied is (budget > 1)
            assert quiet(nights) is (None if budget > 1 else MuteReason.BUDGET)
            assert ("restart budget spent" in outcome.detail) is (budget == 1)


ORDERING = "ordering"
"""The run that is given orders."""


def order_once(nights: Night, wire: Wire) -> None:
    """That run with two orders, once more if it fails; then it is redriven, and the next one looks."""
    wire.state = ORDERING
    event = {
        "execution_arn": f"{MACHINE}:run-2",
        "execution_name": "run-2",
        "started_at": codec.format_time(nights.clock.now),
        "input": given(work(26 * 60 * MINUTE, servers=(), tags=("gold",)), on(ORDERS)),
    }
    nights.agent.states.statuses[f"{MACHINE}:run-2"] = "RUNNING"
    try:
        nights.agent.monitor_as(event)
    except (Exception, Killed):
        assert wire.fired, "it failed by itself"
        nights.clock.sleep(5)
        nights.agent.monitor_as(event)
    wire.state = "later"
    nights.agent.monitor_as(event)
    nights.clock.sleep(300)
    nights.agent.monitor("run-3")


def check(nights: Night, wire: Wire) -> None:
    """What holds however it went."""
    outcomes = nights.ledger.orders.outcomes("run-2")
    assert [outcomes[index].is_applied for index in (0, 1)] == [True, True]
    assert len(nights.ledger.orders.plans()) == 1
    assert quiet(nights) is None
    # Of a message whose process died nobody knows whether it went out: twice beats never.
    published = [message["Subject"] for _, message in nights.agent.aws.client("sns")._model.published]
    told = sum(subject.startswith("qlikops: planned work") for subject in published)
    assert told in ({1, 2} if wire.fired else {1})


@contextmanager
def to_order() -> Iterator[tuple[Night, Wire]]:
    with wired_night(build_scenario("healthy", 1)) as (nights, wire):
        nights.agent.aws.client("sns").create_topic(Name="t")
        nights.agent.monitor("run-0")
        denied(nights, 86400)
        nights.agent.simulator.server.fleet.run(SERVER, "orders", "RESUME_PROCESSING")
        yield nights, wire


def test_orders_are_applied_once_whatever_fails() -> None:
    with to_order() as (nights, wire):
        order_once(nights, wire)
        check(nights, wire)
        calls = [call for call in wire.calls if call.state == ORDERING]
    for call, fault in faults_of(calls, ORDERING):
        with to_order() as (nights, wire):
            wire.fault = (call, fault)
            order_once(nights, wire)
            try:
                if call.name != "Publish" or fault is not Fault.REFUSED:
                    check(nights, wire)
            except AssertionError as exc:
                raise AssertionError(f"{call} {fault}: {exc}") from exc


def test_an_invocation_that_comes_late_applies_nothing_again(nights: Night) -> None:
    plan = work(servers=(), tags=("gold",))
    event = {
        "execution_arn": f"{MACHINE}:run-2",
        "execution_name": "run-2",
        "started_at": codec.format_time(nights.clock.now),
        "input": given(plan, on(ORDERS)),
    }
    denied(nights, 86400)
    desk = Desk(nights.ledger, nights.agent.services.notifier, nights.agent.services.config, nights.clock)
    first = desk.take(codec.decode(Run, event), event["input"])
    run(nights, given(lift_order(first[0].plan_id, "done")))
    nights.clock.sleep(120)
    assert desk.take(codec.decode(Run, event), event["input"]) == first
    assert only_plan(nights).ended_at is not None
