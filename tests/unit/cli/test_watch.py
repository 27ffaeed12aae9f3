"""approvals --watch: a line for each thing, through outages, until it is interrupted."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import Result

from qlikops.cli import output
from qlikops.cli.context import Invocation
from qlikops.cli.exit_codes import ExitCode
from qlikops.cli.watching import watch_inboxes
from qlikops.config import Context, LocalConnection, Settings, local_status_path
from qlikops.domain.encoding import codec
from qlikops.domain.errors import Offline
from qlikops.domain.proposals.approval import Claim, Decision, InboxRow, Status
from qlikops.domain.proposals.evaluation import Risk
from qlikops.presentation.lists.watch import InboxWatch
from tests.fakes import CALLER, Clock, FakeEnvironment
from tests.unit.cli.conftest import Run
from tests.unit.domain.samples import EVALUATION, NOON, WAITING, waiting

ROOT = Path(__file__).parents[3]


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

    tell(arrive, lambda: fail(environment), lambda: None, lambda: mend(environment), decide)
    return tell


def fail(environment: FakeEnvironment) -> None:
    environment.approvals.unreachable = Offline("no route to host")


def mend(environment: FakeEnvironment) -> None:
    environment.approvals.unreachable = None


def lines(done: Result) -> list[list[str]]:
    """Of each line what follows the time, up to the first colon."""
    return [line.split("  ", 1)[1].split(":")[0].split("  ") for line in done.stdout.splitlines()]


@pytest.mark.usefixtures("story")
def test_a_line_each_through_an_outage(run: Run) -> None:
    done = run("approvals", "--watch")
    assert done.exit_code == ExitCode.INTERRUPTED
    said = [line.split("  ")[1].split(":")[0] for line in done.stdout.splitlines()]
    assert said == ["waits", "new", "trouble", "back", "ended"]
    assert done.stdout.startswith("2026-03-07 12:00:00 UTC  waits: 0123456789ab replicate-eu-1/sales-orders, critical")
    assert "approved by anna at 12:00:15 UTC: safe; restarted" in done.stdout


@pytest.mark.usefixtures("story")
def test_an_object_a_line(run: Run) -> None:
    events = [json.loads(line) for line in run("approvals", "--watch", "--json").stdout.splitlines()]
    assert [event["what"] for event in events] == ["waits", "new", "trouble", "back", "ended"]
    assert events[1]["row"]["approval_id"] == events[1]["approval_id"] == "feedfacefeed"
    assert (events[4]["status"], events[4]["decision"]["by"]) == ("restarted", CALLER)


def test_what_cannot_be_read_at_all_is_an_error(run: Run, environment: FakeEnvironment) -> None:
    environment.approvals.unreachable = Offline("no route to host")
    assert run("approvals", "--watch").exit_code == ExitCode.UNREACHABLE


def test_one_context_that_fails_says_why_and_the_others_go_on(
    run: Run, story: Callable[..., None], two_contexts: FakeEnvironment
) -> None:
    fail(two_contexts)

    def arrive() -> None:
        mend(two_contexts)
        two_contexts.approvals.records["feedfacefeed"] = waiting("feedfacefeed")

    story(lambda: None, arrive, lambda: fail(two_contexts), lambda: None)
    done = run("approvals", "--watch", "-c", "eu", "-c", "us")
    assert done.exit_code == ExitCode.INTERRUPTED
    assert lines(done) == [["eu", "waits"], ["us", "trouble"], ["us", "back"], ["us", "waits"], ["us", "trouble"]]
    assert "Offline: no route to host" in done.stdout


def test_a_context_that_hangs_holds_up_no_other(
    environment: FakeEnvironment, two_contexts: FakeEnvironment, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    hangs = threading.Event()

    def hang() -> list[InboxRow]:
        hangs.wait(60)
        return []

    two_contexts.approvals.waiting = hang  # type: ignore[method-assign]
    left = [1, 2]

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if not left:
            raise KeyboardInterrupt
        left.pop()
        environment.approvals.records["feedfacefeed"] = waiting("feedfacefeed")

    opened = {"eu": environment, "us": two_contexts}
    here = Invocation(
        environ={},
        open_environment=lambda context: opened[context.name],
        now=clock.now,
        monotonic=clock.monotonic,
        sleep=sleep,
    )
    contexts = [Context(name, Settings(), chosen_by="test") for name in opened]
    with pytest.raises(KeyboardInterrupt):
        watch_inboxes(here, contexts, lambda _: InboxWatch(), as_json=False, patience=0.2)
    hangs.set()
    said = [" ".join(line.split("  ")[1:])[:23].strip() for line in capsys.readouterr().out.splitlines()]
    assert said == ["eu waits: 0123456789ab", "eu new: feedfacefeed re"]


def test_a_local_environment_that_comes_up_again_is_found(
    environment: FakeEnvironment, clock: Clock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {"QLIKOPS_CONFIG": str(tmp_path / "config.toml"), "QLIKOPS_DATA_DIR": str(tmp_path)}
    status = local_status_path(environ)
    status.parent.mkdir(parents=True, exist_ok=True)

    def fall() -> None:
        fail(environment)
        status.unlink()

    def rise() -> None:
        mend(environment)
        status.write_text(codec.dumps(LocalConnection("http://127.0.0.1:1", "eu-west-1", "qlikops", "", "", "")))

    def nothing() -> None: ...

    rise()
    steps = [fall, nothing, nothing, rise, nothing, nothing, nothing, nothing]

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if not steps:
            raise KeyboardInterrupt
        steps.pop(0)()

    here = Invocation(
        environ=environ,
        open_environment=lambda _: environment,
        answers=lambda _: True,
        now=clock.now,
        monotonic=clock.monotonic,
        sleep=sleep,
    )
    with pytest.raises(KeyboardInterrupt):
        watch_inboxes(here, [here.context("local")], lambda _: InboxWatch(), as_json=False)
    said = [line.split("  ")[1].split(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert said == ["waits", "trouble", "trouble", "back"]


def test_a_filter_follows_what_matched_to_its_end(
    run: Run, story: Callable[..., None], environment: FakeEnvironment
) -> None:
    approvals = environment.approvals
    other = replace(waiting("feedfacefeed"), evaluation=replace(EVALUATION, risk=Risk.HIGH))
    approvals.records["feedfacefeed"] = other

    def claim() -> None:
        approvals.records[WAITING.approval_id] = replace(WAITING, claim=Claim(CALLER, NOON + timedelta(seconds=10)))

    def close() -> None:
        approvals.records = {name: replace(each, status=Status.EXPIRED) for name, each in approvals.records.items()}

    story(claim, lambda: None, lambda: None, lambda: None, close)
    done = run("approvals", "--watch", "--filter", "!claimed: risk:low")
    assert [what for (what,) in lines(done)] == ["waits", "claimed", "unclaimed", "ended"]
    assert "feedfacefeed" not in done.stdout


def test_what_comes_together_comes_in_order(run: Run, story: Callable[..., None], environment: FakeEnvironment) -> None:
    later = replace(waiting("feedfacefeed"), deadline=NOON + timedelta(hours=9))
    risky = replace(later, evaluation=replace(EVALUATION, risk=Risk.HIGH))
    environment.approvals.records["feedfacefeed"] = risky
    for sort, first in (("expires", WAITING.approval_id), ("risk", "feedfacefeed")):
        story()
        assert f"waits: {first}" in run("approvals", "--watch", "--sort", sort).stdout.splitlines()[0]


def test_the_list_over_several_contexts(run: Run, two_contexts: FakeEnvironment) -> None:
    two_contexts.approvals.records["feedfacefeed"] = waiting("feedfacefeed")
    both = ("approvals", "-c", "eu", "-c", "us")
    assert "2 wait" in run(*both).stderr
    assert "Context" in run(*both).stdout
    rows = json.loads(run(*both, "--json", "--filter", "context:us").stdout)
    assert [(row["context"], row["approval_id"]) for row in rows] == [("us", "feedfacefeed")]
    fail(two_contexts)
    done = run(*both, "--json")
    assert (done.exit_code, len(json.loads(done.stdout))) == (ExitCode.UNREACHABLE, 1)
    assert "us: Offline: no route to host" in done.stderr


def test_nothing_is_asked_once_nobody_reads() -> None:
    """Between two events nothing is written that would tell."""
    source = "import os\nfrom qlikops.cli import output\nos.read(0, 1)\noutput.check_reader()\n"
    watching = subprocess.Popen(
        [sys.executable, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    )
    assert watching.stdout is not None
    watching.stdout.close()
    watching.stdout = None
    _, said = watching.communicate(b"\n", timeout=60)
    assert b"OutputFailed" in said
    output.check_reader()
