"""Durations on the command line."""

from __future__ import annotations

from datetime import timedelta

from qlikops.domain.duration import parse_duration
from qlikops.domain.errors import UsageError


def duration(option: str, text: str) -> timedelta:
    """The duration in `text`. Raises UsageError that names the option."""
    try:
        return parse_duration(text)
    except ValueError as exc:
        raise UsageError(f"{option}: {exc}.") from exc
