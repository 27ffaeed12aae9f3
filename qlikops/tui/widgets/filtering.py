"""The line that narrows a list down, the same above every list: the filter, and under it what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar, cast

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.dom import DOMNode
from textual.message import Message
from textual.widgets import Input, Static

from qlikops.dataclass import dataclass
from qlikops.presentation import filter as filters
from qlikops.presentation.filter import Filter
from qlikops.presentation.tone import Tone
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.widgets.prose import palette

if TYPE_CHECKING:
    from qlikops.tui.widgets.earlier import EarlierInput

T = TypeVar("T")


class FilterBar(Vertical):
    """Hidden, and empty, until it is opened; closing it shows everything again."""

    class Changed(Message):
        """The text is another one, or gone."""

    @dataclass
    class Left(Message):
        """The person goes on in the list."""

        closed: bool
        """Nothing is kept back any more; otherwise the filter stays."""

    def __init__(self, state: ConsoleState, place: str, placeholder: str, text: str = "") -> None:
        """`place` is the name of the list. `text` is what it opens with; without one it is hidden at first."""
        super().__init__(id="filter-bar")
        self._state = state
        self._place = place
        self._placeholder = placeholder
        self._text = text
        self.display = bool(text)

    @classmethod
    def is_open_in(cls, node: DOMNode) -> bool:
        """Whether the filter below `node` is open; there is none before it is mounted."""
        bars = node.query(cls)
        return bool(bars) and bool(bars.first().display)

    def compose(self) -> ComposeResult:
        """Input and problem, if it is open from the start."""
        if self._text:
            yield from self._parts()

    def _parts(self) -> ComposeResult:
        from qlikops.tui.widgets.earlier import EarlierInput

        words = f"{self._placeholder}; ↑ earlier ones, NAME = … saves it"
        yield EarlierInput(self._state, self._place, self._text, placeholder=words, id="filter", compact=True)
        problem = Static(markup=False, id="filter-problem")
        problem.display = False
        yield problem

    def _shown(self) -> Input:
        """Shows it; the line to type in."""
        self.display = True
        if not self.children:
            self.mount(*self._parts())
        return self.query_one(Input)

    @property
    def text(self) -> str:
        """The filter that is typed, without the name that it is to be saved under; empty while it is closed."""
        return filters.named(self.query_one(Input).value)[1] if self.display else ""

    def parse(self, fields: Mapping[str, Callable[[T], str]]) -> Filter[T]:
        """The filter that is typed. Says under it why it cannot be used."""
        found = filters.parse(self.text, fields)
        self.tell(found.problem)
        return found

    def tell(self, words: str) -> None:
        """Says something under the filter, such as how much it keeps; nothing takes no room."""
        for note in self.query("#filter-problem").results(Static):
            note.display = bool(words)
            if words:
                note.update(Text(words, palette(self)[Tone.WARNING]))

    def open(self) -> None:
        """Shows it, ready to be typed in."""
        # At once, not after the next refresh: a letter typed right after must not mean what it does in the list.
        self.screen.set_focus(self._shown())

    def use(self, text: str) -> None:
        """Shows a filter that was saved."""
        self._shown().value = text

    def close(self) -> None:
        """Forgets it."""
        if self.display:
            self.query_one(Input).value = ""
            self.display = False
            self.post_message(self.Left(closed=True))

    @on(Input.Changed)
    def _change(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())

    @on(Input.Submitted)
    def _leave(self, event: Input.Submitted) -> None:
        event.stop()
        line = cast("EarlierInput", event.input)
        name, text = filters.named(line.value)
        if name:
            self._save(name, text)
            line.value = text
        line.keep()
        self.post_message(self.Left(closed=False))

    def _save(self, name: str, text: str) -> None:
        """Under a name, in the place of one that had it; without a filter, it is forgotten."""
        saved = {key: each for key, each in self._state.memory.preferences.filters.items() if key != name}
        if text:
            saved[name] = (self._place, text)
        problem = self._state.remember(filters=saved)
        find = self._state.keys["commands"]
        words = f"Saved: {name}. {find} finds it." if text else f"Forgotten: {name}."
        self.notify(problem or words, severity="warning" if problem else "information", markup=False)
