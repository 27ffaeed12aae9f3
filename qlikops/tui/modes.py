"""The screens with a tab, in the order of the tabs."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from qlikops.dataclass import dataclass

if TYPE_CHECKING:
    from qlikops.tui.screens.base import ConsoleScreen


@dataclass(frozen=True, slots=True)
class Mode:
    """A screen with a tab."""

    name: str
    """Which is also the id of the key that goes there, and the module of the screen."""
    key: str
    """The key that goes there unless a person has moved it."""
    title: str
    """What its tab says."""
    screen: str
    """The screen's class."""

    def load(self) -> type[ConsoleScreen]:
        """Imports the screen: the inbox need not wait for the others."""
        found: type[ConsoleScreen] = getattr(import_module(f"qlikops.tui.screens.{self.name}"), self.screen)
        return found


MODES = (
    Mode("inbox", "1", "Inbox", "InboxScreen"),
    Mode("shift", "2", "Shift", "ShiftScreen"),
    Mode("fleet", "3", "Fleet", "FleetScreen"),
    Mode("executions", "4", "Executions", "ExecutionsScreen"),
    Mode("schedule", "5", "Schedule", "ScheduleScreen"),
)
INBOX, *OF_ONE_CONTEXT = MODES
"""The inbox shows all contexts; the screens of the others show the current one."""
