"""When a target is fresh again: forecasts held against what came of them, and what is said where nothing can be."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from qlikops.domain.fleet.freshness import Freshness, StaleTime, catching_up, stale_time, together
from qlikops.domain.runs.snapshot import Sample

NOW = datetime(2026, 3, 7, 3, 0, tzinfo=UTC)
LIMIT = timedelta(minutes=15)
POLL = 300
"""Seconds from poll to poll."""


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def samples(*latencies: int | None) -> list[Sample]:
    return [Sample(at(POLL * number), None, latency) for number, latency in enumerate(latencies)]


def test_an_even_speed_is_a_forecast_with_little_room() -> None:
    found = catching_up(samples(None, 7200, 6300, 5400), LIMIT)
    assert found is not None
    first, last = found
    # 900 s are caught up in a poll: 4,500 s are left, 1,500 s from the last poll.
    assert first < at(3 * POLL + 1500) < last
    assert last - first <= timedelta(seconds=301)


@pytest.mark.parametrize(
    "latencies",
    [
        (),
        (None, None, None),
        (None, 7200, 6300),
        (0, 7200, 6300),
        (None, 0, 7200, 6300),
        (7200, 6300, None, 5400, 4500),
        (7200, 7200, 7200, 7200),
        (None, 7200, 7300, 7400, 7500),
        (None, 7200, 5000, 5100, 5200),
        (None, 2000, 1000, 900),
    ],
)
def test_nothing_is_said_of_too_few_polls_or_of_what_does_not_catch_up(latencies: tuple[int | None, ...]) -> None:
    assert catching_up(samples(*latencies), LIMIT) is None


def test_a_speed_that_takes_for_ever_is_no_forecast() -> None:
    assert catching_up(samples(2**40, 2**40 - 1, 2**40 - 2), LIMIT) is None


Load = Callable[[float], float]
"""By the time in seconds, how many seconds of changes a task works off in a second beside those that come."""


def loads(seed: int) -> dict[str, Load]:
    """Loads as they change: slowly, by the hour, once for good, and in bursts that hold it back for ten minutes."""
    chance = random.Random(seed)  # noqa: S311 - loads, no secrets
    speed, phase, turn = chance.uniform(0.3, 4), chance.uniform(0, 6.3), chance.uniform(0.5, 1.8)
    steps = [chance.gauss(0, 0.05) for _ in range(10_000)]
    bursts = [chance.random() < 0.15 for _ in range(10_000)]

    def wandering(seconds: float) -> float:
        drift = sum(steps[: int(seconds // 60)])
        return speed * min(2.0, max(0.3, 1 + drift))

    return {
        "wanders": wandering,
        "by the hour": lambda seconds: speed * (1 + 0.5 * math.sin(seconds / 1800 + phase)),
        "turns once": lambda seconds: speed * (turn if seconds > 3600 / speed else 1),
        "in bursts": lambda seconds: speed * (0.2 if bursts[int(seconds // 600)] else 1),
    }


def caught_up(load: Load, down: float) -> list[float]:
    """How far behind a task is each minute after it was down for so long, until its target is fresh again."""
    behind = [down]
    while behind[-1] > LIMIT.total_seconds() and len(behind) < 3000:
        behind.append(behind[-1] - 60 * load(60.0 * len(behind)))
    return behind


def forecasts(load: Load, down: float) -> Iterator[tuple[float, float]]:
    """At each poll, how long it takes by the middle of the forecast, and how long it took."""
    behind = caught_up(load, down)
    seen = [Sample(at(-POLL), None, None)]
    for minute in range(0, len(behind) - 1, POLL // 60):
        seen.append(Sample(at(60 * minute), None, int(behind[minute])))
        took = 60.0 * (len(behind) - 1 - minute)
        if (found := catching_up(seen, LIMIT)) and took >= 2 * POLL:
            first, last = (moment - at(60 * minute) for moment in found)
            yield (first + last).total_seconds() / 2, took


def test_half_of_the_forecasts_are_within_30_percent_whatever_the_load_does() -> None:
    good, all_ = Counter[str](), Counter[str]()
    for seed in range(40):
        for name, load in loads(seed).items():
            for forecast, took in forecasts(load, down=1800 + 500 * seed):
                all_[name] += 1
                good[name] += abs(forecast - took) <= 0.3 * took
    assert min(all_.values()) > 300
    shares = {name: good[name] / number for name, number in all_.items()}
    assert good.total() >= 0.65 * all_.total(), shares
    assert min(shares.values()) >= 0.45, shares


GOLD = Freshness("gold", 900, NOW)


def test_since_when_and_until_when_in_words() -> None:
    assert GOLD.words(at(-60)) == (
        "gold allows 15m00s: the data is fresh enough until about 2026-03-07 03:00 UTC if nothing runs"
    )
    assert GOLD.words(at(60)) == "gold allows 15m00s: the data has been older since about 2026-03-07 03:00 UTC"
    catching = replace(GOLD, current_from=at(3000), current_by=at(6000))
    assert catching.words(at(60)).endswith("; fresh again between 03:50 and 04:40 UTC")


def test_time_out_of_freshness_counts_from_the_poll_before_or_from_when_it_began() -> None:
    found = [GOLD, replace(GOLD, stale_from=at(240)), replace(GOLD, stale_from=at(301)), Freshness("eu-1/a", 60, NOW)]
    first = stale_time(found, at(-300), at(300))
    assert first == (StaleTime("gold", 360, 2), StaleTime("eu-1/a", 300, 1))
    assert stale_time(found, at(300), at(600)) == (StaleTime("gold", 899, 3), StaleTime("eu-1/a", 300, 1))
    assert together([*first, StaleTime("eu-1/a", 400, 5)]) == (StaleTime("eu-1/a", 700, 5), StaleTime("gold", 360, 2))
