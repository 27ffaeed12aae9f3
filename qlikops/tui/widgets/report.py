"""A run's report as it lies in S3, narrowed to what is searched for."""

from __future__ import annotations

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from qlikops.domain.words.text import harmless
from qlikops.presentation.pages import report
from qlikops.tui.widgets.prose import palette

MARKDOWN_CAP = 200_000
"""Characters shown of a report."""


class ReportView(VerticalScroll):
    """The report's Markdown in the theme's colours, or a sentence why there is none."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.markdown = ""
        """All of it, harmless; empty while there is none."""
        self._needle = ""
        self._fitted_to = 0
        """The cells that its tables were made for."""

    def compose(self) -> ComposeResult:
        yield Static(id="markdown")

    def on_mount(self) -> None:
        """Draws the report anew if the theme changes, since its lines carry colours."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._draw())

    def show(self, markdown: str) -> None:
        """Shows a report from its top."""
        self.markdown = harmless(markdown, MARKDOWN_CAP, multiline=True)
        self.search("")

    def say(self, words: str) -> None:
        """Says why there is no report."""
        self.markdown = ""
        self.query_one("#markdown", Static).update(Text(words))

    def search(self, needle: str) -> None:
        """Shows what of it holds `needle`, from its top; all of it if that is empty."""
        self._needle = needle
        self._draw()
        self.scroll_home(animate=False)

    def _draw(self) -> None:
        if not self.markdown:
            return
        # Imported here: its parser would hold up the list of executions.
        from qlikops.tui.widgets.markdown import ColouredMarkdown

        shown = report.narrowed(self.markdown, self._needle) if self._needle else self.markdown
        page = self.query_one("#markdown", Static)
        self._fitted_to = page.content_size.width
        page.update(ColouredMarkdown(report.fitted(shown, self._fitted_to), palette(self)))

    @on(events.Resize)
    def _fit_anew(self) -> None:
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        if self.query_one("#markdown").content_size.width != self._fitted_to:
            self._draw()
