"""A pager that follows events by their dedup keys: what opens, rings; what closes with the same key is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

FILTERED = ("severity", "kind", "instances", "servers", "tags", "approval_id")
"""What a filter may go by: a closing event says the same there, or who heard of the opening never hears of it."""


class Pager:
    """What it was told, one event after another, as EventBridge or a JSON message has its detail."""

    def __init__(self, details: Iterable[Mapping[str, Any]] = ()) -> None:
        self.open: dict[str, Mapping[str, Any]] = {}
        self.rang: Counter[str] = Counter()
        """How often each key was opened anew."""
        self.closed: Counter[str] = Counter()
        self.unopened: list[str] = []
        """What was closed and not open."""
        self.otherwise: list[str] = []
        """What was closed with other words to filter by than it was opened with."""
        for detail in details:
            self.hear(detail)

    def hear(self, detail: Mapping[str, Any]) -> None:
        """One event."""
        key = detail["dedup_key"]
        if detail["state"] == "open":
            self.rang[key] += key not in self.open
            self.open[key] = detail
        elif detail["state"] == "closed":
            opened = self.open.pop(key, None)
            self.closed[key] += 1
            if opened is None:
                self.unopened.append(key)
            elif any(opened[name] != detail[name] for name in FILTERED):
                self.otherwise.append(key)
