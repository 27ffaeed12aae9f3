"""Standard streams that do not fail where they need not: closed, full, without a reader, or short of characters.

Data that cannot be written is a failure, and raises OutputFailed wherever it was printed. Talk on stderr that nobody
can hear is dropped: nothing is gained by failing over it.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import Any, TextIO


class OutputFailed(OSError):
    """Standard output takes nothing: the disk is full, or whoever read it has gone."""


class _Data(io.FileIO):
    """Raises OutputFailed once; after that what is left in buffers is dropped, so that ending does not fail as well."""

    _failed = False

    def write(self, data: Any, /) -> int:
        if self._failed:
            return memoryview(data).nbytes
        try:
            return super().write(data)
        except OSError as exc:
            self._failed = True
            raise OutputFailed(exc.errno, os.strerror(exc.errno or 0)) from exc


class _Talk(io.FileIO):
    """Drops what cannot be written."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def prepare() -> None:
    """Puts streams of this module in the place of `sys.stdout` and `sys.stderr`, for the whole process.

    Whatever else stands there, such as a test's, keeps its place and is spared encoding errors alone.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # Closed. It takes the lowest free number: that of the stream, which no file or socket gets then.
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - stays open to the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_errors(stream))
    if (stdout := sys.__stdout__) is sys.stdout:
        sys.stdout = _over(stdout, _Data)
    if (stderr := sys.__stderr__) is sys.stderr:
        sys.stderr = talking(stderr)


def finish() -> None:
    """Writes what an interrupt has left in the buffers of `sys.stdout`, or drops it if it cannot be written.

    Python flushes it in any case, after the last moment at which a failure can be handled, and would end with status
    120 instead of the command's own.
    """
    with contextlib.suppress(OutputFailed):
        sys.stdout.flush()


def talking(stream: TextIO) -> TextIO:
    """A stream to where `stream` writes that drops what cannot be written."""
    return _over(stream, _Talk)


def _over(stream: TextIO, kind: type[io.FileIO]) -> TextIO:
    raw = kind(stream.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=stream.encoding, errors=_errors(stream), line_buffering=stream.isatty()
    )


def _errors(stream: TextIO) -> str:
    """On a terminal one `?` keeps the cells in line; elsewhere nothing is lost."""
    return "replace" if stream.isatty() else "backslashreplace"
