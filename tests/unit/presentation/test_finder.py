"""What a part of a name finds, and in which order."""

from __future__ import annotations

import pytest

from qlikops.presentation.finder import EACH, Entry, Sort, ask, complete, find

ENTRIES = (
    Entry(Sort.FAILURE, "oracle-payload-too-long", "The row is too long."),
    Entry(Sort.DO, "Pause", key="p"),
    Entry(Sort.RUN, "run-0702", "7 Mar 02:01"),
    Entry(Sort.TASK, "hr-payroll-mssql-to-snowflake", "running", weight=1, context="prod-eu"),
    Entry(Sort.TASK, "erp-accounts-payable-ora-to-snowflake", "error", context="prod-apac"),
    Entry(Sort.TASK, "payments-pg-to-kafka", "error", more="6fb1d9ad7dd1 tier-1", context="prod-eu"),
    Entry(Sort.WAITS, "payments-pg-to-kafka", "PG-PAYMENTS refuses connections", context="prod-eu"),
)


def names(typed: str) -> list[str]:
    return [f"{each.entry.sort}: {each.entry.name}" for each in find(ENTRIES, ask(typed)).found]


def test_what_can_be_acted_on_comes_first_and_beginnings_before_the_midst() -> None:
    assert names("pa") == [
        "Waits: payments-pg-to-kafka",
        "Task: payments-pg-to-kafka",
        "Task: hr-payroll-mssql-to-snowflake",
        "Task: erp-accounts-payable-ora-to-snowflake",
        "Do: Pause",
        "Failure: oracle-payload-too-long",
    ]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("task:pay", 3),
        ("t: pay", 3),
        ("run:", 1),
        ("@prod-a pa", 1),
        ("TASK: @prod-eu payments", 1),
        ("6fb1", 1),
        ("refuses", 1),
        ("snowflake erp", 1),
        ("ppgk", 2),
        ("tag:payments", 0),
        ("", 7),
        ("zz", 0),
    ],
)
def test_a_word_in_front_an_id_and_several_words_narrow_it(typed: str, found: int) -> None:
    answer = find(ENTRIES, ask(typed))
    assert (answer.matching, len(answer.found)) == (found, found)


def test_the_very_name_comes_before_all() -> None:
    assert names("pause")[0] == "Do: Pause"
    assert names("run-0702")[0] == "Run: run-0702"


def test_letters_that_stand_apart_are_offered_where_nothing_else_is() -> None:
    entries = (Entry(Sort.WAITS, "pricing-an-ox"), Entry(Sort.FAILURE, "pan"))
    assert [each.entry.name for each in find(entries, ask("pan")).found] == ["pan"]
    assert [each.entry.name for each in find(entries[:1], ask("pan")).found] == ["pricing-an-ox"]


def test_the_letters_that_match_are_told() -> None:
    assert find(ENTRIES[5:6], ask("kaf")).found[0].at == (15, 16, 17)
    assert find(ENTRIES[5:6], ask("kafka pg")).found[0].at == (9, 10, 15, 16, 17, 18, 19)
    assert find(ENTRIES[5:6], ask("ppgk")).found[0].at == (0, 9, 10, 15)
    assert find(ENTRIES[5:6], ask("tier-1")).found[0].at == ()
    assert find((Entry(Sort.TASK, "x", more="alpha beta"),), ask("beta alpha")).found[0].at == ()
    assert find((Entry(Sort.TASK, "İstanbul"),), ask("stan")).found[0].at == ()  # its lower case is longer


def test_none_of_a_sort_hides_the_others_unless_it_is_asked_for() -> None:
    many = [Entry(Sort.TASK, f"orders-{number}") for number in range(50)]
    answer = find([*many, Entry(Sort.RUN, "orders-run")], ask("orders"))
    assert (len(answer.found), answer.matching) == (EACH + 1, 51)
    assert answer.found[-1].entry.sort is Sort.RUN
    assert len(find(many, ask("task:orders")).found) == 50


def test_tab_puts_the_name_in_place_and_keeps_what_narrows() -> None:
    assert complete("task: pay", "payments-pg-to-kafka") == "task: payments-pg-to-kafka"
    assert complete("", "Pause") == "Pause"


def test_only_the_beginning_of_an_id_is_one() -> None:
    assert [ask(typed).id for typed in ("6fb1d9ad7dd1", "6FB1", "6fb", "pay1", "6fb1d9ad7dd1a")] == [
        *("6fb1d9ad7dd1", "6fb1", "", "", "")
    ]
