"""The story of somebody who opens the demo for the first time."""

from __future__ import annotations

from pathlib import Path

import pytest

from qlikops.tui.preferences import PreferenceFile
from qlikops.tui.widgets import coaching
from tests.unit.presentation import samples
from tests.unit.tui.conftest import Started, app_of, asked, flat_text, no_longer_sees, sees, wait_until
from tests.unit.tui.fakes import FakeEnvironment


async def test_each_step_is_done_by_doing_it_and_the_last_ends_it_for_good(started: Started, tmp_path: Path) -> None:
    environment = FakeEnvironment.waiting_for(samples.approval())
    memory = PreferenceFile(tmp_path / "console.json")
    async with started(environment, size=(120, 36), memory=memory, coach=True, watch_again_seconds=0.1) as pilot:
        await sees(pilot, "1 of", "Press Enter to read its record")
        await pilot.press("enter")
        await sees(pilot, "2 of", "Press a, read what will be sent")
        await pilot.press("a")
        await wait_until(pilot, lambda: type(pilot.app.screen).__name__ == "ApproveScreen")
        environment.restarts.close()
        await pilot.press("enter")
        await sees(pilot, "3 of", "until the line below says")
        environment.restarts.open()
        await wait_until(pilot, lambda: "3 of" not in flat_text(pilot))
        coach = app_of(pilot).state.coach
        assert coach is not None
        while coach.step is not None and "keys and the words" not in coach.step.words:
            await pilot.press("2")
            await pilot.pause(0.1)
        await sees(pilot, "it explains the keys and the words of any screen")
        await pilot.press("question_mark")
        await wait_until(pilot, lambda: coach.step is None)
        await pilot.press("escape")
        await no_longer_sees(pilot, "no more of this")
    assert memory.preferences.coached
    async with started(environment, size=(120, 36), memory=memory, coach=True) as pilot:
        await sees(pilot, "live")
        assert app_of(pilot).state.coach is None


async def test_after_a_denial_nobody_waits_for_a_task_to_come_up(started: Started) -> None:
    async with started(FakeEnvironment.waiting_for(samples.approval()), size=(120, 36), coach=True) as pilot:
        await asked(pilot, "d")
        await pilot.press("n", "enter")
        await sees(pilot, "DENIED replicate-eu-1/sales-orders")
        await pilot.pause(2 * coaching.LOOK_SECONDS)
        coach = app_of(pilot).state.coach
        assert coach is not None
        assert coach.place == "1 of 5"


async def test_what_has_been_done_is_not_asked_for_whatever_the_order(started: Started) -> None:
    environment = FakeEnvironment.waiting_for(samples.approval())
    async with started(environment, size=(120, 36), coach=True) as pilot:
        await sees(pilot, "1 of", "Press Enter to read its record")
        await pilot.press("question_mark")
        await wait_until(pilot, lambda: type(pilot.app.screen).__name__ == "HelpScreen")
        await pilot.pause(2 * coaching.LOOK_SECONDS)
        await pilot.press("escape", "a")
        await wait_until(pilot, lambda: type(pilot.app.screen).__name__ == "ApproveScreen")
        await pilot.press("enter")
        coach = app_of(pilot).state.coach
        assert coach is not None
        await wait_until(pilot, lambda: coach.step is not None and "what was decided" in coach.step.words)
        await pilot.press("2")
        await wait_until(pilot, lambda: coach.step is None)


async def test_it_can_be_gone_through_and_sent_away_by_key(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coaching, "LOOK_SECONDS", 60)  # what a screen shows when it comes into sight waits for no look
    environment = FakeEnvironment.waiting_for(samples.approval())
    async with started(environment, coach=True) as pilot:
        await sees(pilot, "1 of", "> next", "X no more of this")
        await pilot.press("greater_than_sign")
        await sees(pilot, "2 of")
        await pilot.press("3")
        await sees(pilot, "servers", "2 of")
        await pilot.press("X")
        await no_longer_sees(pilot, "no more of this")
        await pilot.press("1")
        await sees(pilot, "sales-orders")
        await no_longer_sees(pilot, "no more of this")


async def test_nobody_else_is_coached(started: Started) -> None:
    async with started(FakeEnvironment.waiting_for(samples.approval())) as pilot:
        await sees(pilot, "sales-orders")
        assert "no more of this" not in flat_text(pilot)
