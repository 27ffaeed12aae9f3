"""Orders as people write them: read by their types, within bounds, or refused in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.domain.encoding import codec
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.runs.orders import (
    BY_CAP,
    NAMES,
    REASON_CAP,
    Order,
    OrderKind,
    OrderOutcome,
    Refused,
    lift_order,
    orders_in,
    plan_order,
    read_order,
    span_of,
)
from qlikops.domain.runs.plan import Scope
from tests.unit.domain.samples import NOON

HOUR = timedelta(hours=1)
TASK = TaskKey("default", "eu", "orders")
WORK = plan_order(Scope(("eu",)), None, NOON + HOUR, "CHG123")
EVENT = {"version": "0", "source": "aws.events", "detail": {"orders": [{"order": "lift"}]}}


@pytest.mark.parametrize("given", [None, {}, [], "orders", 7, True, [{"orders": []}], {"orders": None}, EVENT])
def test_there_are_none_in_any_other_input(given: Any) -> None:
    assert orders_in(given) == []


def test_what_is_no_list_is_one_that_makes_no_sense() -> None:
    assert orders_in({"orders": {"order": "plan"}}) == [{"order": "plan"}]
    assert orders_in({"orders": [1, 2]}) == [1, 2]


@pytest.mark.parametrize("order", [WORK, lift_order(TASK, "r"), lift_order("plan-1", "r"), lift_order("abc", "r")])
def test_an_order_is_read_as_it_was_sent(order: Order) -> None:
    assert read_order(codec.encode(order)) == order


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"order": 7}, "makes no sense"),
        ({"order": "restart"}, "Nobody knows here what restart is"),
        ({"scope": []}, "makes no sense"),
        ({"ends_at": "tomorrow"}, "makes no sense"),
        ({"reason": " \u200b "}, "gives no reason"),
        ({"scope": {"servers": [""]}}, "is no name"),
        ({"scope": {"tasks": [{"instance": "d", "server": "s", "task": "a\nb"}]}}, "is no name"),
        ({"scope": {"tags": ["x"] * (NAMES + 1)}}, f"more than {NAMES} things"),
        ({"id": "x" * 256}, "is no name"),
        ({"order": "lift"}, "Say what to lift"),
        ({"order": "lift", "id": "plan-1"}, "Say what to lift"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(change: dict[str, Any], why: str) -> None:
    with pytest.raises(Refused, match=why):
        read_order({**codec.encode(WORK), **change})


def test_text_from_outside_is_made_harmless_and_cut() -> None:
    hostile = read_order({**codec.encode(WORK), "reason": "\x1b[2J" + "r" * 9999, "by": "\u202e" + "b" * 9999})
    assert (len(hostile.reason), len(hostile.by)) == (REASON_CAP, BY_CAP)
    assert (hostile.reason[0], hostile.by[0]) == ("r", "b")


def test_work_begins_at_once_unless_it_says_when() -> None:
    assert span_of(WORK, NOON) == (NOON, NOON + HOUR)
    assert span_of(replace(WORK, starts_at=NOON - HOUR), NOON) == (NOON - HOUR, NOON + HOUR)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"scope": Scope()}, "covers nothing"),
        ({"ends_at": None}, "needs an end"),
        ({"ends_at": NOON}, "over already"),
        ({"starts_at": NOON + 2 * HOUR}, "over before it begins"),
        ({"ends_at": NOON + timedelta(days=32)}, "31 days is the most"),
        ({"starts_at": NOON + timedelta(days=61), "ends_at": NOON + timedelta(days=62)}, "more than 60 days"),
        ({"starts_at": NOON - timedelta(days=61)}, "more than 60 days"),
    ],
)
def test_times_that_make_no_sense_are_refused(change: dict[str, Any], why: str) -> None:
    with pytest.raises(Refused, match=why):
        span_of(replace(WORK, **change), NOON)


def test_what_became_of_it_says_who_says_to_have_sent_it() -> None:
    applied = OrderOutcome(0, "Done.", NOON, replace(WORK, by="arn:aws:sts::1:assumed-role/ops/ana"), is_applied=True)
    assert applied.words() == "Order 1 (plan, says ana) was applied: Done."
    assert OrderOutcome(2, "No.", NOON, is_applied=False).words() == "Order 3 (unreadable) was refused: No."
    by_hand = OrderOutcome(0, "Done.", NOON, Order(OrderKind.LIFT, "r", "ana"), is_applied=True)
    assert by_hand.words() == "Order 1 (lift, says “ana” (no ARN)) was applied: Done."
