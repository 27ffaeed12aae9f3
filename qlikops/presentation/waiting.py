"""What it costs to wait, in lines: how long there is to answer, until when a resume is possible, and what is left then.

The bar in all of them is that of `timebar`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from qlikops.domain.fleet.point_of_no_return import LEAST_NOTICE
from qlikops.domain.proposals.approval import ProposalRecord
from qlikops.domain.proposals.proposal import Proposal
from qlikops.presentation import vocabulary
from qlikops.presentation.pictures import timebar
from qlikops.presentation.tone import Line, Span, Spans, Tone, line, outside, plain

_LABEL = "resume by"
_STEP = 9
"""Cells of the record's bar for a factor of four: with its label it fits in the narrowest column."""
_APART = 2
"""Cells between two times in one line."""


def clock(moment: datetime, now: datetime) -> str:
    """`03:11 UTC`, `tomorrow 03:11 UTC`, or with its date."""
    day, time = moment.astimezone(UTC).date(), f"{moment.astimezone(UTC):%H:%M} UTC"
    if day == now.astimezone(UTC).date():
        return time
    return f"tomorrow {time}" if day == (now + timedelta(days=1)).astimezone(UTC).date() else f"{day} {time}"


def about(moment: datetime, now: datetime) -> str:
    """`about 03:11 UTC`, `tomorrow at about 03:11 UTC`: of what is reckoned."""
    day, _, time = clock(moment, now).removesuffix(" UTC").rpartition(" ")
    return f"{day} at about {time} UTC" if day else f"about {time} UTC"


def left(until: datetime | None, now: datetime) -> Span:
    """How long a resume is possible yet, for a cell."""
    if until is None:
        return vocabulary.NOTHING
    if until <= now:
        return Span("passed", Tone.DANGER)
    seconds = (until - now).total_seconds()
    return Span(vocabulary.short_duration(seconds), Tone.WARNING if until - now <= LEAST_NOTICE else Tone.NEUTRAL)


def lines(approval: ProposalRecord, now: datetime) -> Iterator[Line]:
    """Until when its tasks can be resumed, as words and as the bar of the inbox; nothing if it is not known."""
    point = approval.proposal.point_of_no_return
    if point is None or (until := point.resume_until) is None:
        return
    if until <= now:
        gone = f"{about(until, now)} has passed: the log is probably gone"
        yield line(_LABEL, Span(gone, Tone.DANGER), outside(point.afterwards, before="; if it is, "))
        return
    tone = Tone.WARNING if point.is_near(now) else Tone.NEUTRAL
    yield line(
        _LABEL,
        Span(f"{about(until, now)}, in {left(until, now).text}  ", tone),
        *timebar.bar(approval.deadline, until, now).parts,
        outside(point.afterwards, before="; after that "),
    )


def chart(approval: ProposalRecord, now: datetime) -> Iterator[Line]:
    """The bar under its axis and above both times, and what is left once the log is gone: for a record."""
    point = approval.proposal.point_of_no_return
    until = point.resume_until if point else None
    bar = timebar.bar(approval.deadline, until, now, _STEP).parts
    yield line("Waiting", Span(timebar.axis(_STEP), Tone.MUTED))
    yield line("", *bar)
    for words in _times(approval.deadline, until, now):
        yield line("", *words)
    if point is not None and until is not None:
        yield line("After that", outside(point.afterwards))


def _times(answer_by: datetime | None, log_until: datetime | None, now: datetime) -> Iterator[Spans]:
    """Both times in words, each at its place below the bar: `answer by 03:46 UTC` ends and `08:30 UTC log gone` begins
    there. They are in one line if there is room.
    """
    width = timebar.cells(_STEP)
    placed: list[tuple[int, Span]] = []
    if answer_by is not None and answer_by > now:
        said = f"answer by {clock(answer_by, now)}"
        ends = math.ceil(timebar.position(answer_by - now, _STEP))
        placed.append((max(0, min(width, ends) - len(said)), Span(said, Tone.MUTED)))
    if log_until is not None:
        gone = f"{clock(log_until, now)} log gone" if log_until > now else f"log gone since {clock(log_until, now)}"
        at = int(timebar.position(max(timedelta(0), log_until - now), _STEP))
        placed.append((min(at, width - len(gone)), Span(gone, Tone.DANGER)))
    placed.sort(key=lambda each: each[0])
    words: Spans = ()
    for at, span in placed:
        if words and at < len(plain(words)) + _APART:
            yield words
            words = ()
        words += (Span(" " * (at - len(plain(words)))), span)
    if words:
        yield words


def unknown(proposal: Proposal) -> Iterator[Line]:
    """Why it is not known until when its tasks can be resumed, and how to change that; nothing if it is known."""
    point = proposal.point_of_no_return
    if point is not None and point.resume_until is None:
        yield line(_LABEL, outside(point.words, Tone.MUTED))


def consequence(proposals: Sequence[Proposal], muted_until: datetime | None, now: datetime) -> Iterator[Line]:
    """Whether what is muted can still be resumed at `muted_until`; nothing if it is not known of any.

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
        yield line("too late", outside(f"after {about(until, now)} {first.afterwards}", Tone.DANGER))
    else:
        yield line("waiting", f"until {clock(muted_until or until, now)} is possible")
