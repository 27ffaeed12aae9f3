"""Child processes that outlive the command which started them, and are ended by another one.

Each leads its own session, so that the terminal's Ctrl-C does not reach it and its own children (Lambda workers) can
be ended with it. A process is named by pid and start time: a pid alone may be somebody else's by now.

Whoever starts a child may be killed before it has remembered it, and what was remembered may be lost or broken. So
every child carries a mark on its command line, by which it is found without any memory.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qlikops.domain.errors import QlikopsError
from qlikops.files import writing

GRACE_SECONDS = 3.0
"""The embedded AWS can take very long over a SIGTERM while approvals wait."""
_POLL_SECONDS = 0.05
_KILL_SECONDS = 10.0
_MARK = "qlikops-local="
"""An option of the interpreter's (-X) that it passes over; what follows is the folder that the child works for."""

_HAS_PROC = Path("/proc/self/stat").exists()

_children: dict[int, subprocess.Popen[bytes]] = {}
"""Started by this very process, which must reap them, or they stay zombies."""


class ProcessesSurvive(QlikopsError):
    """The system does not let go of a killed process."""


@dataclass(frozen=True, slots=True)
class ChildProcess:
    """One process for ever."""

    pid: int
    started: str
    """The system's own word for when it started; compared, never read."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line of the process table."""

    group: int
    started: str
    is_zombie: bool


def python(folder: Path, *arguments: str) -> list[str]:
    """The command line of a child of ours: this interpreter, marked with the folder that it works for."""
    return [sys.executable, "-X", _mark_of(folder), *arguments]


def marked(folder: Path) -> list[ChildProcess]:
    """Every running child that was started for `folder`, by whomever and whether or not anybody remembered it."""
    table = _process_table()
    pids = _linux_marked(_mark_of(folder)) if _HAS_PROC else _posix_marked(_mark_of(folder))
    return [ChildProcess(pid, table[pid].started) for pid in pids if pid in table and not table[pid].is_zombie]


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    log: Path,
    remember: Callable[[ChildProcess], None] = lambda _: None,
) -> ChildProcess:
    """Starts `argv` detached, with exactly `env`, its output in `log`.

    `remember` hears of it before any signal can interrupt. Raises UnwritableFile where the log cannot be written.
    """
    with contextlib.ExitStack() as stack:
        with writing(log):
            output = stack.enter_context(log.open("wb"))
        stack.enter_context(_interrupts_deferred())
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and modules
            list(argv),
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        _children[process.pid] = process
        entry = _process_table().get(process.pid)
        child = ChildProcess(process.pid, entry.started if entry else "")
        remember(child)
    return child


def is_running(child: ChildProcess) -> bool:
    """Whether this very process lives."""
    _reap([child])
    return _is_alive(child, _process_table())


def stop(
    children: Iterable[ChildProcess],
    *,
    grace_seconds: float = GRACE_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Ends `children` and whatever they started, politely at first, and returns when all of it is gone.

    Raises ProcessesSurvive.
    """
    children = list(children)
    _reap(children)
    table = _process_table()
    groups = [child.pid for child in children if _owns_group(child, table)]
    for child in children:
        if _is_alive(child, table):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(child.pid, signal.SIGTERM)

    def wait(until: Callable[[], bool], seconds: float) -> bool:
        deadline = clock() + seconds
        while not until():
            if clock() >= deadline:
                return False
            sleep(_POLL_SECONDS)
        return True

    wait(lambda: not any(is_running(child) for child in children), grace_seconds)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)

    def all_gone() -> bool:
        _reap(children)
        return not any(entry.group in groups and not entry.is_zombie for entry in _process_table().values())

    if not wait(all_gone, _KILL_SECONDS):
        raise ProcessesSurvive(
            f"Processes of the groups {', '.join(map(str, groups))} survive SIGKILL.",
            "`ps -A -o pid,pgid,stat,args` shows them and what they wait for.",
        )


@contextlib.contextmanager
def _interrupts_deferred() -> Iterator[None]:
    """Inside, what would interrupt waits for the end. Handlers, not a mask: a child inherits a mask."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pending: list[int] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    heard = {number: handler for number, handler in handlers.items() if handler is not signal.SIG_IGN}
    for number in heard:
        signal.signal(number, lambda received, _frame: pending.append(received))
    try:
        yield
    finally:
        for number, handler in heard.items():
            signal.signal(number, handler)
        for late in pending:
            signal.raise_signal(late)


def _is_alive(child: ChildProcess, table: Mapping[int, _Entry]) -> bool:
    entry = table.get(child.pid)
    return entry is not None and entry.started == child.started and not entry.is_zombie


def _owns_group(child: ChildProcess, table: Mapping[int, _Entry]) -> bool:
    """Whether the process group `child.pid` is the one that `child` led."""
    leader = table.get(child.pid)
    if leader is not None:
        return leader.started == child.started
    # Its leader is gone. No new process gets a pid that still names a group, so what is left is what it started.
    return any(entry.group == child.pid for entry in table.values())


def _reap(children: Iterable[ChildProcess]) -> None:
    for child in children:
        process = _children.get(child.pid)
        if process is not None and process.poll() is not None:
            del _children[child.pid]


def _process_table() -> dict[int, _Entry]:
    return _linux_process_table() if _HAS_PROC else _posix_process_table()


def _linux_process_table() -> dict[int, _Entry]:
    table = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            # The command's name, in parentheses, may hold anything; what follows it are state, ppid, pgrp, …
            fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
            table[int(folder.name)] = _Entry(group=int(fields[2]), started=fields[19], is_zombie=fields[0] in "ZX")
    return table


def _mark_of(folder: Path) -> str:
    return f"{_MARK}{folder.resolve()}"


def _linux_marked(mark: str) -> Iterator[int]:
    wanted = os.fsencode(mark)
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            # Anybody may write anything on a command line; only this user's own processes can be ours.
            if wanted in (folder / "cmdline").read_bytes().split(b"\0") and folder.stat().st_uid == os.getuid():
                yield int(folder.name)


def _posix_marked(mark: str) -> Iterator[int]:
    for line in _ps("pid=,uid=,args="):
        pid, user, command = line.split(maxsplit=2)
        if f"-X {mark} " in f"{command} " and int(user) == os.getuid():
            yield int(pid)


def _posix_process_table() -> dict[int, _Entry]:
    table = {}
    for line in _ps("pid=,pgid=,stat=,lstart="):
        pid, group, state, started = line.split(maxsplit=3)
        table[int(pid)] = _Entry(group=int(group), started=started.strip(), is_zombie=state.startswith("Z"))
    return table


def _ps(columns: str) -> list[str]:
    listing = subprocess.run(  # noqa: S603 - our own words
        ["ps", "-A", "-ww", "-o", columns],  # noqa: S607 - wherever the system keeps it
        check=True,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
    ).stdout
    return listing.splitlines()
