"""One task in full: how it is, what is wrong, why it is muted, how its latency went, what was decided earlier."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from qlikops.domain.fleet.anomaly import Anomaly
from qlikops.domain.fleet.task import StopReason, TaskFacts
from qlikops.domain.gathered.background import Background
from qlikops.domain.gathered.lookup import TaskDetail
from qlikops.domain.runs.snapshot import TaskProgress
from qlikops.domain.words.duration import format_duration
from qlikops.domain.words.naming import listed
from qlikops.presentation import stale, vocabulary, waiting
from qlikops.presentation.lists import fleet
from qlikops.presentation.lists.now import of_task
from qlikops.presentation.pages import background
from qlikops.presentation.pages.failure import happened
from qlikops.presentation.pictures import timebar
from qlikops.presentation.pictures.chart import Chart
from qlikops.presentation.pictures.hours import Mark
from qlikops.presentation.pictures.lag import lags
from qlikops.presentation.tone import Line, Section, Span, Tone, filled, line, outside

_NEIGHBOURS = 3
"""Named of the tasks on its endpoints; the rest is counted."""


def sections(detail: TaskDetail, now: datetime, caller: str = "") -> tuple[Section, ...]:
    """What a person asks first of a task, first; `caller` is the ARN of who is `you`."""
    latency = filled(("Latency", background.latency(detail.task.memory.samples)))
    return (*state(detail, now, caller), *wrong(detail), *latency, *figures(detail), *earlier(detail))


def state(detail: TaskDetail, now: datetime, caller: str = "") -> tuple[Section, ...]:
    """How it is, and why nothing is proposed."""
    return filled(("", _heading(detail, now, caller)))


def wrong(detail: TaskDetail) -> tuple[Section, ...]:
    """Each of its anomalies."""
    return filled(*((str(anomaly.kind), _anomaly(anomaly)) for anomaly in detail.task.anomalies))


def figures(detail: TaskDetail) -> tuple[Section, ...]:
    """What Enterprise Manager says in numbers."""
    return filled(("Figures", _figures(detail.task.facts)))


def earlier(detail: TaskDetail) -> tuple[Section, ...]:
    """How earlier proposals on it ended."""
    return filled(("Earlier on this task", background.earlier(Background(history=tuple(detail.history)))))


def chart(detail: TaskDetail, now: datetime) -> Chart:
    """How far behind its target was, with where it broke and came up."""
    memory = detail.task.memory
    found, freshness = lags(memory), memory.freshness
    marks = [
        Mark(after.at, "✗", Tone.DANGER, "broke") if after.is_down else Mark(after.at, "◐", Tone.INFO, "came up")
        for before, after in pairwise(found)
        if before.is_down is not after.is_down
    ]
    current = None
    if freshness and freshness.current_from and freshness.current_by and freshness.current_by > now:
        current = freshness.current_from, freshness.current_by
    return Chart(found, now, freshness.limit_seconds if freshness else None, current, tuple(marks))


def _heading(detail: TaskDetail, now: datetime, caller: str) -> Iterator[Line]:
    task, facts, memory = detail.task, detail.task.facts, detail.task.memory
    yield line("task", outside(facts.key, cap=200))
    if facts.key.instance != "default":
        yield line("instance", outside(facts.key.instance, cap=80))
    stop = "" if facts.stop_reason is StopReason.NONE else facts.raw_stop_reason or str(facts.stop_reason)
    stopped = [outside(stop, Tone.MUTED, 60, before="   ")] if stop else []
    ago = vocabulary.ago(detail.taken_at, now)
    yield line(
        "state", vocabulary.task_state(facts.state, facts.raw_state), *stopped, Span(f"   {ago} ago", Tone.MUTED)
    )
    if since := of_task(task, detail.taken_at, detail.deed, now, caller):
        yield line("since", since)
    if detail.fetched_at:
        known = f"{vocabulary.clock_time(detail.fetched_at)}, {vocabulary.ago(detail.fetched_at, now)} ago"
        yield line("fetched", known, Span("  by Enterprise Manager", Tone.MUTED))
    if facts.message:
        yield line("message", outside(facts.message))
    if quiet := fleet.why_quiet(task, now, server_down=detail.server_down):
        yield line("muted" if not task.proposal_id else "waits", quiet)
        if memory.quiet is not None and memory.quiet.until > now:
            yield line("until", vocabulary.clock_time(memory.quiet.until))
    yield from _log_kept(detail, now)
    yield from _history(memory, now)
    for label, name, kind in (
        ("source", facts.source_endpoint, facts.source_type),
        ("target", facts.target_endpoint, facts.target_type),
    ):
        if name or kind:
            yield line(label, outside(name or "not named", cap=120), outside(kind, Tone.MUTED, 60, before="  "))
    if detail.neighbours:
        yield line("beside it", outside(listed([key.task for key in detail.neighbours], _NEIGHBOURS), cap=300))
    if facts.tags:
        yield line("tags", outside(", ".join(facts.tags), cap=300))


def _log_kept(detail: TaskDetail, now: datetime) -> Iterator[Line]:
    """Until when a resume is possible, as a bar under its axis; nothing if it is not known."""
    known = [anomaly.resume_until for anomaly in detail.task.anomalies if anomaly.resume_until]
    if known:
        until = min(known)
        left = f", in {waiting.left(until, now).text}" if until > now else ": probably gone"
        yield line("log kept", Span(timebar.axis(), Tone.MUTED))
        yield line("", *timebar.bar(None, until, now).parts, f"  until {waiting.about(until, now)}{left}")


def _history(memory: TaskProgress, now: datetime) -> Iterator[Line]:
    """What earlier runs know of it."""
    if memory.done_by:
        yield line("audit trail", outside(memory.done_by.words, cap=300))
    if memory.freshness:
        yield line("freshness", *stale.spans(memory.freshness, now))
    if memory.restarted_at is not None:
        yield line(
            "restarted",
            f"{vocabulary.clock_time(memory.restarted_at)}, {vocabulary.ago(memory.restarted_at, now)} ago",
            Span("  by qlikops, tried or done", Tone.MUTED),
        )
    if memory.starts:
        starts = ", ".join(f"{moment:%H:%M:%S}" for moment in memory.starts)
        yield line("came up", f"{starts} UTC", Span("  within the last hour, whoever started it", Tone.MUTED))


def _anomaly(anomaly: Anomaly) -> Iterator[Line]:
    severity = vocabulary.severity(anomaly.severity)
    yield line(severity.text, outside(anomaly.summary, severity.tone))
    first = f"first {vocabulary.clock_time(anomaly.first_seen)}, " if anomaly.first_seen else ""
    sure = "" if anomaly.confirmed else "; not confirmed yet, so nothing is proposed on it"
    yield line("seen", f"{first}on {vocabulary.count(anomaly.polls, 'poll')}{sure}")
    yield from happened(anomaly.diagnosis)
    for evidence in anomaly.evidence:
        yield line(outside(evidence.id, cap=8).text, outside(f"{evidence.label}: {evidence.value}"))


def _figures(facts: TaskFacts) -> Iterator[Line]:
    """What Enterprise Manager said; what it did not say is left out."""
    yield line("latency", *_latencies(facts))
    loaded = {True: "complete", False: "NOT complete", None: "not known"}[facts.full_load_completed]
    if facts.full_load_enabled is not False:
        yield line("full load", Span(loaded, Tone.WARNING if facts.full_load_completed is False else Tone.NEUTRAL))
    for label, figures in (
        (
            "tables",
            (
                ("complete", facts.tables_completed),
                ("loading", facts.tables_loading),
                ("queued", facts.tables_queued),
                ("with errors", facts.tables_with_error),
            ),
        ),
        ("changes", (("in memory", facts.changes_in_memory), ("on disk", facts.changes_on_disk))),
        ("applied", (("records since it started", facts.applied_records),)),
        ("errors", (("data errors", facts.data_error_count),)),
    ):
        said = [f"{number:,} {name}" for name, number in figures if number is not None]
        if said:
            yield line(label, ", ".join(said))
    used = (("MB memory", facts.memory_mb), ("% CPU", facts.cpu_percent), ("MB disk", facts.disk_usage_mb))
    said = [f"{number:,} {unit}" for unit, number in used if number is not None]
    if said:
        yield line("uses", ", ".join(said))


def _latencies(facts: TaskFacts) -> Iterator[Span]:
    parts = (
        ("source", facts.source_latency_seconds),
        ("apply", facts.target_latency_seconds),
        ("end to end", facts.total_latency_seconds),
    )
    known = [f"{name} {format_duration(float(seconds))}" for name, seconds in parts if seconds is not None]
    yield Span(", ".join(known)) if known else Span("not known", Tone.MUTED)
