"""Stories of something new coming while nobody looks."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from qlikops.presentation.alert import Alerts
from qlikops.tui.app import QlikOpsApp
from qlikops.tui.model.context import ContextSource
from tests.unit.presentation import samples
from tests.unit.tui.conftest import flat_text, no_longer_sees, sees, wait_until
from tests.unit.tui.fakes import Clock, FakeEnvironment, opener


class Audible(QlikOpsApp):
    """Counts what a terminal would ring."""

    # Textual looks for it beside the subclass.
    CSS_PATH = str(Path(inspect.getfile(QlikOpsApp)).with_name("app.tcss"))
    rang = 0

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.written: list[str] = []

    def bell(self) -> None:
        self.rang += 1

    def write_to_terminal(self, text: str) -> None:
        self.written.append(text)


@pytest.mark.parametrize(("bell", "rings"), [(True, 1), (False, 0)])
async def test_what_is_new_rings_once_unless_switched_off_and_the_title_says_so_for_a_while(
    bell: bool, rings: int
) -> None:
    clock = Clock()
    environment = FakeEnvironment.waiting_for(samples.approval(samples.proposal(1)))
    app = Audible([ContextSource("local", opener(environment), alerts=Alerts(bell))], clock=clock, poll_seconds=3600)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "1 waits")
        assert "1 new" not in flat_text(pilot)
        assert app.rang == 0
        environment.add(samples.approval(samples.proposal(2, tasks=("stock",))))
        await pilot.press("r")
        await sees(pilot, "1 new", "2 wait")
        await pilot.press("r")
        clock.advance(10)
        await no_longer_sees(pilot, "1 new")
        assert app.rang == rings


async def test_the_terminals_title_counts_and_has_a_dot_while_it_is_new() -> None:
    clock = Clock()
    environment = FakeEnvironment.waiting_for(samples.approval(samples.proposal(1, title=samples.HOSTILE)))
    app = Audible([ContextSource(samples.HOSTILE, opener(environment))], clock=clock, poll_seconds=3600)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, lambda: app.written[-1:] == ["\x1b]2;(1) qlikops\x07"])
        environment.add(samples.approval(samples.proposal(2, tasks=("stock",))))
        await pilot.press("r")
        await wait_until(pilot, lambda: app.written[-1] == "\x1b]2;● (2) qlikops\x07")
        clock.advance(10)
        await wait_until(pilot, lambda: app.written[-1] == "\x1b]2;(2) qlikops\x07")
        environment.records.clear()
        await pilot.press("r")
        await wait_until(pilot, lambda: app.written[-1] == "\x1b]2;qlikops\x07")
        # Nothing is written again that the terminal has already.
        assert len(app.written) == len({*app.written})
