"""What became of a restart later: whether a task that came up is still up, as the runs after it saw it.

It is kept beside the final outcome of the restart and never changes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from qlikops.dataclass import dataclass
from qlikops.domain.encoding.stored import StoredEnum
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.words.duration import format_duration

STREAK_WINDOW = timedelta(hours=24)
"""How far back restarts that did not last are counted."""
FEWEST_FOR_RATE = 5
"""Restarts of which it must be known whether they lasted before their share means anything."""
_NAMED = 5
"""Tasks of a group that are named with what became of them."""


class Lasting(StoredEnum):
    """Whether a restart lasted."""

    LASTED = "lasted"
    """The task was seen up for as long as it was followed."""
    FELL_OVER = "fell_over"
    """The task was seen down again, and not because a user or its settings stopped it."""
    UNCLEAR = "unclear"
    """It cannot be said: the task was stopped, is gone, or could not be read."""


@dataclass(frozen=True, slots=True)
class TaskLasting:
    """What became later of one task that a restart brought up."""

    key: TaskKey
    result: Lasting
    seconds: int
    """Seconds from when the task was seen up until the check that decided it."""
    at: datetime
    """When that run looked."""
    detail: str = ""
    """How the task stood, or why it cannot be said."""

    def words(self) -> str:
        """What became of the task, such as `fell over after 7 min`."""
        match self.result:
            case Lasting.LASTED:
                return f"lasted {minutes(self.seconds)}"
            case Lasting.FELL_OVER:
                return f"fell over after {minutes(self.seconds)}"
            case _:
                return f"whether it lasted cannot be said{f' ({self.detail})' if self.detail else ''}"


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What became later of all tasks that one restart brought up."""

    came_up: int
    """Tasks that are or were followed."""
    lasted: int = 0
    fell_over: int = 0
    unclear: int = 0
    up_seconds: int = 0
    """So long after the restart the tasks that are still followed were seen up."""
    not_lasted: tuple[TaskLasting, ...] = ()
    """The tasks that fell over or of which it cannot be said, in the order in which that was seen; of many the first
    AFTERMATH_TASKS.
    """

    @property
    def is_over(self) -> bool:
        """Whether no task is followed any more."""
        return self.lasted + self.fell_over + self.unclear >= self.came_up

    @property
    def fallen(self) -> tuple[TaskLasting, ...]:
        """The tasks of `not_lasted` that fell over."""
        return tuple(each for each in self.not_lasted if each.result is Lasting.FELL_OVER)

    def with_results(self, results: Sequence[TaskLasting]) -> Aftermath:
        """A copy with what was found of more of its tasks."""

        def count(result: Lasting) -> int:
            return sum(each.result is result for each in results)

        new = tuple(each for each in results if each.result is not Lasting.LASTED)
        return replace(
            self,
            lasted=self.lasted + count(Lasting.LASTED),
            fell_over=self.fell_over + count(Lasting.FELL_OVER),
            unclear=self.unclear + count(Lasting.UNCLEAR),
            not_lasted=(*self.not_lasted, *new)[:AFTERMATH_TASKS],
        )

    def words(self) -> str:
        """What became of it, such as `fell over after 7 min` or `came up 12: 9 lasted, 3 fell over`; empty before
        anything is known.
        """
        if self.came_up == 1:
            if self.not_lasted:
                return self.not_lasted[0].words()
            return "lasted" if self.lasted else self._so_far()
        counts = ((self.lasted, "lasted"), (self.fell_over, "fell over"), (self.unclear, "cannot be said"))
        parts = [f"{count:,} {what}" for count, what in counts if count]
        if not self.is_over and (so_far := self._so_far()):
            parts.append(f"{self.came_up - self.lasted - self.fell_over - self.unclear:,} {so_far}")
        return f"came up {self.came_up:,}: {', '.join(parts)}" if parts else ""

    def _so_far(self) -> str:
        return f"still up after {minutes(self.up_seconds)}" if self.up_seconds else ""


AFTERMATH_TASKS = 100
"""Tasks that an Aftermath names: it shares the 400 KB of a DynamoDB item with the proposal and its outcome."""


@dataclass(frozen=True, slots=True)
class FellOver:
    """A restart of which some tasks fell over, as one run saw it."""

    proposal_id: str
    label: str
    tasks: tuple[TaskLasting, ...]
    """Tasks that fell over; only the first few of many."""
    count: int
    """How many fell over."""

    def words(self) -> str:
        """Which tasks fell over, such as `fell over after 7 min`; of a group `orders fell over after 7 min`, or how
        many did, which first.
        """
        if self.count == 1:
            task = self.tasks[0]
            return task.words() if self.label == str(task.key) else f"{task.key.task} {task.words()}"
        named = ", ".join(f"{each.key.task} after {minutes(each.seconds)}" for each in self.tasks[:_NAMED])
        more = f" and {self.count - _NAMED:,} more" if self.count > _NAMED else ""
        return f"{self.count:,} tasks fell over: {named}{more}"


@dataclass(frozen=True, slots=True)
class Followed:
    """What one run found out about earlier restarts: of how many tasks, and which restarts fell over."""

    lasted: int = 0
    unclear: int = 0
    fell_over: tuple[FellOver, ...] = ()

    @property
    def fallen(self) -> int:
        """Tasks that fell over."""
        return sum(each.count for each in self.fell_over)

    def words(self) -> str:
        """The numbers in words, such as `of 12 restarts that came up, 9 lasted, 3 fell over`; empty if this run found
        out nothing.
        """
        counts = ((self.lasted, "lasted"), (self.fallen, "fell over"), (self.unclear, "cannot be said"))
        total = sum(count for count, _ in counts)
        said = ", ".join(f"{count:,} {what}" for count, what in counts if count)
        return f"of {total:,} that came up, {said}" if total else ""


@dataclass(frozen=True, slots=True)
class Fall:
    """One restart that did not last."""

    restarted_at: datetime
    seconds: int
    """How long the task was up, as far as runs saw it; 0 if it never came up."""
    at: datetime
    """When it was seen down again."""

    def words(self) -> str:
        """The restart in words, such as `03:12 UTC, fell over after 7 min`."""
        became = f"fell over after {minutes(self.seconds)}" if self.seconds else "failed again at once"
        return f"{self.restarted_at:%H:%M} UTC, {became}"


@dataclass(frozen=True, slots=True)
class Streak:
    """Restarts of one task in a row of which none lasted, within STREAK_WINDOW; oldest first."""

    falls: tuple[Fall, ...] = ()
    down_since: datetime | None = None
    """The first poll that saw the task down after the last of them; None before a poll has."""

    def __bool__(self) -> bool:
        return bool(self.falls)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.falls)

    def up(self) -> str:
        """How long the task was up: `up 31 min each time`, `up 7 min to 2h05m`, `up 0 to 7 min`, `not up once`."""
        ups = [fall.seconds for fall in self.falls]
        if not any(ups):
            return "not up once"
        shortest, longest = min(ups), max(ups)
        if len(ups) == 1 or (shortest and longest - shortest <= max(longest // 5, _A_POLL)):
            times = " each time" if len(ups) > 1 else ""
            return f"up {minutes(sum(ups) // len(ups))}{times}"
        low, high = minutes(shortest) if shortest else "0", minutes(longest)
        # The same unit once: `7 to 31 min`.
        return f"up {low.removesuffix(' min') if high.endswith(' min') else low} to {high}"

    def history(self) -> str:
        """Each restart and what became of it, the newest first."""
        return "; ".join(fall.words() for fall in reversed(self.falls))

    def words(self) -> str:
        """What the next restart would be: `6th time in 24 h, up 31 min each time`."""
        return f"{ordinal(self.count + 1)} time in 24 h, {self.up()}"


_A_POLL = 300
"""Ups that differ by less than the usual time between two runs are alike."""


def backoff(falls: int, longest: timedelta) -> timedelta:
    """How much longer to wait after so many restarts in a row that did not last: n²+n minutes, at most `longest`."""
    return min(timedelta(minutes=falls * falls + falls), longest)


def minutes(seconds: float) -> str:
    """`7 min`, or `45s` below one minute and `2h05m` from two hours on."""
    if 60 <= seconds < 7200:
        return f"{round(seconds / 60)} min"
    return format_duration(float(seconds))


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd`, `4th`, `11th`."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
