"""Stories of the other screens, help and the palette."""

from __future__ import annotations

import subprocess
import sys

import pytest

from qlikops.domain.workflow.execution import ExecutionStatus
from qlikops.tui.widgets.table import KeyedTable
from tests.unit.presentation import samples
from tests.unit.tui.conftest import Started, flat_text, no_longer_sees, sees
from tests.unit.tui.fakes import FakeEnvironment


@pytest.fixture
def environment() -> FakeEnvironment:
    found = FakeEnvironment.waiting_for(samples.approval())
    found.runs = [samples.execution(), samples.execution("run-0706", ExecutionStatus.SUCCEEDED, minutes_old=17)]
    return found


async def test_the_report_of_a_run_is_searched_and_copied(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment) as pilot:
        await pilot.press("4")
        await sees(pilot, "1 restarted, 1 denied")
        await pilot.press("enter", "p")
        await sees(pilot, "No report yet: a run writes it once its last proposal is decided.")
        await pilot.press("escape", "down", "enter", "p")
        await sees(pilot, "Run run-0706", "38 tasks on 3 servers checked.")
        await pilot.press("slash", *"sales", "enter")
        await sees(pilot, "sales-orders", "outcome")
        await no_longer_sees(pilot, "38 tasks on 3 servers checked.")
        await pilot.press("escape")
        await sees(pilot, "38 tasks on 3 servers checked.")
        await pilot.press("y")
        await sees(pilot, "handed to the terminal, which does not say whether it took it")
        assert "38 tasks on 3 servers" in pilot.app.clipboard


async def test_help_names_the_keys_that_apply_here(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment, size=(120, 50)) as pilot:
        await sees(pilot, "sales-orders: connection lost")
        await pilot.press("question_mark")
        await sees(pilot, "a Approve", "d Deny", "Everywhere", "ctrl+q")
        await pilot.press("escape")
        await sees(pilot, "What broke")


async def test_help_is_read_to_its_end_by_key(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment) as pilot:
        await sees(pilot, "sales-orders: connection lost")
        await pilot.press("question_mark")
        await sees(pilot, "a Approve first shows what will be sent", "scroll, Esc closes")
        await pilot.press("end")
        await sees(pilot, "It failed, and Replicate has given up on it.")


async def test_the_finder_reaches_an_action_by_name(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment) as pilot:
        await sees(pilot, "sales-orders: connection lost")
        await pilot.press("colon", *"fleet")
        await sees(pilot, "Fleet")
        await pilot.press("enter")
        await sees(pilot, "2 servers")


async def test_every_theme_can_show_it(started: Started, environment: FakeEnvironment) -> None:
    async with started(environment) as pilot:
        await sees(pilot, "sales-orders: connection lost")
        for theme in pilot.app.available_themes:
            pilot.app.theme = theme
            await pilot.pause()
            assert "sales-orders: connection lost" in flat_text(pilot)


def test_the_console_imports_neither_boto3_nor_the_adapters() -> None:
    code = "import sys, qlikops.tui.app; print([m for m in ('boto3', 'botocore', 'qlikops.aws') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


async def test_enter_on_a_row_that_goes_away_at_that_moment_opens_nothing(
    started: Started, environment: FakeEnvironment
) -> None:
    def enter_comes_late() -> None:
        table = pilot.app.screen.query_one(KeyedTable)
        table.post_message(KeyedTable.Opened(table, "gone"))

    async with started(environment) as pilot:
        for key, seen in (("3", "servers"), ("w", "No work is planned."), ("4", "run-0706")):
            await pilot.press(key)
            await sees(pilot, seen)
            shown = pilot.app.screen
            enter_comes_late()
            await pilot.pause()
            assert pilot.app.screen is shown
            await pilot.press(*["escape"] * (key == "w"))
