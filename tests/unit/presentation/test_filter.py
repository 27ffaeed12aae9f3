"""What the filter language means."""

from __future__ import annotations

import pytest

from qlikops.presentation.filter import parse

FIELDS = {
    "name": lambda item: str(item["name"]),
    "server": lambda item: str(item["server"]),
    "claimed": lambda item: str(item["claimed"]),
}
ITEMS = (
    {"name": "sales orders", "server": "eu-1", "claimed": ""},
    {"name": "stock", "server": "EU-2", "claimed": "anna"},
    {"name": "straße 12:30", "server": "us-1", "claimed": "bob"},
)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", [0, 1, 2]),
        ("   ", [0, 1, 2]),
        ("!", [0, 1, 2]),
        ('"', [0, 1, 2]),
        ("EU", [0, 1]),
        ("eu stock", [1]),
        ("eu !stock", [0]),
        ("server:eu", [0, 1]),
        ("SERVER:eu", [0, 1]),
        ("!server:eu", [2]),
        ("name:eu", []),
        ("claimed:", [1, 2]),
        ("!claimed:", [0]),
        ("!claimed: eu", [0]),
        ('name:"sales orders"', [0]),
        ('"sales orders', [0]),
        ('!"sales orders"', [1, 2]),
        ("12:30", [2]),
        ("STRASSE", [2]),
        ("server:eu server:2", [1]),
    ],
)
def test_every_term_has_to_hold(text: str, kept: list[int]) -> None:
    found = parse(text, FIELDS)
    assert not found.problem
    assert [index for index, item in enumerate(ITEMS) if found.matches(item)] == kept


def test_an_unknown_key_says_which_there_are_and_hides_nothing() -> None:
    found = parse("eu colour:red", FIELDS)
    assert found.problem.startswith("There is no key colour; there are claimed, name, server.")
    assert all(found.matches(item) for item in ITEMS)
    assert not found


def test_what_keeps_nothing_back_is_false() -> None:
    assert not parse(" ! ", FIELDS)
    assert parse("x", FIELDS)


def test_a_quoted_colon_is_text() -> None:
    assert not parse('"colour:red"', FIELDS).problem
