"""The command line with a fake environment, a clock that stands still, and no configuration of this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from qlikops.cli.context import Invocation
from qlikops.cli.main import app
from tests.fakes import Clock, FakeApprovals, FakeEnvironment
from tests.unit.domain.samples import NOON, WAITING

Run = Callable[..., Result]


@dataclass
class Terminal:
    """Whether somebody sits there."""

    present: bool = False

    def __call__(self) -> bool:
        return self.present


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
def environment(clock: Clock) -> FakeEnvironment:
    return FakeEnvironment(FakeApprovals(clock, {WAITING.approval_id: WAITING}))


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"QLIKOPS_CONFIG": str(tmp_path / "config.toml"), "QLIKOPS_DATA_DIR": str(tmp_path / "data")}


@pytest.fixture
def run(environment: FakeEnvironment, clock: Clock, terminal: Terminal, environ: dict[str, str]) -> Run:
    """Runs the command line; stdout and stderr are apart."""

    def invoke(*args: str, **options: Any) -> Result:
        invocation = Invocation(
            environ=environ,
            open_environment=lambda _: environment,
            answers=lambda _: False,
            is_terminal=terminal,
            now=clock.now,
            monotonic=clock.monotonic,
            sleep=clock.sleep,
        )
        return CliRunner().invoke(app, args, obj=invocation, catch_exceptions=False, **options)

    return invoke
