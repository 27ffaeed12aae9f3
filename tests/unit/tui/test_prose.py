"""Prose on the screen: laid out once for each width, however often Textual asks for it."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from qlikops.tui.widgets.prose import Drawn


class Counted:
    """Three words that note the width of each layout."""

    def __init__(self) -> None:
        self.widths: list[int] = []

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.widths.append(options.max_width)
        yield Text("one two three")


def test_parts_are_laid_out_once_for_each_width_whatever_the_height() -> None:
    part, console = Counted(), Console(width=20)
    drawn = Drawn(part)

    def shown(width: int, height: int | None = None) -> str:
        options = console.options.update(width=width, height=height)
        return "".join(segment.text for segment in console.render(drawn, options))

    assert shown(8) == shown(8, height=1) == "one two \nthree\n"
    assert shown(20) == "one two three\n"
    assert shown(8) == "one two \nthree\n"
    assert part.widths == [8, 20]


def test_parts_are_laid_out_anew_where_they_may_not_wrap() -> None:
    console = Console(width=20)
    drawn = Drawn(Text("one two three"))

    def shown(*, no_wrap: bool) -> str:
        options = console.options.update(width=8, no_wrap=no_wrap, overflow="ellipsis" if no_wrap else None)
        return "".join(segment.text for segment in console.render(drawn, options))

    assert shown(no_wrap=False) == "one two \nthree\n"
    assert shown(no_wrap=True) == "one two…\n"
