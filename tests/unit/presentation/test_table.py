"""Which columns of a table fit, in which order rows come, and what a filter can ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

import pytest

from qlikops.presentation.lists import executions, fleet, inbox
from qlikops.presentation.table import Column, ColumnOf, SortOrder, TableOf, fit
from qlikops.presentation.tone import Span


class TestColumns:
    COLUMNS = (Column("a", "A", 5), Column("b", "B", 5, flexible=True), Column("c", "C", 5, goes=1))

    def test_the_flexible_one_takes_what_is_left(self) -> None:
        assert [column.width for column in fit(self.COLUMNS, 40)] == [5, 24, 5]

    def test_the_ones_named_go_when_it_is_narrow(self) -> None:
        assert [column.key for column in fit(self.COLUMNS, 15)] == ["a", "b"]

    @pytest.mark.parametrize("width", [60, 79, 119, 200])
    @pytest.mark.parametrize(
        "columns", [inbox.TABLE.fit, executions.TABLE.fit, executions.state_columns, fleet.TABLE.fit]
    )
    def test_tables_fit(self, columns: Callable[[int], tuple[Column, ...]], width: int) -> None:
        shown = columns(width)
        assert sum(column.width + 2 for column in shown) == width
        assert any(column.flexible for column in shown)


class Sort(StrEnum):
    SIZE = "size"
    NAME = "name"


Fruit = tuple[str, int]
SIZE: SortOrder[Fruit] = SortOrder(Sort.SIZE, "largest first", lambda fruit: -fruit[1])
NAME: SortOrder[Fruit] = SortOrder(Sort.NAME, "by name", lambda fruit: fruit[0])
FRUITS: TableOf[Fruit] = TableOf(
    (
        ColumnOf(
            Column("name", "Name", 10, flexible=True),
            lambda fruit: Span(fruit[0]),
            field=lambda fruit: fruit[0],
            order=NAME,
            short=ColumnOf(
                Column("both", "Name (size)", 10, flexible=True), lambda fruit: Span(f"{fruit[0]} ({fruit[1]})")
            ),
            beside="size",
        ),
        ColumnOf(Column("size", "Size", 6, goes=10), lambda fruit: Span(str(fruit[1])), order=SIZE),
        ColumnOf(
            Column("kind", "Kind", 8, goes=20),
            lambda _: Span("fruit"),
            short=ColumnOf(Column("kind", "K", 3), lambda _: Span("f")),
            room=10,
        ),
    ),
    ties=lambda fruit: fruit[0],
    more_fields={"first": lambda fruit: fruit[0][:1]},
)


class TestTable:
    def test_orders_come_as_their_enum_has_them_and_go_round(self) -> None:
        assert FRUITS.orders == (SIZE, NAME)
        assert FRUITS.order_after(SIZE) is NAME
        assert FRUITS.order_after(NAME) is SIZE

    @pytest.mark.parametrize(
        ("name", "order"), [("name", NAME), ("by name", NAME), ("size", SIZE), ("x", SIZE), (None, SIZE)]
    )
    def test_an_order_is_found_by_its_name_or_words_or_is_the_usual_one(
        self, name: str, order: SortOrder[Fruit]
    ) -> None:
        assert FRUITS.order_called(name) is order

    def test_equals_are_told_apart_by_the_tie(self) -> None:
        assert FRUITS.sorted([("pear", 2), ("fig", 1), ("lime", 2)], SIZE) == [("lime", 2), ("pear", 2), ("fig", 1)]

    def test_a_row_has_every_form_and_a_filter_what_can_be_asked(self) -> None:
        assert {key: span.text for key, span in FRUITS.cells(("fig", 1)).items()} == {
            "name": "fig",
            "both": "fig (1)",
            "size": "1",
            "kind": "f",
        }
        assert {key: ask(("fig", 1)) for key, ask in FRUITS.fields.items()} == {"name": "fig", "first": "f"}

    @pytest.mark.parametrize(
        ("width", "keys"),
        [
            (None, ["name 10", "size 6", "kind 8"]),
            (40, ["name 20", "size 6", "kind 8"]),
            (30, ["name 15", "size 6", "kind 3"]),
            (20, ["both 13", "kind 3"]),
            (12, ["both 10"]),
        ],
    )
    def test_what_fits_in_short_or_in_full(self, width: int | None, keys: list[str]) -> None:
        assert [f"{column.key} {column.width}" for column in FRUITS.fit(width)] == keys

    @pytest.mark.parametrize("width", [None, *range(12, 60)])
    def test_an_extra_makes_no_other_column_short_or_go(self, width: int | None) -> None:
        extra = ColumnOf[Fruit](Column("extra", "Extra", 6, goes=9), lambda _: Span("more"))
        found = replace(FRUITS, columns=(extra, *FRUITS.columns)).fit(width)
        assert [each.key for each in found if each.key != "extra"] == [each.key for each in FRUITS.fit(width)]
        assert {each.width for each in found if each.key == "kind"} == {
            each.width for each in FRUITS.fit(width) if each.key == "kind"
        }

    def test_what_is_sorted_by_is_marked_and_stays_and_what_is_not_wanted_is_gone(self) -> None:
        assert [column.header for column in FRUITS.fit(20, by=SIZE)] == ["Name", "Size▾"]
        assert [column.key for column in FRUITS.fit(None, without=("kind",))] == ["name", "size"]
