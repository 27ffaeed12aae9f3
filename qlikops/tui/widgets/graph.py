"""The graph of an execution: one state or item is chosen, and the arrows go from one to the next as they lie."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from qlikops.dataclass import dataclass
from qlikops.presentation.pictures.drawing import Drawing, Stop
from qlikops.tui.widgets.prose import palette
from qlikops.tui.widgets.table import MARK


class GraphView(ScrollView, can_focus=True):
    """Draws what it is given for its width; the chosen one stays chosen, whatever is drawn anew."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"graph--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", id="open", tooltip="shows what went in and came out"),
        Binding("j", "move('down')", "Down", show=False, id="down"),
        Binding("k", "move('up')", "Up", show=False, id="up"),
        Binding("down", "move('down')", "Down", show=False, id="row-down"),
        Binding("up", "move('up')", "Up", show=False, id="row-up"),
        Binding("right", "move('right')", "Right", show=False, id="box-right"),
        Binding("left", "move('left')", "Left", show=False, id="box-left"),
        Binding("pagedown", "page_down", "Page down", show=False, id="page-down"),
        Binding("pageup", "page_up", "Page up", show=False, id="page-up"),
        Binding("home,ctrl+home", "end(0)", "First", show=False, id="first-row"),
        Binding("end,ctrl+end", "end(-1)", "Last", show=False, id="last-row"),
    ]

    @dataclass
    class Chosen(Message):
        """Another state or item is chosen."""

        key: str

    @dataclass
    class Opened(Message):
        """The chosen one is to be opened."""

        key: str

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._draw: Callable[[int], Drawing] = lambda _: Drawing()
        self._drawing = Drawing()
        self.chosen: str = ""

    @property
    def stops(self) -> Mapping[str, Stop]:
        """What can be chosen, from top to bottom."""
        return self._drawing.stops

    @property
    def keys(self) -> Sequence[str]:
        """The keys of all of them."""
        return tuple(self.stops)

    def show(self, draw: Callable[[int], Drawing], first: str) -> None:
        """Shows what `draw` makes of a number of columns. `first` is chosen where nothing is that is still there."""
        self._draw = draw
        was_there = self.chosen in self.stops
        self._make()
        if self.chosen not in self.stops and self.stops:
            self.chosen = first if first in self.stops else next(iter(self.stops))
            self._show_chosen()
        elif was_there and self._drawing.rows:
            self.refresh()

    def choose(self, key: str) -> None:
        """Puts the cursor on `key` and says so."""
        if key != self.chosen:
            self.chosen = key
            self.post_message(self.Chosen(key))
        self._show_chosen()

    def on_resize(self, _: events.Resize) -> None:
        self._make()
        self._show_chosen()

    def render_line(self, y: int) -> Strip:
        """Draws that row, with the chosen one on a ground of its own and marked."""
        row, base = int(self.scroll_y) + y, self.rich_style
        width = self.size.width
        if row >= len(self._drawing.rows):
            return Strip.blank(width, base)
        colours = palette(self)
        strip = Strip(Segment(span.text, base + colours[span.tone]) for span in self._drawing.rows[row])
        strip = strip.adjust_cell_length(width, base)
        stop = self.stops.get(self.chosen)
        if stop is None or not stop.y <= row < stop.y + stop.height:
            return strip
        inner = int(stop.height > 1)
        if inner and row in (stop.y, stop.y + stop.height - 1):
            return strip
        left, right = stop.x + inner, min(width, stop.x + stop.width - inner)
        if left >= right:
            return strip  # drawn for a wider terminal a moment ago
        before, chosen, after = strip.divide([left, right, width])
        chosen = chosen.apply_style(self.get_component_rich_style("graph--cursor"))
        if stop.mark_row == row:
            chosen = Strip([Segment(MARK, _style_of(chosen)), *chosen.crop(1)])
        return Strip.join([before, chosen, after])

    def action_move(self, direction: str) -> None:
        """Goes to the nearest box in that direction, as they lie."""
        here = self.stops.get(self.chosen)
        if here is None:
            self.action_end(0)
        elif (key := nearest(self.stops, here, direction)) is not None:
            self.choose(key)
        elif direction in ("up", "down"):
            # What has nothing to choose lies above the first and below the last.
            self.scroll_relative(y=-1 if direction == "up" else 1, animate=False)

    def action_end(self, which: int) -> None:
        """The first or the last one."""
        if self.stops:
            self.choose(self.keys[which])

    def action_open(self) -> None:
        """Opens the chosen one."""
        if self.chosen in self.stops:
            self.post_message(self.Opened(self.chosen))

    def on_click(self, event: events.Click) -> None:
        """Chooses what is clicked, or opens it if it is chosen."""
        x, y = event.x, event.y + int(self.scroll_y)
        for key, stop in self.stops.items():
            if stop.x <= x < stop.x + stop.width and stop.y <= y < stop.y + stop.height:
                if key == self.chosen:
                    self.action_open()
                else:
                    self.choose(key)

    def _make(self) -> None:
        # As if there were a scrollbar, so that nothing moves when it comes.
        width = self.size.width - self.styles.scrollbar_size_vertical
        if width > 0:
            self._drawing = self._draw(width)
            self.virtual_size = Size(0, len(self._drawing.rows))
            self.refresh()

    def _show_chosen(self) -> None:
        if (stop := self.stops.get(self.chosen)) is not None:
            self.scroll_to_region(Region(0, stop.y, 1, stop.height), animate=False, immediate=True)
        self.refresh()


def nearest(stops: Mapping[str, Stop], here: Stop, direction: str) -> str | None:
    """The key of the stop that lies next to `here`: in its row for left and right, else in the nearest row."""
    if direction in ("left", "right"):
        beside = [
            (key, stop)
            for key, stop in stops.items()
            if stop.y == here.y and (stop.x > here.x) is (direction == "right")
        ]
        return _least((abs(stop.x - here.x), key) for key, stop in beside if stop.x != here.x)
    rows = {stop.y for stop in stops.values() if (stop.y > here.y if direction == "down" else stop.y < here.y)}
    if not rows:
        return None
    row = min(rows) if direction == "down" else max(rows)
    middle = here.x + here.width // 2
    in_row = ((abs(stop.x + stop.width // 2 - middle), key) for key, stop in stops.items() if stop.y == row)
    return _least(in_row)


def _least(found: Iterable[tuple[int, str]]) -> str | None:
    return min(found, default=(0, None))[1]


def _style_of(strip: Strip) -> Style:
    return next((segment.style for segment in strip if segment.style), Style.null())
