"""What can go wrong for an operator, by meaning. Adapters map foreign errors to these; front ends map these to words.

QlikopsError
├── UsageError               the request itself makes no sense
├── NotFound                 no such approval, execution, task, report
│   └── ApprovalGone         one that was reviewed has no record any more
├── NotDecidable             a decision did not happen, for certain
│   ├── AlreadyDecided       somebody (or the policy) was faster
│   ├── ApprovalExpired      the deadline has passed
│   └── ApprovalChanged      what was reviewed is no longer what is there
├── DecisionUnknown          it was sent, and nobody can say yet what became of it
├── RecordTooNew             written by a newer qlikops
└── Unreachable              the environment cannot be used right now
    ├── Offline
    ├── TlsProblem           no certificate that this machine trusts, or no TLS at all
    ├── ClockProblem         this machine's clock is off, so AWS refuses what it signs
    ├── Throttled
    ├── CredentialsProblem   missing, expired or refused
    └── AccessDenied         this identity may not do that
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qlikops.domain.proposals.approval import Decision, Status


class QlikopsError(Exception):
    """What happened, to what; `hint` says what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(QlikopsError):
    """The request itself makes no sense."""


class NotFound(QlikopsError):
    """No such approval, execution, task or report."""


class ApprovalGone(NotFound):
    """An approval that a person has seen has no record any more; nothing was sent."""

    def __init__(self, approval_id: str) -> None:
        super().__init__(
            f"{approval_id} has no record any more: it was answered, expired or closed since and then removed, or the "
            "environment was set up anew.",
            "Nothing was sent. If the task is still broken, a later run asks again.",
        )


class NotDecidable(QlikopsError):
    """The decision did not happen, for certain."""


class AlreadyDecided(NotDecidable):
    """Another decision was faster. `decision` is None where the ledger does not say yet who."""

    def __init__(self, message: str, hint: str = "", *, decision: Decision | None, status: Status | None) -> None:
        super().__init__(message, hint)
        self.decision = decision
        self.status = status


class ApprovalExpired(NotDecidable):
    """The deadline has passed; nothing is restarted."""


class ApprovalChanged(NotDecidable):
    """What was reviewed is no longer what is there; review it again."""


class DecisionUnknown(QlikopsError):
    """The answer was sent or may have been sent, and what became of it is not known yet."""


class RecordTooNew(QlikopsError):
    """The record was written by a newer qlikops than this one."""


class Unreachable(QlikopsError):
    """The environment cannot be used right now."""


class Offline(Unreachable):
    """No answer from the network."""


class TlsProblem(Unreachable):
    """What answers shows no certificate that this machine trusts, or speaks no TLS. It does not pass by itself."""


class ClockProblem(Unreachable):
    """The clock of this machine is off by so much that AWS refuses its signatures. It does not pass by itself."""


class Throttled(Unreachable):
    """AWS asked for fewer calls; it passes by itself."""


class CredentialsProblem(Unreachable):
    """Credentials are missing, expired or refused."""


class AccessDenied(Unreachable):
    """The identity in use may not do that."""
