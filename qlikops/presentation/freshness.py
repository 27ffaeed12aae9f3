"""How far what is on the screen can be trusted, in words; deciding is locked on anything but live data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from qlikops.domain.errors import AccessDenied, CredentialsProblem, Offline, Throttled
from qlikops.presentation.problem import explain
from qlikops.presentation.tone import Span, Tone
from qlikops.presentation.vocabulary import ago

STALE_AFTER = timedelta(seconds=30)


class Trust(StrEnum):
    """Each looks different, and only LIVE unlocks deciding."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "STALE"
    OFFLINE = "OFFLINE"
    THROTTLED = "THROTTLED"
    CREDENTIALS = "CREDENTIALS"
    DENIED = "ACCESS DENIED"
    FAILED = "FAILED"


_BY_ERROR: tuple[tuple[type[BaseException], Trust], ...] = (
    (Offline, Trust.OFFLINE),
    (Throttled, Trust.THROTTLED),
    (CredentialsProblem, Trust.CREDENTIALS),
    (AccessDenied, Trust.DENIED),
)


@dataclass(frozen=True, slots=True)
class Freshness:
    """When data last came, and what went wrong since."""

    loaded_at: datetime | None = None
    error: BaseException | None = None

    def trust(self, now: datetime) -> Trust:
        """How far to trust it at `now`."""
        if self.error is not None:
            return next((trust for kind, trust in _BY_ERROR if isinstance(self.error, kind)), Trust.FAILED)
        if self.loaded_at is None:
            return Trust.CONNECTING
        return Trust.STALE if now - self.loaded_at > STALE_AFTER else Trust.LIVE

    def locked_because(self, now: datetime) -> str:
        """Why deciding is locked; empty while it is not."""
        trust = self.trust(now)
        return "" if trust is Trust.LIVE else f"the data is not live ({trust})"

    def words(self, now: datetime) -> tuple[Span, ...]:
        """For the title: `live, 2s old`, or what is wrong, what it means and how old the data is."""
        trust = self.trust(now)
        age = "no data yet" if self.loaded_at is None else f"{ago(self.loaded_at, now)} old"
        if trust is Trust.LIVE:
            return (Span(f"live, {age}", Tone.MUTED),)
        if trust is Trust.CONNECTING:
            return (Span("connecting …", Tone.INFO),)
        tone = Tone.WARNING if trust in (Trust.STALE, Trust.THROTTLED) else Tone.DANGER
        return (Span(f"▲ {trust}", tone), Span(f", {age}, deciding is locked", tone))

    def explanation(self) -> str:
        """What is wrong and what to do about it, in a sentence; empty where nothing is."""
        return "" if self.error is None else str(explain(self.error))
