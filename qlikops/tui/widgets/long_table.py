"""A table for lists without an end: it draws the lines in sight and keeps nothing for the others.

KeyedTable holds a cell for each value of each row, which takes seconds for ten thousand of them. Here a row is a key,
and its cells are made when it is drawn. The rule of the cursor is the same: the chosen key is what counts, wherever
its row goes; when it goes away by itself, nothing is chosen until the person chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from qlikops.presentation.tone import Cells, Column
from qlikops.tui.widgets.cursor import marked
from qlikops.tui.widgets.prose import palette

_HEADER = 1


class LongTable(ScrollView, can_focus=True):
    """Rows by key, columns that fit the width, one row chosen."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"long-table--header", "long-table--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", id="open"),
        Binding("j", "move(1)", "Down", show=False, id="down"),
        Binding("k", "move(-1)", "Up", show=False, id="up"),
        Binding("down", "move(1)", "Down", show=False, id="row-down"),
        Binding("up", "move(-1)", "Up", show=False, id="row-up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="page-down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="page-up"),
        Binding("home", "end(-1)", "First row", show=False, id="first-row"),
        Binding("end", "end(1)", "Last row", show=False, id="last-row"),
    ]

    class Chosen(Message):
        """Another row is chosen, or none."""

        def __init__(self, table: LongTable, key: str | None) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> LongTable:
            """For `@on` selectors."""
            return self.table

    class Opened(Chosen):
        """The chosen row is to be opened."""

    class NearEnd(Message):
        """The last rows are in sight."""

    def __init__(self, columns: Callable[[int], tuple[Column, ...]], *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._columns_for = columns
        self._columns: tuple[Column, ...] = ()
        self._keys: Sequence[str] = ()
        self._index: dict[str, int] = {}
        self._cells: Callable[[str], Cells] = lambda _: {}
        self._cursor = 0
        """Where the chosen row is, or was."""
        self.chosen: str | None = None

    @property
    def keys(self) -> Sequence[str]:
        """All rows, in order."""
        return self._keys

    @property
    def cursor(self) -> int:
        """The index of the chosen row, or of where it was."""
        return self._cursor

    @property
    def last_in_sight(self) -> int:
        """The index of the last row that is drawn."""
        return min(len(self._keys), int(self.scroll_y) + self.size.height - _HEADER) - 1

    def show(self, keys: Sequence[str], cells: Callable[[str], Cells], *, choose_first: bool = False) -> None:
        """Shows these rows in their order. The chosen key stays chosen, and stays where it is on the screen.

        The first row is chosen where nothing was shown before, or with `choose_first` where the chosen one is gone.
        """
        choose_first = choose_first or not self._keys
        before = self._cursor
        self._keys, self._cells = keys, cells
        self._index = {key: index for index, key in enumerate(keys)}
        self._resize()
        if self.chosen in self._index:
            self._cursor = self._index[self.chosen]
            if self.scroll_y:
                # What was added above moves everything; the eye stays on its row.
                self.scroll_to(y=self.scroll_y + self._cursor - before, animate=False, immediate=True)
            else:
                # At the top what is new shows, until the row would be pushed out of sight.
                self._scroll_to_cursor()
        elif choose_first and keys:
            self._choose(0)
        else:
            self._cursor = max(0, min(before, len(keys) - 1))
            if self.chosen is not None:
                self.chosen = None
                self.post_message(self.Chosen(self, None))
        self.refresh()

    def choose(self, key: str) -> None:
        """Puts the cursor on `key`."""
        self._choose(self._index[key])

    def on_mount(self) -> None:
        """Follows the theme."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self.refresh())

    def on_resize(self, event: events.Resize) -> None:
        """Other columns may fit now; the cursor stays in sight."""
        self._columns = self._columns_for(event.size.width)
        self._resize()
        self._scroll_to_cursor()
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Says when the end comes into sight."""
        super().watch_scroll_y(old_value, new_value)
        self._say_near_end()

    def render_line(self, y: int) -> Strip:
        """The header, or the row in that line of the screen."""
        if y == 0:
            return self._strip({column.key: column.header for column in self._columns}, {}, self._style("header"))
        index = int(self.scroll_y) + y - _HEADER
        if index >= len(self._keys):
            return Strip.blank(self.size.width, self.rich_style)
        key = self._keys[index]
        cells, colours = self._cells(key), palette(self)
        chosen = self.chosen is not None and key == self.chosen
        strip = self._strip(
            {column.key: cells[column.key].text for column in self._columns},
            {column.key: colours[cells[column.key].tone] for column in self._columns},
            self._style("cursor") if chosen else self.rich_style,
        )
        return marked(strip) if chosen else strip

    def action_move(self, by: int) -> None:
        """Where nothing is chosen, the first press chooses the row at the cursor."""
        if self._keys:
            self._choose(self._cursor if self.chosen is None else self._cursor + by)

    def action_page(self, direction: int) -> None:
        """A screenful on."""
        self._choose(self._cursor + direction * max(1, self.size.height - _HEADER - 1))

    def action_end(self, direction: int) -> None:
        """The first or the last row."""
        self._choose(0 if direction < 0 else len(self._keys) - 1)

    def action_open(self) -> None:
        """Opens the chosen row; where there is none, chooses one."""
        if self.chosen is None:
            self.action_move(0)
        else:
            self.post_message(self.Opened(self, self.chosen))

    def on_click(self, event: events.Click) -> None:
        """Chooses a row, or opens the one that is chosen."""
        index = int(self.scroll_y) + event.y - _HEADER
        if event.y >= _HEADER and index < len(self._keys):
            already = self._keys[index] == self.chosen
            self._choose(index)
            if already:
                self.action_open()

    def _choose(self, index: int) -> None:
        if not self._keys:
            return
        self._cursor = max(0, min(index, len(self._keys) - 1))
        key = self._keys[self._cursor]
        if key != self.chosen:
            self.chosen = key
            self.post_message(self.Chosen(self, key))
        self._scroll_to_cursor()
        self.refresh()
        self._say_near_end()

    def _scroll_to_cursor(self) -> None:
        height = max(1, self.size.height - _HEADER)
        top = int(self.scroll_y)
        if not top <= self._cursor < top + height:
            y = self._cursor if self._cursor < top else self._cursor - height + 1
            self.scroll_to(y=y, animate=False, immediate=True)

    def _resize(self) -> None:
        self.virtual_size = Size(0, len(self._keys) + _HEADER)

    def _say_near_end(self) -> None:
        if self._keys and self.last_in_sight >= len(self._keys) - self.size.height:
            self.post_message(self.NearEnd())

    def _style(self, part: str) -> Style:
        return self.get_component_rich_style(f"long-table--{part}")

    def _strip(self, texts: dict[str, str], styles: dict[str, Style], base: Style) -> Strip:
        segments = [
            Segment(f" {_fitted(texts[column.key], column)} ", base + styles.get(column.key, Style.null()))
            for column in self._columns
        ]
        return Strip(segments).adjust_cell_length(self.size.width, base)


def _fitted(text: str, column: Column) -> str:
    length = cell_len(text)
    if length > column.width:
        return set_cell_size(text, column.width - 1) + "…"
    return " " * (column.width - length) + text if column.right else set_cell_size(text, column.width)
