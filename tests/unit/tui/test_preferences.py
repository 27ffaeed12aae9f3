"""What is chosen inside the console outlasts it; a broken file costs the choices and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from qlikops.tui.preferences import PreferenceFile, Preferences
from qlikops.tui.themes import DARK, LIGHT, check_theme
from tests.unit.presentation import samples
from tests.unit.tui.conftest import Started, sees, wait_until
from tests.unit.tui.fakes import FakeEnvironment
from tests.unit.zoo import CONTENTS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "console.json"


@pytest.fixture
def environment() -> FakeEnvironment:
    return FakeEnvironment.waiting_for(samples.approval())


def test_what_is_changed_is_there_next_time_and_nothing_else_lies_about(path: Path) -> None:
    memory = PreferenceFile(path)
    assert memory.change(theme="light", bell=False) == ""
    assert memory.change(sort="age") == ""
    assert PreferenceFile(path).preferences == Preferences(theme="light", sort="age", bell=False)
    assert [each.name for each in path.parent.iterdir()] == ["console.json"]


def test_without_a_change_nothing_is_written(path: Path) -> None:
    memory = PreferenceFile(path)
    assert memory.change(theme=None) == ""
    assert not path.exists()
    assert not memory.problem


BROKEN = [
    *(b"", b"{", b"[]", b'{"theme": 3}', b'{"bell": "yes"}', b"\xff\xfe", b"null"),
    *(b'{"coached": 1}', b'{"typed": ["x"]}', b'{"typed": {"find": "x"}}', b'{"typed": {"find": [1]}}'),
]


def test_what_was_typed_is_there_next_time(path: Path) -> None:
    PreferenceFile(path).change(typed={"find": ("pa", "zwölf")}, coached=True)
    assert PreferenceFile(path).preferences == Preferences(coached=True, typed={"find": ("pa", "zwölf")})


@pytest.mark.parametrize("content", BROKEN)
def test_a_broken_file_means_defaults_says_so_and_is_written_anew(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    memory = PreferenceFile(path)
    assert memory.preferences == Preferences()
    assert str(path) in memory.problem
    memory.change(theme="light")
    assert json.loads(path.read_text()) == {"theme": "light"}


def test_what_a_newer_one_wrote_is_left_out(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('{"theme": "light", "zoom": 2}')
    assert PreferenceFile(path).preferences == Preferences(theme="light")


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    memory = PreferenceFile(tmp_path / "file" / "console.json")
    assert "cannot be written" in memory.change(theme="light")
    assert memory.preferences.theme == "light"


async def test_a_theme_chosen_inside_is_there_at_the_next_start(
    started: Started, environment: FakeEnvironment, path: Path
) -> None:
    async with started(environment, memory=PreferenceFile(path)) as pilot:
        await sees(pilot, "connection lost")
        pilot.app.theme = LIGHT.name
        await wait_until(pilot, path.exists)
    async with started(environment, memory=PreferenceFile(path)) as pilot:
        assert pilot.app.theme == LIGHT.name


async def test_the_theme_of_a_context_wins_and_is_not_remembered(
    started: Started, environment: FakeEnvironment, path: Path
) -> None:
    PreferenceFile(path).change(theme="nord")
    async with started(environment, memory=PreferenceFile(path), theme=LIGHT.name) as pilot:
        await sees(pilot, "connection lost")
        assert pilot.app.theme == LIGHT.name
        pilot.app.theme = DARK.name
        await sees(pilot, "Not kept: the configuration")
    assert PreferenceFile(path).preferences.theme == "nord"


async def test_a_broken_file_does_not_stop_the_console(
    started: Started, environment: FakeEnvironment, path: Path
) -> None:
    path.parent.mkdir()
    path.write_text("{")
    async with started(environment, memory=PreferenceFile(path), size=(200, 40)) as pilot:
        await sees(pilot, "connection lost", "cannot be read")


async def test_the_bell_can_be_turned_off_for_good(
    started: Started, environment: FakeEnvironment, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with started(environment, memory=PreferenceFile(path)) as pilot:
        rung: list[Any] = []
        monkeypatch.setattr(pilot.app, "bell", lambda: rung.append(1))
        await sees(pilot, "connection lost")
        await pilot.app.run_action("toggle_bell")
        await sees(pilot, "The bell is off.")
        environment.add(samples.approval(samples.proposal(2, tasks=("stock",))))
        await pilot.press("r")
        await sees(pilot, "2 wait")
        assert not rung
    assert PreferenceFile(path).preferences.bell is False


def test_a_theme_that_is_not_there() -> None:
    assert [check_theme(name) for name in ("", "dark", "nord")] == ["", "dark", "nord"]
    with pytest.raises(Exception, match="There is no theme 'drak'"):
        check_theme("drak")


@pytest.mark.parametrize("content", CONTENTS)
def test_what_cannot_be_read_is_set_aside_and_never_written_over(path: Path, content: str) -> None:
    path.parent.mkdir()
    path.write_bytes(CONTENTS[content])
    memory = PreferenceFile(path)
    assert memory.change(theme="nord") == ""
    assert PreferenceFile(path).preferences.theme == "nord"
    aside = path.with_name(f"{path.name}.unreadable")
    assert aside.exists() == ("cannot be read" in PreferenceFile(aside).problem)
    assert not aside.exists() or aside.read_bytes() == CONTENTS[content]
