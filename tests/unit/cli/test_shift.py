"""`qlikops decisions`."""

from __future__ import annotations

import csv
import io
import json

import pytest

from qlikops.cli.exit_codes import ExitCode
from tests.fakes import FakeEnvironment
from tests.unit.cli.conftest import Run
from tests.unit.domain.test_shift import shift_of


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
