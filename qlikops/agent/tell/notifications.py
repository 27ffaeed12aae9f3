"""Findings that nobody is asked about: people hear of each once, when it appears, and once more when it is over.

What is remembered lies in the snapshot. A finding that comes and goes is one finding: it is over when no poll has
seen it for a while. What a poll could not look at stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.anomaly import ACTIONS, Anomaly, AnomalyKind, Severity
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.runs.snapshot import FleetSnapshot, Notified

OVER_AFTER = timedelta(minutes=15)
"""Time after which a finding that is not seen counts as over: one that comes back earlier was never away."""


@dataclass(frozen=True, slots=True)
class Notifications:
    """What people are to be told of one run; nothing where it is false."""

    appeared: tuple[Anomaly, ...]
    """New, or worse than it was told; the worst first."""
    over: tuple[Notified, ...]
    told: tuple[Notified, ...]
    """What is remembered once people have been told this."""
    told_before: tuple[Notified, ...]
    """What is remembered if not all could be: EventBridge may have heard of it, so its end is told as well."""

    def __bool__(self) -> bool:
        return bool(self.appeared or self.over)


def news_of(earlier: Iterable[Notified], snapshot: FleetSnapshot) -> Notifications:
    """What is new for people in `snapshot`, who have been told `earlier` ones."""
    found = {_place(anomaly): anomaly for anomaly in snapshot.anomalies if is_told(anomaly)}
    planned = snapshot.planned
    hidden, now = snapshot.not_visible, snapshot.taken_at
    before = tuple(
        # A clock that was ahead says nothing of how long it has been away.
        replace(told, seen_at=now) if _place(told) in found or told.key in hidden or told.seen_at > now else told
        for told in earlier
    )
    known = {_place(told): told for told in before}
    appeared = {
        place: anomaly
        for place, anomaly in found.items()
        if place not in known or not known[place].heard or anomaly.severity.rank > known[place].severity.rank
        # What planned work covers is told once that is over, if it is still there.
        if anomaly.key not in planned or anomaly.kind.traits.comes_through
    }
    keys = {anomaly.key for anomaly in appeared.values()}
    tags = {task.facts.key: task.facts.tags for task in snapshot.tasks if task.facts.key in keys}
    louder = {
        place: Notified(
            one.key,
            one.kind,
            one.severity,
            now,
            _tags(tags.get(one.key, ()), known.get(place)),
            _worst(one, known.get(place)),
        )
        for place, one in appeared.items()
    }
    not_taken = {
        # People have heard of it, though not that it is so bad; EventBridge may have.
        place: replace(known[place], worst=told.worst, tags=told.tags)
        if place in known and known[place].heard
        else replace(told, heard=False)
        for place, told in louder.items()
    }
    over = tuple(told for told in before if now - told.seen_at >= OVER_AFTER)
    return Notifications(
        appeared=tuple(sorted(appeared.values(), key=lambda one: (-one.severity.rank, one.key, one.kind))),
        over=over,
        told=tuple(told for place, told in (known | louder).items() if told not in over),
        told_before=tuple((known | not_taken).values()),
    )


def is_told(anomaly: Anomaly) -> bool:
    """Whether people hear of it in this way: nothing is ever proposed on it, and it is no mere remark."""
    return anomaly.confirmed and anomaly.kind not in ACTIONS and anomaly.severity is not Severity.INFO


def _worst(anomaly: Anomaly, told: Notified | None) -> Severity:
    """The highest severity that anybody was told, by the topic or by EventBridge alone."""
    before = told.closes_as if told else anomaly.severity
    return max(before, anomaly.severity, key=lambda each: each.rank)


def _tags(now: tuple[str, ...], told: Notified | None) -> tuple[str, ...]:
    """Tags of the task as it is and as it was told before: the end is to reach who goes by either."""
    return tuple(dict.fromkeys((*told.tags, *now))) if told else now


def _place(finding: Anomaly | Notified) -> tuple[TaskKey, AnomalyKind]:
    return finding.key, finding.kind
