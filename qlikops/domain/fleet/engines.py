"""The engines behind endpoints, one entry each in engines.json: what people call it, and how it is recognised.

The more special name comes first: "Azure SQL Database" is SQL Server, "Amazon Aurora (PostgreSQL)" PostgreSQL. JSON,
because a Lambda reads TOML a hundred times as slowly at every cold start.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from qlikops.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Engine:
    """A database, store or stream."""

    name: str
    """What people call it in a few words."""
    types: Sequence[str]
    """Parts of an endpoint's type, in lower case and without blanks."""
    namespace: str = ""
    """What its own error numbers are called in a code: ORA in `ORA:1017`. Empty if it has none."""
    speaks: Sequence[str] = ()
    """Engines whose words it speaks as well: it is built on them, or reached by their drivers."""
    drivers: Sequence[tuple[Sequence[str], str]] = ()
    """Words, one of them in every text with a driver's header or its codes; how exactly those are written, as a
    regular expression, if that is not the word alone. Azure Synapse answers with SQL Server's header.
    """


ENGINES: Mapping[str, Engine] = {
    name: Engine(**each)
    for name, each in json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8")).items()
}
"""Entries by the name that known failures have for the engine. What is no engine, such as the network, has none."""
