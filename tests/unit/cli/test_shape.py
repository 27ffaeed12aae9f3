"""--json FIELDS, --jq and --format csv: what is written of a command's data, and that --json alone means all of it."""

from __future__ import annotations

import csv
import io
import json
import sys
from dataclasses import replace
from typing import Any

import pytest

from qlikops.cli.exit_codes import ExitCode
from qlikops.cli.shape import Shape, with_value
from qlikops.domain.errors import UsageError
from tests.commands import root
from tests.fakes import FakeEnvironment
from tests.unit.cli.conftest import Run
from tests.unit.domain.samples import WAITING, waiting

ID = WAITING.approval_id


@pytest.mark.parametrize(
    ("args", "takes_words", "becomes"),
    [
        (["--json"], False, ["--json="]),
        (["--json", "id,task"], False, ["--json=id,task"]),
        (["--json", "ID"], True, ["--json=", "ID"]),
        (["--json", "-c", "x"], False, ["--json=", "-c", "x"]),
        (["--json=id", "x"], False, ["--json=id", "x"]),
        (["--", "--json", "x"], False, ["--", "--json", "x"]),
        (["--json", "--", "x"], False, ["--json=", "--", "x"]),
    ],
)
def test_json_takes_the_word_behind_it_only_if_nothing_else_does(
    args: list[str], takes_words: bool, becomes: list[str]
) -> None:
    assert with_value(args, takes_words=takes_words) == becomes


def test_fields_are_picked_of_each_row_and_along_a_path() -> None:
    rows = [{"a": 1, "b": {"c": [{"d": 2}, {"d": 3}]}}, {"a": 4}]
    assert Shape(("a",)).of(rows) == [[{"a": 1}, {"a": 4}]]
    assert Shape(("b.c.d", "a")).of(rows) == [[{"b.c.d": [2, 3], "a": 1}, {"b.c.d": None, "a": 4}]]
    assert Shape(("a",)).of(rows[1]) == [{"a": 4}]
    assert Shape(("x",)).of([]) == [[]]
    with pytest.raises(UsageError, match="there is no field x"):
        Shape(("x",)).of(rows)
    with pytest.raises(UsageError):
        Shape(("x",)).of("text")


def test_fields_of_commands(run: Run) -> None:
    assert json.loads(run("approvals", "--json", "approval_id,deadline").stdout) == [
        {"approval_id": ID, "deadline": "2026-03-07T16:00:00.000Z"}
    ]
    assert json.loads(run("show", "--json", ID).stdout)["proposal"]
    assert json.loads(run("show", "--json=status", ID).stdout) == {"status": "waiting"}
    wrong = run("approvals", "--json", "deadlin")
    assert wrong.exit_code == ExitCode.USAGE
    assert "Did you mean deadline?" in wrong.stderr
    assert wrong.stdout == ""


def test_every_command_with_data_takes_an_expression() -> None:
    def walk(command: Any) -> None:
        options = {name for param in command.params for name in param.opts}
        assert ("--json" in options) == ("--jq" in options), command.name
        for each in getattr(command, "commands", {}).values():
            walk(each)

    walk(root())


def test_an_expression_gives_text_as_it_is_and_anything_else_as_json(run: Run) -> None:
    pytest.importorskip("jq")
    assert run("approvals", "--jq", ".[].approval_id").stdout == f"{ID}\n"
    assert run("approvals", "--jq", ".[] | {deadline}", "--json", "deadline").stdout == (
        '{"deadline": "2026-03-07T16:00:00.000Z"}\n'
    )
    for wrong in (".[", ".x.y"):
        result = run("approvals", "--jq", wrong)
        assert result.exit_code == ExitCode.USAGE
        assert result.stderr.splitlines()[-2].startswith("Failed: --jq: ")


def test_without_the_library_it_says_how_to_get_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jq", None)
    result = run("approvals", "--jq", ".")
    assert result.exit_code == ExitCode.FAILURE
    assert "pip install jq" in result.stderr


def test_a_list_as_csv_has_all_columns_and_no_formulas(run: Run, environment: FakeEnvironment) -> None:
    evil = waiting("abcdefabcdef")
    environment.approvals.records["abcdefabcdef"] = evil
    target = evil.proposal.targets[0]
    assert run("approvals", "--format", "csv").stdout.count("\n") == 3
    named = replace(target, key=replace(target.key, task='=HYPERLINK("x"), y'))
    environment.approvals.records = {
        ID: replace(WAITING, proposal=replace(WAITING.proposal, targets=(named,))),
    }
    written = run("approvals", "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(written.stdout))
    assert row["id"] == ID
    assert row["digest"] == WAITING.digest[:12]
    assert row["claimed"] == ""
    assert [value for value in row.values() if value.startswith("'=HYPERLINK")]
    assert run("approvals", "--format", "csv", "--json").exit_code == ExitCode.USAGE
