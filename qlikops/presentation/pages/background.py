"""What surrounds a proposal, in lines: the evaluator's earlier results, the task's latency, how earlier ones ended."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from qlikops.domain.gathered.background import HISTORY_LIMIT, Background
from qlikops.domain.proposals.approval import HistoryLine, ProposalRecord, Status
from qlikops.domain.proposals.evaluation import Verdict
from qlikops.domain.words.duration import format_duration
from qlikops.presentation import vocabulary
from qlikops.presentation.problem import explain
from qlikops.presentation.tone import Line, Span, Tone, line, outside

if TYPE_CHECKING:
    from qlikops.domain.runs.snapshot import Sample

_COUNTED = (Status.RESTARTED, Status.PARTIAL, Status.UNVERIFIED, Status.FAILED, Status.DENIED)
"""What is counted of a task's history: restarted is what was seen to come up, and nothing else."""
HISTORY_SHOWN = 8
"""Most lines on what happened earlier; the rest is counted."""
PLOT_COLUMNS = 30
"""Fits beside the label in the narrowest review there is."""
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_PLOT_ROWS = 2


def track_record(approval: ProposalRecord, background: Background) -> Iterator[Line]:
    """What came of proposals like this one after the same verdict of the same evaluator."""
    evaluation = approval.evaluation
    evaluator = evaluation.evaluator if evaluation else ""
    verdict = evaluation.verdict if evaluation else Verdict.UNAVAILABLE
    said = vocabulary.verdict(verdict, evaluator).text if evaluator else str(verdict)
    after = outside(background.track_of or approval.proposal.counted_as, Tone.MUTED, 40, before=f"  after “{said}” on ")
    record = next((each for each in background.track if (each.evaluator, each.verdict) == (evaluator, verdict)), None)
    if record is None:
        if not background.missing:
            yield line("track record", Span("none yet", Tone.MUTED), after)
        return
    spans: list[Span] = []
    if record.tried:
        tone = Tone.GOOD if record.recovered == record.tried and not record.fell_over else Tone.WARNING
        spans.append(Span(f"approved here: {record.words()}", tone))
    if record.denied:
        spans.append(Span(f"{', ' if spans else ''}{record.denied:,} denied"))
    yield line("track record", *spans, after)


def latency(samples: Sequence[Sample]) -> Iterator[Line]:
    """A small plot of the end-to-end latency, and the same in words."""
    known = [sample.total_seconds for sample in samples if sample.total_seconds is not None]
    if not known:
        words = f"not known in {vocabulary.count(len(samples), 'sample')}" if samples else "no samples"
        yield line("latency", Span(words, Tone.MUTED))
        return
    for index, row in enumerate(plot([sample.total_seconds for sample in samples])):
        yield line("" if index else "latency", Span(row, Tone.INFO))
    span = format_duration(samples[-1].at - samples[0].at)
    words = f"max {_seconds(max(known))}, min {_seconds(min(known))}, last {_seconds(known[-1])}"
    if samples[-1].total_seconds is None:
        words += f" (not known in the last {vocabulary.count(_unknown_at_the_end(samples), 'sample')})"
    size = vocabulary.count(len(samples), "sample") + (f" over {span}" if len(samples) > 1 else "")
    yield line("", words, Span(f"; {size}, to {vocabulary.clock_time(samples[-1].at)}", Tone.MUTED))


def plot(values: Sequence[int | None], columns: int = PLOT_COLUMNS, rows: int = _PLOT_ROWS) -> tuple[str, ...]:
    """Block characters from zero to the highest value, top row first; each column the highest of its share.

    What is not known is a dot. There are no more columns than values.
    """
    columns = min(columns, len(values))
    bounds = [len(values) * index // columns for index in range(columns + 1)]
    shares = [[value for value in values[start:end] if value is not None] for start, end in itertools.pairwise(bounds)]
    top = max((max(share) for share in shares if share), default=0) or 1
    steps = rows * (len(_EIGHTHS) - 1)
    # At least one step: a value of zero was measured too.
    heights = [max(1, round(max(share) * steps / top)) if share else None for share in shares]
    return tuple(
        "".join(
            ("·" if row == 0 else " ") if height is None else _EIGHTHS[min(8, max(0, height - 8 * row))]
            for height in heights
        )
        for row in reversed(range(rows))
    )


def earlier(background: Background) -> Iterator[Line]:
    """Restarts, denials and snoozes of this task, newest first, after how many of each there were."""
    history = background.history
    if not history:
        return
    ended = Counter(entry.status for entry in history)
    counted = [f"{ended[each]:,} {vocabulary.status(each).text.lower()}" for each in _COUNTED if ended[each]]
    others = len(history) - sum(ended[status] for status in _COUNTED)
    counted += [f"{others:,} otherwise"] if others else []
    first = f"the last {HISTORY_LIMIT}" if len(history) >= HISTORY_LIMIT else f"all {len(history)}"
    yield line("in short", ", ".join(counted), Span(f"  ({first})", Tone.MUTED))
    for entry in history[:HISTORY_SHOWN]:
        yield history_line(entry)
    if len(history) > HISTORY_SHOWN:
        yield line("", Span(f"and {len(history) - HISTORY_SHOWN:,} more", Tone.MUTED))


def missing(background: Background) -> Iterator[Line]:
    """What could not be read, so that its absence is not taken for a fact."""
    for error in background.missing:
        yield line("not read", Span(str(explain(error)), Tone.WARNING))


def history_line(entry: HistoryLine) -> Line:
    """How one earlier proposal ended."""
    by = f" by {vocabulary.person(entry.by)}" if entry.by else ""
    reason = f": {entry.reason}" if entry.reason else ""
    how = f"({entry.came_to}) " if entry.status is Status.FAILED and entry.came_to not in ("", "failed") else ""
    what = f"{how}{entry.action}, {entry.kind}{by}{reason}"
    spans = [vocabulary.status(entry.status), outside(what, cap=300, before=" ")]
    if entry.lasting:
        spans.append(outside(entry.lasting.words(), Tone.DANGER, 200, before="; "))
    if entry.snooze_seconds:
        spans.append(Span(f"; snoozed for {format_duration(float(entry.snooze_seconds))}", Tone.MUTED))
    return line(f"{entry.at:%m-%d %H:%M}", *spans)


def _seconds(value: int) -> str:
    return format_duration(float(value))


def _unknown_at_the_end(samples: Sequence[Sample]) -> int:
    known = [index for index, sample in enumerate(samples) if sample.total_seconds is not None]
    return len(samples) - 1 - known[-1]
