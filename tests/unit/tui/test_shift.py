"""Stories of the shift's screen: what stands first, what is new, where it leads, what is taken back and handed on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from textual.pilot import Pilot

from qlikops.domain.errors import Offline
from qlikops.domain.proposals.approval import Claim
from qlikops.domain.proposals.mute import Mute, MuteReason
from qlikops.domain.runs.orders import OrderKind, OrderOutcome, Taken
from qlikops.domain.runs.snapshot import TaskProgress
from qlikops.tui.preferences import PreferenceFile
from qlikops.tui.widgets.grouped import GroupedTable
from tests.unit.presentation import samples
from tests.unit.presentation.samples import NOW
from tests.unit.tui.conftest import Started, flat_text, no_longer_sees, sees, wait_until
from tests.unit.tui.fakes import Clock
from tests.unit.tui.scenery import OVER, Demo, demo


@pytest.fixture
def environment() -> Demo:
    found = demo()
    denied = found.approval("0dd0ba11c0d5").proposal.targets[0].key
    memory = TaskProgress(quiet=Mute(MuteReason.SNOOZED, NOW + timedelta(hours=2), "ben"))
    tasks = tuple(replace(task, memory=memory) if task.facts.key == denied else task for task in found.taken.tasks)
    found.taken = replace(found.taken, tasks=tasks)
    found.taken_orders = Taken((OrderOutcome(0, is_applied=True, detail="It is done.", at=NOW),), is_over=False)
    return found


def table(pilot: Pilot[int]) -> GroupedTable:
    return pilot.app.screen.query_one(GroupedTable)


async def goes_to(pilot: Pilot[int], key: str) -> None:
    await wait_until(pilot, lambda: key in table(pilot).keys)
    table(pilot).choose(key)
    await pilot.pause()


async def test_a_shift_is_read_opened_folded_and_filtered(started: Started, environment: Demo) -> None:
    async with started(environment, size=(120, 36)) as pilot:
        await pilot.press("2")
        await sees(pilot, "3 went wrong, 2 not certain yet", "kept quiet until 13:20 UTC", "ended", "▸ 10")
        text = flat_text(pilot)
        assert text.index("Went wrong") < text.index("Not certain yet") < text.index("Lasted") < text.index("Waits")
        assert table(pilot).chosen == OVER
        await pilot.press("enter")
        await sees(pilot, "It no longer waits")
        await pilot.press("escape")
        await sees(pilot, "Not certain yet")
        await pilot.press("up", "enter")
        await sees(pilot, "▸ 3")
        await pilot.press("enter", "end", "enter")
        await no_longer_sees(pilot, "▸ 10")
        await pilot.press("slash", *"ended:lasted")
        await no_longer_sees(pilot, "Went wrong")
        await pilot.press("escape")
        await sees(pilot, "Went wrong")
        await pilot.press("s")
        await sees(pilot, "The last 24 hours.")


async def test_what_keeps_quiet_is_taken_back_and_so_is_a_claim(started: Started, environment: Demo) -> None:
    first = next(iter(environment.records))
    environment.records[first] = replace(
        environment.records[first], claim=Claim(samples.CALLER, NOW + timedelta(minutes=5))
    )
    async with started(environment, size=(120, 36)) as pilot:
        await pilot.press("2")
        await goes_to(pilot, "0dd0ba11c0d5")
        await pilot.press("u")
        await sees(pilot, "Lift what keeps it quiet", "A reason is required.")
        await pilot.press(*"back", "enter")
        await sees(pilot, "Order applied: It is done.")
        (order,) = environment.ordered
        assert (order.order, order.reason) == (OrderKind.LIFT, "back")
        await goes_to(pilot, "group Waits for an answer")
        await pilot.press("enter")
        await goes_to(pilot, first)
        await pilot.press("u")
        await sees(pilot, "you look at it no longer")


async def test_what_came_since_the_last_visit_is_marked(started: Started, environment: Demo, tmp_path: Path) -> None:
    memory, clock = PreferenceFile(tmp_path / "console.json"), Clock()
    clock.advance(-3600)
    async with started(environment, clock=clock, memory=memory) as pilot:
        await pilot.press("2")
        await sees(pilot, "went wrong")
        assert "+ " not in flat_text(pilot)
        await pilot.press("1")
        clock.advance(3600)
        await pilot.press("2")
        await sees(pilot, "11:20+")
    assert PreferenceFile(tmp_path / "console.json").preferences.visits == {"demo": NOW.isoformat()}


async def test_it_is_handed_on_as_markdown_and_says_what_it_could_not_read(started: Started, environment: Demo) -> None:
    async with started(environment) as pilot:
        await pilot.press("2")
        await sees(pilot, "Went wrong")
        await pilot.press("y")
        await wait_until(pilot, lambda: pilot.app.clipboard.startswith("# Shift"))
        environment.error = Offline("no route to host")
        await pilot.press("r")
        await sees(pilot, "no route to host", "Went wrong")
