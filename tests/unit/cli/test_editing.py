"""config edit: what the editor leaves is taken if it makes sense; if not, nothing is lost, neither old nor new."""

from __future__ import annotations

import json
import os
import shlex
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from qlikops.cli.editing import NEW
from qlikops.cli.exit_codes import ExitCode
from qlikops.config import checked
from tests.event_schemas import faults
from tests.unit.cli.conftest import Run, Terminal

WRITTEN = '# mine\ndefault_context = "prod"\n[contexts.prod]\nregion = "eu-west-1" # Ireland\n'


@pytest.fixture
def file(environ: dict[str, str]) -> Path:
    return Path(environ["QLIKOPS_CONFIG"])


@pytest.fixture
def editing(environ: dict[str, str]) -> Callable[[str], None]:
    """Makes this program, which has the file's `path` and `text`, the editor."""

    def be(program: str) -> None:
        read = "import sys, pathlib; path = pathlib.Path(sys.argv[1]); text = path.read_text()\n"
        environ["VISUAL"] = shlex.join([sys.executable, "-c", read + program])
        environ["EDITOR"] = "no-such-editor"

    return be


def left_beside(file: Path) -> set[str]:
    return set(os.listdir(file.parent)) - {file.name, "data"}


def test_what_makes_sense_is_taken_and_comments_stay(run: Run, file: Path, editing: Callable[[str], None]) -> None:
    file.write_text(WRITTEN)
    editing("path.write_text(text.replace('eu-west-1', 'eu-west-2'))")
    result = run("config", "edit")
    assert result.exit_code == ExitCode.OK
    assert result.stderr == f"{file} is changed.\n"
    assert file.read_text() == WRITTEN.replace("eu-west-1", "eu-west-2")
    assert left_beside(file) == set()
    editing("pass")
    assert run("config", "edit").stderr == f"{file} is as it was.\n"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("text.replace('region', 'regoin')", "contexts.prod.regoin: no such setting"),
        ("text + 'x ='", "cannot be read"),
        ("text + 'theme = \"mauve\"'", "mauve"),
        ("text + '[keys]\\nflap = \"f5\"'", "flap"),
    ],
)
def test_what_makes_none_is_refused_and_kept_aside(
    run: Run, file: Path, editing: Callable[[str], None], wrong: str, says: str
) -> None:
    file.write_text(WRITTEN)
    editing(f"path.write_text({wrong})")
    result = run("config", "edit")
    assert result.exit_code == ExitCode.USAGE
    assert says in result.stderr
    assert "is as it was" in result.stderr
    assert file.read_text() == WRITTEN
    assert left_beside(file) == {"config.toml.rejected"}
    assert "config.toml.rejected" in result.stderr.splitlines()[-1]


def test_at_a_terminal_it_can_be_edited_again(
    run: Run, file: Path, editing: Callable[[str], None], terminal: Terminal
) -> None:
    file.write_text(WRITTEN)
    terminal.present = True
    editing("wrong = 'regoin' in text; path.write_text(text.replace(*(('regoin', 'region')[:: 1 if wrong else -1])))")
    result = run("config", "edit", input="\n")
    assert "regoin" in result.stderr
    assert result.stderr.endswith("is as it was.\n")
    assert left_beside(file) == set()


def test_a_first_file_begins_with_what_can_stand_in_it(run: Run, file: Path, editing: Callable[[str], None]) -> None:
    editing("pass")
    run("config", "edit")
    assert not file.exists()
    editing("path.write_text(text.replace('# ', '').replace('Settings', '# Settings').replace('Give', '# Give'))")
    assert run("config", "edit").exit_code == ExitCode.OK
    assert tomllib.loads(file.read_text())["contexts"]["prod"]["region"] == "eu-west-1"
    assert "#:schema" in NEW


def test_an_editor_that_fails_or_a_file_that_changes_meanwhile_changes_nothing(
    run: Run, file: Path, editing: Callable[[str], None], environ: dict[str, str]
) -> None:
    file.write_text(WRITTEN)
    editing("path.write_text('x'); sys.exit(3)")
    failed = run("config", "edit")
    assert failed.exit_code == ExitCode.FAILURE
    assert "ended with 3" in failed.stderr
    editing(f"path.write_text(text + '#'); pathlib.Path({str(file)!r}).write_text('# theirs')")
    assert "was changed meanwhile" in run("config", "edit").stderr
    assert file.read_text() == "# theirs"
    environ["VISUAL"] = "no-such-editor-anywhere"
    assert run("config", "edit").stderr.endswith("Set $VISUAL or $EDITOR.\n")
    assert left_beside(file) == {"config.toml.rejected"}


def test_the_schema_allows_what_is_read_and_names_what_is_not(run: Run) -> None:
    schema = json.loads(run("config", "schema").stdout)
    good = tomllib.loads(
        WRITTEN + 'notices = "osc9"\n[commands.x]\nkey = "f6"\nrun = "x {task}"\n[keys]\nfilter = "f5"\n'
    )
    checked(good, Path("config.toml"))
    assert list(faults(schema, good)) == []
    settings = schema["properties"]["contexts"]["additionalProperties"]
    assert list(faults(settings, {"notices": "loud", "regoin": ""})) == [
        "$ has regoin",
        "$.notices is none of ['auto', 'off', 'osc9', 'osc777', 'osc99']",
    ]
    assert settings["properties"]["hold_seconds"]["maximum"] == 3600
    assert "approve" in schema["properties"]["keys"]["propertyNames"]["enum"]
    assert all(each["description"] for each in (*settings["properties"].values(), *schema["properties"].values()))
