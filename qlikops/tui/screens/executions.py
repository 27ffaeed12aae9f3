"""Executions of the state machine: the list, and one in detail."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import DataTable, Static

from qlikops.domain.execution import ExecutionDetail, ExecutionStatus
from qlikops.domain.ports import Environment
from qlikops.presentation import executions
from qlikops.presentation.problem import explain
from qlikops.tui import messages
from qlikops.tui.screens.base import PolledScreen
from qlikops.tui.state import ConsoleState
from qlikops.tui.widgets.prose import palette, prose
from qlikops.tui.widgets.table import KeyedTable, Row


class ExecutionsScreen(PolledScreen):
    """The newest page, live while it is on the screen."""

    MODE = "executions"
    AUTO_FOCUS = "#executions"
    POLL_SECONDS = 3

    def content(self) -> ComposeResult:
        """The list, and what is wrong with it."""
        yield Static("Loading …", markup=False, id="empty")
        yield KeyedTable(executions.columns, id="executions")

    def load(self, environment: Environment) -> Message:
        """The newest page."""
        return messages.ExecutionsLoaded(environment.executions.page().executions)

    def missed(self, error: Exception) -> Message:
        """Why it did not come."""
        return messages.ExecutionsLoadFailed(error)

    @on(messages.ExecutionsLoaded)
    def _take(self, message: messages.ExecutionsLoaded) -> None:
        message.stop()
        now = self.state.now()
        self.query_one(KeyedTable).show(
            [
                Row(
                    summary.arn,
                    # A running one's duration goes on.
                    (summary, int(now.timestamp()) if summary.status is ExecutionStatus.RUNNING else 0),
                    lambda summary=summary: executions.cells(summary, now),  # type: ignore[misc]
                )
                for summary in message.executions
            ]
        )
        empty = self.query_one("#empty", Static)
        empty.display = not message.executions
        empty.update("No execution yet. The schedule starts them; `qlikops run` starts one now.")

    @on(messages.ExecutionsLoadFailed)
    def _miss(self, message: messages.ExecutionsLoadFailed) -> None:
        message.stop()
        empty = self.query_one("#empty", Static)
        empty.display = True
        empty.update(Text(str(explain(message.error))))

    @on(DataTable.RowSelected, "#executions")
    def _open(self, event: DataTable.RowSelected) -> None:
        event.stop()
        if event.row_key.value is not None:
            self.app.push_screen(ExecutionScreen(self.state, event.row_key.value))


class ExecutionScreen(PolledScreen):
    """One execution: its states, Map items as rows, its proposals, what went in and came out."""

    MODE = "executions"
    AUTO_FOCUS = "#states"
    POLL_SECONDS = 3
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="back"),
        Binding("y", "copy", "Copy ARN", id="copy"),
    ]

    def __init__(self, state: ConsoleState, arn: str) -> None:
        super().__init__(state)
        self._arn = arn

    def content(self) -> ComposeResult:
        """Heading and proposals, states, payloads."""
        with VerticalScroll(id="execution"):
            yield Static("Loading …", markup=False, id="execution-heading")
            yield KeyedTable(executions.state_columns, id="states", opens=False)
            yield Static(markup=False, id="payloads")

    @property
    def lane(self) -> str:
        """Its own: a slow history holds up nothing else."""
        return f"execution-{self._arn}"

    def load(self, environment: Environment) -> Message:
        """The execution with its history."""
        return messages.ExecutionLoaded(environment.executions.detail(self._arn))

    def missed(self, error: Exception) -> Message:
        """Why it did not come."""
        return messages.ExecutionLoadFailed(error)

    def action_back(self) -> None:
        """To the list."""
        self.app.pop_screen()

    def action_copy(self) -> None:
        """For the AWS CLI."""
        self.app.copy_to_clipboard(self._arn)
        self.notify("ARN copied.", markup=False)

    @on(messages.ExecutionLoaded)
    def _take(self, message: messages.ExecutionLoaded) -> None:
        message.stop()
        detail, now = message.detail, self.state.now()
        colours = palette(self)
        self.query_one("#execution-heading", Static).update(prose(executions.heading(detail, now), colours))
        states = () if detail.history is None else detail.history.states
        self.query_one(KeyedTable).show(
            [
                Row(
                    executions.state_key(run, index),
                    (run, 0 if run.exited_at else int(now.timestamp())),
                    lambda run=run: executions.state_cells(run, now),  # type: ignore[misc]
                )
                for index, run in enumerate(states)
            ]
        )
        self.query_one("#payloads", Static).update(Text(_payloads(detail)))

    @on(messages.ExecutionLoadFailed)
    def _miss(self, message: messages.ExecutionLoadFailed) -> None:
        message.stop()
        self.notify(str(explain(message.error)), severity="error", markup=False)


def _payloads(detail: ExecutionDetail) -> str:
    parts = [executions.states_note(detail)]
    for name, payload in (("Input", detail.input), ("Output", detail.output)):
        if payload:
            parts.append(f"{name}\n{executions.payload(payload)}")
    return "\n\n".join(part for part in parts if part)
