"""What the console is given to open a context with: the local environment is looked up anew each time."""

from __future__ import annotations

from pathlib import Path

import pytest

from qlikops.cli.console import _signed_in, _source
from qlikops.cli.context import Invocation
from qlikops.config import LOCAL, Context, LocalConnection, local_status_path
from qlikops.domain.encoding import codec
from qlikops.domain.errors import CredentialsProblem, NotFound
from tests.embedded import REGION
from tests.fakes import FakeEnvironment


@pytest.fixture
def status(environ: dict[str, str]) -> Path:
    """Where the local environment describes itself; there is none."""
    path = local_status_path(environ)
    path.parent.mkdir(parents=True)
    return path


def up(status: Path, port: int) -> None:
    endpoint = f"http://127.0.0.1:{port}"
    status.write_text(codec.dumps(LocalConnection(endpoint, REGION, "qlikops", "", "", "")))


def test_the_local_environment_that_came_up_on_another_port_is_found_there(
    environ: dict[str, str], environment: FakeEnvironment, status: Path
) -> None:
    opened: list[Context] = []

    def open_environment(context: Context) -> FakeEnvironment:
        opened.append(context)
        return environment

    here = Invocation(environ=environ, open_environment=open_environment, answers=lambda _: True)
    up(status, 4001)
    first = here.resolve(LOCAL, read_only=True)
    ahead = FakeEnvironment(environment.approvals)
    source = _source(here, first, ahead)
    # What was opened before the console came is used, and only once.
    assert source.open() is ahead
    status.unlink()
    with pytest.raises(NotFound):
        source.open()
    up(status, 4002)
    assert source.open() is environment
    (again,) = opened
    assert again.local is not None
    assert again.local.endpoint_url == "http://127.0.0.1:4002"
    assert again.settings.read_only
    assert first.local is not None
    assert first.local.endpoint_url == "http://127.0.0.1:4001"


def test_any_other_context_is_what_it_was(environ: dict[str, str], environment: FakeEnvironment, status: Path) -> None:
    opened: list[Context] = []

    def open_environment(context: Context) -> FakeEnvironment:
        opened.append(context)
        return environment

    context = Context("production")
    source = _source(Invocation(environ=environ, open_environment=open_environment), context, None)
    up(status, 4001)
    for _ in range(2):
        source.open()
    assert opened == [context, context]


def test_what_may_ask_is_signed_in_to_before_the_screen_is_taken(
    environ: dict[str, str], environment: FakeEnvironment
) -> None:
    contexts = [Context("prod"), Context("test")]
    here = Invocation(environ=environ, open_environment=lambda _: environment)
    opened = _signed_in(here, contexts, None)
    assert environment.signed_in == 2
    # The console is given what was signed in.
    assert _source(here, contexts[0], opened["prod"]).open() is environment


class LockedOut(FakeEnvironment):
    """One whose credential_process gives no keys."""

    def sign_in(self) -> None:
        raise CredentialsProblem("the credential_process failed")


def test_one_that_cannot_be_signed_in_to_keeps_none_of_the_others_closed(
    environ: dict[str, str], environment: FakeEnvironment
) -> None:
    locked_out = LockedOut(environment.approvals)
    here = Invocation(
        environ=environ, open_environment=lambda context: locked_out if context.name == "prod" else environment
    )
    assert list(_signed_in(here, [Context("prod"), Context("test")], None)) == ["test"]
    with pytest.raises(CredentialsProblem):
        _signed_in(here, [Context("prod")], None)
