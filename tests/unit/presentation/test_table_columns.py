"""Columns: nothing forgotten of a new one, all of them in the width there is, and nothing cut beside empty cells."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlikops.presentation.lists import events, executions, fleet, inbox
from qlikops.presentation.lists.fleet import FleetSort
from qlikops.presentation.lists.inbox import InboxSort
from qlikops.presentation.pages import report
from qlikops.presentation.table import Column, ColumnOf, TableOf, spread, taken

TABLES: dict[str, TableOf[Any]] = {
    "inbox": inbox.TABLE,
    "fleet": fleet.TABLE,
    "executions": executions.TABLE,
}
FITTED: dict[str, Callable[[int], tuple[Column, ...]]] = {
    **{name: table.fit for name, table in TABLES.items()},
    "inbox of one context": inbox.columns,
    "states": executions.state_columns,
    "events": events.columns,
    "reports": report.columns,
}
MEASURES = {
    *("inbox-expires", "inbox-age", "inbox-bar", "inbox-mark"),
    *("fleet-latency", "fleet-as_of", "fleet-trend", "fleet-restarted"),
    *("executions-duration", "executions-bar"),
}
"""Columns that a filter asks nothing of: they show how much, or a sign, and it looks for words."""
COLUMNS = [pytest.param(name, each, id=f"{name}-{each.key}") for name in TABLES for each in TABLES[name].columns]


class TestEveryColumn:
    @pytest.mark.parametrize(("table", "column"), COLUMNS)
    def test_has_room_for_its_header(self, table: str, column: ColumnOf[Any]) -> None:
        forms = column.forms
        assert all(len(form.drawn.header) <= form.drawn.width for form in forms)
        if column.order is not None and table == "inbox":
            assert all(len(form.drawn.header) < form.drawn.width for form in forms), "no room for the mark of the order"

    @pytest.mark.parametrize(("table", "column"), COLUMNS)
    def test_can_be_asked_by_the_filter(self, table: str, column: ColumnOf[Any]) -> None:
        measures = f"{table}-{column.key}" in MEASURES
        assert (column.field is None) is measures, "give it `field`, or name it in MEASURES"

    @pytest.mark.parametrize(("table", "column"), COLUMNS)
    def test_has_a_turn_of_its_own_to_go(self, table: str, column: ColumnOf[Any]) -> None:
        turns = [each.drawn.goes for each in TABLES[table].columns]
        assert not column.drawn.goes or turns.count(column.drawn.goes) == 1


@pytest.mark.parametrize("name", TABLES)
def test_every_column_has_a_key_of_its_own_and_one_is_flexible(name: str) -> None:
    columns = TABLES[name].columns
    assert len({each.key for each in columns}) == len(columns)
    assert [each.drawn.flexible for each in columns].count(True) == 1


@pytest.mark.parametrize(
    "sort", [pytest.param(sort, id=f"{type(sort).__name__}-{sort}") for sort in (*InboxSort, *FleetSort)]
)
def test_every_name_of_an_order_has_one(sort: StrEnum) -> None:
    table: TableOf[Any] = inbox.TABLE if isinstance(sort, InboxSort) else fleet.TABLE
    assert [order.name for order in table.orders].count(sort) == 1, "an `Order` of a column, or of `more_orders`"


def test_an_order_that_was_remembered_is_found_again() -> None:
    remembered = {
        "expires first": InboxSort.EXPIRES,
        "severity": InboxSort.SEVERITY,
        "oldest first": InboxSort.AGE,
        "risk": InboxSort.RISK,
        "task": InboxSort.TASK,
    }
    assert {words: inbox.TABLE.order_called(words).name for words in remembered} == remembered
    assert inbox.TABLE.order_called("of another version").name is InboxSort.URGENT


@pytest.mark.parametrize("name", TABLES)
@given(width=st.integers(59, 300))
def test_columns_go_by_their_turns_while_not_all_fit(name: str, width: int) -> None:
    table = TABLES[name]
    left = {column.key for column in table.fit(width)}
    turns = sorted((each for each in table.columns if each.drawn.goes), key=lambda each: each.drawn.goes)
    stays = [any(form.key in left for form in each.forms) for each in turns]
    assert stays == sorted(stays)
    assert width < taken(each.drawn for each in table.columns) or all(stays)


@pytest.mark.parametrize("name", FITTED)
@pytest.mark.parametrize("width", [59, 60, 79, 119, 199, 299])
def test_the_smallest_terminal_has_room_for_every_column_that_is_shown(name: str, width: int) -> None:
    assert taken(FITTED[name](width)) <= width


@pytest.mark.parametrize("name", FITTED)
@given(data=st.data(), width=st.integers(59, 300))
def test_nothing_is_cut_beside_empty_cells(name: str, data: st.DataObject, width: int) -> None:
    before = FITTED[name](width)
    content = {column.key: data.draw(st.integers(0, 120), label=column.key) for column in before}
    after = spread(before, width, content)
    assert taken(after) <= width
    assert {column.key for column in before} - {column.key for column in after} <= {
        key for key, cells in content.items() if not cells
    }
    cut = [column for column in after if needs(column, content) > column.width]
    if cut:
        assert all(column.width <= needs(column, content) for column in after), "another has cells to spare"
        assert taken(after) == width
    if any(column.flexible for column in cut):
        others = [column for column in after if not column.flexible and column.header]
        assert all(content[column.key] for column in others), "a column with nothing in it"


@pytest.mark.parametrize("name", FITTED)
def test_columns_stay_while_nothing_is_cut(name: str) -> None:
    before = FITTED[name](119)
    assert spread(before, 119, {column.key: column.width for column in before}) == before
    assert spread(before, 119, {}) == before


def needs(column: Column, content: dict[str, int]) -> int:
    return max(len(column.header), content[column.key])
