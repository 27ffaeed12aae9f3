"""A table that stays where it is: rows are known by key, and only the lines in sight are made.

Textual's DataTable holds a cell for each value of each row, which takes seconds for thousands of them, and its cursor
is an index: after a sort or a removal above it, the same index is another row and nothing says so. Here the key that
was chosen is what counts, wherever its row goes, and it stays on its line of the screen. When its row goes away by
itself, nothing is chosen until the person chooses: the row that slid under the cursor was never looked at.
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

from qlikops.dataclass import dataclass
from qlikops.presentation.table import PADDING, WHOLE_LINE, Cells, Column, spread
from qlikops.presentation.tone import Span
from qlikops.tui.widgets.prose import palette

_HEADER = 1
MARK = "›"
"""The sign of the chosen row."""


class KeyedTable(ScrollView, can_focus=True):
    """Rows by key, columns that fit the width, one row chosen."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--header", "table--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", id="open", tooltip="shows all of it"),
        Binding("j", "move(1)", "Down", show=False, id="down"),
        Binding("k", "move(-1)", "Up", show=False, id="up"),
        Binding("down", "move(1)", "Down", show=False, id="row-down"),
        Binding("up", "move(-1)", "Up", show=False, id="row-up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="page-down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="page-up"),
        Binding("home,ctrl+home", "end(-1)", "First row", show=False, id="first-row"),
        Binding("end,ctrl+end", "end(1)", "Last row", show=False, id="last-row"),
    ]

    @dataclass
    class _FromTable(Message):
        table: KeyedTable

        @property
        def control(self) -> KeyedTable:
            """The table, for `@on` selectors."""
            return self.table

    @dataclass
    class Chosen(_FromTable):
        """Another row is chosen, or none."""

        key: str | None

    @dataclass
    class Opened(_FromTable):
        """The chosen row is to be opened. It may be gone by the time that this arrives."""

        key: str

    class NearEnd(Message):
        """The last rows are in sight."""

    def __init__(self, columns: Callable[[int], tuple[Column, ...]], *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._columns_for = columns
        self._content: dict[str, int] = {}
        """Cells that the longest text took which was seen in each column since there have been rows."""
        self._columns: tuple[Column, ...] = ()
        self.keys: Sequence[str] = ()
        """All rows, in order."""
        self._index: dict[str, int] = {}
        self._cells: Callable[[str], Cells] = lambda _: {}
        self._drawn: object = None
        """What of all this was in sight when it was last drawn."""
        self._height = 0
        """When the cursor was last kept in sight."""
        self.cursor = 0
        """The index of the chosen row, or of where it was."""
        self.chosen: str | None = None

    @property
    def empty(self) -> frozenset[str]:
        """The keys of columns in which nothing has been seen since there have been rows."""
        return frozenset(key for key, cells in self._content.items() if not cells)

    @property
    def _lines(self) -> int:
        return max(1, self.size.height - _HEADER)

    def show(self, keys: Sequence[str], cells: Callable[[str], Cells], *, choose_first: bool = False) -> None:
        """Shows exactly these rows in their order; `cells` is asked for those in sight, whenever they are drawn.

        The chosen key stays chosen, and where it is in sight it stays on its line. The first row is chosen where
        nothing was shown before, or with `choose_first` where the chosen one is not among them.
        """
        choose_first = choose_first or not self.keys
        line = self.cursor - self.scroll_y
        was_in_sight = self.chosen is not None and 0 <= line < self._lines
        before = self.cursor
        self.keys, self._cells = keys, cells
        self._index = {key: index for index, key in enumerate(keys)}
        self._fit()
        if self.chosen in self._index:
            self.cursor = self._index[self.chosen]
            if was_in_sight and self.scroll_y:
                # What was added above moves everything; the eye stays on its row.
                self._scroll(self.cursor - line)
            elif was_in_sight:
                # At the top what is new shows, until the row would be pushed out of sight.
                self._scroll_to_cursor()
        elif choose_first and keys:
            self._choose(0)
        else:
            self.cursor = max(0, min(before, len(keys) - 1))
            if self.chosen is not None:
                self.chosen = None
                self.post_message(self.Chosen(self, None))
        if self._in_sight() != self._drawn:
            self.refresh()

    def choose(self, key: str) -> None:
        """Puts the cursor on `key` and says so."""
        self._choose(self._index[key])

    def next_key(self, skip: Callable[[str], bool]) -> str | None:
        """The nearest row below the cursor, then above it, that `skip` does not rule out."""
        candidates = (*self.keys[self.cursor + 1 :], *reversed(self.keys[: self.cursor]))
        return next((key for key in candidates if not skip(key)), None)

    def on_resize(self, event: events.Resize) -> None:
        """Other columns may fit now, and fewer rows: where the cursor was in sight it stays so."""
        was_in_sight = 0 <= self.cursor - self.scroll_y < self._height - _HEADER or not self._height
        self._height = event.size.height
        self._fit()
        if was_in_sight:
            self._scroll_to_cursor()
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Other rows are in sight, perhaps with longer texts, perhaps the last ones."""
        super().watch_scroll_y(old_value, new_value)
        self._fit_columns()
        self._say_near_end()

    def render_line(self, y: int) -> Strip:
        """The header, or the row in that line of the screen."""
        if y == 0:
            self._drawn = self._in_sight()
            headers = {column.key: Span(column.header) for column in self._columns}
            return self._strip(headers, self._style("header"), " ")
        index = int(self.scroll_y) + y - _HEADER
        if index >= len(self.keys):
            return Strip.blank(self.size.width, self.rich_style)
        key = self.keys[index]
        cells, is_chosen = self._cells(key), key == self.chosen
        style = self._style("cursor") if is_chosen else self.rich_style
        # A shape, since a colour is none on some terminals.
        mark = MARK if is_chosen else " "
        if whole := cells.get(WHOLE_LINE):
            line = Segment(f"{mark}{whole.text}", style + palette(self)[whole.tone])
            return Strip([line]).adjust_cell_length(self.size.width, style)
        return self._strip(cells, style, mark)

    def action_move(self, by: int) -> None:
        """Where nothing is chosen, the first press chooses the row at the cursor."""
        self._choose(self.cursor if self.chosen is None else self.cursor + by)

    def action_page(self, direction: int) -> None:
        """A screenful on."""
        self._choose(self.cursor + direction * max(1, self._lines - 1))

    def action_end(self, direction: int) -> None:
        """The first or the last row."""
        self._choose(0 if direction < 0 else len(self.keys) - 1)

    def action_open(self) -> None:
        """Opens the chosen row; where there is none, chooses one."""
        if self.chosen is None:
            self.action_move(0)
        else:
            self.post_message(self.Opened(self, self.chosen))

    def on_click(self, event: events.Click) -> None:
        """Chooses a row, or opens the one that is chosen."""
        index = int(self.scroll_y) + event.y - _HEADER
        if event.y >= _HEADER and index < len(self.keys):
            already = self.keys[index] == self.chosen
            self._choose(index)
            if already:
                self.action_open()

    def _choose(self, index: int) -> None:
        if not self.keys:
            return
        self.cursor = max(0, min(index, len(self.keys) - 1))
        key = self.keys[self.cursor]
        if key != self.chosen:
            # At once: a key pressed right after the arrow means the new row.
            self.chosen = key
            self.post_message(self.Chosen(self, key))
        self._scroll_to_cursor()
        self.refresh()
        self._say_near_end()

    def _scroll_to_cursor(self) -> None:
        top = int(self.scroll_y)
        if not top <= self.cursor < top + self._lines:
            self._scroll(self.cursor if self.cursor < top else self.cursor - self._lines + 1)

    def _scroll(self, y: float) -> None:
        # By force: else it is refused until the next layout brings the scrollbar, and the cursor is out of sight.
        self.scroll_to(y=y, animate=False, immediate=True, force=True)

    def _measure(self) -> None:
        """Looks at the rows in sight: to make all of them would take too long. What was long stays so: no column is to
        come and go with every row that passes by.
        """
        if not self.keys:
            self._content = {}
        top = int(self.scroll_y)
        for key in self.keys[top : top + self._lines]:
            for name, cell in self._cells(key).items():
                self._content[name] = max(cell_len(cell.text), self._content.get(name, 0))

    def _fit(self) -> None:
        """The columns to the width, and how far it scrolls to the rows."""
        self._fit_columns()
        self.virtual_size = Size(0, len(self.keys) + _HEADER)

    def _fit_columns(self) -> None:
        self._measure()
        # As if there were a scrollbar: `size` counts its column as content, and no column moves when it comes.
        width = self.size.width - self.styles.scrollbar_size_vertical
        self._columns = spread(self._columns_for(width), width, self._content)

    def _in_sight(self) -> object:
        top = int(self.scroll_y)
        rows = [(key, self._cells(key)) for key in self.keys[top : top + self._lines]]
        return self._columns, top, self.chosen, rows

    def _say_near_end(self) -> None:
        last_drawn = min(len(self.keys), int(self.scroll_y) + self._lines) - 1
        if self.keys and last_drawn >= len(self.keys) - self.size.height:
            self.post_message(self.NearEnd())

    def _style(self, part: str) -> Style:
        return self.get_component_rich_style(f"table--{part}")

    def _strip(self, cells: Cells, base: Style, mark: str) -> Strip:
        """One line with `mark` in its first cell."""
        colours = palette(self)
        segments = [Segment(mark, base)]
        for column in self._columns:
            cell, at = cells[column.key], 0
            text = _fitted(cell.text, column)
            # What stands at the right or lost its middle is no longer where its parts say.
            for part in () if column.right or column.middle else cell.parts:
                segments.append(Segment(text[at : at + len(part.text)], base + colours[part.tone]))
                at += len(part.text)
            segments.append(Segment(text[at:], base + colours[cell.tone]))
            segments.append(Segment(" " * PADDING, base))
        return Strip(segments).adjust_cell_length(self.size.width, base)


def _fitted(text: str, column: Column) -> str:
    length = cell_len(text)
    if length > column.width and column.middle:
        begins = set_cell_size(text, column.width // 2).rstrip()
        ends = set_cell_size(text[::-1], column.width - cell_len(begins) - 1)[::-1]
        return f"{begins}…{ends}"
    if length > column.width:
        return set_cell_size(text, column.width - 1) + "…"
    return " " * (column.width - length) + text if column.right else set_cell_size(text, column.width)
