"""Executions as a table, and one execution in detail."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby

from qlikops.dataclass import dataclass
from qlikops.domain.encoding.strict_json import parse_json
from qlikops.domain.proposals.approval import Status
from qlikops.domain.words.duration import format_duration
from qlikops.domain.words.text import harmless
from qlikops.domain.workflow.execution import (
    ExecutionDetail,
    ExecutionStatus,
    ExecutionSummary,
    RunProposal,
    RunSummary,
    StateVisit,
)
from qlikops.presentation import vocabulary
from qlikops.presentation.running import progress
from qlikops.presentation.table import WHOLE_LINE, Cells, Column, ColumnOf, TableOf, fit
from qlikops.presentation.tone import Line, Section, Span, Tone, filled, line, outside

PAYLOAD_CAP = 100_000
"""Characters shown of an input or output, indented."""
_BAR_CELLS = 6
_EIGHTHS = " ▏▎▍▌▋▊▉█"
STATE_COLUMNS = (
    Column("state", "State", 24, flexible=True),
    Column("item", "Item", 5, right=True),
    Column("status", "Status", 11),
    Column("entered", "Entered", 8, goes=30),
    Column("duration", "Took", 7, right=True),
    Column("attempts", "Tries", 5, right=True, goes=20),
    Column("error", "Error", 24, goes=10),
)


@dataclass(frozen=True, slots=True)
class ListedExecution:
    """An execution in the list that shows it."""

    summary: ExecutionSummary
    now: datetime
    longest: float = 0
    """Seconds that the longest one of the list took: its bar is full."""


def listed(summaries: Sequence[ExecutionSummary], now: datetime) -> list[ListedExecution]:
    """The executions in a list of their own."""
    longest = longest_seconds(summaries, now)
    return [ListedExecution(summary, now, longest) for summary in summaries]


FOLD = "fold "
"""What the key of a row begins with that is several runs."""


def _bar(each: ListedExecution) -> Span:
    tone = Tone.INFO if each.summary.stopped_at is None else Tone.MUTED
    return Span(bar(seconds(each.summary, each.now), each.longest), tone)


def _number(each: ListedExecution, value: int | None, tone: Tone) -> Span:
    if value is None:
        return Span("") if each.summary.stopped_at else vocabulary.NOT_YET
    return Span(f"{value:,}", tone if value else Tone.MUTED)


def found_nothing(summary: ExecutionSummary) -> bool:
    """Whether a run went well and there was nothing to say of it."""
    run = summary.run
    if run is None or summary.status is not ExecutionStatus.SUCCEEDED:
        return False
    became = run.outcomes and any(run.outcomes.values())
    return not (run.error or run.anomalies or run.proposals or became or run.followed.fell_over)


def folded(
    summaries: Sequence[ExecutionSummary], unfolded: Collection[str] = ()
) -> Iterator[tuple[str, tuple[ExecutionSummary, ...]]]:
    """Rows of a list by key: an execution by its ARN, or several in a row that found nothing together.

    Those whose ARN is in `unfolded` stand by themselves. The key of several is made of the oldest one's ARN.
    """

    def folds(summary: ExecutionSummary) -> bool:
        return found_nothing(summary) and summary.arn not in unfolded

    for together, group in groupby(summaries, folds):
        runs = tuple(group)
        if together and len(runs) > 1:
            yield f"{FOLD}{runs[-1].arn}", runs
        else:
            yield from ((run.arn, (run,)) for run in runs)


def fold_cells(runs: Sequence[ExecutionSummary]) -> Cells:
    """Several runs that found nothing, the newest first: `▸ 143 runs found nothing, 00:05 to 11:55`."""
    newest, oldest = runs[0].started_at, runs[-1].started_at
    day = "" if newest.date() == oldest.date() else "%m-%d "
    words = f"▸ {len(runs):,} runs found nothing, {oldest:{day}%H:%M} to {newest:{day}%H:%M}"
    return {WHOLE_LINE: Span(words, Tone.MUTED)}


def _anomalies(each: ListedExecution) -> int | None:
    return None if each.summary.run is None else each.summary.run.anomalies


def _proposals(each: ListedExecution) -> int | None:
    return None if each.summary.run is None else each.summary.run.proposals


def _outcomes(each: ListedExecution) -> dict[str, int] | None:
    """None before the run's report: that of a run which was redriven, and still runs, is of its first end."""
    run = each.summary.run
    return None if run is None or each.summary.stopped_at is None else run.outcomes


def _became(each: ListedExecution) -> Span:
    run, outcomes = each.summary.run, _outcomes(each)
    if run is None or (outcomes is None and not run.error):
        return Span("") if each.summary.stopped_at else vocabulary.NOT_YET
    # If one did not succeed and there is no more to say, its status says it.
    is_empty = not run.error and not any((outcomes or {}).values())
    return Span("") if is_empty and each.summary.status is not ExecutionStatus.SUCCEEDED else came_to(run)


def came_to(run: RunSummary) -> Span:
    """What became of what a run proposed: `2 restarted, 1 denied`, in the tone of what went worst."""
    if run.error:
        return Span("RUN FAILED", Tone.DANGER)
    outcomes = {Status.read(name): number for name, number in (run.outcomes or {}).items() if number}
    if not outcomes:
        return Span("nothing was proposed" if run.anomalies else "nothing was wrong", Tone.MUTED)
    # What a newer version counted comes last, in its own word.
    statuses = [*(status for status in Status if status in outcomes), *(outcomes.keys() - set(Status))]
    words = [f"{outcomes[status]:,} {vocabulary.status(status).text.lower()}" for status in statuses]
    tones = {vocabulary.status(status).tone for status in statuses}
    return Span(", ".join(words), next(tone for tone in _WORST_FIRST if tone in tones))


_WORST_FIRST = (Tone.DANGER, Tone.WARNING, Tone.INFO, Tone.NEUTRAL, Tone.GOOD, Tone.MUTED)


def bar(value: float, longest: float, width: int = _BAR_CELLS) -> str:
    """`value` as a part of `longest` in blocks, to an eighth of a cell; anything at all is at least a sliver."""
    if value <= 0 or longest <= 0:
        return ""
    eighths = max(1, round(min(1.0, value / longest) * width * 8))
    full, rest = divmod(eighths, 8)
    return "█" * full + _EIGHTHS[rest].strip()


def seconds(summary: ExecutionSummary, now: datetime) -> float:
    """How long it took, or has taken until `now`."""
    return max(0.0, ((summary.stopped_at or now) - summary.started_at).total_seconds())


def longest_seconds(summaries: Iterable[ExecutionSummary], now: datetime) -> float:
    """How long the longest of them took, or has taken until `now`."""
    return max((seconds(each, now) for each in summaries), default=0.0)


def duration(summary: ExecutionSummary, now: datetime) -> str:
    """How long it took, or has taken until `now`."""
    return vocabulary.ago(summary.started_at, summary.stopped_at or now)


def _some(number: int | None) -> str:
    """Nothing for none, so that a filter's `anomalies:` means those with any."""
    return str(number) if number else ""


def last_run(summary: ExecutionSummary | None) -> str:
    """A sentence such as `Last run 12:03:10 UTC: 38 tasks on 3 servers checked, 2 anomalies`."""
    if summary is None:
        return "No run yet."
    at = f"Last run {summary.started_at:%H:%M:%S} UTC"
    if summary.run is None:
        return f"{at}: {vocabulary.execution_status(summary.status).text[2:]}."
    return f"{at}: {checked(summary.run)}."


def checked(run: RunSummary) -> str:
    """What a run looked at and found."""
    if run.error:
        return f"failed: {outside(run.error, cap=200).text}"
    scope = f"{vocabulary.count(run.tasks, 'task')} on {vocabulary.count(run.servers, 'server')} checked"
    found = "1 anomaly" if run.anomalies == 1 else f"{run.anomalies:,} anomalies"
    return f"{scope}, {found}"


state_columns = partial(fit, STATE_COLUMNS)
"""What of a state run fits in so many cells; all of it if that is None."""


def state_cells(run: StateVisit, now: datetime) -> Cells:
    """One run of one state; Map items are indented under their Map."""
    ended = run.exited_at or now
    return {
        "state": outside(run.name, cap=80, before="  " * len(run.map_path)),
        "item": Span(str(run.map_index), Tone.INFO) if run.map_index is not None else vocabulary.NOTHING,
        "status": vocabulary.state_status(run.status),
        "entered": Span(f"{run.entered_at:%H:%M:%S}") if run.entered_at else vocabulary.NOTHING,
        "duration": Span(vocabulary.ago(run.entered_at, ended)) if run.entered_at else vocabulary.NOTHING,
        "attempts": Span(str(run.attempts), Tone.WARNING if run.attempts > 1 else Tone.MUTED),
        "error": outside(run.error, Tone.DANGER, 60) if run.error else vocabulary.NOTHING,
    }


def heading(detail: ExecutionDetail, now: datetime) -> tuple[Section, ...]:
    """What one sees first of an execution."""
    return filled(("", _heading(detail, now)), ("Proposals", map(_proposal, detail.proposals)))


def headline(detail: ExecutionDetail, now: datetime) -> tuple[Line, ...]:
    """How it stands in as few lines as will do, for a screen that shows the rest by itself."""
    summary = detail.summary
    took = f"{duration(summary, now)}{'' if summary.stopped_at else ' so far'}"
    facts = [f"Started {vocabulary.clock_time(summary.started_at)}", took]
    if summary.run is not None:
        facts.append(checked(summary.run))
    again = f", redriven {detail.redrive.count} x" if detail.redrive.count else ""
    status = vocabulary.execution_status(summary.status)
    name = outside(summary.name, cap=100, before="  ")
    lines = [line("", status, name, *_stands(detail)), line("", Span(", ".join(facts)), Span(again, Tone.WARNING))]
    if detail.error or detail.cause:
        cause = detail.cause.partition("\n")[0]
        lines.append(line("", outside(f"{detail.error or 'no name'}: {cause}", Tone.DANGER, 300)))
    lines += _orders(detail)
    if detail.history_note:
        lines.append(line("", outside(detail.history_note, Tone.WARNING)))
    return tuple(lines)


def _stands(detail: ExecutionDetail) -> Iterator[Span]:
    """`: 1 of 4 proposals is not answered`, or what they came to."""
    waiting = sum(proposal.status is Status.WAITING for proposal in detail.proposals)
    total = vocabulary.count(len(detail.proposals), "proposal")
    if waiting and detail.summary.stopped_at is None:
        yield Span(f": {waiting:,} of {total} {'is' if waiting == 1 else 'are'} not answered")
    elif detail.proposals:
        became = Counter(proposal.status for proposal in detail.proposals)
        words = (f"{number:,} {vocabulary.status(status).text.lower()}" for status, number in became.items())
        yield Span(f": {total}, {', '.join(words)}")


def _orders(detail: ExecutionDetail) -> Iterator[Line]:
    for each in detail.orders:
        yield line("order", outside(each.words(), Tone.NEUTRAL if each.is_applied else Tone.WARNING, 500))


def _heading(detail: ExecutionDetail, now: datetime) -> Iterator[Line]:
    summary = detail.summary
    if summary.name:  # a saved history has neither name nor ARN
        yield line("execution", outside(summary.name, cap=100))
    yield line(
        "status",
        vocabulary.execution_status(summary.status),
        f"   {'took' if summary.stopped_at else 'for'} {duration(summary, now)}",
    )
    yield line("started", vocabulary.clock_time(summary.started_at))
    if summary.run is not None:
        yield line("run", checked(summary.run))
    yield from _orders(detail)
    if detail.error:
        yield line("error", outside(detail.error, Tone.DANGER, 200))
    if detail.cause:
        yield line("cause", outside(detail.cause, Tone.DANGER))
    for callback in () if detail.history is None else detail.history.open_callbacks:
        item = "" if callback.map_index is None else f", item {callback.map_index}"
        until = "" if callback.timeout_seconds is None else f", for {format_duration(float(callback.timeout_seconds))}"
        yield line("waits", outside(f"{callback.state}{item}{until} at most", Tone.INFO))
    if detail.history_note:
        yield line("note", outside(detail.history_note, Tone.WARNING))
    if summary.arn:
        yield line("ARN", outside(summary.arn, Tone.MUTED, 300))


def _proposal(proposal: RunProposal) -> Line:
    what = outside(f"{proposal.label}: {proposal.action}, {proposal.kind}", cap=200, before=" ")
    became = progress(proposal) if proposal.outcome is None else proposal.outcome.detail
    return line(
        f"item {proposal.index}",
        vocabulary.standing(proposal.status, proposal.waits),
        what,
        outside(became, Tone.MUTED, 200, before="  "),
    )


def payload(text: str) -> str:
    """An input or output, indented where it is JSON, harmless and capped."""
    with contextlib.suppress(ValueError):
        text = json.dumps(parse_json(text), indent=2, ensure_ascii=False)
    return harmless(text, PAYLOAD_CAP, multiline=True)


def states_note(detail: ExecutionDetail) -> str:
    """Why the list of states is empty, or what is odd about it; else empty."""
    history = detail.history
    if history is None:
        return "The history of this execution is no longer available."
    if history.unknown_types:
        return f"Event types passed over: {outside(', '.join(history.unknown_types), cap=200).text}"
    return "" if history.states else "No state has been entered yet."


TABLE: TableOf[ListedExecution] = TableOf(
    (
        ColumnOf(
            Column("status", "Status", 11),
            lambda each: vocabulary.execution_status(each.summary.status),
            field=lambda each: vocabulary.execution_status(each.summary.status).text[2:],
        ),
        ColumnOf(
            Column("name", "Execution", 12),
            lambda each: outside(each.summary.name, cap=80),
            field=lambda each: each.summary.name,
        ),
        ColumnOf(
            Column("started", "Started UTC", 11, goes=40),
            lambda each: Span(f"{each.summary.started_at:%m-%d %H:%M}"),
            field=lambda each: f"{each.summary.started_at:%Y-%m-%d %H:%M}",
        ),
        ColumnOf(Column("duration", "Took", 7, right=True), lambda each: Span(duration(each.summary, each.now))),
        ColumnOf(Column("bar", "", _BAR_CELLS, goes=20), _bar),
        ColumnOf(
            Column("anomalies", "Found", 5, right=True),
            lambda each: _number(each, _anomalies(each), Tone.WARNING),
            field=lambda each: _some(_anomalies(each)),
        ),
        ColumnOf(
            Column("proposals", "Proposals", 9, right=True, goes=10),
            lambda each: _number(each, _proposals(each), Tone.INFO),
            field=lambda each: _some(_proposals(each)),
        ),
        ColumnOf(
            Column("outcome", "Came to", 14, flexible=True),
            _became,
            field=lambda each: _became(each).text,
        ),
    ),
    more_fields={"restarted": lambda each: _some((_outcomes(each) or {}).get(Status.RESTARTED))},
)
"""Executions."""
