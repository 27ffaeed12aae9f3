"""The line above every screen: the tabs, then where one is."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text
from textual.widget import Widget

from qlikops.presentation import vocabulary
from qlikops.presentation.tone import Span, Tone, outside
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.modes import INBOX, MODES, Mode
from qlikops.tui.widgets.prose import Palette, apart, palette, text

WIDE = 100
"""The width in cells from which on the product's name has room beside the screens'."""
CHIP_CELLS = 40
"""Most cells for the names of several contexts."""


class TitleBar(Widget):
    """One line. The place is always whole; user, account, Region and names of tabs go if there is no room."""

    def __init__(self, state: ConsoleState, mode: str) -> None:
        super().__init__()
        self._state = state
        self._mode = mode

    def render(self) -> Text:
        """Draws the console's state as it is now, for the width that there is."""
        colours, width = palette(self), self.content_size.width
        place = self._place(colours)
        tabs = self._tabs(colours, full=True)
        if tabs.cell_len + place.cell_len + 1 > width:
            tabs = self._tabs(colours, full=False)
        words = self._whose()
        # The last words say the most about where one is.
        while words and tabs.cell_len + place.cell_len + len(" ".join(words)) + 4 > width:
            del words[0]
        place.append_text(text([Span("".join(f" {word}" for word in words), Tone.MUTED)], colours))
        return apart(tabs, place, width, overflow="crop")

    @property
    def _is_everywhere(self) -> bool:
        return len(self._state.shown_on(self.screen)) > 1

    def _tabs(self, colours: Palette, *, full: bool) -> Text:
        tabs = Text("qlikops  " if full and self.size.width >= WIDE else "", style="bold")
        for mode in MODES:
            is_here = mode.name == self._mode
            name = f"{self._state.keys[mode.name]} {mode.title}" if full or is_here else self._state.keys[mode.name]
            pressed = Style(meta={"@click": f"app.switch_mode('{mode.name}')"})
            if is_here:
                tabs.append_text(chip(name, Style(bold=True) + pressed))
            else:
                tabs.append(f" {name} ", colours[Tone.MUTED] + pressed)
                tabs.append_text(self._unseen(mode, colours))
        return tabs

    def _unseen(self, mode: Mode, colours: Palette) -> Text:
        """How much waits, and how much of it came, or went wrong, since one looked."""
        number = self._state.unanswered if mode is INBOX else 0
        waits = f"{number:,} " if number else ""
        found = Text(waits, colours[Tone.MUTED])
        if number := self._state.unseen[mode.name]:
            found.append(f"+{number:,} ", colours[Tone.INFO] + Style(bold=True))
        return found

    def _place(self, colours: Palette) -> Text:
        state, found = self._state, Text()
        contexts = state.shown_on(self.screen)
        if all(each.read_only for each in contexts):
            found.append("READ-ONLY ", colours[Tone.WARNING])
        if state.several and not self._is_everywhere:
            found.append(f"{state.keys['context']} ", colours[Tone.MUTED])
        names = ", ".join(outside(each.name, cap=30).text for each in contexts)
        return found.append_text(chip(outside(names, cap=CHIP_CELLS).text, Style(bold=True)))

    def _whose(self) -> list[str]:
        if self._is_everywhere:
            return []
        (current,) = self._state.shown_on(self.screen)
        where = outside(current.where, cap=80).text.split()
        return [*([outside(vocabulary.person(current.caller), cap=30).text] if current.caller else []), *where]


def chip(words: str, style: Style) -> Text:
    """Filled, with edges that can be seen without colour too."""
    # Without a colour of its own it would be the one of what is around it.
    found = Text("▐", Style(meta=style.meta))
    found.append(words, style + Style(reverse=True))
    return found.append("▌", Style(meta=style.meta))
