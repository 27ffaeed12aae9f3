"""Until when a resume is possible, in numbers and in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.domain.fleet.point_of_no_return import PointOfNoReturn, earliest
from tests.unit.domain.samples import NOON

HOUR = 3600
KNOWN = PointOfNoReturn("ORA-PROD", NOON, 24 * HOUR, tables=214, reload_seconds=6 * HOUR)


def test_known_it_says_everything() -> None:
    assert KNOWN.resume_until == NOON + timedelta(days=1)
    assert KNOWN.words == (
        "about 2026-03-08 12:00 UTC: the target is as of 2026-03-07 12:00 UTC, and ORA-PROD keeps 1d0h of log; "
        "after that only a reload of 214 tables, 6h00m last time"
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"retention_seconds": None}, "unknown: set log_retention for ORA-PROD"),
        ({"retention_seconds": None, "source": ""}, "unknown: its source endpoint is not known"),
        ({"position": None}, "unknown: no run has seen the task run, so how far its target is cannot be said"),
    ],
)
def test_unknown_it_says_what_to_do(changes: dict[str, Any], words: str) -> None:
    point = replace(KNOWN, **changes)
    assert (point.words, point.resume_until, point.brief(NOON), point.grounds) == (words, None, "", "")
    assert not point.is_near(NOON + timedelta(days=9))
    assert point.used(NOON + timedelta(days=9)) == 0
    assert not point.has_passed(NOON + timedelta(days=9))


@pytest.mark.parametrize(
    ("tables", "reload_seconds", "afterwards"),
    [
        (None, None, "only a reload"),
        (1, None, "only a reload of 1 table"),
        (None, 600, "only a reload, 10m00s last time"),
    ],
)
def test_what_is_not_known_of_a_reload_is_not_said(
    tables: int | None, reload_seconds: int | None, afterwards: str
) -> None:
    assert replace(KNOWN, tables=tables, reload_seconds=reload_seconds).afterwards == afterwards


@pytest.mark.parametrize(
    ("hours", "used", "is_near", "has_passed"),
    [(-1, 0, False, False), (17.9, 0.746, False, False), (18, 0.75, True, False), (24, 1, True, True)],
)
def test_it_is_near_from_the_last_quarter_on(hours: float, used: float, is_near: bool, has_passed: bool) -> None:
    now = NOON + timedelta(hours=hours)
    assert KNOWN.used(now) == pytest.approx(used, abs=0.001)
    assert (KNOWN.is_near(now), KNOWN.has_passed(now)) == (is_near, has_passed)
    assert KNOWN.brief(now).startswith("since about" if has_passed else "a resume is possible until about")


def test_of_a_short_retention_it_is_near_early_enough_to_act() -> None:
    short = replace(KNOWN, retention_seconds=2 * HOUR)
    assert not short.is_near(NOON + timedelta(minutes=29))
    assert short.is_near(NOON + timedelta(minutes=30))


def test_of_several_tasks_the_first_one_counts() -> None:
    later = replace(KNOWN, position=NOON + timedelta(hours=1), tables=6, reload_seconds=7 * HOUR)
    unset = replace(KNOWN, retention_seconds=None, source="ORA-HR", reload_seconds=None)
    found = earliest([later, KNOWN])
    assert found == replace(KNOWN, tables=220, reload_seconds=7 * HOUR)
    found = earliest([unset, later])
    assert found == replace(later, tables=220, unknown=1)
    assert found.words.endswith("; of 1 more tasks it is unknown")
    assert earliest([unset, unset]) == replace(unset, tables=428)
    assert earliest([KNOWN, replace(KNOWN, tables=None)]) == replace(KNOWN, tables=None)
    assert earliest([]) is None
