"""Stories of a terminal that becomes too small: it says so and nothing else, and all is as it was once it is larger."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from qlikops.tui.screens.decision import DecisionScreen, DenyScreen
from qlikops.tui.screens.inbox import InboxScreen
from qlikops.tui.screens.small import TooSmallScreen
from qlikops.tui.widgets.table import KeyedTable
from tests.unit.presentation import samples
from tests.unit.tui.conftest import Started, app_of, asked, flat_text, no_longer_sees, screen_text, sees, wait_until
from tests.unit.tui.fakes import Clock, FakeEnvironment

USUAL = (80, 24)
FIRST = samples.proposal(1).proposal_id


@pytest.fixture
def environment() -> FakeEnvironment:
    return FakeEnvironment.waiting_for(
        samples.approval(samples.proposal(1)), samples.approval(samples.proposal(2, tasks=("stock",)), minutes_left=229)
    )


async def shrink(pilot: Pilot[Any], width: int = 59, height: int = 19) -> None:
    await pilot.resize_terminal(width, height)
    await sees(pilot, f"Too small: needs 60x20, is {width}x{height}.", "Make it larger to go on. ctrl+q quits.")


async def grow(pilot: Pilot[Any]) -> None:
    await pilot.resize_terminal(*USUAL)
    await no_longer_sees(pilot, "Too small")


@pytest.mark.parametrize("size", [(59, 20), (60, 19), (33, 9)])
async def test_it_says_so_and_shows_and_does_nothing_else(
    started: Started, environment: FakeEnvironment, size: tuple[int, int]
) -> None:
    async with started(environment, size=USUAL) as pilot:
        await sees(pilot, "sales-orders: connection lost")
        await shrink(pilot, *size)
        assert "sales-orders" not in screen_text(pilot)
        await pilot.press("a", "enter", "3", "question_mark", "colon", "escape", "space", "ctrl+l")
        assert environment.sent == []
        assert isinstance(pilot.app.screen, TooSmallScreen)
        await grow(pilot)
        await sees(pilot, "sales-orders: connection lost", "2 wait")
        assert isinstance(pilot.app.screen, InboxScreen)


async def test_a_press_on_its_way_when_it_became_too_small_answers_nothing(
    started: Started, environment: FakeEnvironment
) -> None:
    async with started(environment, size=USUAL) as pilot:
        await asked(pilot, "a")
        dialog = pilot.app.screen
        assert isinstance(dialog, DecisionScreen)
        await shrink(pilot)
        dialog.submit()
        await pilot.pause()
        assert environment.sent == []
        assert isinstance(pilot.app.screen, TooSmallScreen)


async def test_it_can_start_too_small(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment, size=(40, 10)) as pilot:
        await sees(pilot, "Too small: needs 60x20, is 40x10.")
        await pilot.resize_terminal(50, 12)
        await sees(pilot, "is 50x12.")
        await grow(pilot)
        await sees(pilot, "sales-orders: connection lost")


async def test_a_dialog_with_what_was_typed_the_focus_and_the_marks_are_there_again(
    started: Started, environment: FakeEnvironment
) -> None:
    async with started(environment, size=USUAL) as pilot:
        await sees(pilot, "sales-orders: connection lost")
        await pilot.press("space", "up", "down")
        await sees(pilot, "■ connection lost 12m sales-orders", "stock: connection lost")
        await pilot.press("d", *"patching")
        await sees(pilot, "Deny: leave", "patching")
        await shrink(pilot)
        await pilot.press("enter", "escape", *"x")
        await grow(pilot)
        await sees(pilot, "Deny: leave", "patching", "then nothing is restarted")
        assert isinstance(pilot.app.screen, DenyScreen)
        assert pilot.app.screen.query_one("#reason", Input).has_focus
        assert environment.sent == []
        await pilot.press("enter")
        await wait_until(pilot, lambda: [sent[0] for sent in environment.sent] == [samples.proposal(2).proposal_id])
        assert environment.sent[0][1].reason == "patching"
        # What lies under the dialog was drawn for the new size too.
        await sees(pilot, "■ connection lost 12m sales-orders", "? Help")


async def test_what_is_held_back_is_withdrawn_and_said_to_be(started: Started, environment: FakeEnvironment) -> None:
    clock = Clock()
    async with started(environment, size=USUAL, clock=clock, hold_seconds=3) as pilot:
        await asked(pilot, "a")
        await pilot.press("enter")
        await sees(pilot, "Sending in 3 s")
        await shrink(pilot)
        await sees(pilot, "Not sent: approve replicate-eu-1/sales-orders; the terminal became too small")
        clock.advance(10)
        await pilot.pause(0.5)
        await grow(pilot)
        await sees(pilot, "Not sent: approve replicate-eu-1/sales-orders", "2 wait")
        assert environment.sent == []
        # It can be decided again.
        await pilot.press("up", "a")
        await sees(pilot, "Approve: resume", "replicate-eu-1/sales-orders")


async def test_a_record_that_comes_meanwhile_asks_nothing(started: Started, environment: FakeEnvironment) -> None:
    environment.loads.close()
    async with started(environment, size=USUAL) as pilot:
        await sees(pilot, "Loading sales-orders")
        await pilot.press("a")
        await shrink(pilot)
        environment.loads.open()
        app = app_of(pilot)
        await wait_until(pilot, lambda: not app.state.current.backend.busy("reviews"))
        await pilot.pause()
        assert isinstance(app.screen, TooSmallScreen)
        await grow(pilot)
        await sees(pilot, "sales-orders: connection lost")
        assert "this will be sent" not in flat_text(pilot)


async def test_the_row_under_the_cursor_is_the_same_although_the_inbox_changed(
    started: Started, environment: FakeEnvironment
) -> None:
    async with started(environment, size=USUAL) as pilot:
        await sees(pilot, "sales-orders: connection lost")
        await pilot.press("down")
        chosen = pilot.app.screen.query_one(KeyedTable).chosen
        await shrink(pilot)
        environment.add(replace(samples.approval(samples.proposal(3, tasks=("prices",)), minutes_left=5)))
        app = app_of(pilot)
        app.state.load_rows(app)
        await wait_until(pilot, lambda: len(app.state.waiting) == 3)
        await grow(pilot)
        await sees(pilot, "3 wait", "12m prices")
        assert app.screen.query_one(KeyedTable).chosen == chosen


async def test_it_can_be_quit(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment, size=(40, 10)) as pilot:
        await sees(pilot, "Too small")
        await pilot.press("ctrl+q")
        await wait_until(pilot, lambda: not pilot.app.is_running)
