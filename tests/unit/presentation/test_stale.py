"""Targets that are out of freshness, in lines."""

from __future__ import annotations

from datetime import timedelta

from qlikops.domain.fleet.freshness import Freshness, StaleTask, StaleTime
from qlikops.presentation.stale import lines, spans, time_out
from tests.unit.domain.samples import KEY, NOON

HOUR = timedelta(hours=1)
CATCHES_UP = Freshness("gold", 900, NOON - HOUR, NOON + HOUR, NOON + 2 * HOUR)


def said(freshness: Freshness) -> str:
    return "".join(span.text for span in spans(freshness, NOON))


def test_since_when_and_when_it_is_fresh_again() -> None:
    words = said(CATCHES_UP)
    assert words.startswith("gold allows 15m")
    assert ": out of it since " in words
    assert words.endswith(f"; fresh again {CATCHES_UP.forecast}")


def test_nothing_is_said_of_when_if_that_cannot_be_said() -> None:
    assert "fresh again" not in said(Freshness("gold", 900, NOON - HOUR))


def test_one_that_is_kept_says_until_when() -> None:
    assert ": kept, until about " in said(Freshness("gold", 900, NOON + HOUR))


def test_the_first_few_are_named_and_the_others_counted() -> None:
    found = list(lines([StaleTask(KEY, CATCHES_UP)] * 5, NOON))
    assert [each.label for each in found] == ["5 stale", "", "", ""]
    assert found[-1].text == "and 2 more"


def test_how_long_each_limit_was_broken() -> None:
    found = [(each.label, each.text) for each in time_out([StaleTime("gold", 600, 2), StaleTime("x", 9, 1)])]
    assert found == [
        ("gold", "10 min out of freshness, 2 tasks"),
        ("x", "less than a minute out of freshness, 1 task"),
    ]
