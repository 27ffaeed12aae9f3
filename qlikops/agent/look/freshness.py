"""How fresh a task's target is, by the limit that is set for it, from poll to poll."""

from __future__ import annotations

from datetime import datetime, timedelta

from qlikops.agent.config import AgentConfig
from qlikops.domain.fleet.freshness import Freshness, catching_up
from qlikops.domain.fleet.task import TaskFacts
from qlikops.domain.runs.snapshot import Sample, TaskProgress


def freshness_of(
    facts: TaskFacts, memory: TaskProgress, polled_before: datetime | None, config: AgentConfig, now: datetime
) -> Freshness | None:
    """What this poll says; None without a limit, of a task that reads no changes, and while its position is not known.

    `memory` has this poll's position, and of freshness what the poll at `polled_before` said.
    """
    found = config.freshness.of(facts)
    if found is None or memory.position is None:
        return None
    if facts.apply_changes_enabled is False or facts.full_load_completed is False:
        return None
    name, limit = found
    stale_from = _stale_from(memory.position + limit, memory.freshness, polled_before, now)
    forecast = None
    if facts.is_up and stale_from <= now:
        sample = Sample(now, facts.source_latency_seconds, facts.total_latency_seconds)
        forecast = catching_up((*memory.samples, sample), limit)
    current_from, current_by = forecast or (None, None)
    return Freshness(name, int(limit / timedelta(seconds=1)), stale_from, current_from, current_by)


def _stale_from(
    too_old_from: datetime, before: Freshness | None, polled_before: datetime | None, now: datetime
) -> datetime:
    """When the data is too old, which is a time ahead as long as it is not; or since when it has been."""
    if before is None or polled_before is None or too_old_from > now:
        return too_old_from
    return before.stale_from if before.is_stale(polled_before) else max(too_old_from, polled_before)
