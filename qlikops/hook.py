"""A program of a person's own that hears of events: each as JSON on its stdin, one after the other."""

from __future__ import annotations

import contextlib
import queue
import shlex
import subprocess
import threading
from collections.abc import Callable, Sequence

PATIENCE_SECONDS = 60.0
"""How long the program may take for one event; then it is ended, and told of the next one."""
_MOST_WAITING = 200
"""Events that may wait for a program that is slow."""


class Hook:
    """Runs the program in a thread of its own, so that a slow one holds nothing up. No shell reads its arguments."""

    def __init__(self, argv: Sequence[str], say: Callable[[str, str], None], *, output: int) -> None:
        """`say` gets what went wrong, and of which event, from any thread; `output` is where the program's own goes, a
        file descriptor or `subprocess.DEVNULL`.
        """
        self._argv, self._say, self._output = tuple(argv), say, output
        self._called = shlex.quote(self._argv[0])
        self._given: queue.Queue[tuple[str, str]] = queue.Queue(_MOST_WAITING)
        self._thread: threading.Thread | None = None

    def tell(self, event: str, name: str) -> None:
        """Runs the program with `event`, JSON, as soon as the events before have been told; `name` says which it is."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="qlikops-hook", daemon=True)
            self._thread.start()
        try:
            self._given.put_nowait((event, name))
        except queue.Full:
            self._say(f"{self._called} is {_MOST_WAITING} events behind and was not run", name)

    def _work(self) -> None:
        while True:
            event, name = self._given.get()
            if problem := self._run(event):
                with contextlib.suppress(Exception):  # whoever is told may have gone
                    self._say(f"{self._called} {problem}", name)

    def _run(self, event: str) -> str:
        """What went wrong, in words; nothing if all went well."""
        try:
            code = subprocess.run(  # noqa: S603 - the person's own program, no shell
                self._argv,
                input=event.encode(),
                stdout=self._output,
                stderr=self._output,
                timeout=PATIENCE_SECONDS,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            return f"took over {PATIENCE_SECONDS:.0f} s"
        except OSError as exc:
            return f"cannot be run: {exc.strerror}"
        return f"ended with {code}" if code else ""
