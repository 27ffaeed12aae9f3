"""The line above the keys: left your last decision, what is held back, or why nothing can be decided; right how old
what you see is.
"""

from __future__ import annotations

from rich.console import Console, Group
from rich.text import Text
from textual import events, on
from textual.widgets import Static

from qlikops.presentation.deciding import decision
from qlikops.presentation.freshness import together
from qlikops.presentation.tone import Spans, Tone
from qlikops.tui.model.context import LiveContext
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.modes import INBOX
from qlikops.tui.widgets.delay_bar import held_back
from qlikops.tui.widgets.prose import apart, palette, text

TROUBLES = 3
"""Contexts that are named if something is wrong there; the rest is counted."""
DEED_LINES = 3
APART = 2
"""Cells between left and right."""


class StatusLine(Static):
    """One line; more only while something is wrong, or for as long as words do not fit."""

    def __init__(self, state: ConsoleState, mode: str) -> None:
        super().__init__(markup=False)
        self._state = state
        self._is_inbox = mode == INBOX.name
        self._lines = 1

    def on_mount(self) -> None:
        self.set_interval(1, self.draw)

    @on(events.Resize)
    def draw(self) -> None:
        """Shows how it is now."""
        # Under a dialog too: what it is about must not look younger than it is.
        if not self.screen.is_current:
            return
        width, colours = self.content_size.width, palette(self)
        is_held, lines = bool(self._state.held), self._troubles()
        right = text(self._age(), colours)
        if is_held:
            held = held_back(self._state, colours, width)
            right = right if held.cell_len + right.cell_len + APART <= width else Text()
            lines.insert(0, held)
        if deed := self._deed():
            lines += wrapped(deed, self.app.console, max(1, width - right.cell_len - APART))
        self.set_class(is_held, "-held")
        *others, last = lines or [Text()]
        if 1 + len(others) != self._lines:
            self.styles.height = self._lines = 1 + len(others)
        # A sentence of several lines is not to be cut in two by the age.
        self.update(Group(*others, apart(last, right, width, gap=APART)), layout=False)

    @property
    def _contexts(self) -> tuple[LiveContext, ...]:
        return self._state.shown_on(self.screen)

    @property
    def _says_why_empty(self) -> bool:
        """Whether one empty inbox is all there is: its place says at length what is wrong."""
        return self._is_inbox and not self._state.several and not self._state.waiting

    def _age(self) -> Spans:
        each, now = [context.freshness for context in self._contexts], self._state.now()
        is_said = any(one.is_wrong(now) for one in each) and not self._says_why_empty
        if is_said:
            return ()
        return each[0].words(now) if len(each) == 1 else together(each, now)

    def _troubles(self) -> list[Text]:
        """A line for each context whose data is not live, or whose credentials end soon."""
        state, now, colours = self._state, self._state.now(), palette(self)
        if self._says_why_empty:
            return []
        spans = (each.freshness.trouble(now, each.name if state.several else "") for each in self._contexts)
        found = [text(each, colours) for each in spans if each]
        for line in found:
            line.no_wrap, line.overflow = True, "ellipsis"
        if len(found) > TROUBLES:
            more = f"and {len(found) - TROUBLES + 1} more contexts; {state.keys['errors']} has all errors"
            found[TROUBLES - 1 :] = [Text(more)]
        return found

    def _deed(self) -> Text | None:
        """The last decision, with all that were made together, or what became since of another one; nothing before the
        first of it is sent.
        """
        latest, colours, told = self._state.latest_together, palette(self), self._state.told
        if told is not None and all(sending.sent_at is None or sending.sent_at < told.at for sending in latest):
            return text(told.words(self._state.now()), colours)
        if all(sending.due for sending in latest):
            return None
        alone = len(latest) == 1
        words = (
            latest[0].progress(self._state.now()) if alone else decision.counted([sending.stage for sending in latest])
        )
        line = text(words, colours)
        if self._is_inbox and all(sending.is_settled for sending in latest):
            copies = "copies the receipt" if alone else "copies all of it"
            line.append(f"  {self._state.keys['copy']} {copies}", colours[Tone.MUTED])
        return line


def wrapped(words: Text, console: Console, width: int) -> list[Text]:
    """`words` in DEED_LINES at most; a mark says that there is more."""
    lines = list(words.wrap(console, width))
    if len(lines) > DEED_LINES:
        lines[DEED_LINES - 1].append(" …")
        lines[DEED_LINES - 1].truncate(width, overflow="ellipsis")
    return lines[:DEED_LINES]
