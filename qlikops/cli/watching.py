"""approvals --watch: the inboxes of one or more contexts as a stream of lines, until it is interrupted."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NoReturn

from qlikops.cli import output
from qlikops.cli.context import Invocation
from qlikops.cli.interrupts import ending_interrupts
from qlikops.cli.pager import come_at_once
from qlikops.config import Context
from qlikops.dataclass import dataclass
from qlikops.domain.errors import NotFound, QlikopsError, RecordTooNew, Unreachable
from qlikops.domain.ports import Approvals, ContextServices
from qlikops.presentation.lists.watch import InboxWatch, WatchEvent, spoken

_PAUSE_SECONDS = 3.0
_LONGEST_PAUSE = 30.0
"""Between two tries while a context cannot be read."""


@dataclass(eq=False)
class _Inbox:
    """One context's inbox, read in a thread of its own, one read at a time: one that hangs holds up no other."""

    here: Invocation
    context: Context
    watch: InboxWatch
    is_alone: bool
    environment: ContextServices | None = None
    pause: float = _PAUSE_SECONDS
    due: float = 0
    """When the next read is due, on the clock of `here`."""
    has_begun: bool = False
    is_reading: bool = False
    error: Exception | None = None
    """What the watch ends with."""

    @property
    def is_due(self) -> bool:
        """Whether to read now."""
        return not self.is_reading and self.here.monotonic() >= self.due

    def start(self, done: queue.SimpleQueue[tuple[_Inbox, list[WatchEvent]]]) -> None:
        """Reads in a thread that quitting does not wait for, and puts what happened into `done`."""
        self.is_reading = True
        threading.Thread(target=lambda: done.put((self, self._read())), daemon=True).start()

    def ended_reading(self) -> None:
        """Notes that the program has taken its events; the next read is due after a pause."""
        self.is_reading = False
        self.due = self.here.monotonic() + self.pause

    def _read(self) -> list[WatchEvent]:
        events: list[WatchEvent] = []
        try:
            if self.environment is None:
                self.environment = self._opened()
            self._look(self.environment.approvals, events)
            self.pause, self.has_begun = _PAUSE_SECONDS, True
        except QlikopsError as error:
            # Of one context alone, what cannot be read at the start, or ever, is an error like any other.
            if self.is_alone and not (self.has_begun and isinstance(error, Unreachable)):
                self.error = error
            events += self.watch.missed(error, self.here.now())
            self.pause = min(2 * self.pause, _LONGEST_PAUSE)
            # Somebody may sign in meanwhile; the local environment may come up on another port.
            self.environment = None
        except Exception as error:  # a bug must not end a thread unseen
            self.error = error
        return [replace(event, context=self.context.name) for event in events]

    def _opened(self) -> ContextServices:
        try:
            return self.here.reopened(self.context)
        except NotFound as error:
            if not self.has_begun:
                raise
            # The local environment is down, and may come up again.
            raise Unreachable(error.message, error.hint) from error

    def _look(self, role: Approvals, events: list[WatchEvent]) -> None:
        """What is known is kept in `events` when a later read fails."""
        now = self.here.now
        events += self.watch.took_rows(role.waiting(), now())
        for approval_id in self.watch.pending:
            try:
                events += self.watch.took_record(role.approval(approval_id), now())
            except (NotFound, RecordTooNew) as error:
                events.append(self.watch.lost_record(approval_id, error, now()))


def watch_inboxes(
    here: Invocation,
    contexts: Sequence[Context],
    watch_of: Callable[[str], InboxWatch],
    *,
    as_json: bool,
    take: Callable[[WatchEvent], None] = lambda _: None,
    patience: float = _PAUSE_SECONDS,
) -> NoReturn:
    """Tells what happens until it is interrupted, or no program reads any more. A context that does not answer within
    `patience` seconds is left to itself meanwhile. `take` gets each event before it is written.
    """
    come_at_once()
    several = len(contexts) > 1
    inboxes = [_Inbox(here, context, watch_of(context.name), is_alone=not several) for context in contexts]
    done: queue.SimpleQueue[tuple[_Inbox, list[WatchEvent]]] = queue.SimpleQueue()
    with ending_interrupts():
        while True:
            for inbox in inboxes:
                if inbox.is_due:
                    inbox.start(done)
            for inbox, events in _come_in(inboxes, done, patience):
                if inbox.error is not None:
                    raise inbox.error
                for event in events:
                    take(event)
                    if as_json:
                        output.write_json(event, indent=None)
                    else:
                        output.write(spoken(event, several=several))
            output.check_reader()
            here.sleep(_PAUSE_SECONDS)


def _come_in(
    inboxes: Sequence[_Inbox], done: queue.SimpleQueue[tuple[_Inbox, list[WatchEvent]]], patience: float
) -> list[tuple[_Inbox, list[WatchEvent]]]:
    """What came within `patience` seconds of the one before, in the order of the contexts."""
    came = []
    while any(inbox.is_reading for inbox in inboxes):
        try:
            inbox, events = done.get(timeout=patience)
        except queue.Empty:
            break
        inbox.ended_reading()
        came.append((inbox, events))
    return sorted(came, key=lambda each: inboxes.index(each[0]))
