"""Starting, stopping and redriving runs: each asks once, in a dialog that says what is sent and what becomes of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.message import Message

from qlikops.domain.ports import ContextServices
from qlikops.domain.workflow.execution import ExecutionDetail, ExecutionStatus, ExecutionSummary
from qlikops.domain.workflow.redrive import redrive_refusal
from qlikops.presentation import running
from qlikops.presentation.problem import explain
from qlikops.presentation.tone import Line
from qlikops.tui.model import messages
from qlikops.tui.model.context import LiveContext
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.screens.dialog import OutgoingDialog, ReasonedDialog
from qlikops.tui.widgets.outgoing import Outgoing

Act = Callable[[ContextServices], ExecutionSummary]
"""What is sent; off the UI thread."""
LANE = "runs"


class StartScreen(OutgoingDialog[Act]):
    """A run of one's own."""

    AUTO_FOCUS = "#send"
    TITLE = "Start a run now"
    verb = "Start"

    def outgoing(self) -> tuple[Line, ...]:
        return running.start_lines(self.context.caller)

    def answer(self) -> Act:
        """Starts a run with an empty input, as the schedule does."""
        return lambda environment: environment.executions.start()


class ReadingScreen(OutgoingDialog[Act]):
    """About one execution, which is read anew before anything can be sent."""

    AUTO_FOCUS = "#send"
    WITH_HISTORY: ClassVar[bool]

    def __init__(self, state: ConsoleState, context: LiveContext, execution: ExecutionSummary) -> None:
        super().__init__(state, context)
        self.execution = execution
        self.detail: ExecutionDetail | None = None
        self.failure = ""

    def on_mount(self) -> None:
        self.context.backend.call(LANE, self._read, messages.LoadFailed, self)

    def _read(self, environment: ContextServices) -> Message:
        return messages.RunRead(environment.executions.detail(self.execution.arn, with_history=self.WITH_HISTORY))

    @on(messages.RunRead)
    def _take(self, message: messages.RunRead) -> None:
        self.detail = message.detail
        self.query_one(Outgoing).show_anew()
        self.draw()

    @on(messages.LoadFailed)
    def _miss(self, message: messages.LoadFailed) -> None:
        self.failure = str(explain(message.error))
        self.draw()

    def problem(self) -> str:
        """Until it has been read it is not known what would be done."""
        if why := super().problem() or self.failure:
            return why
        return "Reading the execution …" if self.detail is None else self.against(self.detail)

    @abstractmethod
    def against(self, detail: ExecutionDetail) -> str:
        """Why not; empty where nothing speaks against it."""


class StopScreen(ReasonedDialog[Act], ReadingScreen):
    """Aborts a run."""

    TITLE = "Stop this run"
    verb = "Stop it"
    WITH_HISTORY = False

    def outgoing(self) -> tuple[Line, ...]:
        return running.stop_lines(self.execution, self.detail, self.reason, self.context.caller)

    def against(self, detail: ExecutionDetail) -> str:
        """One that has ended cannot be stopped."""
        if detail.summary.status is not ExecutionStatus.RUNNING:
            return f"It has ended: it is {detail.summary.status}. Nothing can be stopped."
        return ""

    def answer(self) -> Act:
        reason = self.reason
        return lambda environment: environment.executions.stop(self.execution.arn, reason)


class RedriveScreen(ReadingScreen):
    """Says which steps a redrive would run again, or why it is refused."""

    TITLE = "Run the rest of it again (redrive)"
    verb = "Redrive"
    WITH_HISTORY = True

    def outgoing(self) -> tuple[Line, ...]:
        return running.redrive_lines(self.execution, self.detail)

    def against(self, detail: ExecutionDetail) -> str:
        """What `domain.redrive` says."""
        why = redrive_refusal(detail, self.context.now())
        return f"Not possible: {why}." if why else ""

    def answer(self) -> Act:
        """Everything is checked again before it is sent."""
        return lambda environment: environment.executions.redrive(self.execution.arn)
