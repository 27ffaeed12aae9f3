"""plan, plan add, plan end, lift."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.cli.exit_codes import ExitCode
from qlikops.domain.fleet.task import ServerFacts, ServerState, StopReason, TaskFacts, TaskKey, TaskState
from qlikops.domain.runs.orders import Order, OrderKind, OrderOutcome, Taken
from qlikops.domain.runs.plan import Plan, Scope
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskSnapshot
from qlikops.domain.workflow.execution import ExecutionStatus, ExecutionSummary
from tests.fakes import FakeEnvironment
from tests.unit.cli.conftest import Run
from tests.unit.domain.samples import NOON, WAITING

ANA = "arn:aws:sts::111111111111:assumed-role/OnCall/ana"
ORDERS = TaskKey("default", "eu", "orders")
PLAN = Plan("plan-0123456789", Scope(("eu",)), NOON, NOON + timedelta(hours=2), "CHG123", ANA, "run-1", NOON)
APPLIED = OrderOutcome(0, is_applied=True, detail="plan-1 is ended.", at=NOON)


@pytest.fixture(autouse=True)
def _fleet(environment: FakeEnvironment) -> None:
    facts = [
        TaskFacts(ORDERS, TaskState.RUNNING, StopReason.NONE, source_endpoint="ORA-PROD", tags=("Gold",)),
        TaskFacts(TaskKey("default", "us", "bills"), TaskState.RUNNING, StopReason.NONE, target_endpoint="LAKE"),
    ]
    servers = tuple(ServerFacts("default", name, ServerState.MONITORED) for name in ("eu", "us"))
    environment.fleet.latest = FleetSnapshot(NOON, "run-1", servers, tuple(map(TaskSnapshot, facts)), plans=(PLAN,))
    environment.executions.summaries = [ExecutionSummary("arn:m:run-9", "run-9", ExecutionStatus.RUNNING, NOON)]
    environment.executions.taken = [Taken((), is_over=False), Taken((APPLIED,), is_over=False)]


def ordered(environment: FakeEnvironment) -> Order:
    (order,) = environment.executions.ordered
    return order


@pytest.mark.parametrize(
    ("args", "scope", "covered"),
    [
        (("--server", "eu"), Scope(servers=("eu",)), 1),
        (("--endpoint", "ora-prod"), Scope(endpoints=("ORA-PROD",)), 1),
        (("--tag", "Gold", "--endpoint", "LAKE"), Scope(endpoints=("LAKE",), tags=("Gold",)), 2),
        (("--task", "orders"), Scope(tasks=(ORDERS,)), 1),
    ],
)
def test_work_is_planned_on_what_is_named(
    run: Run, environment: FakeEnvironment, args: tuple[str, ...], scope: Scope, covered: int
) -> None:
    done = run("plan", "add", *args, "--for", "2h", "--from", "22:00", "--why", "CHG123")
    assert done.exit_code == ExitCode.OK, done.stderr
    assert ordered(environment) == Order(
        OrderKind.PLAN,
        "CHG123",
        scope=scope,
        starts_at=NOON + timedelta(hours=10),
        ends_at=NOON + timedelta(hours=12),
    )
    assert f"It covers {covered} of 2 tasks" in done.stderr
    assert "Sent with run-9." in done.stderr
    assert "plan-1 is ended." in done.stdout


@pytest.mark.usefixtures("two_contexts")
def test_a_context_that_is_named_of_the_group_is_its_commands(run: Run, environment: FakeEnvironment) -> None:
    planned = ("add", "--server", "eu", "--for", "2h", "--why", "CHG123")
    done = run("plan", "--context", "eu", *planned)
    assert done.exit_code == ExitCode.OK, done.stderr
    run("plan", "--context", "us", *planned, "--context", "eu")
    run("plan", "--context", "us", *planned)
    assert len(environment.executions.ordered) == len(("named of the group", "named of the command"))


@pytest.mark.parametrize(
    ("starts", "minutes"),
    [("11:30", -30), ("10:30", 22 * 60 + 30), ("2h", 120), ("2026-03-07T13:00Z", 60), ("2026-03-07 13:00", 60)],
)
def test_it_begins_when_that_is_said(run: Run, environment: FakeEnvironment, starts: str, minutes: int) -> None:
    assert run("plan", "add", "--tag", "gold", "--for", "2h", "--why", "x", "--from", starts).exit_code == ExitCode.OK
    assert ordered(environment).starts_at == NOON + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (("--server", "eu"), ExitCode.USAGE, "--for"),
        (("--server", "eu", "--for", "2h"), ExitCode.USAGE, "--why"),
        (("--for", "2h"), ExitCode.USAGE, "covers nothing"),
        (("--server", "mars", "--for", "2h"), ExitCode.NOT_FOUND, "The last run saw no server mars."),
        (("--server", "eu", "--for", "40d"), ExitCode.USAGE, "31 days is the most"),
        (("--server", "eu", "--for", "1h", "--from", "2026-03-01"), ExitCode.USAGE, "It would be over already"),
        (("--server", "eu", "--for", "1h", "--from", "soon"), ExitCode.USAGE, "is no time"),
        (("--task", "nothing", "--for", "1h"), ExitCode.NOT_FOUND, "no task nothing"),
        (("--server", "eu", "--for", "1h", "--why", " "), ExitCode.USAGE, "Nothing was sent: It gives no reason."),
    ],
)
def test_what_makes_no_sense_is_not_sent(
    run: Run, environment: FakeEnvironment, args: tuple[str, ...], code: ExitCode, says: str
) -> None:
    why = () if args[1:] == ("eu", "--for", "2h") or "--why" in args else ("--why", "x")
    refused = run("plan", "add", *args, *why)
    assert refused.exit_code == code
    assert says in refused.stderr
    assert environment.executions.ordered == []


@pytest.mark.parametrize(
    ("taken", "code", "state", "says"),
    [
        (Taken((replace(APPLIED, is_applied=False, detail="No."),), is_over=False), 1, "refused", "No."),
        (Taken((), is_over=True), 1, "not_taken", "update it with `qlikops deploy`"),
        (Taken((), is_over=False), 7, "unknown", "Do not repeat it: look with `qlikops show run-9`"),
    ],
)
def test_only_what_is_known_is_said(
    run: Run, environment: FakeEnvironment, taken: Taken, code: int, state: str, says: str
) -> None:
    environment.executions.taken = [taken]
    shown = run("plan", "end", "plan-01", "--json")
    assert shown.exit_code == code
    receipt: dict[str, Any] = json.loads(shown.stdout)
    assert (receipt["state"], receipt["execution_name"]) == (state, "run-9")
    assert says in receipt["detail"]


def test_plans_are_listed_as_the_last_run_knew_them(run: Run, environment: FakeEnvironment) -> None:
    assert json.loads(run("plan", "--json").stdout)[0]["plan_id"] == PLAN.plan_id
    listed = run("plan").stdout
    assert "goes on" in listed
    assert "server eu" in listed
    assert "ana" in listed
    latest = environment.fleet.latest
    assert latest
    early = replace(PLAN, ended_at=NOON + timedelta(hours=1))
    states = [replace(PLAN, starts_at=NOON + timedelta(hours=1)), early, replace(PLAN, ends_at=NOON)]
    for plan, state in zip(states, ("to come", "goes on", "over"), strict=True):
        environment.fleet.latest = replace(latest, plans=(plan,))
        assert state in run("plan").stdout
    environment.fleet.latest = replace(latest, plans=())
    assert "No work is planned." in run("plan").stderr


@pytest.mark.parametrize(
    ("what", "order"),
    [
        ("orders", Order(OrderKind.LIFT, "r", scope=Scope(tasks=(ORDERS,)))),
        ("plan-0123", Order(OrderKind.LIFT, "r", id="plan-0123456789")),
        ("plan-ffffffffff", Order(OrderKind.LIFT, "r", id="plan-ffffffffff")),
        (WAITING.approval_id, Order(OrderKind.LIFT, "r", id=WAITING.approval_id)),
    ],
)
def test_a_task_a_plan_and_what_a_denial_said_are_lifted(
    run: Run, environment: FakeEnvironment, what: str, order: Order
) -> None:
    assert run("lift", what, "--reason", "r").exit_code == ExitCode.OK
    assert ordered(environment) == order


def test_several_are_lifted_if_all_of_them_are_known(run: Run, environment: FakeEnvironment) -> None:
    assert run("lift", "orders", "no-such-task", "--reason", "r").exit_code == ExitCode.NOT_FOUND
    assert not environment.executions.ordered
    both = run("lift", "orders", "plan-0123", "--reason", "r", "--json")
    assert both.exit_code == ExitCode.OK
    assert len(json.loads(both.stdout)) == 2
