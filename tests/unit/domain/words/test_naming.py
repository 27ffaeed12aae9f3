"""Whatever a screen shows of a name can be typed back, and finds that one or says which there are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlikops.domain.words.naming import begun, counted, did_you_mean, is_named, listed, named, shown
from qlikops.domain.words.text import harmless

NAMES = st.lists(
    st.text("ab %/\t\u200b\u00e4İß…'\"", min_size=1, max_size=12).filter(lambda name: bool(shown(name))),
    min_size=1,
    max_size=6,
    unique=True,
)


@given(NAMES, st.integers(2, 12))
def test_what_is_shown_finds_it_among_what_looks_the_same(names: list[str], cap: int) -> None:
    for name in names:
        assert named(name, names, str) == [name]
        assert name in named(harmless(name), names, str) or harmless(name) in names
        found = named(harmless(name, cap), names, str)
        assert found
        assert all(shown(harmless(name, cap)) in shown(each) for each in found)


@pytest.mark.parametrize(
    "typed", ["50% off", "50%  off ", " 50% OFF", "50% o", "50% o…", "% off", "eu/50%  off ", "eu/50% off"]
)
def test_one_task_by_many_spellings(typed: str) -> None:
    among = [("eu", "50%  off "), ("eu", "other"), ("us", "100")]
    assert named(typed, among, "/".join, lambda pair: pair[1]) == [among[0]]


def test_the_closest_way_wins() -> None:
    among = ["orders", "orders-eu", "old-orders", "Orders"]
    assert named("orders", among, str) == ["orders"]
    assert named("ORDERS", among, str) == ["orders", "Orders"]
    assert named("orders-", among, str) == ["orders-eu"]
    assert named("-orders", among, str) == ["old-orders"]
    assert named("-orders", among, str, parts=False) == []
    assert named("", among, str) == []
    assert named(" ", among, str) == []


def test_many_are_counted() -> None:
    assert listed(["a"]) == "a"
    assert listed(list("abcdefg")) == "a, b, c, d, e and 2 more"
    assert counted(["a"], "tasks") == "a"
    assert counted(list("abcdef"), "tasks") == "6 tasks (a, b, c, d, e and 1 more)"
    assert is_named("a b", "a  b ")
    assert not is_named("a", "a b")


def test_a_beginning_is_one_name_or_none() -> None:
    names = ["task", "tasks", "tui"]
    assert begun("task", names) == "task"
    assert begun("TU", names) == "tui"
    assert begun("ta", names) is None
    assert begun("ask", names) is None
    assert begun("", names) is None


def test_what_may_have_been_meant() -> None:
    names = ["orders", "orders-eu", "sales"]
    assert did_you_mean("order", names) == "Did you mean orders or orders-eu?"
    assert did_you_mean("slaes", names) == "Did you mean sales?"
    assert did_you_mean("SA\u200bELS", names) == "Did you mean sales?"
    assert did_you_mean("customers", names) == ""
    assert did_you_mean("", names) == ""
    assert did_you_mean("orders", [f"orders-{number}" for number in range(9)]).count(",") == 3


@given(st.text(max_size=30), st.lists(st.text(max_size=12), max_size=5))
def test_whatever_is_typed_the_question_is_harmless(typed: str, names: list[str]) -> None:
    said = did_you_mean(typed, names)
    assert said == harmless(said, 1000)
