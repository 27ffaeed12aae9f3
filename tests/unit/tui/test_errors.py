"""Stories of looking up what went wrong a while ago."""

from __future__ import annotations

from qlikops.domain.errors import Offline, Throttled
from tests.unit.presentation import samples
from tests.unit.tui.conftest import Started, app_of, no_longer_sees, sees, wait_until
from tests.unit.tui.fakes import FakeEnvironment


async def test_the_last_errors_stay_to_be_read_after_they_have_passed(started: Started) -> None:
    environment = FakeEnvironment.waiting_for(samples.approval(samples.proposal(1)))
    async with started(environment) as pilot:
        await sees(pilot, "sales-orders: connection lost")
        await pilot.press("exclamation_mark")
        await sees(pilot, "Nothing has failed since the console started.")
        await pilot.press("escape")
        environment.error = Throttled("rate [bold]exceeded")
        await pilot.press("r")
        await sees(pilot, "THROTTLED")
        environment.error = Offline("no answer")
        await pilot.press("r")
        await sees(pilot, "OFFLINE")
        environment.error = None
        await pilot.press("r")
        await sees(pilot, "live, 0s old")
        await pilot.press("exclamation_mark")
        await sees(pilot, "Last errors", "Offline: no answer", "Throttled: rate [bold]exceeded", "11:20:00 UTC")
        await pilot.press("escape")
        await no_longer_sees(pilot, "Last errors")


async def test_an_error_that_repeats_itself_is_one_line(started: Started) -> None:
    environment = FakeEnvironment.waiting_for(samples.approval(samples.proposal(1)))
    environment.error = Offline("no answer")
    async with started(environment) as pilot:
        await sees(pilot, "OFFLINE")
        app = app_of(pilot)
        before = app.state.failures[0].times
        await pilot.press("r")
        await wait_until(pilot, lambda: app.state.failures[0].times > before)
        assert len(app.state.failures) == 1
        await pilot.press("exclamation_mark")
        await sees(pilot, "Last errors", "times in a row")


async def test_an_agent_of_an_earlier_version_is_said_once_with_what_to_do(started: Started) -> None:
    environment = FakeEnvironment.waiting_for(samples.approval(samples.proposal(1)))
    environment.agent_version = "0.0.9"
    async with started(environment) as pilot:
        await sees(pilot, "qlikops 0.0.9", "qlikops deploy")
        read = len(environment.reads)
        await pilot.press("r")
        await wait_until(pilot, lambda: len(environment.reads) > read)
        assert len(pilot.app._notifications) == 1
