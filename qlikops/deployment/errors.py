"""What can go wrong with a deployment.

QlikopsError
└── DeploymentError
    ├── StackBusy            something else changes the stack right now
    ├── StackBroken          the stack is in a state that no update can start from
    ├── ChangeRefused        CloudFormation would not make a change set of it
    └── DeploymentFailed     it was tried, failed, and was rolled back; `reasons` says why
"""

from __future__ import annotations

from qlikops.domain.errors import QlikopsError


class DeploymentError(QlikopsError):
    """A deployment did not happen, or not completely."""


class StackBusy(DeploymentError):
    """Something else changes the stack right now."""


class StackBroken(DeploymentError):
    """The stack is in a state that no update can start from."""


class ChangeRefused(DeploymentError):
    """CloudFormation would not make a change set of it."""


class DeploymentFailed(DeploymentError):
    """It was tried, failed and was rolled back."""

    def __init__(self, message: str, hint: str = "", *, reasons: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint)
        self.reasons = reasons
        """What failed first, first; without what was only cancelled because of it."""
