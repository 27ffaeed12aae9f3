"""Stories of the finder: anything by a part of its name, what was looked at last, what was typed before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from qlikops.domain.errors import Offline
from qlikops.domain.fleet.diagnosis import Diagnosis
from qlikops.tui.preferences import PreferenceFile
from tests.unit.tui.conftest import Started, app_of, flat_text, no_longer_sees, sees, wait_until
from tests.unit.tui.fakes import FakeEnvironment
from tests.unit.tui.scenery import OVER, Demo, demo


def on_screen(pilot: Pilot[int]) -> str:
    return type(pilot.app.screen).__name__


@pytest.fixture
def environment() -> Demo:
    return demo()


def failures(_: object) -> Sequence[Diagnosis]:
    return [Diagnosis("oracle-no-listener", "oracle", says="The listener does not answer.")]


@pytest.mark.parametrize(
    ("typed", "seen", "screen"),
    [
        ("hr-pay", "hr-payroll-mssql-to-snowflake", "TaskScreen"),
        ("PG-LOYALTY", "2 tasks", "EndpointScreen"),
        ("run:0706", "run-0706", "ExecutionScreen"),
        (OVER[:6], "whose id begins so", "RecordScreen"),
        ("no-listener", "The listener does not answer", "FailurePage"),
        ("waits: returns", "to answer", "InboxScreen"),
        ("schedule", "Schedule", "ScheduleScreen"),
    ],
)
async def test_what_has_a_name_is_found_and_opened(
    started: Started, environment: Demo, typed: str, seen: str, screen: str
) -> None:
    async with started(environment, size=(120, 36), known_failures=failures) as pilot:
        await sees(pilot, "wait")
        await pilot.press("colon")
        await sees(pilot, "Find", "narrow it")
        pilot.app.screen.query_one(Input).value = typed
        await sees(pilot, seen)
        await pilot.press("enter")
        await wait_until(pilot, lambda: on_screen(pilot) == screen)


async def test_empty_it_offers_what_was_looked_at_last_and_up_brings_back_what_was_typed(
    started: Started, environment: Demo, tmp_path: Path
) -> None:
    memory = PreferenceFile(tmp_path / "console.json")
    async with started(environment, size=(120, 36), memory=memory) as pilot:
        await sees(pilot, "wait")
        await pilot.press("colon", *"hr-pay")
        await sees(pilot, "hr-payroll-mssql-to-snowflake")
        await pilot.press("enter")
        await wait_until(pilot, lambda: on_screen(pilot) == "TaskScreen")
        await pilot.press("escape", "colon")
        await sees(pilot, "Task hr-payroll-mssql-to-snowflake ✓ running, replicate-eu-2")
        assert flat_text(pilot).index("Task hr-payroll") < flat_text(pilot).index("Waits")
    async with started(environment, size=(120, 36), memory=PreferenceFile(tmp_path / "console.json")) as pilot:
        await sees(pilot, "wait")
        await pilot.press("colon", *"pag")
        await sees(pilot, "Find")
        await pilot.press("up")
        assert pilot.app.screen.query_one(Input).value == "hr-pay"
        await pilot.press("down")
        assert pilot.app.screen.query_one(Input).value == "pag"
        await pilot.press("escape")
        await wait_until(pilot, lambda: on_screen(pilot) == "InboxScreen")


async def test_tab_completes_and_an_arrow_chooses_another(started: Started, environment: Demo) -> None:
    async with started(environment, size=(120, 36)) as pilot:
        await sees(pilot, "wait")
        await pilot.press("colon", *"task:erp-qu")
        await sees(pilot, "erp-quality-ora-to-snowflake ✗")
        await pilot.press("tab")
        assert pilot.app.screen.query_one(Input).value == "task:erp-quality-ora-to-snowflake"
        pilot.app.screen.query_one(Input).value = "zzzz"
        await no_longer_sees(pilot, "erp-quality")
        await pilot.press("enter")
        assert on_screen(pilot) == "FinderScreen"
        pilot.app.screen.query_one(Input).value = "do:mark"
        await sees(pilot, "Mark its cause")
        await pilot.press("down", "enter")
        await wait_until(pilot, lambda: len(app_of(pilot).state.marked) > 0)


async def test_without_an_answer_it_finds_what_is_here(started: Started, environment: Demo) -> None:
    async with started(environment, size=(120, 36), others=(FakeEnvironment(name="archive"),)) as pilot:
        await sees(pilot, "wait")
        environment.error = Offline("cannot reach DynamoDB")
        await pilot.press("colon", *"archive")  # before there is a line to type it in
        await sees(pilot, "Context archive nothing waits there")
        await pilot.press("enter")
        await wait_until(pilot, lambda: app_of(pilot).state.current.name == "archive")
