"""Waiting for AWS to come to a state, with an end, and with how long it took for people to see."""

from __future__ import annotations

from collections.abc import Callable

from qlikops.dataclass import dataclass
from qlikops.deployment.errors import DeploymentError
from qlikops.domain.words.duration import format_duration

OnProgress = Callable[[str], None]

_SPOKEN_EVERY = 15.0
"""Seconds between two lines about one wait."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How a wait is made: the clock, and how often and how long one looks. Times are in seconds."""

    sleep: Callable[[float], None]
    monotonic: Callable[[], float]
    progress: OnProgress
    poll_seconds: float = 2.0
    limit_seconds: float = 600.0

    def until(self, left: Callable[[], str]) -> str:
        """Calls `left` until it names nothing that is still waited for; how long that took, such as 42s.

        Raises DeploymentError where that is not within the limit.
        """
        started = spoken = self.monotonic()
        while waits_for := left():
            now = self.monotonic()
            if now - started > self.limit_seconds:
                raise DeploymentError(
                    f"gave up after {format_duration(now - started)}: {waits_for}",
                    "What is done stays done: `qlikops destroy` again takes up the rest.",
                )
            if now == started or now - spoken >= _SPOKEN_EVERY:
                self.progress(f"Waiting, {format_duration(now - started)} so far: {waits_for} …")
                spoken = now
            self.sleep(self.poll_seconds)
        return format_duration(self.monotonic() - started)
