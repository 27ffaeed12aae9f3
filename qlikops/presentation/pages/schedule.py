"""The schedule for people: the expression in words, where it stands, and what pausing and resuming change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from qlikops.domain.errors import AccessDenied, CredentialsProblem, NotFound, Throttled, UsageError
from qlikops.domain.runs.occurrence import period
from qlikops.domain.runs.schedule import Schedule, ScheduleStatus
from qlikops.domain.words.duration import format_duration
from qlikops.presentation import vocabulary
from qlikops.presentation.problem import explain
from qlikops.presentation.tone import Line, Section, Span, Tone, line, outside

_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_EVERY = re.compile(r"(?:\*|0)/(\d+)")
_HOURS = re.compile(r"(\d+)-(\d+)")
_DAYS = {
    "SUN": "Sunday",
    "MON": "Monday",
    "TUE": "Tuesday",
    "WED": "Wednesday",
    "THU": "Thursday",
    "FRI": "Friday",
    "SAT": "Saturday",
}
_REFUSED = (UsageError, NotFound, AccessDenied, CredentialsProblem, Throttled)
"""Errors of what certainly was not done."""
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"))


def sections(status: ScheduleStatus, now: datetime) -> tuple[Section, ...]:
    """When it runs, where it stands, when it ran last and runs next."""
    return (Section("", tuple(_lines(status, now))),)


def by_command() -> Line:
    """What the console leaves to the command line, since it takes the rights of whoever deploys."""
    words = "`qlikops schedule --rate 10m` (or --cron, --timezone) sets it, --remove takes it away"
    return line("by command", Span(words, Tone.MUTED))


def not_read(error: BaseException) -> Line:
    """Why there is nothing to show, or nothing newer."""
    return line("not read", Span(str(explain(error)), Tone.DANGER))


def not_changed(error: BaseException) -> str:
    """What became of a change that failed with `error`: a lost reply says nothing about what was done."""
    known = "Not changed" if isinstance(error, _REFUSED) else "Perhaps changed; what is shown is read anew"
    return f"{known}. {explain(error)}"


def in_words(expression: str) -> str:
    """`every 5 minutes`, `every 10 minutes from 06 to 20 h, Monday to Friday`; empty where no words are at hand."""
    if every := period(expression):
        seconds = int(every.total_seconds())
        unit, name = next((unit, name) for unit, name in _UNITS if seconds % unit == 0)
        return f"every {name}" if seconds == unit else f"every {seconds // unit} {name}s"
    match = _CRON.fullmatch(expression)
    if match is None:
        return ""
    minutes, hours, days, months, weekdays, years = match.groups()
    if months != "*" or years != "*" or days not in ("?", "*"):
        return ""
    when, on = _time_of_day(minutes, hours), _weekdays(weekdays)
    return f"{when}, {on}" if when and on else ""


def state(schedule: Schedule) -> Span:
    """On, paused and until when, or over."""
    if schedule.has_ended and schedule.ends_at is not None:
        return Span(f"■ ENDED {vocabulary.clock_time(schedule.ends_at)}", Tone.DANGER)
    if not schedule.enabled:
        return Span("■ PAUSED until a person resumes it", Tone.WARNING)
    if schedule.paused_until is not None:
        return Span(f"■ PAUSED until {vocabulary.clock_time(schedule.paused_until)}", Tone.WARNING)
    return Span("▶ on", Tone.GOOD)


def what_goes_out(schedule: Schedule, *, pause: bool, duration: timedelta | None, now: datetime) -> tuple[Line, ...]:
    """Exactly what pausing (for `duration`, or until further notice) or resuming sends at `now`."""
    yet = "ENABLED" if schedule.enabled else "DISABLED"
    new = "DISABLED" if pause and duration is None else "ENABLED"
    lines = [
        line("call", "scheduler:UpdateSchedule, all else as it is"),
        line("schedule", outside(schedule.name, cap=64), outside(schedule.expression, Tone.MUTED, 120, before="  ")),
        line("State", yet if yet == new else f"{yet} -> {new}"),
    ]
    if pause and duration is not None:
        lines.append(
            line("StartDate", f"{vocabulary.clock_time(now + duration)}, {format_duration(duration)} from now")
        )
    elif not pause and schedule.paused_until is not None:
        lines.append(line("StartDate", f"{vocabulary.clock_time(schedule.paused_until)} -> none"))
    if not pause and schedule.has_ended and schedule.ends_at is not None:
        lines.append(line("EndDate", f"{vocabulary.clock_time(schedule.ends_at)} -> none"))
    return (*lines, line("this means", *_meaning(pause=pause, duration=duration)))


def _meaning(*, pause: bool, duration: timedelta | None) -> Iterator[Span]:
    if not pause:
        yield Span("runs start by themselves again", Tone.GOOD)
        return
    until = "a person resumes it" if duration is None else "then"
    yield Span(f"no run looks at Qlik until {until}: none starts by itself", Tone.WARNING)
    yield Span("; a run under way goes on, and what waits still expires")


def _lines(status: ScheduleStatus, now: datetime) -> Iterator[Line]:
    schedule = status.schedule
    words = in_words(schedule.expression)
    yield line("schedule", outside(schedule.name, cap=64))
    if words:
        yield line("runs", Span(words), outside(schedule.expression, Tone.MUTED, 120, before="   "))
    else:
        yield line("runs", outside(schedule.expression, cap=120))
    yield line("time zone", outside(schedule.timezone, cap=64))
    yield line("state", state(schedule))
    if schedule.ends_at is not None and not schedule.has_ended:
        ends = f"{vocabulary.clock_time(schedule.ends_at)}, in {vocabulary.ago(now, schedule.ends_at)}"
        yield line("ends", Span(f"{ends}: a person set that by hand, and nothing runs after it", Tone.WARNING))
    if status.last_run is None:
        yield line("last run", Span("none yet", Tone.MUTED))
    else:
        ago = vocabulary.ago(status.last_run, now)
        yield line("last run", f"{vocabulary.clock_time(status.last_run)}, {ago} ago")
    yield line("next run", *_next(status, now))


def _next(status: ScheduleStatus, now: datetime) -> Iterator[Span]:
    if status.next_run is not None:
        left = max(0.0, (status.next_run - now).total_seconds())
        yield Span(f"about {vocabulary.clock_time(status.next_run)}, in {format_duration(left)}")
    elif status.schedule.has_ended:
        yield Span("none: it has ended", Tone.DANGER)
    elif not status.schedule.enabled:
        yield Span("none: it is paused", Tone.WARNING)
    elif status.schedule.ends_at is not None:
        yield Span("none before it ends", Tone.WARNING)
    else:
        yield Span("none: the expression has no later time", Tone.MUTED)


def _time_of_day(minutes: str, hours: str) -> str:
    """What the first two fields say together; empty where that takes more than a few words."""
    if minutes.isdigit() and hours.isdigit():
        return f"at {int(hours):02d}:{int(minutes):02d}"
    if minutes == "*":
        often = "every minute"
    elif every := _EVERY.fullmatch(minutes):
        often = f"every {every[1]} minutes"
    elif minutes.isdigit():
        often = f"every hour at minute {int(minutes)}"
    else:
        return ""
    if hours == "*":
        return often
    between = _HOURS.fullmatch(hours)
    return f"{often} from {int(between[1]):02d} to {int(between[2]):02d} h" if between else ""


def _weekdays(field: str) -> str:
    if field in ("?", "*"):
        return "every day"
    first, dash, last = field.partition("-")
    if first not in _DAYS or (dash and last not in _DAYS):
        return ""
    return f"{_DAYS[first]} to {_DAYS[last]}" if dash else f"on {_DAYS[first]}s"
