"""Reports of past runs: a list, and the chosen one as it lies in S3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.widgets import Static

from qlikops.domain.ports import ContextServices
from qlikops.domain.report import ReportEntry
from qlikops.domain.text import harmless
from qlikops.presentation import report
from qlikops.presentation.problem import explain
from qlikops.tui.model import messages
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.screens.base import PolledScreen
from qlikops.tui.widgets.filtering import FilterBar
from qlikops.tui.widgets.prose import palette
from qlikops.tui.widgets.table import KeyedTable

MARKDOWN_CAP = 200_000
"""Characters shown of a report."""


class ReportsScreen(PolledScreen[Sequence[ReportEntry]]):
    """List and viewer side by side."""

    MODE = "reports"
    AUTO_FOCUS = "#reports"
    POLL_SECONDS = 30
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Search in it", key_display="/", id="filter"),
        Binding("y", "copy", "Copy", id="copy"),
        Binding("escape", "back", "Back", id="back"),
    ]

    def __init__(self, state: ConsoleState) -> None:
        super().__init__(state)
        self._shown = ""
        """The run whose report is shown."""
        self._markdown = ""
        """All of it, harmless."""
        self._fitted_to = 0
        """The cells that its tables were made for."""

    def content(self) -> ComposeResult:
        """The list and the report."""
        yield Static("Loading …", markup=False, id="empty")
        with Container(id="split"):
            yield KeyedTable(report.columns, id="reports")
            with VerticalScroll(id="report"):
                yield FilterBar("Search in this report; Esc shows all of it")
                yield Static(id="markdown")

    def load(self, environment: ContextServices) -> Sequence[ReportEntry]:
        """The list."""
        return environment.fleet.reports()

    def took(self, found: Sequence[ReportEntry]) -> None:
        """Shows it, or that there is nothing in it."""
        entries = {entry.execution_name: entry for entry in found}
        self.query_one(KeyedTable).show(tuple(entries), lambda name: report.cells(entries[name]))
        empty = self.query_one("#empty", Static)
        empty.display = not found
        empty.update("No report yet: each run writes one when its last proposal is decided.")

    def missed(self, error: Exception) -> None:
        """Says why above what is there."""
        empty = self.query_one("#empty", Static)
        empty.display = True
        empty.update(Text(str(explain(error))))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual passes it
        """There is a way back only from a search or the open report."""
        return action != "back" or self.has_class("-open") or FilterBar.is_open_in(self)

    def action_back(self) -> None:
        """Ends the search, then goes to the list."""
        bar = self.query_one(FilterBar)
        if bar.display:
            bar.close()
            return
        self.remove_class("-open")
        self.set_focus(self.query_one(KeyedTable))
        self.refresh_bindings()

    @on(KeyedTable.Chosen, "#reports")
    def _choose(self, event: KeyedTable.Chosen) -> None:
        event.stop()
        name = event.key
        if name is not None:
            self.context.backend.call(
                "report",
                lambda environment: messages.ReportLoaded(name, environment.fleet.report_markdown(name)),
                lambda error: messages.ReportLoadFailed(error, name),
                self,
            )

    @on(messages.ReportLoaded)
    def _take(self, message: messages.ReportLoaded) -> None:
        message.stop()
        if message.name == self.query_one(KeyedTable).chosen and message.name != self._shown:
            self._shown = message.name
            self._markdown = harmless(message.markdown, MARKDOWN_CAP, multiline=True)
            self._show()

    def _show(self) -> None:
        """The report, or what of it holds what is searched for, from its top."""
        self._draw()
        self.query_one("#report").scroll_home(animate=False)

    def _draw(self) -> None:
        # Imported here: its parser would hold up the start of the console.
        from qlikops.tui.widgets.markdown import ColouredMarkdown

        needle = self.query_one(FilterBar).text
        shown = report.narrowed(self._markdown, needle) if needle else self._markdown
        viewer = self.query_one("#markdown", Static)
        self._fitted_to = viewer.content_size.width
        viewer.update(ColouredMarkdown(report.fitted(shown, self._fitted_to, cell_len), palette(self)))

    def catch_up(self) -> None:
        """Draws what is shown in the colours of the theme, which may be another."""
        super().catch_up()
        if self._markdown:
            self._draw()

    @on(events.Resize)
    def _fit_anew(self) -> None:
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        if self._markdown and self.query_one("#markdown").content_size.width != self._fitted_to:
            self._show()

    def action_filter(self) -> None:
        """Searches in the report."""
        if self._markdown:
            self.add_class("-open")
            self.query_one(FilterBar).open()
            self.refresh_bindings()

    def action_copy(self) -> None:
        """All of it, as it lies in S3."""
        if self._markdown:
            self.copy(self._markdown, f"The report of {self._shown}")

    @on(FilterBar.Changed)
    def _search(self, event: FilterBar.Changed) -> None:
        event.stop()
        self._show()

    @on(FilterBar.Left)
    def _leave_search(self, event: FilterBar.Left) -> None:
        event.stop()
        if event.closed:
            self._show()
        self.set_focus(self.query_one("#report"))
        self.refresh_bindings()

    @on(messages.ReportLoadFailed)
    def _miss(self, message: messages.ReportLoadFailed) -> None:
        message.stop()
        self.notify(str(explain(message.error)), severity="error", markup=False)

    @on(KeyedTable.Opened, "#reports")
    def _open(self, event: KeyedTable.Opened) -> None:
        event.stop()
        self.add_class("-open")
        self.set_focus(self.query_one("#report"))
        self.refresh_bindings()
