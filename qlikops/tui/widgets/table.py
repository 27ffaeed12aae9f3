"""A table that stays where it is: rows are known by key, and a refresh changes only what changed.

DataTable's cursor is an index: after a sort or a removal above it, the same index is another row and nothing says so.
Here the key that was chosen is what counts. When its row goes away by itself, nothing is chosen until the person
chooses: the row that slid under the cursor was never looked at.

Cells that changed are written where they can be seen; the others when they are scrolled to. The ages of thousands of
rows change every minute, and nobody sees more than a screenful.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.coordinate import Coordinate
from textual.message import Message
from textual.strip import Strip
from textual.widgets import DataTable
from textual.widgets.data_table import ColumnKey

from qlikops.presentation.tone import Cells, Column
from qlikops.tui.widgets.cursor import marked
from qlikops.tui.widgets.prose import Palette, palette

MANY_REMOVALS = 50
"""DataTable renumbers all rows for each removal; beyond so many it is quicker to begin again."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row to show."""

    key: str
    version: Hashable
    """Cells are made again only when this changes."""
    cells: Callable[[], Cells]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the cursor was before rows came and went."""

    index: int
    scroll_y: float
    line: float | None
    """Of those in sight; None where the cursor was not among them."""


class Cell(Text):
    """A cell that knows its row, since DataTable sorts by cells alone."""

    row_key: str = ""


class KeyedTable(DataTable[Cell]):
    """Rows by key, columns that fit the width, one row chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select_cursor", "Open", id="open", tooltip="shows all of it"),
        Binding("j", "cursor_down", "Down", show=False, id="down"),
        Binding("k", "cursor_up", "Up", show=False, id="up"),
        # DataTable's own move between columns, of which a row has only one.
        Binding("home", "end(-1)", "First row", show=False, id="first-row"),
        Binding("end", "end(1)", "Last row", show=False, id="last-row"),
    ]

    class Chosen(Message):
        """Another row is chosen, or none."""

        def __init__(self, table: KeyedTable, key: str | None) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> KeyedTable:
            """For `@on` selectors."""
            return self.table

    def __init__(
        self,
        columns: Callable[[int], tuple[Column, ...]],
        *,
        id: str,  # noqa: A002 - Textual's name
        opens: bool = True,
    ) -> None:
        super().__init__(id=id, cursor_type="row", cursor_foreground_priority="renderable", show_cursor=False)
        self._columns_for = columns
        self._opens = opens
        self._shown_columns: tuple[Column, ...] = ()
        self._rows: tuple[Row, ...] = ()
        self._versions: dict[str, Hashable] = {}
        self._arranging = False
        self._scroll_back_to: float | None = None
        self._height = 0
        """When the cursor was last kept in sight."""
        self.chosen: str | None = None

    def on_mount(self) -> None:
        """Follows the theme: cells carry colours."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self.rebuild())

    def on_resize(self, event: events.Resize) -> None:
        """Other columns may fit now, and fewer rows: the cursor stays in sight."""
        columns = self._columns_for(self._usable(event.size.width))
        if columns != self._shown_columns:
            self.rebuild()
        else:
            self._freshen()
            if self._is_in_sight(self._height) and not self._is_in_sight(event.size.height):
                self.move_cursor(row=self.cursor_row, animate=False)
        self._height = event.size.height

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """What comes into sight is written as it is now."""
        super().watch_scroll_y(old_value, new_value)
        self._freshen()

    def render_line(self, y: int) -> Strip:
        """The cursor's row has a mark: its colour is none where the terminal has none."""
        strip = super().render_line(y)
        is_cursor = y >= self.header_height and self.scroll_offset.y + y - self.header_height == self.cursor_row
        return marked(strip) if is_cursor and self.show_cursor else strip

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual passes it
        """Enter is offered only where it opens something."""
        return action != "select_cursor" or self._opens

    def show(self, rows: Sequence[Row], *, choose_first: bool = False) -> None:
        """Shows exactly `rows`, in their order, touching only what changed.

        The chosen key stays chosen. The first row is chosen where nothing was shown before, or with `choose_first`
        where the chosen one is not among them.
        """
        choose_first = choose_first or not self._rows
        self._rows = tuple(rows)
        if not self._shown_columns:
            return  # no size yet; on_resize builds the columns and the rows
        if len(self._versions.keys() - {row.key for row in rows}) > MANY_REMOVALS:
            self.rebuild(choose_first=choose_first)
            return
        with self._arrange():
            before, updates = self._place, self._update_count
            self._reconcile(palette(self))
            self._restore(before, choose_first=choose_first)
            self._freshen()
            if self._update_count != updates:
                # What was rendered is never used again; kept, it is what a garbage collection mostly walks.
                self._clear_caches()

    def rebuild(self, *, choose_first: bool = False) -> None:
        """Makes columns and cells again."""
        self._shown_columns = self._columns_for(self._usable(self.size.width))
        choose_first = choose_first or (not self.columns and bool(self._rows))
        with self._arrange():
            before = self._place
            # First: clearing scrolls up, and what comes into sight by that has no cells to write.
            self._versions.clear()
            self.clear(columns=True)
            for column in self._shown_columns:
                self.add_column(_header(column), width=column.width, key=column.key)
            self._reconcile(palette(self))
            self._restore(before, choose_first=choose_first)

    def relabel(self) -> None:
        """Makes the headers again, and all else only where other columns fit now."""
        columns = self._columns_for(self._usable(self.size.width))
        if [column.key for column in columns] != [column.key for column in self._shown_columns]:
            self.rebuild()
            return
        self._shown_columns = columns
        for column in columns:
            self.columns[ColumnKey(column.key)].label = _header(column)
        self._clear_caches()
        self.refresh()

    def choose(self, key: str) -> None:
        """Puts the cursor on `key` and says so."""
        self.show_cursor = True
        self._scroll_back_to = None
        self.move_cursor(row=self.get_row_index(key), animate=False)
        self._take(key)

    def next_key(self, skip: Callable[[str], bool]) -> str | None:
        """The nearest row below the cursor, then above it, that `skip` does not rule out."""
        keys = [row.key for row in self._rows]
        here = self.cursor_row
        candidates = keys[here + 1 :] + keys[:here][::-1]
        return next((key for key in candidates if not skip(key)), None)

    def action_cursor_down(self) -> None:
        """Where nothing is chosen, the first press chooses the row at the cursor."""
        if not self._choose_here():
            super().action_cursor_down()

    def action_cursor_up(self) -> None:
        """Likewise."""
        if not self._choose_here():
            super().action_cursor_up()

    def action_end(self, direction: int) -> None:
        """Chooses the first row, or the last."""
        if self._rows:
            self.choose(self._rows[0 if direction < 0 else -1].key)

    def action_select_cursor(self) -> None:
        """Likewise."""
        if not self._choose_here():
            super().action_select_cursor()

    def _choose_here(self) -> bool:
        if self.chosen is not None or not self._rows:
            return False
        self.choose(self._rows[min(self.cursor_row, len(self._rows) - 1)].key)
        return True

    async def _on_click(self, event: events.Click) -> None:
        # DataTable ignores clicks while its cursor is hidden.
        if self._rows:
            self.show_cursor = True
        await super()._on_click(event)
        # Textual would call DataTable's own as well: the second call finds the cursor there already, and opens the row.
        event.prevent_default()
        if self.show_cursor:
            self._choose_here()

    def watch_cursor_coordinate(self, old_coordinate: Coordinate, new_coordinate: Coordinate) -> None:
        """The chosen key moves with the cursor, at once: a key pressed right after the arrow means the new row."""
        super().watch_cursor_coordinate(old_coordinate, new_coordinate)
        if self.show_cursor and not self._arranging and self.is_valid_row_index(new_coordinate.row):
            self._scroll_back_to = None
            self._take(self.ordered_rows[new_coordinate.row].key.value or "")

    def _take(self, key: str) -> None:
        if key != self.chosen:
            self.chosen = key
            self.post_message(self.Chosen(self, key))

    @contextmanager
    def _arrange(self) -> Iterator[None]:
        """While rows are arranged, the cursor moves without anybody choosing anything."""
        self._arranging = True
        try:
            with self.app.batch_update():
                yield
        finally:
            self._arranging = False

    def _usable(self, width: int) -> int:
        return width - self.styles.scrollbar_size_vertical

    def _reconcile(self, colours: Palette) -> None:
        wanted = {row.key: row for row in self._rows}
        for key in [key for key in self._versions if key not in wanted]:
            self.remove_row(key)
            del self._versions[key]
        for row in self._rows:
            if row.key not in self._versions:
                self.add_row(*self._make(row, colours).values(), key=row.key)
                self._versions[row.key] = row.version
        order = {row.key: index for index, row in enumerate(self._rows)}
        if any(order[str(row.key.value)] != index for index, row in enumerate(self.ordered_rows)):
            self.sort(self._shown_columns[0].key, key=lambda cell: order[cell.row_key])

    def _freshen(self) -> None:
        """Writes anew what changed of the rows in sight."""
        top = int(self.scroll_y)
        colours: Palette | None = None
        for row in self._rows[top : top + self.size.height + 1]:
            if self._versions.get(row.key, row.version) == row.version:
                continue
            colours = colours or palette(self)
            for column_key, cell in self._make(row, colours).items():
                old = self.get_cell(row.key, column_key)
                if old.plain != cell.plain or old.spans != cell.spans:
                    self.update_cell(row.key, column_key, cell)
            self._versions[row.key] = row.version

    @property
    def _place(self) -> _Place:
        """Where the cursor is now."""
        line = self.cursor_row - self.scroll_y
        return _Place(self.cursor_row, self.scroll_y, line if self._is_in_sight(self._height) else None)

    def _is_in_sight(self, height: int) -> bool:
        """Whether the cursor's row is among those that a table of `height` lines shows."""
        return self.show_cursor and 0 <= self.cursor_row - self.scroll_y < height - self.header_height

    def _restore(self, before: _Place, *, choose_first: bool) -> None:
        """Puts the cursor back on the chosen key and that on its line, or chooses nothing where it is gone."""
        scroll_y = before.scroll_y
        if self.chosen in self._versions:
            self.show_cursor = True
            index = self.get_row_index(self.chosen)
            self.move_cursor(row=index, animate=False, scroll=False)
            if before.line is not None:
                scroll_y = index - min(before.line, self.size.height - self.header_height - 1)
        elif choose_first and self._rows:
            self.choose(self._rows[0].key)
            return
        else:
            self.show_cursor = False
            self.move_cursor(row=before.index, animate=False, scroll=False)
            if self.chosen is not None:
                self.chosen = None
                self.post_message(self.Chosen(self, None))
        if scroll_y != self.scroll_y:
            self._scroll_back_to = scroll_y
            # How far it can scroll is only known once the rows are laid out.
            self.call_after_refresh(self._scroll_back)

    def _scroll_back(self) -> None:
        """Unless the cursor was put elsewhere meanwhile."""
        if self._scroll_back_to is not None:
            self.scroll_to(y=self._scroll_back_to, animate=False)
            self._scroll_back_to = None

    def _make(self, row: Row, colours: Palette) -> dict[str, Cell]:
        cells = row.cells()
        return {column.key: self._cell(row.key, cells, column, colours) for column in self._shown_columns}

    def _cell(self, row_key: str, cells: Cells, column: Column, colours: Palette) -> Cell:
        span = cells[column.key]
        cell = Cell(no_wrap=True, overflow="ellipsis", end="", justify="right" if column.right else "left")
        cell.append(span.text, colours[span.tone])
        cell.row_key = row_key
        return cell


def _header(column: Column) -> Text:
    return Text(column.header, justify="right" if column.right else "left")
