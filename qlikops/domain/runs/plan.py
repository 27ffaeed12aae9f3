"""Planned work: for a time, what is covered is looked at as always, and neither proposed on nor told.

A kind of anomaly that a plan must not hide says so (`Traits.comes_through`). What the work stopped is asked about once
it is over, in one proposal.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.task import TaskFacts, TaskKey
from qlikops.domain.words.duration import short_moment, to_minute
from qlikops.domain.words.text import folded, harmless

PLAN_PREFIX = "plan-"
"""Begins the id of a plan, so that it is not taken for a proposal's."""
LONG = timedelta(hours=24)
"""A plan for longer than that is allowed, and people are told of it."""
LONGEST = timedelta(days=31)
_WHY_CAP = 120
"""Characters of a reason that a line quotes."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What an order is about, by name. A task is covered if its server, an endpoint, a tag or itself is named."""

    servers: tuple[str, ...] = ()
    """On every Enterprise Manager that has one of that name."""
    endpoints: tuple[str, ...] = ()
    """Sources and targets, on every server."""
    tags: tuple[str, ...] = ()
    """Compared without regard to case."""
    tasks: tuple[TaskKey, ...] = ()

    def covers(self, facts: TaskFacts) -> bool:
        """Whether the task is covered."""
        if facts.key.server in self.servers or facts.key in self.tasks:
            return True
        if not {facts.source_endpoint, facts.target_endpoint}.isdisjoint(self.endpoints):
            return True
        return bool(self.tags) and not _folded(facts.tags).isdisjoint(_folded(self.tags))

    def words(self) -> str:
        """What is named, such as `server replicate-1, tag gold`; empty if nothing is."""
        named = (("server", self.servers), ("endpoint", self.endpoints), ("tag", self.tags), ("task", self.tasks))
        return ", ".join(f"{what} {name}" for what, names in named for name in names)


@dataclass(frozen=True, slots=True)
class Plan:
    """Planned work, as a person ordered it."""

    plan_id: str
    """`plan-` and ten hex digits, the same for the same order of the same run."""
    scope: Scope
    starts_at: datetime
    ends_at: datetime
    why: str
    by: str
    """Who says to have ordered it."""
    execution_name: str
    """The run that applied the order."""
    ordered_at: datetime
    ended_at: datetime | None = None
    """When it was ended early."""
    ended_by: str = ""
    """Who says to have ended it."""
    ended_why: str = ""

    @property
    def until(self) -> datetime:
        """End of the work: the planned one, or the earlier one that a person ordered."""
        return min(self.ends_at, self.ended_at) if self.ended_at else self.ends_at

    @property
    def is_long(self) -> bool:
        """Whether people are told of it because it is long."""
        return self.ends_at - self.starts_at > LONG

    def is_active(self, now: datetime) -> bool:
        """Whether it keeps anything quiet at that time."""
        return self.starts_at <= now < self.until

    def is_over(self, now: datetime) -> bool:
        """Whether it has ended by then."""
        return now >= self.until

    def words(self, now: datetime) -> str:
        """The plan in words, such as `planned until 01:00 UTC, CHG123`; with the date if that is more than a day after
        `now`.
        """
        return f"planned until {short_moment(self.until, now)}, {harmless(self.why, _WHY_CAP)}"

    def has_begun(self, now: datetime) -> str:
        """Why what was proposed before it is not done any more."""
        return f"planned work has begun: {self.words(now)}"


@dataclass(frozen=True, slots=True)
class StoppedInPlan:
    """That a task was stopped during planned work, remembered for as long as it stands so."""

    plan_id: str
    why: str
    until: datetime
    """When the work is over: from then on, people are asked about the task."""

    def words(self) -> str:
        """The plan in words, such as `CHG123 (plan-1a2b3c4d5e), over since 2026-03-07 01:00 UTC`."""
        until = self.until.astimezone(UTC)
        return f"{harmless(self.why, _WHY_CAP)} ({self.plan_id}), over since {to_minute(until)}"


# Many plans ask the same of each task of a fleet, and most of its tasks carry the same few tags.
@functools.lru_cache(maxsize=1024)
def _folded(tags: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(folded, tags))


def covering(plans: Iterable[Plan], facts: TaskFacts, now: datetime) -> Plan | None:
    """The plan that covers the task at that time; of several, the one that ends last."""
    active = [plan for plan in plans if plan.is_active(now) and plan.scope.covers(facts)]
    return max(active, key=lambda plan: plan.until, default=None)


def stopped_in(
    plans: Sequence[Plan], facts: TaskFacts, seen_at: datetime, looked_before: datetime | None, now: datetime
) -> StoppedInPlan | None:
    """The planned work during which a task was stopped that a run saw stopped first at `seen_at`, if there is any.

    If this is the first look that sees it stopped, it may have been stopped at any time since the look before, at
    `looked_before`: it is asked about if the work was still going on at some time in between.
    """
    since = looked_before if looked_before is not None and seen_at == now else seen_at
    begun = [
        plan for plan in plans if plan.starts_at <= seen_at and plan.starts_at < plan.until
    ]  # not called off before
    during = [plan for plan in begun if since <= plan.until and plan.scope.covers(facts)]
    plan = max(during, key=lambda each: each.until, default=None)
    return StoppedInPlan(plan.plan_id, plan.why, plan.until) if plan else None


def still_stopped(stop: StoppedInPlan, plans: Sequence[Plan], facts: TaskFacts, now: datetime) -> StoppedInPlan:
    """`stop` as of now: with the end that its plan has by now, or the plan that covers the task by now instead."""
    if plan := covering(plans, facts, now):
        return StoppedInPlan(plan.plan_id, plan.why, plan.until)
    ended = next((plan.until for plan in plans if plan.plan_id == stop.plan_id), stop.until)
    return replace(stop, until=ended)
