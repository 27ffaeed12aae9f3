"""handover: the shift from the ports, in words, as Markdown and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from qlikops.cli.exit_codes import ExitCode
from qlikops.domain.errors import Offline
from qlikops.domain.fleet.task import StopReason, TaskFacts, TaskState
from qlikops.domain.gathered.handover import PAGES
from qlikops.domain.proposals.approval import Decision, Outcome, Status
from qlikops.domain.proposals.mute import Mute, MuteReason
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskProgress, TaskSnapshot
from qlikops.domain.workflow.execution import (
    ExecutionDetail,
    ExecutionStatus,
    ExecutionSummary,
    RunProposal,
    RunSummary,
)
from tests.fakes import CALLER, FakeEnvironment
from tests.unit.cli.conftest import Run
from tests.unit.domain.samples import KEY, NOON

HOUR = timedelta(hours=1)


def run_of(name: str, began: float, ended: float | None, *proposals: RunProposal) -> ExecutionDetail:
    """A run that began and ended so many hours ago."""
    started, stopped = NOON - began * HOUR, None if ended is None else NOON - ended * HOUR
    status = ExecutionStatus.RUNNING if ended is None else ExecutionStatus.SUCCEEDED
    run = RunSummary(f"arn:{name}", name, started, 2, 9, proposals=len(proposals))
    return ExecutionDetail(ExecutionSummary(f"arn:{name}", name, status, started, stopped, run), None, proposals)


def ended(name: str, status: Status, hours: float, decision: Decision | None = None, detail: str = "") -> RunProposal:
    at = NOON - hours * HOUR
    outcome = Outcome(status, detail, at=at, decision=decision)
    return RunProposal(name, f"eu/{name}", "FATAL_TRANSIENT", "resume", status, at, outcome=outcome)


APPROVED = Decision(True, by=CALLER, at=NOON - HOUR, reason="safe")
DENIED = Decision(False, by=CALLER, at=NOON - HOUR, reason="planned [work]", snooze_seconds=4 * 3600)


@pytest.fixture(autouse=True)
def _shift(environment: FakeEnvironment) -> None:
    broken = run_of("broken", 3, 2.9)
    details = [
        run_of("now", 0.1, None, RunProposal("waits", "eu/waits", "STALLED", "resume", Status.WAITING, NOON)),
        replace(broken, summary=replace(broken.summary, status=ExecutionStatus.FAILED)),
        # It waited through the last shift: begun before, decided within.
        run_of(
            "long",
            14,
            1,
            ended("worked", Status.RESTARTED, 1, APPROVED),
            ended("refused", Status.DENIED, 1, DENIED, DENIED.reason),
            ended("unsure", Status.UNVERIFIED, 1, APPROVED, "no answer for 120 s"),
            ended("ignored", Status.EXPIRED, 2),
            ended("earlier", Status.RESTARTED, 13, APPROVED),
        ),
        run_of("healthy", 15, 14.9),
    ]
    environment.executions.details = details
    environment.executions.summaries = [detail.summary for detail in details]
    quiet = Mute(MuteReason.SNOOZED, NOON + 3 * HOUR, "anna")
    over = Mute(MuteReason.COOLDOWN, NOON - HOUR)
    facts = TaskFacts(KEY, TaskState.RUNNING, StopReason.NONE)
    tasks = tuple(TaskSnapshot(facts, TaskProgress(quiet=each)) for each in (quiet, over, None))
    environment.fleet.latest = FleetSnapshot(NOON - timedelta(minutes=4), "now", (), tasks)


def test_the_shift_in_words(run: Run) -> None:
    text = run("handover").stdout
    parts = [
        text.index(each) for each in ("Waits for a decision", "Failed or expired", "Decided", "Kept quiet", "Runs")
    ]
    assert parts == sorted(parts)
    trouble, decided, quiet, runs = (text[start:end] for start, end in zip(parts[1:], [*parts[2:], None], strict=True))
    assert "0123456789ab" in text[parts[0] : parts[1]]
    assert "ignored" in trouble
    assert "approved by anna at 11:00:00 UTC: safe (no answer for 120 s)" in trouble
    assert "denied by anna at 11:00:00 UTC: planned [work]; snoozed for 4h00m" in decided
    assert "worked" in decided
    assert "earlier" not in text
    assert "snoozed until 2026-03-07 15:00 UTC by anna" in quiet
    assert quiet.count("sales-orders") == 1
    assert "2 runs, 1 failed, timed out or aborted" in runs
    assert "broken" in runs


def test_a_longer_shift_has_more_in_it(run: Run) -> None:
    assert "earlier" in run("handover", "--since", "14h").stdout


def test_as_markdown_nothing_is_markup(run: Run) -> None:
    text = run("handover", "--markdown").stdout
    assert text.startswith("# Handover\n")
    assert "## Waits for a decision" in text
    assert r"planned \[work\]" in text


def test_as_data(run: Run) -> None:
    data = json.loads(run("handover", "--json").stdout)
    assert [each["proposal"]["proposal_id"] for each in data["handled"]][-1] == "ignored"
    assert data["waiting"][0]["approval_id"] == "0123456789ab"
    assert data["quiet"][0]["quiet"]["until"] == "2026-03-07T15:00:00.000Z"
    assert data["is_complete"] is True


def test_nothing_at_all_is_said_too(run: Run, environment: FakeEnvironment) -> None:
    environment.approvals.records.clear()
    environment.executions.summaries, environment.fleet.latest = [], None
    text = run("handover").stdout
    assert "nothing was decided, nothing waits" in text
    assert "no run has looked at it yet" in text


@pytest.mark.parametrize("args", [("--since", "yesterday"), ("--json", "--markdown")])
def test_what_makes_no_sense(run: Run, args: tuple[str, ...]) -> None:
    assert run("handover", *args).exit_code == ExitCode.USAGE


def test_what_is_not_looked_at_is_said(environment: FakeEnvironment, run: Run) -> None:
    ages = [1 + index / 100 for index in range(2 * PAGES + 2)]
    environment.executions.summaries = [run_of(f"young-{age}", age, age).summary for age in ages]
    assert "more runs than are looked at" in run("handover").stdout


def test_how_far_it_looks_back_follows_the_definition_and_is_said(run: Run, environment: FakeEnvironment) -> None:
    waited = run_of("patient", 100, 1, ended("slow", Status.RESTARTED, 2, APPROVED))
    environment.executions.details.append(waited)
    environment.executions.summaries.append(waited.summary)
    assert "slow" not in run("handover").stdout
    environment.executions.written = json.dumps({"TimeoutSeconds": 100 * 3600})
    text = run("handover").stdout
    assert "slow" in text
    assert "all runs begun since 2026-03-02 20:00:00 UTC, and all that run" in text


def test_a_decision_in_the_shift_is_there_however_old_its_run(run: Run, environment: FakeEnvironment) -> None:
    going_on = run_of("ancient", 900, None, ended("patience", Status.DENIED, 1, DENIED))
    aborted = run_of("aborted", 20, 19, ended("closed-later", Status.ABANDONED, 11), ended("before", Status.HELD, 20))
    aborted = replace(aborted, summary=replace(aborted.summary, status=ExecutionStatus.ABORTED))
    for detail in (aborted, going_on):
        environment.executions.details.append(detail)
        environment.executions.summaries.append(detail.summary)
    text = run("handover").stdout
    assert "patience" in text[text.index("Decided") :]
    assert "closed-later" in text[text.index("Failed or expired") : text.index("Decided")]
    assert "before:" not in text
    # It ended badly before the shift, so that it is none of its runs.
    assert "2 runs, 1 failed" in text


def test_denials_that_no_run_has_seen_are_named(run: Run, environment: FakeEnvironment) -> None:
    assert environment.fleet.latest is not None
    environment.fleet.latest = replace(environment.fleet.latest, taken_at=NOON - 2 * HOUR)
    assert "1 denial since keep tasks quiet too" in run("handover").stdout


def test_several_contexts_and_one_that_does_not_answer(run: Run, two_contexts: FakeEnvironment) -> None:
    both = ("handover", "-c", "eu", "-c", "us")
    text = run(*both).stdout
    assert text.index("Context eu") < text.index("worked") < text.index("Context us")
    assert "nothing was decided, nothing waits" in text
    two_contexts.approvals.unreachable = Offline("no route to host")
    done = run(*both)
    assert done.exit_code == ExitCode.UNREACHABLE
    assert "worked" in done.stdout
    assert "Offline: no route to host" in done.stdout
    assert "us: Offline: no route to host" in done.stderr
    eu, us = json.loads(run(*both, "--json").stdout)
    assert (eu["context"], len(eu["handled"]), us["context"]) == ("eu", 4, "us")
    assert "no route to host" in us["problem"]
    assert run(*both, "--markdown").stdout.count("# Handover: ") == 2
    two_contexts.approvals.unreachable = None
    assert run("handover", "-c", "us").exit_code == ExitCode.OK
