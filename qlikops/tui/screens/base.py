"""What every full screen has: title, footer, and the console's state."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from qlikops.domain.ports import ContextServices
from qlikops.domain.words.text import harmless
from qlikops.presentation.headline import Headline
from qlikops.presentation.problem import explain
from qlikops.tui.model.context import LiveContext
from qlikops.tui.model.links import Link, Links, TaskLink
from qlikops.tui.model.messages import AddressFound, ClaimFailed, CopyWanted, LoadFailed, Polled, PollFailed
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.terminal.browser import has_display
from qlikops.tui.widgets.coaching import CoachLine
from qlikops.tui.widgets.headline import HeadlineBar
from qlikops.tui.widgets.keybar import KeyBar
from qlikops.tui.widgets.status_line import StatusLine
from qlikops.tui.widgets.title import TitleBar

PollResult = TypeVar("PollResult")


class ConsoleScreen(Screen[None]):
    """A screen under one of the tabs."""

    MODE: ClassVar[str]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "follow('task')", "Its task", show=False, id="its-task"),
        Binding("e", "follow('endpoint')", "Its endpoint", show=False, id="its-endpoint"),
        Binding("E", "follow('other_endpoint')", "Its other endpoint", show=False, id="its-other-endpoint"),
        Binding("F", "follow('failure')", "What is known of its failure", show=False, id="its-failure"),
        Binding("R", "follow('run')", "Its run", show=False, id="its-run"),
        Binding("n", "neighbour(1)", "Next one", show=False, id="next-one", tooltip="without going back to the list"),
        Binding("N", "neighbour(-1)", "The one before", show=False, id="one-before"),
        Binding("o", "browse", "Open in a browser", show=False, id="browse"),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - Textual declares it

    def __init__(self, state: ConsoleState) -> None:
        super().__init__()
        self.state = state
        self.neighbours: tuple[Sequence[Link], int] = ((), 0)
        """The list that this was opened from, and where in it this is."""

    def compose(self) -> ComposeResult:
        """Title, headline, content, status, keys."""
        yield TitleBar(self.state, self.MODE)
        yield HeadlineBar()
        yield from self.content()
        if self.state.coach is not None:
            yield CoachLine(self.state)
        yield StatusLine(self.state, self.MODE)
        yield KeyBar()

    def headline(self) -> Headline | None:
        """What this screen says first; None takes no room."""
        return None

    def content(self) -> ComposeResult:
        """What lies between headline and status."""
        yield from ()

    def on_mount(self) -> None:
        """Follows the theme: what is drawn carries its colours."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self.catch_up() if self.is_active else None)

    def links(self) -> Links:
        """What the chosen thing leads to."""
        return Links()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A key that leads nowhere is not there."""
        match action:
            case "follow":
                return getattr(self.links(), str(parameters[0])) is not None
            case "neighbour":
                return len(self.neighbours[0]) > 1
            case "browse":
                return isinstance(self.links().task, TaskLink)
        return super().check_action(action, parameters)

    def action_follow(self, sort: str) -> None:
        """Opens what the chosen thing leads to; `sort` is a field of Links."""
        link: Link | None = getattr(self.links(), sort)
        if link is not None:
            self.state.navigation.go(link)

    def action_neighbour(self, by: int) -> None:
        """Opens the next one of the list that this was opened from, or the one before, round and round."""
        links, at = self.neighbours
        if links:
            self.state.navigation.go(links[(at + by) % len(links)], links)

    def action_browse(self) -> None:
        """Opens the web console of the task's Enterprise Manager."""
        link = self.links().task
        if isinstance(link, TaskLink):
            self.find_address(
                link.context,
                lambda environment: environment.fleet.snapshot().console_of(link.key),
                hint=f"Its tasks have no addresses of their own: look for {harmless(str(link.key), 120)}.",
                none="The address of its Enterprise Manager is not known: the last run was of an earlier version.",
            )

    def find_address(self, context: str, find: Callable[[ContextServices], str], *, none: str, hint: str = "") -> None:
        """Opens the address that `find` gives off the UI thread, in a browser; says `none` if there is none."""

        def work(environment: ContextServices) -> AddressFound:
            url = find(environment)
            return AddressFound(url, hint if url else none)

        self.state.context(context).backend.call("address", work, LoadFailed, self)

    @on(ClaimFailed)
    def _not_claimed(self, message: ClaimFailed) -> None:
        self.notify(str(explain(message.error)), severity="error", markup=False)

    @on(AddressFound)
    def _show_address(self, message: AddressFound) -> None:
        url, words = message.url, message.words
        if not url:
            self.notify(words, markup=False)
            return
        self.copy(url, "URL")
        if has_display(os.environ):
            self.app.open_url(url)
            self.notify(f"Opened: {url} {words}", markup=False)
        else:
            self.notify(f"There is no display here to open it on: {url} {words}", timeout=20, markup=False)

    def action_back(self) -> None:
        """Back to where it was opened."""
        self.state.navigation.back()

    def chosen_values(self) -> Mapping[str, str]:
        """What is chosen here, by the names that a person's own commands have for it."""
        return {}

    @property
    def place(self) -> str:
        """Name of the screen in a person's own command."""
        return self.MODE

    @abstractmethod
    def why_not(self) -> str:
        """Why what is greyed can't be done now, for the help; empty where nothing stands in the way."""

    def state_changed(self) -> None:
        """The inbox, its freshness or a decision changed."""
        self.draw_frame()
        self.refresh_bindings()

    def draw_frame(self) -> None:
        """Shows in title, headline, first step and status what they say now."""
        self.query_one(TitleBar).refresh()
        self.query_one(HeadlineBar).show(self.headline())
        if self.state.coach is not None:
            self.query_one(CoachLine).draw()
        self.query_one(StatusLine).draw()

    def on_resize(self) -> None:
        """The headline has room for more or less now."""
        self.query_one(HeadlineBar).show(self.headline())

    def copy(self, text: str, what: str) -> None:
        """Copies `text` as far as that is possible here; what became of it is said, and `what` names it."""
        self.app.post_message(CopyWanted(text, what))

    def remember(self, **changes: object) -> None:
        """Remembers `changes`, fields of Preferences, for the next start."""
        if problem := self.state.remember(**changes):
            self.notify(problem, severity="warning", markup=False)

    def on_screen_resume(self) -> None:
        """Comes into sight. Only here: Textual calls every class's own, so a subclass overrides what this calls."""
        self.catch_up()

    def catch_up(self) -> None:
        """Shows what changed meanwhile."""
        self.state.unseen[self.MODE] = 0
        self.state_changed()


class PolledScreen(ConsoleScreen, Generic[PollResult]):
    """A screen that asks one context for what it shows, again and again, but only while it is on the screen."""

    POLL_SECONDS: ClassVar[float]
    BINDINGS: ClassVar[list[BindingType]] = [Binding("r", "refresh", "Refresh", id="refresh")]

    def __init__(self, state: ConsoleState, context: LiveContext | None = None) -> None:
        super().__init__(state)
        self.context = context or state.current
        """The context that is asked; by default the current one when the screen was made, whatever the other screens
        show by now.
        """

    @property
    def lane(self) -> str:
        """The lane in which only this screen's questions wait; one that was asked is asked again after its answer."""
        return f"{self.MODE}-{id(self)}"

    def why_not(self) -> str:
        return self.context.locked_because()

    @abstractmethod
    def load(self, environment: ContextServices) -> PollResult:
        """Asks, off the UI thread."""

    @abstractmethod
    def took(self, found: PollResult) -> None:
        """What `load` returned has come."""

    def missed(self, error: Exception) -> None:
        """It has not come, because of `error`; what came before is still shown."""
        self.notify(str(explain(error)), severity="error", markup=False)

    def on_mount(self) -> None:
        self.set_interval(self.POLL_SECONDS, self._poll)

    def catch_up(self) -> None:
        """Asks as well."""
        super().catch_up()
        self.action_refresh()

    def action_refresh(self) -> None:
        """Asks now, unless an answer is on its way."""
        if not self.context.backend.busy(self.lane):
            self.ask(self.load)

    def ask(self, load: Callable[[ContextServices], PollResult]) -> None:
        """Has `load` run off the UI thread; `took` or `missed` hears of it."""
        self.context.backend.call(self.lane, lambda environment: Polled(load(environment)), PollFailed, self)

    @on(Polled)
    def _took(self, message: Polled) -> None:
        self.took(message.found)

    @on(PollFailed)
    def _missed(self, message: PollFailed) -> None:
        self.missed(message.error)

    def poll(self) -> None:
        """What happens every POLL_SECONDS on the screen that is shown."""
        self.action_refresh()

    def _poll(self) -> None:
        if self.is_active and not self.context.rests():
            self.poll()
