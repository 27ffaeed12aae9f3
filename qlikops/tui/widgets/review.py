"""The record under review: the one that deciding is about, exactly as it was read."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from qlikops.domain.approval import Approval
from qlikops.domain.ports import HistoryLine
from qlikops.presentation import review
from qlikops.presentation.tone import Tone
from qlikops.tui.context import Clock
from qlikops.tui.widgets.prose import palette, prose


class Review(VerticalScroll):
    """Shows one Approval. `approval` is that very object, or None while nothing on the screen may be decided."""

    def __init__(self, clock: Clock, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._clock = clock
        self.approval: Approval | None = None
        self.loading_id = ""
        """The record that has been asked for and has not come."""
        self.gone = ""
        """The record that is left on the screen although it no longer waits."""
        self._shown: Approval | None = None
        self._history: Sequence[HistoryLine] = ()
        self._notice = Static(markup=False, id="notice")
        self._heading = Static(markup=False, id="heading")
        self._body = Static(markup=False, id="body")

    def compose(self) -> ComposeResult:
        """Only the heading ticks."""
        yield self._notice
        yield self._heading
        yield self._body

    def on_mount(self) -> None:
        """Starts the countdown, and follows the theme."""
        self.set_interval(1, self._tick)
        self.app.theme_changed_signal.subscribe(self, lambda _: self._draw())
        self._notice.display = False

    def show_approval(self, approval: Approval, history: Sequence[HistoryLine] = ()) -> None:
        """Puts a record on the screen to be decided; from the top if it is another one."""
        if self._shown is None or self._shown.approval_id != approval.approval_id:
            self.scroll_home(animate=False)
        self._reset(approval=approval)
        self._shown, self._history = approval, history
        self._draw()

    def show_loading(self, approval_id: str, words: str) -> None:
        """Says what has been asked for."""
        self.show_text(words)
        self.loading_id = approval_id

    def show_text(self, words: str) -> None:
        """Says why there is no record to show."""
        self._reset()
        self._shown = None
        self._heading.update(Text(words, style=palette(self)[Tone.MUTED]))
        self._body.update("")

    def mark_gone(self, notice: str) -> None:
        """Leaves what is shown to be read, with a notice, and nothing to decide on."""
        shown = self._shown
        self._reset(gone="" if shown is None else shown.approval_id)
        self._notice.update(Text(notice, style=palette(self)[Tone.WARNING]))
        self._notice.display = True

    def show_gone(self, approval: Approval, history: Sequence[HistoryLine], notice: str) -> None:
        """What became of the record that is gone."""
        self._notice.update(Text(notice, style=palette(self)[Tone.WARNING]))
        self._shown, self._history = approval, history
        self._draw()

    def _reset(self, *, approval: Approval | None = None, gone: str = "") -> None:
        self.approval, self.gone, self.loading_id = approval, gone, ""
        self._notice.display = False

    def _tick(self) -> None:
        if self.approval is not None and self.screen.is_active:
            self._heading.update(prose([review.heading(self.approval, self._clock())], palette(self)))

    def _draw(self) -> None:
        if self._shown is not None:
            colours = palette(self)
            self._heading.update(prose([review.heading(self._shown, self._clock())], colours))
            self._body.update(prose(review.body(self._shown, self._history), colours))
