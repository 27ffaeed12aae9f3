"""A child that nobody remembered, or whose memory is broken, is found and ended all the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qlikops.cli import demo
from qlikops.cli.exit_codes import ExitCode
from qlikops.config import local_status_path
from qlikops.domain.encoding import codec
from qlikops.local import processes
from qlikops.local.environment import LocalEnvironment
from qlikops.local.processes import ChildProcess, is_running, marked, python, spawn, stop
from qlikops.local.state import PROCESSES, LocalState
from tests.unit.cli.conftest import Run, Terminal
from tests.unit.local.test_state import STATUS
from tests.unit.zoo import CONTENTS

SLEEPER = "import time; open('up', 'w').close(); time.sleep(600)"
KILLED_AT_ONCE = """
import os, signal, sys
from pathlib import Path
from qlikops.local.processes import python, spawn
folder = Path(sys.argv[1])
spawn(
    python(folder, "-c", "import time; time.sleep(600)"),
    env={}, cwd=folder, log=folder / "log", remember=lambda _: os.kill(os.getpid(), signal.SIGKILL),
)
"""


@pytest.fixture
def state(environ: dict[str, str]) -> Iterator[LocalState]:
    found = LocalState.default(environ)
    found.make_folder()
    yield found
    stop(marked(found.folder), grace_seconds=0)


def start(state: LocalState) -> ChildProcess:
    """A child that runs: until it does, the process table may not have its command line yet."""
    os.mkfifo(up := state.folder / "up")
    child = spawn(python(state.folder, "-c", SLEEPER), env={}, cwd=state.folder, log=state.folder / "log")
    up.read_bytes()
    return child


def test_a_kill_between_a_start_and_its_being_remembered_leaves_nothing_for_good(state: LocalState, run: Run) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_AT_ONCE, str(state.folder)], env={"PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert killed.returncode == -signal.SIGKILL
    (orphan,) = marked(state.folder)
    assert not (state.folder / PROCESSES).exists()
    shown = run("local", "status")
    assert shown.exit_code == ExitCode.NOT_FOUND
    assert str(orphan.pid) in shown.stderr
    assert "qlikops local down" in shown.stderr
    assert "is down" in run("local", "down").stderr
    assert not is_running(orphan)
    assert "was not running" in run("local", "down").stderr


@pytest.mark.parametrize("content", [*CONTENTS, "missing"])
def test_a_broken_memory_never_means_that_nothing_runs(state: LocalState, content: str) -> None:
    child = start(state)
    state.write_status(STATUS)
    if content != "missing":
        (state.folder / PROCESSES).write_bytes(CONTENTS[content])
    environment = LocalEnvironment(state)
    assert environment.status() is None
    assert environment.parts() == [child]
    assert environment.down()
    assert not is_running(child)
    assert not state.folder.exists()


def test_another_folders_children_are_left_alone(state: LocalState, tmp_path: Path) -> None:
    other = LocalState(tmp_path / "other")
    other.make_folder()
    ours, theirs = start(state), start(other)
    try:
        assert marked(state.folder) == [ours]
        LocalEnvironment(state).down()
        assert is_running(theirs)
    finally:
        stop([theirs], grace_seconds=0)


def test_a_link_to_the_folder_is_the_folder(state: LocalState, tmp_path: Path) -> None:
    child = start(state)
    (tmp_path / "link").symlink_to(state.folder.parent)
    assert marked(tmp_path / "link" / "local") == [child]


@pytest.mark.skipif(not Path("/bin/ps").exists() and not Path("/usr/bin/ps").exists(), reason="there is no ps here")
def test_ps_finds_the_same_as_proc(state: LocalState) -> None:
    child = start(state)
    mark = processes._mark_of(state.folder)
    assert list(processes._posix_marked(mark)) == list(processes._linux_marked(mark)) == [child.pid]


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
    path.write_text(codec.dumps(STATUS))
    monkeypatch.setattr(LocalEnvironment, "up", lambda *_: (STATUS, False))
    # A crash, and being ended from outside, as the real console tells of them in test_terminal_life.
    monkeypatch.setattr(demo, "open_console", lambda *_: code)
    assert run("demo").exit_code == code
