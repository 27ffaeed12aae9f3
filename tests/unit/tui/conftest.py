"""How a story starts, waits and reads the screen."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import pytest
import textual.app
from textual._compositor import Compositor
from textual._context import active_app, visible_screen_stack
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.pilot import Pilot
from textual.screen import Screen
from textual.strip import Strip

from qlikops.tui.app import QlikOpsApp
from qlikops.tui.model.context import ContextSource
from tests.unit.tui.fakes import Clock, FakeEnvironment, opener

PATIENCE_SECONDS = 30.0
"""Before a story gives up; a busy machine is slow."""
PAUSE_SECONDS = 0.03
"""Reading the screen costs more than waiting a little."""

os.environ["TZ"] = "UTC"  # what a person chooses by the terminal's clock stands in snapshots
time.tzset()


@pytest.fixture(scope="session", autouse=True)
def _style_sheets_parsed_once() -> Iterator[None]:
    """Keeps a style sheet's rules for the next console of the same colours: parsing took a tenth of a story."""
    known: dict[tuple[object, ...], list[RuleSet]] = {}
    parse = Stylesheet._parse_rules

    def parsed_once(sheet: Stylesheet, css: str, *given: Any, **named: Any) -> list[RuleSet]:
        key = (css, given, tuple(sorted(named.items())), tuple(sheet._variables.items()))
        if key not in known:
            known[key] = parse(sheet, css, *given, **named)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylesheet, "_parse_rules", parsed_once)
        yield


@pytest.fixture(scope="session", autouse=True)
def _drawn_where_it_is_looked_at() -> Iterator[None]:
    """Keeps Textual from drawing each change for a terminal that is not there: a third of a story went there.

    Who looks at the screen has all of it drawn, and each story looks at its last one.
    """
    render = Compositor.render_update

    def rendered(
        compositor: Compositor, full: bool = False, screen_stack: list[Screen[Any]] | None = None, **named: Any
    ) -> Any:
        if full:
            return render(compositor, full, screen_stack, **named)
        visible_screen_stack.set(screen_stack or [])
        compositor._dirty_regions.clear()
        return None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Compositor, "render_update", rendered)
        yield


@pytest.fixture(scope="session", autouse=True)
def _idle_once_nothing_is_due() -> Iterator[None]:
    """Lets a key have done all that it does before the next one, without the 40 ms that Textual looks for CPU use.

    What another thread fetches, or a timer does later, is for the story to wait for.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(textual.app, "wait_for_idle", _nothing_is_due)
        yield


async def _nothing_is_due(*_seconds: float) -> None:
    app = active_app.get()
    for _ in range(2):  # what was done, and what its layout brings about
        await asyncio.sleep(0)
        while asyncio.get_running_loop()._ready:  # type: ignore[attr-defined]
            await asyncio.sleep(0)
        if app.is_running and app.screen_stack:
            app.screen._on_timer_update()


def app_of(pilot: Pilot[Any]) -> QlikOpsApp:
    """The console."""
    assert isinstance(pilot.app, QlikOpsApp)
    return pilot.app


async def wait_until(pilot: Pilot[Any], condition: Callable[[], bool]) -> None:
    """Lets the app run until `condition` holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"it never came to that; the screen says:\n{screen_text(pilot)}")
        await pilot.pause(PAUSE_SECONDS)


async def sees(pilot: Pilot[Any], *texts: str) -> None:
    """Waits until the screen shows every one of `texts`."""

    def are_there() -> bool:
        shown = flat_text(pilot)
        return all(text in shown for text in texts)

    await wait_until(pilot, are_there)


async def no_longer_sees(pilot: Pilot[Any], text: str) -> None:
    """Waits until the screen does not show `text`."""
    await wait_until(pilot, lambda: text not in flat_text(pilot))


QUESTIONS = {"a": "Approve: ", "d": "Deny: leave"}


async def asked(pilot: Pilot[Any], key: str, *texts: str) -> None:
    """Opens the dialog of `key` on the first one, sales-orders."""
    await sees(pilot, "sales-orders: connection lost")
    await pilot.press(key)
    await sees(pilot, QUESTIONS[key], *texts)


def strips_of(pilot: Pilot[Any]) -> list[Strip]:
    """The lines of the screen as they are drawn, with what a dialog lies on."""
    visible_screen_stack.set(pilot.app._background_screens)
    return pilot.app.screen._compositor.render_strips()


def screen_text(pilot: Pilot[Any]) -> str:
    """What a person sees, line by line."""
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips_of(pilot))


def flat_text(pilot: Pilot[Any]) -> str:
    """The same with every run of blanks as one, so that a wrapped line still reads as one."""
    return " ".join(screen_text(pilot).translate({ord(edge): " " for edge in "│▐▌"}).split())


def dialog_text(pilot: Pilot[Any]) -> str:
    """What the dialog on top says, without what lies around it."""
    region = pilot.app.screen.query_one("#dialog").region
    lines = screen_text(pilot).splitlines()[region.y : region.bottom]
    return " ".join(" ".join(line[region.x : region.right] for line in lines).replace("│", " ").split())


class Started(Protocol):
    """Starts the console on an environment."""

    def __call__(
        self,
        environment: FakeEnvironment,
        *,
        size: tuple[int, int] = (80, 24),
        read_only: bool = False,
        clock: Clock | None = None,
        open_environment: Callable[[], FakeEnvironment] | None = None,
        hold_seconds: float = 0,
        others: Sequence[FakeEnvironment] = (),
        theme: str = "",
        **more: Any,
    ) -> AbstractAsyncContextManager[Pilot[Any]]: ...


@pytest.fixture
def started() -> Started:
    """A console whose clock stands still and whose inbox is refreshed by the story's `r` alone."""

    @asynccontextmanager
    async def start(
        environment: FakeEnvironment,
        *,
        size: tuple[int, int] = (80, 24),
        read_only: bool = False,
        clock: Clock | None = None,
        open_environment: Callable[[], FakeEnvironment] | None = None,
        hold_seconds: float = 0,
        others: Sequence[FakeEnvironment] = (),
        theme: str = "",
        **more: Any,
    ) -> AsyncIterator[Pilot[Any]]:
        first, *rest = [environment, *others]
        opened_by = [open_environment or opener(first), *(opener(other) for other in rest)]
        app = QlikOpsApp(
            [
                ContextSource(each.name, opens, read_only=read_only, hold_seconds=hold_seconds, theme=theme)
                for each, opens in zip((first, *rest), opened_by, strict=True)
            ],
            clock=clock or Clock(),
            poll_seconds=3600,
            **more,
        )
        async with app.run_test(size=size, notifications=True) as pilot:
            yield pilot
            if app.is_running:
                screen_text(pilot)

    return start
