"""Text, lines and boxes on a grid of cells."""

from __future__ import annotations

import pytest

from qlikops.presentation.pictures.canvas import HEAVY, Canvas, cells, cut, cut_end
from qlikops.presentation.tone import Span, Tone, plain


def seen(canvas: Canvas) -> list[str]:
    return [plain(row) for row in canvas.rows()]


def test_lines_join_where_they_meet_and_cross() -> None:
    canvas = Canvas(9)
    canvas.line([(1, 0), (1, 2), (7, 2), (7, 0)], Tone.GOOD)
    canvas.line([(4, 0), (4, 3)], Tone.MUTED)
    canvas.line([(1, 3), (7, 3), (7, 2)], Tone.MUTED, dashed=True)
    assert seen(canvas) == [" │  │  │", " │  │  │", " ╰──┼──┤", " ╌╌╌┴╌╌╯"]
    assert canvas.is_plain(2, 2, 2)
    assert not canvas.is_plain(3, 2, 2)


def test_a_box_has_its_outline_and_text_its_tone() -> None:
    canvas = Canvas(12)
    canvas.box(1, 0, 6, 3, HEAVY, Tone.INFO)
    canvas.text(3, 1, "hé\u0301", Tone.DANGER)
    assert seen(canvas) == [" ┏━━━━┓", " ┃ hé ┃", " ┗━━━━┛"]
    assert Span("hé ", Tone.DANGER) in canvas.rows()[1]
    assert canvas.is_free(8, 1, 4)
    assert not canvas.is_free(8, 1, 5)
    assert not canvas.is_free(5, 1, 4)


def test_nothing_is_drawn_outside() -> None:
    canvas = Canvas(4)
    canvas.text(2, 0, "日本")
    canvas.line([(2, 2), (9, 2)], Tone.GOOD)
    canvas.line([(1, -2), (1, -1)], Tone.GOOD)
    assert seen(canvas) == ["  日", "", "  ──"]


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("CheckApproval", 13, "CheckApproval"),
        ("CheckApproval", 8, "Che…oval"),
        ("日本日本日本", 7, "日…日本"),
        ("日本日本日本", 4, "…本"),
        ("ab", 1, "…"),
    ],
)
def test_of_a_long_name_the_middle_goes(text: str, width: int, shown: str) -> None:
    assert cut(text, width) == shown
    assert cells(shown) <= width


@pytest.mark.parametrize(("width", "shown"), [(6, "日本go"), (5, "日本…"), (4, "日…"), (1, "…")])
def test_of_a_text_the_end_goes(width: int, shown: str) -> None:
    assert cut_end("日本go", width) == shown
