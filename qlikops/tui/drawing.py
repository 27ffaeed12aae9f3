"""Tells the open screens what changed, and leaves the UI thread time for keys."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from textual.app import App
from textual.screen import Screen
from textual.timer import Timer

from qlikops.tui.screens.base import ConsoleScreen
from qlikops.tui.screens.modal import Modal
from qlikops.tui.widgets.delay_bar import DelayBar
from qlikops.tui.widgets.status_line import StatusLine

_SHARE = 3
"""No more than one part in so many of the time is spent on drawing what came: keys are answered in a storm too."""


class Redrawer:
    """Every open screen of the mode that is shown, and the inbox below whatever is shown."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._waiting: Timer | None = None
        """Runs while what has changed waits to be drawn."""
        self._not_before = 0.0
        """Earliest time of the next frame, by the performance counter."""

    def soon(self) -> None:
        """Draws now, or once the last time is long enough ago."""
        if self._waiting is not None:
            return
        wait = self._not_before - time.perf_counter()
        if wait > 0:
            self._waiting = self._app.set_timer(wait, self.now)
        else:
            self.now()

    def now(self) -> None:
        """What a person waits for is not to wait for what was drawn a moment ago."""
        self._waiting = None
        started_at = time.perf_counter()
        self.held_bars()
        for screen in self._screens():
            if isinstance(screen, ConsoleScreen | Modal) and screen.is_mounted:
                screen.state_changed()
        ended_at = time.perf_counter()
        self._not_before = ended_at + (_SHARE - 1) * (ended_at - started_at)

    def all_anew(self) -> None:
        """Every cell, as nothing is left of what was drawn."""
        for screen in self._screens():
            screen.refresh(layout=True)

    def held_bars(self) -> None:
        """Only the line on what is held back."""
        for screen in self._screens():
            for bar in (*screen.query(DelayBar), *screen.query(StatusLine)):
                bar.draw()

    def _screens(self) -> Sequence[Screen[Any]]:
        # Messages still come while the app starts and ends.
        return self._app.screen_stack if self._app.is_running else ()
