"""Tables as data: a column is one object, and what fits, what a filter asks and what one sorts by follow.

Front ends draw a `Column`; a `ColumnOf` knows besides what it shows of a row, and a `Table` holds all of these.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Generic, TypeAlias, TypeVar

from qlikops.dataclass import dataclass
from qlikops.presentation.tone import Span

T = TypeVar("T")

PADDING = 2
"""Cells that a front end puts behind each column."""
EXTRA = range(1, 10)
"""When columns go that cost no other its full form: they go before any is short. Tens leave room for another."""
SORTED = "▾"
"""Behind the header of the column that rows are sorted by."""


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column as a front end draws it."""

    key: str
    header: str
    width: int
    """Cells; for the flexible column the least it can do with."""
    _: KW_ONLY
    right: bool = False
    flexible: bool = False
    """Takes what the others leave; one a table."""
    middle: bool = False
    """A text that is too long loses its middle: both ends of a name tell it apart."""
    goes: int = 0
    """When the column goes while not every one fits: the least goes first, 0 never. Below 10, it is an EXTRA."""


@dataclass(frozen=True, slots=True)
class SortOrder(Generic[T]):
    """An order that rows can be put in."""

    name: StrEnum
    """What one types after `--sort`; its enum says which order comes after which."""
    words: str
    """What the console says, and what it stores of a person's choice: they never change."""
    key: Callable[[T], Any]
    """What is compared; the least comes first."""


@dataclass(frozen=True, slots=True)
class ColumnOf(Generic[T]):
    """A column with all that is to be known of it."""

    drawn: Column
    cell: Callable[[T], Span]
    """What it shows of a row."""
    _: KW_ONLY
    field: Callable[[T], str] | None = None
    """What a filter asks as `key:`; None if it asks nothing of this column."""
    order: SortOrder[T] | None = None
    """The order that this column shows."""
    short: ColumnOf[T] | None = None
    """What stands in while there is little room. A `cell` of its own needs a key of its own."""
    room: int = 0
    """Cells left over beside all in full but extras, without which `short` stands in; below 0, so many may lack."""
    beside: str = ""
    """The key of another column: `short` stands in while that one has gone, whatever is left over."""

    @property
    def key(self) -> str:
        """The column's name: in a filter, and for the cells of a row."""
        return self.drawn.key

    @property
    def forms(self) -> tuple[ColumnOf[T], ...]:
        """It and all that may stand in for it."""
        return (self, *(self.short.forms if self.short is not None else ()))

    def form(self, gone: Collection[str], spare: float) -> ColumnOf[T]:
        """What stands in for it while the columns `gone` have gone and `spare` cells are left over; mostly itself."""
        is_short = self.beside in gone if self.beside else spare < self.room
        return self.short.form(gone, spare) if is_short and self.short is not None else self

    def as_drawn(self, gone: Collection[str], spare: float, *, is_sorted: bool) -> Column:
        """How that looks; what is sorted by never goes."""
        drawn = self.form(gone, spare).drawn
        if is_sorted:
            return replace(drawn, header=f"{drawn.header}{SORTED}", goes=0)
        return replace(drawn, goes=self.drawn.goes)


Cells: TypeAlias = Mapping[str, Span]
"""A row: column key -> cell."""
WHOLE_LINE = ""
"""The key of the only cell of a row without columns."""


@dataclass(frozen=True)
class TableOf(Generic[T]):
    """A table of rows of T."""

    columns: tuple[ColumnOf[T], ...]
    """The columns from left to right."""
    ties: Callable[[T], Any] = lambda _: 0
    """What is compared of rows that are equal in an order."""
    more_orders: tuple[SortOrder[T], ...] = ()
    """Orders that no column shows."""
    more_fields: Mapping[str, Callable[[T], str]] = field(default_factory=dict)
    """What a filter can ask beside the columns."""

    @cached_property
    def fields(self) -> Mapping[str, Callable[[T], str]]:
        """What a filter can ask: key -> text of a row."""
        return {**{each.key: each.field for each in self.columns if each.field is not None}, **self.more_fields}

    @cached_property
    def orders(self) -> tuple[SortOrder[T], ...]:
        """What rows can be sorted by, as their names' enum has them; the first is the usual one."""
        found = [*self.more_orders, *(each.order for each in self.columns if each.order is not None)]
        names = [name for order in found[:1] for name in type(order.name)]
        return tuple(sorted(found, key=lambda order: names.index(order.name)))

    def order_called(self, name: str | None) -> SortOrder[T]:
        """The order with this name or these words; the usual one if there is none such."""
        return next((each for each in self.orders if name in (each.name, each.words)), self.orders[0])

    def order_after(self, order: SortOrder[T]) -> SortOrder[T]:
        """The next order, round and round."""
        return self.orders[(self.orders.index(order) + 1) % len(self.orders)]

    def sorted(self, rows: Iterable[T], order: SortOrder[T]) -> list[T]:
        """The rows in that order."""
        return sorted(rows, key=lambda row: (order.key(row), self.ties(row)))

    def cells(self, row: T) -> Cells:
        """What every column shows of a row, in full and in short."""
        return {form.key: form.cell(row) for each in self.columns for form in each.forms}

    def fit(
        self, width: int | None, *, by: SortOrder[T] | None = None, without: Collection[str] = ()
    ) -> tuple[Column, ...]:
        """The columns that fit in `width` cells; all in full if that is None, the column of `by` in any case.

        `without` names columns, or forms of them, that are not wanted at all.
        """
        wanted = [each for each in self.columns if each.key not in without]
        spare = math.inf if width is None else width - taken(one.drawn for one in wanted if one.drawn.goes not in EXTRA)

        def drawn(gone: Collection[str]) -> list[Column]:
            forms = (each.as_drawn(gone, spare, is_sorted=by is not None and each.order is by) for each in wanted)
            return [column for column in forms if column.key not in without]

        left = {column.key for column in fit(drawn(()), width)}
        return fit(drawn({each.beside for each in wanted} - left), width)


def emptied(rows: Iterable[Cells]) -> frozenset[str]:
    """The keys of columns in which none of `rows` has anything."""
    shown = {key: cell for row in rows for key, cell in row.items() if cell.text}
    return frozenset(key for row in rows for key in row if key not in shown)


def taken(columns: Iterable[Column]) -> int:
    """Cells that `columns` take, with those that a front end puts behind each."""
    return sum(column.width + PADDING for column in columns)


def fit(columns: Sequence[Column], width: int | None) -> tuple[Column, ...]:
    """The columns that fit in `width` cells, the flexible one widened to what is left; if it is None, all of them."""
    if width is None:
        return tuple(columns)
    kept = list(columns)
    for column in sorted((each for each in columns if each.goes), key=lambda each: each.goes):
        if taken(kept) <= width:
            break
        kept.remove(column)
    spare = max(0, width - taken(kept))
    return tuple(replace(column, width=column.width + spare) if column.flexible else column for column in kept)


def spread(columns: Sequence[Column], width: int, content: Mapping[str, int]) -> tuple[Column, ...]:
    """`columns` with cells that stand empty given to what would be cut, the flexible column first.

    `content` is how many cells the longest text of each column takes, by its key; 0 where all that it has is nothing.
    While nothing is cut the columns stay as they are. While the flexible one is, a column with nothing in it goes, but
    for one without a header: signs have their place, whether there are any or not.
    """
    needs = {column.key: max(len(column.header), content.get(column.key, column.width)) for column in columns}
    if all(needs[column.key] <= column.width for column in columns):
        return tuple(columns)
    if any(column.flexible and needs[column.key] > column.width for column in columns):
        columns = [each for each in columns if content.get(each.key, 1) or each.flexible or not each.header]
    widths = {column.key: min(column.width, needs[column.key]) for column in columns}
    room = max(0, width - sum(widths.values()) - PADDING * len(columns))
    cut_first = sorted(columns, key=lambda column: not column.flexible)
    usual = {column.key: column.width for column in columns}
    for wanted in (needs, usual):
        for column in cut_first:
            more = min(room, max(0, wanted[column.key] - widths[column.key]))
            widths[column.key] += more
            room -= more
    return tuple(replace(column, width=widths[column.key]) for column in columns)
