"""What it costs to wait, in lines: until when a resume is possible, and what is left after that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from qlikops.domain.point_of_no_return import LEAST_NOTICE
from qlikops.domain.proposal import Proposal
from qlikops.presentation import vocabulary
from qlikops.presentation.tone import Line, Span, Tone, line, outside

BAR_CELLS = 12
_LABEL = "resume by"


def bar(part: float, cells: int = BAR_CELLS) -> str:
    """How much of something is used up, 0 to 1, in half cells: `━━━━━╸······`."""
    whole, half = divmod(round(part * cells * 2), 2)
    return "━" * whole + "╸" * half + "·" * (cells - whole - half)


def clock(moment: datetime, now: datetime) -> str:
    """`03:11 UTC`, `tomorrow 03:11 UTC`, or with its date."""
    day, time = moment.astimezone(UTC).date(), f"{moment.astimezone(UTC):%H:%M} UTC"
    if day == now.astimezone(UTC).date():
        return time
    return f"tomorrow {time}" if day == (now + timedelta(days=1)).astimezone(UTC).date() else f"{day} {time}"


def left(until: datetime | None, now: datetime) -> Span:
    """How long a resume is possible yet, for a cell."""
    if until is None:
        return vocabulary.NOTHING
    if until <= now:
        return Span("passed", Tone.DANGER)
    seconds = (until - now).total_seconds()
    return Span(vocabulary.short_duration(seconds), Tone.WARNING if until - now <= LEAST_NOTICE else Tone.NEUTRAL)


def lines(proposal: Proposal, now: datetime) -> Iterator[Line]:
    """Until when its tasks can be resumed, and how much of that time is used up; nothing if it is not known."""
    point = proposal.point_of_no_return
    if point is None or (until := point.resume_until) is None or point.retention_seconds is None:
        return
    after = outside(point.afterwards, before="; after that ")
    if until <= now:
        gone = f"about {clock(until, now)} has passed: the log is probably gone"
        yield line(_LABEL, Span(gone, Tone.DANGER), outside(point.afterwards, before="; if it is, "))
        return
    tone = Tone.WARNING if point.is_near(now) else Tone.NEUTRAL
    kept = vocabulary.short_duration(point.retention_seconds)
    yield line(
        _LABEL,
        Span(f"about {clock(until, now)}, in {left(until, now).text}  {bar(point.used(now))}", tone),
        Span(f" of {kept}", Tone.MUTED),
        after,
    )


def unknown(proposal: Proposal) -> Iterator[Line]:
    """Why it is not known until when its tasks can be resumed, and how to change that; nothing if it is known."""
    point = proposal.point_of_no_return
    if point is not None and point.resume_until is None:
        yield line(_LABEL, outside(point.words, Tone.MUTED))


def consequence(proposals: Sequence[Proposal], muted_until: datetime | None, now: datetime) -> Iterator[Line]:
    """Whether what is left alone can still be resumed at `muted_until`; nothing if it is not known of any.

    None for the usual cooldown, which is not known here.
    """
    points = [each.point_of_no_return for each in proposals if each.point_of_no_return]
    first = min(
        (point for point in points if point.resume_until), key=lambda each: str(each.resume_until), default=None
    )
    until = first.resume_until if first else None
    if first is None or until is None:
        return
    if until <= (muted_until or now):
        yield line("too late", outside(f"after about {clock(until, now)} {first.afterwards}", Tone.DANGER))
    else:
        yield line("waiting", f"until {clock(muted_until or until, now)} is possible")
