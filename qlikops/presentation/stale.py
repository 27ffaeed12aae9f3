"""Which targets are out of freshness, since when, and when they are fresh again, in lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from qlikops.domain.fleet.freshness import Freshness, StaleTask, StaleTime
from qlikops.presentation import vocabulary
from qlikops.presentation.tone import Line, Span, Tone, line, outside
from qlikops.presentation.waiting import about, clock

NAMED = 3
"""Tasks that are named; the rest is counted."""


def spans(freshness: Freshness, now: datetime) -> Iterator[Span]:
    """`gold allows 15m00s: out of it since 02:56 UTC, 1h14m; fresh again between 03:50 and 04:40 UTC`."""
    limit = vocabulary.short_duration(freshness.limit_seconds)
    yield outside(freshness.name, cap=80)
    if not freshness.is_stale(now):
        yield Span(f" allows {limit}: kept", Tone.GOOD)
        yield Span(f", until {about(freshness.stale_from, now)} if nothing runs", Tone.MUTED)
        return
    out = vocabulary.short_duration((now - freshness.stale_from).total_seconds())
    yield Span(f" allows {limit}: out of it since {clock(freshness.stale_from, now)}, {out}", Tone.DANGER)
    if freshness.forecast:
        yield Span(f"; fresh again {freshness.forecast}", Tone.INFO)


def lines(stale: Sequence[StaleTask], now: datetime) -> Iterator[Line]:
    """The tasks that have been out of freshness the longest, and how many more there are."""
    for number, each in enumerate(stale[:NAMED]):
        label = "" if number else f"{len(stale):,} stale"
        yield line(label, outside(each.key, cap=120), Span(": "), *spans(each.freshness, now))
    if (more := len(stale) - NAMED) > 0:
        yield line("", Span(f"and {more:,} more", Tone.MUTED))


def time_out(times: Sequence[StaleTime]) -> Iterator[Line]:
    """How long the targets of each limit were out of it, the longest first."""
    for each in times:
        minutes = f"{each.seconds / 60:,.0f} min" if each.seconds >= 60 else "less than a minute"
        of = vocabulary.count(each.tasks, "task")
        yield line(outside(each.name, cap=20).text, Span(minutes, Tone.WARNING), Span(f" out of freshness, {of}"))
