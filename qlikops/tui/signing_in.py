"""Signing in from inside the console: the terminal is handed to the command that does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Any

from textual.app import App

from qlikops.dataclass import dataclass
from qlikops.domain.words.text import harmless
from qlikops.tui.model.context import LiveContext
from qlikops.tui.model.state import ConsoleState

NOTICE_SECONDS = 15
"""How long it is said what went wrong, or what to do where there is no command."""


@dataclass
class SigningIn:
    """Whichever context needs it, and what came of it."""

    app: App[Any]
    state: ConsoleState
    run_command: Callable[[App[Any], Sequence[str]], str]
    call: Callable[[App[Any], str, Callable[[], object]], str]
    """Returns, as `run_command` does, what went wrong, or nothing."""
    withdraw: Callable[[str], None]
    """Takes back what is held."""
    _once_known: LiveContext | None = field(default=None, init=False)
    """Context in which a person wants to sign in before it is known how."""

    def wanted(self) -> LiveContext | None:
        """The context that needs it: that of the open dialog before others."""
        state, now = self.state, self.state.now()
        asked = (getattr(self.app.screen, "context", None), state.current, *state.contexts)
        return next(
            (each for each in asked if isinstance(each, LiveContext) and each.freshness.wants_sign_in(now)), None
        )

    def start(self) -> None:
        """Runs the command, then opens anew what it was for; waits where it is still looked up which command."""
        self._once_known = None
        context = self.wanted()
        if context is None:
            return
        command = context.freshness.credentials.login
        if command:
            self._run(command)
        elif context.freshness.credentials.in_terminal:
            self._sign_in(context)
        elif context.looks_up_credentials:
            self._once_known = context
        else:
            words = f"{harmless(context.name, 30)}: {context.freshness.remedy(self.state.now())}."
            self.app.notify(words, severity="warning", timeout=NOTICE_SECONDS, markup=False)

    def learned(self, context: LiveContext) -> None:
        """It is known how one signs in there."""
        if context is self._once_known:
            self.start()

    def _sign_in(self, context: LiveContext) -> None:
        self.withdraw("you went to sign in")
        if problem := self.call(self.app, f"Signing in to {harmless(context.name, 30)} …", context.backend.sign_in):
            self.app.notify(harmless(problem), severity="error", timeout=NOTICE_SECONDS, markup=False)
        else:
            context.start_over(self.app)

    def _run(self, command: Sequence[str]) -> None:
        # Nobody could cancel it meanwhile.
        self.withdraw("you went to sign in")
        if problem := self.run_command(self.app, command):
            self.app.notify(harmless(problem), severity="error", timeout=NOTICE_SECONDS, markup=False)
        for each in self.state.contexts:
            if each.freshness.credentials.login == command:
                each.start_anew(self.app)
