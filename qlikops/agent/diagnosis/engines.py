"""Whose words a message has, and which endpoints may say them.

A native number means something only with its engine: 1205 is a deadlock in SQL Server and a lock time-out in MySQL.
"""

from __future__ import annotations

import functools
import re

from qlikops.domain.fleet.engines import ENGINES

FRAME = "replicate"
NETWORK = "network"
SERVICES = frozenset({"aws", "entra", "gcp"})
"""Services that let an account in, on the way to endpoints of several engines."""
EVERYWHERE = frozenset({FRAME, NETWORK, "odbc", "logstream"})
"""Engines whose words may stand in a message about any endpoint."""

_DRIVERS = tuple(
    (name, frozenset(words), re.compile(exactly) if exactly else None)
    for name, engine in ENGINES.items()
    for words, exactly in engine.drivers
)
_DB2 = re.compile(r"sql(?<!\wsql)\d{4,5}[ncw]\b")
"""Begins with a text, which is found much faster than what may begin at any word."""


# A fleet has thousands of endpoints of a few types, and each task's are asked for a dozen times a run.
@functools.lru_cache(maxsize=256)
def engine_of(endpoint_type: str) -> str:
    """The engine of an endpoint's type as Enterprise Manager spells it; empty where it is none that is known."""
    # Every "database" would be an ASE.
    name = endpoint_type.casefold().replace(" ", "").replace("_", "").replace("database", "")
    return next((engine for engine, of in ENGINES.items() if any(part in name for part in of.types)), "")


def named_in(folded: str, words: frozenset[str]) -> frozenset[str]:
    """The engines whose drivers or codes speak in `folded`, which is in lower case and has `words`."""
    found = {
        engine
        for engine, any_of, exactly in _DRIVERS
        if not any_of.isdisjoint(words) and (exactly is None or exactly.search(folded))
    }
    if _DB2.search(folded):
        found.add("db2")
    return frozenset(found)


def spoken_by(engine: str, others: frozenset[str]) -> bool:
    """Whether one of `others` speaks the words of `engine`."""
    return engine in others or any(engine in ENGINES[other].speaks for other in others if other in ENGINES)


def is_kin(engine: str, others: frozenset[str]) -> bool:
    """Whether one of `others` speaks the words of `engine`, or the other way round."""
    return spoken_by(engine, others) or (engine in ENGINES and not others.isdisjoint(ENGINES[engine].speaks))
