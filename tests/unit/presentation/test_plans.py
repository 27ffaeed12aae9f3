"""Planned work in a list, and what became of an order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from qlikops.domain.fleet import FleetSnapshot, TaskSnapshot
from qlikops.domain.ordering import OrderReceipt, OrderState
from qlikops.domain.plan import Plan, Scope
from qlikops.domain.task import StopReason, TaskFacts, TaskKey, TaskState
from qlikops.presentation import plans
from tests.unit.domain.samples import NOON

HOUR = timedelta(hours=1)
PLAN = Plan("plan-1", Scope(("eu",)), NOON - HOUR, NOON + HOUR, "CHG123\x1b[2J", "arn:aws:iam::1:user/ana", "r", NOON)
FACTS = TaskFacts(TaskKey("default", "eu", "orders"), TaskState.RUNNING, StopReason.NONE)


def texts(plan: Plan) -> dict[str, str]:
    (row,) = plans.listed(FleetSnapshot(NOON, "r", (), (TaskSnapshot(FACTS),), plans=(plan,)), NOON)
    assert all(field(row) for field in plans.TABLE.fields.values())
    return {key: cell.text for key, cell in plans.TABLE.cells(row).items()}


def test_a_row() -> None:
    assert texts(PLAN) == {
        "id": "plan-1",
        "state": "goes on",
        "from": "03-07 11:00",
        "until": "03-07 13:00",
        "tasks": "1",
        "why": "CHG123",
        "covers": "server eu",
        "says": "ana",
    }


@pytest.mark.parametrize(
    ("plan", "state"),
    [
        (replace(PLAN, starts_at=NOON + HOUR / 2), "to come"),
        (replace(PLAN, ends_at=NOON), "over"),
        (replace(PLAN, ended_at=NOON), "ended early"),
        (replace(PLAN, starts_at=NOON + HOUR / 2, ended_at=NOON), "called off"),
    ],
)
def test_where_it_stands(plan: Plan, state: str) -> None:
    assert texts(plan)["state"] == state


def test_what_is_not_over_comes_first() -> None:
    over, later = replace(PLAN, ends_at=NOON), replace(PLAN, starts_at=NOON + HOUR / 2)
    snapshot = FleetSnapshot(NOON, "r", (), (), plans=(over, later, PLAN))
    assert [row.plan for row in plans.listed(snapshot, NOON)] == [PLAN, later, over]


@pytest.mark.parametrize("state", OrderState)
def test_a_receipt_says_what_became_of_the_order(state: OrderState) -> None:
    (section,) = plans.receipt(OrderReceipt("run-1", state, "Because."))
    assert [line.text for line in section.lines][1:] == ["Because.", "run-1"]
