"""The inbox as a table: which columns fit, in which order rows come, what a filter can ask."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from qlikops.domain.approval import Claim, InboxRow
from qlikops.presentation import inbox
from qlikops.presentation.filter import parse
from tests.unit.presentation import samples
from tests.unit.presentation.samples import NOW


@pytest.mark.parametrize("context", [False, True])
@pytest.mark.parametrize("by", inbox.Sort)
@pytest.mark.parametrize("width", [60, 79, 119, 200])
def test_what_is_sorted_by_is_always_there_and_from_120_on_everything_is(
    width: int, by: inbox.Sort, context: bool
) -> None:
    shown = inbox.columns(width, by=by, context=context)
    assert sum(column.width + 2 for column in shown) == width
    assert len([column for column in shown if column.header.startswith(inbox.SORTED)]) == 1
    assert width < 119 or len(shown) == len(inbox.COLUMNS) + context
    assert all(len(column.header) <= column.width for column in shown)


@dataclass(frozen=True)
class Item:
    """Something with a row."""

    row: InboxRow


class TestArranging:
    ROWS = tuple(
        Item(
            replace(
                samples.row_of(samples.approval(samples.proposal(number, tasks=(task,)), minutes_left=100 + number)),
                severity=severity,
                risk=risk,
                requested_at=NOW - timedelta(minutes=age),
                kind=kind,
            )
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
            (inbox.Sort.EXPIRES, [1, 2, 3, 4]),
            (inbox.Sort.SEVERITY, [4, 2, 3, 1]),
            (inbox.Sort.AGE, [2, 3, 1, 4]),
            (inbox.Sort.RISK, [4, 3, 2, 1]),
            (inbox.Sort.TASK, [3, 1, 2, 4]),
        ],
    )
    def test_each_order(self, by: inbox.Sort, order: list[int]) -> None:
        assert [int(item.row.approval_id, 16) for item, _ in inbox.arrange(reversed(self.ROWS), by)] == order

    def test_a_group_stands_where_its_first_row_does(self) -> None:
        placed = inbox.arrange(self.ROWS, inbox.Sort.AGE, lambda item: inbox.cause(item.row))
        assert [(int(item.row.approval_id, 16), place.mark) for item, place in placed] == [
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
    row = samples.row_of(samples.approval(), Claim(samples.CALLER, NOW + timedelta(minutes=1)))
    found = parse(text, inbox.fields(NOW))
    assert not found.problem
    assert found.matches(row) is kept
