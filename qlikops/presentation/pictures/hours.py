"""The hours of a shift as a strip: what ended when, and what waits since when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from qlikops.dataclass import dataclass
from qlikops.presentation.tone import Line, Span, Tone, joined

LEAST_CELLS = 36
"""Fewest cells in which a strip is drawn."""
_STEPS = (1, 2, 3, 4, 6, 12, 24)
"""Hours between two labels."""
_LABEL_CELLS = 4
"""An hour and a gap."""
_WORST_FIRST = (Tone.DANGER, Tone.WARNING, Tone.INFO, Tone.GOOD, Tone.NEUTRAL, Tone.MUTED)


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened, on an axis of time."""

    at: datetime
    sign: str
    """One cell wide."""
    tone: Tone
    word: str = ""
    """What it is called, if there is room for that."""


def strip(rows: Mapping[str, Iterable[Mark]], since: datetime, until: datetime, cells: int) -> tuple[Line, ...]:
    """The hours from `since` until `until` in so many `cells`, and a line for each of `rows`, by its label.

    Where several marks meet in one cell, the worst of them is seen. Nothing if there is no room, or no time.
    """
    length = (until - since).total_seconds()
    if cells < LEAST_CELLS or length <= 0:
        return ()

    def place(moment: datetime) -> int:
        return min(cells - 1, max(0, int((moment - since).total_seconds() / length * cells)))

    labels, ticks = [" "] * cells, ["─"] * cells
    for hour in _hours(since, until, cells):
        labels[place(hour) : place(hour) + 2] = f"{hour.astimezone(UTC):%H}"
        ticks[place(hour)] = "╵"
    ticks[-1] = "│"
    lines = [
        Line("UTC", (Span("".join(labels)[:cells].rstrip(), Tone.MUTED),)),
        Line("", (Span("".join(ticks), Tone.MUTED),)),
    ]
    for label, marks in rows.items():
        seen: dict[int, Mark] = {}
        # The last one written into a cell stays.
        for mark in sorted(marks, key=lambda each: _WORST_FIRST.index(each.tone), reverse=True):
            if since <= mark.at <= until:
                seen[place(mark.at)] = mark
        signs = [(" ", Tone.NEUTRAL)] * (max(seen, default=-1) + 1)
        for cell, mark in seen.items():
            signs[cell] = mark.sign, mark.tone
        lines.append(Line(label, joined(signs)))
    return tuple(lines)


def _hours(since: datetime, until: datetime, cells: int) -> Iterable[datetime]:
    """Full hours, as many as have room for a label."""
    hours = (until - since).total_seconds() / 3600
    step = next((each for each in _STEPS if cells / hours * each >= _LABEL_CELLS), _STEPS[-1])
    first = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return (
        hour
        for number in range(int(hours) + 3)
        if since <= (hour := first + timedelta(hours=number)) < until - timedelta(hours=2 * hours / cells)
        and hour.hour % step == 0
    )
