"""Stories of the schedule: where it stands, paused and resumed after one question, and when that is not to be had."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from qlikops.domain.errors import Offline
from tests.fakes import SCHEDULE
from tests.unit.presentation import samples
from tests.unit.presentation.samples import NOW
from tests.unit.tui.conftest import Started, flat_text, no_longer_sees, sees, wait_until
from tests.unit.tui.fakes import Clock, FakeEnvironment

SIZES = [(80, 24), (120, 36)]


@pytest.fixture
def environment() -> FakeEnvironment:
    return FakeEnvironment.waiting_for(samples.approval())


@pytest.mark.parametrize("size", SIZES)
async def test_paused_for_a_while_and_resumed(
    started: Started, environment: FakeEnvironment, size: tuple[int, int]
) -> None:
    async with started(environment, size=size) as pilot:
        await pilot.press("5")
        await sees(pilot, "every 5 minutes", "rate(5 minutes)", "▶ on", "about 2026-03-07 11:23:00 UTC", "--remove")
        assert "Resume" not in flat_text(pilot)
        await pilot.press("p")
        await sees(pilot, "UpdateSchedule", "2026-03-07 12:20:00 UTC, 1h00m from now", "no run looks at Qlik")
        assert environment.schedules.asked == []
        await pilot.press("enter")
        await sees(pilot, "■ PAUSED until 2026-03-07 12:20:00 UTC", "u Resume")
        await pilot.press("u")
        await sees(pilot, "2026-03-07 12:20:00 UTC -> none")
        await pilot.press("enter")
        await sees(pilot, "▶ on")
        assert environment.schedules.asked == ["pause 1:00:00", "resume"]


async def test_until_somebody_resumes_it(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment) as pilot:
        await pilot.press("5")
        await sees(pilot, "every 5 minutes")
        await pilot.press("p")
        await sees(pilot, "Pause the schedule")
        await pilot.press("up", "enter", "end", "enter")
        await sees(pilot, "ENABLED -> DISABLED", "until a person resumes it")
        await pilot.press("tab", "enter")
        await sees(pilot, "■ PAUSED until a person resumes it", "none: it is paused")
        await no_longer_sees(pilot, "p Pause")


async def test_cancelled_nothing_is_sent(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment) as pilot:
        await pilot.press("5")
        await sees(pilot, "every 5 minutes")
        await pilot.press("p")
        await sees(pilot, "Pause the schedule")
        await pilot.press("escape")
        await no_longer_sees(pilot, "Pause the schedule")
        assert environment.schedules.asked == []


async def test_a_read_only_console_has_no_such_keys(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment, read_only=True) as pilot:
        await pilot.press("5")
        await sees(pilot, "every 5 minutes")
        assert "p Pause" not in flat_text(pilot)
        await pilot.press("p")
        await pilot.pause()
        assert "Pause the schedule" not in flat_text(pilot)


async def test_stale_data_locks_it_in_the_dialog_too(started: Started, environment: FakeEnvironment) -> None:
    clock = Clock()
    async with started(environment, clock=clock) as pilot:
        await pilot.press("5")
        await sees(pilot, "every 5 minutes", "live")
        await pilot.press("p")
        await sees(pilot, "Pause the schedule")
        clock.advance(60)
        await sees(pilot, "Locked: the data is not live")
        await pilot.press("enter", "escape")
        await no_longer_sees(pilot, "Pause the schedule")
        await pilot.press("p")
        await pilot.pause()
        assert "Pause the schedule" not in flat_text(pilot)
        assert environment.schedules.asked == []


async def test_a_failed_change_is_not_said_to_be_done(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment) as pilot:
        await pilot.press("5")
        await sees(pilot, "every 5 minutes")
        environment.schedules.fails = Offline("connection reset")
        # It was done all the same: only the reply was lost.
        environment.schedules.schedule = replace(SCHEDULE, paused_until=NOW + timedelta(hours=1))
        await pilot.press("p")
        await sees(pilot, "Pause the schedule")
        await pilot.press("enter")
        await sees(
            pilot,
            "Perhaps changed; what is shown is read anew",
            "connection reset",
            "■ PAUSED until 2026-03-07 12:20:00 UTC",
        )


async def test_without_a_schedule_it_says_how_to_set_one(started: Started, environment: FakeEnvironment) -> None:
    environment.schedules.schedule = None
    async with started(environment) as pilot:
        await pilot.press("5")
        await sees(pilot, "There is no schedule", "qlikops schedule --rate")
        await wait_until(pilot, lambda: "p Pause" not in flat_text(pilot))
