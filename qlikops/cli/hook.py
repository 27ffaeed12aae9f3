"""approvals --watch --exec: a program of one's own for each proposal that waits; the event is JSON on its stdin."""

from __future__ import annotations

import queue
import shlex
import shutil
import subprocess
import threading

from qlikops.cli import output
from qlikops.domain.encoding import codec
from qlikops.domain.errors import UsageError
from qlikops.presentation.watch import Event, What

PATIENCE_SECONDS = 60.0
"""How long the program may take for one proposal; then it is ended, and the next one is told of."""
_WAITING = (What.WAITS, What.NEW)


class Hook:
    """Runs the program in a thread of its own, one proposal after the other: a slow one does not hold up the watch."""

    def __init__(self, command: str) -> None:
        """Raises UsageError for a command line that names no program. No shell reads it."""
        try:
            self._argv = shlex.split(command)
        except ValueError as exc:
            raise UsageError(f"--exec: {exc}.", "Close every quote.") from exc
        if not self._argv or shutil.which(self._argv[0]) is None:
            program = shlex.quote(self._argv[0] if self._argv else "")
            hint = "Give its path. For a shell's line: --exec 'sh -c …'."
            raise UsageError(f"--exec: there is no program {program}.", hint)
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._told: set[tuple[str, str]] = set()
        threading.Thread(target=self._work, daemon=True).start()

    def take(self, event: Event) -> None:
        """Runs the program for it if it is of a proposal that waits and that was not told of before."""
        name = event.context, event.approval_id
        if event.what in _WAITING and name not in self._told:
            self._told.add(name)
            self._events.put(event)

    def _work(self) -> None:
        while True:
            event = self._events.get()
            given = codec.dumps(event).encode()
            try:
                # Its output is talk: stdout is the stream of events.
                code = subprocess.run(  # noqa: S603 - the person's own program, no shell
                    self._argv, input=given, stdout=2, timeout=PATIENCE_SECONDS, check=False
                ).returncode
            except subprocess.TimeoutExpired:
                output.say(f"--exec: {self._argv[0]} took over {PATIENCE_SECONDS:.0f} s for {event.approval_id}.")
            except OSError as exc:
                output.say(f"--exec: {self._argv[0]} cannot be run for {event.approval_id}: {exc.strerror}.")
            else:
                if code:
                    output.say(f"--exec: {self._argv[0]} ended with {code} for {event.approval_id}.")
