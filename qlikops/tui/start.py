"""Runs the console in a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from qlikops.domain.fleet.diagnosis import Diagnosis
from qlikops.domain.own_command import OwnCommand
from qlikops.domain.ports import ContextServices
from qlikops.domain.saved_filter import SavedFilter
from qlikops.tui.app import QlikOpsApp
from qlikops.tui.garbage import look_as_usual
from qlikops.tui.model.backend import let_lanes_run
from qlikops.tui.model.context import ContextSource
from qlikops.tui.preferences import PreferenceFile
from qlikops.tui.terminal.clipboard import Clipboard
from qlikops.tui.terminal.control import keep_cells, own_title
from qlikops.tui.terminal.driver import TerminalDriver


def run_console(
    contexts: Sequence[ContextSource],
    *,
    keymap: Mapping[str, str] | None = None,
    own_commands: Mapping[str, OwnCommand] | None = None,
    preferences: Path | None = None,
    mouse: bool = True,
    filters: Mapping[str, SavedFilter] | None = None,
    known_failures: Callable[[ContextServices], Sequence[Diagnosis]] = lambda _: (),
    coach: bool = False,
) -> int:
    """Runs the console on one or more contexts until the person quits; returns the process's exit code: 0 only then,
    128 and the signal's number if it was ended from outside. Raises what it crashed with, once the screen is back.

    `keymap`, `own_commands` and `filters` are what `keys.keymap`, `own_keys` and `filter_keys` return; `preferences` is
    the file of what was chosen inside the console before; `known_failures` reads the library of failures; `coach` shows
    first steps. Without `mouse` the terminal keeps it, to select text with.
    """
    keep_cells(sys.__stderr__)
    let_lanes_run()
    with own_title():
        app = console(
            contexts,
            keymap=keymap,
            own_commands=own_commands,
            memory=PreferenceFile(preferences),
            driver_class=TerminalDriver,
            clipboard=Clipboard.of(os.environ),
            environ=os.environ,
            filters=filters,
            known_failures=known_failures,
            coach=coach,
        )
        app.run(mouse=mouse)
    if app.crash is not None:
        raise app.crash
    # None is an app that never came to an end of its own.
    return 1 if app.return_code is None else app.return_code


def console(contexts: Sequence[ContextSource], **more: Any) -> QlikOpsApp:
    """The app as `run_console` runs it; `more` is what QlikOpsApp takes."""
    return QlikOpsApp(contexts, once_filled=look_as_usual, **more)
