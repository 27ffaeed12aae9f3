"""What the last poll says of what waits, with its age: who decides sees whether it is still so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from qlikops.domain.gathered.latest import Latest
from qlikops.domain.proposals.proposal import Proposal, ProposedTask
from qlikops.domain.runs.snapshot import TaskSnapshot
from qlikops.presentation import vocabulary
from qlikops.presentation.tone import Line, Span, Tone, line, outside

UNREAD = "what the last poll says has not been read"
"""Said where nothing newer than the record is known."""


def lines(proposal: Proposal, latest: Latest | None, now: datetime) -> tuple[Line, ...]:
    """How the tasks are, and when that was seen; `latest` is None where the last poll could not be read."""
    if latest is None:
        return (line("Now", Span(UNREAD, Tone.WARNING)),)
    changed = latest.changed(proposal.kind)
    if not changed:
        return (line("Now", *states(latest), *_seen(latest, now)),)
    tail = Span("; no longer as proposed", Tone.WARNING)
    if len(latest.tasks) > 1:
        tail = Span(f"; {_some(changed, latest)} no longer as proposed", Tone.WARNING)
    return (line("Now", *states(latest), *_seen(latest, now), tail), *_kinds(changed))


def states(latest: Latest) -> Iterator[Span]:
    """`RUNNING`, or `3 RUNNING, 9 ERROR`; what the poll says nothing of is said to be that."""
    seen = Counter(task.facts.state for _, task in latest.tasks if task)
    counted = [(vocabulary.task_state(state), number) for state, number in sorted(seen.items())]
    if unseen := len(latest.tasks) - seen.total():
        counted.append((Span("not seen", Tone.WARNING), unseen))
    for index, (span, number) in enumerate(counted):
        many = f"{number:,} " if len(latest.tasks) > 1 else ""
        yield Span(f"{', ' if index else ''}{many}")
        yield span


def doubts(proposal: Proposal, latest: Latest | None, now: datetime) -> tuple[str, ...]:
    """What in the last poll speaks against approving without another look."""
    if latest is None or not (changed := latest.changed(proposal.kind)):
        return ()
    ago = vocabulary.ago(latest.taken_at, now)
    if len(latest.tasks) > 1:
        return (f"{_some(changed, latest)} no longer as proposed, seen {ago} ago",)
    ((_, task),) = changed
    state = outside(vocabulary.task_state(task.facts.state, task.facts.raw_state).text, cap=20).text
    return (f"it is no longer as proposed: {state}, seen {ago} ago",)


def _some(changed: Sequence[tuple[ProposedTask, TaskSnapshot]], latest: Latest) -> str:
    return f"{len(changed):,} of {len(latest.tasks):,} tasks {'is' if len(changed) == 1 else 'are'}"


def _seen(latest: Latest, now: datetime) -> Iterator[Span]:
    word = "seen" if latest.saw_any else "by the poll"
    yield Span(f", {word} {vocabulary.ago(latest.taken_at, now)} ago", Tone.MUTED)


def _kinds(changed: Sequence[tuple[ProposedTask, TaskSnapshot]]) -> Iterator[Line]:
    """What is found wrong with what changed, where that is anything."""
    kinds = Counter(anomaly.kind for _, task in changed for anomaly in task.anomalies)
    if kinds:
        found = ", ".join(f"{kind}" if len(changed) == 1 else f"{number:,} {kind}" for kind, number in kinds.items())
        yield line("Found", outside(found, Tone.WARNING, 120))
