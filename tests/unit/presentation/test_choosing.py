"""What an approval is called, and the word before what cannot be undone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qlikops.domain.proposal import Choice
from qlikops.domain.task import TaskKey
from qlikops.presentation import choosing
from qlikops.presentation.tone import plain
from tests.unit.presentation import samples

GROUP = samples.OFFERING
RESTORE, RELOAD = GROUP.options


def of(*names: str, tables: int | None = 4) -> Choice:
    target = replace(samples.proposal().targets[0], tables=tables)
    return Choice(RELOAD, tuple(replace(target, key=TaskKey("default", "eu-1", name)) for name in names))


@pytest.mark.parametrize(
    ("choice", "word"),
    [
        (of("inventory-ora-to-snowflake"), "inventory"),
        (of("Sales Orders"), "Sales"),
        (of("stock"), "stock"),
        (of("_stock_2"), "stock"),
        (of("--"), "--"),
        (of("a", "b", "c"), "12"),
        (of("a", "b", tables=None), "2"),
    ],
)
def test_the_word_to_type_is_that_of_this_very_proposal(choice: Choice, word: str) -> None:
    assert choosing.word_to_type(choice)[0] == word
    assert choosing.is_typed(f" {word.upper()} ", choice)
    assert not choosing.is_typed("", choice)
    assert not choosing.is_typed(word + "x", choice)


@pytest.mark.parametrize(
    ("tasks", "is_open", "against", "said"),
    [
        ((), 0, (), "Approve"),
        ((), 2, ("the risk is high",), "Approve with 2 checks open"),
        ((), 0, ("the risk is high", "ben"), "Approve although the risk is high"),
        (("stock",), 1, (), "Approve 1 of 3 tasks with 1 check open"),
        (("stock", "orders"), 0, (), "Approve 2 of 3 tasks"),
    ],
)
def test_the_button_says_what_is_left_out_and_what_is_open(
    tasks: tuple[str, ...], is_open: int, against: tuple[str, ...], said: str
) -> None:
    assert choosing.button(GROUP, GROUP.choose(tasks=tasks), is_open, against) == said


def test_only_what_loads_tables_again_cannot_be_undone() -> None:
    assert choosing.heading(GROUP.choose("reload")).startswith("CAN'T BE UNDONE")
    assert choosing.heading(GROUP.choose()) == "Approve: this will be sent"


def test_a_row_says_what_it_does_and_loses_without_a_colour() -> None:
    rows = [plain(choosing.option_row(each, is_chosen=each is RESTORE)) for each in GROUP.offers]
    assert rows == [
        "(•) restore the log, then resume  loses nothing",
        "( ) reload the target from the source  loses what the target has",
    ]
    left_out = choosing.task_row(GROUP.targets[0], is_chosen=False)
    assert plain(left_out) == "[ ] replicate-eu-1/orders  left out, proposed again"
