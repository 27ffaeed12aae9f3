"""A level of a graph as boxes and arrows.

The longest way through it runs from left to right, line by line; every other state gets the free place nearest to
those it leads to and comes from. An arrow to the next box is straight. Any other leaves its box below or above, runs
in the channel between two lines of boxes on a track of its own, and goes from one channel to another between columns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from itertools import pairwise

from qlikops.dataclass import dataclass
from qlikops.presentation.pictures.canvas import DASHED, HEAVY, ROUND, Canvas, Point, cells, cut
from qlikops.presentation.pictures.graph import Level, Node, Reached, Way, main_path
from qlikops.presentation.tone import Tone

HEIGHT = 4
"""Rows of a box: its name, what it did, and the outline."""
_NARROWEST, _WIDEST = 11, 28
_GAP, _WIDEST_GAP = 5, 14
"""Columns between two boxes: room for an arrow, with the number of one that has any."""
_MARGIN = 3
"""Columns on either side, in which arrows go from line to line."""
_NEW_LINE = 3
"""What a line of its own costs, in steps from box to box."""
_OUTLINES = {
    Reached.RAN: (ROUND, Tone.GOOD),
    Reached.HERE: (HEAVY, Tone.INFO),
    Reached.FAILED: (HEAVY, Tone.DANGER),
    Reached.NOT_REACHED: (DASHED, Tone.MUTED),
    Reached.NOT_RECORDED: (DASHED, Tone.MUTED),
}

GridCell = tuple[int, int]
"""Line and column of boxes."""


@dataclass(frozen=True, slots=True)
class Box:
    """Where a state is drawn."""

    node: Node
    x: int
    y: int
    width: int

    @property
    def middle(self) -> int:
        """The column of its middle."""
        return self.x + self.width // 2


def draw(canvas: Canvas, level: Level, top: int, left: int, width: int) -> Mapping[str, Box] | None:
    """Draws a level's boxes and arrows from row `top` on; by name, where each is. None if `width` has no room."""
    grid = _placed(level, width - 2 * _MARGIN)
    if grid is None:
        return None
    plan = _Plan.of(level, grid, left + _MARGIN, width - 2 * _MARGIN)
    boxes = plan.boxes(top)
    # What is lit lies above what is not, where they cross.
    for way in sorted(level.ways, key=lambda way: (way.taken > 0, not way.faded)):
        plan.arrow(canvas, way, boxes)
    for box in boxes.values():
        _draw_box(canvas, box)
    for way in level.ways:
        plan.departure(canvas, way, boxes)
    return boxes


def outline(node: Node) -> tuple[str, Tone]:
    """A box's outline, and its tone."""
    kind, tone = _OUTLINES[node.reached]
    return kind, Tone.MUTED if node.faded else tone


def _draw_box(canvas: Canvas, box: Box) -> None:
    node = box.node
    canvas.box(box.x, box.y, box.width, HEIGHT, *outline(node))
    faded = node.faded or node.reached in (Reached.NOT_REACHED, Reached.NOT_RECORDED)
    room = box.width - 4
    canvas.text(box.x + 2, box.y + 1, cut(node.name, room), Tone.MUTED if faded else Tone.NEUTRAL)
    canvas.text(box.x + 2, box.y + 2, cut(_note(node), room), Tone.MUTED if faded else node.note.tone)


def _note(node: Node) -> str:
    return f"{node.note.text}{', ' if ' ' in node.note.text else ' '}{node.took}" if node.took else node.note.text


def box_width(node: Node) -> int:
    """The cells that a state's box wants."""
    return min(_WIDEST, max(_NARROWEST, cells(node.name) + 4, cells(_note(node)) + 4))


# Places


def _placed(level: Level, width: int) -> Mapping[str, GridCell] | None:
    """Each state's line and column; as many columns as fit."""
    widths = {node.name: box_width(node) for node in level.nodes}
    path = main_path(level)
    least = _GAP + min(_WIDEST_GAP - _GAP, max((cells(way.label) for way in level.ways), default=0))
    for columns in range(len(path), 0, -1):
        cells_of = {name: divmod(number, columns) for number, name in enumerate(path)}
        _place_others(cells_of, level, columns)
        if sum(_column_widths(cells_of, widths)) + least * (columns - 1) <= width:
            return cells_of
    return {} if not path else None


def _column_widths(cells_of: Mapping[str, GridCell], widths: Mapping[str, int]) -> Sequence[int]:
    columns: dict[int, int] = defaultdict(int)
    for name, (_, column) in cells_of.items():
        columns[column] = max(columns[column], widths[name])
    return [columns[column] for column in range(max(columns, default=-1) + 1)]


def _place_others(cells_of: dict[str, GridCell], level: Level, columns: int) -> None:
    lines = 1 + max((line for line, _ in cells_of.values()), default=-1)
    near: dict[str, list[str]] = defaultdict(list)
    for way in level.ways:
        near[way.source].append(way.target)
        near[way.target].append(way.source)
    for node in level.nodes:
        if node.name in cells_of:
            continue
        taken = set(cells_of.values())
        around = [cells_of[name] for name in near[node.name] if name in cells_of]
        free = [(line, column) for line in range(lines + 1) for column in range(columns) if (line, column) not in taken]
        chosen = min(free, key=lambda cell: (_far(cell, around) + _NEW_LINE * (cell[0] == lines), cell))
        cells_of[node.name] = chosen
        lines = max(lines, chosen[0] + 1)


def _far(cell: GridCell, others: Iterable[GridCell]) -> int:
    return sum(2 * abs(cell[0] - line) + abs(cell[1] - column) for line, column in others)


# Arrows


@dataclass(frozen=True, slots=True)
class _Route:
    """How an arrow goes that is not straight."""

    source_below: bool
    target_above: bool
    channels: tuple[int, ...]
    """The channels that it runs in, by the line of boxes above them; two where it changes between columns."""
    gap: int = 0
    """Where it changes: left of that column."""


@dataclass(slots=True)
class _Plan:
    """Where everything of a level goes; the rows follow once the tracks are counted."""

    grid: Mapping[str, GridCell]
    straight: dict[tuple[str, str], str]
    """Which ways are one line, and where to: right, left, down."""
    routes: dict[tuple[str, str], _Route]
    xs: Sequence[int]
    """The first cell of each column of boxes, and of what follows the last."""
    widths: Mapping[str, int]
    nodes: Mapping[str, Node]
    ports: dict[tuple[str, bool, tuple[str, str]], int] = field(default_factory=dict)
    """The cell in which a way leaves or enters a box, by its name and whether that is below."""
    tracks: dict[tuple[int, tuple[str, str]], int] = field(default_factory=dict)
    heights: dict[int, tuple[int, bool, bool]] = field(default_factory=dict)
    """Each channel's tracks, and whether arrows end in it that go up, and that go down."""
    lanes: dict[tuple[str, str], int] = field(default_factory=dict)
    """The cell of each way that goes from one channel to another."""
    _tops: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, level: Level, grid: Mapping[str, GridCell], left: int, width: int) -> _Plan:
        widths = {node.name: box_width(node) for node in level.nodes}
        columns = _column_widths(grid, widths)
        spare = width - sum(columns)
        gap = min(_WIDEST_GAP, spare // max(1, len(columns) - 1)) if len(columns) > 1 else _GAP
        xs = [left]
        for column in columns:
            xs.append(xs[-1] + column + gap)
        plan = cls(grid, {}, {}, xs, widths, {node.name: node for node in level.nodes})
        at = {cell: name for name, cell in grid.items()}
        for way in level.ways:
            kind = _straight(grid[way.source], grid[way.target], at)
            key = way.source, way.target
            if kind:
                plan.straight[key] = kind
            else:
                plan.routes[key] = _route(grid[way.source], grid[way.target])
        plan._give_ports()
        plan._give_lanes(gap)
        plan._give_tracks()
        return plan

    def _center(self, name: str) -> int:
        return self.xs[self.grid[name][1]] + self.widths[name] // 2

    def _give_ports(self) -> None:
        """Spreads the ways over a box's edge, each on the side it goes to; no two above and below share a column."""
        wanted: dict[tuple[str, bool], list[tuple[int, tuple[str, str]]]] = defaultdict(list)
        for key, route in self.routes.items():
            source, target = key
            wanted[source, route.source_below].append((self._center(target), key))
            wanted[target, not route.target_above].append((self._center(source), key))
        for key, kind in self.straight.items():
            if kind == "down":
                middle = min(self._center(name) for name in key) | 1
                self.ports[key[0], True, key] = self.ports[key[1], False, key] = middle
        for (name, below), ends in wanted.items():
            x, width = self.xs[self.grid[name][1]], self.widths[name]
            used = {port for (box, side, _), port in self.ports.items() if (box, side) == (name, below)}
            for number, (_, key) in enumerate(sorted(ends), start=1):
                port = x + number * width // (len(ends) + 1)
                port = (port | 1) if below else (port + 1) & ~1
                while port in used and port < x + width - 3:
                    port += 2
                used.add(port)
                self.ports[name, below, key] = min(max(port, x + 1), x + width - 2)

    def _give_lanes(self, gap: int) -> None:
        used: dict[int, int] = defaultdict(int)
        for key, route in self.routes.items():
            if len(route.channels) == 2:
                outside = route.gap in (0, len(self.xs) - 1)
                begins = self.xs[route.gap] - gap if route.gap else self.xs[0] - _MARGIN
                self.lanes[key] = begins + 1 + used[route.gap] % (_MARGIN - 1 if outside else gap - 3)
                used[route.gap] += 1

    def _give_tracks(self) -> None:
        spans: dict[int, list[tuple[int, int, tuple[str, str]]]] = defaultdict(list)
        for key, route in self.routes.items():
            begin = self.ports[key[0], route.source_below, key]
            end = self.ports[key[1], not route.target_above, key]
            stops = [begin, self.lanes[key], end] if len(route.channels) == 2 else [begin, end]
            for channel, a, b in zip(route.channels, stops, stops[1:], strict=False):
                spans[channel].append((min(a, b), max(a, b), key))
        downs = {self.grid[key[1]][0] - 1 for key, kind in self.straight.items() if kind == "down"}
        for channel in {*spans, *downs}:
            ends: list[int] = []
            for begin, end, key in sorted(spans[channel], key=lambda span: (span[0], -span[1])):
                track = next((number for number, last in enumerate(ends) if last < begin - 1), len(ends))
                ends[track : track + 1] = [end]
                self.tracks[channel, key] = track
            into = [route for route in self.routes.values() if route.channels[-1] == channel]
            up = any(not route.target_above for route in into)
            down = any(route.target_above for route in into) or channel in downs
            self.heights[channel] = max(len(ends), int(channel in downs)), up, down

    def boxes(self, top: int) -> dict[str, Box]:
        """Where each box is, the first line at `top` or below its own channel."""
        y = top + self._height(-1)
        for line in range(1 + max((line for line, _ in self.grid.values()), default=-1)):
            self._tops[line] = y
            y += HEIGHT + max(self._height(line), 1)
        return {
            name: Box(self.nodes[name], self.xs[column], self._tops[line], self.widths[name])
            for name, (line, column) in self.grid.items()
        }

    def _height(self, channel: int) -> int:
        tracks, up, down = self.heights.get(channel, (0, False, False))
        return tracks + up + down

    def _track_row(self, channel: int, key: tuple[str, str]) -> int:
        begins = self._tops[channel] + HEIGHT if channel >= 0 else self._tops[0] - self._height(-1)
        return begins + self.heights[channel][1] + self.tracks[channel, key]

    def arrow(self, canvas: Canvas, way: Way, boxes: Mapping[str, Box]) -> None:
        """Draws one way with its number."""
        key, tone = (way.source, way.target), Tone.GOOD if way.taken and not way.faded else Tone.MUTED
        points = [*self._points(key, boxes)]
        canvas.line(points, tone, dashed=not way.taken)
        (x, y), (before_x, before_y) = points[-1], points[-2]
        head = "▶" if x > before_x else "◀" if x < before_x else "▼" if y > before_y else "▲"
        canvas.text(x, y, head, tone)
        if way.label:
            _label(canvas, points, f" {way.label} ", tone)

    def departure(self, canvas: Canvas, way: Way, boxes: Mapping[str, Box]) -> None:
        """Marks in the outline of a box that a way leaves it there."""
        key = way.source, way.target
        below = key not in self.routes or self.routes[key].source_below
        port = self.ports.get((way.source, below, key))
        if port is None:
            return
        box = boxes[way.source]
        kind, tone = outline(box.node)
        mark = kind[6] if below else {"┬": "┴", "┯": "┷"}[kind[6]]
        canvas.text(port, box.y + (HEIGHT - 1 if below else 0), mark, tone)

    def _points(self, key: tuple[str, str], boxes: Mapping[str, Box]) -> Iterator[Point]:
        source, target = boxes[key[0]], boxes[key[1]]
        kind = self.straight.get(key)
        if kind == "right":
            yield from ((source.x + source.width, source.y + 1), (target.x - 1, source.y + 1))
        elif kind == "left":
            yield from ((source.x - 1, source.y + 2), (target.x + target.width, source.y + 2))
        elif kind == "down":
            port = self.ports[key[0], True, key]
            yield from ((port, source.y + HEIGHT - 1), (port, target.y - 1))
        else:
            yield from self._bent(key, source, target, self.routes[key])

    def _bent(self, key: tuple[str, str], source: Box, target: Box, route: _Route) -> Iterator[Point]:
        begin, end = self.ports[key[0], route.source_below, key], self.ports[key[1], not route.target_above, key]
        # From within the outline, which is drawn over it: there the line comes from.
        yield begin, source.y + (HEIGHT - 1 if route.source_below else 0)
        first = self._track_row(route.channels[0], key)
        yield begin, first
        if len(route.channels) == 2:
            yield self.lanes[key], first
            last = self._track_row(route.channels[1], key)
            yield self.lanes[key], last
            yield end, last
        else:
            yield end, first
        yield end, target.y + (-1 if route.target_above else HEIGHT)


def _straight(source: GridCell, target: GridCell, at: Mapping[GridCell, str]) -> str:
    (line, column), (to_line, to_column) = source, target
    if line == to_line:
        between = range(min(column, to_column) + 1, max(column, to_column))
        if all((line, each) not in at for each in between):
            return "right" if to_column > column else "left"
    return "down" if to_line == line + 1 and to_column == column else ""


def _route(source: GridCell, target: GridCell) -> _Route:
    (line, column), (to_line, to_column) = source, target
    below, above = to_line >= line, to_line > line
    first, last = (line if below else line - 1), (to_line - 1 if above else to_line)
    if first == last:
        return _Route(below, above, (first,))
    return _Route(below, above, (first, last), to_column if column < to_column else to_column + 1)


def _label(canvas: Canvas, points: Sequence[Point], text: str, tone: Tone) -> None:
    """Puts the number of a way where its line is straight and nothing crosses it; else beside it."""
    shown = Tone.NEUTRAL if tone is Tone.GOOD else tone
    at = next(_places(canvas, points, cells(text)), None)
    if at is not None:
        canvas.text(*at, text, shown)


def _places(canvas: Canvas, points: Sequence[Point], size: int) -> Iterator[Point]:
    for (x, y), (to_x, to_y) in pairwise(points):
        if y == to_y:
            low, high = min(x, to_x) + 1, max(x, to_x) - size
            nearest = sorted(range(low, high + 1), key=lambda at: abs(at - (low + high) // 2))
            yield from ((at, y) for at in nearest if canvas.is_plain(at, y, size))
        else:
            rows = range(min(y, to_y) + 1, max(y, to_y))
            yield from ((x + 1, row) for row in rows if canvas.is_free(x + 1, row, size))
