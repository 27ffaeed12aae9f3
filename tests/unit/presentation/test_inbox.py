"""The inbox as a table: which columns fit, in which order rows come, what a filter can ask."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from qlikops.domain.approval import Claim
from qlikops.presentation import inbox
from qlikops.presentation.filter import parse
from qlikops.presentation.inbox import InboxSort
from qlikops.presentation.table import SORTED, taken
from tests.fakes import row_of
from tests.unit.presentation import samples
from tests.unit.presentation.samples import NOW


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("by", InboxSort)
@pytest.mark.parametrize("width", [60, 79, 119, inbox.TABLE.width, 200])
def test_what_is_sorted_by_is_always_there_and_everything_is_where_there_is_room(
    width: int, by: InboxSort, several: bool
) -> None:
    shown = inbox.columns(width, by=inbox.TABLE.order_called(by), several=several)
    assert taken(shown) == width
    assert len([column for column in shown if column.header.startswith(SORTED)]) == 1
    assert width < inbox.TABLE.width or len(shown) == len(inbox.TABLE.columns) - (not several)
    assert all(len(column.header) <= column.width for column in shown)


class TestArranging:
    ROWS = tuple(
        inbox.ListedRow(
            replace(
                row_of(samples.approval(samples.proposal(number, tasks=(task,)), minutes_left=100 + number)),
                severity=severity,
                risk=risk,
                requested_at=NOW - timedelta(minutes=age),
                kind=kind,
            ),
            NOW,
        )
        for number, task, severity, risk, age, kind in (
            (1, "b", "info", "low", 5, "X"),
            (2, "c", "critical", "medium", 50, "Y"),
            (3, "A", "warning", "high", 20, "X"),
            (4, "d", "fatal", "odd", 1, "Y"),
        )
    )

    @pytest.mark.parametrize(
        ("by", "order"),
        [
            (InboxSort.EXPIRES, [1, 2, 3, 4]),
            (InboxSort.SEVERITY, [4, 2, 3, 1]),
            (InboxSort.AGE, [2, 3, 1, 4]),
            (InboxSort.RISK, [4, 3, 2, 1]),
            (InboxSort.TASK, [3, 1, 2, 4]),
        ],
    )
    def test_each_order(self, by: InboxSort, order: list[int]) -> None:
        found = inbox.TABLE.sorted(reversed(self.ROWS), inbox.TABLE.order_called(by))
        assert [int(each.row.approval_id, 16) for each in found] == order

    def test_a_group_stands_where_its_first_row_does(self) -> None:
        placed = inbox.arrange(self.ROWS, inbox.TABLE.order_called(InboxSort.AGE), grouped=True)
        assert [(int(each.row.approval_id, 16), each.place.mark) for each in placed] == [
            (2, "┌2 "),
            (4, "└ "),
            (3, "┌2 "),
            (1, "└ "),
        ]

    def test_a_row_alone_has_no_mark_and_one_in_the_middle_a_line(self) -> None:
        assert [inbox.GroupPosition(index, 3).mark for index in range(3)] == ["┌3 ", "│ ", "└ "]
        assert inbox.ALONE.mark == ""

    def test_what_the_agent_named_as_the_cause_counts_before_the_kind(self) -> None:
        row = self.ROWS[0].row
        assert inbox.cause(replace(row, cause="source ORA-PROD")) == "source ORA-PROD"
        assert inbox.cause(row) == "X, resume"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("server:eu-1 task:sales", True),
        ("kind:fatal action:resume verdict:approve evaluator:bedrock risk:low severity:crit", True),
        ("claimed:anna", True),
        ("!claimed:", False),
        ("run:0711 id:00001", True),
        ("title:lost !cause:", True),
        ("task:eu-1", False),
        ("listener", False),
    ],
)
def test_the_inbox_can_be_filtered_by(text: str, kept: bool) -> None:
    row = row_of(samples.approval(), Claim(samples.CALLER, NOW + timedelta(minutes=1)))
    found = parse(text, inbox.TABLE.fields)
    assert not found.problem
    assert found.matches(inbox.ListedRow(row, NOW)) is kept
