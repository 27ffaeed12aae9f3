"""Planned work in a list, and what became of an order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from qlikops.domain.errors import UsageError
from qlikops.domain.fleet.task import ServerFacts, ServerState, StopReason, TaskFacts, TaskKey, TaskState
from qlikops.domain.gathered.ordering import OrderReceipt, OrderState
from qlikops.domain.gathered.shift_entry import entry_of
from qlikops.domain.proposals.mute import Mute, MuteReason
from qlikops.domain.runs.plan import Plan, Scope
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskProgress, TaskSnapshot
from qlikops.presentation.lists import plans
from tests.unit.domain.samples import NOON, WAITING

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


SNAPSHOT = FleetSnapshot(
    NOON,
    "r",
    (ServerFacts("default", "eu", ServerState.MONITORED),),
    (TaskSnapshot(replace(FACTS, source_endpoint="ORA PROD", tags=("gold",))),),
    plans=(PLAN,),
)


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("server:eu", Scope(servers=("eu",))),
        ('endpoint:"ORA PROD"  tag:gold', Scope(endpoints=("ORA PROD",), tags=("gold",))),
        ("task:eu/orders", Scope(tasks=(FACTS.key,))),
    ],
)
def test_what_is_typed_names_what_the_last_run_saw(text: str, scope: Scope) -> None:
    assert plans.scope_of(text, SNAPSHOT) == scope


@pytest.mark.parametrize(
    ("text", "why"),
    [("", "Name what"), ("eu", "eu names nothing"), ("server:us", "no server us"), ("task:orders", "no task orders")],
)
def test_what_names_nothing_is_said(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        plans.scope_of(text, SNAPSHOT)


def test_the_list_says_how_much_is_planned() -> None:
    assert plans.summary(SNAPSHOT, NOON) == "Planned work, as the run of 0s ago knew it: 1 going on, 0 to come."
    assert plans.summary(replace(SNAPSHOT, plans=()), NOON) == "No work is planned."


def test_all_of_a_plan() -> None:
    said = "plan-1 covers server eu. Says ana: planned until 13:00 UTC, CHG123."
    assert plans.whole(PLAN, NOON) == said
    ended = replace(PLAN, ended_at=NOON + HOUR, ended_by="arn:aws:iam::1:user/ben", ended_why="done")
    assert plans.whole(ended, NOON) == f"{said} Ended by ben: done."


def test_a_dialog_says_what_is_covered_and_until_when() -> None:
    lines = [line.text for line in plans.plan_lines(Scope(("eu",)), NOON + HOUR, "CHG123", "", SNAPSHOT)]
    assert {"server eu", "1 of 1 task, as the last run saw them", "CHG123"} <= set(lines)
    assert plans.plan_lines(None, NOON, "", "", SNAPSHOT)[1].text == "…"


def test_a_dialog_says_what_is_lifted() -> None:
    mute = Mute(MuteReason.SNOOZED, NOON + HOUR, "ana")
    quiet = TaskSnapshot(FACTS, memory=TaskProgress(quiet=mute))
    assert mute.words() in [line.text for line in plans.lift_lines(quiet, "", "", NOON)]
    assert any("plan-1" in line.text for line in plans.lift_lines(PLAN, "done", "ana", NOON))


@pytest.mark.parametrize(
    ("mute", "why"),
    [
        (Mute(MuteReason.SNOOZED, NOON + HOUR), ""),
        (Mute(MuteReason.SNOOZED, NOON), "Nothing keeps it quiet"),
        (None, "Nothing keeps it quiet"),
        (Mute(MuteReason.BUDGET, NOON + HOUR), "cannot be lifted"),
    ],
)
def test_there_may_be_nothing_to_lift(mute: Mute | None, why: str) -> None:
    said = plans.nothing_to_lift(TaskSnapshot(FACTS, memory=TaskProgress(quiet=mute)), NOON)
    assert (why in said, bool(said)) == (True, bool(why))


def test_a_plan_that_is_over_cannot_be_ended() -> None:
    assert plans.nothing_to_lift(PLAN, NOON) == ""
    assert plans.nothing_to_lift(PLAN, NOON + HOUR) == "It is over already."


def test_what_keeps_the_tasks_of_a_proposal_quiet_is_lifted_together() -> None:
    entry = replace(entry_of(WAITING), tasks=("eu/a", "eu/b"), muted_until=NOON + HOUR)
    lines = [line.text for line in plans.lift_lines(entry, "back", "ana", NOON)]
    assert "2 tasks (eu/a, eu/b)" in lines
    assert "what keeps them quiet until 13:00 UTC" in lines
    assert "until nothing" in plans.lift_lines(replace(entry, muted_until=None), "", "", NOON)[2].text
    assert plans.nothing_to_lift(entry, NOON) == ""
    assert plans.nothing_to_lift(entry, NOON + HOUR).startswith("Nothing keeps them quiet")
    assert plans.nothing_to_lift(replace(entry, muted_until=None), NOON).startswith("Nothing keeps them quiet")


@pytest.mark.parametrize("state", OrderState)
def test_what_became_of_it_is_said_in_a_line(state: OrderState) -> None:
    words, is_good = plans.settled(OrderReceipt("run-1", state, "Because."))
    assert words.endswith(": Because.")
    assert is_good is (state is OrderState.APPLIED)
