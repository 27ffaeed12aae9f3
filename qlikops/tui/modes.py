"""The screens that the app has by name, each imported when it is first shown."""

from __future__ import annotations

from qlikops.tui.screens.base import ConsoleScreen
from qlikops.tui.screens.inbox import InboxScreen

OF_ONE_CONTEXT = ("executions", "fleet", "schedule")
"""The modes whose screens show the current context; the inbox shows all of them."""


def screen_of(mode: str) -> type[ConsoleScreen]:
    """The screen of `mode`; the inbox need not wait for the others' imports."""
    match mode:
        case "executions":
            from qlikops.tui.screens.executions import ExecutionsScreen

            return ExecutionsScreen
        case "fleet":
            from qlikops.tui.screens.fleet import FleetScreen

            return FleetScreen
        case "schedule":
            from qlikops.tui.screens.schedule import ScheduleScreen

            return ScheduleScreen
        case _:
            return InboxScreen
