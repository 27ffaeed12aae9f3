"""What surrounds the records that wait, and when it is worth reading again.

It is two Queries and an object of S3, so it does not come with every refresh of the inbox. But whoever leaves a review
open should learn that a colleague has just denied the like of it, or that the latency went on.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from qlikops.dataclass import dataclass
from qlikops.domain.gathered.background import Background
from qlikops.domain.proposals.approval import ProposalRecord
from qlikops.tui.model.outbox import ApprovalKey

YOUNG = timedelta(seconds=30)
"""So soon it is not read again by itself."""
OLD = timedelta(minutes=5)
"""Age from which they are read again: by then a run has usually left another sample."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """When it was asked for last, and what there was then."""

    at: datetime
    digest: str
    waiting: frozenset[str]


class Surroundings:
    """Surroundings of what waits, as they were read last."""

    def __init__(self) -> None:
        self._known: dict[ApprovalKey, Background] = {}
        self._asked: dict[ApprovalKey, _Asked] = {}

    def of(self, key: ApprovalKey) -> Background | None:
        """What is known; None before anything is."""
        return self._known.get(key)

    def keep(self, keys: Collection[ApprovalKey]) -> None:
        """Forgets the others."""
        self._known = {key: known for key, known in self._known.items() if key in keys}
        self._asked = {key: asked for key, asked in self._asked.items() if key in keys}

    def wants(self, key: ApprovalKey, approval: ProposalRecord, waiting: frozenset[str], now: datetime) -> bool:
        """Whether to read it: never read, another record, long ago, or somebody was asked or answered since.

        `waiting` is what waits in its context.
        """
        asked = self._asked.get(key)
        if asked is None or asked.digest != approval.digest:
            return True
        age = now - asked.at
        return age >= OLD or (age >= YOUNG and asked.waiting != waiting)

    def ask(self, key: ApprovalKey, approval: ProposalRecord, waiting: frozenset[str], now: datetime) -> None:
        """It has been asked for."""
        self._asked[key] = _Asked(now, approval.digest, waiting)

    def take(self, key: ApprovalKey, background: Background) -> bool:
        """It came. Returns whether that is news; what is whole does not give way to a part of it."""
        known = self._known.get(key)
        if known == background or (known is not None and background.missing and not known.missing):
            return False
        self._known[key] = background
        return True
