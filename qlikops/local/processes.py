"""Child processes that outlive the command which started them, and are ended by another one.

Each leads its own session, so that the terminal's Ctrl-C does not reach it and its own children (Lambda workers) can
be ended with it. A process is named by pid and start time: a pid alone may be somebody else's by now.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

GRACE_SECONDS = 3.0
"""The embedded AWS can take very long over a SIGTERM while approvals wait."""
_POLL_SECONDS = 0.05
_KILL_SECONDS = 10.0

_children: dict[int, subprocess.Popen[bytes]] = {}
"""Started by this very process, which must reap them, or they stay zombies."""


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


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    log: Path,
    remember: Callable[[ChildProcess], None] = lambda _: None,
) -> ChildProcess:
    """Starts `argv` detached, with exactly `env`, its output in `log`.

    `remember` hears of it before anything can interrupt: a child that nobody remembers is a child that nobody ends.
    """
    with log.open("wb") as output, _interrupts_deferred():
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

    Raises TimeoutError if the system does not let go of a killed process.
    """
    children = list(children)
    _reap(children)
    table = _process_table()
    groups = [child.pid for child in children if _owns_group(child, table)]
    for child in children:
        if _is_alive(child, table):
            with contextlib.suppress(ProcessLookupError):
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
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)

    def all_gone() -> bool:
        _reap(children)
        return not any(entry.group in groups and not entry.is_zombie for entry in _process_table().values())

    if not wait(all_gone, _KILL_SECONDS):
        raise TimeoutError(f"processes of the groups {groups} survive SIGKILL")


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
    return _linux_process_table() if Path("/proc/self/stat").exists() else _posix_process_table()


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


def _posix_process_table() -> dict[int, _Entry]:
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,pgid=,stat=,lstart="],  # noqa: S607 - wherever the system keeps it
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
    ).stdout
    table = {}
    for line in listing.splitlines():
        pid, group, state, started = line.split(maxsplit=3)
        table[int(pid)] = _Entry(group=int(group), started=started.strip(), is_zombie=state.startswith("Z"))
    return table
