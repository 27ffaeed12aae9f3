"""A graph as rows of text: boxes and arrows where there is room, else a spine of one line a state; then its items, and
what took how long.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from datetime import datetime

from qlikops.dataclass import dataclass
from qlikops.domain.workflow.execution import StateVisit
from qlikops.presentation import vocabulary
from qlikops.presentation.pictures import boxes
from qlikops.presentation.pictures.canvas import ROUND, Canvas, cells, cut, cut_end
from qlikops.presentation.pictures.graph import Graph, Level, MapItem, Node, Reached, Way, walk
from qlikops.presentation.tone import Spans, Tone, outside

BOXES_FROM = 100
"""Columns; in fewer a spine is easier to read."""
ITEMS_SHOWN = 200
"""How many items of one Map are drawn at most; Step Functions runs 40 of them at a time."""
_BAR_NAME, _BAR_END = 24, 16
"""Columns of a time bar's name, and of what stands behind it."""
_LONGEST_BAR = 90


@dataclass(frozen=True, slots=True)
class Stop:
    """Something that can be chosen: a state or an item."""

    x: int
    y: int
    width: int
    height: int
    text: str
    """What a search goes through."""
    visits: tuple[StateVisit, ...] = ()

    @property
    def mark_row(self) -> int:
        """The row in which its first cell inside shows that it is chosen."""
        return self.y + (self.height > 1)


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is to be seen, and where in it one can go."""

    rows: tuple[Spans, ...] = ()
    stops: Mapping[str, Stop] = field(default_factory=dict)
    """The stops by key, from top to bottom."""


def draw(graph: Graph, width: int, now: datetime, fold_key: str, chosen: str = "") -> Drawing:
    """Draws a graph in `width` columns. `fold_key` is the key that unfolds, for the line that says what is folded."""
    sheet = _Sheet(Canvas(width), graph, now, fold_key)
    if width < BOXES_FROM or not sheet.level(graph.level, 0, width):
        sheet = _Sheet(Canvas(width), graph, now, fold_key)
        sheet.spine(graph.level)
    sheet.items()
    sheet.bars(next((item.visits for item in graph.items if item.key == chosen), ()))
    return Drawing(sheet.canvas.rows(), dict(sorted(sheet.stops.items(), key=lambda each: (each[1].y, each[1].x))))


@dataclass(slots=True)
class _Sheet:
    canvas: Canvas
    graph: Graph
    now: datetime
    fold_key: str
    y: int = 0
    """The next row."""
    stops: dict[str, Stop] = field(default_factory=dict)

    # Boxes

    def level(self, level: Level, left: int, width: int) -> bool:
        """Draws a level and, in a frame each, those inside it. False where there is no room."""
        placed = boxes.draw(self.canvas, level, self.y, left, width)
        if placed is None:
            return False
        for box in placed.values():
            self._stop(box.node, box.x, box.y, box.width, boxes.HEIGHT)
        self.y = max(self.canvas.height, self.y)
        last = max((box.y for box in placed.values()), default=0)
        for inner in level.inner:
            outer = placed.get(inner.title)
            if not self._framed(inner, left, width, outer if outer and outer.y == last else None):
                return False
        self._folded(level, left + 3)
        return True

    def _framed(self, level: Level, left: int, width: int, box: boxes.Box | None) -> bool:
        tone = Tone.MUTED if box is None else boxes.outline(box.node)[1]
        top = self.y + 1
        if box is not None:
            self.canvas.line([(box.middle, box.y + boxes.HEIGHT), (box.middle, top - 1)], tone)
            self.canvas.text(box.middle, top - 1, "│", tone)
        self.y = top + 1
        if not self.level(level, left + 2, width - 4):
            return False
        height = self.y - top + 1
        self.canvas.box(left, top, width, height, ROUND, tone)
        if box is not None:
            self.canvas.text(box.middle, top, "┴", tone)
        title = f" {cut(level.title, width // 3)} "
        self.canvas.text(left + 2, top, title, Tone.NEUTRAL)
        if any(way.items for way in level.ways):
            said = f" numbers: how many of the {self.graph.total:,} went this way "
            if box is None or left + width - cells(said) - 2 > box.middle:
                self.canvas.text(left + width - cells(said) - 2, top, said, Tone.MUTED)
        self.y += 1
        return True

    def _folded(self, level: Level, left: int, before: str = "") -> None:
        if not level.folded:
            return
        count = vocabulary.count(len(level.folded), "state")
        end = f"   {self.fold_key} unfolds"
        names = outside(", ".join(level.folded), cap=2000).text
        room = self.canvas.width - left - cells(before) - cells(end) - 4
        said = f"{count} not {'recorded' if level.by_ledger else 'reached'}"
        words = f"{said}: {names}"
        if cells(words) > room:
            words = said if room < 60 else cut_end(words, room)
        self.canvas.text(left, self.y, before + words, Tone.MUTED)
        self.canvas.text(left + cells(before + words), self.y, end, Tone.INFO)
        self.y += 1

    def _stop(self, node: Node, x: int, y: int, width: int, height: int) -> None:
        self.stops[node.key] = Stop(x, y, width, height, f"{node.name} {node.note.text}", node.visits)

    # Spine

    def spine(self, level: Level, depth: int = 0) -> None:
        """Draws a level as lines, and beneath a state what is inside it."""
        inner = {each.title: each for each in level.inner}
        ways: dict[str, list[Way]] = {}
        for way in level.ways:
            ways.setdefault(way.source, []).append(way)
        for node in level.nodes:
            self._line(node, ways.get(node.name, ()), depth)
            if node.name in inner:
                self._branch("├─╮", depth)
                self.spine(inner[node.name], depth + 1)
        for title in inner.keys() - {node.name for node in level.nodes}:
            self.spine(inner[title], depth + 1)
        self._folded(level, max(2, 2 * depth), "├─╯  " if depth else "")
        if depth and not level.folded:
            self._branch("├─╯", depth - 1)

    def _branch(self, text: str, depth: int) -> None:
        self.canvas.text(2 + 2 * depth, self.y, text, Tone.MUTED)
        self.y += 1

    def _line(self, node: Node, ways: Sequence[Way], depth: int) -> None:
        width, left = self.canvas.width, 2 + 2 * depth
        for outer in range(depth):
            self.canvas.text(2 + 2 * outer, self.y, "│", Tone.MUTED)
        sign, _, words = node.note.text.partition(" ")
        faded = node.faded or node.reached in (Reached.NOT_REACHED, Reached.NOT_RECORDED)
        tone = Tone.MUTED if faded else Tone.NEUTRAL
        self.canvas.text(left, self.y, sign, Tone.MUTED if node.faded else node.note.tone)
        name_width = max(20, min(26, width // 3)) - 2 * depth
        self.canvas.text(left + 3, self.y, cut(node.name, name_width), tone)
        x = left + 3 + name_width + 1
        self.canvas.text(x, self.y, f"{node.items or '':>4}", tone)
        self.canvas.text(width - cells(node.took) - 2, self.y, node.took, Tone.MUTED)
        onward = [way for way in ways if way.taken and not way.faded]
        said = [words] if words not in ("", str(node.items)) else []
        if len(onward) > 1 or (onward and onward[0].items not in (0, node.items)):
            said.append("→ " + ", ".join(f"{way.label} {way.target}" for way in onward))
        room = width - x - 6 - max(6, cells(node.took) + 3)
        self.canvas.text(x + 6, self.y, cut_end("  ".join(said), room), Tone.MUTED)
        self._stop(node, 0, self.y, width, 1)
        self.y += 1

    # What is below

    def items(self) -> None:
        """Draws the Map's items, a row each."""
        items = self.graph.items
        if not items:
            return
        self.y += 1
        width = self.canvas.width
        what = min(60, max(26, width // 3)) if width >= BOXES_FROM else width - 38
        at = 24 if width >= BOXES_FROM else 0
        columns = (6, 6 + what + 2, 6 + what + 2 + (at + 2 if at else 0))
        for x, head in zip(columns, ("Proposal", "Is at" if at else "Came to", "Came to" if at else ""), strict=True):
            self.canvas.text(x, self.y, head, Tone.MUTED)
        self.y += 1
        for item in items[:ITEMS_SHOWN]:
            self._item(item, columns, what, at)
        if len(items) > ITEMS_SHOWN:
            self.canvas.text(6, self.y, f"… and {len(items) - ITEMS_SHOWN:,} items more", Tone.MUTED)
            self.y += 1

    def _item(self, item: MapItem, columns: tuple[int, int, int], what: int, at: int) -> None:
        self.canvas.text(1, self.y, f"{item.index:>4}", Tone.MUTED)
        self.canvas.text(columns[0], self.y, cut_end(item.what, what))
        if at:
            self.canvas.text(columns[1], self.y, cut(outside(item.stands, cap=80).text, at), Tone.MUTED)
        came_to = cut_end(item.came_to.text, self.canvas.width - columns[2] - 1)
        self.canvas.text(columns[2], self.y, came_to, item.came_to.tone)
        words = f"{item.index} {item.what} {item.stands} {item.came_to.text}"
        self.stops[item.key] = Stop(0, self.y, self.canvas.width, 1, words, item.visits)
        self.y += 1

    def bars(self, of_item: Sequence[StateVisit]) -> None:
        """Draws when each state was entered and left, for one item or all, and how long the longest visit was."""
        rows = [*_timed(self.graph, of_item, self.now)]
        if not rows:
            return
        begin = min(entered for _, visits in rows for entered, _, _ in visits)
        end = max(left for _, visits in rows for _, left, _ in visits)
        room = min(_LONGEST_BAR, self.canvas.width - _BAR_NAME - _BAR_END - 4)
        cell = max(1.0, (end - begin).total_seconds()) / room
        self.y += 1
        self.canvas.text(3, self.y, "Took" if of_item else "Took at most", Tone.MUTED)
        self.y += 1
        for name, visits in rows:
            self.canvas.text(3, self.y, cut(name, _BAR_NAME - 2), Tone.MUTED)
            behind = 0
            for entered, left, is_open in visits:
                start = min(room - 1, int((entered - begin).total_seconds() / cell))
                length = max(1, min(room - start, round((left - entered).total_seconds() / cell)))
                tone = Tone.INFO if is_open else Tone.GOOD
                self.canvas.text(3 + _BAR_NAME + start, self.y, "━" * length, tone)
                behind = max(behind, start + length)
            took = vocabulary.short_duration(max((left - entered).total_seconds() for entered, left, _ in visits))
            so_far = " so far" if any(is_open for _, _, is_open in visits) else ""
            self.canvas.text(3 + _BAR_NAME + behind + 1, self.y, took + so_far, Tone.MUTED)
            self.y += 1


def _timed(
    graph: Graph, of_item: Sequence[StateVisit], now: datetime
) -> Iterator[tuple[str, Sequence[tuple[datetime, datetime, bool]]]]:
    """Each state with a visit of a second and more; of its visits the entry, the exit and whether it goes on."""
    for level in walk(graph.level):
        for node in level.nodes:
            visits = [
                (visit.entered_at, visit.exited_at or now, visit.exited_at is None)
                for visit in node.visits
                if visit.entered_at and (not of_item or not visit.map_path or visit in of_item)
            ]
            if any((left - entered).total_seconds() >= 1 for entered, left, _ in visits):
                yield node.name, visits
