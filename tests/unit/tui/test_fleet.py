"""Stories of the fleet: filter, sort, the row under the cursor, one task in full, a snapshot that grows old."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from textual.pilot import Pilot

from qlikops.domain.errors import NotFound, Offline
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.proposals.mute import Mute, MuteReason
from qlikops.domain.runs.snapshot import Sample, TaskProgress
from qlikops.presentation.lists.folding import PREFIX
from qlikops.tui.widgets.table import KeyedTable
from tests.unit.presentation import samples
from tests.unit.presentation.samples import NOW
from tests.unit.tui.conftest import Started, flat_text, no_longer_sees, sees, wait_until
from tests.unit.tui.fakes import Clock, FakeEnvironment

SIZES = [(80, 24), (120, 36), (200, 50)]


@pytest.fixture
def environment() -> FakeEnvironment:
    found = FakeEnvironment.waiting_for(samples.approval())
    billing, orders, stock = found.snapshot.tasks
    memory = TaskProgress(
        samples=tuple(Sample(NOW - timedelta(minutes=5 * n), 1, 700) for n in range(3, 0, -1)),
        restarted_at=NOW - timedelta(minutes=12),
        quiet=Mute(MuteReason.SNOOZED, NOW + timedelta(hours=2), "anna"),
    )
    found.snapshot = replace(found.snapshot, tasks=(billing, orders, replace(stock, memory=memory)))
    return found


def cursor(pilot: Pilot[int]) -> str | None:
    return pilot.app.screen.query_one("#fleet", KeyedTable).chosen


@pytest.mark.parametrize("size", SIZES)
async def test_what_is_wrong_comes_first(started: Started, environment: FakeEnvironment, size: tuple[int, int]) -> None:
    async with started(environment, size=size) as pilot:
        await pilot.press("3")
        await sees(
            pilot,
            "2 servers",
            "server is down (connection refused)",
            "failed, a res",
            "billing",
            "3 tasks, worst",
        )
        text = flat_text(pilot)
        assert text.index("sales-orders") < text.index("billing")
        assert ("▆▆▆" in text) is (size[0] > 80)
        assert "snoozed 2h00m more" in text
        if size[0] == 200:
            assert "12m ago" in text
            assert "snoozed 2h00m more by anna" in text


@pytest.mark.parametrize("size", SIZES)
async def test_a_filter_is_counted_and_left_and_taken_away(
    started: Started, environment: FakeEnvironment, size: tuple[int, int]
) -> None:
    async with started(environment, size=size) as pilot:
        await pilot.press("3")
        await sees(pilot, "billing")
        await pilot.press("slash", *"!state:running")
        await sees(pilot, "2 of 3 tasks")
        await no_longer_sees(pilot, "billing")
        await pilot.press("enter", "down")
        await wait_until(pilot, lambda: cursor(pilot) == "default/replicate-eu-1/stock")
        await pilot.press("slash", *" who:")
        await sees(pilot, "There is no key who", "billing")
        await pilot.press("escape")
        await no_longer_sees(pilot, "There is no key who")
        assert cursor(pilot) == "default/replicate-eu-1/stock"
        await sees(pilot, "3 tasks, worst first")


async def test_the_cursor_stays_on_its_task_through_sorting_and_refreshing(
    started: Started, environment: FakeEnvironment
) -> None:
    async with started(environment) as pilot:
        await pilot.press("3")
        await sees(pilot, "billing")
        await pilot.press("down", "down", "s")
        await sees(pilot, "by name")
        assert cursor(pilot) == "default/replicate-eu-1/billing"
        new = replace(environment.snapshot.tasks[0])
        facts = replace(new.facts, key=TaskKey("default", "a", "aaa"))
        environment.snapshot = replace(
            environment.snapshot, tasks=(replace(new, facts=facts), *environment.snapshot.tasks)
        )
        await pilot.press("r")
        await sees(pilot, "aaa")
        assert cursor(pilot) == "default/replicate-eu-1/billing"


@pytest.mark.parametrize("size", SIZES)
async def test_enter_opens_a_task_with_its_history(
    started: Started, environment: FakeEnvironment, size: tuple[int, int]
) -> None:
    async with started(environment, size=size) as pilot:
        await pilot.press("3")
        await sees(pilot, "billing")
        await pilot.press("enter")
        await sees(pilot, "replicate-eu-1/sales-orders", "FATAL_TRANSIENT", "wrong", "Earlier on this task", "bob")
        await pilot.press("escape")
        await sees(pilot, "3 tasks, worst first")


async def test_a_fleet_that_nobody_looks_at_any_more_says_so(started: Started, environment: FakeEnvironment) -> None:
    clock = Clock()
    async with started(environment, clock=clock) as pilot:
        await pilot.press("3")
        await sees(pilot, "as of 11:19:20 UTC")
        clock.advance(3600)
        environment.error = Offline("no route to host")
        await pilot.press("r")
        await sees(pilot, "STALE: no run has looked since", "no route to host", "billing")


async def test_what_says_the_same_is_one_row_that_enter_a_filter_and_f_unfold(started: Started) -> None:
    environment = FakeEnvironment.waiting_for(samples.approval())
    well = environment.snapshot.tasks[0]
    more = [replace(well, facts=replace(well.facts, key=replace(well.facts.key, task=f"well{n}"))) for n in range(4)]
    environment.snapshot = replace(environment.snapshot, tasks=(*environment.snapshot.tasks, *more))
    async with started(environment, size=(120, 36)) as pilot:
        await pilot.press("3")
        await sees(pilot, "run well")
        assert "well1" not in flat_text(pilot)
        await pilot.press("slash", *"well1")
        await sees(pilot, "1 of 7 tasks")
        await pilot.press("enter", "down")
        await wait_until(pilot, lambda: (cursor(pilot) or "").endswith("/well1"))
        chosen = cursor(pilot)
        await pilot.press("escape")
        await sees(pilot, "7 tasks, worst first", "run well")
        assert cursor(pilot) == chosen
        await pilot.press("f")
        await sees(pilot, "well0", "well3")
        await pilot.press("f", "end")
        await sees(pilot, "run well")
        while not (cursor(pilot) or "").startswith(PREFIX):
            await pilot.press("up")
        await pilot.press("enter")
        await sees(pilot, "well0", "well3")
        assert (cursor(pilot) or PREFIX).startswith("default/")


async def test_a_fleet_before_the_first_run_says_so(started: Started) -> None:
    environment = FakeEnvironment(error=NotFound("no run has written a snapshot yet"))
    async with started(environment) as pilot:
        await pilot.press("3")
        await sees(pilot, "no run has written a snapshot yet")
