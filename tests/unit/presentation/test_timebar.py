from __future__ import annotations

from datetime import timedelta

import pytest

from qlikops.presentation import timebar
from qlikops.presentation.tone import Tone, plain
from tests.unit.presentation.samples import NOW


@pytest.mark.parametrize(
    ("answer", "log", "drawn"),
    [
        (34, 320, "━━━━━━╸·····✗·····"),
        (44, 24 * 60, "━━━━━━━╸·········✗"),
        (54, -5, "✗━━━━━━━··········"),
        (14, 3 * 24 * 60, "━━━━·············→"),
        (19, None, "━━━━━·············"),
        (1, None, "╸·················"),
        (0, None, "··················"),
        (None, 15, "····✗·············"),
        (60, 15, "━━━━✗━━━··········"),
        (5 * 24 * 60, None, "━━━━━━━━━━━━━━━━━━"),
    ],
)
def test_a_bar(answer: float | None, log: float | None, drawn: str) -> None:
    answer_by, log_until = (None if each is None else NOW + timedelta(minutes=each) for each in (answer, log))
    found = timebar.bar(answer_by, log_until, NOW)
    assert found.text == drawn
    assert "".join(part.text for part in found.parts) == drawn
    assert len(drawn) == timebar.cells() == len(timebar.axis())


def test_what_is_soon_is_amber_and_the_end_of_the_log_red() -> None:
    tones = [part.tone for part in timebar.bar(NOW + timedelta(minutes=14), NOW + timedelta(hours=2), NOW).parts]
    assert tones == [Tone.WARNING, Tone.LINE, Tone.DANGER, Tone.LINE]
    assert timebar.bar(NOW + timedelta(minutes=15), None, NOW).parts[0].tone is Tone.INFO


@pytest.mark.parametrize("step", [4, 9, 14])
def test_the_axis_has_its_ticks_where_bars_end(step: int) -> None:
    axis = timebar.axis(step)
    for tick, minutes in (("15m", 15), ("1h", 60), ("4h", 240)):
        drawn = timebar.bar(None, NOW + timedelta(minutes=minutes), NOW, step).text
        assert axis.index(tick) == drawn.index("✗")
    assert axis.endswith("1d")


def test_in_a_record_both_times_are_said_where_they_are() -> None:
    axis, drawn, words = map(
        plain, timebar.lines(NOW + timedelta(minutes=34), NOW + timedelta(minutes=320), NOW, step=10)
    )
    assert axis.startswith("now       15m       1h        4h")
    assert words.index("log gone") > drawn.index("✗") == words.index("16:40 UTC")
    assert words.lstrip().startswith("answer by 11:54 UTC")


def test_times_that_are_close_do_not_run_into_each_other() -> None:
    _, _, words = timebar.lines(NOW + timedelta(minutes=2), NOW + timedelta(minutes=3), NOW, step=4)
    assert plain(words) == "answer by 11:22 UTC  11:23 UTC log gone"
    _, _, words = timebar.lines(None, NOW - timedelta(minutes=3), NOW, step=4)
    assert plain(words) == "log gone since 11:17 UTC"
    assert timebar.lines(None, None, NOW, step=4)[2] == ()
