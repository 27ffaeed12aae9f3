"""What the finder offers of the screen below, and what becomes of what was chosen in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.screen import Screen

from qlikops.dataclass import dataclass
from qlikops.domain.saved_filter import SavedFilter
from qlikops.tui.model.context import LiveContext
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.modes import MODES
from qlikops.tui.navigation import Navigator
from qlikops.tui.usable import Usable, usable
from qlikops.tui.widgets.filtering import FilterBar

if TYPE_CHECKING:  # the inbox is not to wait for what only the finder needs
    from qlikops.domain.fleet.diagnosis import Diagnosis
    from qlikops.domain.ports import ContextServices
    from qlikops.presentation.finder import Entry
    from qlikops.tui.model.findable import Findable

    KnownFailures = Callable[[ContextServices], Sequence[Diagnosis]]

_NO_DEEDS = ("find", "move", "page", "end", "scroll")
"""What the finder does not offer: itself, and moving in a list."""


@dataclass
class FinderOpener:
    """Opens the finder, then what it finds."""

    app: App[Any]
    state: ConsoleState
    navigator: Navigator
    known_failures: KnownFailures
    show_context: Callable[[LiveContext], Any]
    _findable: Findable | None = field(default=None, init=False)

    def deeds(self, screen: Screen[object], *, rings: bool) -> Sequence[Usable]:
        """Every action of the screen that can be done now, but for moving, and those that have no key."""
        bell = f"turns it {'off' if rings else 'on'} for what is new"
        return (
            *(entry for entry in usable(screen) if entry.enabled and not entry.action.startswith(_NO_DEEDS)),
            Usable("", "Theme", "changes the colours", "change_theme", self.app, enabled=True),
            Usable("", "Bell", bell, "toggle_bell", self.app, enabled=True),
        )

    def start(self, deeds: Sequence[Usable]) -> None:
        """Asks for anything by name, and goes there or does it."""
        from qlikops.tui.model.findable import Findable
        from qlikops.tui.screens.finder import FinderScreen

        if self._findable is None:
            self._findable = Findable(self.state, self.known_failures)
        self.app.push_screen(FinderScreen(self.state, self._findable, deeds, self.navigator.visited), self._found)

    async def _found(self, entry: Entry | None) -> None:
        from qlikops.tui.model.findable import Deed

        match entry.target if entry is not None else None:
            case None:
                return
            case Deed(action, node):
                await self.app.run_action(action, node)
            case LiveContext() as context:
                await self.show_context(context)
            case SavedFilter() as saved:
                await self.use(saved)
            case link:
                self.navigator.go(link)

    async def use(self, saved: SavedFilter) -> None:
        """Shows the list of a saved filter under it."""
        if all(mode.name != saved.where for mode in MODES):
            self.app.notify(f"There is no list called {saved.where} here.", severity="warning", markup=False)
            return
        await self.navigator.to_mode(saved.where)
        self.app.screen.query_one(FilterBar).use(saved.filter)
