"""Input, output and event details: folded where they no longer fit, with nothing lost at the fold."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from qlikops.tui.themes import DARK
from qlikops.tui.widgets.pager import Pager


class Paging(App[None]):
    """A pager with the console's own style, in all of the screen."""

    CSS_PATH = "../../../qlikops/tui/app.tcss"

    def compose(self) -> ComposeResult:
        yield Pager(id="pager")

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(DARK.variables)


def in_sight(pager: Pager) -> list[str]:
    """Its lines without the column that the scrollbar covers."""
    width = pager.scrollable_content_region.width
    return [pager.render_line(y).crop(0, width).text for y in range(pager.size.height)]


@pytest.mark.parametrize("width", [20, 21, 80])
@pytest.mark.parametrize(
    "text",
    [
        "".join(chr(ord("a") + number % 26) for number in range(300)),
        "表" * 150,
        "a" + "表" * 150,
        "é한글x" * 60,
        "🇪🇺" * 90,
    ],
)
async def test_nothing_is_lost_where_a_line_is_folded(width: int, text: str) -> None:
    async with Paging().run_test(size=(width, 60)) as pilot:
        pager = pilot.app.query_one(Pager)
        pager.show(text)
        await pilot.pause()
        assert "".join(line.strip() for line in in_sight(pager)) == text


async def test_it_folds_anew_at_another_width() -> None:
    async with Paging().run_test(size=(40, 20)) as pilot:
        pager = pilot.app.query_one(Pager)
        pager.show("0123456789" * 20)
        await pilot.resize_terminal(31, 20)
        await pilot.pause()
        assert "".join(line.strip() for line in in_sight(pager)) == "0123456789" * 20
