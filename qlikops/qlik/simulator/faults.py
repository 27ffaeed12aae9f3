"""Which calls a scenario's HTTP faults befall: the seed and the call decide, so that concurrency changes nothing."""

from __future__ import annotations

import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Sequence

from qlikops.qlik.simulator.scenario import FaultKind, HttpFault


class FaultPlan:
    """The faults of one scenario. `seconds` says how old it is. Thread-safe."""

    def __init__(self, faults: Sequence[HttpFault], seed: int, seconds: Callable[[], float]) -> None:
        self._faults = faults
        self._seed = seed
        self._seconds = seconds
        self._lock = threading.Lock()
        self._calls: Counter[tuple[int, str, str]] = Counter()
        self.befallen: Counter[FaultKind] = Counter()
        """How many calls each kind has befallen."""

    def of(self, method: str, path: str) -> list[HttpFault]:
        """What befalls this call. Asking is counting: each call is to ask once."""
        now = self._seconds()
        hit = [fault for index, fault in enumerate(self._faults) if self._hits(index, fault, method, path, now)]
        with self._lock:
            self.befallen.update(fault.kind for fault in hit)
        return hit

    def forget(self) -> None:
        """Counts from the beginning again."""
        with self._lock:
            self._calls.clear()
            self.befallen.clear()

    def _hits(self, index: int, fault: HttpFault, method: str, path: str, now: float) -> bool:
        if fault.method not in ("", method) or not re.search(fault.path, path):
            return False
        if now < fault.at or (fault.until is not None and now >= fault.until):
            return False
        with self._lock:
            self._calls[index, method, path] += 1
            number = self._calls[index, method, path]
        if fault.first is not None and number > fault.first:
            return False
        if fault.share >= 1:
            return True
        chance = random.Random(f"{self._seed}/{index}/{method}/{path}/{number}")  # noqa: S311 - a story, no secret
        return chance.random() < fault.share


def pieces(body: bytes, count: int) -> list[bytes]:
    """`body` in at most `count` parts of one size."""
    size = max(1, -(-len(body) // max(1, count)))
    return [body[start : start + size] for start in range(0, len(body), size)]
