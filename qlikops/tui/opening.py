"""What is on the screen until the console is: importing a terminal user interface takes most of a second over ssh or
on a busy machine, and whoever was woken up should see at once that something comes. Imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from qlikops.domain.words.text import harmless

_ALTERNATE, _NORMAL = "\x1b[?1049h\x1b[2J\x1b[H", "\x1b[?1049l"


@contextmanager
def opening(names: Sequence[str], out: TextIO | None) -> Iterator[None]:
    """One line in the terminal's alternate screen, which the console then takes over; given back where it fails.

    `out` is where the console will draw; nothing is written to what is no terminal.
    """
    if out is None or not out.isatty():
        yield
        return
    out.write(f"{_ALTERNATE} qlikops  opening {harmless(', '.join(names), 60)} …")
    out.flush()
    try:
        yield
    except BaseException:
        out.write(_NORMAL)
        out.flush()
        raise
