"""Stopping a restart that waits for its endpoint: asks once, and says what becomes of it."""

from __future__ import annotations

from qlikops.presentation.lists import under_way
from qlikops.presentation.tone import Line
from qlikops.tui.model.context import LiveContext
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.screens.dialog import OutgoingDialog


class StopWaitingScreen(OutgoingDialog[str]):
    """Answers with the id of the approval, or None."""

    AUTO_FOCUS = "#send"
    TITLE = "Stop this restart"
    verb = "Stop it"

    def __init__(self, state: ConsoleState, context: LiveContext, approval_id: str) -> None:
        super().__init__(state, context)
        self._approval_id = approval_id

    def outgoing(self) -> tuple[Line, ...]:
        row = self.context.row(self._approval_id)
        return under_way.stop_lines(row, self.state.now(), self.context.caller) if row is not None else ()

    def problem(self) -> str:
        """What waits no longer has ended, or has begun to start its tasks."""
        row = self.context.row(self._approval_id)
        return super().problem() or ("" if row is not None and row.waits else "It no longer waits for its endpoint.")

    def answer(self) -> str:
        return self._approval_id
