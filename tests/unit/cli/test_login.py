"""Accounts by command: asked for, never an argument, never printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qlikops.cli.exit_codes import ExitCode
from tests.embedded import REGION, EmbeddedAws
from tests.unit.cli.conftest import Keyrings, Run, Terminal

URL = "https://qem.example.com/attunityenterprisemanager/api/v1"


def kept(keyrings: Keyrings) -> list[dict[str, str]]:
    assert keyrings.system is not None
    found: list[dict[str, str]] = json.loads(keyrings.system.kept["qlikops", "qlik/default"])["instances"]
    return found


def test_a_person_is_asked_for_what_is_missing(run: Run, terminal: Terminal, keyrings: Keyrings) -> None:
    terminal.present = True
    done = run("login", "--url", URL, input="monitor\nsecret\n")
    assert done.exit_code == ExitCode.OK
    assert kept(keyrings) == [{"name": "default", "base_url": URL, "username": "monitor", "password": "secret"}]
    assert "secret" not in done.stdout + done.stderr


def test_a_pipeline_pipes_the_password_in(run: Run, keyrings: Keyrings) -> None:
    done = run("login", "--url", URL, "--username", "monitor", "--password-stdin", input="secret\n")
    assert done.exit_code == ExitCode.OK
    again = run("login", "--operator", "--username", "op", "--password-stdin", input="other\n")
    assert again.exit_code == ExitCode.OK
    (instance,) = kept(keyrings)
    assert (instance["password"], instance["operator_username"], instance["operator_password"]) == (
        "secret",
        "op",
        "other",
    )


@pytest.mark.parametrize(("option", "key"), [("--token", "api_token"), ("--jwt", "jwt")])
def test_a_token_needs_no_user_and_takes_a_password_s_place(
    run: Run, keyrings: Keyrings, option: str, key: str
) -> None:
    run("login", "--url", URL, "--username", "u", "--password-stdin", input="secret\n")
    assert run("login", option, "--password-stdin", input="t\n").exit_code == ExitCode.OK
    assert kept(keyrings) == [{"name": "default", "base_url": URL, "username": "u", key: "t"}]


@pytest.mark.parametrize(
    ("args", "given"),
    [
        (["--url", URL, "--username", "u"], ""),
        (["--url", URL, "--password-stdin"], "secret\n"),
        (["--username", "u", "--password-stdin"], "secret\n"),
        (["--url", URL, "--username", "u", "--password-stdin"], "\n"),
        (["--operator", "--token"], ""),
        (["--token", "--jwt"], ""),
    ],
)
def test_what_is_missing_where_nobody_can_be_asked(run: Run, keyrings: Keyrings, args: list[str], given: str) -> None:
    assert run("login", *args, input=given).exit_code == ExitCode.USAGE
    assert keyrings.system is not None
    assert keyrings.system.kept == {}


def test_without_a_keyring_it_says_which_variables(run: Run, terminal: Terminal, keyrings: Keyrings) -> None:
    keyrings.system = None
    terminal.present = True
    done = run("login")
    assert done.exit_code == ExitCode.FAILURE
    assert "QLIKOPS_QLIK_PASSWORD" in done.stderr


def test_logout_forgets(run: Run, keyrings: Keyrings) -> None:
    run("login", "--url", URL, "--username", "u", "--password-stdin", input="secret\n")
    assert run("logout").exit_code == ExitCode.OK
    assert keyrings.system is not None
    assert keyrings.system.kept == {}
    assert run("logout").exit_code == ExitCode.NOT_FOUND


ANNA = "arn:aws:iam::000000000000:mfa/anna"


@pytest.fixture
def with_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], fresh_aws: EmbeddedAws
) -> None:
    """The context is the embedded AWS by a profile whose keys need a code."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    keys = "aws_access_key_id = test\naws_secret_access_key = test"
    (tmp_path / "aws-config").write_text(f"[profile oncall]\n{keys}\nmfa_serial = {ANNA}\n[profile plain]\n{keys}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    environ |= {"QLIKOPS_PROFILE": "oncall", "QLIKOPS_REGION": REGION, "QLIKOPS_ENDPOINT_URL": fresh_aws.endpoint}


def mfa_setting(run: Run) -> tuple[str, str]:
    entry = json.loads(run("config", "--json").stdout)["mfa_session"]
    return entry["value"], entry["origin"]


@pytest.mark.usefixtures("with_device")
def test_an_mfa_session_is_begun_shown_and_forgotten(run: Run, terminal: Terminal, keyrings: Keyrings) -> None:
    terminal.present = True
    assert mfa_setting(run) == ("", "none kept; `qlikops login --mfa` has one")
    done = run("login", "--mfa", input="123456\n")
    assert done.exit_code == ExitCode.OK, done.stderr
    assert "Signed in until" in done.stderr
    assert "123456" not in done.stdout + done.stderr
    value, origin = mfa_setting(run)
    assert value.startswith("until ")
    assert origin == f"system keyring, {ANNA}"
    run("login", "--url", URL, "--username", "u", "--password-stdin", input="secret\n")
    assert "mfa/anna" in run("logout", "--mfa").stderr
    assert len(kept(keyrings)) == 1
    assert run("logout", "--mfa").exit_code == ExitCode.NOT_FOUND

    run("login", "--mfa", input="123456\n")
    gone = run("logout")
    assert gone.exit_code == ExitCode.OK
    assert "mfa/anna" in gone.stderr
    assert "default" in gone.stderr
    assert keyrings.system is not None
    assert keyrings.system.kept == {}


@pytest.mark.usefixtures("with_device")
@pytest.mark.parametrize(
    ("present", "args", "code", "said"),
    [
        (False, ["login", "--mfa"], ExitCode.USAGE, "AWS_SESSION_TOKEN"),
        (True, ["login", "--mfa", "--token"], ExitCode.USAGE, "--mfa"),
        (True, ["--profile", "plain", "login", "--mfa"], ExitCode.USAGE, "no mfa_serial"),
        (True, ["--profile", "nobody", "login", "--mfa"], ExitCode.UNREACHABLE, "list-profiles"),
        (True, ["logout", "--mfa", "--instance", "x"], ExitCode.USAGE, "exclude"),
    ],
)
def test_where_there_is_no_session_to_be_had(
    run: Run, terminal: Terminal, present: bool, args: list[str], code: ExitCode, said: str
) -> None:
    terminal.present = present
    done = run(*args, input="123456\n")
    assert done.exit_code == code
    assert said in done.stderr


@pytest.mark.usefixtures("with_device")
def test_without_a_keyring_no_code_is_asked_for(run: Run, terminal: Terminal, keyrings: Keyrings) -> None:
    keyrings.system = None
    terminal.present = True
    done = run("login", "--mfa")
    assert done.exit_code == ExitCode.FAILURE
    assert "AWS_SESSION_TOKEN" in done.stderr
