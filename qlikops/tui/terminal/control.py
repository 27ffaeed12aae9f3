"""What the console asks of the terminal beside its own screen: a title, and the screen for another program."""

from __future__ import annotations

import codecs
import os
import shlex
import signal
import sys
import termios
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import Any, TextIO

from textual.app import App, SuspendNotSupported

from qlikops.child import interrupts_end_only_the_child, run_child
from qlikops.domain.errors import QlikopsError
from qlikops.domain.words.text import harmless
from qlikops.streams import talking

_SAVE, _RESTORE = "\x1b[22;2t", "\x1b[23;2t"
_TITLELESS = frozenset({"", "dumb", "linux"})
"""Values of TERM whose terminals print what they should take as a title, or have none."""


class TerminalTitle:
    """`(3) qlikops`, so that a tab or tmux window says what waits. Only numbers of ours are ever in it."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._shown = ""

    def show(self, waiting: int, new: int) -> None:
        """Says how much waits and how much of it came just now."""
        count = f"({waiting}) " if waiting else ""
        title = f"{'● ' if new else ''}{count}qlikops"
        if title != self._shown:
            self._shown = title
            self._write(f"\x1b]2;{title}\x07")


@contextmanager
def own_title() -> Iterator[None]:
    """Gives the terminal the title back that it had."""
    # Where Textual writes too.
    if sys.__stderr__ is None or not sys.__stderr__.isatty() or not has_titles():
        yield
        return
    terminal = talking(sys.__stderr__)
    terminal.write(_SAVE)
    terminal.flush()
    try:
        yield
    finally:
        # A terminal that cannot restore one at least loses the count.
        terminal.write(f"\x1b]2;\x07{_RESTORE}")
        terminal.flush()


_IN_ASCII = str.maketrans("●◐✓✗○■▲◆━╸·▐▌▀▄█›→▾▸─│╭╮╰╯┌┐└┘–“”…⏎␣", '*~+xo#!#==.[]###>>v>-|++++++++-""~<_')
"""What stands for our signs on a console that has none of them."""


def keep_cells(terminal: TextIO | None) -> None:
    """If the locale's encoding has no such character, one of ASCII stands for it, and of what is not ours a `?`: an
    escape would push all else aside.
    """
    if isinstance(terminal, TextIOWrapper):
        codecs.register_error("qlikops.cells", _in_ascii)
        terminal.reconfigure(errors="qlikops.cells")


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = error.object[error.start : error.end].translate(_IN_ASCII)
    return "".join(char if char.isascii() else "?" for char in found), error.end


def has_titles() -> bool:
    """Whether this kind of terminal takes one."""
    return os.environ.get("TERM", "") not in _TITLELESS


def discard_typed(terminal: int) -> None:
    """Forgets what was typed on the terminal behind this file descriptor and has not been read."""
    with suppress(termios.error):  # no terminal
        termios.tcflush(terminal, termios.TCIFLUSH)


def run_in_terminal(app: App[Any], command: Sequence[str], *, confirm: bool = False, pause: bool = False) -> str:
    """Leaves the screen to `command` until it ends; returns what went wrong in words, or nothing.

    `confirm`: only after a yes. `pause`: what it printed stays until Enter.
    """
    words = harmless(shlex.join(command), 400)
    try:
        with app.suspend(), interrupts_end_only_the_child():
            sys.stdout.write(f"{words}\n")
            sys.stdout.flush()
            if confirm and _asked("Run it? [y/N] ").casefold() not in ("y", "yes"):
                return ""
            code = run_child(command)
            if pause:
                _asked(f"{'' if code == 0 else f'It ended with {code}. '}Enter goes back to the console. ")
    except SuspendNotSupported:
        return f"The screen cannot be left here; run `{words}` in another terminal."
    except OSError as error:
        return f"`{words}` could not be run: {error.strerror}."
    if code == 0 or pause:
        return ""
    return f"`{words}` was interrupted." if code == -signal.SIGINT else f"`{words}` ended with {code}."


def _asked(question: str) -> str:
    # An Enter that was meant for the command neither answers this nor passes by what the command printed.
    discard_typed(sys.stdin.fileno())
    sys.stdout.write(question)
    sys.stdout.flush()
    return sys.stdin.readline().strip()


def call_in_terminal(app: App[Any], words: str, call: Callable[[], object]) -> str:
    """Leaves the screen while `call` asks in the terminal; returns what went wrong in words, or nothing."""
    try:
        with app.suspend():
            sys.stdout.write(f"{words}\n")
            sys.stdout.flush()
            call()
    except SuspendNotSupported:
        return "The screen cannot be left here: sign in in another terminal."
    except KeyboardInterrupt:
        return "Signing in was interrupted."
    except QlikopsError as error:
        return f"{error.message}. {error.hint}"
    return ""
