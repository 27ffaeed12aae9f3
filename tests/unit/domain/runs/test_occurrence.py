"""When a schedule fires next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from qlikops.domain.runs.occurrence import next_run


@pytest.mark.parametrize(
    ("expression", "timezone", "expected"),
    [
        ("rate(5 minutes)", "UTC", "2026-03-07T12:03"),
        ("cron(0/10 6-20 ? * MON-FRI *)", "UTC", "2026-03-09T06:00"),
        ("cron(30 9 * * ? *)", "UTC", "2026-03-08T09:30"),
        ("cron(15,45 12 * * ? *)", "UTC", "2026-03-07T12:15"),
        ("cron(0 6 1 JAN ? 2027)", "UTC", "2027-01-01T06:00"),
        ("cron(0 13 ? * 7 *)", "UTC", "2026-03-07T13:00"),
        ("cron(0 14 * * ? *)", "Europe/Berlin", "2026-03-07T13:00"),
        ("cron(0 6 L * ? *)", "UTC", "2026-03-31T06:00"),
        ("cron(0 6 L-3 * ? *)", "UTC", "2026-03-28T06:00"),
        ("cron(0 6 LW 5 ? *)", "UTC", "2026-05-29T06:00"),
        ("cron(0 6 15W * ? *)", "UTC", "2026-03-16T06:00"),
        ("cron(0 6 14W * ? *)", "UTC", "2026-03-13T06:00"),
        ("cron(0 6 1W 8 ? *)", "UTC", "2026-08-03T06:00"),
        ("cron(0 6 31W 5 ? *)", "UTC", "2026-05-29T06:00"),
        ("cron(0 6 ? * 2#1 *)", "UTC", "2026-04-06T06:00"),
        ("cron(0 6 ? * TUE#5 *)", "UTC", "2026-03-31T06:00"),
        ("cron(0 6 ? * 6L *)", "UTC", "2026-03-27T06:00"),
        ("cron(0 6 ? * FRIL *)", "UTC", "2026-03-27T06:00"),
        ("cron(0 6 ? * L *)", "UTC", "2026-03-14T06:00"),
        ("cron(0 6 1,L * ? *)", "UTC", "2026-03-31T06:00"),
        ("cron(0 6 ? * FRI-MON *)", "UTC", "2026-03-08T06:00"),
        ("cron(0 22-2 ? * * *)", "UTC", "2026-03-07T22:00"),
        ("cron(0 6 29 2 ? *)", "UTC", "2028-02-29T06:00"),
        ("cron(0 6 1 1 ? 2199)", "UTC", "2199-01-01T06:00"),
        # 02:30 does not exist on 29 March in Berlin, and comes twice on 25 October.
        ("cron(30 2 29 3 ? 2026-2027)", "Europe/Berlin", "2027-03-29T00:30"),
        ("cron(30 2 25 10 ? *)", "Europe/Berlin", "2026-10-25T00:30"),
        ("at(2026-03-08T09:00:00)", "Europe/Berlin", "2026-03-08T08:00"),
    ],
)
def test_the_next_run(expression: str, timezone: str, expected: str) -> None:
    noon = datetime(2026, 3, 7, 12, tzinfo=UTC)  # a Saturday
    found = next_run(expression, timezone, noon, noon - timedelta(minutes=2))
    assert found is not None
    assert f"{found:%Y-%m-%dT%H:%M}" == expected


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 0 1 1 ? 1999)",
        "cron(0 0 30 2 ? *)",
        "cron(0 6 31W 4 ? *)",
        "cron(0 0 x * ? *)",
        "cron(60 0 * * ? *)",
        "cron(0 20-24 * * ? *)",
        "cron(0/0 6 * * ? *)",
        "cron(0 6 * * ! *)",
        "cron(0 6)",
        "at(2026-03-07T00:00:00)",
        "at(x)",
        "rate(5 parsecs)",
    ],
)
def test_where_none_comes_any_more_none_is_said(expression: str) -> None:
    assert next_run(expression, "UTC", datetime(2026, 3, 7, tzinfo=UTC), None) is None


@pytest.mark.parametrize("timezone", ["Nowhere/Land", "", "../etc", "Europe"])
def test_in_a_zone_that_is_none_nothing_is_said(timezone: str) -> None:
    assert next_run("cron(0 6 * * ? *)", timezone, datetime(2026, 3, 7, tzinfo=UTC), None) is None


@pytest.mark.parametrize(("last", "minutes"), [(None, 5), (2, 3), (30, 0)])
def test_a_rate_counts_from_the_last_run_and_a_missed_one_is_due_now(last: int | None, minutes: int) -> None:
    now = datetime(2026, 3, 7, tzinfo=UTC)
    before = None if last is None else now - timedelta(minutes=last)
    assert next_run("rate(5 minutes)", "UTC", now, before) == now + timedelta(minutes=minutes)
