"""Orders: what people have a run do beside its look at the fleet. They travel as the input of the run's execution.

IAM lets people write nothing to the ledger but a claim, so `{"orders": [...]}` is handed to a run, which validates and
applies each order once. Each identity that may start a run may order. `by` is what the sender says of itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from datetime import datetime, timedelta
from typing import Any

from qlikops.dataclass import dataclass
from qlikops.domain.encoding import codec
from qlikops.domain.encoding.stored import StoredEnum
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.proposals.approval import Decision
from qlikops.domain.runs.plan import LONGEST, Scope
from qlikops.domain.words.duration import format_duration
from qlikops.domain.words.text import harmless

ORDERS = "orders"
"""The key of an execution's input. Everything else in an input is ignored."""
MOST = 20
"""Orders of one run."""
LATEST = timedelta(hours=1)
"""After a run's start its orders are still applied: one that is redriven a day later must not act on what was meant
for the day before.
"""
NAMES = 50
"""Names of one kind in one order."""
NAME_CAP = 255
REASON_CAP = 500
"""Characters of an order's reason."""
BY_CAP = 700
"""Characters: the ARN of an assumed role is shorter."""
FARTHEST = timedelta(days=60)
"""Longest time from now to the beginning of a plan, in either direction."""


class OrderKind(StoredEnum):
    """What is ordered."""

    PLAN = "plan"
    """Planned work: `scope`, `starts_at` (None: at once), `ends_at`, `reason`."""
    LIFT = "lift"
    """What keeps tasks quiet ends: of `scope.tasks`, of the tasks of the proposal `id`, or the plan `id`."""


@dataclass(frozen=True, slots=True)
class Order:
    """One order of a person."""

    order: OrderKind
    reason: str = ""
    by: str = ""
    """Who says to order it: a caller's ARN from STS, or empty for the plain AWS CLI. CloudTrail knows who did."""
    scope: Scope = field(default_factory=Scope)
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    id: str = ""
    """Id of the plan or the proposal that the order is about."""


@dataclass(frozen=True, slots=True)
class OrderOutcome:
    """What became of one order, as the ledger keeps it beside the run."""

    index: int
    """Place of the order in the input, from 0."""
    is_applied: bool = field(kw_only=True)
    detail: str
    """What was done, or why nothing was, in a sentence or two."""
    at: datetime
    order: Order | None = None
    """None if the input made no sense."""
    plan_id: str = ""
    """Id of the planned work that the order began or ended."""

    def words(self) -> str:
        """A sentence for the report: what, and who says to have ordered it."""
        what = self.order.order.value if self.order else "unreadable"
        by = f", says {Decision(approved=False, by=self.order.by).who()}" if self.order else ""
        return f"Order {self.index + 1} ({what}{by}) was {'applied' if self.is_applied else 'refused'}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a run has made of its orders so far."""

    outcomes: tuple[OrderOutcome, ...]
    """Outcomes of the orders that are settled, by their place."""
    is_over: bool
    """Whether the run takes no order any more."""


class Refused(ValueError):
    """An order cannot be carried out; the message is a sentence for people."""


def orders_in(given: Any) -> list[Any]:
    """The orders in an execution's input, not looked at yet; none in whatever is no object with orders."""
    found = given.get(ORDERS) if isinstance(given, Mapping) else None
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def read_order(data: Any) -> Order:
    """The order in `data`, which people wrote, harmless and within bounds. Raises Refused."""
    try:
        order = codec.decode(Order, data, "order")
    except codec.CodecError as exc:
        raise Refused(f"It makes no sense: {harmless(exc, 200)}.") from exc
    if not order.order.is_known:
        known = " or ".join(OrderKind)
        raise Refused(f"Nobody knows here what {harmless(order.order.value, 40)} is: {known}.")
    for name in _names(order):
        if not (0 < len(name) <= NAME_CAP and name.isprintable()):
            raise Refused(f"“{harmless(name, 60)}” is no name: give 1 to {NAME_CAP} printable characters.")
    if max(map(len, (order.scope.servers, order.scope.endpoints, order.scope.tags, order.scope.tasks))) > NAMES:
        raise Refused(f"It names more than {NAMES} things of one kind.")
    order = replace(order, reason=harmless(order.reason, REASON_CAP), by=harmless(order.by, BY_CAP))
    if not order.reason:
        raise Refused("It gives no reason.")
    if order.order is OrderKind.LIFT and (
        bool(order.id) is bool(order.scope.tasks) or order.scope != Scope(tasks=order.scope.tasks)
    ):
        raise Refused("Say what to lift: the id of a plan or a proposal, or tasks.")
    return order


def _names(order: Order) -> Iterator[str]:
    scope = order.scope
    yield from (*scope.servers, *scope.endpoints, *scope.tags, *([order.id] if order.id else []))
    for key in scope.tasks:
        yield from (key.instance, key.server, key.task)


def span_of(order: Order, now: datetime) -> tuple[datetime, datetime]:
    """When the planned work that is ordered at `now` begins and ends. Raises Refused where that makes no sense."""
    if order.scope == Scope():
        raise Refused("It covers nothing: name a server, an endpoint, a tag or a task.")
    if order.ends_at is None:
        raise Refused("Planned work needs an end.")
    starts_at, ends_at = order.starts_at or now, order.ends_at
    if ends_at <= max(now, starts_at):
        raise Refused("It would be over before it begins." if ends_at > now else "It would be over already.")
    if abs(starts_at - now) > FARTHEST:
        raise Refused(f"It begins more than {FARTHEST.days} days from now.")
    if ends_at - starts_at > LONGEST:
        raise Refused(f"It would last {format_duration(ends_at - starts_at)}; {LONGEST.days} days is the most.")
    return starts_at, ends_at


def plan_order(scope: Scope, starts_at: datetime | None, ends_at: datetime, reason: str) -> Order:
    """Planned work on `scope`."""
    return Order(OrderKind.PLAN, reason, scope=scope, starts_at=starts_at, ends_at=ends_at)


def lift_order(what: str | TaskKey, reason: str) -> Order:
    """The end of a plan, or of what keeps one task, or those of a proposal, quiet; `what` is an id or the task."""
    if isinstance(what, TaskKey):
        return Order(OrderKind.LIFT, reason, scope=Scope(tasks=(what,)))
    return Order(OrderKind.LIFT, reason, id=what)
