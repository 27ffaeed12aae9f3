"""Reports of past runs: a list, and the chosen one as it lies in S3."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.message import Message
from textual.widgets import DataTable, Static

from qlikops.domain.ports import Environment
from qlikops.domain.text import harmless
from qlikops.presentation import report
from qlikops.presentation.problem import explain
from qlikops.tui import messages
from qlikops.tui.screens.base import PolledScreen
from qlikops.tui.state import ConsoleState
from qlikops.tui.widgets.table import KeyedTable, Row

if TYPE_CHECKING:
    from textual.widgets import Markdown

MARKDOWN_CAP = 200_000
"""Characters shown of a report."""


class ReportsScreen(PolledScreen):
    """List and viewer side by side."""

    MODE = "reports"
    AUTO_FOCUS = "#reports"
    POLL_SECONDS = 30
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", "Back", id="back")]

    def __init__(self, state: ConsoleState) -> None:
        super().__init__(state)
        self._shown = ""

    @staticmethod
    def _markdown() -> Markdown:
        # Imported here: its parser would hold up the start of the console.
        from textual.widgets import Markdown

        return Markdown(open_links=False, id="markdown")

    def content(self) -> ComposeResult:
        """The list and the report."""
        yield Static("Loading …", markup=False, id="empty")
        with Container(id="split"):
            yield KeyedTable(report.columns, id="reports")
            with VerticalScroll(id="report"):
                # Links in a report are text from outside: nothing opens a browser.
                yield self._markdown()

    def load(self, environment: Environment) -> Message:
        """The list."""
        return messages.ReportsLoaded(environment.fleet.reports())

    def missed(self, error: Exception) -> Message:
        """Why it did not come."""
        return messages.ReportsLoadFailed(error)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual passes it
        """There is a way back only from the open report."""
        return action != "back" or self.has_class("-open")

    def action_back(self) -> None:
        """To the list."""
        self.remove_class("-open")
        self.query_one(KeyedTable).focus()
        self.refresh_bindings()

    @on(messages.ReportsLoaded)
    def _take_list(self, message: messages.ReportsLoaded) -> None:
        message.stop()
        self.query_one(KeyedTable).show(
            [Row(name, name, lambda name=name: report.cells(name)) for name in message.names]  # type: ignore[misc]
        )
        empty = self.query_one("#empty", Static)
        empty.display = not message.names
        empty.update("No report yet: each run writes one when its last proposal is decided.")

    @on(messages.ReportsLoadFailed)
    def _miss_list(self, message: messages.ReportsLoadFailed) -> None:
        message.stop()
        empty = self.query_one("#empty", Static)
        empty.display = True
        empty.update(Text(str(explain(message.error))))

    @on(KeyedTable.Chosen, "#reports")
    def _choose(self, event: KeyedTable.Chosen) -> None:
        event.stop()
        name = event.key
        if name is not None:
            self.state.backend.call(
                "report",
                lambda environment: messages.ReportLoaded(name, environment.fleet.report_markdown(name)),
                lambda error: messages.ReportLoadFailed(error, name),
                self,
            )

    @on(messages.ReportLoaded)
    async def _take(self, message: messages.ReportLoaded) -> None:
        message.stop()
        if message.name == self.query_one(KeyedTable).chosen and message.name != self._shown:
            self._shown = message.name
            markdown = cast("Markdown", self.query_one("#markdown"))
            await markdown.update(harmless(message.markdown, MARKDOWN_CAP, multiline=True))
            self.query_one("#report").scroll_home(animate=False)

    @on(messages.ReportLoadFailed)
    def _miss(self, message: messages.ReportLoadFailed) -> None:
        message.stop()
        self.notify(str(explain(message.error)), severity="error", markup=False)

    @on(DataTable.RowSelected, "#reports")
    def _open(self, event: DataTable.RowSelected) -> None:
        event.stop()
        self.add_class("-open")
        self.query_one("#report").focus()
        self.refresh_bindings()
