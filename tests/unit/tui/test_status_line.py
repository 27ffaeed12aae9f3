"""The line on the last decision, where it does not fit."""

from __future__ import annotations

import pytest
from rich.console import Console
from rich.text import Text

from qlikops.tui.widgets.status_line import DEED_LINES, wrapped

WIDTH = 12


@pytest.mark.parametrize("words", ["word sent", "not sent at all"])
@pytest.mark.parametrize("times", [DEED_LINES, DEED_LINES + 1])
def test_what_is_cut_off_is_marked(words: str, times: int) -> None:
    lines = wrapped(Text("\n".join([words[:WIDTH]] * times)), Console(), WIDTH)
    assert len(lines) == DEED_LINES
    assert lines[-1].plain.rstrip().endswith("…") == (times > DEED_LINES)
    assert all(line.cell_len <= WIDTH for line in lines)
