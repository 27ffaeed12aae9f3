"""What may stand beside a checkout, and is read by tests if it is there: executions recorded on AWS, real messages."""

from __future__ import annotations

from pathlib import Path

_BESIDE = Path(__file__).parents[2] / "shared"
HISTORIES = _BESIDE / "histories"
MESSAGES = _BESIDE / "messages"
