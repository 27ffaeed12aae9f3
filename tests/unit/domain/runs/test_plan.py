"""Planned work: what it covers, when, and in which words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from unittest.mock import Mock

import pytest

from qlikops.domain.fleet.task import StopReason, TaskFacts, TaskKey, TaskState
from qlikops.domain.runs.plan import Plan, Scope, StoppedInPlan, covering, still_stopped, stopped_in
from qlikops.domain.words.duration import short_moment
from tests.unit.domain.samples import NOON

HOUR = timedelta(hours=1)
FACTS = TaskFacts(
    TaskKey("default", "eu", "orders"),
    TaskState.STOPPED,
    StopReason.NORMAL,
    source_endpoint="ORA",
    target_endpoint="LAKE",
    tags=("Gold ",),
)
PLAN = Plan("plan-1", Scope(("eu",)), NOON, NOON + HOUR, "CHG123", "ana", "run-1", NOON)
LATER = replace(PLAN, plan_id="plan-2", starts_at=NOON + HOUR / 2, ends_at=NOON + 2 * HOUR)


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        (Scope(), False),
        (Scope(servers=("eu",)), True),
        (Scope(servers=("EU", "us")), False),
        (Scope(endpoints=("ORA",)), True),
        (Scope(endpoints=("LAKE",)), True),
        (Scope(endpoints=("",)), False),
        (Scope(tags=("gOLD",)), True),
        (Scope(tags=("silver",)), False),
        (Scope(tasks=(FACTS.key,)), True),
        (Scope(tasks=(TaskKey("other", "eu", "orders"),)), False),
        (Scope(servers=("us",), tags=("gold",)), True),
    ],
)
def test_what_is_named_is_covered(scope: Scope, covered: bool) -> None:
    assert scope.covers(FACTS) is covered


def test_many_plans_on_a_large_fleet_fold_each_spelling_once(monkeypatch: pytest.MonkeyPatch) -> None:
    fold = Mock(side_effect=str)
    monkeypatch.setattr("qlikops.domain.runs.plan.folded", fold)
    scopes = [Scope(tags=(f"folded once {number}",)) for number in range(20)]
    fleet = [replace(FACTS, key=TaskKey("default", "eu", str(number)), tags=("once as well",)) for number in range(50)]
    assert not any(scope.covers(facts) for facts in fleet for scope in scopes)
    assert fold.call_count == 21


def test_a_scope_names_what_it_covers() -> None:
    words = Scope(("eu",), ("ORA",), ("gold",), (FACTS.key,)).words()
    assert words == "server eu, endpoint ORA, tag gold, task eu/orders"


def test_it_lasts_from_its_beginning_to_its_end() -> None:
    assert [PLAN.is_active(NOON + shift) for shift in (-HOUR, 0 * HOUR, HOUR)] == [False, True, False]
    assert [PLAN.is_over(NOON + shift) for shift in (0 * HOUR, HOUR)] == [False, True]
    early = replace(PLAN, ended_at=NOON + HOUR / 2)
    assert (early.until, early.is_over(NOON + HOUR / 2)) == (NOON + HOUR / 2, True)
    assert replace(PLAN, ended_at=NOON + 2 * HOUR).until == NOON + HOUR
    assert [replace(PLAN, ends_at=NOON + lasts * HOUR).is_long for lasts in (24, 25)] == [False, True]


def test_a_line_says_until_when_and_why() -> None:
    assert PLAN.words(NOON) == "planned until 13:00 UTC, CHG123"
    assert short_moment(NOON + 25 * HOUR, NOON) == "2026-03-08 13:00 UTC"
    stop = StoppedInPlan("plan-1", "CHG123", NOON)
    assert stop.words() == "CHG123 (plan-1), over since 2026-03-07 12:00 UTC"


def test_of_several_the_one_that_ends_last_covers() -> None:
    assert covering([LATER, PLAN], FACTS, NOON + HOUR / 2) == LATER
    assert covering([LATER, PLAN], FACTS, NOON) == PLAN
    assert covering([LATER, PLAN], FACTS, NOON + 3 * HOUR) is None


@pytest.mark.parametrize(
    ("seen", "looked_before", "now", "plan"),
    [
        (0.5, 0.4, 0.5, "plan-2"),
        (0.2, None, 0.2, "plan-1"),
        (0.2, 0.9, 1.0, "plan-1"),
        (-0.1, -0.2, 0.5, None),
        (2.1, 1.9, 2.1, "plan-2"),
        (2.2, 2.1, 2.2, None),
        (2.2, None, 2.2, None),
    ],
    ids=["first seen", "no look before", "seen earlier", "before", "around its end", "after", "after, no look before"],
)
def test_a_stop_belongs_to_the_work_during_which_it_may_have_been(
    seen: float, looked_before: float | None, now: float, plan: str | None
) -> None:
    before = None if looked_before is None else NOON + looked_before * HOUR
    found = stopped_in([PLAN, LATER], FACTS, NOON + seen * HOUR, before, NOON + now * HOUR)
    assert (found.plan_id if found else None) == plan


def test_nothing_is_stopped_in_work_that_was_called_off_before_it_began() -> None:
    called_off = replace(LATER, ended_at=NOON + HOUR / 4)
    assert stopped_in([called_off], FACTS, NOON + HOUR, NOON, NOON + HOUR) is None


def test_it_goes_with_the_work_that_goes_on() -> None:
    stop = StoppedInPlan("plan-1", "CHG123", NOON + HOUR)
    assert still_stopped(stop, [PLAN, LATER], FACTS, NOON + HOUR).plan_id == "plan-2"
    ended = replace(PLAN, ended_at=NOON + HOUR / 4)
    assert still_stopped(stop, [ended], FACTS, NOON + HOUR / 2).until == NOON + HOUR / 4
    assert still_stopped(stop, [], FACTS, NOON + 9 * HOUR) == stop
