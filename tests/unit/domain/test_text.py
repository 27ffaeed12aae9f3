from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlikops.domain.text import MESSAGE_CAP, harmless


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;new title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b31mred", "red"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("a\u2066b\u2069c", "abc"),
        ("line one\r\nline two\ttab", "line one line two tab"),
        ("bell\x07 back\x08space del\x7f", "bell backspace del"),
        ("zero\u200bwidth", "zerowidth"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("tag [bold]markup[/bold] stays text", "tag [bold]markup[/bold] stays text"),
        ("订单 Übung λ", "订单 Übung λ"),
        ("\x1bcreset", "reset"),
        ("\x1bP1;1|17/17\x1b\\kept", "kept"),
    ],
)
def test_what_could_steer_a_terminal_is_gone(hostile: str, shown: str) -> None:
    assert harmless(hostile) == shown


def test_long_text_is_cut_and_says_so() -> None:
    cut = harmless("x" * 200_000)

    assert len(cut) == MESSAGE_CAP
    assert cut.endswith("…")


def test_newlines_survive_where_they_are_wanted() -> None:
    assert harmless("one\ntwo\r\nthree", multiline=True) == "one\ntwo\nthree"


@given(st.text(max_size=300))
def test_nothing_unprintable_gets_through_and_twice_is_once(text: str) -> None:
    clean = harmless(text)

    assert all(char.isprintable() or char in "\u200c\u200d" or char.isspace() for char in clean)
    assert "\x1b" not in clean
    assert harmless(clean) == clean
