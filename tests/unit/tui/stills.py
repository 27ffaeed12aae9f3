"""One scene of the demo, standing still: the same bytes in every run, as text and as a picture."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from rich.segment import Segment
from textual.pilot import Pilot
from textual.widgets import Input

from qlikops.tui.app import QlikOpsApp
from qlikops.tui.model.context import ContextSource
from tests.unit.tui.conftest import app_of, screen_text, strips_of, wait_until
from tests.unit.tui.fakes import Clock, opener
from tests.unit.tui.scenery import Demo, demo
from tests.unit.tui.scenes import Scene

DECISION_ID = "5ca1ab1e5ca1ab1e"
"""In place of the random one."""
_FONT_FACES = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""They name a font server; the viewer's own monospace font does."""
_DECISION_ID = re.compile(r"decision id +([0-9a-f]{16})")
_UNIQUE = re.compile(r"terminal-\d+")
"""Made from the content with the random id."""


@asynccontextmanager
async def still(
    scene: Scene, size: tuple[int, int], theme: str, environment: Demo | None = None
) -> AsyncIterator[Pilot[Any]]:
    """The console on the demo, in `scene`."""
    shown = (environment or demo(), *scene.environments())
    app = QlikOpsApp(
        [ContextSource(each.name, opener(each), theme=theme) for each in shown],
        clock=Clock(),
        poll_seconds=3600,
        coach=scene.coach,
    )
    async with app.run_test(size=size) as pilot:
        # Help explains the words that stand below it as it opens.
        await _all_came(pilot)
        await scene.enter(pilot)
        for widget in app.screen.query(Input):
            widget.cursor_blink = False
        await _all_came(pilot)
        yield pilot


async def _all_came(pilot: Pilot[Any]) -> None:
    """Waits until every call has its answer, and all of them are drawn."""
    contexts = app_of(pilot).state.contexts
    # Asked some time after the first rows came, so not by a lane yet.
    await wait_until(pilot, lambda: all(context.caller for context in contexts))
    lanes = [lane for context in contexts for lane in context.backend._lanes.values()]
    await wait_until(pilot, lambda: not any(lane._running for lane in lanes))
    # A dialog shows what lies below it as it was drawn last, which may be before the last answer came.
    await _drawn_anew(pilot)


async def _drawn_anew(pilot: Pilot[Any]) -> None:
    await _settled(pilot)
    pilot.app.screen.refresh()
    await _settled(pilot)


async def _settled(pilot: Pilot[Any]) -> None:
    """Waits until the screen stays as it is: what takes a scroll bar is laid out once more."""
    seen = None
    while seen != (seen := screen_text(pilot)):
        await pilot.pause()


async def resized(pilot: Pilot[Any], size: tuple[int, int]) -> None:
    """The terminal becomes so large, and everything is drawn anew."""
    await pilot.resize_terminal(*size)
    await _drawn_anew(pilot)


def as_text(pilot: Pilot[Any]) -> str:
    """What a person reads."""
    return _without_chance(pilot, screen_text(pilot)) + "\n"


def as_svg(pilot: Pilot[Any]) -> str:
    """What a person sees."""
    svg = _FONT_FACES.sub("", pilot.app.export_screenshot(title="qlikops"))
    return _without_chance(pilot, _UNIQUE.sub("terminal", svg))


def painted(pilot: Pilot[Any]) -> list[tuple[Segment, ...]]:
    """What a person sees, row by row, in runs of one style."""
    rows = (Segment.simplify(strip) for strip in strips_of(pilot))
    return [tuple(Segment(_without_chance(pilot, part.text), part.style) for part in row) for row in rows]


def _without_chance(pilot: Pilot[Any], text: str) -> str:
    for found in _DECISION_ID.finditer(screen_text(pilot)):
        text = text.replace(found[1], DECISION_ID)
    return text
