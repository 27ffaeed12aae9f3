"""The point of no return: until when a task that is down can be resumed, and what is left after that.

A source keeps its log for a time, which people set (`log_retention`). Once that is over for the changes that the
target lacks, a resume cannot work. It is an estimate: a long transaction needs older log, a tidy source keeps less.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from qlikops.dataclass import dataclass
from qlikops.domain.words.duration import format_duration, to_minute

NEAR = 0.75
"""Part of the retention, 0 to 1, from which on the point of no return is near."""
LEAST_NOTICE = timedelta(minutes=90)
"""It is near as well when this is all that is left: an hour to act in, and until then some runs that say so."""


@dataclass(frozen=True, slots=True)
class PointOfNoReturn:
    """What is known of one; of several tasks, of the one that can wait the least."""

    source: str
    """The source endpoint's name; empty if Enterprise Manager did not say."""
    position: datetime | None = None
    """The target has the source's changes up to about then; None if no run has seen how far behind the task was."""
    retention_seconds: int | None = None
    """Seconds for which the source keeps its log; None if that is not set."""
    tables: int | None = None
    """What a reload loads, of all tasks; None if that is not known."""
    reload_seconds: int | None = None
    """How long the last full load took, of the task whose took longest; None if that is not known."""
    unknown: int = 0
    """Number of tasks of a group whose point of no return is not known, while that of others is."""

    @property
    def resume_until(self) -> datetime | None:
        """Until about when a resume is possible; None if that is not known."""
        if self.position is None or self.retention_seconds is None:
            return None
        return self.position + timedelta(seconds=self.retention_seconds)

    def used(self, now: datetime) -> float:
        """Which part of the retention is used up at `now`, 0 to 1; 0 if it is not known."""
        if self.position is None or not self.retention_seconds:
            return 0.0
        return min(1.0, max(0.0, (now - self.position).total_seconds() / self.retention_seconds))

    def is_near(self, now: datetime) -> bool:
        """Whether a quarter of the retention is left at `now`, or LEAST_NOTICE."""
        until = self.resume_until
        return until is not None and (self.used(now) >= NEAR or until - now <= LEAST_NOTICE)

    def has_passed(self, now: datetime) -> bool:
        """Whether the source has probably thrown away what a resume needs."""
        until = self.resume_until
        return until is not None and until <= now

    @property
    def words(self) -> str:
        """All of it in a clause or two, with dates: what evidence says."""
        until = self.resume_until
        if until is None:
            return f"unknown: {self.why_unknown}"
        others = f"; of {self.unknown} more tasks it is unknown" if self.unknown else ""
        return f"about {to_minute(until)}: {self.grounds}; after that {self.afterwards}{others}"

    def brief(self, now: datetime) -> str:
        """The time alone in a few words; empty if it is not known."""
        until = self.resume_until
        if until is None:
            return ""
        if until <= now:
            return f"since about {to_minute(until)} its log is probably gone"
        return f"a resume is possible until about {to_minute(until)}"

    @property
    def grounds(self) -> str:
        """What it is reckoned from; empty if it is not known."""
        if self.position is None or self.retention_seconds is None:
            return ""
        kept = format_duration(float(self.retention_seconds))
        return f"the target is as of {to_minute(self.position)}, and {self.source or 'its source'} keeps {kept} of log"

    @property
    def why_unknown(self) -> str:
        """What is missing for it to be known, and what to do about that; empty if nothing is."""
        if self.retention_seconds is None:
            return f"set log_retention for {self.source}" if self.source else "its source endpoint is not known"
        return "" if self.position else "no run has seen the task run, so how far its target is cannot be said"

    @property
    def afterwards(self) -> str:
        """What is left once it has passed."""
        tables = "" if self.tables is None else f" of {self.tables:,} table{'s'[: self.tables != 1]}"
        took = f", {format_duration(float(self.reload_seconds))} last time" if self.reload_seconds else ""
        return f"only a reload{tables}{took}"


def earliest(points: Iterable[PointOfNoReturn]) -> PointOfNoReturn | None:
    """The earliest point of no return of several tasks, with what a reload of all of them is; None without any."""
    each = list(points)
    known = [point for point in each if point.resume_until is not None]
    if not each:
        return None
    first = min(known, key=lambda point: str(point.resume_until), default=each[0])
    tables = [point.tables for point in each if point.tables is not None]
    loads = [point.reload_seconds for point in each if point.reload_seconds is not None]
    return replace(
        first,
        tables=sum(tables) if len(tables) == len(each) else None,
        reload_seconds=max(loads, default=None),
        unknown=len(each) - len(known) if known else 0,
    )
