"""A filter of a list under a name, and on a key of the console if a person gives it one."""

from __future__ import annotations

from qlikops.dataclass import dataclass
from qlikops.domain.encoding.settings import ConfigError

LISTS = ("inbox", "shift", "fleet", "executions")
"""Screens with a list that can be filtered."""


@dataclass(frozen=True, slots=True)
class SavedFilter:
    """One table under `[filters]` in config.toml."""

    filter: str
    """What is typed after `/`."""
    where: str = "inbox"
    """List that it narrows down; one of LISTS."""
    key: str = ""
    """A key that is free; empty for none: the finder has it by its name."""

    def __post_init__(self) -> None:
        """Raises ConfigError for a list that there is not, and for no filter."""
        if self.where not in LISTS:
            raise ConfigError("where", self.where, f"must be one of {', '.join(LISTS)}")
        if not self.filter.strip():
            raise ConfigError("filter", self.filter, "must be what is typed after /")
