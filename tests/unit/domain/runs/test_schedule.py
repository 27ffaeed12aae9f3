"""When the schedule runs, and when its next run comes: paused, ended and all that."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from qlikops.domain.runs.schedule import Schedule
from tests.unit.domain.samples import NOON

MINUTE = timedelta(minutes=1)
RATE = Schedule("monitor", "rate(5 minutes)", "UTC", enabled=True, target_arn="arn")
HOURLY = "cron(0 * * * ? *)"


@pytest.mark.parametrize(
    ("change", "runs", "upcoming"),
    [
        ({}, True, NOON + 3 * MINUTE),
        ({"enabled": False}, False, None),
        ({"has_ended": True}, False, None),
        # EventBridge counts a rate from its start, so the end of a pause is a run; a cron keeps its own times.
        ({"paused_until": NOON + 30 * MINUTE}, False, NOON + 30 * MINUTE),
        ({"paused_until": NOON + 30 * MINUTE, "expression": HOURLY}, False, NOON + 60 * MINUTE),
        ({"expression": HOURLY, "timezone": "Asia/Kolkata"}, True, NOON + 30 * MINUTE),
        ({"ends_at": NOON + 4 * MINUTE}, True, NOON + 3 * MINUTE),
        ({"ends_at": NOON + 3 * MINUTE}, True, None),
        ({"ends_at": NOON + 10 * MINUTE, "paused_until": NOON + 30 * MINUTE}, False, None),
        ({"expression": "every now and then"}, True, None),
    ],
    ids=str,
)
def test_whether_it_runs_and_when_next(change: dict[str, Any], runs: bool, upcoming: datetime | None) -> None:
    schedule = replace(RATE, **change)
    assert schedule.runs is runs
    assert schedule.upcoming(NOON, NOON - 2 * MINUTE) == upcoming
