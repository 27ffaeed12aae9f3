"""How the console goes from one thing to another, and back the way one came.

What a link opens lies on top of the screen that it was opened from, whichever mode that is; so Esc finds every list
with its cursor where it was. Only what waits is not opened anew: it is shown in the inbox, where it can be decided, and
Esc leads back to the mode that one came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.app import App
from textual.screen import ModalScreen, Screen
from textual.widget import AwaitMount

from qlikops.tui.model import messages
from qlikops.tui.model.links import EndpointLink, FailureLink, Link, RecordLink, RunLink, TaskLink, TasksLink
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.screens.base import ConsoleScreen
from qlikops.tui.screens.inbox import InboxScreen

VISITED_KEPT = 12


class Navigator:
    """Opens links, each from below whatever lies over the screen."""

    def __init__(self, app: App[Any], state: ConsoleState) -> None:
        self._app = app
        self._state = state
        self._came_from: list[str] = []
        """Modes that were left for the inbox, the last one last."""
        self.visited: list[Link] = []
        """What was opened lately, newest first."""

    @property
    def can_go_back(self) -> bool:
        """Whether the screen in sight was reached from another one."""
        # A dialog is no place that one came from.
        places = sum(not isinstance(screen, ModalScreen) for screen in self._app.screen_stack)
        return places > 1 or bool(self._came_from)

    def back(self) -> None:
        """One screen down, or to the mode that was left for the inbox."""
        if len(self._app.screen_stack) > 1:
            self._app.pop_screen()
        elif self._came_from:
            self._app.switch_mode(self._came_from.pop())

    def to_mode(self, mode: str) -> AwaitMount:
        """A tab: the mode as it was left or, if it is in sight, its first screen. What is returned may be awaited."""
        self._came_from.clear()
        if mode == self._app.current_mode:
            self._to_bottom()
        return self._app.switch_mode(mode)

    def forget(self) -> None:
        """Another context is current: what was opened of the last one is closed, and no way leads back to it."""
        self._came_from.clear()
        self._to_bottom()

    def go(self, link: Link, among: Sequence[Link] = ()) -> None:
        """Opens what `link` names; one of the neighbours of what is in sight takes its place."""
        self.visited = [link, *(each for each in self.visited if each != link)][:VISITED_KEPT]
        match link:
            case RecordLink() if self._state.context(link.context).row(link.approval_id):
                self._show_in_inbox(link)
            case RunLink():
                self._look_up(link)
            case FailureLink():
                from qlikops.tui.screens.failure import FailurePage

                self._app.push_screen(FailurePage(self._state, link.diagnosis))
            case _:
                self.open(self._screen_of(link), link, among)

    def open(self, screen: ConsoleScreen, link: Link, among: Sequence[Link] = ()) -> None:
        """Puts the screen of `link` on top, or in the place of its neighbour's."""
        screen.neighbours = (among, among.index(link)) if link in among else ((), 0)
        below = self._app.screen
        if among and isinstance(below, ConsoleScreen) and below.neighbours[0] is among:
            self._app.switch_screen(screen)
        else:
            self._app.push_screen(screen)

    def _screen_of(self, link: RecordLink | TaskLink | TasksLink | EndpointLink) -> ConsoleScreen:
        state = self._state
        context = state.context(link.context)
        match link:
            case TaskLink():
                from qlikops.tui.screens.task import TaskScreen

                return TaskScreen(state, link.key.full, context)
            case TasksLink():
                from qlikops.tui.screens.fleet import FleetScreen

                return FleetScreen(state, context, f"proposal:{link.approval_id}")
            case EndpointLink():
                from qlikops.tui.screens.endpoint import EndpointScreen

                return EndpointScreen(state, context, link.endpoint)
            case RecordLink():
                from qlikops.tui.screens.record import RecordScreen

                return RecordScreen(state, context, link.approval_id)

    def _show_in_inbox(self, link: RecordLink) -> None:
        mode = self._app.current_mode
        if mode == InboxScreen.MODE:
            self._to_bottom()
        else:
            self._came_from.append(mode)
            self._app.switch_mode(InboxScreen.MODE)
        inbox = self._app.get_screen_stack(InboxScreen.MODE)[0]
        if isinstance(inbox, InboxScreen):
            inbox.reveal(link.context, link.approval_id)

    def _look_up(self, link: RunLink) -> None:
        """A run is opened by what AWS says of it, which has to be asked."""

        def work(environment: Any) -> messages.RunFound:
            return messages.RunFound(link, environment.executions.detail(link.name, with_history=False).summary)

        self._state.context(link.context).backend.call("link", work, messages.RunNotFound, self._app)

    def found(self, message: messages.RunFound) -> None:
        """The run of a link has been looked up."""
        from qlikops.tui.screens.execution import ExecutionScreen

        screen = ExecutionScreen(self._state, message.run)
        screen.context = self._state.context(message.link.context)
        self.open(screen, message.link)

    def _to_bottom(self) -> None:
        # Nothing asks for what a screen answers that is left with a tab: dialogs take the tabs' keys.
        stack: list[Screen[Any]] = self._app.screen_stack
        for _ in stack[1:]:
            self._app.pop_screen()
