"""How the console reaches a person who looks elsewhere: the bell, a notice on the desktop, a program of their own."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING

from qlikops.dataclass import dataclass
from qlikops.domain.encoding import codec
from qlikops.hook import Hook
from qlikops.presentation import alert
from qlikops.presentation.lists.watch import WatchEvent, in_words
from qlikops.tui.model.backend import post
from qlikops.tui.model.context import LiveContext
from qlikops.tui.model.messages import HookFailed
from qlikops.tui.terminal import notices

if TYPE_CHECKING:
    from qlikops.tui.app import QlikOpsApp

_TMUX_BLOCKS = (
    'tmux hands no notice on to the terminal. `tmux set -g allow-passthrough on` changes that; notices = "off" in '
    "config.toml ends this message."
)


@dataclass
class Reaching:
    """One rule for all ways: an event is told if its severity is at least what its context's `notify_from` says."""

    app: QlikOpsApp
    environ: Mapping[str, str]
    rings: bool
    """Whether the bell is on; a context's own setting may still turn it off there."""
    is_watched: bool = False
    """Whether the terminal says that it has the focus: who looks at the console needs no notice."""
    _hooks: dict[str, Hook] = field(default_factory=dict)
    """Running hooks by their command line."""
    _said: set[str] = field(default_factory=set)
    """What went wrong with a way and was said: each is said once."""
    _notices: int = 0

    def reach(self, context: LiveContext, events: Sequence[WatchEvent]) -> None:
        """Tells of `events`, which came together, what the context's settings let through."""
        alerts = context.alerts
        heard = alerts.heard(events)
        if not heard:
            return
        if self.rings and alerts.bell:
            self.app.bell()
        if alerts.notices != "off" and not self.is_watched:
            title, body = alert.notice(heard, context.label)
            self.app.run_worker(self._notify(alerts.notices, title, body))
        if alerts.notify_command.strip():
            hook = self._hooks.get(alerts.notify_command) or self._hook(alerts.notify_command)
            for event in heard:
                named = replace(in_words(event), context=context.name)
                hook.tell(codec.dumps(named), named.approval_id)

    def _hook(self, command: str) -> Hook:
        hook = self._hooks[command] = Hook(shlex.split(command), self._hook_failed, output=subprocess.DEVNULL)
        return hook

    def _hook_failed(self, problem: str, approval_id: str) -> None:
        """Called in the hook's thread."""
        if problem not in self._said:
            self._said.add(problem)
            words = f"notify_command: {problem} for {approval_id}. Said once; what comes later is tried all the same."
            post(self.app, HookFailed(words))

    async def _notify(self, chosen: str, title: str, body: str) -> None:
        shown_in = await notices.terminal(self.environ)
        form = shown_in.form if chosen == "auto" else chosen
        if not form:
            return
        if shown_in.blocked and _TMUX_BLOCKS not in self._said:
            self._said.add(_TMUX_BLOCKS)
            self.app.notify(_TMUX_BLOCKS, severity="warning", timeout=15, markup=False)
        self._notices += 1
        self.app.write_to_terminal(notices.sequence(form, title, body, self._notices, in_tmux=shown_in.in_tmux))
