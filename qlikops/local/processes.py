"""Child processes that outlive the command which started them, and are ended by another one.

Every child has its temporary folder inside the folder that it works for, and whatever it starts (Lambda workers)
inherits that. So all of them are found by their own environment: nothing has to be remembered, and a command that is
killed half way loses none of them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from qlikops.domain.errors import QlikopsError
from qlikops.files import writing

try:
    import psutil
except ModuleNotFoundError as exc:
    raise QlikopsError(
        "The local environment is not installed: the package psutil is missing.",
        f"Install it with: {sys.executable} -m pip install 'qlikops[local]'",
    ) from exc

GRACE_SECONDS = 3.0
"""The embedded AWS can take very long over a SIGTERM while approvals wait."""
_KILL_SECONDS = 10.0
_LOOK_SECONDS = 0.5
_INSTANT_SECONDS = 0.001
_SHOWN_SECONDS = 10.0

_started: list[subprocess.Popen[bytes]] = []
"""Kept, because a Popen that is forgotten while its process runs warns of that."""


class ProcessHidden(QlikopsError):
    """The system does not show the environment of a process that we started."""


class ProcessesSurvive(QlikopsError):
    """The system does not let go of a killed process."""


def spawn(*arguments: str, env: Mapping[str, str], temporary: Path, cwd: Path, log: Path) -> subprocess.Popen[bytes]:
    """Starts this interpreter with `arguments`, in a session of its own, so that no Ctrl-C of the terminal reaches it.

    It gets exactly `env` and TMPDIR, which is `temporary`; its output goes to `log`. Raises UnwritableFile, and
    ProcessHidden, having ended it, if nothing could find it again.
    """
    with contextlib.ExitStack() as stack:
        with writing(log):
            output = stack.enter_context(log.open("wb"))
        stack.enter_context(_interrupts_deferred())
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and modules
            [sys.executable, *arguments],
            env={**env, "TMPDIR": str(temporary)},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        _started.append(child)
        # For an instant after exec the system shows no environment, and nothing may end us before the child is found.
        deadline = time.monotonic() + _SHOWN_SECONDS
        while child.poll() is None and child.pid not in {process.pid for process in running(temporary)}:
            if time.monotonic() >= deadline:
                child.kill()
                raise ProcessHidden(
                    f"The system does not show the environment of the process {child.pid}, which must be found by it.",
                    f"Use a Python that is not protected, in a virtual environment; this is {sys.executable}.",
                )
            time.sleep(_INSTANT_SECONDS)
    return child


def running(folder: Path) -> list[psutil.Process]:
    """Every process that works for `folder`: this user's own with a temporary folder inside it."""
    inside = folder.resolve()
    return [
        process
        for process in psutil.process_iter(["environ", "uids"])
        # Both are None of a process that may not be looked at, and that is never ours.
        if (temporary := (process.info["environ"] or {}).get("TMPDIR"))
        and process.info["uids"].real == os.getuid()
        # A relative one is relative to a folder of theirs, not to ours.
        and os.path.isabs(temporary)
        and Path(temporary).resolve().is_relative_to(inside)
    ]


def stop(folder: Path, *, grace_seconds: float = GRACE_SECONDS) -> bool:
    """Ends whatever works for `folder`, politely at first, and says whether anything did.

    Returns when all of it is gone. Raises ProcessesSurvive.
    """
    found = running(folder)
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    psutil.wait_procs(found, timeout=grace_seconds)
    deadline = time.monotonic() + _KILL_SECONDS
    # Looked for anew each time: one that was found may have started another one meanwhile.
    while survivors := running(folder):
        if time.monotonic() >= deadline:
            raise ProcessesSurvive(
                f"The processes {', '.join(str(each.pid) for each in survivors)} survive SIGKILL.",
                "`ps -A -o pid,pgid,stat,args` shows them and what they wait for.",
            )
        for process in survivors:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(survivors, timeout=_LOOK_SECONDS)
    return bool(found)


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
