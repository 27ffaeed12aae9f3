"""schedule: set, paused for a while, shown with the last and the next run."""

from __future__ import annotations

import json

import pytest

from qlikops.cli.exit_codes import ExitCode
from tests.fakes import FakeEnvironment
from tests.unit.cli.conftest import LOCAL, Run


@pytest.mark.usefixtures("aws")
def test_set_and_removed(run: Run) -> None:
    assert run("deploy", *LOCAL, "--yes").exit_code == ExitCode.OK
    set_ = run("schedule", *LOCAL, "--rate", "10m")
    assert set_.exit_code == ExitCode.OK, set_.stderr
    assert "deploy --run-every 10m" in set_.stderr
    assert "every 10 minutes" in set_.stdout
    assert "none yet" in set_.stdout
    assert "run-every" not in run("schedule", *LOCAL, "--rate", "5m").stderr
    assert run("schedule", *LOCAL, "--remove").exit_code == ExitCode.OK
    assert run("schedule", *LOCAL, "--remove").exit_code == ExitCode.NOT_FOUND


def test_shown_paused_and_resumed(run: Run, environment: FakeEnvironment) -> None:
    assert "every 5 minutes" in run("schedule").stdout
    paused = json.loads(run("schedule", "--pause", "--for", "2h", "--json").stdout)
    assert (paused["expression"], paused["paused_until"]) == ("rate(5 minutes)", "2026-03-07T14:00:00.000Z")
    assert "PAUSED until 2026-03-07 14:00" in run("schedule").stdout
    assert json.loads(run("schedule", "--resume", "--json").stdout)["paused_until"] is None
    assert "none: it is paused" in run("schedule", "--pause").stdout
    assert environment.schedules.asked == ["pause 2:00:00", "resume", "pause None"]
    environment.schedules.schedule = None
    assert run("schedule").exit_code == ExitCode.NOT_FOUND


@pytest.mark.parametrize("args", [["--for", "2h"], ["--pause", "--for", "soon"], ["--pause", "--resume"]])
def test_what_makes_no_sense_is_told_before_any_call(run: Run, args: list[str]) -> None:
    assert run("schedule", *args).exit_code == ExitCode.USAGE
