"""The first inbox, asked for by a process of its own while the console loads.

Importing boto3 takes as long as importing Textual, and one interpreter can do only one of the two at a time: whoever
was woken up would wait for both. What this process does not say in time, the console asks for itself, in the ordinary
way and with the ordinary words for what is wrong.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from qlikops.aws.session import AwsConnection, Resources
from qlikops.config import Context
from qlikops.dataclass import dataclass

if TYPE_CHECKING:
    from qlikops.domain.proposals.approval import InboxRow

PATIENCE_SECONDS = 1.0
"""How long the console, having loaded, still waits for it."""
FRESH_SECONDS = 3.0
"""An answer to a process that was asked longer ago than this is not shown as the inbox of now."""


@dataclass(frozen=True, slots=True)
class EarlyInbox:
    """What the process found."""

    resources: Resources
    rows: tuple[InboxRow, ...]


class Ahead:
    """One such process. It ends with its answer, or by its own time-outs, or with this one."""

    def __init__(self, context: Context, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Starts it. Never raises: what can't be started has no answer."""
        self._monotonic = monotonic
        self._asked = monotonic()
        # Forking is quickest, and harmless as long as there are no threads; but macOS's own libraries have some.
        is_linux = sys.platform == "linux"
        kind = multiprocessing.get_context("fork") if is_linux else multiprocessing.get_context("spawn")
        self._answers, to_here = kind.Pipe(duplex=False)
        self._process = kind.Process(target=_ask, args=(context, to_here), name="qlikops-ahead", daemon=True)
        with contextlib.suppress(OSError):
            self._process.start()
        to_here.close()

    def answer(self) -> EarlyInbox | None:
        """What it found; None where it found nothing, not yet, or too long ago. Once."""
        found: EarlyInbox | None = None
        # At its end of file too, where it ended without a word.
        with contextlib.suppress(OSError, EOFError):
            if self._answers.poll(PATIENCE_SECONDS):
                found = self._answers.recv()
        self._answers.close()
        # It is not killed: it may be renewing a token that can be renewed only once.
        return found if self._monotonic() - self._asked <= FRESH_SECONDS else None


def _ask(context: Context, to_console: Connection) -> None:
    """Sends an Answer; says nothing where something is wrong, or if a person might have to be asked."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # in this terminal it is meant for the console
    with contextlib.suppress(Exception), to_console:
        _silence()
        connection = AwsConnection(context)
        if not connection.asks_somebody:
            from qlikops.aws.approvals import LedgerApprovals

            rows = tuple(LedgerApprovals(connection).inbox())
            to_console.send(EarlyInbox(connection.resources, rows))


def _silence() -> None:
    """The terminal is the console's."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
