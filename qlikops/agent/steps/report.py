"""The report of a run: gathered from what was found and what the ledger says became of it, and as Markdown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.remember.outage import Outages
from qlikops.agent.remember.run import Run
from qlikops.agent.remember.store import LatestReport, Store
from qlikops.agent.tell.events import MonitoringFailed, MonitoringRecovered
from qlikops.agent.tell.metrics import Metrics
from qlikops.agent.tell.notify import Notifier
from qlikops.agent.tell.trend import extended
from qlikops.agent.transient import IN_VAIN
from qlikops.dataclass import dataclass
from qlikops.domain.proposals.approval import Decision, ProposalRecord, Status, terms_of
from qlikops.domain.runs.report import Changes, ReportedProposal, RunPoint, RunReport, Sighting
from qlikops.domain.runs.run import RunSummary
from qlikops.domain.words.duration import format_duration, to_second

_MARKDOWN = re.compile(r"([\\`*_\[\]<>|#~&])")
"""An ampersand too: `&rlm;` would come out as the control character that was made harmless before."""
_NAMED = 10
"""New and resolved anomalies that are named; the JSON has them all."""
_NO_FINDINGS = "what MonitorTasks found is missing"


@dataclass(frozen=True)
class Reporter:
    """Writes the report of a finished run, completes its summary, puts the metrics, and says when runs fail."""

    ledger: Ledger
    store: Store
    metrics: Metrics
    notifier: Notifier
    outages: Outages
    clock: Callable[[], datetime]

    def report(self, run: Run, error: str = "") -> RunSummary:
        """The completed summary. A second invocation writes the same report again and counts nothing twice.

        Of a run that failed, as much as can still be done is done: without the ledger there is a report all the same.
        """
        latest = self.store.latest_report()
        try:
            known = self.ledger.runs.summary(run.execution_name)
        except IN_VAIN as exc:
            if not error:
                raise
            return self._report_without_ledger(run, f"{error} (and the ledger cannot be read: {exc})", latest)
        summary = known or RunSummary(run.execution_arn, run.execution_name, run.started)
        reported_before = summary.finished_at is not None
        if error and not reported_before:
            self._tell(run, error, was_read=known is not None)
        report = self._gather(run, summary, summary.finished_at or self.clock(), error or summary.error)
        report = _beside_others(report, latest)
        owes = self._is_untold(run, latest, failed=bool(report.error))
        unheard = latest.report is not None and latest.report.failure_unheard
        report = replace(report, failure_told=owes, failure_unheard=owes and unheard)
        key = self.store.save_report(report, markdown(report), latest)
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
            self.metrics.put(summary, [one.evaluation for one in report.proposals if one.evaluation])
        self.ledger.runs.complete(summary)
        return summary

    def _tell(self, run: Run, error: str, *, was_read: bool) -> None:
        """Tells that monitoring fails, unless people know it."""
        if not self.outages.is_known():
            failed = MonitoringFailed.of(run, error, was_read=was_read)
            self.outages.begin(run, lambda: self.notifier.tell(failed))

    def _is_untold(self, run: Run, latest: LatestReport, *, failed: bool) -> bool:
        """Whether a failure that only reports remember is not over, or not told to be, after `run`.

        The end is told first and forgotten then: who dies in between leaves it to the next run, and twice beats never.
        """
        before = latest.report
        owes = before is not None and before.failure_told
        has_ended = before is not None and before.started_at <= run.started
        ended = None if failed else self.outages.ended_by(run)
        if failed or not (ended or (owes and has_ended)):
            return owes
        if not self.notifier.tell(MonitoringRecovered.of(run)):
            return owes
        if ended:
            self.outages.forget(ended)
        return False

    def _report_without_ledger(self, run: Run, error: str, latest: LatestReport) -> RunSummary:
        """What can be said of a run that failed with the ledger; the last report knows whether people were told."""
        before = latest.report
        heard = before is not None and before.failure_told and not before.failure_unheard
        if not heard:
            heard = self.notifier.tell(MonitoringFailed.of(run, error, was_read=False))
        summary = RunSummary(run.execution_arn, run.execution_name, run.started, finished_at=self.clock(), error=error)
        report = replace(
            _beside_others(_empty(run, summary, self.clock(), error), latest),
            failure_told=True,
            failure_unheard=not heard,
        )
        self.metrics.put(summary)
        return replace(summary, report_key=self.store.save_report(report, markdown(report), latest))

    def _gather(self, run: Run, summary: RunSummary, finished_at: datetime, error: str) -> RunReport:
        rows = self.ledger.runs.proposals(run.execution_name)
        records = self.ledger.records([row.proposal_id for row in rows])
        findings = self.store.findings(run.started, run.execution_name)
        if findings is None:
            error = error or _NO_FINDINGS
            findings = _empty(run, summary, finished_at, error)
        abandoned = self.ledger.records(self.ledger.runs.abandoned(run.execution_name))
        return replace(
            findings,
            proposals=tuple(_reported(record.approval) for record in records),
            abandoned=tuple(_reported(record.approval) for record in abandoned),
            finished_at=finished_at,
            error=error,
        )


def _empty(run: Run, summary: RunSummary, finished_at: datetime, error: str) -> RunReport:
    """The report of a run whose findings are not there."""
    return RunReport(
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
        error=error,
    )


def _beside_others(report: RunReport, latest: LatestReport) -> RunReport:
    """The report with the trend that the last one carried, this run added."""
    note = ""
    if latest.lost_because:
        note = f"{latest.lost_because[0].upper()}{latest.lost_because[1:]}, so the trend begins with this run."
    before = latest.report
    if before and before.execution_name == report.execution_name:
        note = before.trend_note  # an earlier invocation's
    return replace(report, trend=extended(before.trend if before else (), report), trend_note=note)


def markdown(report: RunReport) -> str:
    """The report for people. Text from outside cannot be taken for markup."""
    blocks = [
        f"# Qlik monitoring run {_plain(report.execution_name)}",
        f"{to_second(report.started_at)} to {to_second(report.finished_at)} "
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
    if report.changes.since:
        blocks.append(_changed(report.changes))
    if followed := report.followed.words():
        blocks.append(f"Earlier restarts: {_plain(followed)}.")
    blocks += _section(
        "Fell over again",
        ("Proposal", "Task", "What", "When", "Detail"),
        (
            (f"{fell.label} ({fell.proposal_id})", task.key, task.words(), f"{to_second(task.at)}", task.detail)
            for fell in report.followed.fell_over
            for task in fell.tasks
        ),
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
        ((anomaly.key, anomaly.kind, anomaly.severity, anomaly.summary) for anomaly in report.anomalies),
    )
    blocks += _section(
        "Out of freshness since the run before",
        ("Tag or task", "Minutes", "Tasks"),
        ((each.name, f"{each.seconds / 60:.1f}", each.tasks) for each in report.stale),
    )
    if len(report.trend) > 1:
        blocks += _section(
            "Trend",
            ("Run", "Anomalies", "Proposals", "Restarted", "Failed", "Mean latency"),
            (_trend_row(point) for point in reversed(report.trend)),
        )
    if report.trend_note:
        blocks.append(_plain(report.trend_note))
    if not (report.anomalies or report.error):
        blocks.append("Nothing is wrong.")
    return "\n\n".join(blocks) + "\n"


def _changed(changes: Changes) -> str:
    since = f"Since {to_second(changes.since)}" if changes.since else ""
    parts = (("new", changes.new), ("resolved", changes.resolved))
    return f"{since}: {'; '.join(f'{len(found)} {word}{_named(found)}' for word, found in parts)}."


def _named(sightings: Sequence[Sighting]) -> str:
    """The first few by name, ready to be followed by anything."""
    names = [_plain(f"{one.key} {one.kind}") for one in sightings[:_NAMED]]
    more = f" and {len(sightings) - _NAMED} more" if len(sightings) > _NAMED else ""
    return f" ({', '.join(names)}{more})" if names else ""


def _trend_row(point: RunPoint) -> Sequence[object]:
    if point.failed:
        return (to_second(point.started_at), "the run failed", "", "", "", "")
    latency = "" if point.latency_seconds is None else f"{point.latency_seconds:g} s"
    return (to_second(point.started_at), point.anomalies, point.proposals, point.restarted, point.failures, latency)


def _reported(approval: ProposalRecord) -> ReportedProposal:
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
        f"{_words(one.action)} {proposal.label}",
        opinion,
        "; ".join(closed.reason for closed in one.policy.closed_gates) if one.policy else "",
        _words(one.status),
        _decider(decision, one),
        why,
    )


def _decider(decision: Decision | None, one: ReportedProposal) -> str:
    if decision is None:
        return "policy" if one.status is Status.HELD else "nobody"
    unbound = [] if decision.is_bound or not decision.approved else ["without a digest"]
    return ", ".join([decision.who(), *unbound, *terms_of(decision, one.proposal)])


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
