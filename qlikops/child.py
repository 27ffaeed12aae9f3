"""A program that has the terminal until it ends: an editor, a pager, a person's own command."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager


def run_child(argv: Sequence[str], given: str | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Runs the program, with `given` on its stdin if that is a text; its exit code. Raises OSError if it cannot be run.

    Ctrl-C reaches both; it ends the program only, if that ends by it.
    """
    raw = None if given is None else given.encode(errors="replace")
    with interrupts_end_only_the_child():
        return subprocess.run(argv, input=raw, env=environ, check=False).returncode  # noqa: S603 - the person's, no shell


@contextmanager
def interrupts_end_only_the_child() -> Iterator[None]:
    """Inside, Ctrl-C does nothing here. A handler, unlike ignoring the signal, is not inherited."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
