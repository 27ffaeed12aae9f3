"""Settings as frozen dataclasses: what a field may hold stands at the field, and what is wrong is said by its path."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field, fields
from typing import Any, Final

from qlikops.domain.words.naming import did_you_mean
from qlikops.domain.words.text import harmless

UNQUOTED: Final = object()
"""What is shown in place of a value that may be a password."""


class ConfigError(ValueError):
    """A setting is unknown or wrong; the message names key, value and what is allowed."""

    def __init__(self, key: str, value: object, allowed: str) -> None:
        """`value` is quoted, unless it is UNQUOTED."""
        quoted = "" if value is UNQUOTED else f" = {harmless(repr(value), 200)}"
        super().__init__(f"{harmless(key, 200)}{quoted}: {allowed}")
        self.key = key
        self.value = value
        self.allowed = allowed


def no_such_setting(key: str, known: Iterable[str]) -> str:
    """What is said of a key that is none of those that are `known`: which are like it, or all that there are."""
    names = sorted(known)
    meant = did_you_mean(key, names)
    return f"no such setting. {meant}" if meant else f"no such setting; there are {', '.join(names)}"


def number(default: float, low: float, high: float) -> Any:
    """A numeric field whose value must lie between `low` and `high`, both included."""
    return field(default=default, metadata={"range": (low, high)})


def one_of(choices: Sequence[str]) -> Any:
    """A field whose value must be of `choices`; the first is its default."""
    return field(default=choices[0], metadata={"choices": tuple(choices)})


def check_ranges(settings: Any) -> None:
    """Raises ConfigError for a field of a dataclass whose value is not what `number` or `one_of` allow."""
    for spec in fields(settings):
        value = getattr(settings, spec.name)
        if "range" in spec.metadata:
            low, high = spec.metadata["range"]
            if not low <= value <= high:
                raise ConfigError(spec.name, value, f"must be between {low} and {high}")
        elif "choices" in spec.metadata and value not in spec.metadata["choices"]:
            raise ConfigError(spec.name, value, f"must be one of {', '.join(spec.metadata['choices'])}")
