"""Whether the console is there all the time: not after it was stopped, nor after the machine slept."""

from __future__ import annotations

from datetime import datetime, timedelta

from qlikops.tui.model.outbox import Clock

LONGEST_BEAT = timedelta(seconds=1)
"""A fifth of a second lies between two beats; a busy machine may take longer, but nobody looked at a screen or could
press Esc in much more than this.
"""


class Pulse:
    """Told to beat all the time, it notices when it wasn't.

    It goes by the time of day: what the system counts from its start stands still while a laptop sleeps. A clock that
    somebody sets is told apart from neither.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: datetime = clock()

    def missed(self) -> timedelta:
        """Beats; returns for how long it had not, zero where it goes on as usual."""
        now = self._clock()
        since, self._last = abs(now - self._last), now
        return since if since > LONGEST_BEAT else timedelta(0)
