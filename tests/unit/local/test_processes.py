"""Real child processes: found again by another command, ended with all that they started, never mistaken."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qlikops.local import processes
from qlikops.local.processes import running, spawn, stop

SLEEPER = "import time; time.sleep(600)"
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('on', flush=True)
time.sleep(600)
"""
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""

Start = Callable[..., int]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    yield lambda code, **env: start_in(tmp_path, code, **env)
    stop(tmp_path, grace_seconds=0)


def start_in(folder: Path, code: str, **env: str) -> int:
    return spawn("-c", code, env=env, temporary=folder, cwd=folder, log=folder / "log").pid


def pids(folder: Path) -> set[int]:
    return {process.pid for process in running(folder)}


def first_line(log: Path) -> str:
    deadline = time.monotonic() + 60
    while not (text := log.read_text()).endswith("\n"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return text.strip()


def is_there(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_a_child_leads_its_own_session_with_exactly_its_environment(start: Start, tmp_path: Path) -> None:
    start("import os; print(os.getsid(0) == os.getpid(), dict(os.environ).get('HOME'), os.environ['ONLY'])", ONLY="x")
    assert first_line(tmp_path / "log") == "True None x"


def test_an_interrupt_while_a_child_starts_comes_when_it_can_be_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = subprocess.Popen

    def interrupted(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        os.kill(os.getpid(), signal.SIGINT)
        return begin(*arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", interrupted)
    with pytest.raises(KeyboardInterrupt):
        start_in(tmp_path, SLEEPER)
    assert len(pids(tmp_path)) == 1
    assert stop(tmp_path)


def test_a_child_that_could_not_be_found_again_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_SHOWN_SECONDS", 0)
    monkeypatch.setattr(processes, "running", lambda _: [])
    with pytest.raises(processes.ProcessHidden, match="does not show the environment of the process") as caught:
        start_in(tmp_path, SLEEPER)
    pid = int(str(caught.value).partition(",")[0].rpartition(" ")[2])
    os.waitpid(pid, 0)
    assert not is_there(pid)


def test_what_names_its_folder_relative_to_its_own_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = subprocess.Popen(
        [sys.executable, "-c", f"print(flush=True); {SLEEPER}"], env={"TMPDIR": "."}, stdout=subprocess.PIPE
    )
    try:
        assert theirs.stdout is not None
        assert theirs.stdout.readline()
        monkeypatch.chdir(tmp_path)
        assert not stop(tmp_path)
    finally:
        theirs.kill()
        theirs.communicate()


def test_stop_ends_it_and_is_fine_when_it_is_gone(start: Start, tmp_path: Path) -> None:
    child = start(SLEEPER)
    assert pids(tmp_path) == {child}
    assert stop(tmp_path)
    assert not is_there(child)
    assert not stop(tmp_path)


def test_stop_kills_what_does_not_listen_after_the_grace(start: Start, tmp_path: Path) -> None:
    child = start(STUBBORN)
    first_line(tmp_path / "log")
    assert stop(tmp_path, grace_seconds=0.1)
    assert not is_there(child)


def test_stop_ends_grandchildren_too(start: Start, tmp_path: Path) -> None:
    child = start(PARENT)
    grandchild = int(first_line(tmp_path / "log"))
    assert pids(tmp_path) == {child, grandchild}
    assert stop(tmp_path)
    assert not is_there(grandchild)


def test_grandchildren_of_a_killed_child_are_ended_too(start: Start, tmp_path: Path) -> None:
    child = start(PARENT)
    grandchild = int(first_line(tmp_path / "log"))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert pids(tmp_path) == {grandchild}
    assert stop(tmp_path)
    assert not is_there(grandchild)


def test_another_process_can_end_it(start: Start, tmp_path: Path) -> None:
    child = start(SLEEPER)
    code = f"import pathlib; from qlikops.local.processes import stop; stop(pathlib.Path({str(tmp_path)!r}))"
    ending = subprocess.Popen([sys.executable, "-c", code], env={"PYTHONPATH": os.pathsep.join(sys.path)})
    os.waitpid(child, 0)
    assert ending.wait() == 0
    assert not running(tmp_path)


def test_without_psutil_its_installation_is_told() -> None:
    code = "import sys; sys.modules['psutil'] = None; import qlikops.local.processes"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, text=True
    )
    assert "The local environment is not installed" in done.stderr
