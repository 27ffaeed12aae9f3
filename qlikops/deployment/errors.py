"""What can go wrong with a deployment."""

from __future__ import annotations

from qlikops.domain.errors import QlikopsError


class DeploymentError(QlikopsError):
    """A deployment did not happen, or not completely."""
