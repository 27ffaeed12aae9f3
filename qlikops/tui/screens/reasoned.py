"""A dialog that sends nothing without a reason."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from qlikops.tui.screens.dialog import OutgoingDialog
from qlikops.tui.screens.modal import Answer
from qlikops.tui.widgets.line import LineInput

REASON_CAP = 500


class ReasonedDialog(OutgoingDialog[Answer]):
    """Asks why, for the readers of report and history."""

    AUTO_FOCUS = ""
    FIRST: ClassVar[str] = "#reason"
    """Selector of the widget that has the focus first."""

    def fields(self) -> ComposeResult:
        """The reason."""
        yield LineInput(placeholder="Reason (required)", max_length=REASON_CAP, id="reason", compact=True)

    def on_mount(self) -> None:
        """Starts with what is typed first."""
        self.begin_in(self.FIRST)

    @property
    def reason(self) -> str:
        """The reason as it stands."""
        return self.query_one("#reason", Input).value.strip()

    def problem(self) -> str:
        """What else is in the way comes first."""
        return super().problem() or ("" if self.reason else "A reason is required.")

    @on(Input.Submitted)
    def _enter(self) -> None:
        self.submit()
