"""How long there is time, as a bar: to answer, and until the source throws away the log that a resume needs.

The axis is logarithmic and the same everywhere, so that a column of bars is a chart of the night: `━━━╸···✗···`. The
bar is how long you can answer, `✗` is where the log ends (the first cell if it has), `→` says later than a day. A
console without these signs shows `===` and `x`.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from qlikops.presentation.tone import Span, Tone, joined, mixed

STEP = 4
"""Cells for a factor of four in lists and dialogs; the record has more."""
SOON = timedelta(minutes=15)
"""Less than this to answer is soon; also the first tick of the axis."""
_DAY = timedelta(days=1)
_FACTOR = 4
_TICKS = ("now", "15m", "1h", "4h")
_LAST_TICK = "1d"


def cells(step: int = STEP) -> int:
    """The width of a bar whose axis has `step` cells for a factor of four."""
    return int(position(_DAY, step)) + 1


def axis(step: int = STEP) -> str:
    """`now 15m 1h  4h  1d`, to stand above a bar."""
    width = cells(step)
    line = "".join(tick.ljust(step) for tick in _TICKS).ljust(width)
    return line[: width - len(_LAST_TICK)] + _LAST_TICK


def bar(answer_by: datetime | None, log_until: datetime | None, now: datetime, step: int = STEP) -> Span:
    """The bar in parts of their own tones. None: that is not known."""
    width = cells(step)
    left = max(timedelta(0), answer_by - now) if answer_by else timedelta(0)
    halves = min(2 * width, math.ceil(2 * position(left, step)))
    tone = Tone.WARNING if left < SOON else Tone.INFO
    answer = ("━" * (halves // 2) + "╸" * (halves % 2))[:width]
    signs = [(sign, tone) for sign in answer] + [("·", Tone.LINE)] * (width - len(answer))
    if log_until is not None and log_until <= now:
        signs[0] = ("✗", Tone.DANGER)
    elif log_until is not None and log_until - now > _DAY:
        signs[-1] = ("→", Tone.MUTED)
    elif log_until is not None:
        signs[int(position(log_until - now, step))] = ("✗", Tone.DANGER)
    return mixed(*joined(signs))


def position(left: timedelta, step: int) -> float:
    """The place of a time on the axis, in cells: evenly up to its first tick, from there on by factors of four."""
    first = left / SOON
    return step * (first if first <= 1 else 1 + math.log(first, _FACTOR))
