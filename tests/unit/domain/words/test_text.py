from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlikops.domain.words.text import MESSAGE_CAP, fitted, folded, harmless, plain, symbol, unhidden


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


@pytest.mark.parametrize("opening", ["\x1b]0;", "\x1bP1;1|", "\x1bX", "\x1b^", "\x1b_", "\x9d0;", "\x90", "\x98"])
def test_what_a_terminal_would_hide_can_be_read_as_well(opening: str) -> None:
    assert "Login failed" in harmless(unhidden(f"ok {opening}Login failed"))


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("ORA-12541", "ORA-12541"),
        ("\uff2f\uff32\uff21-1", "ORA-1"),  # full width
        ("\ufb01le", "file"),  # a ligature
        ("u\u0308ber", "\u00fcber"),
        ("a\u200bb\u3164c\ufe0fd\U000e0101e", "abcde"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_what_looks_the_same_is_the_same(text: str, seen: str) -> None:
    assert plain(text) == seen


@pytest.mark.parametrize(
    ("one", "other"),
    [("Policy", "\uff30\uff4f\uff4c\uff49\uff43\uff59"), ("STRASSE", "stra\u00dfe"), (" a \t b ", "A\u00a0B")],
)
def test_two_spellings_of_one_name_fold_to_one(one: str, other: str) -> None:
    assert folded(one) == folded(other)


@given(st.text(max_size=40))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@pytest.mark.parametrize("text", ["fatal error", "Fatal-Error", "FATAL_ERROR", " fatal\u00a0 error ", "fatal_-error"])
def test_an_enums_name_has_one_spelling(text: str) -> None:
    assert symbol(text) == "FATAL_ERROR"


@given(st.text(max_size=60), st.integers(6, 200))
def test_what_is_fitted_takes_no_more_room_and_could_not_be_longer(text: str, size: int) -> None:
    kept = fitted(text, size)
    assert len(json.dumps(kept)) - 2 <= size
    if kept != text:
        beginning = kept.removesuffix("\u2026")
        assert text.startswith(beginning)
        assert len(json.dumps(text[: len(beginning) + 1] + "\u2026")) - 2 > size
