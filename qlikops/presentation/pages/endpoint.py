"""One endpoint: which tasks read or write it, how many of them run, and what a test said of it last."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from qlikops.domain.fleet.endpoint import EndpointKey, ProbeAnswer
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskSnapshot
from qlikops.presentation import vocabulary
from qlikops.presentation.lists import fleet
from qlikops.presentation.tone import Line, Span, Tone, line, outside

_PROBE = {ProbeAnswer.CONNECTED: Tone.GOOD, ProbeAnswer.ERROR: Tone.DANGER, ProbeAnswer.TIMED_OUT: Tone.DANGER}


def tasks_on(snapshot: FleetSnapshot, endpoint: EndpointKey) -> list[TaskSnapshot]:
    """The tasks with an endpoint of that name, on whichever server: it most likely is the same database."""
    return [
        task
        for task in snapshot.tasks
        if task.facts.key.instance == endpoint.instance
        and endpoint.name in (task.facts.source_endpoint, task.facts.target_endpoint)
    ]


def summary(snapshot: FleetSnapshot, endpoint: EndpointKey, now: datetime) -> Iterator[Line]:
    """What it is, how its tasks are, and what a test said."""
    tasks = tasks_on(snapshot, endpoint)
    sources = [task for task in tasks if task.facts.source_endpoint == endpoint.name]
    types = {task.facts.source_type for task in sources} or {task.facts.target_type for task in tasks}
    kind = ", ".join(sorted(filter(None, types)))
    yield line("endpoint", outside(endpoint.name, cap=120), outside(kind, Tone.MUTED, 80, before="  "))
    servers = sorted({task.facts.key.server for task in tasks})
    if servers:
        yield line("on", outside(", ".join(servers), cap=200))
    parts = (("source of", len(sources)), ("target of", len(tasks) - len(sources)))
    used = ", ".join(f"{words} {vocabulary.count(number, 'task')}" for words, number in parts if number)
    unseen = snapshot.not_visible
    seen = [task for task in tasks if task.facts.key not in unseen]
    states = []
    if down := sum(not task.facts.is_up for task in seen):
        states.append(Span(f"{down:,} not running", Tone.DANGER))
    elif seen:
        states.append(Span("all that was seen run", Tone.GOOD))
    if missing := len(tasks) - len(seen):
        states.append(Span(f"{missing:,} not seen", Tone.WARNING))
    between = [Span("; "), *(Span(", ") for _ in states[1:])]
    said = [span for pair in zip(between, states, strict=False) for span in pair]
    yield line("tasks", Span(used or "no task of the last run has it"), *said)
    probes = [each for each in snapshot.probes if each.endpoint == endpoint]
    for probe in sorted(probes, key=lambda each: each.at)[-1:]:
        ago = f", {vocabulary.short_duration((now - probe.at).total_seconds())} ago"
        yield line(
            "last test", outside(probe.words, _PROBE.get(probe.answer, Tone.WARNING), 300), Span(ago, Tone.MUTED)
        )
    yield line("seen", fleet.age(snapshot, now))
