"""A table in groups: a line above each says its name and how many rows it has, and folds them away."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from qlikops.presentation.table import Cells
from qlikops.presentation.tone import Span, Tone
from qlikops.tui.widgets.prose import palette
from qlikops.tui.widgets.table import MARK, KeyedTable

_PREFIX = "group "
"""No key of a row begins so, nor as the next."""
_GAP = "gap "
_FOLDED = "▸ "


class GroupedTable(KeyedTable):
    """A KeyedTable whose rows are in groups; Enter on a group's line folds it, or unfolds it."""

    def show_groups(
        self,
        groups: Mapping[str, Sequence[str]],
        folded: Collection[str],
        cells: Callable[[str], Cells],
        *,
        is_roomy: bool = False,
    ) -> None:
        """Shows the keys of rows by the titles of their groups, of those whose titles are in `folded` only the line.

        `cells` is asked for rows only. With room, an empty line sets groups apart.
        """
        lines: dict[str, tuple[str, str]] = {}
        keys: list[str] = []
        for title, rows in groups.items():
            if is_roomy and keys:
                keys.append(f"{_GAP}{title}")
            keys.append(f"{_PREFIX}{title}")
            lines[keys[-1]] = title, f"{_FOLDED if title in folded else ''}{len(rows):,}"
            keys += () if title in folded else rows

        def cells_of(key: str) -> Cells:
            # Not of a column, so never measured against one: only to see that a line changed.
            if key.startswith(_GAP):
                return {}
            return {"group": Span("  ".join(lines[key]))} if key in lines else cells(key)

        first = not self.keys
        self._lines_of_groups = lines
        self.show(keys, cells_of)
        if first and len(keys) > 1:
            self.choose(next((key for key in keys if key not in lines), keys[0]))

    _lines_of_groups: dict[str, tuple[str, str]] = {}  # noqa: RUF012 - replaced, never changed

    @staticmethod
    def group_of(key: str) -> str:
        """The title of the group whose line `key` is; empty for a row."""
        return key.removeprefix(_PREFIX) if key.startswith(_PREFIX) else ""

    def render_line(self, y: int) -> Strip:
        """A group's line: its title, a rule, and its number at the right edge."""
        index = int(self.scroll_y) + y - 1
        if y and index < len(self.keys) and (line := self._lines_of_groups.get(self.keys[index])):
            return self._group_line(*line, is_chosen=self.keys[index] == self.chosen)
        if y and index < len(self.keys) and self.keys[index].startswith(_GAP):
            return Strip.blank(self.size.width, self.rich_style)
        return super().render_line(y)

    def _choose(self, index: int) -> None:
        """Not an empty line: the next one in the direction of the move. Above and below it there is always another."""
        step = 1 if index >= self.cursor else -1
        while 0 <= index < len(self.keys) and self.keys[index].startswith(_GAP):
            index += step
        super()._choose(index)

    def _group_line(self, title: str, number: str, *, is_chosen: bool) -> Strip:
        base = self._style("cursor") if is_chosen else self.rich_style
        width = self.size.width - self.styles.scrollbar_size_vertical
        rule = "─" * max(0, width - cell_len(title) - cell_len(number) - 4)
        muted = base + palette(self)[Tone.MUTED]
        return Strip(
            [
                Segment(MARK if is_chosen else " ", base),
                Segment(f"{title} ", base + Style(bold=True)),
                Segment(f"{rule} {number} ", muted),
            ]
        ).adjust_cell_length(self.size.width, base)
