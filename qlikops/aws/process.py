"""The credential_process of a profile: who has the terminal while it runs, and since when it is waited for.

botocore runs it with this process's stdin and keeps what it says on stderr until it ends. So one that asks takes the
console's keys, and nobody sees what it asks.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from qlikops.domain.ports import Awaited

if TYPE_CHECKING:
    import botocore.session

_FILES = (("AWS_CONFIG_FILE", "~/.aws/config"), ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"))
_KEY = "credential_process"


class _Terminal:
    """The terminal of this process; there is one."""

    is_free = True
    """Whether a program may ask in it."""


@contextmanager
def terminal(*, is_free: bool) -> Iterator[None]:
    """Within it, a credential_process may ask in the terminal, or may not."""
    before, _Terminal.is_free = _Terminal.is_free, is_free
    try:
        yield
    finally:
        _Terminal.is_free = before


def take_terminal() -> None:
    """Gives the terminal to the console: no credential_process reads its keys."""
    _Terminal.is_free = False


def may_be_configured() -> bool:
    """Whether some profile may have a credential_process; a look at the files that imports nothing."""
    for variable, usual in _FILES:
        try:
            text = Path(os.environ.get(variable) or usual).expanduser().read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if _KEY in text:
            return True
    return False


class Processes:
    """The processes of one connection. Safe to share between threads."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._running: dict[int, Awaited] = {}

    @property
    def waits_for(self) -> Awaited | None:
        """The one that has been running longest."""
        with self._lock:
            return min(self._running.values(), key=lambda each: each.since, default=None)

    def watch(self, session: botocore.session.Session) -> None:
        """Has `session` run those of its profile, and of those that its roles come from, through here."""
        from botocore.credentials import AssumeRoleProvider, ProcessProvider

        def watched(provider: Any) -> Any:
            provider._popen = functools.partial(self._popen, provider._profile_name)
            return provider

        for provider in session.get_component("credential_provider").providers:
            if isinstance(provider, ProcessProvider):
                watched(provider)
            elif isinstance(provider, AssumeRoleProvider):
                builder: Any = provider._profile_provider_builder  # type: ignore[attr-defined]
                make = builder._create_process_provider
                builder._create_process_provider = lambda name, make=make: watched(make(name))

    def _popen(self, profile: str, command: list[str], **_: Any) -> _Process:
        process = _Process(command, ended=self._ended)
        with self._lock:
            self._running[process.pid] = Awaited(f"{_KEY} of the profile {profile}", self._now())
        return process

    def _ended(self, pid: int) -> None:
        with self._lock:
            self._running.pop(pid, None)


class _Process(subprocess.Popen[bytes]):
    """One run. Where the terminal is free, what it says on stderr is shown at once; else it has no terminal at all."""

    def __init__(self, command: list[str], ended: Callable[[int], None]) -> None:
        self._ended = ended
        self._shows = _Terminal.is_free
        super().__init__(
            command,
            stdin=None if self._shows else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # Without a session of its own it could still open /dev/tty.
            start_new_session=not self._shows,
        )

    def communicate(self, *args: Any, **options: Any) -> tuple[bytes, bytes]:
        """What it said, once it has ended."""
        try:
            if self._shows and self.stdout is not None and self.stderr is not None:
                return self._said(self.stdout, self.stderr)
            return super().communicate(*args, **options)
        finally:
            self._ended(self.pid)

    def _said(self, stdout: IO[bytes], stderr: IO[bytes]) -> tuple[bytes, bytes]:
        errors: list[bytes] = []
        pipe = stderr.fileno()

        def show() -> None:
            while chunk := os.read(pipe, 4096):
                errors.append(chunk)
                if sys.stderr is not None:
                    sys.stderr.write(chunk.decode(errors="replace"))
                    sys.stderr.flush()

        shower = threading.Thread(target=show, daemon=True)
        shower.start()
        out = stdout.read()
        shower.join()
        self.wait()
        stdout.close()
        stderr.close()
        return out, b"".join(errors)
