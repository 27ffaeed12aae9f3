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
