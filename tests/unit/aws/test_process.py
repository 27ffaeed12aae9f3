"""A credential_process that asks has the terminal before the console does, and never beside it."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qlikops.aws import process, session
from qlikops.aws.environment import AwsEnvironment
from qlikops.config import Context, Settings
from qlikops.domain.errors import CredentialsProblem, QlikopsError

KEYS = {"Version": 1, "AccessKeyId": "AKIA", "SecretAccessKey": "s3cret"}
Program = Callable[[str], AwsEnvironment]


@pytest.fixture(autouse=True)
def _own_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What one console signs in for is not the next test's."""
    monkeypatch.setattr(session, "_SIGNED_IN", {})
    with process.terminal(is_free=True):
        yield


@pytest.fixture
def signing_in_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """An environment whose profile signs in with that Python program; `role` stands on the same."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)

    def make(program: str, profile: str = "work") -> AwsEnvironment:
        (tmp_path / "program.py").write_text(f"import json, os, sys\nKEYS = {KEYS!r}\n{program}\n")
        (tmp_path / "config").write_text(
            f"[profile work]\ncredential_process = {sys.executable} {tmp_path / 'program.py'}\n"
            "[profile role]\nrole_arn = arn:aws:iam::111122223333:role/oncall\nsource_profile = work\n"
        )
        return AwsEnvironment(
            Context("prod", Settings(profile=profile, region="eu-west-1", endpoint_url="http://127.0.0.1:1"))
        )

    return make


SAYS_WHO_HAS_THE_TERMINAL = """
alone = os.getsid(0) == os.getpid() and os.readlink("/proc/self/fd/0") == os.devnull
open(sys.argv[0] + ".ran", "a").write("alone\\n" if alone else "in the terminal\\n")
print(json.dumps(KEYS))
"""


def ran(tmp_path: Path) -> list[str]:
    return (tmp_path / "program.py.ran").read_text().splitlines()


def test_what_it_asks_is_seen_while_it_asks(signing_in_with: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as answers:
        monkeypatch.setattr(sys, "stderr", Answering(writing))
        stdin = os.dup(0)
        os.dup2(answers.fileno(), 0)
        try:
            environment = signing_in_with(
                'print("Code: ", file=sys.stderr, end="", flush=True)\n'
                'assert sys.stdin.readline() == "123456\\n"\nprint(json.dumps(KEYS))'
            )
            environment.sign_in()
        finally:
            os.dup2(stdin, 0)
            os.close(stdin)
    assert environment.credentials().in_terminal


class Answering:
    """Somebody at the terminal: answers once what is asked is to be seen, and never before."""

    def __init__(self, answers: int) -> None:
        self._answers = answers
        self.seen = ""

    def write(self, text: str) -> int:
        self.seen += text
        if self.seen == "Code: ":
            os.write(self._answers, b"123456\n")
            os.close(self._answers)
        return len(text)

    def flush(self) -> None:
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
@pytest.mark.parametrize("profile", ["work", "role"])
def test_the_console_shares_neither_keys_nor_terminal(
    signing_in_with: Callable[..., AwsEnvironment], tmp_path: Path, profile: str
) -> None:
    environment = signing_in_with(SAYS_WHO_HAS_THE_TERMINAL, profile)
    with pytest.raises(QlikopsError):
        environment.caller()  # a command: nothing listens there, but the keys have been fetched
    process.take_terminal()
    with pytest.raises(QlikopsError):
        signing_in_with(SAYS_WHO_HAS_THE_TERMINAL, profile).caller()
    assert ran(tmp_path) == ["in the terminal", "alone"]


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
@pytest.mark.parametrize(("expiry", "runs"), [(None, 2), (timedelta(hours=2), 1)])
def test_what_lasts_is_not_asked_for_again(
    signing_in_with: Program, tmp_path: Path, expiry: timedelta | None, runs: int
) -> None:
    program = SAYS_WHO_HAS_THE_TERMINAL
    if expiry is not None:
        until = (datetime.now(UTC) + expiry).strftime("%Y-%m-%dT%H:%M:%SZ")
        program = program.replace("KEYS))", f"KEYS | {json.dumps({'Expiration': until, 'SessionToken': 't'})}))")
    environment = signing_in_with(program)
    environment.sign_in()
    with pytest.raises(QlikopsError):
        environment.caller()
    assert ran(tmp_path) == ["in the terminal"]
    # Opened anew, as the console does after trouble.
    with pytest.raises(QlikopsError):
        signing_in_with(program).caller()
    assert ran(tmp_path) == ["in the terminal", "alone"][:runs]


def test_what_is_waited_for_has_a_name_and_an_age(signing_in_with: Program, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "began")
    os.mkfifo(tmp_path / "go")
    environment = signing_in_with(
        f"open({str(tmp_path / 'began')!r}, 'w').close()\nopen({str(tmp_path / 'go')!r}).read()\n"
        "print(json.dumps(KEYS))"
    )
    process.take_terminal()

    def ask() -> None:
        with pytest.raises(QlikopsError):
            environment.caller()

    asking = threading.Thread(target=ask)
    asking.start()
    (tmp_path / "began").read_text()
    waiting = environment.waits_for
    (tmp_path / "go").write_text("")
    asking.join()

    assert waiting is not None
    assert waiting.what == "credential_process of the profile work"
    assert timedelta() <= datetime.now(UTC) - waiting.since < timedelta(minutes=5)
    assert environment.waits_for is None


def test_one_that_fails_is_said_before_the_screen_is_taken(signing_in_with: Program) -> None:
    environment = signing_in_with('print("locked out", file=sys.stderr)\nsys.exit(3)')
    with pytest.raises(CredentialsProblem, match="locked out"):
        environment.sign_in()


def test_without_one_nothing_is_looked_at(signing_in_with: Program, tmp_path: Path) -> None:
    environment = signing_in_with("sys.exit(3)")
    (tmp_path / "config").write_text("[profile work]\nregion = eu-west-1\n")
    assert not process.may_be_configured()
    environment.sign_in()


def test_a_look_at_files_that_are_not_there_finds_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "gone"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    assert not process.may_be_configured()
    (tmp_path / "credentials").write_text("[x]\ncredential_process = op\n")
    assert process.may_be_configured()
