"""A table in sight: columns are widened by what is long, wherever it comes, and the cursor stays in sight."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from qlikops.presentation.table import Column
from qlikops.presentation.tone import Span
from qlikops.presentation.vocabulary import NOTHING
from qlikops.tui.themes import DARK
from qlikops.tui.widgets.table import KeyedTable

NAME = "a-name-as-long-as-its-column-and-more"
COLUMNS = (Column("name", "Name", 20, flexible=True), Column("note", "Note", 12))


class Listing(App[None]):
    """Fifty rows, of which the last alone has a note, all with the same name."""

    CSS_PATH = "../../../qlikops/tui/app.tcss"

    def compose(self) -> ComposeResult:
        yield KeyedTable(lambda _: COLUMNS, id="table")

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(DARK.variables)


def fill(table: KeyedTable) -> None:
    noted = {"49": Span("a note")}
    table.show([str(key) for key in range(50)], lambda key: {"name": Span(NAME), "note": noted.get(key, NOTHING)})


def lines(pilot: Pilot[None]) -> list[str]:
    table = pilot.app.query_one(KeyedTable)
    return [table.render_line(y).text for y in range(table.size.height)]


async def test_a_name_takes_the_room_of_a_column_with_nothing_in_it_until_something_comes_into_sight() -> None:
    async with Listing().run_test(size=(42, 10)) as pilot:
        table = pilot.app.query_one(KeyedTable)
        fill(table)
        await pilot.pause()
        assert NAME in lines(pilot)[1]
        assert "Note" not in lines(pilot)[0]
        table.action_end(1)
        await pilot.pause()
        assert "Note" in lines(pilot)[0]
        assert "a note" in lines(pilot)[-1]
        table.action_end(-1)
        await pilot.pause()
        assert "Note" in lines(pilot)[0], "it does not come and go"


async def test_the_last_row_is_in_sight_though_its_key_came_before_the_scrollbar() -> None:
    async with Listing().run_test(size=(42, 10)) as pilot:
        table = pilot.app.query_one(KeyedTable)
        fill(table)
        table.action_end(1)
        assert "a note" in lines(pilot)[-1]
