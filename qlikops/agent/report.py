"""The report of a run: gathered from what was found and what the ledger says became of it, and as Markdown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from qlikops.agent.ledger import Ledger
from qlikops.agent.metrics import Metrics
from qlikops.agent.run import Run
from qlikops.agent.store import Store
from qlikops.domain.approval import Approval, Decision, Status
from qlikops.domain.duration import format_duration
from qlikops.domain.report import ReportedProposal, RunReport
from qlikops.domain.run import RunSummary

_MARKDOWN = re.compile(r"([\\`*_\[\]<>|#])")
_NO_FINDINGS = "what MonitorTasks found is missing"


class Reporter:
    """Writes the report of a finished run, completes its summary and puts the metrics."""

    def __init__(self, ledger: Ledger, store: Store, metrics: Metrics, clock: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._store = store
        self._metrics = metrics
        self._clock = clock

    def report(self, run: Run, error: str = "") -> RunSummary:
        """The completed summary. A second invocation writes the same report again and counts nothing twice."""
        summary = self._ledger.run(run.execution_name) or RunSummary(run.execution_arn, run.execution_name, run.started)
        reported_before = summary.finished_at is not None
        report = self._gather(run, summary, summary.finished_at or self._clock(), error or summary.error)
        key = self._store.save_report(report, markdown(report))
        outcomes = Counter(one.status.value for one in report.proposals)
        summary = replace(
            summary,
            outcomes=dict(outcomes),
            report_key=key,
            finished_at=report.finished_at,
            error=report.error,
        )
        # The mark comes last: a count too many after a crash in between is better than an alarm that stays silent.
        if not reported_before:
            self._metrics.put(summary)
        self._ledger.save_run(summary)
        return summary

    def _gather(self, run: Run, summary: RunSummary, finished_at: datetime, error: str) -> RunReport:
        rows = self._ledger.run_proposals(run.execution_name)
        records = self._ledger.records([row.proposal_id for row in rows])
        findings = self._store.findings(run.started, run.execution_name)
        if findings is None:
            findings = RunReport(
                execution_arn=run.execution_arn,
                execution_name=run.execution_name,
                started_at=run.started,
                finished_at=finished_at,
                servers=summary.servers,
                tasks=summary.tasks,
                tasks_by_state={},
                anomalies=(),
                proposals=(),
                left_alone=(),
                deferred=summary.deferred,
            )
            error = error or _NO_FINDINGS
        abandoned = self._ledger.abandoned(run.execution_name)
        return replace(
            findings,
            proposals=tuple(_reported(record.approval) for record in records),
            abandoned=tuple(_reported(record.approval) for record in abandoned),
            finished_at=finished_at,
            error=error,
        )


def markdown(report: RunReport) -> str:
    """The report for people. Text from outside cannot be taken for markup."""
    blocks = [
        f"# Qlik monitoring run {_plain(report.execution_name)}",
        f"{_moment(report.started_at)} to {_moment(report.finished_at)} UTC "
        f"({format_duration(report.finished_at - report.started_at)})",
    ]
    if report.error:
        blocks.append(f"**This run failed: {_plain(report.error)}**")
    blocks += [_plain(note) for note in report.notes]
    states = ", ".join(f"{count} {state}" for state, count in sorted(report.tasks_by_state.items()))
    blocks.append(
        f"Servers: {report.servers}. Tasks: {report.tasks}{f' ({states})' if states else ''}. "
        f"Anomalies: {len(report.anomalies)}. Proposals: {len(report.proposals)}. "
        f"Left alone: {len(report.left_alone)}. Deferred to the next run: {report.deferred}."
    )
    for title, proposals in (("Decisions", report.proposals), ("Closed for earlier runs", report.abandoned)):
        blocks += _section(
            title,
            ("Proposal", "Action", "Evaluation", "Closed gates", "Outcome", "Decided by", "Why"),
            (_decision_row(one) for one in proposals),
        )
    blocks += _section(
        "Restarts",
        ("Task", "Outcome", "Before", "After", "Seconds", "Detail"),
        (
            (target.key, _words(target.status), target.before, target.after, target.seconds or "", target.detail)
            for one in report.proposals + report.abandoned
            for target in (one.outcome.targets if one.outcome else ())
        ),
    )
    blocks += _section(
        "Left alone",
        ("Task", "Anomaly", "Why"),
        ((left.key, left.kind, left.why) for left in report.left_alone),
    )
    blocks += _section(
        "Anomalies",
        ("Where", "Kind", "Severity", "What"),
        (
            (anomaly.key if anomaly.key.task else anomaly.key.server, anomaly.kind, anomaly.severity, anomaly.summary)
            for anomaly in report.anomalies
        ),
    )
    if not (report.anomalies or report.error):
        blocks.append("Nothing is wrong.")
    return "\n\n".join(blocks) + "\n"


def _reported(approval: Approval) -> ReportedProposal:
    return ReportedProposal(
        proposal=approval.proposal,
        status=approval.status,
        evaluation=approval.evaluation,
        policy=approval.policy,
        outcome=approval.outcome,
        digest=approval.digest,
    )


def _decision_row(one: ReportedProposal) -> Sequence[object]:
    proposal, evaluation, outcome = one.proposal, one.evaluation, one.outcome
    opinion = f"{evaluation.evaluator}: {evaluation.verdict}, {evaluation.risk} risk" if evaluation else "none"
    decision = outcome.decision if outcome else None
    why = (decision.reason if decision else "") or (outcome.detail if outcome else "not closed")
    return (
        f"{proposal.title} ({proposal.proposal_id})",
        f"{_words(proposal.action)} {proposal.label}",
        opinion,
        "; ".join(closed.reason for closed in one.policy.closed_gates) if one.policy else "",
        _words(one.status),
        _decider(decision, one.status),
        why,
    )


def _decider(decision: Decision | None, status: Status) -> str:
    if decision is None:
        return "policy" if status is Status.HELD else "nobody"
    unbound = "" if decision.is_bound or not decision.approved else ", without a digest"
    return f"{decision.who()}{unbound}"


def _section(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """A heading and a table; nothing where there are no rows."""
    lines = [f"| {' | '.join(_plain(str(cell)) for cell in row)} |" for row in rows]
    if not lines:
        return []
    return [f"## {title}", "\n".join([f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines])]


def _words(value: str) -> str:
    return value.replace("_", " ")


def _plain(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text.replace("\n", " "))


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
