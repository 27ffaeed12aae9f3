"""The two lines above every screen: where one is, what waits, how far to trust it."""

from __future__ import annotations

from rich.console import Group
from rich.style import Style
from rich.table import Table
from rich.text import Text
from textual.widgets import Static

from qlikops.presentation import inbox
from qlikops.presentation.tone import Span, Tone, outside
from qlikops.tui.state import ConsoleState
from qlikops.tui.widgets.prose import palette, text

SCREENS = {
    "inbox": "1 Inbox",
    "executions": "2 Executions",
    "fleet": "3 Fleet",
    "reports": "4 Reports",
    "schedule": "5 Schedule",
}


class TitleBar(Static):
    """Draws itself once a second; it is two lines."""

    def __init__(self, state: ConsoleState, mode: str) -> None:
        super().__init__()
        self._state = state
        self._mode = mode

    def on_mount(self) -> None:
        """Starts the clock."""
        self.set_interval(1, self.draw)
        self.draw()

    def draw(self) -> None:
        """Shows the console's state as it is now."""
        if not self.screen.is_active:
            return
        state, now, colours = self._state, self._state.now(), palette(self)
        tabs = Text("qlikops ", style="bold")
        for mode, name in SCREENS.items():
            style = Style(reverse=True) if mode == self._mode else colours[Tone.MUTED]
            tabs.append(f" {name} ", style + Style(meta={"@click": f"app.switch_mode('{mode}')"}))
        current = state.current
        context = Text(no_wrap=True, overflow="ellipsis")
        if current.read_only:
            context.append("READ-ONLY ", colours[Tone.WARNING])
        context.append_text(
            text([outside(current.name, cap=30), outside(current.where, Tone.MUTED, 80, before=" ")], colours)
        )
        rows = [waiting.row for waiting in state.waiting]
        waits = Span(inbox.summary(rows, now), Tone.WARNING if rows else Tone.GOOD)
        if all(each.freshness.loaded_at is None for each in state.contexts):
            waits = Span("")
        news = Text()
        if number := state.news():
            news.append(f" {number:,} new ", "reverse bold")
            news.append(" ")
        freshness = text(current.freshness.words(now), colours)
        self.update(Group(_apart(tabs, context), _apart(news + text([waits], colours), freshness)))


def _apart(left: Text, right: Text) -> Table:
    """One line, `left` whole, `right` cut to what remains."""
    line = Table.grid(expand=True, padding=(0, 1))
    line.add_column(no_wrap=True)
    line.add_column(justify="right", no_wrap=True, ratio=1, overflow="ellipsis")
    line.add_row(left, right)
    return line
