"""schedule: set, paused for a while, shown with the last and the next run."""

from __future__ import annotations

import json

import pytest

from qlikops.cli.exit_codes import ExitCode
from tests.unit.cli.conftest import LOCAL, Run


@pytest.mark.usefixtures("aws")
def test_set_shown_paused_resumed_removed(run: Run) -> None:
    assert run("schedule", *LOCAL).exit_code == ExitCode.NOT_FOUND
    assert run("deploy", *LOCAL, "--yes").exit_code == ExitCode.OK
    set_ = run("schedule", *LOCAL, "--rate", "10m")
    assert set_.exit_code == ExitCode.OK, set_.stderr
    assert "deploy --run-every 10m" in set_.stderr
    assert "last run: none yet" in set_.stdout
    shown = json.loads(run("schedule", *LOCAL, "--json").stdout)
    assert (shown["expression"], shown["last_run"]) == ("rate(10 minutes)", None)
    paused = run("schedule", *LOCAL, "--pause", "--for", "2h")
    assert "paused until" in paused.stdout
    assert "run-every" not in run("schedule", *LOCAL, "--rate", "5m").stderr
    assert json.loads(run("schedule", *LOCAL, "--resume", "--json").stdout)["paused_until"] is None
    assert "next run: none" in run("schedule", *LOCAL, "--pause").stdout
    assert run("schedule", *LOCAL, "--remove").exit_code == ExitCode.OK


@pytest.mark.parametrize("args", [["--for", "2h"], ["--pause", "--for", "soon"], ["--pause", "--resume"]])
def test_what_makes_no_sense_is_told_before_any_call(run: Run, args: list[str]) -> None:
    assert run("schedule", *args).exit_code == ExitCode.USAGE
