"""The brake of a restart that is under way: an operator stops it, and it begins with no further task.

Operators write nothing in the ledger but a claim, so the claim of the proposal carries it. No message reaches a running
Lambda: it has to look.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from qlikops.domain.approval import Claim
from qlikops.domain.text import harmless

LOOKS_EVERY = timedelta(seconds=3)
"""At most, while tasks are started: a record of five hundred tasks has up to 400 KB, and a look reads all of it."""
_NAME_CAP = 100


class Brake:
    """Whether the restart of one proposal has been stopped, and by whom."""

    def __init__(self, claim: Claim | None, read: Callable[[], Claim | None], clock: Callable[[], datetime]) -> None:
        """`claim` is what the ledger says now, `read` what it says later. Once pulled, a brake stays pulled."""
        self._read = read
        self._clock = clock
        self._claim = claim
        self._looked_at = clock()

    def why(self) -> str:
        """Why nothing more is begun, in words; empty as long as nobody has stopped it."""
        now = self._clock()
        if not self.of(self._claim) and now - self._looked_at >= LOOKS_EVERY:
            self._claim, self._looked_at = self._read(), now
        return self.of(self._claim)

    @staticmethod
    def of(claim: Claim | None) -> str:
        """The same of one claim."""
        return f"stopped by {harmless(claim.who(), _NAME_CAP)}" if claim and claim.brake else ""
