"""From a small terminal to a wall, and across a resize: everything stays reachable, and nothing writes but text."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot
from textual.scroll_view import ScrollView
from textual.widgets import Button, DataTable, Input, Select, SelectionList

from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskSnapshot
from qlikops.presentation.lists import inbox
from qlikops.tui.app import QlikOpsApp
from qlikops.tui.widgets.inbox import WIDE
from tests.unit.presentation import samples
from tests.unit.tui.conftest import Started, screen_text, sees, wait_until
from tests.unit.tui.fakes import FakeEnvironment
from tests.unit.tui.scenery import Demo, demo
from tests.unit.tui.scenes import SCENES
from tests.unit.tui.stills import still

SIZES = ((300, 80), (60, 20), (80, 24), (200, 50))
"""In this order: wide to narrow and back."""
NAMES = (
    "\x1b[31mred\x1b[0m\x1b]0;title\x07"
    "\x1b]52;c;Y29weQ==\x07\x9b2J\x90q\x9c\x1bP+q\x1b\\[bold red]mark[/] [@click=app.quit]",
    "\u202egnp.exe\u2066\u200b\x00\x08\x7f\r\n\t[/nonsense",
    "表" * 40,
    "مهمة-" * 12,
    "👩‍👩‍👧‍👦🇪🇺" * 10,
    "Ä" * 200,
)


def test_beside_the_record_the_list_keeps_its_bars_and_room_for_names() -> None:
    style = Path(inspect.getfile(QlikOpsApp)).with_name("app.tcss").read_text()
    (share,) = re.findall(r"^\.-wide #left { width: (\d+)%;", style, re.MULTILINE)
    for width in (WIDE, 200, 300):
        columns = {each.key: each.width for each in inbox.columns(width * int(share) // 100 - 1)}
        assert "bar" in columns, width
        assert columns["kind"] + sum(columns.get(key, 0) for key in ("task", "where", "name")) >= 36, width


def unreachable(pilot: Pilot[Any]) -> list[str]:
    """What takes the focus and is nowhere to be seen, not even in part."""
    screen = pilot.app.screen
    kinds = (Button, Input, Select, SelectionList, DataTable)
    return [
        str(widget)
        for widget in screen.focus_chain
        if isinstance(widget, kinds) and not screen.find_widget(widget).visible_region
    ]


def fits(pilot: Pilot[Any], width: int, height: int) -> bool:
    lines = screen_text(pilot).splitlines()
    return len(lines) <= height and max(map(cell_len, lines)) <= width


def under_a_scrollbar(pilot: Pilot[Any]) -> list[str]:
    """What is drawn in the column that a scrollbar covers, where nobody can read it."""
    views = [view for view in pilot.app.screen.query(ScrollView) if view.show_vertical_scrollbar and view.region]
    lines = [
        view.render_line(y).crop(view.scrollable_content_region.width)
        for view in views
        for y in range(view.size.height)
    ]
    return [line.text for line in lines if line.text.strip()]


async def stays_reachable(pilot: Pilot[Any]) -> None:
    """Fails unless all of a screen can be reached while the terminal changes its size."""
    screen = type(pilot.app.screen)
    for width, height in SIZES:
        await pilot.resize_terminal(width, height)
        await wait_until(pilot, lambda: fits(pilot, width, height) and not unreachable(pilot))  # noqa: B023
        await wait_until(pilot, lambda: not under_a_scrollbar(pilot))
        assert type(pilot.app.screen) is screen


def renamed() -> Demo:
    """The demo, all of its texts from outside exchanged for one of NAMES each."""
    found = demo()
    found.name = found.where = NAMES[0]
    for number, (approval_id, record) in enumerate(found.records.items()):
        name = NAMES[number % len(NAMES)]
        assert record.evaluation is not None
        targets = tuple(
            replace(target, key=TaskKey(name, name, f"{index}{name}"))
            for index, target in enumerate(record.proposal.targets)
        )
        evidence = tuple(replace(each, value=name) for each in record.proposal.evidence)
        subject = replace(record.proposal, title=name, reason=name, targets=targets, evidence=evidence)
        opinion = replace(record.evaluation, rationale=name, cautions=(name,))
        found.records[approval_id] = samples.approval(subject, assessed=opinion)
    found.runs = [replace(run, name=f"{number}{NAMES[number % len(NAMES)]}") for number, run in enumerate(found.runs)]
    found.taken = _renamed_fleet(found.taken)
    return found


def _renamed_fleet(fleet: FleetSnapshot) -> FleetSnapshot:
    def task(number: int, each: TaskSnapshot) -> TaskSnapshot:
        name = NAMES[number % len(NAMES)]
        return replace(each, facts=replace(each.facts, key=TaskKey(name, name, f"{number}{name}")), note=name)

    servers = tuple(
        replace(server, name=name, message=name) for server, name in zip(fleet.servers, NAMES, strict=False)
    )
    return replace(fleet, servers=servers, tasks=tuple(task(*each) for each in enumerate(fleet.tasks)))


@pytest.mark.parametrize("name", SCENES)
async def test_no_name_breaks_a_screen_or_steers_the_terminal(name: str) -> None:
    scene = replace(SCENES[name], steps=tuple((keys, "") for keys, _ in SCENES[name].steps))
    async with still(scene, (80, 24), "dark", renamed()) as pilot:
        text = screen_text(pilot)
        # What goes to the terminal: only text, no control characters, no bidirectional overrides.
        assert not [char for char in text.replace("\n", "") if not char.isprintable() and char not in "\u200c\u200d"]
        assert fits(pilot, 80, 24)
        assert not under_a_scrollbar(pilot)


@pytest.mark.parametrize("width", [60, 80, 120])
async def test_a_notice_is_shown_to_its_end_whatever_its_length(started: Started, width: int) -> None:
    async with started(FakeEnvironment(), size=(width, 250)) as pilot:
        ends = {length: f"end{length}" for length in range(20, 70)}
        for length, end in ends.items():
            pilot.app.notify(f"{'one two three '.ljust(length, '.')} {end}", markup=False)
        await sees(pilot, *ends.values())
