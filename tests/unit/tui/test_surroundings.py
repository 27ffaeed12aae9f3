"""Stories of what surrounds a record that stays open: it is read again when it may be another, and not all the time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from qlikops.domain.errors import Throttled
from qlikops.domain.proposals.approval import EarlierResults
from qlikops.domain.proposals.evaluation import Verdict
from qlikops.domain.runs.snapshot import Sample
from qlikops.tui.widgets.review import Review
from tests.unit.presentation import samples
from tests.unit.tui.conftest import Started, app_of, no_longer_sees, sees, wait_until
from tests.unit.tui.fakes import Clock, FakeEnvironment

SIZE = (120, 50)
LOOKED = "track FATAL_TRANSIENT resume"


def record_of(denied: int) -> tuple[EarlierResults, ...]:
    return (EarlierResults("bedrock", Verdict.APPROVE, tried=41, recovered=38, denied=denied),)


@pytest.fixture
def environment() -> FakeEnvironment:
    found = FakeEnvironment.waiting_for(
        samples.approval(samples.proposal(1)), samples.approval(samples.proposal(2, tasks=("stock",)), minutes_left=229)
    )
    found.track = record_of(1)
    return found


async def refresh(pilot: Pilot[Any]) -> None:
    """The timed one."""
    app = app_of(pilot)
    app.state.load_rows(app)
    await settle(pilot)


async def settle(pilot: Pilot[Any]) -> None:
    """Until nothing is on its way any more."""
    app = app_of(pilot)
    backend = app.state.current.backend
    for _ in range(2):
        await wait_until(pilot, lambda: not any(backend.busy(lane) for lane in backend._lanes))
        await pilot.pause()


async def test_it_is_read_again_when_somebody_answered_meanwhile_but_not_at_every_refresh(
    started: Started, environment: FakeEnvironment
) -> None:
    clock = Clock()
    async with started(environment, size=SIZE, clock=clock) as pilot:
        await sees(pilot, "approved here: 38 of 41 recovered, 1 denied")
        for _ in range(3):
            clock.advance(20)
            await refresh(pilot)
        assert environment.reads.count(LOOKED) == 1
        environment.decide_elsewhere(samples.proposal(2).proposal_id, approved=False)
        environment.track = record_of(2)
        await refresh(pilot)
        await sees(pilot, "approved here: 38 of 41 recovered, 2 denied")
        # So soon not again, whatever comes and goes.
        environment.add(samples.approval(samples.proposal(3, tasks=("prices",)), minutes_left=230))
        clock.advance(20)
        await refresh(pilot)
        assert environment.reads.count(LOOKED) == 2


async def test_after_a_while_there_is_another_sample(started: Started, environment: FakeEnvironment) -> None:
    clock = Clock()
    async with started(environment, size=SIZE, clock=clock) as pilot:
        await sees(pilot, "1 denied", "no samples")
        key = samples.proposal(1).targets[0].key
        task = next(task for task in environment.snapshot.tasks if task.facts.key == key)
        memory = replace(task.memory, samples=(Sample(clock.now, 0, 7777),))
        environment.snapshot = replace(environment.snapshot, tasks=(replace(task, memory=memory),))
        clock.advance(301)
        await refresh(pilot)
        await refresh(pilot)
        await sees(pilot, "last 2h09m")


async def test_who_refreshes_reads_it_again_and_stays_where_the_review_was(
    started: Started, environment: FakeEnvironment
) -> None:
    async with started(environment, size=(120, 24)) as pilot:
        await sees(pilot, "sales-orders: connection lost")
        await pilot.press("enter", "pagedown")
        await sees(pilot, "38 of 41")
        review = pilot.app.screen.query_one(Review)
        await wait_until(pilot, lambda: review.scroll_y > 0)
        place, approval = review.scroll_y, review.approval
        environment.track = record_of(9)
        await pilot.press("r")
        await settle(pilot)
        assert environment.reads.count(LOOKED) == 2
        assert (review.scroll_y, review.approval) == (place, approval)
        await sees(pilot, "9 denied")


async def test_what_is_known_is_not_given_up_for_a_part_that_could_not_be_read(
    started: Started, environment: FakeEnvironment
) -> None:
    async with started(environment, size=SIZE) as pilot:
        await sees(pilot, "38 of 41")
        environment.track_error = Throttled("slow down")
        await pilot.press("r")
        await settle(pilot)
        assert environment.reads.count(LOOKED) == 2
        await sees(pilot, "38 of 41")
        environment.track_error, environment.track = None, record_of(3)
        await pilot.press("r")
        await sees(pilot, "3 denied")
        await no_longer_sees(pilot, "1 denied")


async def test_another_record_of_the_same_approval_has_its_own(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment, size=SIZE) as pilot:
        await sees(pilot, "38 of 41")
        environment.add(samples.approval(samples.proposal(1, title="sales-orders: another cause")))
        await refresh(pilot)
        await sees(pilot, "sales-orders: another cause")
        await settle(pilot)
        assert environment.reads.count(LOOKED) == 2
