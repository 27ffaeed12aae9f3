"""The chart as text: its scale, what is above the promise, what happened when, and what is to come."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from qlikops.presentation.pictures.chart import GUTTER, Chart, draw
from qlikops.presentation.pictures.hours import Mark
from qlikops.presentation.pictures.lag import Lag
from qlikops.presentation.tone import Spans, Tone, plain
from tests.unit.presentation.samples import NOW

MINUTE = timedelta(minutes=1)


def chart(*seconds: float | None, **more: object) -> Chart:
    """A poll a minute, the last one now."""
    found = tuple(Lag(NOW - (len(seconds) - 1 - index) * MINUTE, each) for index, each in enumerate(seconds))
    return replace(Chart(found, NOW), **more)  # type: ignore[arg-type]


def texts(lines: list[Spans]) -> list[str]:
    return [plain(each) for each in lines]


STORY = chart(
    *[20.0] * 20,
    *[60.0 * minute for minute in range(1, 20)],
    *[1140.0 - 60 * minute for minute in range(9)],
    limit=600,
    current=(NOW + 2 * MINUTE, NOW + 4 * MINUTE),
    marks=(Mark(NOW - 28 * MINUTE, "✗", Tone.DANGER, "broke"), Mark(NOW - 9 * MINUTE, "◐", Tone.NEUTRAL, "came up")),
)


@pytest.mark.parametrize(("width", "rows"), [(75, 5), (79, 8), (115, 12)])
def test_every_line_is_as_wide_as_asked_for(width: int, rows: int) -> None:
    lines = texts(draw(STORY, width, rows))
    assert len(lines) == rows + 2
    assert {len(line) for line in lines} == {width}
    *plot, axis, words = lines
    assert any("promised: 10m" in line for line in plot)
    assert any("░" in line for line in plot)
    for sign, word in (("✗", "broke"), ("◐", "came up"), ("│", "now")):
        assert abs(axis.index(sign) - words.index(word)) <= len(word)
    assert axis.index("✗") < axis.index("◐") < axis.index("│")


def test_only_what_is_above_the_promise_is_amber() -> None:
    spans = [span for line in draw(STORY, 79, 8)[:8] for span in line if set(span.text) & set("▁▂▃▄▅▆▇█")]
    assert {span.tone for span in spans} == {Tone.WARNING, Tone.MUTED}
    kept = draw(replace(STORY, limit=7200), 79, 8)
    assert Tone.WARNING not in {span.tone for line in kept for span in line}
    # Far above all that was, the promise would press it flat.
    assert not any("promised" in line for line in texts(kept))


def test_its_rows_count_what_fits_what_is_shown() -> None:
    assert [chart(5, top).unit for top in (100, 3000, 20_000)] == ["seconds", "minutes", "hours"]
    numbers = [line[:GUTTER].strip() for line in texts(draw(STORY, 79, 8))]
    assert [number for number in numbers if number] == ["15", "10", "5"]


def test_a_value_of_zero_is_seen_and_what_is_not_known_is_left_out() -> None:
    *_, lowest, _, _ = texts(draw(chart(0, 0, None, None, 0, 0), 45, 4))
    assert lowest[GUTTER:].strip().count("▁") == len(lowest[GUTTER:].replace(" ", ""))
    assert " " in lowest[GUTTER:].strip()


@pytest.mark.parametrize("nothing", [chart(), chart(None, None), chart(5), chart(None, 5)])
def test_nothing_is_drawn_of_nothing(nothing: Chart) -> None:
    assert draw(nothing, 79, 8) == []


def test_without_room_nothing_is_drawn() -> None:
    assert draw(STORY, 12, 8) == []


def test_while_it_is_down_it_grows_to_now() -> None:
    down = Chart((Lag(NOW - 10 * MINUTE, 0), Lag(NOW - 5 * MINUTE, 300, is_down=True)), NOW)
    *plot, _, _ = texts(draw(down, 45, 4))
    assert plot[0].rstrip()[-1] in "▁▂▃▄▅▆▇█"
    assert plot[0].strip(" 0123456789▁▂▃▄▅▆▇█") == ""
