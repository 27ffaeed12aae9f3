"""The report as people read it, and the texts on their phones."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.agent.metrics import Metrics
from qlikops.agent.notify import outcome_text, request_text
from qlikops.agent.report import markdown
from qlikops.domain.anomaly import Anomaly, AnomalyKind, Severity
from qlikops.domain.approval import Approval, Decision, Outcome, Status, TargetOutcome
from qlikops.domain.evaluation import ClosedGate, Evaluation, Gate
from qlikops.domain.execution import RunSummary
from qlikops.domain.report import LeftAlone, ReportedProposal, RunReport
from qlikops.domain.task import TaskKey
from tests.unit.agent.fakes import ARN, ASK, EVALUATION, ORDERS, SERVER, START, proposal

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
    target = TargetOutcome(ORDERS, status, "", "ERROR (FATAL_ERROR)", "RUNNING", 4.0)
    outcome = Outcome(status, "how it ended", (target,), START, decision)
    return ReportedProposal(proposal(**changes), status, EVALUATION, ASK, outcome, "f" * 64)


def test_a_report_reads_from_the_whole_to_the_detail() -> None:
    text = markdown(
        report(
            proposals=(reported(Status.RESTARTED, ANNA),),
            left_alone=(LeftAlone(TaskKey("default", SERVER, "stock"), "USER_STOPPED", "a person stopped it"),),
        )
    )

    assert text == (
        "# Qlik monitoring run run-1\n\n"
        "2026-03-07 03:00:00 to 2026-03-07 03:12:00 UTC (12m00s)\n\n"
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
        ClosedGate(Gate.SEVERAL_TASKS, "2 tasks in one decision"),
        ClosedGate(Gate.BUDGET_SPENT, "the budget of 3 restarts an hour is spent: replicate-1/orders"),
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


def test_a_failed_run_never_says_that_nothing_is_wrong() -> None:
    text = markdown(report(error="no login", anomalies=(), tasks=0))

    assert "**This run failed: no login**" in text
    assert "Nothing is wrong" not in text


def approval(**changes: Any) -> Approval:
    made = Approval(proposal(), Status.WAITING, START, EVALUATION, ASK, "f" * 64, START, START + timedelta(hours=4))
    return replace(made, **changes)


def test_a_question_fits_a_phone() -> None:
    assert request_text(approval(), START) == (
        "orders: connection lost\n"
        "Proposed: resume replicate-1/orders\n"
        "Severity: critical. Rules: approve, low risk, 90% sure.\n"
        "Answer by 07:00 UTC (in 4h00m), or nothing is done.\n"
        "qlikops show 0123456789ab"
    )


def test_only_a_model_is_called_ai() -> None:
    by_model = replace(EVALUATION, evaluator="bedrock", confidence=None)

    assert "AI: approve, low risk." in request_text(approval(evaluation=by_model), START)


def test_a_missing_evaluation_is_said_with_its_cause() -> None:
    missing = Evaluation.unavailable("timed out", "rules", "1", START)

    assert "Rules: no evaluation (timed out)." in request_text(approval(evaluation=missing), START)


def test_an_end_is_told_in_three_lines() -> None:
    ended = approval(status=Status.UNVERIFIED, outcome=Outcome(Status.UNVERIFIED, "not seen \x1b[31mup"))

    assert outcome_text(ended) == (
        "orders: connection lost\nresume replicate-1/orders: unverified\nnot seen up\nqlikops show 0123456789ab"
    )


class FakeCloudWatch:
    """Keeps what was put."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}

    def put_metric_data(self, Namespace: str, MetricData: list[dict[str, Any]]) -> None:  # noqa: N803 - boto3's names
        assert Namespace == "QlikOps"
        self.values |= {entry["MetricName"]: entry["Value"] for entry in MetricData}


def test_metrics_count_every_outcome_and_say_zero_too() -> None:
    cloudwatch = FakeCloudWatch()

    Metrics(cloudwatch).put(RunSummary(ARN, "run-1", START, 1, 4, 1, 1, 0, {"already_running": 1}))

    assert cloudwatch.values["AlreadyRunning"] == 1
    assert cloudwatch.values["Expired"] == 0
    assert cloudwatch.values["RestartsFailed"] == 0
    assert cloudwatch.values["RunsFailed"] == 0
    assert cloudwatch.values["Tasks"] == 4


def test_a_failed_run_counts_as_nothing_but_failed() -> None:
    cloudwatch = FakeCloudWatch()

    Metrics(cloudwatch).put(RunSummary(ARN, "run-1", START, error="no login"))

    assert cloudwatch.values == {"RunsFailed": 1}


def test_restarts_that_did_not_work_are_one_number_for_the_alarm() -> None:
    cloudwatch = FakeCloudWatch()
    outcomes = {"failed": 1, "unverified": 2, "partial": 1, "restarted": 5, "denied": 1}

    Metrics(cloudwatch).put(RunSummary(ARN, "run-1", START, 1, 9, 9, 9, 0, outcomes))

    assert cloudwatch.values["RestartsFailed"] == 4
