"""What the local environment remembers on disk, all of it under one folder.

    <data folder>/local.lock        held while `up` or `down` works
    <data folder>/local/            removed by `down`
        status.json                 there once everything runs; mode 0600, it holds the simulated Qlik's password
        processes.json              what was started, written before it is waited for
        logs/, aws/, qlik/          of the two children

The data folder is QLIKOPS_DATA_DIR, or the platform's own for qlikops.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from qlikops.config import data_dir
from qlikops.domain import codec
from qlikops.local.processes import ChildProcess

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SimulatedQlik:
    """How to reach the simulated Enterprise Manager."""

    base_url: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LocalStatus:
    """A local environment that runs; `status.json` and `qlikops local status --json` have these fields."""

    endpoint_url: str
    """Of the embedded AWS."""
    region: str
    account: str
    stack: str
    state_machine_arn: str
    table: str
    bucket: str
    topic_arn: str
    schedule: str
    """The schedule's name."""
    qlik: SimulatedQlik
    pids: dict[str, int]
    """By `aws` and `qlik`."""
    started_at: datetime
    version: str
    """Of the qlikops that started it."""
    scenario: str = ""
    approval_timeout_seconds: int = 0
    evaluator: str = "rules"
    """`rules`, or the model and where it runs."""


@dataclass(frozen=True, slots=True)
class _Started:
    """The children by name, as in processes.json."""

    processes: dict[str, ChildProcess]


class LocalState:
    """Reads and writes the folder."""

    def __init__(self, data_folder: Path) -> None:
        self._data_folder = data_folder
        self.folder = data_folder / "local"

    @classmethod
    def default(cls) -> LocalState:
        """In QLIKOPS_DATA_DIR, or in the platform's data folder."""
        return cls(data_dir().absolute())

    @contextlib.contextmanager
    def locked(self, on_wait: Callable[[], None]) -> Iterator[None]:
        """One `up` or `down` at a time; calls `on_wait` if another one is at work. The system frees it on any exit."""
        self._data_folder.mkdir(parents=True, exist_ok=True)
        with (self._data_folder / "local.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                on_wait()
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def make_folder(self, *parts: str) -> Path:
        """A folder of ours for nobody else to read, made if it is missing."""
        folder = self.folder.joinpath(*parts)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    def log(self, name: str) -> Path:
        """The log of the child `name`."""
        return self.make_folder("logs") / f"{name}.log"

    def clear(self, *, keep_logs: bool = False) -> None:
        """Removes everything but the lock, and but the logs if they are wanted."""
        if not self.folder.exists():
            return
        for path in self.folder.iterdir():
            if path.is_dir():
                if not (keep_logs and path.name == "logs"):
                    shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    def read_status(self) -> LocalStatus | None:
        """What the last complete `up` wrote; whether it still runs is another question."""
        return self._read(LocalStatus, "status.json")

    def write_status(self, status: LocalStatus) -> None:
        """Says that the environment is complete."""
        self._write("status.json", status)

    def read_processes(self) -> dict[str, ChildProcess]:
        """Whatever was started and not yet cleared away, running or not."""
        started = self._read(_Started, "processes.json")
        return started.processes if started else {}

    def write_processes(self, processes: dict[str, ChildProcess]) -> None:
        """Remembers what must be ended."""
        self._write("processes.json", _Started(processes))

    def _read(self, cls: type[T], name: str) -> T | None:
        try:
            return codec.loads(cls, (self.folder / name).read_text(encoding="utf-8"))
        except (FileNotFoundError, codec.CodecError):
            return None

    def _write(self, name: str, value: Any) -> None:
        target = self.make_folder() / name
        fresh = target.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(codec.dumps(value) + "\n")
        fresh.replace(target)
