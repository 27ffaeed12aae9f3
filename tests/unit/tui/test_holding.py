"""Stories of the moment between Enter and sending, in which one can think again."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from qlikops.domain.errors import Offline
from tests.unit.presentation import samples
from tests.unit.tui.conftest import Started, asked, no_longer_sees, sees, wait_until
from tests.unit.tui.fakes import Clock, FakeEnvironment

FIRST = samples.proposal(1).proposal_id
HOLD_SECONDS = 3


@pytest.fixture
def environment() -> FakeEnvironment:
    return FakeEnvironment.waiting_for(
        samples.approval(samples.proposal(1)), samples.approval(samples.proposal(2, tasks=("stock",)), minutes_left=229)
    )


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
        clock.advance(2)
        await sees(pilot, "Sending in 1 s")
        assert environment.sent == []
        clock.advance(1)
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
        await sees(pilot, "Deny: this will be sent", "replicate-eu-1/sales-orders")
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
        await sees(pilot, "unanswered expires in 3h49m", "Sending in 3 s: approve", "Esc: do not")


async def test_quitting_while_it_counts_down_sends_nothing(started: Started, environment: FakeEnvironment) -> None:
    clock = Clock()
    async with started(environment, size=(120, 36), clock=clock, hold_seconds=HOLD_SECONDS) as pilot:
        await approve(pilot)
        await pilot.press("ctrl+q")
        clock.advance(5)
        await wait_until(pilot, lambda: not pilot.app.is_running)
    assert environment.sent == []


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


@pytest.mark.parametrize(("key", "page"), [("question_mark", "Everywhere"), ("exclamation_mark", "Last errors")])
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
        await sees(pilot, "Deny: this will be sent", "Sending in 3 s", "Esc closes this; then Esc: do not send")
        await pilot.press("escape")
        await sees(pilot, "Sending in 3 s", "Esc: do not send")
        await pilot.press("escape")
        await sees(pilot, "you cancelled it.")
        clock.advance(5)
        assert environment.sent == []
