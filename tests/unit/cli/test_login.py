"""Accounts by command: asked for, never an argument, never printed."""

from __future__ import annotations

import json

import pytest

from qlikops.cli.exit_codes import ExitCode
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


def test_a_token_needs_no_user(run: Run, keyrings: Keyrings) -> None:
    assert run("login", "--url", URL, "--token", "--password-stdin", input="t\n").exit_code == ExitCode.OK
    assert kept(keyrings) == [{"name": "default", "base_url": URL, "api_token": "t"}]


@pytest.mark.parametrize(
    ("args", "given"),
    [
        (["--url", URL, "--username", "u"], ""),
        (["--url", URL, "--password-stdin"], "secret\n"),
        (["--username", "u", "--password-stdin"], "secret\n"),
        (["--url", URL, "--username", "u", "--password-stdin"], "\n"),
        (["--operator", "--token"], ""),
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
