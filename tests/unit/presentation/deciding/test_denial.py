"""What a denial leaves behind: the tasks as they are, and when somebody is asked again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from qlikops.domain.fleet.point_of_no_return import PointOfNoReturn
from qlikops.domain.fleet.task import StopReason, TaskFacts, TaskState
from qlikops.domain.gathered.latest import Latest
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskSnapshot
from qlikops.presentation.deciding import denial
from qlikops.presentation.tone import plain
from tests.unit.presentation.samples import NOW, proposal

ONE = proposal()
KEY = ONE.targets[0].key
RUNS = TaskSnapshot(TaskFacts(KEY, TaskState.RUNNING, StopReason.NONE))


def poll(*tasks: TaskSnapshot) -> Latest:
    return Latest.of(FleetSnapshot(NOW - timedelta(seconds=12), "run-2", (), tasks), ONE)


@pytest.mark.parametrize(
    ("latest", "now", "stays"),
    [
        (poll(RUNS), NOW, "1 task as now: RUNNING, seen 12s ago"),
        (poll(), NOW, "1 task as proposed: 1 ERROR; not seen since"),
        (None, NOW, "1 task as proposed: 1 ERROR; what the last poll says has not been read"),
        (None, None, "1 task as proposed: 1 ERROR"),
    ],
)
def test_the_tasks_stay_as_the_last_poll_saw_them(latest: Latest | None, now: datetime | None, stays: str) -> None:
    line = denial.stays([ONE], latest, now)
    assert (line.label, line.text) == ("Stays", stays)


def test_of_several_the_states_are_counted_and_a_snooze_says_how_long() -> None:
    stalled = replace(ONE, targets=(replace(ONE.targets[0], state=TaskState.RUNNING), *ONE.targets))
    assert denial.stays([ONE, stalled], None).text == "3 tasks as proposed: 2 ERROR, 1 RUNNING"
    (then,) = denial.then([ONE, stalled], timedelta(hours=4), NOW)
    assert then.text == "muted for 4h00m, until 15:20 UTC; if still broken, asked again"
    (then,) = denial.then([ONE], None, NOW)
    assert "the usual cooldown" in then.text


def test_how_bad_it_is_to_do_nothing_is_said_in_a_few_words() -> None:
    assert plain(denial.brief(ONE)) == "■ critical connection lost"


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (None, ["if it is still broken", "12:20 UTC", "15:20 UTC", "tomorrow 08:00 UTC", "tomorrow 11:20 UTC"]),
        (
            2 * 3600,
            [
                "if it is still broken",
                "12:20 UTC, 1h00m before the log is gone",
                *(["✗ after the log is gone: only a reload"] * 3),
            ],
        ),
        (-60, ["✗ after the log is gone: only a reload"] * 5),
    ],
)
def test_each_time_to_be_asked_again_is_set_against_the_end_of_the_log(kept: int | None, said: list[str]) -> None:
    point = PointOfNoReturn("ORA", NOW, kept)
    rows = list(denial.asked_again([ONE, replace(ONE, point_of_no_return=point)], NOW, UTC))
    assert [plain(row)[24:].strip() for row in rows] == said
    assert [plain(row).split("  ")[0] for row in rows][:2] == ["after the usual cooldown", "in 1 hour"]


@pytest.mark.parametrize(
    ("zone", "now", "words", "at"),
    [
        ("Europe/Berlin", "2026-03-07T05:00Z", "until 08:00 CET", "2026-03-07T07:00Z"),
        ("Europe/Berlin", "2026-03-07T07:00Z", "until tomorrow 08:00 CET", "2026-03-08T07:00Z"),
        ("Europe/Berlin", "2026-03-28T20:00Z", "until tomorrow 08:00 CEST", "2026-03-29T06:00Z"),
        ("America/Sao_Paulo", "2026-03-07T05:00Z", "until 08:00 UTC-03:00", "2026-03-07T11:00Z"),
    ],
)
def test_the_morning_is_the_next_one_by_the_clock_of_who_denies(zone: str, now: str, words: str, at: str) -> None:
    moment = datetime.fromisoformat(now)
    (morning,) = (each for each in denial.times(moment, ZoneInfo(zone)) if each.words.startswith("until"))
    assert morning.words == words
    assert moment + (morning.quiet or timedelta()) == datetime.fromisoformat(at)


@pytest.mark.parametrize("zone", ["UTC", "America/Sao_Paulo"])
def test_when_each_ends_stands_below_the_others_however_long_a_zone_is_called(zone: str) -> None:
    offered = denial.times(NOW, ZoneInfo(zone))
    rows = [plain(row) for row in denial.asked_again([ONE], NOW, ZoneInfo(zone))]
    begins = max(len(each.words) for each in offered) + 2
    assert all(row[:begins].rstrip() == each.words for row, each in zip(rows, offered, strict=True))


@pytest.mark.parametrize(
    ("now", "at"),
    [
        ("2026-10-25T00:15Z", "2026-10-25T00:30Z"),
        ("2026-10-25T00:45Z", "2026-10-25T01:30Z"),
        ("2026-10-25T01:30Z", "2026-10-26T01:30Z"),
        ("2026-03-29T00:15Z", "2026-03-30T00:30Z"),
    ],
)
def test_a_time_that_the_clock_shows_twice_or_not_at_all_that_day_is_the_next_that_it_shows(now: str, at: str) -> None:
    found = denial.next_at(time(2, 30), datetime.fromisoformat(now), ZoneInfo("Europe/Berlin"))
    assert (found.astimezone(UTC), found.time()) == (datetime.fromisoformat(at), time(2, 30))


def test_without_a_zone_it_is_by_this_computers_clock() -> None:
    at = denial.next_at(time(8), NOW)
    assert NOW < at <= NOW + timedelta(hours=25)
    assert f"{at.astimezone():%H:%M}" == "08:00"
