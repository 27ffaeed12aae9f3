"""The strip of hours."""

from __future__ import annotations

from datetime import timedelta

import pytest

from qlikops.presentation.pictures.hours import LEAST_CELLS, Mark, strip
from qlikops.presentation.tone import Span, Tone
from tests.unit.domain.samples import NOON

HOUR = timedelta(hours=1)
WRONG = Mark(NOON - HOUR, "✗", Tone.DANGER)
WELL = Mark(NOON - HOUR, "✓", Tone.GOOD)


def drawn(cells: int = 48, hours: float = 12, **rows: list[Mark]) -> list[str]:
    return [each.text for each in strip(rows, NOON - hours * HOUR, NOON, cells)]


def test_every_mark_stands_at_its_hour() -> None:
    labels, ticks, ended, waits = drawn(ended=[WRONG, Mark(NOON - 12 * HOUR, "✓", Tone.GOOD)], waits=[])
    assert labels == "00  01  02  03  04  05  06  07  08  09  10  11"
    assert (len(ticks), ticks[:5], ticks[-1]) == (48, "╵───╵", "│")
    assert (ended.index("✓"), ended.index("✗")) == (0, labels.index("11"))
    assert waits == ""


def test_what_is_worst_is_seen_where_several_meet() -> None:
    for marks in ([WRONG, WELL], [WELL, WRONG]):
        (*_, ended) = strip({"ended": marks}, NOON - 12 * HOUR, NOON, 48)
        assert ended.spans[-1] == Span("✗", Tone.DANGER)


def test_the_very_end_and_what_lies_outside() -> None:
    (*_, ended) = drawn(ended=[Mark(NOON, "●", Tone.INFO), Mark(NOON - 13 * HOUR, "x", Tone.INFO)])
    assert ended == f"{'●':>48}"


@pytest.mark.parametrize(("cells", "hours", "first"), [(60, 24, "12   14"), (40, 24, "12   15"), (40, 72, "12    00")])
def test_only_so_many_hours_are_named_as_have_room(cells: int, hours: float, first: str) -> None:
    labels, *_ = drawn(cells, hours)
    assert labels.startswith(first)
    assert len(labels) <= cells


def test_without_room_or_time_there_is_none() -> None:
    assert drawn(LEAST_CELLS - 1) == []
    assert drawn(hours=0) == []
