"""A program on a pseudo terminal, and how long it takes to show something."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from typing import Self

PATIENCE_SECONDS = 180
"""A machine may have much else to do; a test that passes never waits so long."""
SIZE = (36, 120)


class Terminal:
    """Runs `python -m` with `arguments`; ended by its process id."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self._arguments = arguments
        # A size that the environment names would go before the terminal's own, and pytest's workers have one.
        self._environment = {name: value for name, value in environment.items() if name not in ("COLUMNS", "LINES")} | {
            "PYTHONPATH": os.pathsep.join(sys.path),
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
        }
        self._shown = b""

    def __enter__(self) -> Self:
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        self._began = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", *self._arguments],
            env=self._environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    @property
    def pid(self) -> int:
        """Of the program."""
        return self._process.pid

    def seconds_until(self, words: str) -> float:
        """From its start until it has written `words`."""
        while words.encode() not in self._shown:
            assert time.perf_counter() - self._began < PATIENCE_SECONDS, self._shown[-2000:]
            self.read(0.5)
        return time.perf_counter() - self._began

    def read(self, seconds: float) -> bool:
        """Takes what it writes, for at most so long; returns whether there was any."""
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            read = os.read(self._master, 1 << 16)
        except OSError:  # it has ended
            return False
        self._shown += read
        return bool(read)

    def sees(self, *words: str) -> None:
        """Waits until it has written all of `words` since it was last asked, and forgets what was written."""
        began = time.perf_counter()
        while not all(each.encode() in self._shown for each in words):
            assert time.perf_counter() - began < PATIENCE_SECONDS, self._shown[-2000:]
            self.read(0.5)
        self._shown = b""

    def saw(self, words: str, seconds: float) -> bool:
        """Whether it writes `words` within so long."""
        until = time.perf_counter() + seconds
        while words.encode() not in self._shown and (left := until - time.perf_counter()) > 0:
            self.read(left)
        return words.encode() in self._shown

    def type(self, keys: bytes) -> None:
        """What a keyboard, or the line, sends."""
        os.write(self._master, keys)

    def close(self) -> None:
        """The window is closed, or the line is cut."""
        os.close(self._master)
        self._master = os.open(os.devnull, os.O_RDWR)

    def modes(self) -> list[object]:
        """How the terminal treats what is typed, as termios has it."""
        return termios.tcgetattr(self._master)[:4]

    def ended(self) -> int:
        """Its exit code, once it has ended."""
        began = time.perf_counter()
        while self._process.poll() is None:
            assert time.perf_counter() - began < PATIENCE_SECONDS, self._shown[-2000:]
            self.read(0.1)
        return self._process.returncode

    @property
    def written(self) -> str:
        """What it has written since it was last asked."""
        while self.read(0):
            pass
        return self._shown.decode(errors="replace")

    def stay(self, seconds: float) -> None:
        """Keeps reading, so that it isn't held up."""
        until = time.perf_counter() + seconds
        while (left := until - time.perf_counter()) > 0:
            self._shown = b""
            self.read(left)
