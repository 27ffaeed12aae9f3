"""approvals --watch: a line for each thing, through outages, until it is interrupted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from qlikops.cli.exit_codes import ExitCode
from qlikops.domain.approval import Decision, Status
from qlikops.domain.errors import Offline
from tests.fakes import CALLER, Clock, FakeEnvironment
from tests.unit.cli.conftest import Run
from tests.unit.domain.samples import WAITING, waiting


@pytest.fixture
def story(environment: FakeEnvironment, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Does one thing a pause, then presses Ctrl-C."""
    approvals = environment.approvals

    def tell(*steps: Callable[[], None]) -> None:
        left = list(steps)

        def sleep(seconds: float) -> None:
            clock.seconds += seconds
            if not left:
                raise KeyboardInterrupt
            left.pop(0)()

        monkeypatch.setattr(clock, "sleep", sleep)

    def arrive() -> None:
        approvals.records["feedfacefeed"] = waiting("feedfacefeed")

    def decide() -> None:
        decision = Decision(True, by=CALLER, at=clock.now(), reason="safe")
        approvals.records[WAITING.approval_id] = replace(WAITING, status=Status.RESTARTED, decision=decision)

    def break_() -> None:
        approvals.unreachable = Offline("no route to host")

    def mend() -> None:
        approvals.unreachable = None

    def nothing() -> None: ...

    tell(arrive, break_, nothing, mend, decide)
    return tell


@pytest.mark.usefixtures("story")
def test_a_line_each_through_an_outage(run: Run) -> None:
    done = run("approvals", "--watch")
    assert done.exit_code == ExitCode.INTERRUPTED
    said = [line.split("  ")[1].split(":")[0] for line in done.stdout.splitlines()]
    assert said == ["waits", "new", "trouble", "back", "ended"]
    assert done.stdout.startswith("2026-03-07 12:00:00 UTC  waits: 0123456789ab replicate-eu-1/sales-orders, critical")
    assert "approved by anna at 12:00:27 UTC: safe; restarted" in done.stdout


@pytest.mark.usefixtures("story")
def test_an_object_a_line(run: Run) -> None:
    events = [json.loads(line) for line in run("approvals", "--watch", "--json").stdout.splitlines()]
    assert [event["what"] for event in events] == ["waits", "new", "trouble", "back", "ended"]
    assert events[1]["row"]["approval_id"] == events[1]["approval_id"] == "feedfacefeed"
    assert (events[4]["status"], events[4]["decision"]["by"]) == ("restarted", CALLER)


def test_what_cannot_be_read_at_all_is_an_error(run: Run, environment: FakeEnvironment) -> None:
    environment.approvals.unreachable = Offline("no route to host")
    assert run("approvals", "--watch").exit_code == ExitCode.UNREACHABLE
