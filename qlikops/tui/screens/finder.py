"""One line that finds anything by a part of its name: what waits, tasks, endpoints, runs, failures, actions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from qlikops.presentation import finder
from qlikops.presentation.finder import Entry, FinderMatch, FinderResult, Sort
from qlikops.presentation.pictures.canvas import cut_end
from qlikops.presentation.tone import Tone
from qlikops.tui.model.findable import Findable, of_id, of_link
from qlikops.tui.model.links import Link
from qlikops.tui.model.messages import FindableLoaded
from qlikops.tui.model.state import ConsoleState
from qlikops.tui.screens.modal import Modal
from qlikops.tui.usable import Usable
from qlikops.tui.widgets.delay_bar import DelayBar
from qlikops.tui.widgets.earlier import EarlierInput
from qlikops.tui.widgets.prose import palette

PLACE = "find"
"""Under which what was typed is remembered."""
_SORT, _NAME, _KEY = 10, 44, 8
"""Cells of the columns; the detail has the rest."""
_HINT = "task:  run:  do:  @context narrow it; the beginning of an id works too"


class FinderScreen(Modal[Entry | None]):
    """Answers with what was found, or None. The list below stays in sight."""

    AUTO_FOCUS = "#find"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", id="close-finder"),
        Binding("up", "step(-1)", "Up", show=False, id="row-up", priority=True),
        Binding("down", "step(1)", "Down", show=False, id="row-down", priority=True),
        Binding("tab", "complete", "Complete", show=False, id="complete", priority=True),
    ]

    def __init__(
        self, state: ConsoleState, findable: Findable, deeds: Sequence[Usable], visited: Sequence[Link] = ()
    ) -> None:
        super().__init__()
        self.state = state
        self._findable = findable
        self._deeds = deeds
        self._visited = visited
        self._ahead = ""
        """What was typed before the line was there."""
        self._entries: list[Entry] = []
        self._found: tuple[FinderMatch, ...] = ()

    def compose(self) -> ComposeResult:
        with Vertical(id="finder") as box:
            box.border_title = "Find"
            box.border_subtitle = "⏎ goes there, Tab completes, ↑ what you looked for before, Esc"
            yield EarlierInput(self.state, PLACE, placeholder="anything by a part of its name", id="find", compact=True)
            yield OptionList(id="found", markup=False)
            yield Static(_HINT, markup=False, id="find-hint")
        yield DelayBar(self.state)

    def on_mount(self) -> None:
        line = self.query_one(EarlierInput)
        self.set_focus(line)
        line.insert_text_at_cursor(self._ahead)
        self._take_stock()
        self._findable.load(self)

    def type_ahead(self, text: str) -> bool:
        """Until the line has the focus, which it keeps."""
        self._ahead += text
        return self.focused is None

    @on(FindableLoaded)
    def _loaded(self, message: FindableLoaded) -> None:
        self._findable.took(message.context, message.entries)
        self._take_stock()

    def _take_stock(self) -> None:
        self._entries = self._findable.entries(self._deeds)
        self._show()

    def _answer(self) -> FinderResult:
        question = finder.ask(self.query_one(EarlierInput).value)
        if not question.text and question.sort is None and not question.context:
            return self._first_offer()
        entries = [*self._entries, *of_id(question, self.state.current.name)]
        return finder.find(entries, question)

    def _first_offer(self) -> FinderResult:
        """What was looked at last, then what waits, then what can be done here."""
        known = {entry.target: entry for entry in self._entries if entry.sort not in (Sort.DO, Sort.CONTEXT)}
        seen = [known.get(link) or of_link(link) for link in self._visited][: finder.EACH]
        waits = [entry for entry in self._entries if entry.sort is Sort.WAITS and entry not in seen][: finder.EACH]
        deeds = [entry for entry in self._entries if entry.sort in (Sort.DO, Sort.CONTEXT, Sort.FILTER)]
        return FinderResult(tuple(FinderMatch(entry, ()) for entry in (*seen, *waits, *deeds)), len(self._entries))

    @on(Input.Changed)
    @on(events.Resize)
    def _show(self) -> None:
        answer = self._answer()
        self._found = answer.found
        options = self.query_one(OptionList)
        width = max(20, options.size.width - 2)
        before: Sort | None = None
        lines = []
        for found in answer.found:
            lines.append(self._line(found, width, is_first=found.entry.sort is not before))
            before = found.entry.sort
        options.clear_options()
        options.add_options([Option(line) for line in lines])
        options.highlighted = 0 if lines else None
        self.query_one("#finder").border_title = f"Find  {answer.matching:,} of {len(self._entries):,}"

    def _line(self, found: FinderMatch, width: int, *, is_first: bool) -> Text:
        colours, entry = palette(self), found.entry
        at_key = width - _KEY if entry.key else width
        name_cells = min(_NAME, max(16, (at_key - _SORT) * 6 // 10))
        line = Text(set_cell_size(entry.sort if is_first else "", _SORT), colours[Tone.MUTED], no_wrap=True)
        name = Text(cut_end(entry.name, name_cells), colours[Tone.NEUTRAL])
        for at in found.at:
            name.stylize(colours[Tone.INFO] + Style(bold=True), at, at + 1)
        line.append_text(name)
        line.append(" " * (name_cells - cell_len(name.plain) + 1))
        room = max(1, at_key - cell_len(line.plain))
        line.append(set_cell_size(cut_end(entry.detail, room), room), colours[Tone.MUTED])
        if entry.key:
            line.append(f"{entry.key:>{_KEY}}", colours[Tone.INFO])
        return line

    def action_step(self, by: int) -> None:
        """The next or the one before; from the first one up, what was looked for earlier."""
        options, line = self.query_one(OptionList), self.query_one(EarlierInput)
        at = options.highlighted or 0
        if line.is_back or (by < 0 and at == 0):
            line.action_go(by)
        elif self._found:
            options.highlighted = max(0, min(at + by, len(self._found) - 1))

    def action_complete(self) -> None:
        """Puts the name of the chosen one in place of what is typed."""
        line, options = self.query_one(EarlierInput), self.query_one(OptionList)
        if self._found and options.highlighted is not None:
            line.value = finder.complete(line.value, self._found[options.highlighted].entry.name)
            line.cursor_position = len(line.value)

    @on(Input.Submitted)
    def _choose(self) -> None:
        self._open(self.query_one(OptionList).highlighted)

    @on(OptionList.OptionSelected)
    def _click(self, event: OptionList.OptionSelected) -> None:
        self._open(event.option_index)

    def _open(self, index: int | None) -> None:
        if index is None or index >= len(self._found):
            self.app.bell()
            return
        self.query_one(EarlierInput).keep()
        self.dismiss(self._found[index].entry)
