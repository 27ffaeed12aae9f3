"""Errors in words, by what they mean for the person: what happened, what did not, what to do."""

from __future__ import annotations

from qlikops.dataclass import dataclass
from qlikops.domain.errors import (
    AccessDenied,
    AlreadyDecided,
    ApprovalChanged,
    ApprovalExpired,
    ApprovalGone,
    ClockProblem,
    CredentialsProblem,
    DecisionUnknown,
    Offline,
    QlikopsError,
    Throttled,
    TlsProblem,
)
from qlikops.domain.proposals.approval import Decision
from qlikops.domain.words.text import harmless
from qlikops.presentation.tone import Tone


@dataclass(frozen=True, slots=True)
class Problem:
    """An error for people."""

    title: str
    """A few words, the same for every error of its kind."""
    text: str
    hint: str
    tone: Tone

    def __str__(self) -> str:
        # Texts from AWS often end without a full stop.
        stop = "" if self.text.endswith((".", "!", "?", "…")) else "."
        return " ".join(part for part in (f"{self.title}: {self.text}{stop if self.hint else ''}", self.hint) if part)


_ASKED_AGAIN = "If the task is still broken, a later run asks again."

_KINDS: tuple[tuple[type[BaseException], str, str, Tone], ...] = (
    (AlreadyDecided, "Already decided", "What you sent did not count.", Tone.WARNING),
    (ApprovalExpired, "Expired", f"What you sent did not count; nothing is restarted. {_ASKED_AGAIN}", Tone.WARNING),
    (ApprovalGone, "Gone", "", Tone.WARNING),
    (ApprovalChanged, "Changed", "Nothing was sent. Review it again.", Tone.WARNING),
    (DecisionUnknown, "Not known yet", "Do not send again before the record says what became of it.", Tone.DANGER),
    (Offline, "Offline", "It recovers by itself once the network is back.", Tone.DANGER),
    (TlsProblem, "TLS", "Name the CA of what answers in AWS_CA_BUNDLE.", Tone.DANGER),
    (ClockProblem, "Clock", "Set this machine's clock.", Tone.DANGER),
    (Throttled, "Throttled", "AWS asked for fewer calls; it passes by itself.", Tone.WARNING),
    (CredentialsProblem, "Credentials", "Sign in again, such as with `aws sso login`.", Tone.DANGER),
    (AccessDenied, "Access denied", "Ask for the permission or use another profile.", Tone.DANGER),
)


def explain(error: BaseException) -> Problem:
    """`error` in words; anything that is not ours is a fault of the program and says so."""
    if not isinstance(error, QlikopsError):
        return Problem("Fault", harmless(f"{type(error).__name__}: {error}", 300), "Please report it.", Tone.DANGER)
    text = harmless(error.message, 400)
    if isinstance(error, AlreadyDecided) and error.decision is not None:
        text = f"{by_whom(error.decision)}."
    elif isinstance(error, AlreadyDecided):
        return Problem("Closed", text, f"What you sent did not count. {_ASKED_AGAIN}", Tone.WARNING)
    for kind, title, hint, tone in _KINDS:
        if isinstance(error, kind):
            return Problem(title, text, harmless(error.hint, 300) or hint, tone)
    return Problem("Failed", text, harmless(error.hint, 300), Tone.DANGER)


def by_whom(decision: Decision) -> str:
    """`approved by anna at 12:03:10 UTC: reason`."""
    what = "approved" if decision.approved else "denied"
    at = "" if decision.at is None else f" at {decision.at:%H:%M:%S} UTC"
    reason = f": {decision.reason}" if decision.reason else ""
    return harmless(f"{what} by {decision.who()}{at}{reason}", 400)
