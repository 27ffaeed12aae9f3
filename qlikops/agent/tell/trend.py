"""A run beside those before it: what is new, what is gone, and a few numbers of the last ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from qlikops.agent.tell.metrics import RESTART_FAILURES
from qlikops.domain.fleet.anomaly import Anomaly
from qlikops.domain.fleet.freshness import StaleTime, stale_time
from qlikops.domain.fleet.task import TaskState
from qlikops.domain.proposals.approval import Status
from qlikops.domain.runs.report import Changes, RunPoint, RunReport, Sighting
from qlikops.domain.runs.snapshot import FleetSnapshot

TREND_RUNS = 12
"""Kept in each report, this run included: an hour at one run in five minutes."""


def changes(previous: FleetSnapshot | None, snapshot: FleetSnapshot) -> Changes:
    """What the anomalies of `snapshot` are against those of the run before; nothing where that is not known."""
    if previous is None:
        return Changes()
    before, now = _sightings(previous), _sightings(snapshot)
    hidden_before, hidden_now = previous.not_visible, snapshot.not_visible
    # What cannot be seen is neither over nor, once it is seen again, new.
    new = [
        sighting
        for sighting, anomaly in now.items()
        if sighting not in before and not (sighting.key in hidden_before and _is_older(anomaly, previous.taken_at))
    ]
    resolved = [sighting for sighting in before if sighting not in now and sighting.key not in hidden_now]
    return Changes(previous.taken_at, tuple(sorted(new)), tuple(sorted(resolved)))


def stale_since(previous: FleetSnapshot | None, snapshot: FleetSnapshot) -> tuple[StaleTime, ...]:
    """Time for which targets were out of freshness since the run before; nothing if there is none."""
    if previous is None:
        return ()
    return stale_time((each.freshness for each in snapshot.stale), previous.taken_at, snapshot.taken_at)


def mean_latency(snapshot: FleetSnapshot) -> float | None:
    """Mean latency in seconds of the running tasks that say one; None if none does."""
    known = [
        task.facts.total_latency_seconds
        for task in snapshot.tasks
        if task.facts.state is TaskState.RUNNING and task.facts.total_latency_seconds is not None
    ]
    return round(sum(known) / len(known), 1) if known else None


def extended(trend: Sequence[RunPoint], report: RunReport) -> tuple[RunPoint, ...]:
    """The last TREND_RUNS runs by their start, the one of `report` once among them."""
    others = [point for point in trend if point.execution_name != report.execution_name]
    return tuple(sorted([*others, point_of(report)], key=lambda point: point.started_at)[-TREND_RUNS:])


def point_of(report: RunReport) -> RunPoint:
    """A run in numbers."""
    statuses = [one.status for one in report.proposals]
    return RunPoint(
        execution_name=report.execution_name,
        started_at=report.started_at,
        anomalies=len(report.anomalies),
        proposals=len(report.proposals),
        restarted=statuses.count(Status.RESTARTED),
        failures=sum(statuses.count(status) for status in RESTART_FAILURES),
        latency_seconds=report.latency_seconds,
        failed=bool(report.error),
    )


def _sightings(snapshot: FleetSnapshot) -> dict[Sighting, Anomaly]:
    return {Sighting(anomaly.key, anomaly.kind.value): anomaly for anomaly in snapshot.anomalies}


def _is_older(anomaly: Anomaly, than: datetime) -> bool:
    return anomaly.first_seen is not None and anomaly.first_seen <= than
