"""Stories of the moment between Enter and sending, in which one can think again."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from qlikops.domain.errors import Offline
from tests.unit.presentation import samples
from tests.unit.tui.conftest import Started, app_of, asked, no_longer_sees, sees, wait_until
from tests.unit.tui.fakes import Clock, FakeEnvironment

FIRST = samples.proposal(1).proposal_id
HOLD_SECONDS = 3
BEAT_SECONDS = 0.5


@pytest.fixture
def environment() -> FakeEnvironment:
    return FakeEnvironment.waiting_for(
        samples.approval(samples.proposal(1)), samples.approval(samples.proposal(2, tasks=("stock",)), minutes_left=229)
    )


async def pass_time(pilot: Pilot[Any], clock: Clock, seconds: float) -> None:
    """Lets the console see time pass as it does: beat by beat."""
    for _ in range(round(seconds / BEAT_SECONDS)):
        clock.advance(BEAT_SECONDS)
        app_of(pilot)._let_go()
        await pilot.pause()


async def approve(pilot: Pilot[Any]) -> None:
    """Approves the first, as far as the countdown."""
    await asked(pilot, "a")
    await pilot.press("enter")
    await sees(pilot, "Sending in 3 s: approve replicate-eu-1/sales-orders. Esc: do not send")


async def test_it_counts_down_and_sends_only_when_the_time_is_over(
    started: Started, environment: FakeEnvironment
) -> None:
    clock = Clock()
    async with started(environment, size=(120, 36), clock=clock, hold_seconds=HOLD_SECONDS) as pilot:
        await approve(pilot)
        await pass_time(pilot, clock, 2)
        await sees(pilot, "Sending in 1 s")
        assert environment.sent == []
        await pass_time(pilot, clock, 1)
        await wait_until(pilot, lambda: [sent[0] for sent in environment.sent] == [FIRST])
        await sees(pilot, "RESTARTED replicate-eu-1/sales-orders")


async def test_escape_cancels_and_it_can_be_decided_again(started: Started, environment: FakeEnvironment) -> None:
    clock = Clock()
    async with started(environment, size=(120, 36), clock=clock, hold_seconds=HOLD_SECONDS) as pilot:
        await approve(pilot)
        await pilot.press("escape")
        await sees(pilot, "Not sent: approve replicate-eu-1/sales-orders; you cancelled it.")
        await no_longer_sees(pilot, "Sending in")
        clock.advance(5)
        await pilot.press("up", "d")
        await sees(pilot, "Deny: leave", "replicate-eu-1/sales-orders")
        assert environment.sent == []


async def test_escape_cancels_from_another_screen_too(started: Started, environment: FakeEnvironment) -> None:
    clock = Clock()
    async with started(environment, size=(120, 36), clock=clock, hold_seconds=HOLD_SECONDS) as pilot:
        await approve(pilot)
        await pilot.press("3")
        await sees(pilot, "Do not send")
        await pilot.press("escape")
        await no_longer_sees(pilot, "Do not send")
        clock.advance(5)
        await pilot.press("1")
        await sees(pilot, "Not sent: approve replicate-eu-1/sales-orders; you cancelled it.")
        assert environment.sent == []


async def test_a_notice_leaves_in_sight_what_escape_does(started: Started, environment: FakeEnvironment) -> None:
    clock = Clock()
    async with started(environment, clock=clock, hold_seconds=HOLD_SECONDS) as pilot:
        await approve(pilot)
        pilot.app.notify("word " * 60, markup=False)
        await sees(pilot, "word word word")
        await sees(pilot, "Unanswered expires in 3h49m", "Sending in 3 s: approve", "Esc: do not send")


async def test_of_a_long_name_as_much_is_said_as_leaves_in_sight_what_escape_does(started: Started) -> None:
    name = "oracle-to-snowflake-of-all-countries-sales-orders"
    long = (samples.approval(samples.proposal(n, tasks=(name,)), minutes_left=200 + n) for n in (1, 2))
    async with started(FakeEnvironment.waiting_for(*long), size=(80, 24), hold_seconds=HOLD_SECONDS) as pilot:
        await asked(pilot, "a")
        await pilot.press("enter")
        await sees(pilot, "approve replicate-eu-1/oracle-to", "…Esc: do not send")
        await pilot.press("d")
        await sees(pilot, "Deny: leave", "Esc closes this; then Esc: do not send")


async def test_quitting_while_it_counts_down_sends_nothing(started: Started, environment: FakeEnvironment) -> None:
    clock = Clock()
    async with started(environment, size=(120, 36), clock=clock, hold_seconds=HOLD_SECONDS) as pilot:
        await approve(pilot)
        await pilot.press("ctrl+q")
        clock.advance(5)
        await wait_until(pilot, lambda: not pilot.app.is_running)
    assert environment.sent == []


@pytest.mark.parametrize("gap", [2, 45, 8 * 3600, -3600], ids=["moment", "stopped", "slept", "set back"])
@pytest.mark.parametrize("held_before", [0, 2.5])
async def test_what_was_held_while_nobody_could_think_again_is_withdrawn_and_said_to_be(
    started: Started, environment: FakeEnvironment, gap: float, held_before: float
) -> None:
    clock = Clock()
    async with started(environment, size=(120, 36), clock=clock, hold_seconds=HOLD_SECONDS) as pilot:
        await approve(pilot)
        await pass_time(pilot, clock, held_before)
        clock.advance(gap)
        await sees(pilot, "Not sent: approve replicate-eu-1/sales-orders; the console stood still for")
        await pass_time(pilot, clock, HOLD_SECONDS + 1)
        assert environment.sent == []


async def test_a_decision_made_right_after_waking_takes_none_along_that_was_held_before(
    started: Started, environment: FakeEnvironment
) -> None:
    clock = Clock()
    async with started(environment, size=(120, 36), clock=clock, hold_seconds=HOLD_SECONDS) as pilot:
        await approve(pilot)
        await sees(pilot, "stock: connection lost", "→ connection lost 12m sales-orders")
        await pilot.press("d")
        await sees(pilot, "Deny: leave")
        await pilot.press(*"no")
        clock.advance(9)
        await pilot.press("enter")
        # Waking is noticed before the denial, which then counts down by itself, or only after it.
        await no_longer_sees(pilot, "→ connection lost 12m sales-orders")
        await pass_time(pilot, clock, HOLD_SECONDS)
        assert not any(request.approved for _, request in environment.sent)


async def test_losing_the_network_while_it_counts_down_sends_nothing_and_says_so(
    started: Started, environment: FakeEnvironment
) -> None:
    clock = Clock()
    async with started(environment, size=(120, 36), clock=clock, hold_seconds=HOLD_SECONDS) as pilot:
        await approve(pilot)
        environment.error = Offline("no answer")
        await pilot.press("r")
        await sees(pilot, "Not sent: approve replicate-eu-1/sales-orders; the data is not live (OFFLINE).")
        clock.advance(5)
        assert environment.sent == []


@pytest.mark.parametrize(("key", "page"), [("question_mark", "Here"), ("exclamation_mark", "Last errors")])
async def test_on_a_page_over_the_screen_escape_cancels_first_and_then_closes(
    started: Started, environment: FakeEnvironment, key: str, page: str
) -> None:
    clock = Clock()
    async with started(environment, clock=clock, hold_seconds=HOLD_SECONDS) as pilot:
        await approve(pilot)
        await pilot.press(key)
        await sees(pilot, page, "Sending in 3 s: approve replicate-eu-1/sales-orders. Esc: do not send")
        await pilot.press("escape")
        await no_longer_sees(pilot, "Sending in")
        await sees(pilot, page)
        clock.advance(5)
        await pilot.press("escape")
        await no_longer_sees(pilot, page)
        assert environment.sent == []


async def test_in_a_dialog_escape_means_the_dialog_and_the_line_says_so(
    started: Started, environment: FakeEnvironment
) -> None:
    clock = Clock()
    async with started(environment, clock=clock, hold_seconds=HOLD_SECONDS) as pilot:
        await approve(pilot)
        await sees(pilot, "stock: connection lost")
        await pilot.press("d")
        await sees(pilot, "Deny: leave", "Sending in 3 s", "Esc closes this; then Esc: do not send")
        await pilot.press("escape")
        await sees(pilot, "Sending in 3 s", "Esc: do not send")
        await pilot.press("escape")
        await sees(pilot, "you cancelled it.")
        clock.advance(5)
        assert environment.sent == []
