"""approvals --watch --exec: a program of one's own for each proposal that waits; the event is JSON on its stdin."""

from __future__ import annotations

import shlex
import shutil

from qlikops import hook
from qlikops.cli import output
from qlikops.domain.encoding import codec
from qlikops.domain.errors import UsageError
from qlikops.presentation.lists.watch import WatchEvent, What

_WAITING = (What.WAITS, What.NEW)
_STDERR = 2
"""The program's output is talk: stdout is the stream of events."""


class ProposalHook:
    """Tells the program once of each proposal that waits."""

    def __init__(self, command: str) -> None:
        """Raises UsageError for a command line that names no program."""
        try:
            argv = shlex.split(command)
        except ValueError as exc:
            raise UsageError(f"--exec: {exc}.", "Close every quote.") from exc
        if not argv or shutil.which(argv[0]) is None:
            program = shlex.quote(argv[0] if argv else "")
            hint = "Give its path. For a shell's line: --exec 'sh -c …'."
            raise UsageError(f"--exec: there is no program {program}.", hint)
        self._program = hook.Hook(argv, _say, output=_STDERR)
        self._told: set[tuple[str, str]] = set()

    def take(self, event: WatchEvent) -> None:
        """Runs the program for it if it is of a proposal that waits and that was not told of before."""
        name = event.context, event.approval_id
        if event.what in _WAITING and name not in self._told:
            self._told.add(name)
            self._program.tell(codec.dumps(event), event.approval_id)


def _say(problem: str, approval_id: str) -> None:
    output.say(f"--exec: {problem} for {approval_id}.")
