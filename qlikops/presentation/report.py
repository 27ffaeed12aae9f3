"""A run's report in a few lines, for a terminal; the Markdown in S3 is the long form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from qlikops.domain.duration import format_duration
from qlikops.domain.report import ReportedProposal, RunPoint, RunReport
from qlikops.presentation import vocabulary
from qlikops.presentation.problem import by_whom
from qlikops.presentation.tone import Cells, Column, Line, Section, Span, Tone, fit, line, outside

COLUMNS = (Column("name", "Run", 20, flexible=True),)


def columns(width: int) -> tuple[Column, ...]:
    """The list of reports has names only."""
    return fit(COLUMNS, width, ())


def cells(execution_name: str) -> Cells:
    """One report in the list."""
    return {"name": outside(execution_name, cap=80)}


def sections(report: RunReport) -> tuple[Section, ...]:
    """What was checked, proposed and decided, and what was left alone."""
    if report.error:
        return (Section("", (*_heading(report), line("failed", outside(report.error, Tone.DANGER)))),)
    found = (
        Section("", (*_heading(report), *_checked(report))),
        Section("Trend", tuple(_trend(report))),
        Section("Proposals", tuple(_proposal(proposal) for proposal in report.proposals)),
        Section(
            "Left alone",
            tuple(
                line(outside(left.kind, cap=20).text, outside(f"{left.key}: {left.why}")) for left in report.left_alone
            ),
        ),
    )
    return tuple(section for section in found if section.lines)


def _heading(report: RunReport) -> Iterator[Line]:
    took = format_duration(report.finished_at - report.started_at)
    yield line("run", outside(report.execution_name, cap=100))
    yield line("finished", f"{vocabulary.clock_time(report.finished_at)}, took {took}")


def _checked(report: RunReport) -> Iterator[Line]:
    states = ", ".join(f"{number:,} {state}" for state, number in sorted(report.tasks_by_state.items()))
    checked = f"{vocabulary.count(report.tasks, 'task')} on {vocabulary.count(report.servers, 'server')}"
    yield line("checked", outside(f"{checked}: {states}" if states else checked))
    kinds = Counter(str(anomaly.kind) for anomaly in report.anomalies)
    found = ", ".join(f"{number:,} {kind}" for kind, number in sorted(kinds.items())) or "nothing"
    yield line("found", Span(found, Tone.WARNING if kinds else Tone.GOOD))
    for note in report.notes:
        yield line("note", outside(note, Tone.WARNING))
    if report.deferred:
        yield line("deferred", Span(f"{vocabulary.count(report.deferred, 'proposal')} to the next run", Tone.WARNING))


def _trend(report: RunReport) -> Iterator[Line]:
    """What changed since the run before, and a few numbers of the last runs, the newest last."""
    changes = report.changes
    if changes.since is not None:
        new, resolved = len(changes.new), len(changes.resolved)
        yield line(
            "changed",
            Span(f"{new:,} new", Tone.WARNING if new else Tone.NEUTRAL),
            f", {resolved:,} resolved since {vocabulary.clock_time(changes.since)}",
        )
    if len(report.trend) > 1:
        yield line("anomalies", _series(report.trend, lambda point: f"{point.anomalies:,}"))
        yield line("restarted", _series(report.trend, lambda point: f"{point.restarted:,}"))
        yield line("failed", _series(report.trend, lambda point: f"{point.failures:,}"))
        yield line("latency", _series(report.trend, _latency), Span("  mean, in seconds", Tone.MUTED))
    if report.trend_note:
        yield line("note", outside(report.trend_note, Tone.MUTED))


def _series(trend: Sequence[RunPoint], number: Callable[[RunPoint], str]) -> str:
    return " ".join("!" if point.failed else number(point) for point in trend)


def _latency(point: RunPoint) -> str:
    return "-" if point.latency_seconds is None else f"{point.latency_seconds:.0f}"


def _proposal(reported: ReportedProposal) -> Line:
    proposal = reported.proposal
    decision = None if reported.outcome is None else reported.outcome.decision
    decided = "" if decision is None else f"; {by_whom(decision)}"
    what = outside(f"{proposal.label}: {proposal.action}{decided}", cap=400, before=" ")
    return line(outside(proposal.proposal_id, cap=12).text, vocabulary.status(reported.status), what)
