"""When the monitoring runs: the schedule as it is set, and where it stands."""

from __future__ import annotations

from datetime import datetime

from qlikops.dataclass import dataclass
from qlikops.domain.runs.occurrence import next_run, period


@dataclass(frozen=True, slots=True)
class Schedule:
    """The schedule as it is set."""

    name: str
    expression: str
    """EventBridge Scheduler's own spelling: `rate(5 minutes)`, `cron(0/10 6-20 ? * MON-FRI *)`."""
    timezone: str
    enabled: bool
    target_arn: str
    paused_until: datetime | None = None
    """It runs by itself again from then on."""
    ends_at: datetime | None = None
    """It starts nothing from then on. Nothing here sets that: a person did by hand."""
    has_ended: bool = False
    """That is over."""

    @property
    def runs(self) -> bool:
        """Whether it starts runs now."""
        return self.enabled and self.paused_until is None and not self.has_ended

    def upcoming(self, now: datetime, last: datetime | None) -> datetime | None:
        """About when the next run starts; None while it is paused until further notice, where it ends before, or where
        nobody can tell.
        """
        if not self.enabled or self.has_ended:
            return None
        if self.paused_until is not None and period(self.expression):
            moment: datetime | None = self.paused_until
        else:
            moment = next_run(self.expression, self.timezone, max(now, self.paused_until or now), last)
        return None if moment and self.ends_at and moment >= self.ends_at else moment


@dataclass(frozen=True, slots=True)
class ScheduleStatus:
    """The schedule with its last and next run."""

    schedule: Schedule
    last_run: datetime | None
    """When the newest run started, by the schedule or by hand."""
    next_run: datetime | None
    """About; EventBridge does not tell."""
