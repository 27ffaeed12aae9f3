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
from qlikops.config import LocalConnection, local_status_path
from qlikops.domain.encoding import codec
from tests.embedded import REGION, EmbeddedAws
from tests.fakes import Clock, FakeApprovals, FakeEnvironment, FakeKeyring
from tests.unit.domain.samples import NOON, WAITING

Run = Callable[..., Result]
LOCAL = ("--context", "local")
"""The context of the fixture `aws`."""


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
def environments(environment: FakeEnvironment) -> dict[str, FakeEnvironment]:
    """By context; every other name is `environment`."""
    return {"default": environment}


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


@pytest.fixture
def two_contexts(
    environ: dict[str, str], environments: dict[str, FakeEnvironment], environment: FakeEnvironment, clock: Clock
) -> FakeEnvironment:
    """The contexts `eu`, which is `environment`, and `us`, in which nothing waits: that one."""
    Path(environ["QLIKOPS_CONFIG"]).write_text("[contexts.eu]\n[contexts.us]\n")
    environments["eu"] = environment
    environments["us"] = FakeEnvironment(FakeApprovals(clock))
    return environments["us"]


@dataclass
class Keyrings:
    """The system's keyring; None where there is none."""

    system: FakeKeyring | None


@pytest.fixture
def keyrings() -> Keyrings:
    return Keyrings(FakeKeyring())


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"QLIKOPS_CONFIG": str(tmp_path / "config.toml"), "QLIKOPS_DATA_DIR": str(tmp_path / "data")}


@pytest.fixture
def invocation(
    environment: FakeEnvironment,
    environments: dict[str, FakeEnvironment],
    clock: Clock,
    terminal: Terminal,
    environ: dict[str, str],
    keyrings: Keyrings,
) -> Invocation:
    """What every command is given."""
    return Invocation(
        environ=environ,
        open_environment=lambda context: environments.get(context.name, environment),
        answers=lambda _: False,
        is_terminal=terminal,
        keyring=lambda: keyrings.system,
        now=clock.now,
        monotonic=clock.monotonic,
        sleep=lambda seconds: clock.sleep(seconds),  # looked up when it is called: a test may put its own there
    )


@pytest.fixture
def run(invocation: Invocation) -> Run:
    """Runs the command line; stdout and stderr are apart. Fails where the net under all commands was needed."""

    def invoke(*args: str, **options: Any) -> Result:
        done = CliRunner().invoke(app, args, obj=invocation, catch_exceptions=False, **options)
        assert not done.stderr.startswith("Fault:"), done.stderr
        assert "\nFault:" not in done.stderr, done.stderr
        return done

    return invoke


@pytest.fixture
def aws(fresh_aws: EmbeddedAws, environ: dict[str, str]) -> EmbeddedAws:
    """The context `local` is this one."""
    path = local_status_path(environ)
    path.parent.mkdir(parents=True)
    path.write_text(codec.dumps(LocalConnection(fresh_aws.endpoint, REGION, "qlikops", "", "", "")))
    return fresh_aws
