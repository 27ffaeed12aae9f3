"""How the time that a function takes grows with the length of what it is given."""

from __future__ import annotations

import time
from collections.abc import Callable

_TIMES_LONGER = 16
_LIMIT = _TIMES_LONGER**1.5
"""Sixteen times the length takes 16 times as long, or 256 times where time grows with the square of it.

The limit is 64, four times from either: a busy machine doubles what one of the two takes.
"""
_SLACK_SECONDS = 0.1
"""Less than this is never a fault: what is so short is measured badly."""


def seconds(work: Callable[[], object]) -> float:
    """CPU time of the faster of two calls."""
    return min(_took(work), _took(work))


def assert_time_grows_with_length_alone(work: Callable[[int], object], length: int) -> None:
    """Hold ``work``, called with ``length`` and with a sixteenth of it, to a time in proportion."""
    short = seconds(lambda: work(length // _TIMES_LONGER))
    limit = _LIMIT * short + _SLACK_SECONDS
    long = _took(lambda: work(length))
    if long >= limit:  # the faster of two counts here as well, and one that is fast enough will do
        long = min(long, _took(lambda: work(length)))
    assert long < limit, f"{length}: {long:.3f} s, a sixteenth of it: {short:.3f} s"


def _took(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
