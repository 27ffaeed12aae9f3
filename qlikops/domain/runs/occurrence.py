"""When a schedule fires next, as far as its expression says: EventBridge does not tell.

Own code, because aws-croniter knows no time zones and no L or W in a list; in UTC the two agree.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from zoneinfo import ZoneInfo

_RATE = re.compile(r"rate\((\d{1,6}) (minute|hour|day)s?\)")
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
_FROM_THE_END = re.compile(r"L(?:-(\d+))?")
_NEAR = re.compile(r"(\d+|L)W")
_LAST_OF_KIND = re.compile(r"(\w+?)L")
_NUMBERED = re.compile(r"(\w+)#([1-5])")
_AT = re.compile(r"at\((.+)\)")
_SATURDAY = 7
LONGEST_PERIOD = timedelta(days=1)
"""The longest that the alarm for silence can expect."""


def period(expression: str) -> timedelta | None:
    """How far apart the runs of a rate are; None for anything else."""
    match = _RATE.fullmatch(expression)
    return int(match[1]) * _UNITS[match[2]] if match else None


def next_run(expression: str, timezone: str, now: datetime, last: datetime | None) -> datetime | None:
    """The next one after `now`, in UTC; of a rate, about a period after `last`.

    None where none comes any more, and for what is no expression of EventBridge Scheduler's. A time of day that the
    change to summer time leaves out is left out, and one that comes twice in autumn comes once, as Scheduler has it.
    """
    try:
        if every := period(expression):
            return max(now, last + every) if last else now + every
        zone = ZoneInfo(timezone)
        if match := _AT.fullmatch(expression):
            moment = datetime.fromisoformat(match[1]).replace(tzinfo=zone).astimezone(UTC)
            return moment if moment > now else None
        match = _CRON.fullmatch(expression)
        return next(_cron(match[1].split(), zone, now), None) if match else None
    # A zone may be a folder of the machine's, a number longer than any year; what there is too little of has no index.
    except (LookupError, ValueError, OverflowError, OSError):
        return None


def _cron(fields: list[str], zone: ZoneInfo, now: datetime) -> Iterator[datetime]:
    """Yields the times after `now`. Raises ValueError or KeyError for an expression that it cannot read."""
    minutes, hours = _numbers(fields[0], 0, 59), _numbers(fields[1], 0, 23)
    times = [time(hour, minute) for hour in sorted(hours) for minute in sorted(minutes)]
    months, years = _numbers(fields[3], 1, 12, _MONTHS), _numbers(fields[5], 1970, 2199)
    today = now.astimezone(zone).date()
    for year, month in product(sorted(years), sorted(months)):
        if (year, month) < (today.year, today.month):
            continue
        for day in sorted(_days_of_month(fields[2], year, month) & _weekdays(fields[4], year, month)):
            for at in times:
                local = datetime.combine(date(year, month, day), at)
                moment = local.replace(tzinfo=zone).astimezone(UTC)
                exists = moment.astimezone(zone).replace(tzinfo=None) == local
                if moment > now and exists:
                    yield moment


def _days_of_month(field: str, year: int, month: int) -> set[int]:
    """The days that the field day-of-month names."""
    length = monthrange(year, month)[1]
    if field == "?":
        return set(range(1, length + 1))
    found: set[int] = set()
    for part in field.upper().split(","):
        if match := _FROM_THE_END.fullmatch(part):
            found.add(length - int(match[1] or 0))
        elif match := _NEAR.fullmatch(part):
            found.add(_nearest_workday(year, month, length if match[1] == "L" else int(match[1])))
        else:
            found |= _numbers(part, 1, 31)
    return {day for day in found if 1 <= day <= length}


def _nearest_workday(year: int, month: int, day: int) -> int:
    """Monday to Friday, without leaving the month; 0 where the month has no such day."""
    length = monthrange(year, month)[1]
    if day > length:
        return 0
    near = (day, day - 1, day + 1, day + 2, day - 2)
    return next(each for each in near if 1 <= each <= length and date(year, month, each).weekday() < 5)


def _weekdays(field: str, year: int, month: int) -> set[int]:
    """The days that the field day-of-week names, Sunday being 1."""
    days = range(1, monthrange(year, month)[1] + 1)
    if field == "?":
        return set(days)
    kinds: dict[int, list[int]] = {}
    for day in days:
        kinds.setdefault(date(year, month, day).isoweekday() % 7 + 1, []).append(day)
    found: set[int] = set()
    for part in field.upper().split(","):
        if part == "L":
            found |= set(kinds[_SATURDAY])
        elif match := _NUMBERED.fullmatch(part):
            found |= set(kinds[_number(match[1], _DAYS)][int(match[2]) - 1 : int(match[2])])
        elif match := _LAST_OF_KIND.fullmatch(part):
            found.add(kinds[_number(match[1], _DAYS)][-1])
        else:
            found |= {day for kind in _numbers(part, 1, 7, _DAYS) for day in kinds[kind]}
    return found


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
            if not (low <= begin <= high and low <= end <= high):
                raise ValueError(part)
        # FRI-MON goes over the end of the week.
        around = end + (high - low + 1 if end < begin else 0)
        found |= {(each - low) % (high - low + 1) + low for each in range(begin, around + 1, int(step or 1))}
    return found


def _number(text: str, names: dict[str, int] | None) -> int:
    return names[text] if names and not text.isdigit() else int(text)
