"""The handover of a shift, what the next one has to act on first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from qlikops.domain.gathered.handover import Handled, Handover
from qlikops.domain.proposals.approval import Status
from qlikops.domain.proposals.lasting import FellOver
from qlikops.domain.proposals.mute import Mute
from qlikops.domain.words.naming import counted
from qlikops.presentation import stale, vocabulary, waiting
from qlikops.presentation.lists import executions
from qlikops.presentation.lists.inbox import countdown, happened
from qlikops.presentation.pictures.hours import Mark, strip
from qlikops.presentation.problem import by_whom
from qlikops.presentation.running import progress
from qlikops.presentation.tone import Line, Section, Span, Tone, filled, line, outside


def sections(handover: Handover, cells: int = 0) -> tuple[Section, ...]:
    """What fell over, waits and went wrong, then what was decided, what is quiet, and the runs. Without ends: a shift
    in which nothing happened says so. With as many `cells` as it needs beside its labels, the strip of its hours, too.
    """
    worrying = [each for each in handover.handled if each.is_worrying]
    settled = [each for each in handover.handled if not each.is_worrying]
    return filled(
        ("", _heading(handover)),
        ("Hours", _hours(handover, cells)),
        ("Fell over after a restart: look at these", (_fell_over(each) for each in handover.fell_over)),
        ("Waits for a decision", _waiting(handover)),
        ("Failed or expired: look at these", (_handled(each, handover.until) for each in worrying)),
        ("Decided", (_handled(each, handover.until) for each in settled)),
        ("Out of freshness", (*stale.lines(handover.stale, handover.until), *stale.time_out(handover.stale_time))),
        ("Planned work", _planned(handover)),
        ("Kept quiet", _quiet(handover)),
        ("Runs", _runs(handover)),
    )


def _heading(handover: Handover) -> Iterator[Line]:
    length = vocabulary.short_duration((handover.until - handover.since).total_seconds())
    period = f"{vocabulary.clock_time(handover.since)} to {vocabulary.clock_time(handover.until)}"
    yield line("shift", f"{period}, {length}")
    became = Counter(each.proposal.status for each in handover.handled)
    counted = [f"{number:,} {vocabulary.status(status).text.lower()}" for status, number in sorted(became.items())]
    counted += [f"{len(handover.fell_over):,} fell over"] if handover.fell_over else []
    counted += [f"{len(handover.waiting):,} waiting"] if handover.waiting else []
    counted += [f"{len(handover.quiet):,} kept quiet"] if handover.quiet else []
    counted += [f"{vocabulary.count(len(handover.plans), 'plan')} of work"] if handover.plans else []
    yield line("in short", ", ".join(counted) or "nothing was decided, nothing waits")
    if handover.seen_at is None:
        yield line("fleet", Span("no run has looked at it yet", Tone.WARNING))
    else:
        ago = vocabulary.ago(handover.seen_at, handover.until)
        yield line("fleet", f"last looked at {vocabulary.clock_time(handover.seen_at)}, {ago} before")
        denied = [each.proposal for each in handover.handled if each.proposal.status is Status.DENIED]
        if later := sum(each.updated_at > handover.seen_at for each in denied):
            yield line("", f"{vocabulary.count(later, 'denial')} since keep tasks quiet too: see Decided")
    yield line("looked at", f"all runs begun since {vocabulary.clock_time(handover.looked_back_to)}, and all that run")
    if not handover.is_complete:
        yield line("note", Span("there were more runs than are looked at: the oldest are missing", Tone.WARNING))


def _hours(handover: Handover, cells: int) -> tuple[Line, ...]:
    """What ended when, and since when waits what waits."""
    fallen = {each.proposal_id: max(task.at for task in each.tasks) for each in handover.fell_over}
    ended = [Mark(at, *_WRONG) for at in (*fallen.values(), *(run.stopped_at for run in handover.broken)) if at]
    for each in handover.handled:
        if each.proposal.proposal_id not in fallen:
            sign = _WRONG if each.is_worrying else _ENDED.get(each.proposal.status, ("○", Tone.MUTED))
            ended.append(Mark(each.proposal.updated_at, *sign))
    waits = [Mark(row.requested_at, "●", Tone.INFO) for row in handover.waiting]
    return strip({"ended": ended, "waits": waits}, handover.since, handover.until, cells)


_WRONG = ("✗", Tone.DANGER)
_ENDED = {Status.RESTARTED: ("✓", Tone.GOOD), Status.RESTARTING: ("◐", Tone.NEUTRAL)}


def _fell_over(each: FellOver) -> Line:
    restarted = min(task.at - timedelta(seconds=task.seconds) for task in each.tasks)
    words = f"restarted {vocabulary.clock_time(restarted)}, {each.words()}"
    detail = each.tasks[0].detail
    return line(
        outside(each.proposal_id, cap=12).text,
        Span("FELL OVER", Tone.DANGER),
        outside(f"{each.label}: {words}{f'; {detail}' if detail else ''}", cap=700, before=" "),
    )


def _waiting(handover: Handover) -> Iterator[Line]:
    for row in handover.waiting:
        left = countdown(row.deadline, handover.until)
        claim = row.claim if row.claim is not None and row.claim.until > handover.until else None
        yield line(
            row.approval_id,
            vocabulary.severity(row.severity),
            outside(f"{row.label}: {happened(row)}, {row.offered}", cap=300, before=" "),
            *_resumable(row.resume_until, handover.until),
            Span("; expires ", Tone.MUTED),
            Span(f"{vocabulary.clock_time(row.deadline)} (in {left.text})", left.tone),
            *([outside(claim.by.rsplit("/", 1)[-1], Tone.INFO, 80, before="; claimed by ")] if claim else []),
        )


def _resumable(until: datetime | None, now: datetime) -> Iterator[Span]:
    if until is not None:
        yield Span("; to be resumed by ", Tone.MUTED)
        yield Span(waiting.about(until, now), waiting.left(until, now).tone)


def _handled(each: Handled, until: datetime) -> Line:
    proposal, outcome = each.proposal, each.proposal.outcome
    decision = None if outcome is None else outcome.decision
    detail = "" if outcome is None else outcome.detail
    if decision is None:
        became = detail or progress(proposal) or vocabulary.status_meaning(proposal.status, outcome)
    else:
        # A denial's detail is its reason once more.
        became = ", ".join((by_whom(decision), *decision.terms)) + (
            f" ({detail})" if detail and detail != decision.reason else ""
        )
    spans = [
        Span(f"{vocabulary.short_duration((until - proposal.updated_at).total_seconds())} ago  ", Tone.MUTED),
        vocabulary.standing(proposal.status, proposal.waits),
        outside(f"{proposal.label}: {proposal.action}, {proposal.kind}; {became}", cap=700, before=" "),
    ]
    if decision is not None and decision.snooze:
        spans.append(Span(f"; snoozed for {vocabulary.short_duration(decision.snooze)}", Tone.MUTED))
    return line(outside(proposal.proposal_id, cap=12).text, *spans)


def _planned(handover: Handover) -> Iterator[Line]:
    for plan in handover.plans:
        begins = "" if plan.is_active(handover.until) else f"from {waiting.clock(plan.starts_at, handover.until)} "
        ends = f"until {waiting.clock(plan.until, handover.until)}"
        words = f"{plan.scope.words()}: {plan.why}, says {vocabulary.person(plan.by)}"
        yield line(plan.plan_id, Span(f"{begins}{ends}  ", Tone.MUTED), outside(words, cap=600))


def _quiet(handover: Handover) -> Iterator[Line]:
    """A line for all tasks that one decision keeps quiet."""
    alike: dict[Mute, list[str]] = {}
    for each in handover.quiet:
        alike.setdefault(each.quiet, []).append(str(each.key))
    for mute, tasks in alike.items():
        left = vocabulary.short_duration((mute.until - handover.until).total_seconds())
        yield line(f"{left} more", outside(f"{counted(tasks, 'tasks')}: {mute.words()}", cap=700))


def _runs(handover: Handover) -> Iterator[Line]:
    broken = len(handover.broken)
    well = Span(f"{broken:,} failed, timed out or aborted", Tone.DANGER) if broken else Span("none failed", Tone.MUTED)
    yield line("ended", f"{vocabulary.count(handover.runs, 'run')}, ", well)
    for run in (*handover.running, *handover.broken):
        took = executions.duration(run, handover.until)
        yield line(
            vocabulary.execution_status(run.status).text[2:],
            outside(run.name, cap=100),
            f" since {vocabulary.clock_time(run.started_at)}" if run.stopped_at is None else f" took {took}",
        )
