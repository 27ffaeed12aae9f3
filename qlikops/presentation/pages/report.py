"""A run's report in a few lines, for a terminal; the Markdown in S3 is the long form."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from qlikops.domain.proposals.approval import terms_of
from qlikops.domain.runs.report import NoAction, ReportedProposal, ReportEntry, RunPoint, RunReport
from qlikops.domain.words.duration import format_duration
from qlikops.domain.words.naming import counted
from qlikops.presentation import stale, vocabulary
from qlikops.presentation.lists.executions import came_to
from qlikops.presentation.pictures.canvas import cells as cells_of
from qlikops.presentation.problem import by_whom
from qlikops.presentation.table import Cells, Column, fit
from qlikops.presentation.tone import Line, Section, Span, Tone, filled, line, outside

COLUMNS = (
    Column("finished", "Ended (UTC)", 11),
    Column("found", "Found", 5, right=True),
    Column("outcome", "Came to", 24, flexible=True),
    # The report beside the list says it.
    Column("name", "Run", 36, goes=10),
)
_HEADING = re.compile(r"#+ ")
_RULE = re.compile(r"\|(-+\|)+")
_CELL_END = re.compile(r"(?<!\\)\|")
"""A bar inside a cell is escaped."""
_CELL_CAP = 24
"""Cells that a longer text of a table can be wrapped into and still be read."""
_CELL_EDGES = 3
"""Cells that a column takes beside its text."""

columns = partial(fit, COLUMNS)
"""What fits in so many cells; all of it if that is None."""


def cells(entry: ReportEntry) -> Cells:
    """One report in the list: what its run found, and what became of what it proposed."""
    run = entry.run
    finished = None if run is None else run.finished_at
    return {
        "finished": vocabulary.NOTHING if finished is None else Span(f"{finished:%m-%d %H:%M}"),
        "found": vocabulary.NOTHING
        if run is None
        else Span(f"{run.anomalies:,}", Tone.WARNING if run.anomalies else Tone.MUTED),
        "outcome": _came_to(entry),
        "name": outside(entry.execution_name, cap=80),
    }


def _came_to(entry: ReportEntry) -> Span:
    return outside(entry.execution_name, Tone.MUTED, 80) if entry.run is None else came_to(entry.run)


def narrowed(markdown: str, needle: str) -> str:
    """What of a report's Markdown holds `needle`, case aside: lines and table rows, under their headings and heads."""
    wanted, kept = needle.casefold(), list[str]()
    above: list[str] = []
    lines = markdown.splitlines()
    for line_, after in zip(lines, [*lines[1:], ""], strict=True):
        if _HEADING.match(line_):
            above = ["", line_]
        elif _RULE.fullmatch(after):
            above += ["", line_, after]
        elif wanted in line_.casefold() and line_ not in above:
            kept += above if line_.startswith("|") else ["", *above, ""]
            above = []
            kept.append(line_)
    return "\n".join(kept).strip() or "Nothing in this report holds that."


def fitted(markdown: str, width: int) -> str:
    """A report's Markdown with each table that `width` cells are too few for as a list, a row an item."""
    kept, table = list[str](), list[str]()
    for line_ in [*markdown.splitlines(), ""]:
        if line_.startswith("|"):
            table.append(line_)
            continue
        if table:
            kept += _fitted_table(table, width)
            table = []
        kept.append(line_)
    return "\n".join(kept)


def _fitted_table(table: Sequence[str], width: int) -> Sequence[str]:
    head, *rows = (
        _CELL_END.split(line_.rstrip().removeprefix("|").removesuffix("|"))
        for line_ in table
        if not _RULE.fullmatch(line_)
    )
    longest = (max(cells_of(cell.strip()) for cell in column) for column in zip(head, *rows, strict=False))
    if sum(min(needed, _CELL_CAP) + _CELL_EDGES for needed in longest) <= width:
        return table
    items = list[str]()
    for first, *others in rows:
        items.append(f"- **{first.strip() or '–'}**")
        items += [
            f"    - {name.strip()}: {cell.strip()}"
            for name, cell in zip(head[1:], others, strict=False)
            if cell.strip()
        ]
    return items


def sections(report: RunReport) -> tuple[Section, ...]:
    """What was checked, proposed and decided, and what was left alone."""
    if report.error:
        return (Section("", (*_heading(report), line("failed", outside(report.error, Tone.DANGER)))),)
    return filled(
        ("", (*_heading(report), *_checked(report))),
        ("Trend", _trend(report)),
        ("Out of freshness since the run before", stale.time_out(report.stale)),
        ("Proposals", map(_proposal, report.proposals)),
        ("Closed for earlier runs", map(_proposal, report.abandoned)),
        ("Left alone", _left_alone(report.left_alone)),
    )


def _left_alone(left_alone: Sequence[NoAction]) -> Iterator[Line]:
    """A line for all tasks with the same anomaly on which nothing was proposed for the same reason."""
    alike: dict[tuple[str, str], list[str]] = {}
    for each in left_alone:
        alike.setdefault((each.kind, each.why), []).append(str(each.key))
    for (kind, why), tasks in alike.items():
        yield line(outside(kind, cap=20).text, outside(f"{counted(tasks, 'tasks')}: {why}", cap=700))


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
    if followed := report.followed.words():
        yield line("earlier restarts", Span(followed, Tone.DANGER if report.followed.fell_over else Tone.GOOD))
    for fell in report.followed.fell_over:
        yield line("", outside(f"{fell.label}: {fell.words()} ({fell.proposal_id})", Tone.DANGER, 300))
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
    decided = "" if decision is None else "; ".join(["", by_whom(decision), *terms_of(decision, proposal)])
    what = outside(f"{proposal.label}: {reported.action}{decided}", cap=400, before=" ")
    return line(outside(proposal.proposal_id, cap=12).text, vocabulary.status(reported.status), what)
