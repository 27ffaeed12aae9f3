"""Boxes and arrows of a level."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from qlikops.domain.workflow.machine import parse_machine
from qlikops.presentation.pictures import boxes
from qlikops.presentation.pictures.canvas import Canvas
from qlikops.presentation.pictures.graph import Level, Node, Reached, Way, graph, walk
from qlikops.presentation.tone import Span, Tone, plain
from qlikops.resources import resource
from tests.unit.presentation import samples
from tests.unit.presentation.samples import NOW, run_of


def node(name: str, reached: Reached = Reached.RAN, note: str = "✓", took: str = "") -> Node:
    return Node(f"state {name}", name, reached, Span(note, Tone.GOOD), took, 1)


def way(source: str, target: str, taken: int = 1, *, again: bool = False) -> Way:
    return Way(source, target, taken, taken, again)


def level(nodes: str, *ways: Way) -> Level:
    return Level("", tuple(map(node, nodes)), ways, (), ())


def seen(drawn: Level, width: int) -> list[str]:
    canvas = Canvas(width)
    assert boxes.draw(canvas, drawn, 0, 0, width) is not None
    return [plain(row).rstrip() for row in canvas.rows()]


def test_a_line_of_boxes_with_the_number_that_went_each_way() -> None:
    drawn = Level(
        "",
        (node("Start", took="9s"), node("Wait", Reached.HERE, "● 1 waits", "26m"), node("End", Reached.NOT_REACHED)),
        (way("Start", "Wait", 3), way("Wait", "End", 0)),
        (),
        (),
    )
    assert seen(drawn, 60) == [
        "   ╭─────────╮       ┏━━━━━━━━━━━━━━━━┓       ┌╌╌╌╌╌╌╌╌╌┐",
        "   │ Start   │── 3 ─▶┃ Wait           ┃╌╌╌╌╌╌▶┆ End     ┆",
        "   │ ✓ 9s    │       ┃ ● 1 waits, 26m ┃       ┆ ✓       ┆",
        "   ╰─────────╯       ┗━━━━━━━━━━━━━━━━┛       └╌╌╌╌╌╌╌╌╌┘",
    ]


def test_what_leads_back_goes_below_the_way_onward() -> None:
    back = replace(way("B", "A", 4, again=True), items=1)
    assert seen(level("AB", way("A", "B", 2), back), 44) == [
        "   ╭─────────╮              ╭─────────╮",
        "   │ A       │───── 2 ─────▶│ B       │",
        "   │ ✓       │◀─── 4 x ─────│ ✓       │",
        "   ╰─────────╯              ╰─────────╯",
    ]


def test_a_side_way_lies_below_and_comes_back() -> None:
    found = seen(level("ABCD", way("A", "B"), way("B", "D"), way("A", "C"), way("C", "D")), 54)
    assert found == [
        "   ╭─────────╮       ╭─────────╮       ╭─────────╮",
        "   │ A       │── 1 ─▶│ B       │── 1 ─▶│ D       │",
        "   │ ✓       │       │ ✓       │       │ ✓       │",
        "   ╰─────┬───╯       ╰─────────╯       ╰─────────╯",
        "         │ 1                                 ▲",
        "        ╭┼─────────────── 1 ─────────────────╯",
        "        │▼",
        "   ╭────┴────╮",
        "   │ C       │",
        "   │ ✓       │",
        "   ╰─────────╯",
    ]


@pytest.mark.parametrize("width", [60, 80, 100, 116, 140, 196, 260])
@pytest.mark.parametrize("unfolded", [False, True])
def test_no_box_covers_another_and_every_arrow_arrives(width: int, unfolded: bool) -> None:
    machine = parse_machine(resource("statemachine", "state_machine.json").read_text())
    history, proposals = samples.four_proposals()
    found = graph(machine, run_of(history, proposals), NOW, unfolded=unfolded)
    for drawn in walk(found.level):
        canvas = Canvas(width)
        placed = boxes.draw(canvas, drawn, 2, 0, width)
        assert placed is not None
        assert placed.keys() == {each.name for each in drawn.nodes}
        cells = [
            (x, y)
            for box in placed.values()
            for x in range(box.x, box.x + box.width)
            for y in range(box.y, box.y + boxes.HEIGHT)
        ]
        assert len(cells) == len(set(cells))
        assert all(0 <= x < width and y >= 2 for x, y in cells)
        rows = ["".join(span.text for span in row) for row in canvas.rows()]
        heads = sum(row.count(head) for row in rows for head in "▶◀▲▼")
        assert heads <= len(drawn.ways)
        for box in placed.values():
            name = rows[box.y + 1][box.x : box.x + box.width]
            assert name.strip("│┃┆ ") in (box.node.name, name.strip("│┃┆ "))
            entered = any(each.target == box.node.name for each in drawn.ways)
            around = {
                *(rows[y][box.x - 1 : box.x] for y in (box.y + 1, box.y + 2)),
                *(rows[y][box.x + box.width : box.x + box.width + 1] for y in (box.y + 1, box.y + 2)),
                *rows[box.y - 1][box.x : box.x + box.width],
                *"".join(rows[box.y + boxes.HEIGHT : box.y + boxes.HEIGHT + 1])[box.x : box.x + box.width],
            }
            assert not entered or around & set("▶◀▲▼"), box.node.name


def test_there_has_to_be_room_for_a_box() -> None:
    assert boxes.draw(Canvas(12), level("A"), 0, 0, 12) is None
    assert boxes.draw(Canvas(12), level(""), 0, 0, 12) == {}


def test_a_long_chain_is_wrapped() -> None:
    names = "ABCDEFGH"
    found = seen(level(names, *(way(a, b) for a, b in pairwise(names))), 70)
    text = "\n".join(found)
    assert all(f" {name} " in text for name in names)
    assert len({row.index("│ A") for row in found if "│ A" in row}) == 1
    assert text.count("▼") == 1


def test_ways_between_lines_far_apart_go_between_the_columns() -> None:
    names = "ABCDEFGHI"
    chain = [way(a, b) for a, b in pairwise(names)]
    far = [way("A", "I"), way("I", "A", again=True), way("B", "G"), way("H", "B", again=True)]
    text = "\n".join(seen(level(names, *chain, *far), 60))
    assert text.count("▲") + text.count("▼") + text.count("◀") + text.count("▶") == len(chain) + len(far)


def test_what_is_not_on_the_chosen_path_is_quiet() -> None:
    canvas = Canvas(40)
    faded = Level("", (replace(node("A"), faded=True), node("B")), (replace(way("A", "B"), faded=True),), (), ())
    boxes.draw(canvas, faded, 0, 0, 40)
    tones = {span.tone for row in canvas.rows() for span in row if span.text.strip()}
    assert tones == {Tone.MUTED, Tone.GOOD, Tone.NEUTRAL}
    assert boxes.outline(faded.nodes[0])[1] is Tone.MUTED


def test_the_middle_of_a_box_is_where_its_frame_hangs() -> None:
    assert boxes.Box(node("A"), 3, 0, 11).middle == 8
