"""Tells whether what Enterprise Manager says of a task was fetched after a certain moment.

It says when it last fetched a server's tasks, by a clock that need not be ours: only that the time has moved between
two readings tells that there was a fetch after the first of them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.task import TaskKey
from qlikops.qlik.errors import QemBusinessError, QemError

if TYPE_CHECKING:
    from qlikops.qlik.wire import ServerDetails

READ_EVERY = timedelta(seconds=2)
"""Tasks of one server that are looked at together share a reading."""


class ServerReader(Protocol):
    """What this module asks of an Enterprise Manager client."""

    def server(self, server: str) -> ServerDetails:
        """What is known of a server itself. May raise a QemError."""


@dataclass(frozen=True, slots=True)
class _Reading:
    asked_at: datetime
    written: datetime | None
    """The time of the last fetch; None where Enterprise Manager does not say."""
    newer_than: datetime | None = None
    """The moment after which that fetch came; None as long as that is not known."""


class Fetches:
    """What was read of servers in one invocation."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._readings: dict[tuple[str, str], _Reading] = {}

    def have_come(self, reader: ServerReader, key: TaskKey, since: datetime) -> bool:
        """Whether all that is read of a task from now on was fetched after `since`.

        True where Enterprise Manager does not say when it fetches, or not to this account.
        """
        place = key.instance, key.server
        reading, now = self._readings.get(place), self._clock()
        if reading is None or (not _is_newer(reading, since) and now - reading.asked_at >= READ_EVERY):
            try:
                written = reader.server(key.server).fetched
            except QemBusinessError:
                written = None
            except QemError:
                return False
            self._readings[place] = reading = _following(reading, _Reading(now, written.written if written else None))
        return reading.written is None or _is_newer(reading, since)


def _is_newer(reading: _Reading, since: datetime) -> bool:
    return reading.newer_than is not None and reading.newer_than >= since


def _following(before: _Reading | None, now: _Reading) -> _Reading:
    if before is None or before.written is None:
        return now
    newer_than = before.newer_than if before.written == now.written else before.asked_at
    return _Reading(now.asked_at, now.written, newer_than)
