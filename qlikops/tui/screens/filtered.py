"""A screen whose list is narrowed down by a filter."""

from __future__ import annotations

from abc import abstractmethod

from textual import on

from qlikops.tui.screens.base import ConsoleScreen
from qlikops.tui.widgets.filtering import FilterBar
from qlikops.tui.widgets.table import KeyedTable


class FilteredScreen(ConsoleScreen):
    """Has one FilterBar above one KeyedTable; keys for `filter` and `back` are the subclass's."""

    error: Exception | None = None
    """Why the last look failed; what is shown is older than it seems."""

    @property
    def table(self) -> KeyedTable:
        """The list."""
        return self.query_one(KeyedTable)

    def missed(self, error: Exception) -> None:
        """Says why above what is there."""
        self.error = error
        self.show_list()

    @abstractmethod
    def show_list(self) -> None:
        """Draws the list anew: what the filter keeps of it."""

    def action_filter(self) -> None:
        """Opens the filter."""
        self.query_one(FilterBar).open()
        self.refresh_bindings()

    def action_back(self) -> None:
        """Shows the whole list again."""
        self.query_one(FilterBar).close()

    def left_filter(self, table: KeyedTable, *, closed: bool) -> None:
        """Called when the person goes on in `table`, which is drawn; `closed` if nothing is kept back any more."""

    @on(KeyedTable.Chosen)
    def _choose(self) -> None:
        # What the keys would act on is another one.
        self.refresh_bindings()

    @on(FilterBar.Changed)
    def _narrow(self) -> None:
        self.show_list()

    @on(FilterBar.Left)
    def _leave_filter(self, event: FilterBar.Left) -> None:
        self.show_list()
        table = self.table
        self.left_filter(table, closed=event.closed)
        if not event.closed and table.chosen is None:
            table.action_move(0)  # else the next Enter would only choose what already has the cursor
        self.set_focus(table)
        self.refresh_bindings()
