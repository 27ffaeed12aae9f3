"""What is said of restarts that lasted, fell over, or of which it cannot be said."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from qlikops.domain.proposals.lasting import (
    AFTERMATH_TASKS,
    Aftermath,
    Fall,
    FellOver,
    Followed,
    Lasting,
    Streak,
    TaskLasting,
    backoff,
    minutes,
    ordinal,
)
from tests.unit.domain.samples import KEY, NOON

MINUTE = timedelta(minutes=1)


def of_task(result: Lasting, seconds: int = 420, detail: str = "") -> TaskLasting:
    return TaskLasting(KEY, result, seconds, NOON, detail)


@pytest.mark.parametrize(
    ("lasting", "words"),
    [
        (of_task(Lasting.LASTED, 3600), "lasted 60 min"),
        (of_task(Lasting.FELL_OVER), "fell over after 7 min"),
        (of_task(Lasting.FELL_OVER, 40), "fell over after 40s"),
        (of_task(Lasting.UNCLEAR, detail="it was stopped"), "whether it lasted cannot be said (it was stopped)"),
        (of_task(Lasting.UNCLEAR), "whether it lasted cannot be said"),
    ],
)
def test_what_became_of_a_task(lasting: TaskLasting, words: str) -> None:
    assert lasting.words() == words


@pytest.mark.parametrize(
    ("aftermath", "words"),
    [
        (Aftermath(1), ""),
        (Aftermath(1, up_seconds=900), "still up after 15 min"),
        (Aftermath(1, lasted=1, up_seconds=900), "lasted"),
        (Aftermath(1).with_results([of_task(Lasting.FELL_OVER)]), "fell over after 7 min"),
        (Aftermath(12), ""),
        (Aftermath(12, lasted=9, fell_over=3), "came up 12: 9 lasted, 3 fell over"),
        (Aftermath(1200, lasted=1199, unclear=1), "came up 1,200: 1,199 lasted, 1 cannot be said"),
        (Aftermath(12, fell_over=2, up_seconds=900), "came up 12: 2 fell over, 10 still up after 15 min"),
    ],
)
def test_what_became_of_a_restart(aftermath: Aftermath, words: str) -> None:
    assert aftermath.words() == words


def test_of_a_large_group_the_first_are_named_and_all_are_counted() -> None:
    found = Aftermath(300).with_results([of_task(Lasting.FELL_OVER)] * 200 + [of_task(Lasting.LASTED)] * 100)
    assert (found.fell_over, found.lasted, len(found.not_lasted)) == (200, 100, AFTERMATH_TASKS)
    assert found.is_over


def test_what_one_run_found_out() -> None:
    fell = of_task(Lasting.FELL_OVER)
    alone = FellOver("0123456789ab", str(KEY), (fell,), 1)
    group = FellOver("ba9876543210", "8 tasks: source X", (fell,) * 8, 8)
    assert alone.words() == "fell over after 7 min"
    assert replace(group, tasks=(fell,), count=1).words() == "sales-orders fell over after 7 min"
    assert group.words() == "8 tasks fell over: " + ", ".join(["sales-orders after 7 min"] * 5) + " and 3 more"
    assert Followed(9, 1, (alone, group)).words() == "of 19 that came up, 9 lasted, 9 fell over, 1 cannot be said"
    assert Followed().words() == ""


def streak(*ups: int) -> Streak:
    return Streak(tuple(Fall(NOON - timedelta(hours=1), seconds, NOON) for seconds in ups))


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (streak(1860), "2nd time in 24 h, up 31 min"),
        (streak(1860, 1900, 1830, 1870, 1850), "6th time in 24 h, up 31 min each time"),
        (streak(420, 1860), "3rd time in 24 h, up 7 to 31 min"),
        (streak(0, 200), "3rd time in 24 h, up 0 to 3 min"),
        (streak(45, 1000), "3rd time in 24 h, up 45s to 17 min"),
        (streak(400, 7300), "3rd time in 24 h, up 7 min to 2h01m"),
        (streak(3000, 3600), "3rd time in 24 h, up 55 min each time"),
        (streak(0, 0), "3rd time in 24 h, not up once"),
    ],
)
def test_a_streak_says_how_often_and_how_long_it_was_up(found: Streak, words: str) -> None:
    assert found.words() == words


def test_a_streak_names_each_restart_the_newest_first() -> None:
    assert streak(0, 420).history() == "11:00 UTC, fell over after 7 min; 11:00 UTC, failed again at once"
    assert not Streak()


def test_the_back_off_grows_up_to_the_longest() -> None:
    waits = [backoff(falls, timedelta(hours=1)) // MINUTE for falls in range(10)]
    assert waits == [0, 2, 6, 12, 20, 30, 42, 56, 60, 60]
    assert backoff(5, timedelta()) == timedelta()


def test_numbers_as_people_say_them() -> None:
    said = ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th"]
    assert [ordinal(number) for number in (1, 2, 3, 4, 11, 12, 13, 21, 112)] == said
    assert [minutes(seconds) for seconds in (42, 60, 420, 7140, 7500)] == ["42s", "1 min", "7 min", "119 min", "2h05m"]
