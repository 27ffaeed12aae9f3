"""Who did something to a task, by Enterprise Manager's audit trail. It names people: record and console have it."""

from __future__ import annotations

from datetime import datetime

from qlikops.dataclass import dataclass
from qlikops.domain.words.duration import to_minute


@dataclass(frozen=True, slots=True)
class DoneBy:
    """One line of the audit trail, about one task. The texts are Enterprise Manager's, made harmless and cut."""

    what: str
    """What was done, such as `STOP_TASK`."""
    who: str
    """The account that did it, such as `anna` with its domain; empty if the line names none."""
    at: datetime

    @property
    def words(self) -> str:
        """What was done, when, by which account: `STOP_TASK at 2026-03-07 02:12 UTC by anna`."""
        return f"{self.what} at {to_minute(self.at)} by {self.who or 'an account that is not named'}"
