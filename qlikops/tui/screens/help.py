"""What can be done here, by key, and what the words mean that stand here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text
from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen

from qlikops.presentation import glossary
from qlikops.presentation.tone import Tone
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.screens.modal import ModalPage
from qlikops.tui.usable import Usable
from qlikops.tui.widgets.prose import palette


class HelpScreen(ModalPage):
    """The keys of the screen below, and what its words mean."""

    NAME, KEYS = "Help", "↑ ↓ scroll, Esc closes"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,enter,q", "dismiss", "Close", id="close-help")
    ]

    def __init__(self, state: ConsoleState, actions: Sequence[Usable], why_not: str, texts: Sequence[str]) -> None:
        """`texts` is what stands on the screen below."""
        super().__init__(state)
        self._terms = glossary.on(texts)
        self._actions = actions
        self._why_not = why_not

    def page(self) -> RenderableType:
        colours = palette(self)
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style=colours[Tone.INFO], no_wrap=True)
        grid.add_column()
        everywhere = [entry for entry in self._actions if isinstance(entry.node, App)]
        # What the screen is for comes before how one moves in it.
        here = sorted(
            (entry for entry in self._actions if entry not in everywhere),
            key=lambda entry: not isinstance(entry.node, Screen),
        )
        for title, entries in (("Here", here), ("Everywhere", everywhere)):
            grid.add_row(Text(title, style="bold"), "")
            for entry in entries:
                meaning = Text(entry.description)
                if not entry.enabled:
                    meaning.append(f"  not now: {self._why_not or 'it does not apply'}", colours[Tone.WARNING])
                elif entry.more:
                    meaning.append(f"  {entry.more}", colours[Tone.MUTED])
                grid.add_row(Text(entry.keys), meaning)
            grid.add_row("", "")
        grid.add_row(Text("Words here", style="bold"), "")
        for word, meaning_of_it in self._terms:
            grid.add_row(Text(word), Text(meaning_of_it))
        return grid
