"""What people ordered, in the ledger: plans, and what became of each order, in one transaction with what it does."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from qlikops.agent.remember import entries
from qlikops.agent.remember.entries import key_of
from qlikops.agent.remember.run import Run
from qlikops.agent.remember.table import (
    ABSENT,
    Condition,
    ConditionFailed,
    Item,
    Put,
    Table,
    Update,
)
from qlikops.dataclass import dataclass
from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.ledger import Attribute
from qlikops.domain.runs.orders import OrderOutcome
from qlikops.domain.runs.plan import Plan

KEPT_AFTER = timedelta(days=2)
"""How long a plan stays after its end: lists show it, and what it stopped is asked about."""
LIFT_DAYS = 30
"""How long a lift is remembered: as long as the longest snooze."""

_logger = logging.getLogger(__name__)


class Overtaken(Exception):
    """What an order was to change is not as it was read any more: nothing was written."""


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan, and its text as the ledger has it."""

    plan: Plan
    body: str


class OrderLedger:
    """The items PLANS, ORDER# of runs, and what lifts a task's mute."""

    def __init__(self, table: Table, clock: Callable[[], datetime]) -> None:
        self._table = table
        self._clock = clock

    def plans(self) -> tuple[Plan, ...]:
        """All plans that are not over for two days, by their beginning. One Query."""
        found = [plan for item in self._table.query(keys.PLANS_PARTITION) if (plan := _plan_in(item))]
        return tuple(sorted((each.plan for each in found), key=lambda plan: (plan.starts_at, plan.plan_id)))

    def plan(self, plan_id: str) -> StoredPlan | None:
        """The plan of that id, read consistently."""
        item = self._table.get((keys.PLANS_PARTITION, plan_id))
        return _plan_in(item) if item else None

    def outcomes(self, execution_name: str) -> dict[int, OrderOutcome]:
        """What became of a run's orders so far, by their place."""
        items = self._table.query(keys.run_partition(execution_name), keys.ORDER_PREFIX)
        found = [codec.loads(OrderOutcome, str(item[Attribute.BODY])) for item in items]
        return {outcome.index: outcome for outcome in found}

    def keep(self, run: Run, outcome: OrderOutcome, *writes: Put | Update) -> OrderOutcome:
        """Keeps what became of an order with what it does, or neither; what another invocation kept is returned.

        Of more writes than a transaction takes, the last ones go with the outcome: each must come to the same if it is
        written twice. Raises Overtaken where one of them does not hold.
        """
        item: Item = {
            **key_of(keys.run_partition(run.execution_name), f"{keys.ORDER_PREFIX}{outcome.index:02}"),
            Attribute.BODY: codec.dumps(outcome),
            **entries.kept(self._clock()),
        }
        size = self._table.most_writes - 1
        *before, last = [writes[start : start + size] for start in range(0, len(writes) or 1, size)]
        try:
            for chunk in before:
                self._table.commit(*chunk)
            self._table.commit(*last, Put(item, ABSENT))
        except ConditionFailed as exc:
            if known := self.outcomes(run.execution_name).get(outcome.index):
                return known
            raise Overtaken from exc
        return outcome


def adding(plan: Plan) -> Put:
    """What begins a plan."""
    return Put(_item(plan), ABSENT)


def changing(stored: StoredPlan, plan: Plan) -> Put:
    """What changes a plan from what was read."""
    return Put(_item(plan), Condition(f"#{Attribute.BODY} = :{Attribute.BODY}", {f":{Attribute.BODY}": stored.body}))


def lifting(tasks: Sequence[TaskKey], at: datetime) -> list[Update]:
    """What ends all that has kept tasks quiet since before `at`; it does not hold where one was denied since then.

    What else came after that, such as an attempt to restart a task, keeps it quiet all the same.
    """
    earlier = f"(attribute_not_exists(#{Attribute.AT}) OR #{Attribute.AT} <= :at)"
    no_later_lift = f"(attribute_not_exists(#{Attribute.LIFTED}) OR #{Attribute.LIFTED} <= :at)"
    condition = Condition(f"{earlier} AND {no_later_lift}", {":at": codec.format_time(at)})
    values: Item = {
        Attribute.EXPIRES: 0,  # over by every clock
        Attribute.LIFTED: codec.format_time(at),
        keys.TTL: int((at + timedelta(days=LIFT_DAYS)).timestamp()),
    }
    return [Update((keys.task_partition(key), keys.SNOOZE), values, condition=condition) for key in tasks]


def _item(plan: Plan) -> Item:
    return {
        **key_of(keys.PLANS_PARTITION, plan.plan_id),
        Attribute.BODY: codec.dumps(plan),
        keys.TTL: int((plan.until + KEPT_AFTER).timestamp()),
    }


def _plan_in(item: Item) -> StoredPlan | None:
    """The plan in `item`; None, and a line in the log, for one that cannot be read: it must not stop a run."""
    body = str(item.get(Attribute.BODY, ""))
    try:
        return StoredPlan(codec.loads(Plan, body), body)
    except codec.CodecError as exc:
        _logger.warning("%s %s is left out: %s", keys.PLANS_PARTITION, item[keys.SORT], exc)
        return None
