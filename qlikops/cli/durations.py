"""Durations and times on the command line."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

from qlikops.domain.encoding.codec import CodecError, parse_time
from qlikops.domain.errors import UsageError
from qlikops.domain.proposals.approval import LONGEST_SNOOZE
from qlikops.domain.words.duration import parse_duration
from qlikops.domain.words.text import harmless
from qlikops.presentation.deciding.denial import next_at

_TIME_OF_DAY = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_HERE = "by this computer's clock"
_JUST_PASSED = timedelta(hours=1)


def duration(option: str, text: str) -> timedelta:
    """The duration in `text`. Raises UsageError that names the option."""
    try:
        return parse_duration(text)
    except ValueError as exc:
        raise UsageError(f"{option}: {exc}.") from exc


def quiet(snooze: str, until: str, now: datetime) -> timedelta | None:
    """How long a denial keeps its tasks quiet: `--snooze`, or up to `--until`; None if neither is given.

    A time of day is the next one by this computer's clock. Raises UsageError if both are given, if that is in the past,
    and if it is longer than a denial can keep quiet.
    """
    if snooze and until:
        raise UsageError("--snooze and --until both say how long nothing is proposed.", "Give one of them.")
    if not snooze and not until:
        return None
    option, length = "--snooze", duration("--snooze", snooze) if snooze else timedelta()
    if until:
        found = _TIME_OF_DAY.fullmatch(until.strip())
        at = next_at(time.fromisoformat(found[0].zfill(5)), now) if found else moment("--until", until, now, _HERE)
        option, length = "--until", at - now
    if length <= timedelta():
        raise UsageError(f"{option}: {harmless(until, 40)} is in the past.", "Give a time that is to come.")
    if length > LONGEST_SNOOZE:
        most = f"{LONGEST_SNOOZE.days} days"
        raise UsageError(f"{option}: a denial keeps quiet for {most} at most.", "For longer, plan work: qlikops plan.")
    return length


def moment(option: str, text: str, now: datetime, clock: str = "UTC") -> datetime:
    """The time that `text` says: in so long (`2h`), at a time of day in UTC (`22:00`), or a full time, ISO 8601.

    A time of day is the next one, or one of the hour that has just passed. Raises UsageError that names the option, and
    the `clock` by which it takes a time of day.
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
        accepted = f"a duration (2h), a time of day (22:00, {clock}) or a full time (2026-03-07T22:00Z)"
        raise UsageError(f"{option}: {harmless(text, 40)!r} is no time.", f"Give {accepted}.") from exc
