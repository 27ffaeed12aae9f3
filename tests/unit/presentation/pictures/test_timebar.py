from __future__ import annotations

from datetime import timedelta

import pytest

from qlikops.presentation.pictures import timebar
from qlikops.presentation.tone import Tone
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
