"""The console's app: its modes and what is asked for all the time, whichever screen is shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.app import App
from textual.binding import Binding, BindingsMap, BindingType
from textual.driver import Driver
from textual.geometry import Size
from textual.screen import ModalScreen, Screen
from textual.widgets import Input

from qlikops import __version__
from qlikops.domain.errors import DecisionUnknown
from qlikops.domain.own_command import OwnCommand
from qlikops.domain.saved_filter import SavedFilter
from qlikops.domain.versions import difference
from qlikops.domain.words.text import harmless
from qlikops.presentation.lists import plans
from qlikops.presentation.problem import explain
from qlikops.presentation.tone import Tone, plain
from qlikops.tui.coach import Coach
from qlikops.tui.deciding import HOLD_TICK_SECONDS, WATCH_AGAIN_SECONDS, DecidingApp
from qlikops.tui.drawing import Redrawer
from qlikops.tui.finder import FinderOpener
from qlikops.tui.keys import KeyNames
from qlikops.tui.model import messages
from qlikops.tui.model.context import ContextSource, LiveContext
from qlikops.tui.model.outbox import Clock
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.modes import INBOX, MODES, OF_ONE_CONTEXT, Mode
from qlikops.tui.navigation import Navigator
from qlikops.tui.own_keys import Own
from qlikops.tui.preferences import PreferenceFile
from qlikops.tui.reaching import Reaching
from qlikops.tui.screens.base import ConsoleScreen, PolledScreen
from qlikops.tui.screens.inbox import InboxScreen
from qlikops.tui.screens.modal import Modal
from qlikops.tui.screens.small import TooSmallScreen, is_too_small
from qlikops.tui.signing_in import SigningIn
from qlikops.tui.terminal.clipboard import Clipboard
from qlikops.tui.terminal.control import TerminalTitle, call_in_terminal, has_titles, run_in_terminal
from qlikops.tui.terminal.pulse import Pulse
from qlikops.tui.theming import Theming, of_scrollbars, own_variables
from qlikops.tui.usable import Usable, usable, words_on

if TYPE_CHECKING:
    from qlikops.tui.finder import KnownFailures

POLL_SECONDS = 2.5
CREDENTIALS_SECONDS = 60
"""How often it is looked up until when the credentials last."""
SETTLED_SECONDS = 0.1
"""How many seconds it takes until the first rows are on the screen: what asking for an identity imports would hold
them up.
"""
LAST_RUN_SECONDS = 30
"""How often an empty inbox asks when the fleet was last checked."""


class QlikOpsApp(DecidingApp):
    """The screens of MODES over one ConsoleState."""

    CSS_PATH = "app.tcss"
    TITLE = "qlikops"
    AUTO_FOCUS = None
    ENABLE_COMMAND_PALETTE = False
    DEFAULT_MODE = INBOX.name
    VERTICAL_BREAKPOINTS = [(0, "-short"), (24, "-tall")]  # noqa: RUF012 - Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(mode.key, f"switch_mode('{mode.name}')", mode.title, show=False, id=mode.name) for mode in MODES),
        Binding("colon,ctrl+p", "find", "Find", key_display=":", id="commands", tooltip="anything by its name"),
        # Ahead of every screen's own Esc: while it counts down, Esc means this.
        Binding("escape", "cancel_delayed", "Do not send", priority=True, id="do-not-send"),
        Binding("0", "choose_context", "Context", show=False, id="context", tooltip="which one the other screens show"),
        # In dialogs too: what is missing there may be credentials.
        Binding("ctrl+l", "sign_in", "Sign in", priority=True, id="sign-in"),
        Binding("greater_than_sign", "coach(True)", "Next step", show=False, key_display=">", id="coach-next"),
        Binding("X", "coach(False)", "No more first steps", show=False, id="coach-off"),
        Binding("exclamation_mark", "errors", "Last errors", show=False, key_display="!", id="errors"),
        Binding("question_mark", "help", "Help", key_display="?", id="help"),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True, id="quit", tooltip="nothing that waits is lost"),
    ]

    def __init__(
        self,
        contexts: Sequence[ContextSource],
        *,
        clock: Clock | None = None,
        poll_seconds: float = POLL_SECONDS,
        watch_again_seconds: float = WATCH_AGAIN_SECONDS,
        keymap: Mapping[str, str] | None = None,
        memory: PreferenceFile | None = None,
        run_command: Callable[[App[Any], Sequence[str]], str] = run_in_terminal,
        call: Callable[[App[Any], str, Callable[[], object]], str] = call_in_terminal,
        own_commands: Mapping[str, OwnCommand] | None = None,
        run_own_command: Callable[..., str] = run_in_terminal,
        once_filled: Callable[[], None] = lambda: None,
        driver_class: type[Driver] | None = None,
        clipboard: Clipboard | None = None,
        environ: Mapping[str, str] | None = None,
        filters: Mapping[str, SavedFilter] | None = None,
        known_failures: KnownFailures = lambda _: (),
        coach: bool = False,
    ) -> None:
        super().__init__(driver_class)
        self.memory = memory or PreferenceFile()
        names = KeyNames(keymap or {}, self.get_key_display)
        self.state = ConsoleState(contexts, self, clock or _utc_now, self.memory, names)
        self.state.navigation = self._navigator = Navigator(self, self.state)
        self.state.filters = filters or {}
        if coach and not self.memory.preferences.coached:
            self.state.coach = Coach(self, self.state)
        self._finding = FinderOpener(self, self.state, self._navigator, known_failures, self._show_context)
        self._system_clipboard = clipboard or Clipboard()
        self._once_filled = once_filled
        """Called once, when an inbox is on the screen for the first time."""
        self._poll_seconds = poll_seconds
        self._watch_again_seconds = watch_again_seconds
        self._terminal_title = TerminalTitle(self.write_to_terminal)
        self._warned_of_quitting = False
        self._back_since = 0.0
        """When another program last gave the screen back, on the clock of events."""
        self._pulse = Pulse(self.state.clock)
        self._drawing = Redrawer(self)
        self._reaching = Reaching(self, environ or {}, rings=self.memory.preferences.bell is not False)
        self._signing_in = SigningIn(
            self,
            self.state,
            run_command,
            call,
            lambda why: self._withdrawn(self.state.cancel_delayed(why), Tone.WARNING),
        )
        self._theming = Theming(self, self.state)
        self.set_keymap(keymap or {})
        self._own = Own(own_commands or {}, self.state.filters, run_own_command)
        self._bindings = BindingsMap.merge([self._bindings, BindingsMap(self._own.bindings())])
        for mode in OF_ONE_CONTEXT:
            self._add_screen(mode)

    def _add_screen(self, mode: Mode) -> None:
        self.add_mode(mode.name, lambda: mode.load()(self.state))

    def get_default_screen(self) -> Screen[Any]:
        """The inbox."""
        return InboxScreen(self.state)

    def on_mount(self) -> None:
        """Asks for the inbox while the first frame paints."""
        # To come back to. As the mode that it starts in it would have every style sheet parsed twice.
        self._add_screen(INBOX)
        self.theme_changed_signal.subscribe(self, self._theming.remember)
        if self.memory.problem:
            self.notify(self.memory.problem, severity="warning", markup=False)
        self.state.load_rows(self)
        self.set_interval(self._poll_seconds, lambda: self.state.poll(self))
        self.set_interval(CREDENTIALS_SECONDS, self._look_up_credentials)
        self.set_interval(1, self._tick)
        self.set_interval(LAST_RUN_SECONDS, self._ask_for_last_run)
        self.set_interval(HOLD_TICK_SECONDS, self._let_go)
        self.set_interval(self._watch_again_seconds, self._follow)
        self.call_after_refresh(lambda: self._heed(self.size))
        self.app_resume_signal.subscribe(self, lambda _: self._take_the_screen_back())

    def _take_the_screen_back(self) -> None:
        # Whoever had the terminal meanwhile left nothing of what was drawn.
        self._drawing.all_anew()
        self._back_since = monotonic()

    def on_resize(self, event: events.Resize) -> None:
        """Before Textual tells the screens: what is under too small a terminal keeps its layout."""
        self._heed(event.size)

    def _heed(self, size: Size) -> None:
        """Shows nothing but that the terminal is too small while it is, and sends nothing that nobody can see."""
        if not self.is_running or not self.screen_stack:
            return
        is_covered = isinstance(self.screen, TooSmallScreen)
        if is_too_small(size) and not is_covered:
            withdrawn = self.state.cancel_delayed("the terminal became too small to show it")
            self._withdrawn(withdrawn, Tone.WARNING)
            words = "\n".join(plain(sending.progress(self.state.now())) for sending in withdrawn)
            self.push_screen(TooSmallScreen(words, self.state.keys["quit"]))
        elif is_covered and not is_too_small(size):
            self.pop_screen()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Esc cancels what is held back first, wherever one is; but a dialog that sends is what it means while open."""
        if action == "cancel_delayed":
            return bool(self.state.held) and not (isinstance(self.screen, Modal) and self.screen.TAKES_ESCAPE)
        if action == "own":
            return self._own.fits(str(parameters[0]), self.screen)
        if action == "coach":
            return self.state.coach is not None and self.state.coach.step is not None
        if action == "choose_context":
            return self.state.several and not isinstance(self.screen, ModalScreen)
        if action == "sign_in":
            return self._signing_in.wanted() is not None and not isinstance(self.screen, TooSmallScreen)
        return super().check_action(action, parameters)

    def action_own(self, key: str) -> None:
        """Leaves the screen to a command of the person's own."""
        screen = self.screen
        if not isinstance(screen, ConsoleScreen):
            return
        self._withdrawn(self.state.cancel_delayed("the screen was left to another program"), Tone.WARNING)
        if problem := self._own.run(self, key, screen):
            self.notify(problem, severity="error", markup=False)
        self._drawing.all_anew()

    def on_key(self, event: events.Key) -> None:
        """What is typed right after the key that opens a text field is that field's, though it reached the list first.

        Only here keys come one by one: in a burst, all of them have passed the list before the first has done anything.
        What was typed before another program gave the screen back was not meant for what is on it now.
        """
        if event.time < self._back_since:
            event.prevent_default()
            return
        if not event.is_printable or not event.character:
            return
        if isinstance(self.focused, Input):
            # A letter that the input was given ends there; this one was given to what had the focus before.
            self.focused.insert_text_at_cursor(event.character)
            event.prevent_default()
        elif isinstance(self.screen, Modal | InboxScreen) and self.screen.type_ahead(event.character):
            event.prevent_default()

    def deeds(self, screen: Screen[object]) -> Sequence[Usable]:
        """What the finder offers of a screen."""
        return self._finding.deeds(screen, rings=self._reaching.rings)

    def action_coach(self, goes_on: bool) -> None:
        """Goes to the next of the first steps, or ends them."""
        if (coach := self.state.coach) is not None:
            (coach.go_on if goes_on else coach.end)()
            self._drawing.soon()

    async def action_use_filter(self, name: str) -> None:
        """Shows a list under a filter of the configuration."""
        await self._finding.use(self.state.filters[name])

    def action_find(self) -> None:
        """Asks for anything by name, and goes there or does it."""
        self._finding.start(self.deeds(self.screen))

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Ours, for themes that do not know them."""
        return own_variables(self.current_theme)

    def get_css_variables(self) -> dict[str, str]:
        """The theme's, with scrollbars of ours."""
        found = super().get_css_variables()
        return found | of_scrollbars(found)

    def get_key_display(self, binding: Binding) -> str:
        """`ctrl+q`, which reads as what to press, where Textual has `^q`."""
        return re.sub(r"\^(?=.)", "ctrl+", super().get_key_display(binding))

    def remember(self, **changes: object) -> None:
        """Remembers `changes`, fields of Preferences; says if that is only until the console ends."""
        if problem := self.state.remember(**changes):
            self.notify(problem, severity="warning", markup=False)

    def action_toggle_bell(self) -> None:
        """Turns the ringing for what is new off or on, for good."""
        self._reaching.rings = not self._reaching.rings
        self.remember(bell=self._reaching.rings)
        self.notify(f"The bell is {'on' if self._reaching.rings else 'off'}.", markup=False)

    def action_help(self) -> None:
        """Shows what can be done here and now, and what cannot and why."""
        why_not = self.screen.why_not() if isinstance(self.screen, ConsoleScreen) else ""
        from qlikops.tui.screens.help import HelpScreen

        self.push_screen(HelpScreen(self.state, usable(self.screen), why_not, words_on(self.screen)))

    def action_errors(self) -> None:
        """Shows what went wrong lately."""
        from qlikops.tui.screens.errors import ErrorsScreen

        self.push_screen(ErrorsScreen(self.state))

    def action_choose_context(self) -> None:
        """Asks which context the screens beside the inbox show."""
        from qlikops.tui.screens.contexts import ContextsScreen

        self.push_screen(ContextsScreen(self.state), self._show_context)

    async def _show_context(self, context: LiveContext | None) -> None:
        if context is None or context is self.state.current:
            return
        mode = self.current_mode
        with self.batch_update():
            await self.switch_mode(INBOX.name)
            self._navigator.forget()
            # Made anew: an answer from the other context that is on its way finds nobody.
            for each in OF_ONE_CONTEXT:
                await self.remove_mode(each.name)
                self._add_screen(each)
            # Not earlier: until they are gone they would ask this one about what they show of the other.
            self.state.current = context
            self._theming.follow_context()
            await self.switch_mode(mode)

    async def action_switch_mode(self, mode: str) -> None:
        """Shows a tab; the one in sight from its first screen on."""
        self._navigator.to_mode(mode)

    @on(messages.RunFound)
    def _run_found(self, message: messages.RunFound) -> None:
        self._navigator.found(message)

    @on(messages.RunNotFound)
    def _run_not_found(self, message: messages.RunNotFound) -> None:
        self.notify(str(explain(message.error)), severity="error", markup=False)

    def action_sign_in(self) -> None:
        """Hands the terminal to the command that signs in."""
        self._signing_in.start()
        self._drawing.soon()

    def _look_up_credentials(self) -> None:
        for context in self.state.contexts:
            context.load_credentials(self)
            if context.freshness.error is None:
                # Where nobody could say whose they are.
                context.load_caller(self)

    def _tick(self) -> None:
        # Another stack of screens may have come up meanwhile.
        self._heed(self.size)
        changed = [context.look_at_waiting() for context in self.state.contexts]
        if any(changed):
            self._drawing.soon()
        self._terminal_title.show(self.state.unanswered, self.state.news())

    def write_to_terminal(self, text: str) -> None:
        """Past the screen; only for sequences of ours."""
        if self._driver is not None and not self.is_headless and has_titles():
            self._driver.write(text)

    async def action_quit(self) -> None:
        """Quits; while a decision is on its way, only when asked twice."""
        if any(context.outbox.sending_now for context in self.state.contexts) and not self._warned_of_quitting:
            self._warned_of_quitting = True
            self.notify("A decision is being sent. Again to quit all the same.", severity="warning", markup=False)
            return
        # Before anything else: what is held back must not go out while the app ends.
        self.state.cancel_delayed("the console was quit")
        self.exit(0)

    @on(messages.CopyWanted)
    def _copy(self, message: messages.CopyWanted) -> None:
        async def take() -> None:
            self.notify(await self._system_clipboard.take(message.text, message.what), markup=False)

        self.copy_to_clipboard(message.text)
        self.run_worker(take())

    def on_app_focus(self) -> None:
        """A person who looks at the terminal needs no notice; not every terminal says so."""
        self._reaching.is_watched = True

    def on_app_blur(self) -> None:
        """The person looks elsewhere."""
        self._reaching.is_watched = False

    @on(messages.Alerted)
    def _alerted(self, message: messages.Alerted) -> None:
        self._reaching.reach(self._context_of(message), message.events)

    @on(messages.HookFailed)
    def _hook_failed(self, message: messages.HookFailed) -> None:
        self.notify(message.problem, severity="warning", timeout=15, markup=False)

    @on(messages.ToldToEnd)
    def _told_to_end(self, message: messages.ToldToEnd) -> None:
        self.state.cancel_delayed("the console was ended from outside")
        self.exit(return_code=message.exit_code)

    @property
    def crash(self) -> Exception | None:
        """What ended the app, if nothing foresaw it."""
        return self._exception

    def _fatal_error(self) -> None:
        """Ends the app after a crash. Textual would print the locals of each frame, task tokens among them."""
        self._close_messages_no_wait()

    # What came from workers

    @on(messages.EnvironmentOpened)
    def _environment_opened(self, message: messages.EnvironmentOpened) -> None:
        context = self._context_of(message)
        context.opened(message.where, read_only=message.read_only)
        self.set_timer(SETTLED_SECONDS, lambda: context.load_credentials(self))

    @on(messages.CredentialsLoaded)
    def _credentials_loaded(self, message: messages.CredentialsLoaded) -> None:
        context = self._context_of(message)
        context.took_credentials(message.credentials)
        self._drawing.soon()
        self._signing_in.learned(context)

    @on(messages.CallFailed)
    def _call_failed(self, message: messages.CallFailed) -> None:
        self.state.failed(self._context_of(message), message.error)

    @on(messages.CallerLoaded)
    def _caller_loaded(self, message: messages.CallerLoaded) -> None:
        self._context_of(message).took_caller(message)
        # What is somebody else's claim while nobody knows, and in whose name a dialog sends.
        self._drawing.soon()

    @on(messages.WaitingLoaded)
    def _waiting_loaded(self, message: messages.WaitingLoaded) -> None:
        context = self._context_of(message)
        first, waited = context.freshness.loaded_at is None, bool(self.state.waiting)
        context.where = message.where
        self._reaching.reach(context, self.state.took_rows(context, message.rows))
        context.load_followed(self)
        self._tick()
        if first:
            # What somebody waits for is not to wait for what was drawn a moment ago, nor for boto3 to load.
            self._drawing.now()
            self.call_after_refresh(self._once_filled)
            self._once_filled = lambda: None
            self.call_after_refresh(self._ask_for_last_run)
            if said := difference(message.agent_version, __version__):
                self.notify(str(said), severity="warning", timeout=15, markup=False)
        else:
            self._drawing.soon()
            if waited:
                self._ask_for_last_run()
        if context.wants_caller:
            context.wants_caller = False
            self.set_timer(SETTLED_SECONDS, lambda: context.load_caller(self))

    @on(messages.WaitingLoadFailed)
    def _waiting_load_failed(self, message: messages.WaitingLoadFailed) -> None:
        context = self._context_of(message)
        context.missed_rows(message.error)
        context.load_credentials(self)
        self._drawing.soon()

    @on(messages.LastRunLoaded)
    def _last_run_loaded(self, message: messages.LastRunLoaded) -> None:
        context = self._context_of(message)
        context.last_run, context.knows_last_run, context.missed_last_run = message.execution, True, False
        self._drawing.soon()

    @on(messages.LastRunLoadFailed)
    def _last_run_load_failed(self, message: messages.LastRunLoadFailed) -> None:
        self._context_of(message).missed_last_run = True
        self._drawing.soon()

    @on(messages.RunChanged)
    def _run_changed(self, message: messages.RunChanged) -> None:
        self.notify(f"{message.done}: {harmless(message.execution.name, 100)}", markup=False)
        self._refresh_shown()

    @on(messages.OrderSettled)
    def _order_settled(self, message: messages.OrderSettled) -> None:
        words, is_good = plans.settled(message.receipt)
        self.notify(words, severity="information" if is_good else "warning", timeout=15, markup=False)
        self._refresh_shown()

    @on(messages.RunChangeFailed)
    def _run_not_changed(self, message: messages.RunChangeFailed) -> None:
        self.bell()
        # A reply that was lost is no failure: it may have happened.
        known = "Perhaps not done" if isinstance(message.error, DecisionUnknown) else "Not done"
        words = f"{known}: {harmless(message.asked, 120)}. {explain(message.error)}"
        self.notify(words, severity="error", timeout=15, markup=False)
        self._refresh_shown()

    def _refresh_shown(self) -> None:
        if self.screen_stack and isinstance(self.screen, PolledScreen):
            self.screen.action_refresh()

    def _ask_for_last_run(self) -> None:
        # Only an empty inbox says it.
        for context in self.state.contexts if not self.state.waiting else ():
            context.load_last_run(self)


def _utc_now() -> datetime:
    return datetime.now(UTC)
