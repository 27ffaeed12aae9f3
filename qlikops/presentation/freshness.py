"""How far what is on the screen can be trusted, in words; deciding is locked on anything but live data."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum

from qlikops.dataclass import dataclass
from qlikops.domain.errors import AccessDenied, ClockProblem, CredentialsProblem, Offline, Throttled, TlsProblem
from qlikops.domain.ports import Awaited, Credentials
from qlikops.presentation.problem import explain
from qlikops.presentation.tone import Span, Spans, Tone, outside
from qlikops.presentation.vocabulary import ago, short_duration

STALE_AFTER = timedelta(seconds=10)
"""It is asked for every two or three seconds and usually there at once: so long without data or an error is a network
that swallows what it is given, and what is shown is nothing to decide on.
"""
WARN_BEFORE_EXPIRY = timedelta(minutes=15)
"""How long before credentials expire that is said."""


class Trust(StrEnum):
    """Each looks and reads different, and only LIVE unlocks deciding."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "STALE"
    OFFLINE = "OFFLINE"
    TLS = "TLS"
    CLOCK = "CLOCK"
    THROTTLED = "THROTTLED"
    CREDENTIALS = "CREDENTIALS"
    DENIED = "ACCESS DENIED"
    FAILED = "FAILED"


_WRONG: dict[Trust, tuple[type[BaseException] | None, str, Tone]] = {
    Trust.STALE: (None, "▲", Tone.WARNING),
    Trust.OFFLINE: (Offline, "✗", Tone.DANGER),
    Trust.TLS: (TlsProblem, "◇", Tone.DANGER),
    Trust.CLOCK: (ClockProblem, "○", Tone.DANGER),
    Trust.THROTTLED: (Throttled, "↷", Tone.WARNING),
    Trust.CREDENTIALS: (CredentialsProblem, "◆", Tone.DANGER),
    Trust.DENIED: (AccessDenied, "■", Tone.DANGER),
    Trust.FAILED: (BaseException, "‼", Tone.DANGER),
}
"""The error that it stands for, the first that fits, and how it looks."""


@dataclass(frozen=True, slots=True)
class DataAge:
    """When data last came, and what went wrong since."""

    loaded_at: datetime | None = None
    error: BaseException | None = None
    retry_at: datetime | None = None
    """When it is asked for again; None where that is about to be."""
    credentials: Credentials = field(default_factory=Credentials)
    asked_at: datetime | None = None
    """When it was asked for first; None before that."""
    waits_for: Awaited | None = None
    """What signing in waits for; None while it does not."""

    def trust(self, now: datetime) -> Trust:
        """How far to trust it at `now`."""
        if self.error is not None:
            return next(trust for trust, (kind, *_) in _WRONG.items() if kind and isinstance(self.error, kind))
        if self.loaded_at is None:
            return Trust.CONNECTING
        return Trust.STALE if now - self.loaded_at > STALE_AFTER else Trust.LIVE

    def locked_because(self, now: datetime) -> str:
        """Why deciding is locked; empty while it is not."""
        trust = self.trust(now)
        if trust is Trust.LIVE:
            return ""
        if self.waits_for is not None:
            return f"the data is not live ({self._waiting(self.waits_for, now)})"
        remedy = self.remedy(now)
        # Nothing else that is wrong is for whoever wants to decide to put right.
        return f"the data is not live ({trust})" + (f"; {remedy}" if trust is Trust.CREDENTIALS and remedy else "")

    def words(self, now: datetime) -> Spans:
        """What the title says: `live, 2s old`, or what is wrong, what it means and how old the data is."""
        trust = self.trust(now)
        if trust is not Trust.LIVE and self.waits_for is not None:
            return (outside(self._waiting(self.waits_for, now), Tone.INFO, 100),)
        if trust is Trust.LIVE:
            return (*self._expiry(now), Span(f"live, {self.age(now)}", Tone.MUTED))
        if trust is Trust.CONNECTING:
            age = 0.0 if self.asked_at is None else (now - self.asked_at).total_seconds()
            return (Span("connecting …" if age < 1 else f"connecting … {short_duration(age)}", Tone.INFO),)
        mark, tone = self.look(now)
        return (Span(f"{mark} {trust}", tone), Span(f", {self.age(now)}, deciding is locked", tone))

    def trouble(self, now: datetime, name: str = "") -> Spans:
        """One line on what is wrong, what to do, and the error; empty if nothing is.

        `name` is that of the context among several. The important comes first: the line is cut off if it does not fit.
        """
        trust = self.trust(now)
        before = outside(name, cap=30).text + " " if name else ""
        if trust is Trust.CONNECTING:
            return ()
        if trust is Trust.LIVE:
            if not self.expires_soon(now):
                return ()
            return (Span(before, Tone.WARNING), *self._expiry(now), Span(self.remedy(now)))
        mark, tone = self.look(now)
        said = "" if self.error is None else explain(self.error).text
        locked = "locked" if name else "deciding is locked"
        return (
            Span(f"{mark} {before}{trust}", tone),
            Span(f", {self.age(now)}, {locked}: {self.remedy(now)}"),
            Span(f". {said}" if said else "", Tone.MUTED),
        )

    def is_wrong(self, now: datetime) -> bool:
        """Whether it came once, or should have come, and is nothing to decide on now."""
        return self.trust(now) not in (Trust.LIVE, Trust.CONNECTING)

    def look(self, now: datetime) -> tuple[str, Tone]:
        """The mark and tone of what is wrong; an empty mark where nothing is."""
        _, mark, tone = _WRONG.get(self.trust(now), (None, "", Tone.NEUTRAL))
        return mark, tone

    def remedy(self, now: datetime) -> str:
        """What to do about it, or that nothing has to be done; a clause without a full stop."""
        trust = self.trust(now)
        if trust is Trust.STALE:
            return "no answer since; still asking"
        if trust is Trust.OFFLINE and not getattr(self.error, "hint", ""):
            return "it recovers by itself once the network is back"
        if trust is Trust.THROTTLED:
            wait = "" if self.retry_at is None else f" in {ago(now, self.retry_at)}"
            return f"AWS asked for fewer calls; it passes by itself, asking again{wait}"
        if self.expires_soon(now) or trust is Trust.CREDENTIALS:
            if self.credentials.login:
                return outside(f"sign in with `{' '.join(self.credentials.login)}`", cap=200).text
            if self.credentials.advice:
                return outside(self.credentials.advice, cap=300).text.rstrip(".")
        return "" if self.error is None else explain(self.error).hint.rstrip(".")

    def expires_soon(self, now: datetime) -> bool:
        """Whether you have to sign in again shortly, or already had to."""
        expire_at = self.credentials.expire_at
        return expire_at is not None and expire_at - now <= WARN_BEFORE_EXPIRY

    def wants_sign_in(self, now: datetime) -> bool:
        """Whether signing in is what is missing, or will be."""
        return self.trust(now) is Trust.CREDENTIALS or self.expires_soon(now)

    def explanation(self, now: datetime) -> str:
        """What is wrong and what to do about it, in full; empty where nothing is."""
        if self.error is None:
            return ""
        problem, remedy = explain(self.error), self.remedy(now)
        return f"{problem.title}: {problem.text.rstrip('.')}. {remedy[:1].upper()}{remedy[1:]}."

    @staticmethod
    def _waiting(waiting: Awaited, now: datetime) -> str:
        return f"waiting for {waiting.what}, {short_duration((now - waiting.since).total_seconds())}"

    def age(self, now: datetime) -> str:
        """How old the data is."""
        return "no data yet" if self.loaded_at is None else f"{ago(self.loaded_at, now)} old"

    def _expiry(self, now: datetime) -> Spans:
        expire_at = self.credentials.expire_at
        if expire_at is None or not self.expires_soon(now):
            return ()
        left = (expire_at - now).total_seconds()
        when = f"expire in {short_duration(left)}" if left > 0 else "have expired"
        return (Span(f"◆ credentials {when}", Tone.WARNING), Span(", "))


def together(each: Collection[DataAge], now: datetime) -> Spans:
    """What is said of several contexts: the oldest data, once there is any of all of them."""
    loaded = [one for one in each if one.loaded_at is not None]
    if len(loaded) < len(each):
        return (Span(f"connecting … {len(loaded)} of {len(each)}", Tone.INFO),)
    oldest = min(loaded, key=lambda one: (not one.expires_soon(now), one.loaded_at))
    return oldest.words(now)
