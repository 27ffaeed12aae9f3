"""Columns: all of them in the width there is, and nothing cut beside empty cells."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlikops.presentation import events, executions, fleet, graph, inbox, report
from qlikops.presentation.tone import Column, spread

TABLES: dict[str, Callable[[int], tuple[Column, ...]]] = {
    "inbox": inbox.columns,
    "inbox of several contexts": lambda width: inbox.columns(width, context=True),
    "fleet": fleet.columns,
    "executions": executions.columns,
    "graph": graph.columns,
    "events": events.columns,
    "reports": report.columns,
}
PADDING = 2


def total(columns: tuple[Column, ...]) -> int:
    return sum(column.width + PADDING for column in columns)


def needs(column: Column, content: dict[str, int]) -> int:
    return max(len(column.header), content[column.key])


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("width", [59, 60, 79, 119, 199, 299])
def test_the_smallest_terminal_has_room_for_every_column_that_is_shown(name: str, width: int) -> None:
    assert total(TABLES[name](width)) <= width


@pytest.mark.parametrize("name", TABLES)
@given(data=st.data(), width=st.integers(59, 300))
def test_nothing_is_cut_beside_empty_cells(name: str, data: st.DataObject, width: int) -> None:
    before = TABLES[name](width)
    content = {column.key: data.draw(st.integers(0, 120), label=column.key) for column in before}
    after = spread(before, width, content)
    assert total(after) <= width
    assert {column.key for column in before} - {column.key for column in after} <= {
        key for key, cells in content.items() if not cells
    }
    cut = [column for column in after if needs(column, content) > column.width]
    if cut:
        assert all(column.width <= needs(column, content) for column in after), "another has cells to spare"
        assert total(after) == width
    if any(column.flexible for column in cut):
        assert all(content[column.key] for column in after if not column.flexible), "a column with nothing in it"


@pytest.mark.parametrize("name", TABLES)
def test_columns_stay_while_nothing_is_cut(name: str) -> None:
    before = TABLES[name](119)
    assert spread(before, 119, {column.key: column.width for column in before}) == before
    assert spread(before, 119, {}) == before
