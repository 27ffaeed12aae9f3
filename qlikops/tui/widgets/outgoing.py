"""Lines of which none may be missed: as many as have room, the rest by key, and a hint while there is a rest."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.message import Message
from textual.widgets import Static

from qlikops.presentation import vocabulary
from qlikops.presentation.tone import Tone
from qlikops.tui.widgets.prose import palette

LEAST_LINES = 3
"""However little room there is."""


class _Window(VerticalScroll):
    """Takes the focus only while there is something to scroll.

    Without a scrollbar: that would make lines narrower, so that they fold and no longer fit where they did.
    """

    class Moved(Message):
        """Other lines are in sight, or there are more or fewer of them."""

    def on_resize(self, _: events.Resize) -> None:
        """Textual says so as well where only what is inside has grown."""
        self.post_message(self.Moved())

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self.post_message(self.Moved())


class Outgoing(Vertical):
    """Knows whether its last line has been in sight."""

    class Looked(Message):
        """More of it has been seen, or less of it is in sight."""

    def __init__(self) -> None:
        super().__init__()
        self._content = Static(markup=False, id="outgoing")
        self.window: VerticalScroll = _Window(self._content, id="outgoing-scroll", can_focus=False)
        """What scrolls."""
        self._more = Static(markup=False, id="outgoing-more")
        self._is_laid_out = self._is_fitted = False
        self.is_seen = False
        """Whether all of it has been in sight, at one time or another."""

    def compose(self) -> ComposeResult:
        yield self.window
        yield self._more

    def on_mount(self) -> None:
        """There is no rest yet."""
        self._more.display = False

    @property
    def below(self) -> int:
        """Lines under those in sight; 0 before it is known how many have room."""
        return max(0, self.window.max_scroll_y - round(self.window.scroll_y)) if self._is_fitted else 0

    def show(self, content: RenderableType) -> None:
        """Shows it in the place of what was there, which the person knows but for what they changed of it."""
        self._content.update(content)
        # Until it is laid out, sizes are those of what was there before.
        self.call_after_refresh(self._laid_out)

    def show_anew(self) -> None:
        """Shows something else from now on, which has not been seen."""
        self.is_seen = self._is_laid_out = False
        self.window.scroll_home(animate=False, immediate=True)

    def page(self, direction: int) -> None:
        """A windowful on or back."""
        step = max(1, self.window.size.height - 1)
        self.window.scroll_relative(y=direction * step, animate=False, immediate=True)

    def fit(self, room: int) -> None:
        """Takes at most so many lines, the hint among them."""
        if not self._is_fitted:
            self._is_fitted = True
            self.call_after_refresh(self._look)
        is_cut = self.window.virtual_size.height > room
        self._more.display = is_cut
        self.window.styles.max_height = max(LEAST_LINES, room - is_cut)

    @on(_Window.Moved)
    def _moved(self, event: Message) -> None:
        event.stop()
        self._look()

    def _laid_out(self) -> None:
        self._is_laid_out = True
        self._look()

    def _look(self) -> None:
        if not self._is_laid_out or not self.window.size.height:
            return
        above = round(self.window.scroll_y)
        self.window.can_focus = self.window.max_scroll_y > 0
        self.is_seen = self.is_seen or above >= self.window.max_scroll_y
        below = self.below
        words = [f"▼ {vocabulary.count(below, 'more line')} below: PgDn"] if below else []
        words += [f"▲ {vocabulary.count(above, 'line')} above: PgUp"] if above else []
        self._more.update(Text("   ".join(words), palette(self)[Tone.WARNING if below else Tone.MUTED]))
        self.post_message(self.Looked())
