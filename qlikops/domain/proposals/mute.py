"""Why nothing is proposed on a task for a while. By itself: most functions need it, and no more of the fleet."""

from __future__ import annotations

from datetime import datetime

from qlikops.dataclass import dataclass
from qlikops.domain.encoding.stored import StoredEnum
from qlikops.domain.words.duration import to_minute


class MuteReason(StoredEnum):
    """Why the agent keeps quiet about a task though it may be broken."""

    SNOOZED = "snoozed"
    DENIED = "denied"
    """Denied without a snooze: not asked again at once."""
    COOLDOWN = "cooldown"
    """A restart was tried a moment ago."""
    BUDGET = "budget"
    """A restart was tried as often as is allowed within an hour."""


@dataclass(frozen=True, slots=True)
class Mute:
    """A time in which nothing is proposed on a task."""

    kind: MuteReason
    until: datetime
    by: str = ""
    """Whose denial it was."""
    restarts: int = 0
    """Attempts within the last hour, where those are the reason."""
    attempt: str = "restarted"
    """What came of the last attempt, where that is the reason; earlier versions did not say."""

    def words(self) -> str:
        """Why, and until when: true whenever it is read."""
        until = f"until {to_minute(self.until)}"
        if not self.kind.is_known:
            return f"{self.kind.value.replace('_', ' ')} {until}"
        match self.kind:
            case MuteReason.SNOOZED:
                return f"snoozed {until} by {self.by}"
            case MuteReason.DENIED:
                return f"denied, not asked again {until} by {self.by}"
            case MuteReason.COOLDOWN:
                return f"{self.attempt}, cooling down {until}"
            case MuteReason.BUDGET:
                return f"restart budget spent: {self.restarts} attempts in the last hour, {until}"
