"""The tutorial, done as its page says: each row of its tables is pressed and looked for in the demo's fleet."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from qlikops.dataclass import dataclass
from qlikops.tui.modes import MODES
from tests.unit.tui.conftest import PATIENCE_SECONDS, PAUSE_SECONDS, Started, app_of, flat_text, screen_text
from tests.unit.tui.fakes import Clock
from tests.unit.tui.scenery import demo

PAGE = Path(__file__).parents[3] / "docs" / "tutorial" / "first-shift.md"
ROW = re.compile(r"^\| (`.*`) \| (.*) \|$")
NAMED_KEYS = {"Enter": "enter", "Esc": "escape", "?": "question_mark", "/": "slash", "↓": "down", "↑": "up"}
SCREENS = {mode.title: mode.screen for mode in MODES}


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table of the tutorial."""

    line: int
    """Its line in the page, from 1."""
    pressed: tuple[str, ...]
    """What stands between backticks on the left: keys by their names on the keyboard, or text to type."""
    seen: tuple[str, ...]
    """What stands in italics on the right: the name of the screen that is then on top, or words on it."""

    async def press(self, pilot: Pilot[Any]) -> None:
        """Presses its keys. Text is pasted, since each letter would draw the list anew."""
        for pressed in self.pressed:
            if len(pressed) == 1 or pressed in NAMED_KEYS:
                await pilot.press(NAMED_KEYS.get(pressed, pressed))
            else:
                assert isinstance(pilot.app.focused, Input), f"{PAGE.name}:{self.line}: there is nothing to type into"
                pilot.app.focused.post_message(events.Paste(pressed))
                await pilot.pause()

    def missing(self, pilot: Pilot[Any]) -> list[str]:
        """What of it cannot be seen yet."""
        screen, shown = type(pilot.app.screen).__name__, flat_text(pilot)
        return [each for each in self.seen if (screen != SCREENS[each] if each in SCREENS else each not in shown)]


def rows() -> list[Row]:
    """All rows of the page, from its first to its last."""
    found = ((number, ROW.match(line)) for number, line in enumerate(PAGE.read_text("utf-8").splitlines(), 1))
    return [
        Row(number, tuple(re.findall("`([^`]+)`", row[1])), tuple(re.findall(r"\*([^*]+)\*", row[2])))
        for number, row in found
        if row
    ]


async def look(pilot: Pilot[Any], clock: Clock, row: Row) -> None:
    """Waits until `row` can be seen. Time passes meanwhile, so that what is delayed is sent."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while missing := row.missing(pilot):
        assert time.monotonic() < deadline, (
            f"{PAGE.name}:{row.line}: after {' '.join(row.pressed)} there is no {missing} in:\n{screen_text(pilot)}"
        )
        clock.advance(PAUSE_SECONDS * 4)
        app_of(pilot)._let_go()
        await pilot.pause(PAUSE_SECONDS)


async def test_each_key_of_the_tutorial_shows_what_the_page_says(started: Started) -> None:
    pressed, clock = rows(), Clock()
    assert len(pressed) > 20
    assert [f"{PAGE.name}:{row.line} says nothing that can be seen" for row in pressed if not row.seen] == []
    async with started(demo(), size=(120, 36), clock=clock, hold_seconds=3, coach=True) as pilot:
        for row in pressed:
            await row.press(pilot)
            await look(pilot, clock, row)
