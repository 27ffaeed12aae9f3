"""What a denial asks for: a reason, and for how long to propose nothing."""

from __future__ import annotations

from datetime import timedelta

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Select

from qlikops.tui.widgets.line import LineInput

SNOOZES = (("Snooze: the usual cooldown", 0), ("Snooze: 1 hour", 1), ("Snooze: 4 hours", 4), ("Snooze: 24 hours", 24))


class Denying(Vertical):
    """The two fields of a denial."""

    def __init__(self, placeholder: str) -> None:
        super().__init__()
        self._placeholder = placeholder

    def compose(self) -> ComposeResult:
        """The reason, then the snooze."""
        yield LineInput(placeholder=self._placeholder, max_length=500, id="reason", compact=True)
        yield Select(SNOOZES, value=0, allow_blank=False, id="snooze", compact=True)

    @property
    def reason(self) -> str:
        """Empty until something has been written."""
        return self.query_one("#reason", Input).value.strip()

    @property
    def snooze(self) -> timedelta | None:
        """None for the usual cooldown."""
        hours = self.query_one("#snooze", Select).value
        return timedelta(hours=hours) if isinstance(hours, int) and hours else None
