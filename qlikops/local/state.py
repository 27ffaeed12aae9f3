"""What the local environment remembers on disk, all of it under one folder.

    <data folder>/local.lock        held while `up` or `down` works
    <data folder>/local/            removed by `down`
        status.json                 there once everything runs; mode 0600, it holds the simulated Qlik's password
        logs/, aws/, qlik/          of the two children

The data folder is QLIKOPS_DATA_DIR, or the platform's own for qlikops.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from datetime import datetime
from pathlib import Path

from qlikops.config import DATA_VARIABLE, data_dir
from qlikops.dataclass import dataclass
from qlikops.domain.encoding import codec
from qlikops.files import UnreadableFile, read_json, replace_text, writing

STATUS = "status.json"
ELSEWHERE = f"Make room and rights there, or name another folder in {DATA_VARIABLE}."


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
    """URL of the embedded AWS."""
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
    """Process ids by `aws` and `qlik`."""
    started_at: datetime
    version: str
    """Version of the qlikops that started it."""
    scenario: str = ""
    approval_timeout_seconds: int = 0
    evaluator: str = "rules"
    """`rules`, or the model and where it runs."""


class LocalState:
    """Reads and writes the folder."""

    def __init__(self, data_folder: Path) -> None:
        self._data_folder = data_folder
        self.folder = data_folder / "local"

    @classmethod
    def default(cls, environ: Mapping[str, str] = os.environ) -> LocalState:
        """Finds the state in QLIKOPS_DATA_DIR, or in the platform's data folder."""
        return cls(data_dir(environ).absolute())

    @contextlib.contextmanager
    def locked(self, on_wait: Callable[[], None]) -> Iterator[None]:
        """One `up` or `down` at a time; calls `on_wait` if another one is at work. The system frees it on any exit."""
        path = self._data_folder / "local.lock"
        with contextlib.ExitStack() as stack:
            with writing(path, ELSEWHERE):
                self._data_folder.mkdir(parents=True, exist_ok=True)
                lock = stack.enter_context(path.open("a"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                on_wait()
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def make_folder(self, *parts: str) -> Path:
        """A folder that only its owner can read, made if it is missing."""
        folder = self.folder.joinpath(*parts)
        with writing(folder, ELSEWHERE):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    def log(self, name: str) -> Path:
        """The log of the child `name`."""
        return self.make_folder("logs") / f"{name}.log"

    def clear(self, *, keep_logs: bool = False) -> None:
        """Removes everything but the lock, and but the logs if they are wanted."""
        with writing(self.folder, ELSEWHERE):
            if not self.folder.exists():
                return
            for path in self.folder.iterdir():
                if path.is_dir() and not path.is_symlink():
                    if not (keep_logs and path.name == "logs"):
                        shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    def read_status(self) -> LocalStatus | None:
        """What the last complete `up` wrote; whether it still runs is another question.

        None where that makes no sense: then nothing complete is described, and `up` starts afresh.
        """
        with contextlib.suppress(UnreadableFile, codec.CodecError):
            return codec.decode(LocalStatus, read_json(self.folder / STATUS))
        return None

    def write_status(self, status: LocalStatus) -> None:
        """Says that the environment is complete."""
        replace_text(self.make_folder() / STATUS, codec.dumps(status) + "\n", ELSEWHERE)
