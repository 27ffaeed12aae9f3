"""A keyring is somebody else's program: whatever it raises or gives comes out as one error that says what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keyring
import keyring.errors
import pytest

from qlikops.cli.context import Invocation
from qlikops.cli.exit_codes import ExitCode
from qlikops.keyrings import KeyringFailed, system_keyring
from tests.unit.cli.conftest import Run

BREAKS: dict[str, Exception] = {
    "locked": keyring.errors.KeyringLocked("Failed to unlock the collection!"),
    "broken": keyring.errors.InitError("Failed to create the collection: Prompt dismissed."),
    "no backend": keyring.errors.NoKeyringError("No recommended backend was available."),
    "refused": keyring.errors.PasswordDeleteError("no such password"),
    "gone": RuntimeError("org.freedesktop.DBus.Error.NoReply: \x1b[31mgone"),
    "a socket": ConnectionRefusedError(111, "Connection refused"),
    "a library": ImportError("libdbus-1.so.3: cannot open shared object file"),
    "a bug": KeyError("session"),
    "silent": Exception(),
    "deep": RecursionError("maximum recursion depth exceeded"),
}
ENTRIES = [
    *("", "{", "null", "5", '"x"', "[]", "[5]", "{}", '{"instances": 5}', '{"instances": [5]}', '{"instances": [{}]}'),
    *('{"instances": [["name"]]}', "[" * 100_000, "9" * 5000, '{"expire_at": 5}', '{"access_key": "a"}'),
    '{"access_key": "a", "secret_key": "b", "token": "c", "expire_at": "never"}',
]


class Backend:
    """Raises `error`, or gives `entry`."""

    priority = 5.0

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.entry: Any = None
        self.kept: list[str] = []

    def get_password(self, service: str, username: str) -> str | None:  # noqa: ARG002 - one entry only
        return self._or_raise(self.entry)  # type: ignore[no-any-return]

    def set_password(self, service: str, username: str, password: str) -> None:  # noqa: ARG002
        self._or_raise(None)
        self.kept.append(password)

    def delete_password(self, service: str, username: str) -> None:  # noqa: ARG002
        self._or_raise(None)
        self.entry = None

    def _or_raise(self, value: Any) -> Any:
        if self.error is not None:
            raise self.error
        return value


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Backend:
    """The system's keyring, as the package keyring gives it. One of its own class would be there for every test."""
    made = Backend()
    monkeypatch.setattr(keyring, "get_keyring", lambda: made)
    return made


@pytest.fixture
def invocation(invocation: Invocation) -> Invocation:
    """With the system's keyring."""
    return replace(invocation, keyring=system_keyring)


@pytest.fixture
def mfa(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A profile whose keys take a code."""
    config = tmp_path / "aws-config"
    config.write_text(
        "[profile person]\naws_access_key_id = x\naws_secret_access_key = x\n"
        "mfa_serial = arn:aws:iam::111111111111:mfa/anna\nregion = eu-west-1\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return "person"


URL = "https://qem.example.com/attunityenterprisemanager/api/v1"
USES: list[tuple[str, ...]] = [
    ("login", "--url", URL, "--username", "u", "--password-stdin"),
    ("logout",),
    ("logout", "--instance", "x"),
    ("deploy", "--plan", "--qlik-login"),
    ("deploy", "--rotate-secret", "--qlik-login"),
]
"""Command lines that look into the keyring before anything else."""
OF_A_PROFILE: list[tuple[str, ...]] = [
    *(("logout",), ("logout", "--mfa"), ("doctor",), ("deploy", "--plan"), ("destroy", "--plan")),
    ("schedule", "--remove"),
]
"""Command lines for which a profile with MFA looks into it."""


@pytest.mark.parametrize("why", BREAKS)
@pytest.mark.parametrize("args", USES, ids=" ".join)
def test_a_keyring_that_fails_is_named(run: Run, backend: Backend, args: tuple[str, ...], why: str) -> None:
    backend.error = BREAKS[why]
    done = run(*args, input="secret\n")
    assert done.exit_code == ExitCode.UNREACHABLE
    assert "The system keyring could not" in done.stderr
    assert "python -m keyring diagnose" in done.stderr
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("why", ["locked", "a bug"])
@pytest.mark.parametrize("args", OF_A_PROFILE, ids=" ".join)
def test_so_it_is_for_a_profile_that_takes_a_code(
    run: Run, backend: Backend, mfa: str, args: tuple[str, ...], why: str
) -> None:
    backend.error = BREAKS[why]
    done = run("--profile", mfa, *args)
    assert done.exit_code in (ExitCode.UNREACHABLE, ExitCode.FAILURE)
    assert "The system keyring could not" in done.stdout + done.stderr


@pytest.mark.parametrize("why", BREAKS)
def test_config_says_it_and_goes_on(run: Run, backend: Backend, mfa: str, why: str) -> None:
    backend.error = BREAKS[why]
    done = run("--profile", mfa, "config", "--json")
    assert done.exit_code == ExitCode.OK
    assert "The system keyring could not" in json.loads(done.stdout)["mfa_session"]["origin"]


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("args", USES, ids=" ".join)
def test_an_entry_that_makes_no_sense_is_named_and_can_be_forgotten(
    run: Run, backend: Backend, args: tuple[str, ...], entry: str
) -> None:
    backend.entry = entry
    done = run(*args, input="secret\n")
    assert backend.entry in (entry, None)
    if done.exit_code == ExitCode.UNREACHABLE:
        assert "qlikops logout --context default" in done.stderr
        assert "access_key" not in done.stderr
        assert backend.entry == entry
        assert not backend.kept
    assert run("logout").exit_code in (ExitCode.OK, ExitCode.NOT_FOUND)


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_session_that_makes_no_sense_is_named_and_can_be_forgotten(
    run: Run, backend: Backend, mfa: str, entry: str
) -> None:
    backend.entry = entry
    assert run("--profile", mfa, "schedule", "--remove").exit_code in (ExitCode.UNREACHABLE, ExitCode.USAGE)
    assert run("--profile", mfa, "logout", "--mfa").exit_code in (ExitCode.OK, ExitCode.NOT_FOUND)


@pytest.mark.parametrize("given", [5, b"bytes", ["x"]])
def test_what_is_no_text_is_no_password(backend: Backend, given: object) -> None:
    backend.entry = given
    found = system_keyring()
    assert found is not None
    with pytest.raises(KeyringFailed, match=f"it gave a {type(given).__name__}"):
        found.get_password("qlikops", "qlik/prod")


def _refuse() -> Any:
    raise ModuleNotFoundError("No module named 'nonsense'")


class _Priceless:
    @property
    def priority(self) -> float:
        raise RuntimeError("Requires macOS")


@pytest.mark.parametrize("get", [_refuse, _Priceless])
def test_one_that_cannot_even_be_opened_is_named(monkeypatch: pytest.MonkeyPatch, get: Callable[[], object]) -> None:
    monkeypatch.setattr(keyring, "get_keyring", get)
    with pytest.raises(KeyringFailed, match="could not be opened"):
        system_keyring()


def test_the_commands_ask_the_system(backend: Backend) -> None:
    backend.entry = "kept"
    found = Invocation().keyring()
    assert found is not None
    assert found.get_password("qlikops", "qlik/prod") == "kept"
