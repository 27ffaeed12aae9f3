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

import pytest

from qlikops.local import processes
from qlikops.local.processes import ChildProcess, is_running, spawn, stop

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

Start = Callable[..., ChildProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[ChildProcess] = []

    def run(code: str, **env: str) -> ChildProcess:
        child = spawn([sys.executable, "-c", code], env=env, cwd=tmp_path, log=tmp_path / "log")
        started.append(child)
        return child

    yield run
    stop(started, grace_seconds=0)


def first_line(log: Path) -> str:
    deadline = time.monotonic() + 10
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


def test_an_interrupt_waits_until_the_child_is_remembered(tmp_path: Path) -> None:
    remembered: list[ChildProcess] = []

    def remember(child: ChildProcess) -> None:
        signal.raise_signal(signal.SIGINT)
        remembered.append(child)

    with pytest.raises(KeyboardInterrupt):
        spawn([sys.executable, "-c", SLEEPER], env={}, cwd=tmp_path, log=tmp_path / "log", remember=remember)
    (child,) = remembered
    assert is_running(child)
    stop([child])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_stop_ends_it_and_is_fine_when_it_is_gone(start: Start) -> None:
    child = start(SLEEPER)
    assert is_running(child)
    stop([child])
    assert not is_running(child)
    stop([child])


def test_stop_kills_what_does_not_listen_after_the_grace(start: Start, tmp_path: Path) -> None:
    child = start(STUBBORN)
    first_line(tmp_path / "log")
    stop([child], grace_seconds=0.1)
    assert not is_running(child)


def test_stop_ends_grandchildren_too(start: Start, tmp_path: Path) -> None:
    child = start(PARENT)
    grandchild = int(first_line(tmp_path / "log"))
    assert is_there(grandchild)
    stop([child])
    assert not is_there(grandchild)


def test_grandchildren_of_a_killed_child_are_ended_too(start: Start, tmp_path: Path) -> None:
    child = start(PARENT)
    grandchild = int(first_line(tmp_path / "log"))
    os.kill(child.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while is_running(child):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert is_there(grandchild)
    stop([child])
    assert not is_there(grandchild)


def test_a_recycled_pid_is_left_alone(start: Start) -> None:
    somebody = start(SLEEPER)
    ours = ChildProcess(somebody.pid, "long ago")
    assert not is_running(ours)
    stop([ours])
    assert is_running(somebody)


def test_another_process_can_end_it(start: Start) -> None:
    child = start(SLEEPER)
    code = f"from qlikops.local.processes import *; stop([ChildProcess({child.pid}, {child.started!r})])"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": os.pathsep.join(sys.path)})
    assert not is_running(child)


@pytest.mark.skipif(not Path("/bin/ps").exists() and not Path("/usr/bin/ps").exists(), reason="there is no ps here")
def test_ps_tells_the_same_as_proc(start: Start) -> None:
    child = start(SLEEPER)
    table = processes._posix_process_table()
    assert table[child.pid].group == child.pid
    assert not table[child.pid].is_zombie
