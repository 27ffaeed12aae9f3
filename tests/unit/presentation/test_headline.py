from __future__ import annotations

import pytest

from qlikops.presentation.headline import Headline, big
from qlikops.presentation.tone import Span, plain


@pytest.mark.parametrize(
    ("number", "lines"),
    [
        ("7", ("▀▀█", "  █", "  ▀")),
        ("10", ("▄█  █▀█", " █  █ █", "▀▀▀ ▀▀▀")),
        ("2,000", ("▀▀█   █▀█ █▀█ █▀█", "█▀▀ ▄ █ █ █ █ █ █", "▀▀▀ ▀ ▀▀▀ ▀▀▀ ▀▀▀")),
    ],
)
def test_a_number_in_half_blocks(number: str, lines: tuple[str, str, str]) -> None:
    assert big(number) == lines


def test_every_digit_looks_like_no_other() -> None:
    assert len({big(digit) for digit in "0123456789"}) == 10


def test_if_one_line_has_room_it_says_the_number_in_words_and_what_comes_first() -> None:
    counts, first, last = ((Span(words),) for words in ("7 wait", "First PAYMENTS", "14 min left for STOCK"))
    assert plain(Headline("7", counts, (first, last)).brief) == "7 wait. First PAYMENTS"
    assert plain(Headline("7", counts).brief) == "7 wait"
