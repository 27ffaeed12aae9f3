"""Applies what people ordered with the input of a run, each order once, before the run looks at the fleet."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, assert_never

from qlikops.agent.config import AgentConfig
from qlikops.agent.remember.attempts import RestartLimits
from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.remember.orders import Overtaken, adding, changing, lifting
from qlikops.agent.remember.run import Run
from qlikops.agent.tell.events import LongWorkPlanned
from qlikops.agent.tell.notify import Notifier
from qlikops.agent.transient import may_pass
from qlikops.dataclass import dataclass
from qlikops.domain.errors import NotFound
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.proposals.mute import MuteReason
from qlikops.domain.runs.orders import (
    LATEST,
    MOST,
    Order,
    OrderKind,
    OrderOutcome,
    Refused,
    orders_in,
    read_order,
    span_of,
)
from qlikops.domain.runs.plan import PLAN_PREFIX, Plan
from qlikops.domain.runs.snapshot import FleetSnapshot
from qlikops.domain.words.duration import format_duration, short_moment
from qlikops.domain.words.naming import listed
from qlikops.domain.words.text import harmless

PLANS_AT_ONCE = 100
"""Plans that are not over. Each snapshot carries them all."""

_WHY_CAP = 200
_SCOPE_CAP = 400
"""Characters of what is planned on that an answer names; the plan has all of it."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Desk:
    """Takes the orders of runs."""

    ledger: Ledger
    notifier: Notifier
    config: AgentConfig
    clock: Callable[[], datetime]

    def take(self, run: Run, given: Any) -> tuple[OrderOutcome, ...]:
        """What became of each order in the input that the run was `given`; of one invoked again, what it was then."""
        orders = orders_in(given)
        if not orders:
            return ()
        known = self.ledger.orders.outcomes(run.execution_name)
        taken = [known.get(index) or self._take(run, index, data) for index, data in enumerate(orders[:MOST])]
        for outcome in taken:
            # Who ordered it, and who had denied what is lifted, is for the ledger alone.
            _logger.info("order %d was %s", outcome.index + 1, "applied" if outcome.is_applied else "refused")
        return tuple(taken)

    def _take(self, run: Run, index: int, data: Any) -> OrderOutcome:
        now, order = self.clock(), None
        try:
            if now - run.started > LATEST:
                late = format_duration(now - run.started)
                raise Refused(f"It was sent {late} ago, and orders are applied within {format_duration(LATEST)}.")
            order = read_order(data)
            match order.order:
                case OrderKind.PLAN:
                    return self._begin(run, index, order)
                case OrderKind.LIFT if order.id.startswith(PLAN_PREFIX):
                    return self._end(run, index, order)
                case OrderKind.LIFT:
                    return self._lift(run, index, order)
                case _:
                    assert_never(order.order)
        except Refused as exc:
            why = str(exc)
        except Overtaken:
            why = "What it is about changed in the same moment. Look again, and repeat it if it still makes sense."
        except Exception as exc:
            if may_pass(exc):
                raise  # not the order's fault: the state is tried again
            _logger.exception("order %d cannot be carried out", index + 1)
            why = f"It cannot be carried out: {harmless(exc, _WHY_CAP)}."
        return self.ledger.orders.keep(run, OrderOutcome(index, why, now, order, is_applied=False))

    def _begin(self, run: Run, index: int, order: Order) -> OrderOutcome:
        now = self.clock()
        starts_at, ends_at = span_of(order, now)
        if sum(not plan.is_over(now) for plan in self.ledger.orders.plans()) >= PLANS_AT_ONCE:
            raise Refused(f"There are {PLANS_AT_ONCE} plans that are not over. End some: `qlikops plan`.")
        digits = hashlib.sha256(f"{run.execution_name}#{index}".encode("utf-8", "surrogatepass")).hexdigest()
        plan = Plan(
            f"{PLAN_PREFIX}{digits[:10]}",
            order.scope,
            starts_at,
            ends_at,
            order.reason,
            order.by,
            run.execution_name,
            ordered_at=now,
        )
        lasts = format_duration(ends_at - starts_at)
        is_long = f" That is more than a day ({lasts}); people are notified of it." if plan.is_long else ""
        span = f"from {short_moment(starts_at, now)} until {short_moment(ends_at, now)}"
        covers = harmless(order.scope.words(), _SCOPE_CAP)
        detail = f"{plan.plan_id}: planned work on {covers} {span}.{is_long}"
        if plan.is_long:
            self.notifier.tell(LongWorkPlanned.of(run, plan))  # before it counts: twice is better than never
        outcome = OrderOutcome(index, detail, now, order, plan.plan_id, is_applied=True)
        return self.ledger.orders.keep(run, outcome, adding(plan))

    def _end(self, run: Run, index: int, order: Order) -> OrderOutcome:
        now, stored = self.clock(), self.ledger.orders.plan(order.id)
        if stored is None:
            raise Refused(f"There is no plan {harmless(order.id, 40)}. `qlikops plan` lists them.")
        plan = stored.plan
        if plan.is_over(now):
            raise Refused(f"{plan.plan_id} is over since {short_moment(plan.until, now)}.")
        ended = replace(plan, ended_at=now, ended_by=order.by, ended_why=order.reason)
        what = "ended" if plan.starts_at <= now else "called off before it began"
        outcome = OrderOutcome(index, f"{plan.plan_id} is {what}.", now, order, plan.plan_id, is_applied=True)
        return self.ledger.orders.keep(run, outcome, changing(stored, ended))

    def _lift(self, run: Run, index: int, order: Order) -> OrderOutcome:
        keys = self._tasks_of(order.id) if order.id else order.scope.tasks
        mutes = self.ledger.tasks.quiet(keys, RestartLimits.of(self.config), {})
        attempts = self.ledger.tasks.attempts(list(mutes), run.started)
        lifted = [key for key, mute in mutes.items() if mute.kind is not MuteReason.BUDGET and not attempts[key]]
        if not lifted:
            stays = [f"{key} stays {mute.words()}" for key, mute in mutes.items()]
            raise Refused(f"There is nothing to lift: {listed(stays or [f'{key} is not muted' for key in keys])}.")
        words = listed([f"{key} was {mutes[key].words()}" for key in lifted])
        detail = f"Lifted: {words}. The hourly restart limit still counts."
        outcome = OrderOutcome(index, detail, self.clock(), order, is_applied=True)
        return self.ledger.orders.keep(run, outcome, *lifting(lifted, run.started))

    def _tasks_of(self, proposal_id: str) -> tuple[TaskKey, ...]:
        try:
            proposal = self.ledger.record(proposal_id).approval.proposal
        except NotFound:
            raise Refused(f"There is no plan and no proposal {harmless(proposal_id, 40)}.") from None
        return tuple(target.key for target in proposal.targets)


def notes_on(outcomes: Iterable[OrderOutcome], given: Any, snapshot: FleetSnapshot) -> tuple[str, ...]:
    """What the report says of a run's orders and of the planned work at its time, a sentence or two each."""
    left = len(orders_in(given)) - MOST
    over = (f"{left} more orders were refused: a run takes {MOST}.",) if left > 0 else ()
    now = snapshot.taken_at
    active = [plan for plan in snapshot.plans if plan.is_active(now)]
    return (
        *(outcome.words() for outcome in outcomes),
        *over,
        *(
            f"Planned work until {short_moment(plan.until, now)} ({plan.plan_id}): {_covered(plan, snapshot)}"
            for plan in active
        ),
    )


def _covered(plan: Plan, snapshot: FleetSnapshot) -> str:
    covered = sum(plan.scope.covers(task.facts) for task in snapshot.tasks)
    tasks = f"{covered} task{'s'[: covered != 1]}"
    but = "but a lost log position and data errors"
    return f"{harmless(plan.why, 200)}. It covers {tasks}, on which nothing is proposed or told {but}."
