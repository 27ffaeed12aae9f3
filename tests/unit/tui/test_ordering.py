"""Stories of orders from the console: what is sent, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from qlikops.domain.proposals.mute import Mute, MuteReason
from qlikops.domain.runs.orders import OrderKind, OrderOutcome, Taken
from qlikops.domain.runs.plan import Plan, Scope
from qlikops.domain.runs.snapshot import TaskProgress
from tests.unit.presentation import samples
from tests.unit.presentation.samples import NOW
from tests.unit.tui.conftest import Started, no_longer_sees, sees
from tests.unit.tui.fakes import FakeEnvironment

PLAN = Plan("plan-1", Scope(("eu-1",)), NOW, NOW + timedelta(hours=2), "CHG123", samples.CALLER, "run-1", NOW)


@pytest.fixture
def environment() -> FakeEnvironment:
    found = FakeEnvironment.waiting_for(samples.approval())
    memory = TaskProgress(quiet=Mute(MuteReason.SNOOZED, NOW + timedelta(hours=2), "anna"))
    tasks = tuple(replace(task, memory=memory) for task in found.snapshot.tasks)
    found.snapshot = replace(found.snapshot, tasks=tasks, plans=(PLAN,))
    found.taken_orders = Taken((OrderOutcome(0, is_applied=True, detail="It is done.", at=NOW),), is_over=False)
    return found


async def test_what_keeps_a_task_quiet_is_lifted_with_a_reason(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment) as pilot:
        await pilot.press("3")
        await sees(pilot, "3 tasks, worst")
        await pilot.press("L")
        await sees(pilot, "Lift what keeps it quiet", "snoozed until", "A reason is required.")
        await pilot.press("escape", "enter")
        await sees(pilot, "muted")
        await pilot.press("L")
        await sees(pilot, "snoozed until", "A reason is required.")
        await pilot.press(*"back", "enter")
        await sees(pilot, "Order applied: It is done.")
    (order,) = environment.ordered
    assert (order.order, order.reason) == (OrderKind.LIFT, "back")
    assert [key.task for key in order.scope.tasks] == ["sales-orders"]


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_work_is_planned_and_ended(started: Started, environment: FakeEnvironment, size: tuple[int, int]) -> None:
    server = environment.snapshot.servers[0].name
    async with started(environment, size=size) as pilot:
        await pilot.press("3")
        await sees(pilot, "3 tasks, worst")
        await pilot.press("w")
        await sees(pilot, "1 going on, 0 to come", "CHG123")
        await pilot.press("enter")
        await sees(pilot, "plan-1 covers server eu-1")
        await pilot.press("n")
        await sees(pilot, "Plan work that begins now", "Name what the work is on")
        await pilot.press(*"server", "colon", *("minus" if each == "-" else each for each in server))
        await no_longer_sees(pilot, "Name what the work is on")
        await pilot.press("tab", "tab", *"CHG9", "enter")
        await sees(pilot, "Order applied: It is done.")
        await pilot.press("L")
        await sees(pilot, "End planned work", "plan-1", "End it")
        await pilot.press(*"done", "enter")
        await no_longer_sees(pilot, "End planned work")
    planned, ended = environment.ordered
    assert (planned.order, planned.scope, planned.reason) == (OrderKind.PLAN, Scope((server,)), "CHG9")
    assert planned.ends_at == NOW + timedelta(hours=2)
    assert (ended.order, ended.id, ended.reason) == (OrderKind.LIFT, "plan-1", "done")


async def test_who_may_only_look_sees_plans_and_orders_nothing(started: Started, environment: FakeEnvironment) -> None:
    environment.read_only = True
    async with started(environment) as pilot:
        await pilot.press("3")
        await sees(pilot, "3 tasks, worst")
        await pilot.press("L", "w")
        await sees(pilot, "1 going on, 0 to come")
        await pilot.press("n")
        await sees(pilot, "1 going on, 0 to come")
    assert environment.ordered == []
