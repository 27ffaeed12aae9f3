"""known: the list, one failure, messages explained, entries of one's own tested."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qlikops.cli.exit_codes import ExitCode
from tests.unit.cli.conftest import Run

MESSAGE = "ORA-00060: deadlock detected while waiting for resource [1022502]"
OWN = """
engine = "oracle"

[[failure]]
id = "oracle-night-batch"
text = ["held by the night batch"]
class = "fix_first"
says = "The night batch holds the table."
check = ["Wait for the end of the batch."]
then = "resume"
judgement = true
checked = 2026-11-27
examples = ["ORA-20001: table is held by the night batch"]
near = ["ORA-20001: table is held by the day batch"]
"""


def test_lists_what_is_known_by_engine(run: Run) -> None:
    assert "oracle-deadlock" in run("known", "--engine", "oracle").stdout
    listed = json.loads(run("known", "--engine", "mysql", "--json").stdout)
    assert {each["engine"] for each in listed} == {"mysql"}
    refused = run("known", "--engine", "abacus")
    assert refused.exit_code == ExitCode.NOT_FOUND
    assert "oracle" in refused.stderr


def test_shows_one(run: Run) -> None:
    shown = run("known", "show", "oracle-deadlock").stdout
    assert "retry now" in shown
    assert "ORA:60" in shown
    assert json.loads(run("known", "show", "oracle-deadlock", "--json").stdout)["class"] == "retry_now"
    assert run("known", "show", "oracle-nothing").exit_code == ExitCode.NOT_FOUND


def test_explains_a_message(run: Run) -> None:
    assert "oracle-deadlock" in run("known", "explain", MESSAGE).stdout
    answer = json.loads(run("known", "explain", MESSAGE, "--json").stdout)
    assert (answer["failure"], answer["class"], answer["certainty"]) == ("oracle-deadlock", "retry_now", "known")
    assert answer["check"] != []
    assert answer["route_always"] == "ask"


def test_explains_a_file_line_by_line(run: Run, tmp_path: Path) -> None:
    lines = [
        {
            "message": MESSAGE,
            "source_type": "Microsoft SQL Server",
            "target_type": "Oracle",
            "full_load_completed": True,
        },
        {"message": "Something nobody has seen", "state": "ERROR", "stop_reason": "FATAL_ERROR", "id": "extra"},
        {"message": "Task 'A' was stopped after 7 recovery attempts", "previous_message": "ORA-01017: logon denied"},
        {"message": "Task 'A' was stopped after 7 recovery attempts", "previous_message": MESSAGE},
    ]
    file = tmp_path / "many.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    answers = [json.loads(line) for line in run("known", "explain", "--file", str(file), "--json").stdout.splitlines()]
    assert [answer["failure"] for answer in answers] == ["oracle-deadlock", "", "oracle-login", "oracle-deadlock"]
    assert [answer["class"] for answer in answers] == ["retry_now", "unknown", "access", "retry_now"]
    # What was said before is the cause for the rules and the policy as well, and makes nothing automatic.
    assert [answer["verdict"] for answer in answers] == ["approve", "caution", "deny", "caution"]
    assert [answer["automatic"] for answer in answers] == [True, False, False, False]
    assert {"kind", "options", "verdict", "risk", "confidence", "route_policy", "route_always"} <= answers[1].keys()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "line 2"),
        ("[]", "no JSON object"),
        ('{"text": 1}', "message is missing"),
        ('{"message": "x", "state": "BROKEN"}', "state is one of RUNNING"),
        ('{"message": "x", "full_load_completed": "yes"}', "neither true nor false"),
    ],
)
def test_a_wrong_line_is_named(run: Run, tmp_path: Path, line: str, words: str) -> None:
    file = tmp_path / "many.jsonl"
    file.write_text(f'{{"message": "x"}}\n{line}\n', encoding="utf-8")
    refused = run("known", "explain", "--file", str(file))
    assert refused.exit_code == ExitCode.USAGE
    assert words in refused.stderr


def test_either_a_text_or_a_file(run: Run) -> None:
    assert run("known", "explain").exit_code == ExitCode.USAGE
    assert run("known", "explain", "--file", "does-not-exist.jsonl").exit_code == ExitCode.USAGE


def test_entries_of_ones_own_are_tested_and_tried(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(OWN, encoding="utf-8")
    tested = run("known", "test", str(file))
    assert tested.exit_code == ExitCode.OK, tested.stderr
    assert "1 entry, 0 problems" in tested.stdout
    message = "ORA-20001: table is held by the night batch"
    answer = json.loads(run("known", "explain", message, "--entries", str(file), "--json").stdout)
    assert answer["failure"] == "oracle-night-batch"
    assert answer["confidence"] == 0.8, "the rules speak from it, too"
    assert json.loads(run("known", "explain", message, "--json").stdout)["failure"] == ""


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (
            '"ORA-20001: table is held by the night',
            '"ORA-01017: table is held by the day',
            "recognised as oracle-login",
        ),
        ("held by the day batch", "held by the night batch", "near miss 1 is recognised"),
    ],
)
def test_what_an_entry_gets_wrong_is_said(run: Run, tmp_path: Path, before: str, after: str, words: str) -> None:
    file = tmp_path / "own.toml"
    file.write_text(OWN.replace(before, after), encoding="utf-8")
    tested = run("known", "test", str(file))
    assert tested.exit_code == ExitCode.FAILURE
    assert words in tested.stderr


def test_a_mistake_in_a_file_is_named_with_line_entry_and_field(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(OWN.replace('then = "resume"', 'then = "restart"'), encoding="utf-8")
    refused = run("known", "test", str(file))
    assert refused.exit_code == ExitCode.USAGE
    assert "own.toml:10: oracle-night-batch: then: is one of resume, reload, nothing" in refused.stderr


def test_a_built_in_entry_that_is_shadowed_is_named(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(OWN.replace("oracle-night-batch", "oracle-deadlock"), encoding="utf-8")
    tested = run("known", "test", str(file))
    assert tested.exit_code == ExitCode.OK
    assert "oracle-deadlock: takes the place" in tested.stderr
