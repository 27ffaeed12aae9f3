"""What surrounds a proposal: read beside its record for a decision, and no part of what the digest covers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from qlikops.dataclass import dataclass
from qlikops.domain.errors import NotFound, QlikopsError
from qlikops.domain.gathered.latest import Latest
from qlikops.domain.proposals.approval import EarlierResults, HistoryLine, ProposalRecord

if TYPE_CHECKING:
    from qlikops.domain.ports import ContextServices
    from qlikops.domain.proposals.proposal import Proposal
    from qlikops.domain.runs.snapshot import Sample

HISTORY_LIMIT = 20
"""Earlier proposals on one task that are read."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Background:
    """How the task, and proposals like this one, fared before."""

    history: tuple[HistoryLine, ...] = ()
    """Earlier proposals on a single task, newest first; empty for a group."""
    track: tuple[EarlierResults, ...] = ()
    """Results of proposals with the same action on the same known failure, or else of the same kind, on any task."""
    track_of: str = ""
    """The failure's id or the kind that `track` is of; empty for what the proposal itself is counted as."""
    samples: tuple[Sample, ...] = ()
    """The task's latencies, oldest first, as the last run saw them."""
    latest: Latest | None = None
    """What the last poll says of the proposal's tasks; None where it could not be read, or there was none."""
    missing: tuple[QlikopsError, ...] = ()
    """Why a part could not be read: then its absence says nothing."""


def read_background(environment: ContextServices, approval: ProposalRecord) -> Background:
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

    def polls() -> tuple[Latest, ...]:
        return (Latest.of(environment.fleet.snapshot(), proposal),)

    def results(counted_as: str) -> tuple[EarlierResults, ...]:
        return part(lambda: tuple(environment.approvals.track_record(counted_as, proposal.action)))

    track_of = proposal.counted_as
    track = results(track_of)
    if not track and not missing and track_of != proposal.kind:
        # Before failures were counted one by one, all of a kind were counted together.
        track_of = proposal.kind
        track = results(track_of)
    latest = next(iter(part(polls)), None)
    if len(proposal.targets) != 1:
        return Background(track=track, track_of=track_of, latest=latest, missing=tuple(missing))
    key = proposal.targets[0].key
    history = part(lambda: tuple(environment.approvals.history(key, HISTORY_LIMIT)))
    seen = next((task for _, task in latest.tasks if task), None) if latest else None
    samples = seen.memory.samples if seen else ()
    return Background(history, track, track_of, samples, latest, tuple(missing))


def read_latest(environment: ContextServices, proposal: Proposal) -> Latest | None:
    """What the last poll says of the proposal's tasks; None where that cannot be read. Blocks like the ports do."""
    try:
        return Latest.of(environment.fleet.snapshot(), proposal)
    except QlikopsError:
        return None
