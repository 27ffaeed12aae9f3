"""Whatever became of the command that started it, a child is found and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qlikops.cli import demo
from qlikops.cli.exit_codes import ExitCode
from qlikops.config import local_status_path
from qlikops.domain.encoding import codec
from qlikops.local.environment import LocalEnvironment
from qlikops.local.processes import running, spawn, stop
from qlikops.local.state import STATUS, LocalState
from tests.unit.cli.conftest import Run, Terminal
from tests.unit.local.test_state import STATUS as RUNNING
from tests.unit.presentation import samples
from tests.unit.tui.fakes import FakeEnvironment
from tests.unit.zoo import CONTENTS

SLEEPER = "import time; time.sleep(600)"
KILLED_AT_ONCE = """
import os, signal, sys
from pathlib import Path
from qlikops.local.processes import spawn
folder = Path(sys.argv[1])
spawn("-c", "import time; time.sleep(600)", env={}, temporary=folder, cwd=folder, log=folder / "log")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def state(environ: dict[str, str]) -> Iterator[LocalState]:
    found = LocalState.default(environ)
    found.make_folder()
    yield found
    stop(found.folder, grace_seconds=0)


def start(folder: Path) -> int:
    return spawn("-c", SLEEPER, env={}, temporary=folder, cwd=folder, log=folder / "log").pid


def pids(folder: Path) -> list[int]:
    return [process.pid for process in running(folder)]


def test_a_kill_right_after_a_start_leaves_nothing_for_good(state: LocalState, run: Run) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_AT_ONCE, str(state.folder)], env={"PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert killed.returncode == -signal.SIGKILL
    (orphan,) = pids(state.folder)
    shown = run("local", "status")
    assert shown.exit_code == ExitCode.NOT_FOUND
    assert str(orphan) in shown.stderr
    assert "qlikops local down" in shown.stderr
    assert "is down" in run("local", "down").stderr
    assert pids(state.folder) == []
    assert "was not running" in run("local", "down").stderr


@pytest.mark.parametrize("content", [*CONTENTS, "missing"])
def test_a_broken_status_never_means_that_nothing_runs(state: LocalState, content: str) -> None:
    child = start(state.folder)
    if content != "missing":
        (state.folder / STATUS).write_bytes(CONTENTS[content])
    environment = LocalEnvironment(state)
    assert environment.status() is None
    assert [part.pid for part in environment.parts()] == [child]
    assert environment.down()
    assert pids(state.folder) == []
    assert not state.folder.exists()


def test_a_process_of_the_status_that_is_not_ours_is_not_taken_for_it(state: LocalState) -> None:
    start(state.folder)
    state.write_status(replace(RUNNING, pids={"aws": os.getpid()}))
    assert LocalEnvironment(state).status() is None


def test_another_folders_children_are_left_alone(state: LocalState, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    ours, theirs = start(state.folder), start(other)
    try:
        assert pids(state.folder) == [ours]
        LocalEnvironment(state).down()
        assert pids(other) == [theirs]
    finally:
        stop(other, grace_seconds=0)


def test_a_link_to_the_folder_is_the_folder(state: LocalState, tmp_path: Path) -> None:
    child = start(state.folder)
    (tmp_path / "link").symlink_to(state.folder.parent)
    assert pids(tmp_path / "link" / "local") == [child]


@pytest.mark.parametrize("command", [("local", "up"), ("local", "down"), ("demo", "--headless")], ids=" ".join)
@pytest.mark.parametrize("thing", ["a file", "below a file", "a device", "too long a name"])
def test_a_data_folder_that_is_none_is_named(
    run: Run,
    environ: dict[str, str],
    tmp_path: Path,
    command: tuple[str, ...],
    thing: str,
) -> None:
    (tmp_path / "file").write_text("kept")
    folders = {"a file": tmp_path / "file", "below a file": tmp_path / "file" / "x", "a device": Path("/dev/null")}
    environ["QLIKOPS_DATA_DIR"] = str(folders.get(thing, tmp_path / ("x" * 5000)))
    done = run(*command)
    assert done.exit_code == ExitCode.FAILURE
    assert "cannot be written" in done.stderr
    assert "QLIKOPS_DATA_DIR" in done.stderr
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("code", [0, 1, 128 + signal.SIGHUP])
def test_a_demo_ends_as_its_console_did(
    run: Run, environ: dict[str, str], terminal: Terminal, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    terminal.present = True
    path = local_status_path(environ)
    path.parent.mkdir(parents=True)
    path.write_text(codec.dumps(RUNNING))
    monkeypatch.setattr(LocalEnvironment, "up", lambda *_: (RUNNING, False))
    # A crash, and being ended from outside, as the real console tells of them in test_terminal_life.
    monkeypatch.setattr(demo, "open_console", lambda *_, **__: code)
    assert run("demo").exit_code == code


def test_the_console_opens_once_the_first_run_has_asked_all_that_it_asks() -> None:
    """Of two proposals one waits at first; the run goes on for as long as they do."""
    first, second = samples.approval(), samples.approval(samples.proposal(2))
    environment = FakeEnvironment.waiting_for(first)
    run = samples.execution()
    assert run.run is not None
    environment.runs = [replace(run, stopped_at=None, run=replace(run.run, proposals=2))]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            environment.add(second)

    demo.await_first_run(environment, sleep)
    assert len(slept) == 3
    environment.runs = [replace(environment.runs[0], stopped_at=samples.NOW)]
    environment.records.clear()
    demo.await_first_run(environment, sleep)
    assert len(slept) == 3
