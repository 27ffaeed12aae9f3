"""The mark of the row that the cursor is on: a shape, since a colour is none on some terminals."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip

CURSOR = "›"


def marked(strip: Strip) -> Strip:
    """A row with the mark in its first cell, which is blank in every row."""
    style = next((segment.style for segment in strip if segment.cell_length), None)
    return Strip.join([Strip([Segment(CURSOR, style)], 1), strip.crop(1)])
