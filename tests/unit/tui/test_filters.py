"""Stories of filters that are kept: under a name, on a key, and what was typed before."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from qlikops.domain.errors import UsageError
from qlikops.domain.own_command import OwnCommand
from qlikops.domain.saved_filter import SavedFilter
from qlikops.tui import keys
from qlikops.tui.preferences import PreferenceFile
from tests.unit.presentation import samples
from tests.unit.tui.conftest import Started, app_of, no_longer_sees, sees
from tests.unit.tui.fakes import FakeEnvironment

MINE = SavedFilter("state:error", "fleet", "f8")


@pytest.fixture
def environment() -> FakeEnvironment:
    return FakeEnvironment.waiting_for(samples.approval())


async def test_a_filter_is_saved_under_a_name_found_by_it_and_forgotten(
    started: Started, environment: FakeEnvironment, tmp_path: Path
) -> None:
    memory = PreferenceFile(tmp_path / "console.json")
    async with started(environment, size=(120, 36), memory=memory) as pilot:
        await pilot.press("3", "slash", *"down = !state:running")
        await sees(pilot, "2 of 3 tasks")
        await pilot.press("enter")
        assert memory.preferences.filters == {"down": ("fleet", "!state:running")}
        await pilot.press("escape", "1", "colon", *"filter:down")
        await sees(pilot, "Filter down fleet: !state:running")
        await pilot.press("enter")
        await sees(pilot, "2 of 3 tasks")
        await pilot.press("slash", "end", *" x", "ctrl+u", *"down =", "enter")
        await sees(pilot, "3 tasks")
        assert not PreferenceFile(tmp_path / "console.json").preferences.filters


async def test_up_brings_earlier_ones_back_at_the_next_start(
    started: Started, environment: FakeEnvironment, tmp_path: Path
) -> None:
    path = tmp_path / "console.json"
    async with started(environment, size=(120, 36), memory=PreferenceFile(path)) as pilot:
        await pilot.press("3", "slash", *"billing", "enter")
        await sees(pilot, "1 of 3 tasks")
    async with started(environment, size=(120, 36), memory=PreferenceFile(path)) as pilot:
        await pilot.press("3", "slash", "up")
        await sees(pilot, "1 of 3 tasks")
        assert pilot.app.screen.query_one(Input).value == "billing"
        await pilot.press("down")
        await sees(pilot, "3 tasks")


async def test_a_filter_of_the_configuration_is_on_its_key(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment, size=(120, 36), filters=keys.filter_keys({"mine": MINE}, {}, {})) as pilot:
        await sees(pilot, "sales-orders")
        await pilot.press("f8")
        await sees(pilot, "state:error", "1 of 3 tasks")
        await no_longer_sees(pilot, "billing")
        assert app_of(pilot).current_mode == "fleet"


@pytest.mark.parametrize(
    ("filters", "complaint"),
    [
        ({"x": SavedFilter("a", key="a")}, "filters.x: a is the key of approve"),
        ({"x": SavedFilter("a", key="f6")}, "filters.x: f6 is the key of Ticket"),
        ({"x": MINE, "y": MINE}, "filters.y: f8 is the key of x"),
    ],
)
def test_a_key_that_is_not_free_is_said_before_the_console_opens(
    filters: dict[str, SavedFilter], complaint: str
) -> None:
    own = keys.own_keys({"ticket": OwnCommand("f6", "ticket", description="Ticket")}, {})
    with pytest.raises(UsageError, match=complaint):
        keys.filter_keys(filters, {}, own)
