"""Texts and docstrings in plain English: what is left of other habits may only become less."""

from __future__ import annotations

import pytest

from tests.english import STANDS_ALONE, allowed, counted, found, offences


def test_no_text_says_what_the_glossary_has_another_word_for() -> None:
    left = allowed()
    more = [
        f"{folder} {rule}: {left.get((rule, folder), 0)} are left of before, and there are\n  " + "\n  ".join(places)
        for (rule, folder), places in found().items()
        if len(places) > left.get((rule, folder), 0)
    ]
    assert not more, "\n".join(("mend one of these, most likely the one that you wrote:", *more))


def test_the_list_of_what_is_left_is_as_short_as_it_can_be() -> None:
    numbers = counted()
    assert {place: number for place, number in allowed().items() if numbers.get(place, 0) < number} == {}, (
        "python -m tests.english"
    )


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ('"""Where there is none, nobody is asked."""', "says who acts"),
        ('"""Where there is none, nothing is asked."""', "says if, not where"),
        ('X = "what expires first first"', "says it straight"),
        ('X = "a closed gate rules that out"', "calls a gate blocking"),
        ('class A:\n    x: int\n    """Of what the decider saw."""', STANDS_ALONE),
        ('def f() -> None:\n    """The same without a token."""', STANDS_ALONE),
        ('LIMIT = 5\n"""Seconds."""', STANDS_ALONE),
    ],
)
def test_it_finds_what_it_looks_for(source: str, rule: str) -> None:
    assert [each.rule for each in offences(source)].count(rule) == 1


def test_it_leaves_plain_english_alone() -> None:
    good = 'class A:\n    """A wait."""\n\n    x: int\n    """Seconds until the task is up; None if it is not."""'
    assert not [*offences(good)]


def test_it_says_where() -> None:
    (offence,) = offences('X = """One line,\nand nobody in the second."""')
    assert (offence.line, offence.words) == (2, "nobody")
