"""Attempts to restart a task: what each came to, how many in a row did not last, and when there were enough of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from qlikops.agent.config import AgentConfig
from qlikops.dataclass import dataclass
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.proposals.approval import RunCall, Status, TaskOutcome
from qlikops.domain.proposals.lasting import STREAK_WINDOW, Fall, Streak, TaskLasting, backoff
from qlikops.domain.proposals.mute import Mute, MuteReason

HOUR = timedelta(hours=1)
"""Time in which restarts count for the restart limit."""


@dataclass(frozen=True, slots=True)
class RestartLimits:
    """When a task has been restarted often enough."""

    per_hour: int
    cooldown_seconds: int
    longest_backoff_seconds: int = 0
    """Longest time by which restarts in a row that did not last lengthen the cooldown; 0 for not at all. Where there is
    no cooldown, there is nothing to lengthen.
    """

    @classmethod
    def of(cls, config: AgentConfig) -> RestartLimits:
        """The limits that are set."""
        return cls(config.restart_budget_per_hour, config.cooldown_seconds, config.backoff_max_seconds)

    def since(self, now: datetime) -> datetime:
        """Time from which on restarts count at `now`."""
        return now - max(STREAK_WINDOW, timedelta(seconds=self.cooldown_seconds))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to restart a task."""

    at: datetime
    """When it was claimed, before anything was sent."""
    result: TaskOutcome | None
    """None while it is not known, and where an interrupted invocation left none."""
    fell: TaskLasting | None = None
    """How the task fell over later; None if it did not, and as long as no run has seen it."""

    @property
    def fall(self) -> Fall | None:
        """The attempt as one that did not last; None if it did, or if that is not known."""
        if self.fell:
            return Fall(self.at, self.fell.seconds, self.fell.at)
        if self.result is not None and self.result.status is Status.FAILED and self.result.may_have_started:
            return Fall(self.at, 0, self.at)
        return None

    @property
    def may_have_started(self) -> bool:
        """Whether Replicate may have started the task."""
        return self.result is None or self.result.may_have_started

    @property
    def left_stopped(self) -> bool:
        """Whether the task is down because qlikops stopped it."""
        return self.result is not None and self.result.is_left_stopped

    def words(self) -> str:
        """What came of it, no more than is known."""
        if self.result is None:
            return "may have been told to run"
        if self.fell:
            return self.fell.words()
        if self.result.status is not Status.UNVERIFIED:
            return self.result.came_to
        return "told to run and not seen up" if self.result.run_call is RunCall.TAKEN else "may have been told to run"


Attempts: TypeAlias = Mapping[TaskKey, Sequence[Attempt]]
"""Attempts to restart tasks, oldest first."""


def last_hour(attempts: Sequence[Attempt], now: datetime) -> int:
    """How many of these attempts were made within the last hour."""
    return sum(attempt.at >= now - HOUR for attempt in attempts)


def streak_of(attempts: Sequence[Attempt], now: datetime) -> Streak:
    """The last attempts in a row that did not last, without attempts with no known result or with nothing sent.

    `attempts` are those of one task, oldest first.
    """
    falls: list[Fall] = []
    for attempt in reversed(attempts):
        if attempt.at < now - STREAK_WINDOW:
            break
        if fall := attempt.fall:
            falls.append(fall)
        elif attempt.result is not None and attempt.result.status.is_up:
            break
    return Streak(tuple(reversed(falls)))


def tried_enough(
    attempts: Sequence[Attempt], now: datetime, limits: RestartLimits, lifted: datetime | None = None
) -> Mute | None:
    """Why a task with these attempts, oldest first, is left alone for now; None where it is not.

    A cooldown from before `lifted` is over; the restart limit still counts.
    """
    recent = last_hour(attempts, now)
    if limits.per_hour and recent >= limits.per_hour:
        # As soon as so many are over that one fits again.
        until = attempts[-limits.per_hour].at + HOUR
        return Mute(MuteReason.BUDGET, until, restarts=recent)
    if not attempts:
        return None
    streak, last = streak_of(attempts, now), attempts[-1]
    since, words = last.at, last.words()
    cooled = since + timedelta(seconds=limits.cooldown_seconds)
    if streak and limits.cooldown_seconds:
        longer = backoff(streak.count, timedelta(seconds=limits.longest_backoff_seconds))
        since = max(since, streak.falls[-1].at)
        cooled = max(cooled, streak.falls[-1].at) + longer
        words = f"{words}; {streak.count} restarts in a row did not last" if streak.count > 1 else words
    is_lifted = lifted is not None and since <= lifted
    return Mute(MuteReason.COOLDOWN, cooled, restarts=recent, attempt=words) if cooled > now and not is_lifted else None
