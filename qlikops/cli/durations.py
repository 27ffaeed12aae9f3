"""Durations and times on the command line."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from qlikops.domain.duration import parse_duration
from qlikops.domain.encoding.codec import CodecError, parse_time
from qlikops.domain.errors import UsageError
from qlikops.domain.text import harmless

_TIME_OF_DAY = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_JUST_PASSED = timedelta(hours=1)


def duration(option: str, text: str) -> timedelta:
    """The duration in `text`. Raises UsageError that names the option."""
    try:
        return parse_duration(text)
    except ValueError as exc:
        raise UsageError(f"{option}: {exc}.") from exc


def moment(option: str, text: str, now: datetime) -> datetime:
    """The time that `text` says: in so long (`2h`), at a time of day in UTC (`22:00`), or a full time, ISO 8601.

    A time of day is the next one, or one of the hour that has just passed. Raises UsageError that names the option.
    """
    if found := _TIME_OF_DAY.fullmatch(text.strip()):
        hour, minute = map(int, found.groups())
        at = now.astimezone(UTC).replace(hour=hour, minute=minute, second=0, microsecond=0)
        return at if at > now - _JUST_PASSED else at + timedelta(days=1)
    try:
        return now + parse_duration(text)
    except ValueError:
        pass
    try:
        return parse_time(text.strip())
    except CodecError as exc:
        accepted = "a duration (2h), a time of day (22:00, UTC) or a full time (2026-03-07T22:00Z)"
        raise UsageError(f"{option}: {harmless(text, 40)!r} is no time.", f"Give {accepted}.") from exc
