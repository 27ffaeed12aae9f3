"""A chart of how far behind a target was: eighths of blocks, one column a stretch of time, what was promised as a line.

What is above the promise is amber; what is to come is a fan between the earliest and the latest.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from qlikops.dataclass import dataclass
from qlikops.presentation import vocabulary
from qlikops.presentation.pictures.hours import Mark
from qlikops.presentation.pictures.lag import Lag, at_moment
from qlikops.presentation.tone import Spans, Tone, joined

GUTTER = 5
"""Cells to the left of the plot, for the numbers of its rows."""
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_ROOM_AHEAD = 0.25
"""Part of the width that what is to come may take at most."""
_UNITS = ((10_800, 3600, "hours"), (180, 60, "minutes"), (0, 1, "seconds"))
"""The units that rows count in, each from so many seconds at the top on."""
_NICE = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 18000, 36000, 86400, 172800)
"""Seconds from one numbered row to the next one."""
_TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1440)
"""Minutes from one time on the axis to the next one."""
_TICK_CELLS = 10
"""That a time on the axis wants for itself."""

Cell = tuple[str, Tone]


@dataclass(frozen=True, slots=True)
class Chart:
    """What is to be drawn."""

    lags: tuple[Lag, ...]
    now: datetime
    limit: float | None = None
    """Seconds: how old the data may be; None without a promise."""
    current: tuple[datetime, datetime] | None = None
    """When it is back at the limit, at the earliest and at the latest; None if that cannot be said."""
    marks: tuple[Mark, ...] = ()

    @property
    def known(self) -> list[Lag]:
        """What is known of it."""
        return [each for each in self.lags if each.seconds is not None]

    @property
    def unit(self) -> str:
        """What its rows count: seconds, minutes or hours."""
        return _unit(self.top)[1]

    @property
    def top(self) -> float:
        """The most seconds that it shows; the promise is in sight unless it is far above all that was."""
        most = max((each.seconds or 0 for each in self.known), default=0)
        most = max(most, at_moment(self.lags, self.now) or 0)
        return self.limit * 1.1 if self.limit and most < self.limit <= 2 * most else most

    @property
    def end(self) -> datetime:
        """The right edge."""
        if self.current is None:
            return self.now
        span = (self.now - self.lags[0].at) * (_ROOM_AHEAD / (1 - _ROOM_AHEAD))
        return self.now + min(span, max(timedelta(0), self.current[1] - self.now) * 1.2)


def draw(chart: Chart, width: int, rows: int) -> list[Spans]:
    """`rows` lines of the plot, the axis and its words, `width` cells wide; nothing if nothing is known."""
    columns = width - GUTTER
    if len(chart.known) < 2 or columns < _TICK_CELLS:
        return []
    scale = _Scale(chart, columns, rows)
    lines = [joined(scale.row(row)) for row in reversed(range(rows))]
    return [*lines, *map(joined, scale.axis())]


class _Scale:
    """Turns times into columns and seconds into rows."""

    def __init__(self, chart: Chart, columns: int, rows: int) -> None:
        self._chart = chart
        self._begin, self._span = chart.lags[0].at, max(1.0, (chart.end - chart.lags[0].at).total_seconds())
        self._columns = columns
        top = max(chart.top, 1)
        self._between = next((each for each in _NICE if each * rows / 2 >= top), top * 2 / rows)
        self._a_row = self._between / 2
        moments = [self._begin + timedelta(seconds=(column + 0.5) * self._span / columns) for column in range(columns)]
        self._values = [_value(chart, moment) for moment in moments]
        self._fans = [_fan(chart, moment) for moment in moments]

    def column(self, moment: datetime) -> int:
        """Where `moment` lies; out of the plot if it is not in it."""
        return math.floor((moment - self._begin).total_seconds() / self._span * self._columns)

    def row(self, row: int) -> Iterator[Cell]:
        """The cells of a row of the plot, 0 at the bottom."""
        low = row * self._a_row
        number = f"{low / _unit(self._chart.top)[0]:g}" if row and row % 2 == 0 else ""
        yield from ((char, Tone.MUTED) for char in f"{number:>{GUTTER - 1}} ")
        limit = self._chart.limit
        is_promised = limit is not None and low <= limit < low + self._a_row
        promise = f"· promised: {vocabulary.short_duration(limit)} " if is_promised and limit else ""
        for column, (value, fan) in enumerate(zip(self._values, self._fans, strict=True)):
            filled = 0 if value is None else round((value - low) / self._a_row * 8)
            if value is not None and row == 0:
                filled = max(filled, 1)  # a value of zero was measured too
            if filled > 0:
                tone = Tone.WARNING if limit and value is not None and value > limit else Tone.MUTED
                yield _EIGHTHS[min(8, filled)], tone
            elif fan and fan[0] < low + self._a_row and fan[1] > low:
                yield "░", Tone.MUTED
            elif is_promised:
                yield promise[column] if column < len(promise) else "·", Tone.MUTED
            else:
                yield " ", Tone.NEUTRAL

    def axis(self) -> tuple[list[Cell], list[Cell]]:
        """The line under the plot with what happened, and its words."""
        line: list[Cell] = [("─", Tone.MUTED)] * self._columns
        words: list[Cell] = [(" ", Tone.NEUTRAL)] * self._columns
        marks = [*self._chart.marks, Mark(self._chart.now, "│", Tone.NEUTRAL, "now")]
        at = [(min(self.column(mark.at), self._columns - 1), mark) for mark in marks]
        for column, mark in at:
            if column >= 0:
                line[column] = (mark.sign, mark.tone)
                self._write(words, column, mark.word, mark.tone)
        for tick in self._ticks():
            column = self.column(tick)
            if 0 <= column < self._columns and line[column][0] == "─":
                line[column] = ("┴", Tone.MUTED)
                self._write(words, column, f"{tick.astimezone(UTC):%H:%M}", Tone.MUTED)
        left: list[Cell] = [(" ", Tone.NEUTRAL)] * GUTTER
        return [*left, *line], [*left, *words]

    def _ticks(self) -> Iterator[datetime]:
        wanted = self._span / 60 / max(1, self._columns / _TICK_CELLS)
        step = next((each for each in _TICKS if each >= wanted), _TICKS[-1]) * 60
        first = math.ceil(self._begin.timestamp() / step) * step
        last = int(self._begin.timestamp() + self._span)
        yield from (datetime.fromtimestamp(second, UTC) for second in range(first, last + 1, step))

    def _write(self, words: list[Cell], column: int, text: str, tone: Tone) -> None:
        """Where there is room for it, under its column or as near as may be."""
        begin = max(0, min(column, self._columns - len(text)))
        around = words[max(0, begin - 1) : begin + len(text) + 1]
        if all(char == " " for char, _ in around):
            words[begin : begin + len(text)] = [(char, tone) for char in text]


def _value(chart: Chart, moment: datetime) -> float | None:
    """How far behind at `moment`, on the line between the two polls around it; None after now, or if not known."""
    if moment > chart.now:
        return None
    if moment >= chart.lags[-1].at:
        return at_moment(chart.lags, moment)
    for before, after in pairwise(chart.lags):
        if before.at <= moment < after.at:
            if before.seconds is None or after.seconds is None:
                return before.seconds
            part = (moment - before.at) / (after.at - before.at)
            return before.seconds + part * (after.seconds - before.seconds)
    return chart.lags[0].seconds


def _fan(chart: Chart, moment: datetime) -> tuple[float, float] | None:
    """The least and the most that it may be behind at a moment to come."""
    behind, limit = chart.known[-1].seconds or 0, chart.limit or 0
    if chart.current is None or moment <= chart.now or moment > chart.current[1]:
        return None
    past = (moment - chart.now).total_seconds()
    least, most = (
        max(0.0, behind - (behind - limit) * past / max(1.0, (when - chart.now).total_seconds()))
        for when in chart.current
    )
    return least, most


def _unit(top: float) -> tuple[int, str]:
    return next((seconds, words) for least, seconds, words in _UNITS if top >= least)
