"""What is known now: of a proposal, and of a task, whose last run may be older than what was decided since.

One place for every screen and command, so that a restart is told of in the same words wherever it is met.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from qlikops.domain.fleet.task import TaskFacts, TaskState
from qlikops.domain.proposals.approval import Decision, Status
from qlikops.domain.proposals.lasting import ordinal
from qlikops.presentation import vocabulary
from qlikops.presentation.lists.inbox import countdown
from qlikops.presentation.tone import Span, Tone, outside
from qlikops.presentation.waiting import clock

if TYPE_CHECKING:  # a decision's start is not to pay for all of the fleet
    from qlikops.domain.gathered.shift_entry import ShiftEntry
    from qlikops.domain.runs.snapshot import TaskSnapshot

_FOLLOWED_SECONDS = 3600
"""So long after its restart a task that runs says so."""


def by(decision: Decision | None, caller: str = "") -> str:
    """Who decided, or is said to have: `you` for the `caller`, whose ARN it is."""
    if decision is None:
        return ""
    if caller and decision.by == caller and not decision.automatic:
        return "you"
    return "the policy" if decision.automatic else outside(decision.who(), cap=60).text


def of_entry(entry: ShiftEntry, now: datetime) -> Span:
    """What has become of a proposal so far, in one phrase."""
    match entry.status:
        case Status.WAITING:
            left = countdown(entry.deadline, now) if entry.deadline else None
            return Span("waits for an answer") if left is None else Span(f"waits, {left.text}", left.tone)
        case Status.RESTARTING:
            return _under_way(entry, now)
        case Status.RESTARTED:
            return _came_up(entry)
        case Status.DENIED:
            return _denied(entry, now)
    status = vocabulary.status(entry.status)
    detail = entry.detail or vocabulary.status_meaning(entry.status)
    return outside(detail, status.tone, 300, before=f"{status.text.lower()}: ")


def _under_way(entry: ShiftEntry, now: datetime) -> Span:
    done, waits = entry.progress, entry.waits or (entry.progress.waits if entry.progress else None)
    if waits is not None:
        name = outside(waits.endpoint.name, cap=60).text
        return Span(f"waits for {name} until {clock(waits.until, now)}", Tone.INFO)
    if done is None or done.total < 2:
        return Span("restarting", Tone.INFO)
    down = f", {done.down:,} not up" if done.down else ""
    return Span(f"restarting: {done.up:,} of {done.total:,} up{down}", Tone.WARNING if down else Tone.INFO)


def _came_up(entry: ShiftEntry) -> Span:
    became = entry.lasting
    since = f"runs again since {entry.at:%H:%M}"
    if became is None or not (words := became.words()):
        return Span(since, Tone.GOOD)
    if became.fell_over:
        why = next((each.detail for each in became.not_lasted if each.detail), "") if became.came_up == 1 else ""
        return outside(f"{words}: {why}" if why else words, Tone.DANGER, 300)
    if became.lasted == became.came_up:
        return Span(f"{since}, {words}", Tone.GOOD)
    return outside(f"{since}, {words}", cap=300)


def _denied(entry: ShiftEntry, now: datetime) -> Span:
    if entry.muted_until is None or entry.muted_until <= now:
        return Span("denied")
    left = vocabulary.short_duration((entry.muted_until - now).total_seconds())
    return Span(f"kept quiet until {clock(entry.muted_until, now)}, in {left}")


def of_task(
    task: TaskSnapshot, taken_at: datetime, deed: ShiftEntry | None, now: datetime, caller: str = ""
) -> Span | None:
    """What is known now of `task` that its state as a run saw it `taken_at` does not say; None if that is all.

    `deed` is the newest proposal on it that something was decided about, as the ledger has it or this console sent it.
    """
    if deed is not None and _is_news(deed, task, taken_at):
        became = of_entry(deed, now)
        if deed.decision is None or deed.status.is_final:
            return became
        verb = "approved" if deed.decision.approved else "denied"
        ago = f" {vocabulary.ago(deed.decision.at, now)} ago" if deed.decision.at else ""
        return Span(f"{verb} by {by(deed.decision, caller)}{ago}, {became.text}", became.tone)
    return _as_seen(task, taken_at)


def _is_news(deed: ShiftEntry, task: TaskSnapshot, taken_at: datetime) -> bool:
    if deed.status is Status.WAITING:
        return False
    if not deed.status.is_final or deed.at > taken_at:
        return True
    return deed.fell_over and task.facts.state is not TaskState.RUNNING


def _as_seen(task: TaskSnapshot, taken_at: datetime) -> Span | None:
    """What the run that looked last knows of a restart, or of a load that goes on."""
    facts, memory = task.facts, task.memory
    if task.proposal_id or task.is_unread:
        return None
    if facts.state is TaskState.RUNNING:
        if loading := load(facts):
            return loading
        up = (taken_at - memory.restarted_at).total_seconds() if memory.restarted_at else _FOLLOWED_SECONDS
        if memory.restarted_at is None or task.anomalies or not 0 <= up < _FOLLOWED_SECONDS:
            return None
        return Span(f"runs again since {memory.restarted_at:%H:%M}", Tone.GOOD)
    if not memory.streak:
        return None
    fall, times = memory.streak.falls[-1], memory.streak.count
    again = f", the {ordinal(times)} time in 24 h" if times > 1 else ""
    return Span(f"restarted {fall.words()}{again}", Tone.DANGER)


def load(facts: TaskFacts) -> Span | None:
    """How far a full load is, such as `loading: 41 of 85 tables`; None if none goes on, or not known."""
    done, total = facts.tables_completed, facts.tables
    if facts.state is not TaskState.RUNNING or facts.full_load_completed is not False or done is None or not total:
        return None
    bad = f", {facts.tables_with_error:,} with errors" if facts.tables_with_error else ""
    return Span(f"loading: {done:,} of {total:,} tables{bad}", Tone.WARNING if bad else Tone.INFO)
