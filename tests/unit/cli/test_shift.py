"""`qlikops decisions`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from qlikops.cli.exit_codes import ExitCode
from tests.fakes import FakeEnvironment
from tests.unit.cli.conftest import Run
from tests.unit.domain.gathered.test_shift import shift_of


@pytest.fixture(autouse=True)
def a_shift(environment: FakeEnvironment) -> None:
    shift_of(environment)


def test_decisions_are_a_list_with_data(run: Run) -> None:
    found = json.loads(run("decisions", "--since", "1d", "--json").stdout)
    assert [each["status"] for each in found] == ["waiting", "restarted", "denied"]
    result = run("decisions", "--since", "1d")
    assert result.stdout.count("\n") == 4
    assert "3 proposals since" in result.stderr
    (row,) = csv.DictReader(io.StringIO(run("decisions", "--since", "1d", "--by", "bob", "--format", "csv").stdout))
    assert row["decided"] == "denied by bob"


def test_ones_own(run: Run) -> None:
    (mine,) = json.loads(run("decisions", "--since", "1d", "--by", "me", "--json").stdout)
    assert mine["status"] == "restarted"
    assert run("decisions", "--task", "nothing").stdout == ""
    assert run("decisions", "--since", "soon").exit_code == ExitCode.USAGE


def test_what_was_decided_is_kept_longer_than_the_ledger_does(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    folder.mkdir()
    first = run("decisions", "--export", str(folder))
    assert first.stderr.count(".jsonl: 0 proposals") == len(list(folder.iterdir())) == 3
    assert "; from 2025-12-" in first.stderr
    assert "is in" in run("decisions", "--export", str(folder)).stderr
    entry = json.loads(run("decisions", "--since", "1d", "--by", "bob", "--json").stdout)
    newest = max(folder.iterdir())
    newest.write_text(json.dumps(entry[0]) + "\n")
    (kept,) = json.loads(run("decisions", "--archive", str(folder), "--since", "300d", "--by", "bob", "--json").stdout)
    assert kept == entry[0]
    assert "0 proposals since" in run("decisions", "--archive", str(folder), "--by", "me").stderr
    assert run("decisions", "--archive", str(tmp_path)).exit_code == ExitCode.USAGE
    assert run("decisions", "--export", str(folder), "--json").exit_code == ExitCode.USAGE
