"""The two lines above every screen: where one is, what waits, how far to trust it."""

from __future__ import annotations

from rich.console import Group
from rich.style import Style
from rich.table import Table
from rich.text import Text
from textual.widgets import Static

from qlikops.presentation import inbox
from qlikops.presentation.freshness import together
from qlikops.presentation.tone import Span, Tone, outside
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.widgets.prose import palette, text

WIDE = 100
"""From so many cells on the product's name has room beside the screens'."""
WHERE_CELLS = 12
"""Less of account and Region than this says nothing."""
SCREENS = {
    "inbox": "Inbox",
    "fleet": "Fleet",
    "executions": "Executions",
    "schedule": "Schedule",
}
"""By mode, which is also the id of the key that goes there."""


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

    def on_resize(self) -> None:
        """Has room for more or less now."""
        self.draw()

    def draw(self) -> None:
        """Shows the console's state as it is now."""
        # Under a dialog too: what it is about must not look younger than it is.
        if not self.screen.is_current:
            return
        state, now, colours = self._state, self._state.now(), palette(self)
        tabs = Text("qlikops " if self.size.width >= WIDE else "", style="bold")
        for mode, name in SCREENS.items():
            style = Style(reverse=True) if mode == self._mode else colours[Tone.MUTED]
            tabs.append(f" {state.keys[mode]} {name} ", style + Style(meta={"@click": f"app.switch_mode('{mode}')"}))
        is_inbox = self._mode == "inbox"
        everywhere = state.several and is_inbox
        context = Text(no_wrap=True, overflow="ellipsis")
        if all(each.read_only for each in state.contexts) if everywhere else state.current.read_only:
            context.append("READ-ONLY ", colours[Tone.WARNING])
        if everywhere:
            names = ", ".join(each.name for each in state.contexts)
            context.append_text(text([outside(names, cap=100)], colours))
        else:
            context.append(f"{state.keys['context']} " if state.several else "", colours[Tone.MUTED])
            context.append_text(text([outside(state.current.name, cap=30)], colours))
        where = text([outside("" if everywhere else state.current.where, Tone.MUTED, 80)], colours)
        if self.size.width >= WIDE:
            context.append_text(Text(" ") + where)
            where = Text()
        rows = [waiting.row for waiting in state.waiting]
        read = sum(each.freshness.loaded_at is not None for each in state.contexts)
        # What could not be read may wait all the same.
        missing = "" if read == len(state.contexts) else f", {read} of {len(state.contexts)} contexts read"
        waits = Span(inbox.summary(rows, now) + missing, Tone.WARNING if rows or missing else Tone.GOOD)
        marked = Span(f", {len(state.marked):,} marked" if is_inbox and state.marked else "")
        if not read:
            waits = Span("")
        news = Text()
        if number := state.news():
            news.append(f" {number:,} new ", "reverse bold")
            news.append(" ")
        trust = together(state.freshness(), now) if everywhere else state.current.freshness.words(now)
        freshness, left = text(trust, colours), news + text([waits, marked], colours)
        # Beside the tabs there would be no room for which account and Region it is.
        room = self.content_size.width - left.cell_len - freshness.cell_len - 4
        if where and room >= WHERE_CELLS:
            where.truncate(room, overflow="ellipsis")
            freshness = where + Text("  ") + freshness
        self.update(Group(_apart(tabs, context), _apart(left, freshness)), layout=False)


def _apart(left: Text, right: Text) -> Table:
    """One line, `left` whole, `right` cut to what remains."""
    line = Table.grid(expand=True, padding=(0, 1))
    line.add_column(no_wrap=True)
    line.add_column(justify="right", no_wrap=True, ratio=1, overflow="ellipsis")
    line.add_row(left, right)
    return line
