"""When a schedule fires next, as far as its expression says: EventBridge does not tell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\((.+)\)")
_UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), start=1
    )
}
_DAYS = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
_PART = re.compile(r"(\*|\w+)(?:-(\w+))?(?:/(\d+))?")
LONGEST_PERIOD = timedelta(days=1)
"""The longest that the alarm for silence can expect."""
_LOOK_AHEAD_DAYS = 2 * 366


def period(expression: str) -> timedelta | None:
    """How far apart the runs of a rate are; None for anything else."""
    match = _RATE.fullmatch(expression)
    return int(match[1]) * _UNITS[match[2]] if match else None


def next_run(expression: str, timezone: str, now: datetime, last: datetime | None) -> datetime | None:
    """The next one after `now`, in UTC; of a rate, about a period after `last`.

    None where nothing comes within two years, or where this cannot tell: L, W and # in a cron expression.
    """
    if every := period(expression):
        return max(now, last + every) if last else now + every
    match = _CRON.fullmatch(expression)
    try:
        return next(_cron(match[1].split(), ZoneInfo(timezone), now), None) if match else None
    except (KeyError, ValueError):
        return None


def _cron(fields: list[str], zone: ZoneInfo, now: datetime) -> Iterator[datetime]:
    """The times after `now`. Raises ValueError and KeyError for what it does not understand."""
    minutes, hours = _numbers(fields[0], 0, 59), _numbers(fields[1], 0, 23)
    times = [time(hour, minute) for hour in sorted(hours) for minute in sorted(minutes)]
    today = now.astimezone(zone).date()
    for offset in range(_LOOK_AHEAD_DAYS):
        day = today + timedelta(days=offset)
        if _fits(fields, day):
            for at in times:
                moment = datetime.combine(day, at, zone).astimezone(UTC)
                if moment > now:
                    yield moment


def _fits(fields: list[str], day: date) -> bool:
    _, _, days, months, weekdays, years = fields
    return (
        day.month in _numbers(months, 1, 12, _MONTHS)
        and day.year in _numbers(years, 1970, 2199)
        and (days == "?" or day.day in _numbers(days, 1, 31))
        and (weekdays == "?" or day.isoweekday() % 7 + 1 in _numbers(weekdays, 1, 7, _DAYS))
    )


def _numbers(field: str, low: int, high: int, names: dict[str, int] | None = None) -> set[int]:
    found: set[int] = set()
    for part in field.upper().split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise ValueError(part)
        first, last, step = match.groups()
        if first == "*":
            begin, end = low, high
        else:
            begin = _number(first, names)
            end = _number(last, names) if last else high if step else begin
        found |= set(range(begin, end + 1, int(step or 1)))
    return found


def _number(text: str, names: dict[str, int] | None) -> int:
    return names[text] if names and not text.isdigit() else int(text)
