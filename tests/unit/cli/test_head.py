"""What comes before a command: help, version, contexts; and what is imported for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from qlikops import __version__
from qlikops.cli.exit_codes import ExitCode
from tests.unit.cli.conftest import Run, Terminal

HEAVY = ("textual", "boto3", "botocore", "rich", "keyring", "pydantic", "qlikops.domain.proposals.proposal")


def heavy(code: int, *args: str) -> tuple[list[str], str]:
    """What of HEAVY a command that ends with `code` imports, and what it prints."""
    program = (
        "import json, sys\nfrom qlikops.cli.main import main\n"
        f"try:\n    main()\nexcept SystemExit as exc:\n    assert (exc.code or 0) == {code}\n"
        f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *args],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(sys.path), "QLIKOPS_DATA_DIR": "/nowhere"},
    )
    return json.loads(done.stderr.splitlines()[-1]), done.stdout


@pytest.mark.parametrize("args", [["--help"], ["--version"]])
def test_help_and_version_import_nothing_heavy(args: list[str]) -> None:
    imported, said = heavy(0, *args)
    assert imported == []
    assert "Usage" in said or __version__ in said


@pytest.mark.parametrize("args", [["tui"], ["approvals", "--filter", "age:5m"]])
def test_values_of_the_command_line_are_made_without_pydantic(args: list[str]) -> None:
    imported, _ = heavy(ExitCode.USAGE, "--profile", "p", *args, "--context", "local")
    assert "pydantic" not in imported


def test_a_value_that_is_no_text_is_made_as_typer_makes_it(run: Run) -> None:
    assert run("approvals", "--sort", "nothing").exit_code == ExitCode.USAGE
    assert run("approvals", "--sort", "RISK", "--json").exit_code == ExitCode.OK


def test_the_version_is_said(run: Run) -> None:
    assert run("--version").stdout == f"qlikops {__version__}\n"


def test_a_context_that_nobody_named_is_said_on_stderr(run: Run) -> None:
    assert run("approvals", "--json").stderr == "Context default: built in.\n"
    assert run("approvals", "--json", "--context", "default").stderr == ""
    assert run("--context", "default", "approvals", "--json").stderr == ""


def test_a_context_that_is_not_there(run: Run) -> None:
    result = run("approvals", "--context", "prod")
    assert result.exit_code == ExitCode.NOT_FOUND
    assert "default, local" in result.stderr


def test_the_console_does_not_open_on_a_context_that_is_not_there(run: Run) -> None:
    assert run("tui", "--context", "prod").exit_code == ExitCode.NOT_FOUND


def test_the_console_does_not_open_where_nobody_would_see_it(run: Run) -> None:
    result = run("tui", "--context", "default")
    assert result.exit_code == ExitCode.USAGE
    assert "needs a terminal" in result.stderr


def test_config_says_where_each_value_came_from(run: Run, environ: dict[str, str]) -> None:
    Path(environ["QLIKOPS_CONFIG"]).write_text('[contexts.prod]\nregion = "eu-west-1"\nstack = "x"\n')
    environ["QLIKOPS_STACK"] = "y"
    shown = json.loads(run("--profile", "me", "config", "--context", "prod", "--json").stdout)
    assert shown["context"] == {"value": "prod", "origin": "option --context"}
    assert shown["profile"] == {"value": "me", "origin": "option --profile"}
    assert shown["region"] == {"value": "eu-west-1", "origin": "config.toml [contexts.prod]"}
    assert shown["stack"] == {"value": "y", "origin": "environment QLIKOPS_STACK"}
    assert shown["theme"] == {"value": "", "origin": "built in"}
    table = run("config", "--context", "prod").stdout
    assert "environment QLIKOPS_STACK" in table


def test_a_broken_config_file_is_a_usage_error_that_names_it(run: Run, environ: dict[str, str]) -> None:
    Path(environ["QLIKOPS_CONFIG"]).write_text("contexts = 3 3")
    result = run("approvals")
    assert result.exit_code == ExitCode.USAGE
    assert environ["QLIKOPS_CONFIG"] in result.stderr


def test_config_shows_the_keys_with_where_they_come_from(run: Run, environ: dict[str, str]) -> None:
    Path(environ["QLIKOPS_CONFIG"]).write_text('[keys]\napprove = "f5"\n')
    shown = json.loads(run("config", "--json").stdout)["keys"]
    assert shown["approve"] == {"value": "f5", "origin": "config.toml [keys]"}
    assert shown["deny"] == {"value": "d", "origin": "built in"}
    assert "back" not in shown


def test_config_is_changed_where_it_says_that_it_lies(run: Run, environ: dict[str, str]) -> None:
    file = Path(environ["QLIKOPS_CONFIG"])
    assert run("config", "path").stdout == f"{file}\n"
    assert not file.exists()
    assert run("config", "set", "keys.approve", "f5").exit_code == ExitCode.OK
    assert json.loads(run("config", "--json").stdout)["keys"]["approve"]["value"] == "f5"
    for key, value, complaint in (("keys.deny", "f5", "both"), ("contexts.prod.theme", "drak", "no theme 'drak'")):
        refused = run("config", "set", key, value)
        assert refused.exit_code == ExitCode.USAGE
        assert complaint in refused.stderr
    assert file.read_text() == '[keys]\napprove = "f5"\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[keys]\napprove = "d"', "both approve (Approve) and deny (Deny)"),
        ('[keys]\naprove = "x"', "there is no action 'aprove'"),
        ("[keys]\napprove = 1", "keys.approve = 1: must be a text"),
        ('[contexts.default]\ntheme = "drak"', "There is no theme 'drak'"),
    ],
)
@pytest.mark.parametrize("command", ["tui", "config"])
def test_keys_and_themes_that_are_none_are_said_before_the_console_opens(
    run: Run, environ: dict[str, str], terminal: Terminal, command: str, text: str, complaint: str
) -> None:
    terminal.present = True
    Path(environ["QLIKOPS_CONFIG"]).write_text(text)
    result = run(command)
    assert result.exit_code == ExitCode.USAGE
    assert complaint in result.stderr
