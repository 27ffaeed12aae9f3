"""What `y` hands over, to whom, and what is said of it; and what a paste leaves in a line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from qlikops.domain.proposals.callback import DECISION_TEXT_CAP
from qlikops.tui.terminal import clipboard
from qlikops.tui.terminal.clipboard import Clipboard, Command
from tests.unit.presentation import samples
from tests.unit.tui.conftest import Started, asked, sees, wait_until
from tests.unit.tui.fakes import FakeEnvironment

TEXT = "receipt – „ja“\nsecond line"
GONE: Command = ("no-such-program-anywhere",)
FAILS: Command = (sys.executable, "-c", "import sys; sys.stdin.read(); sys.exit(3)")
HANGS: Command = (sys.executable, "-c", "import time; time.sleep(60)")
UNKNOWN = "Receipt handed to the terminal, which does not say whether it took it."


def keeps(path: Path) -> Command:
    return (sys.executable, "-c", f"import sys; open({str(path)!r}, 'wb').write(sys.stdin.buffer.read())")


@pytest.mark.parametrize(
    ("environ", "platform", "programs"),
    [
        ({}, "linux", []),
        ({"TMUX": "socket,1,0"}, "linux", ["tmux"]),
        ({"DISPLAY": ":0"}, "linux", ["xclip", "xsel"]),
        ({"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}, "linux", ["wl-copy"]),
        ({}, "darwin", ["pbcopy"]),
        ({"TMUX": "x", "SSH_TTY": "/dev/pts/1", "DISPLAY": ":10"}, "linux", ["tmux"]),
        ({"SSH_CONNECTION": "a b"}, "darwin", []),
    ],
)
def test_who_takes_it_is_what_the_environment_speaks_of(
    environ: dict[str, str], platform: str, programs: list[str]
) -> None:
    assert [command[0] for command in Clipboard.of(environ, platform)._commands] == programs


async def test_what_a_program_took_is_copied_whole(tmp_path: Path) -> None:
    said = await Clipboard([GONE, keeps(tmp_path / "taken")]).take(TEXT, "Receipt")
    assert said == "Receipt copied."
    assert (tmp_path / "taken").read_text(encoding="utf-8") == TEXT


@pytest.mark.parametrize("commands", [[], [GONE], [FAILS], [GONE, FAILS], [HANGS]], ids=str)
async def test_what_nobody_is_known_to_have_taken_is_not_said_to_be_copied(
    commands: list[Command], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clipboard, "_PATIENCE_SECONDS", 0.5)
    assert await Clipboard(commands).take("x" * 1_000_000, "Receipt") == UNKNOWN


async def test_in_tmux_it_is_said_to_be_in_tmux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = tmp_path / "taken"
    (tmp_path / "tmux").write_text(f'#!/bin/sh\necho "$@" > {taken}\ncat >> {taken}\n')
    (tmp_path / "tmux").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    said = await Clipboard.of({"TMUX": "x"}, "linux").take("id", "Approval 1")
    assert said.startswith("Approval 1 copied to tmux's buffer (prefix ] pastes it)")
    assert taken.read_text() == "load-buffer -w -\nid"


async def test_y_says_what_became_of_it(started: Started, tmp_path: Path) -> None:
    environment = FakeEnvironment.waiting_for(samples.approval())
    for programs, words in (([keeps(tmp_path / "taken")], "copied."), ([], "handed to the terminal")):
        async with started(environment, clipboard=Clipboard(programs)) as pilot:
            await sees(pilot, "sales-orders: connection lost")
            await pilot.press("y")
            await sees(pilot, f"{samples.proposal().proposal_id} {words}")
    assert (tmp_path / "taken").read_text() == samples.proposal().proposal_id


def paste(pilot: Pilot[object], text: str) -> Input:
    focused = pilot.app.focused
    assert isinstance(focused, Input)
    focused.post_message(events.Paste(text))
    return focused


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028"])
async def test_a_paste_of_several_lines_is_kept_as_one(started: Started, end: str) -> None:
    async with started(FakeEnvironment.waiting_for(samples.approval())) as pilot:
        await asked(pilot, "d")
        pasted = paste(pilot, f"first line{end}  second{end}{end}\tthird{end}")
        await wait_until(pilot, lambda: pasted.value == "first line second third")
        pasted.selection = type(pasted.selection)(0, 5)
        paste(pilot, "1st\n")
        await wait_until(pilot, lambda: pasted.value == "1st line second third")


async def test_a_paste_that_is_too_long_is_cut_and_says_so(started: Started) -> None:
    async with started(FakeEnvironment.waiting_for(samples.approval()), size=(120, 36)) as pilot:
        await asked(pilot, "d")
        pasted = paste(pilot, "word " * 1_000)
        await sees(pilot, "Cut: 4,999 characters were pasted, 2,000 fit.")
        assert len(pasted.value) == DECISION_TEXT_CAP, "as many as a command takes"


async def test_every_line_to_type_in_keeps_what_is_pasted(started: Started) -> None:
    environment = FakeEnvironment.waiting_for(samples.approval())
    environment.runs = [samples.execution()]
    async with started(environment, size=(120, 36)) as pilot:
        await sees(pilot, "sales-orders: connection lost")
        for keys in (["slash"], ["escape", "4", "slash"], ["escape", "x"]):
            await pilot.press(*keys)
            await wait_until(pilot, lambda: isinstance(pilot.app.focused, Input))
            pasted = paste(pilot, "a\nb")
            await wait_until(pilot, lambda pasted=pasted: pasted.value == "a b")  # type: ignore[misc]
