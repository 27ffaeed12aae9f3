"""What the commands print, every command takes."""

from __future__ import annotations

import json

import pytest

from qlikops.cli.exit_codes import ExitCode
from qlikops.domain.fleet.task import ServerFacts, ServerState, StopReason, TaskFacts, TaskKey, TaskState
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskSnapshot
from qlikops.presentation.deciding.bulk import entry
from qlikops.presentation.tone import plain
from tests.fakes import FakeEnvironment
from tests.unit.cli.conftest import Run
from tests.unit.domain.samples import NOON, WAITING

NAMES = ["50% off", "a%20b", "%s %d %%", "two  blanks", "trailing ", " leading", "tab\there", "a/b/c", "x" * 120, "Ünï"]
ID = WAITING.approval_id
BEGINNINGS = [ID, ID[:1], ID[:4], ID[:11], ID.upper(), f" {ID} ", f"{ID[:6]}…"]


@pytest.fixture
def fleet(environment: FakeEnvironment) -> FleetSnapshot:
    keys = [TaskKey("default", "eu  1 ", name) for name in NAMES]
    tasks = tuple(TaskSnapshot(TaskFacts(key, TaskState.RUNNING, StopReason.NONE)) for key in keys)
    servers = (ServerFacts("default", "eu  1 ", ServerState.MONITORED),)
    environment.fleet.latest = FleetSnapshot(NOON, "run-1", servers, tasks)
    return environment.fleet.latest


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("name", NAMES)
def test_a_task_by_its_name_as_it_is_as_it_is_shown_and_by_a_part(run: Run, name: str) -> None:
    shown = " ".join(name.split())
    for typed in (
        name,
        shown,
        f"{shown[:79]}…",
        shown[1:-1],
        f"eu 1/{shown}",
        f"default/eu  1 /{name}",
        f"default/eu 1/{shown}",
    ):
        done = run("task", typed, "--json")
        if done.exit_code == ExitCode.USAGE and typed == shown[1:-1]:
            assert "may be meant by" in done.stderr
            continue
        assert done.exit_code == ExitCode.OK, (typed, done.stderr)
        assert json.loads(done.stdout)["task"]["facts"]["key"]["task"] == name


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("name", NAMES)
def test_a_list_by_what_it_shows(run: Run, name: str) -> None:
    shown = " ".join(name.split())
    assert name in run("tasks", "--server", "eu 1", "--filter", f'task:"{shown}"', "--json").stdout or "\t" in name
    (found,) = json.loads(run("tasks", "--filter", f'task:"{shown}"', "--json").stdout)["tasks"]
    assert found["facts"]["key"]["task"] == name


@pytest.mark.parametrize("typed", BEGINNINGS)
@pytest.mark.parametrize("command", ["show", "claim", "approve"])
def test_an_id_by_its_beginning(run: Run, command: str, typed: str) -> None:
    done = run(command, typed, "--json", *(["--yes"] if command == "approve" else []))
    assert done.exit_code == ExitCode.OK, done.stderr


def test_the_list_of_several_shows_ids(run: Run) -> None:
    shown = plain(entry(WAITING, approved=True)).split()[-1]
    assert run("show", shown).exit_code == ExitCode.OK
