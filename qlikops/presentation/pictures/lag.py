"""How far behind a task's target was, poll by poll: also while the task was down, when that grows by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from qlikops.dataclass import dataclass
from qlikops.domain.runs.snapshot import TaskProgress

SPARK_CELLS = 12
_LEVELS = "▁▂▃▄▅▆▇█"
_STEPS = (5, 15, 60, 180, 600, 1800, 7200)
"""Seconds at which the spark goes up by one: the same height means the same in every row."""


@dataclass(frozen=True, slots=True)
class Lag:
    """How far behind the target was at one moment."""

    at: datetime
    seconds: float | None
    """None if that is not known."""
    is_down: bool = False
    """The task said nothing: what is known follows from what the target had before."""


def lags(memory: TaskProgress) -> tuple[Lag, ...]:
    """One for each poll that is kept, oldest first."""
    found: list[Lag] = []
    samples = memory.samples
    reached = memory.position if samples and memory.position and memory.position <= samples[0].at else None
    for before, sample in zip((None, *samples), samples, strict=False):
        seconds = sample.total_seconds
        # Before it has read anything, a task that was just started says 0.
        if seconds is None or (not seconds and before is not None and before.total_seconds is None):
            grown = None if reached is None else (sample.at - reached).total_seconds()
            found.append(Lag(sample.at, grown, is_down=seconds is None))
        else:
            reached = sample.at - timedelta(seconds=seconds)
            found.append(Lag(sample.at, float(seconds)))
    return tuple(found)


def at_moment(found: Sequence[Lag], now: datetime) -> float | None:
    """How far behind it is `now`, if it still is as the last poll saw it; None if that is not known."""
    if not found or found[-1].seconds is None:
        return None
    last = found[-1]
    return last.seconds + (now - last.at).total_seconds() if last.is_down and last.seconds is not None else last.seconds


def spark(found: Sequence[Lag], a_cell: int, cells: int = SPARK_CELLS) -> str:
    """The newest on the right, `a_cell` polls in each cell, of which the highest counts; a dot where none is known."""
    drawn = ""
    for end in range(len(found), 0, -a_cell):
        if len(drawn) == cells:
            break
        known = [each.seconds for each in found[max(0, end - a_cell) : end] if each.seconds is not None]
        drawn = ("·" if not known else _LEVELS[sum(max(known) >= step for step in _STEPS)]) + drawn
    return drawn.rjust(cells)
