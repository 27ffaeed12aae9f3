"""How old a target's data may be, since when it is older, and when it is current again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.words.duration import format_duration, to_minute

SAMPLES_NEEDED = 3
"""Polls since a task was furthest behind, before anything is said of when it is current again."""
_RECENT = 4
"""Number of the last measurements that also count by themselves, because load changes."""
_MARGIN = 0.1
"""Part of the time that is left by which a forecast may be off at both ends, however even the speed was."""


class Latency(Protocol):
    """How far behind a task was at one poll."""

    @property
    def at(self) -> datetime:
        """When the poll was."""

    @property
    def total_seconds(self) -> int | None:
        """None if the task did not run or did not say."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """What a poll says of the freshness of one task's target."""

    name: str
    """The tag or the task that it is set for."""
    limit_seconds: int
    """How old the target's data may be."""
    stale_from: datetime
    """When the data is older than that, or has been since; ahead as long as it is not."""
    current_from: datetime | None = None
    """While it catches up: when it is current again at the earliest; None if that cannot be said."""
    current_by: datetime | None = None
    """At the latest, as far as its speed tells; None if that cannot be said."""

    def is_stale(self, now: datetime) -> bool:
        """Whether the data is too old at `now`."""
        return self.stale_from <= now

    def words(self, now: datetime) -> str:
        """What is allowed and how that stands, in a clause or two with dates: what evidence says."""
        limit = format_duration(float(self.limit_seconds))
        moment = f"about {to_minute(self.stale_from)}"
        if not self.is_stale(now):
            return f"{self.name} allows {limit}: the data is fresh enough until {moment} if nothing runs"
        again = f"; fresh again {self.forecast}" if self.forecast else ""
        return f"{self.name} allows {limit}: the data has been older since {moment}{again}"

    @property
    def forecast(self) -> str:
        """`between 03:50 and 04:40 UTC`; empty if nothing can be said."""
        if self.current_from is None or self.current_by is None:
            return ""
        return f"between {self.current_from:%H:%M} and {self.current_by:%H:%M} UTC"


@dataclass(frozen=True, slots=True)
class StaleTask:
    """A task whose target is out of freshness."""

    key: TaskKey
    freshness: Freshness


@dataclass(frozen=True, slots=True)
class StaleTime:
    """Time for which targets were older than one limit allows."""

    name: str
    """The tag or the task that it is set for."""
    seconds: int
    """Seconds of all tasks together."""
    tasks: int
    """How many tasks that were."""


def catching_up(latencies: Sequence[Latency], limit: timedelta) -> tuple[datetime, datetime] | None:
    """When a task that catches up is at `limit` again, at the earliest and at the latest; None if that cannot be said.

    `latencies` are oldest first. Its speed is that since it was furthest behind and that of the last polls: it takes
    three, and none of them may say that it falls back.
    """
    known: list[tuple[datetime, float]] = []
    for each in latencies:
        # Before it has read anything, a task that was just started says 0.
        if each.total_seconds is None or (not known and not each.total_seconds):
            known = []
        else:
            known.append((each.at, float(each.total_seconds)))
    furthest = max(range(len(known)), key=lambda index: (known[index][1], index), default=0)
    known = known[furthest:]
    if len(known) < SAMPLES_NEEDED:
        return None
    speeds = [_speed(known[-number:]) for number in {len(known), min(len(known), _RECENT), SAMPLES_NEEDED}]
    at, behind = known[-1]
    left = behind - limit.total_seconds()
    if left <= 0 or min(speeds) <= 0:
        return None
    try:
        first, last = left / max(speeds) * (1 - _MARGIN), left / min(speeds) * (1 + _MARGIN)
        return at + timedelta(seconds=first), at + timedelta(seconds=last)
    except OverflowError:
        return None


def _speed(known: Sequence[tuple[datetime, float]]) -> float:
    """Seconds that are caught up in each second, between the first and the last."""
    (began, behind), (ended, left) = known[0], known[-1]
    return (behind - left) / max(1.0, (ended - began).total_seconds())


def stale_time(freshness: Iterable[Freshness], since: datetime, until: datetime) -> tuple[StaleTime, ...]:
    """Time for which targets were too old between two polls, by what the limit is set for; the longest first."""
    found: dict[str, list[float]] = {}
    for each in freshness:
        if each.is_stale(until):
            found.setdefault(each.name, []).append((until - max(since, each.stale_from)).total_seconds())
    return _sorted(StaleTime(name, round(sum(seconds)), len(seconds)) for name, seconds in found.items())


def together(times: Iterable[StaleTime]) -> tuple[StaleTime, ...]:
    """Adds up the times of several checks; the number of tasks is the largest of any check."""
    found: dict[str, StaleTime] = {}
    for each in times:
        known = found.get(each.name, StaleTime(each.name, 0, 0))
        found[each.name] = StaleTime(each.name, known.seconds + each.seconds, max(known.tasks, each.tasks))
    return _sorted(found.values())


def _sorted(times: Iterable[StaleTime]) -> tuple[StaleTime, ...]:
    return tuple(sorted(times, key=lambda each: (-each.seconds, each.name)))
