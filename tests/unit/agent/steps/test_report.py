"""The report as people read it, and the texts on their phones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.agent.steps.report import markdown
from qlikops.agent.tell.trend import TREND_RUNS, changes, extended, mean_latency
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.anomaly import Anomaly, AnomalyKind, Severity
from qlikops.domain.fleet.freshness import StaleTime
from qlikops.domain.fleet.task import Action, TaskKey, TaskState
from qlikops.domain.proposals.approval import Decision, Outcome, Status, TaskOutcome
from qlikops.domain.proposals.evaluation import BlockingGate, Gate
from qlikops.domain.proposals.proposal import Option
from qlikops.domain.runs.report import Changes, NoAction, ReportedProposal, RunPoint, RunReport, Sighting
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskSnapshot
from tests.unit.agent.fakes import ARN, ASK, EVALUATION, ORDERS, SERVER, START, group, proposal
from tests.unit.agent.fleet import task as healthy

ANNA = Decision(approved=True, by="arn:aws:sts::1:assumed-role/ops/anna", digest="f" * 64, reason="source is back")


def report(**changes: Any) -> RunReport:
    made = RunReport(
        execution_arn=ARN,
        execution_name="run-1",
        started_at=START,
        finished_at=START + timedelta(minutes=12),
        servers=1,
        tasks=4,
        tasks_by_state={"RUNNING": 3, "ERROR": 1},
        anomalies=(Anomaly(AnomalyKind.FATAL_TRANSIENT, Severity.CRITICAL, ORDERS, "connection lost"),),
        proposals=(),
        left_alone=(),
    )
    return replace(made, **changes)


def reported(status: Status, decision: Decision | None, **changes: Any) -> ReportedProposal:
    target = TaskOutcome(ORDERS, status, "", "ERROR (FATAL_ERROR)", "RUNNING", 4.0)
    outcome = Outcome(status, "how it ended", (target,), START, decision)
    return ReportedProposal(proposal(**changes), status, EVALUATION, ASK, outcome, "f" * 64)


def test_minutes_out_of_freshness_stand_in_a_table() -> None:
    assert "| gold | 7.5 | 2 |" in markdown(report(stale=(StaleTime("gold", 450, 2),)))


def test_a_report_reads_from_the_whole_to_the_detail() -> None:
    text = markdown(
        report(
            proposals=(reported(Status.RESTARTED, ANNA),),
            left_alone=(NoAction(TaskKey("default", SERVER, "stock"), "USER_STOPPED", "a person stopped it"),),
        )
    )

    assert text == (
        "# Qlik monitoring run run-1\n\n"
        "2026-03-07 03:00:00 UTC to 2026-03-07 03:12:00 UTC (12m00s)\n\n"
        "Servers: 1. Tasks: 4 (1 ERROR, 3 RUNNING). Anomalies: 1. Proposals: 1. Left alone: 1. "
        "Deferred to the next run: 0.\n\n"
        "## Decisions\n\n"
        "| Proposal | Action | Evaluation | Closed gates | Outcome | Decided by | Why |\n"
        "|---|---|---|---|---|---|---|\n"
        "| orders: connection lost (0123456789ab) | resume replicate-1/orders | rules: approve, low risk |  | "
        "restarted | anna | source is back |\n\n"
        "## Restarts\n\n"
        "| Task | Outcome | Before | After | Seconds | Detail |\n"
        "|---|---|---|---|---|---|\n"
        "| replicate-1/orders | restarted | ERROR (FATAL\\_ERROR) | RUNNING | 4.0 |  |\n\n"
        "## Left alone\n\n"
        "| Task | Anomaly | Why |\n"
        "|---|---|---|\n"
        "| replicate-1/stock | USER\\_STOPPED | a person stopped it |\n\n"
        "## Anomalies\n\n"
        "| Where | Kind | Severity | What |\n"
        "|---|---|---|---|\n"
        "| replicate-1/orders | FATAL\\_TRANSIENT | critical | connection lost |\n"
    )


@pytest.mark.parametrize(
    ("status", "decision", "by"),
    [
        (Status.RESTARTED, replace(ANNA, digest=""), "anna, without a digest"),
        (Status.RESTARTED, Decision(approved=True, automatic=True, digest="f"), "policy"),
        (Status.DENIED, Decision(approved=False, reason="no"), "unknown (no caller given)"),
        (Status.EXPIRED, None, "nobody"),
        (Status.HELD, None, "policy"),
    ],
)
def test_a_report_says_who_decided(status: Status, decision: Decision | None, by: str) -> None:
    assert f"| {by} |" in markdown(report(proposals=(reported(status, decision),)))


def test_every_closed_gate_is_named() -> None:
    gates = (
        BlockingGate(Gate.SEVERAL_TASKS, "2 tasks in one decision"),
        BlockingGate(Gate.BUDGET_SPENT, "the budget of 3 restarts an hour is spent: replicate-1/orders"),
    )
    one = replace(reported(Status.DENIED, ANNA), policy=replace(ASK, closed_gates=gates))

    assert "| 2 tasks in one decision; the budget of 3 restarts an hour is spent: replicate-1/orders |" in markdown(
        report(proposals=(one,))
    )


def test_what_was_closed_for_an_earlier_run_is_told_with_its_tasks() -> None:
    text = markdown(report(abandoned=(reported(Status.ABANDONED, None),)))

    assert "## Closed for earlier runs" in text
    assert "| abandoned | nobody | how it ended |" in text
    assert "## Restarts" in text


def test_text_from_outside_is_no_markup() -> None:
    hostile = "a|b\n# heading <img src=x> [link](http://example.com) `code`"

    text = markdown(report(proposals=(reported(Status.DENIED, replace(ANNA, reason=hostile)),)))

    assert "a\\|b \\# heading \\<img src=x\\> \\[link\\](http://example.com) \\`code\\`" in text
    assert len([line for line in text.splitlines() if line.startswith("| orders")]) == 1


def test_neither_an_entity_nor_a_tilde_from_outside_is_markup() -> None:
    text = markdown(report(proposals=(reported(Status.DENIED, replace(ANNA, reason="a&rlm;b &#8238;c ~~d~~")),)))

    assert "a\\&rlm;b \\&\\#8238;c \\~\\~d\\~\\~" in text


def test_a_failed_run_never_says_that_nothing_is_wrong() -> None:
    text = markdown(report(error="no login", anomalies=(), tasks=0))

    assert "**This run failed: no login**" in text
    assert "Nothing is wrong" not in text


def test_a_report_says_what_was_chosen() -> None:
    """The option in the place of the recommended one, the task that was left out, and that a check was not ticked."""
    reload = Option("reload", Action.RELOAD, "reload the target", ("Tell the readers.",))
    made = replace(group(2), options=(Option("resume", Action.RESUME, "restore the log, then resume"), reload))
    decision = replace(ANNA, approved=True, option="reload", tasks=("task-001",))
    outcome = Outcome(Status.FAILED, "refused", decision=decision)

    said = "option reload; left out: replicate-1/task-000; none of 1 check ticked"
    text = markdown(report(proposals=(ReportedProposal(made, Status.FAILED, outcome=outcome),)))
    assert f"reload {made.label}" in text
    assert f"anna, {said.replace(';', ',')}" in text.replace("\\", "")


def snapshot(*found: tuple[str, AnomalyKind], at: int = 0, latencies: Sequence[int | None] = ()) -> FleetSnapshot:
    tasks = [
        TaskSnapshot(healthy(f"t{number}", source_latency_seconds=0, total_latency_seconds=latency))
        for number, latency in enumerate(latencies)
    ]
    tasks += [
        TaskSnapshot(
            healthy(name, state=TaskState.ERROR, total_latency_seconds=9999),
            anomalies=(Anomaly(kind, Severity.CRITICAL, TaskKey("default", SERVER, name), "down"),),
        )
        for name, kind in found
    ]
    return FleetSnapshot(START + timedelta(minutes=at), f"run-{at}", (), tuple(tasks))


def test_what_is_new_and_what_is_gone() -> None:
    before = snapshot(("orders", AnomalyKind.STALLED), ("stock", AnomalyKind.STALLED))
    now = snapshot(("orders", AnomalyKind.STALLED), ("orders", AnomalyKind.TABLE_ERROR), at=5)

    found = changes(before, now)

    assert found.since == START
    assert [(one.key.task, one.kind) for one in found.new] == [("orders", "TABLE_ERROR")]
    assert [(one.key.task, one.kind) for one in found.resolved] == [("stock", "STALLED")]
    assert changes(None, now) == Changes()


def test_the_mean_latency_is_that_of_running_tasks_that_say_one() -> None:
    assert mean_latency(snapshot(("orders", AnomalyKind.STALLED), latencies=[3, 4, None])) == 3.5
    assert mean_latency(snapshot(latencies=[None])) is None


def test_a_trend_keeps_the_last_runs_in_their_order_and_each_once() -> None:
    trend: tuple[RunPoint, ...] = ()
    names = [f"run-{number:02d}" for number in range(20)]
    # The third waited for an answer, and its report comes last.
    for name in [*names[:2], *names[3:], names[19], names[2]]:
        minutes = 5 * int(name.removeprefix("run-"))
        trend = extended(trend, report(execution_name=name, started_at=START + timedelta(minutes=minutes)))

    assert [point.execution_name for point in trend] == names[-TREND_RUNS:]


def test_a_trend_reads_as_a_table_with_the_newest_first() -> None:
    since = Changes(
        START, (Sighting(ORDERS, "STALLED"),) * 11, (Sighting(TaskKey("default", SERVER, ""), "SERVER_DOWN"),)
    )
    points = (
        RunPoint("run-0", START - timedelta(minutes=5), failed=True),
        RunPoint("run-1", START, 3, 2, 1, 1, 7.5),
    )

    text = markdown(report(changes=since, trend=points, trend_note="Nothing was there, so it begins."))

    assert "Since 2026-03-07 03:00:00 UTC: 11 new (replicate-1/orders STALLED, " in text
    assert "STALLED and 1 more); 1 resolved (replicate-1 SERVER\\_DOWN)." in text
    assert (
        "| 2026-03-07 03:00:00 UTC | 3 | 2 | 1 | 1 | 7.5 s |\n| 2026-03-07 02:55:00 UTC | the run failed |  |  |  |  |"
        in text
    )
    assert "Nothing was there, so it begins." in text


def test_a_report_from_before_there_was_a_trend_is_read() -> None:
    new = {"latency_seconds", "changes", "trend", "trend_note"}
    old = {key: value for key, value in codec.encode(report()).items() if key not in new}

    assert codec.loads(RunReport, json.dumps(old)) == report()
