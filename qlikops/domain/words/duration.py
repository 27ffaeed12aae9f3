"""Durations as people write them, and moments as they read them: in UTC, and named so."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from qlikops.domain.words.text import harmless

LONGEST = timedelta(days=3650)
"""Nothing here waits, looks back or snoozes for more than ten years, and every time there is can be counted with it."""
_MOST_DIGITS = 12
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_PART = re.compile(r"(\d+)\s*([smhd])", re.IGNORECASE)


def parse_duration(text: str) -> timedelta:
    """`90s`, `5m`, `1h30m`, `2d`; ten years at most. Raises ValueError that says what is accepted."""
    stripped = text.strip()
    parts = _PART.findall(stripped)
    if not parts or _PART.sub("", stripped).strip():
        raise ValueError(f"{_shown(text)} is not a duration: write a number and a unit, such as 90s, 5m, 1h30m or 2d")
    # Counted in whole numbers, which nothing overflows; and a number of thousands of digits is never read as one.
    is_long = any(len(number) > _MOST_DIGITS for number, _ in parts)
    seconds = 0 if is_long else sum(int(number) * _UNITS[unit.lower()] for number, unit in parts)
    if is_long or seconds > LONGEST.total_seconds():
        raise ValueError(f"{_shown(text)} is longer than {LONGEST.days:,} days")
    if seconds <= 0:
        raise ValueError(f"{_shown(text)} is no time at all")
    return timedelta(seconds=seconds)


def _shown(text: str) -> str:
    return repr(harmless(text, 40))


def format_duration(delta: timedelta | float) -> str:
    """Two units at most: `42s`, `3m10s`, `2h05m`, `4d3h`. Negative ones start with a minus."""
    seconds = int(delta.total_seconds() if isinstance(delta, timedelta) else delta)
    if seconds < 0:
        return "-" + format_duration(float(-seconds))
    if seconds < 60:
        return f"{seconds}s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes}m{seconds:02d}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h{minutes:02d}m"
    days, hours = divmod(hours, 24)
    return f"{days}d{hours}h"


def to_second(moment: datetime) -> str:
    """A moment as `2026-03-07 11:19:03 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def to_minute(moment: datetime) -> str:
    """A moment as `2026-03-07 11:19 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def short_moment(moment: datetime, now: datetime) -> str:
    """A moment as `01:00 UTC`, with the date if it is a day or more away from `now`."""
    is_near = abs(moment - now) < timedelta(days=1)
    return f"{moment.astimezone(UTC):%H:%M} UTC" if is_near else to_minute(moment)
