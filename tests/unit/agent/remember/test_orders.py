"""Plans and what became of orders, in the ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.agent.remember.attempts import RestartLimits
from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.remember.orders import Overtaken, StoredPlan, adding, changing, lifting
from qlikops.agent.remember.run import Run
from qlikops.agent.remember.table import Put, Table
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.ledger import PLANS_PARTITION, Attribute
from qlikops.domain.proposals.approval import Decision, Outcome, Status
from qlikops.domain.runs.orders import OrderOutcome
from qlikops.domain.runs.plan import Plan, Scope
from tests.unit.agent.fakes import ORDERS, START, proposal
from tests.unit.agent.machine import MACHINE

PLAN = Plan("plan-1", Scope(("eu",)), START, START + timedelta(hours=1), "CHG123", "ana", "run-1", START)
DONE = OrderOutcome(0, is_applied=True, detail="done", at=START)


def run(name: str) -> Run:
    return Run(f"{MACHINE}:{name}", name, codec.format_time(START))


def kept(ledger: Ledger, plan: Plan) -> StoredPlan:
    ledger.orders.keep(run(f"of-{plan.plan_id}"), DONE, adding(plan))
    stored = ledger.orders.plan(plan.plan_id)
    assert stored
    return stored


def test_an_order_is_kept_once_with_what_it_does(ledger: Ledger) -> None:
    assert ledger.orders.keep(run("run-1"), DONE, adding(PLAN)) == DONE
    again = ledger.orders.keep(run("run-1"), replace(DONE, detail="again"), adding(replace(PLAN, plan_id="plan-2")))
    assert again == DONE
    assert ledger.orders.plans() == (PLAN,)
    assert ledger.orders.outcomes("run-1") == {0: DONE}
    assert ledger.orders.plan("plan-2") is None


def test_what_changed_meanwhile_is_not_overwritten(ledger: Ledger) -> None:
    stored = kept(ledger, PLAN)
    ended = replace(PLAN, ended_at=START, ended_why="one")
    ledger.orders.keep(run("one"), DONE, changing(stored, ended))
    with pytest.raises(Overtaken):
        ledger.orders.keep(run("other"), DONE, changing(stored, replace(ended, ended_why="other")))
    assert ledger.orders.outcomes("other") == {}
    assert ledger.orders.plans() == (ended,)


def test_plans_come_by_their_beginning_and_one_that_cannot_be_read_stops_no_other(
    database: Any, table: str, ledger: Ledger, caplog: Any
) -> None:
    later = replace(PLAN, plan_id="plan-0", starts_at=START + timedelta(minutes=1))
    for plan in (later, PLAN):
        kept(ledger, plan)
    Table(database, table).commit(Put({"pk": PLANS_PARTITION, "sk": "plan-3", Attribute.BODY: "{"}))
    assert ledger.orders.plans() == (PLAN, later)
    assert caplog.messages[0].startswith("PLANS plan-3 is left out")


def test_a_lift_of_more_tasks_than_a_transaction_takes_ends_what_was_there_before_it(ledger: Ledger) -> None:
    keys = tuple(TaskKey("default", "s", f"t{number:03}") for number in range(120))
    made = proposal("0123456789ab", *keys)
    assert not ledger.open_proposals("group", [made], 60).refused
    ledger.close(made.proposal_id, Outcome(Status.DENIED, decision=Decision(False), at=START), 86400)
    assert all(_is_denied(ledger, key) for key in keys)
    ledger.orders.keep(run("lifting"), DONE, *lifting(keys, START + timedelta(seconds=1)))
    assert [key for key in keys if _is_denied(ledger, key)] == []
    # The denial written once more is from before the lift.
    ledger.finish(made.proposal_id, 86400)
    assert [key for key in keys if _is_denied(ledger, key)] == []


def test_a_denial_since_then_stays(ledger: Ledger) -> None:
    made = proposal("0123456789ab", ORDERS)
    assert not ledger.open_proposals("group", [made], 60).refused
    ledger.close(made.proposal_id, Outcome(Status.DENIED, decision=Decision(False), at=START), 86400)
    with pytest.raises(Overtaken):
        ledger.orders.keep(run("lifting"), DONE, *lifting([ORDERS], START - timedelta(seconds=1)))
    assert _is_denied(ledger, ORDERS)


def _is_denied(ledger: Ledger, key: TaskKey) -> bool:
    return key in ledger.tasks.quiet([key], RestartLimits(0, 0), {key: ()})
