"""What surrounds a proposal: read beside its record for whoever decides, and no part of what the digest covers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from qlikops.domain.approval import Approval, HistoryLine, TrackRecord
from qlikops.domain.errors import NotFound, QlikopsError

if TYPE_CHECKING:
    from qlikops.domain.fleet import Sample
    from qlikops.domain.ports import Environment

HISTORY_LIMIT = 20
"""Earlier proposals on one task that are read."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Background:
    """How the task, and proposals like this one, fared before."""

    history: tuple[HistoryLine, ...] = ()
    """Of a task alone, newest first; groups have none."""
    track: tuple[TrackRecord, ...] = ()
    """Of proposals with the same kind of anomaly and the same action, on any task."""
    samples: tuple[Sample, ...] = ()
    """The task's latencies, oldest first, as the last run saw them."""
    missing: tuple[QlikopsError, ...] = ()
    """Why a part could not be read: then its absence says nothing."""


def read_background(environment: Environment, approval: Approval) -> Background:
    """Reads what it can; a part that cannot be read is among `missing`. Blocks like the ports do."""
    proposal, missing = approval.proposal, list[QlikopsError]()

    def part(read: Callable[[], tuple[T, ...]]) -> tuple[T, ...]:
        try:
            return read()
        except NotFound:
            return ()
        except QlikopsError as error:
            missing.append(error)
            return ()

    def samples() -> tuple[Sample, ...]:
        tasks = environment.fleet.snapshot().tasks
        return next((task.memory.samples for task in tasks if task.facts.key == key), ())

    track = part(lambda: tuple(environment.approvals.track_record(proposal.kind, proposal.action)))
    if len(proposal.targets) != 1:
        return Background(track=track, missing=tuple(missing))
    key = proposal.targets[0].key
    history = part(lambda: tuple(environment.approvals.history(key, HISTORY_LIMIT)))
    return Background(history, track, part(samples), tuple(missing))
