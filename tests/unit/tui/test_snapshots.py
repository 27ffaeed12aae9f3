"""Each scene of the demo as plain text, so that a change of a screen is read in a diff. `make snapshots` takes them
anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qlikops.tui.themes import DARK, THEMES
from tests.pictures import IMAGES, THEMES_SHOWN
from tests.recording import FILE as RECORDING
from tests.unit.tui.scenes import SCENES
from tests.unit.tui.stills import as_svg, as_text, resized, still
from tests.unit.tui.test_keys import can_be_found
from tests.unit.tui.test_looks import DRAWN_ONCE, can_be_read
from tests.unit.tui.test_sizes import stays_reachable

FOLDER = Path(__file__).parent / "snapshots"
SIZES = ((80, 24), (120, 36))
LARGE = (200, 50)
MAIN = ("inbox", "review", "approve", "shift", "fleet", "task", "executions", "execution", "schedule")
"""The scenes that are also taken at LARGE: what a shift goes through."""
WRITE = os.environ.get("SNAPSHOTS") == "write"


def file(name: str, size: tuple[int, int]) -> Path:
    return FOLDER / f"{name}.{size[0]}x{size[1]}.txt"


def sizes(name: str) -> tuple[tuple[int, int], ...]:
    return (*SIZES, LARGE) if name in MAIN else SIZES


@pytest.mark.parametrize("name", SCENES)
async def test_a_scene_looks_as_it_did_and_is_what_every_screen_has_to_be(name: str) -> None:
    """At the first size as it opens, at the others once the terminal has become so large.

    All in one console: to start one and to get to the scene takes longer than most of what is looked at there.
    """
    first, *others = sizes(name)
    async with still(SCENES[name], first, DARK.name) as pilot:
        seen = {first: as_text(pilot)}
        for size in others:
            await resized(pilot, size)
            seen[size] = as_text(pilot)
        if WRITE:
            FOLDER.mkdir(exist_ok=True)
            for size, text in seen.items():
                file(name, size).write_text(text, encoding="utf-8")
            return
        for size, text in seen.items():
            assert text == file(name, size).read_text(encoding="utf-8"), "make snapshots, where the change is meant"
        await stays_reachable(pilot)
        await resized(pilot, (120, 40))
        can_be_found(pilot)
        await can_be_read(pilot, [DARK] if SCENES[name].screen in DRAWN_ONCE else THEMES)


def test_there_is_nothing_else() -> None:
    assert set(FOLDER.iterdir()) == {file(name, size) for name in SCENES for size in sizes(name)}
    assert {path.stem for path in IMAGES.glob("*.svg")} == {*SCENES, *THEMES_SHOWN, RECORDING.stem}, "make screenshots"


async def test_a_picture_is_the_same_twice() -> None:
    taken = []
    for _ in range(2):
        async with still(SCENES["approve"], (120, 36), DARK.name) as pilot:
            taken.append(as_svg(pilot))
    assert taken[0] == taken[1]
