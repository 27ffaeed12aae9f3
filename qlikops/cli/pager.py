"""Long output on a terminal goes through the person's pager, as with git: `$PAGER`, or else `less`."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import StringIO
from typing import Any

from qlikops.child import run_child

PAGED = frozenset(
    {
        *("approvals", "executions", "show", "tasks", "task", "reports", "report", "handover", "decisions"),
        *("known", "explain", "config", "doctor"),
    }
)
"""Commands that change nothing, and print once, when they are done, and possibly much."""
_USUAL = "less"
_LESS = "FRX"
"""Options of `less`, unless $LESS says otherwise: leave what fits on the screen there, keep colours and the screen."""


class _Kept(StringIO):
    """What is written to a terminal, kept until it is known whether it is long."""

    def __init__(self, terminal: Any) -> None:
        super().__init__()
        self._terminal = terminal

    @property
    def encoding(self) -> str:  # type: ignore[override]  # StringIO's is None
        """The terminal's."""
        return str(self._terminal.encoding or "utf-8")

    def isatty(self) -> bool:
        """Says that it is a terminal: tables keep to its width, and have its colours."""
        return True

    def fileno(self) -> int:
        """The terminal's."""
        return int(self._terminal.fileno())


@contextmanager
def paged(environ: Mapping[str, str]) -> Iterator[None]:
    """Inside, what is printed on a terminal is kept; at the end it is shown, through the pager if it does not fit.

    Whatever else stdout is gets it as it comes.
    """
    terminal = sys.stdout
    if isinstance(terminal, _Kept) or not terminal.isatty() or not sys.stdin.isatty():
        yield
        return
    kept = sys.stdout = _Kept(terminal)
    try:
        yield
    finally:
        if sys.stdout is kept:
            sys.stdout = terminal
            _show(kept.getvalue(), environ)


def come_at_once() -> None:
    """Ends the keeping of a command whose output goes on and on; what was kept is shown as it is."""
    if isinstance(kept := sys.stdout, _Kept):
        sys.stdout = kept._terminal
        sys.stdout.write(kept.getvalue())
        sys.stdout.flush()


def _show(text: str, environ: Mapping[str, str]) -> None:
    if len(text.splitlines()) >= shutil.get_terminal_size().lines and (argv := _pager(environ)):
        try:
            run_child(argv, text, {"LESS": _LESS, **environ})
        except OSError:
            pass  # there is none
        else:
            return
    sys.stdout.write(text)
    sys.stdout.flush()


def _pager(environ: Mapping[str, str]) -> list[str]:
    """Returns the pager's program and arguments; nothing if the person wants none."""
    try:
        argv = shlex.split(environ.get("PAGER", _USUAL))
    except ValueError:
        return []
    return [] if argv in ([], ["cat"]) else argv
