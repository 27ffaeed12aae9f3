"""Settings as frozen dataclasses: what a field may hold stands at the field, and what is wrong is said by its path."""

from __future__ import annotations

from dataclasses import field, fields
from typing import Any, Final

from qlikops.domain.text import harmless

UNQUOTED: Final = object()
"""In place of a value that may be a password."""


class ConfigError(ValueError):
    """A setting is unknown or wrong; the message names key, value and what is allowed."""

    def __init__(self, key: str, value: object, allowed: str) -> None:
        """`value` is quoted, unless it is UNQUOTED."""
        quoted = "" if value is UNQUOTED else f" = {harmless(repr(value), 200)}"
        super().__init__(f"{harmless(key, 200)}{quoted}: {allowed}")
        self.key = key
        self.value = value
        self.allowed = allowed


def number(default: float, low: float, high: float) -> Any:
    """A numeric field whose value must lie between `low` and `high`, both included."""
    return field(default=default, metadata={"range": (low, high)})


def check_ranges(settings: Any) -> None:
    """Raises ConfigError for a field of a dataclass whose value is outside the range that `number` gave it."""
    for spec in fields(settings):
        if "range" not in spec.metadata:
            continue
        low, high = spec.metadata["range"]
        value = getattr(settings, spec.name)
        if not low <= value <= high:
            raise ConfigError(spec.name, value, f"must be between {low} and {high}")
