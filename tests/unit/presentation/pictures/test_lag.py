"""How far behind a target is, also while nothing says so."""

from __future__ import annotations

from datetime import timedelta

import pytest

from qlikops.domain.runs.snapshot import Sample, TaskProgress
from qlikops.presentation.pictures.lag import at_moment, lags, spark
from tests.unit.presentation.samples import NOW

MINUTE = timedelta(minutes=1)


def progress(*seconds: int | None, position: float | None = None) -> TaskProgress:
    """A poll a minute, the last one now; `position` is minutes before the first of them."""
    samples = tuple(Sample(NOW - (len(seconds) - 1 - index) * MINUTE, 1, each) for index, each in enumerate(seconds))
    return TaskProgress(samples=samples, position=None if position is None else samples[0].at - position * MINUTE)


@pytest.mark.parametrize(
    ("memory", "behind"),
    [
        (progress(10, 20), [10, 20]),
        (progress(10, None, None), [10, 70, 130]),
        (progress(10, None, 0, 5), [10, 70, 130, 5]),
        (progress(10, 0, 0), [10, 0, 0]),
        (progress(None, None), [None, None]),
        (progress(None, None, position=5), [300, 360]),
        (progress(None, None, position=-5), [None, None]),
        (progress(), []),
    ],
)
def test_while_a_task_is_down_its_target_grows_old(memory: TaskProgress, behind: list[float | None]) -> None:
    assert [each.seconds for each in lags(memory)] == behind


def test_now_is_as_the_last_poll_saw_it_or_older() -> None:
    assert at_moment(lags(progress(10, 20)), NOW + MINUTE) == 20
    assert at_moment(lags(progress(10, None)), NOW + MINUTE) == 130
    assert at_moment(lags(progress(None)), NOW) is None
    assert at_moment((), NOW) is None


def test_the_spark_shows_the_highest_of_each_share_the_newest_on_the_right() -> None:
    found = lags(progress(None, None, 1, 1, 7000, 1, 1))
    assert spark(found, 1, 7) == "··▁▁▇▁▁"
    assert spark(found, 2, 5) == " ·▁▇▁"
    assert spark(found, 1, 3) == "▇▁▁"
    assert spark((), 1, 3) == "   "
    assert spark(lags(progress(0, 5, 15, 60, 180, 600, 1800, 7200)), 1, 8) == "▁▂▃▄▅▆▇█"
