"""An endpoint tested by a person: over HTTP, with the account that this machine has."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from qlikops.cli.exit_codes import ExitCode
from qlikops.qlik.simulator.server import AdjustableClock, SimulatorServer
from tests.fakes import FakeEnvironment
from tests.scenarios.library import build_scenario
from tests.scenarios.outages import OutageFleet
from tests.unit.agent.fleet import failed, poll_twice
from tests.unit.cli.conftest import Run, Terminal

ORACLE = "replicate-1/ORA-PROD"


@pytest.fixture
def manager(environ: dict[str, str]) -> Iterator[SimulatorServer]:
    """An Enterprise Manager whose ORA-PROD is away for ten minutes, and this machine's account on it."""
    clock = AdjustableClock(lambda: 0.0)
    fleet = OutageFleet(build_scenario("endpoint_away", 1), seed=1, clock=clock)
    with SimulatorServer(fleet, clock, accounts={"anna": "correct horse"}) as server:
        environ |= {
            "QLIKOPS_QLIK_URL": server.base_url,
            "QLIKOPS_QLIK_USERNAME": "anna",
            "QLIKOPS_QLIK_PASSWORD": "correct horse",
        }
        yield server


def test_an_endpoint_is_tested_and_the_exit_code_says_whether_it_takes_logins(
    run: Run, manager: SimulatorServer
) -> None:
    away = run("probe", ORACLE)
    assert away.exit_code == ExitCode.FAILURE
    assert "ORA-PROD does not take logins: Cannot connect: ORA-12170" in away.stdout
    manager.clock.advance(600)
    back = run("probe", ORACLE, "--json")
    assert back.exit_code == ExitCode.OK
    found = json.loads(back.stdout)
    assert (found["answer"], found["endpoint"]["name"]) == ("connected", "ORA-PROD")
    assert [tested["user"] for tested in manager.fleet.true_state()["tests"]] == ["anna", "anna"]


def test_what_keeps_it_from_being_tested(run: Run, manager: SimulatorServer) -> None:
    assert run("probe", "replicate-1/ORA-PRD").exit_code == ExitCode.NOT_FOUND
    manager.fleet.may_test = lambda _: False
    assert run("probe", ORACLE).exit_code == ExitCode.DENIED_ACCESS
    manager.sessions.accounts.clear()
    assert run("probe", ORACLE).exit_code == ExitCode.DENIED_ACCESS


def test_nobody_answers(run: Run, environ: dict[str, str], manager: SimulatorServer) -> None:
    environ["QLIKOPS_QLIK_URL"] = "http://127.0.0.1:9/attunityenterprisemanager/api/v1"
    assert run("probe", ORACLE).exit_code == ExitCode.UNREACHABLE
    assert manager.fleet.true_state()["tests"] == []


@pytest.mark.parametrize("endpoint", ["ORA-PROD", "replicate-1/", "/ORA-PROD"])
def test_an_endpoint_is_named_with_its_server(run: Run, endpoint: str) -> None:
    done = run("probe", endpoint)
    assert done.exit_code == ExitCode.USAGE
    assert "replicate-eu-1/ORA-SALES-PROD" in done.stderr


def test_a_refused_login_is_tried_again_only_by_whom_that_was_said_to(
    run: Run, manager: SimulatorServer, environment: FakeEnvironment, terminal: Terminal
) -> None:
    refused = failed("orders", "ORA-01017: invalid username/password; logon denied", source_endpoint="ORA-PROD")
    environment.fleet.latest = poll_twice(refused)
    done = run("probe", "eu-1/ORA-PROD")
    assert done.exit_code == ExitCode.USAGE
    assert "nothing was tested" in done.stderr
    terminal.present = True
    assert run("probe", "eu-1/ORA-PROD", input="n\n").exit_code != ExitCode.OK
    assert manager.fleet.true_state()["tests"] == []
    run("probe", "eu-1/ORA-PROD", input="y\n")
    run("probe", "eu-1/ORA-PROD", "--yes")
    assert len(manager.fleet.true_state()["tests"]) == 2


def test_an_account_that_makes_no_sense_says_so(run: Run, environ: dict[str, str]) -> None:
    environ |= {"QLIKOPS_QLIK_URL": "ftp://qem", "QLIKOPS_QLIK_USERNAME": "a", "QLIKOPS_QLIK_PASSWORD": "b"}
    done = run("probe", ORACLE)
    assert done.exit_code == ExitCode.USAGE
    assert "base_url must be" in done.stderr


def test_a_read_only_context_tests_nothing(run: Run, environ: dict[str, str], manager: SimulatorServer) -> None:
    environ["QLIKOPS_READ_ONLY"] = "true"
    result = run("probe", ORACLE)
    assert (result.exit_code, "read-only" in result.stderr) == (ExitCode.DENIED_ACCESS, True)
    assert manager.fleet.true_state()["tests"] == []
