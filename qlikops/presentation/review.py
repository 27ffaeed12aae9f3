"""A whole approval as titled sections: what a person reads before deciding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from qlikops.domain.approval import Approval, Outcome, Status
from qlikops.domain.evaluation import Evaluation, PolicyResult, Risk, Verdict
from qlikops.domain.ports import HistoryLine
from qlikops.domain.proposal import Action, Proposal, Target
from qlikops.domain.task import StopReason
from qlikops.presentation import vocabulary
from qlikops.presentation.inbox import deadline_line
from qlikops.presentation.tone import Line, Section, Span, Tone, line, outside

TARGETS_INLINE = 3
"""More than these have a section of their own, after what a decider needs first."""
TARGETS_SHOWN = 200
"""Of a large group; the rest is counted."""
HISTORY_SHOWN = 8
"""Likewise of what happened earlier; the track record counts all of it."""
_TRIED = frozenset({Status.RESTARTED, Status.PARTIAL, Status.UNVERIFIED})
"""How a restart that was really tried can end."""


def sections(approval: Approval, now: datetime, history: Sequence[HistoryLine] = ()) -> tuple[Section, ...]:
    """The whole record, what a decider needs most first."""
    return (heading(approval, now), *body(approval, history))


def heading(approval: Approval, now: datetime) -> Section:
    """What it is, where it stands and what is left: the part that changes with the clock."""
    return Section("", tuple(_heading(approval, now)))


def body(approval: Approval, history: Sequence[HistoryLine] = ()) -> tuple[Section, ...]:
    """All the rest."""
    proposal = approval.proposal
    found = [
        Section("Proposal", tuple(_proposal(proposal))),
        Section("Evaluation", tuple(_evaluation(approval.evaluation))),
        Section(
            "Evidence",
            tuple(line(outside(e.id, cap=8).text, outside(f"{e.label}: {e.value}")) for e in proposal.evidence),
        ),
        Section("Policy", tuple(_policy(approval.policy))),
        Section("Tasks", tuple(_targets(proposal))),
    ]
    if approval.decision or approval.outcome:
        found.append(Section("Decision", tuple(decided(approval))))
    if history:
        found.append(Section("Earlier on this task", tuple(_earlier(approval.proposal, history))))
    found.append(Section("Record", tuple(_record(approval))))
    return tuple(section for section in found if section.lines)


def targets_line(proposal: Proposal) -> Span:
    """The task, or the first few of them and how many more."""
    names = [str(target.key) for target in proposal.targets[:3]]
    more = len(proposal.targets) - len(names)
    return outside(", ".join(names) + (f" and {more:,} more" if more > 0 else ""))


def blast_radius(proposal: Proposal) -> tuple[Span, ...]:
    """Tasks, tables, and what runs again."""
    tables = [target.tables for target in proposal.targets]
    known = sum(number for number in tables if number is not None)
    size = f"{vocabulary.count(len(tables), 'task')}, "
    size += "tables not known" if all(number is None for number in tables) else vocabulary.count(known, "table")
    if known and None in tables:
        size += f" (not known for {vocabulary.count(tables.count(None), 'task')})"
    return (Span(size), Span("; "), _reruns(proposal))


def _reruns(proposal: Proposal) -> Span:
    if proposal.action is Action.RELOAD:
        return Span("every table loads again from the source, replacing what the target has", Tone.DANGER)
    loading = sum(target.full_load_completed is False for target in proposal.targets)
    if loading:
        of = "the full load is" if len(proposal.targets) == 1 else f"in {vocabulary.count(loading, 'task')} it is"
        return Span(f"{of} not complete: resuming loads tables again", Tone.WARNING)
    if any(target.full_load_completed is None for target in proposal.targets):
        return Span("whether the full load is complete is not known: tables may load again", Tone.WARNING)
    return Span("no table loads again", Tone.GOOD)


def doubts(approval: Approval) -> tuple[str, ...]:
    """Why the evaluation is nothing to lean on, so that approving must not be preselected; empty where it is."""
    evaluation = approval.evaluation
    if evaluation is None or evaluation.verdict is Verdict.UNAVAILABLE:
        return ("there is no evaluation",)
    found: list[str] = []
    if evaluation.verdict is Verdict.DENY:
        found.append(f"{vocabulary.evaluator(evaluation.evaluator)} says deny")
    if evaluation.verdict is Verdict.APPROVE and evaluation.risk is Risk.HIGH:
        found.append("the evaluation says approve, and that the risk is high")
    if any(finding.unsupported for finding in evaluation.findings):
        found.append("cited evidence is missing")
    return tuple(found)


def second_thoughts(approval: Approval) -> tuple[str, ...]:
    """What to think of before approving: the doubts, and what it costs if it is wrong."""
    found = list(doubts(approval))
    if approval.evaluation is not None and approval.evaluation.risk is Risk.HIGH:
        found.append("the risk is high")
    if approval.proposal.action is Action.RELOAD:
        found.append("a reload replaces what the target has")
    return tuple(found)


def decided(approval: Approval) -> Iterator[Line]:
    """Who answered what, and how it ended."""
    decision = approval.decision
    if decision is not None:
        word = Span("approved", Tone.GOOD) if decision.approved else Span("denied", Tone.NEUTRAL)
        yield line("decision", word, outside(decision.who(), cap=200, before=" by "))
        if decision.at is not None:
            yield line("at", vocabulary.clock_time(decision.at))
        if decision.reason:
            yield line("reason", outside(decision.reason))
        if decision.error:
            yield line("error", outside(decision.error, Tone.WARNING))
        if not decision.is_bound and not decision.automatic:
            yield line("", Span("made without a digest: it does not name what was seen", Tone.WARNING))
        if decision.decision_id:
            yield line("decision id", outside(decision.decision_id, Tone.MUTED, 64))
    if approval.outcome is not None:
        yield from outcome_lines(approval.outcome)


def outcome_lines(outcome: Outcome) -> Iterator[Line]:
    """How it ended, task by task."""
    detail = outcome.detail or vocabulary.status_meaning(outcome.status)
    yield line("outcome", vocabulary.status(outcome.status), outside(f": {detail}"))
    for target in outcome.targets:
        change = " -> ".join(part for part in (target.before, target.after) if part)
        seconds = "" if target.seconds is None else f" in {target.seconds:.0f} s"
        parts = "; ".join(part for part in (change + seconds, target.detail) if part)
        yield line("", outside(target.key, cap=200), " ", vocabulary.status(target.status), outside(parts, before=" "))


def _heading(approval: Approval, now: datetime) -> Iterator[Line]:
    proposal = approval.proposal
    severity = vocabulary.severity(proposal.severity)
    yield line(severity.text, outside(proposal.title, severity.tone, 300))
    if approval.status is not Status.WAITING:
        yield line("status", vocabulary.status(approval.status), f": {vocabulary.status_meaning(approval.status)}")
    if approval.deadline is not None and approval.status is Status.WAITING:
        yield line("deadline", *deadline_line(approval.deadline, now))
    if approval.claim is not None and approval.claim.until > now:
        yield line("claimed by", outside(approval.claim.by.rsplit("/", 1)[-1], Tone.INFO, 100))


def _proposal(proposal: Proposal) -> Iterator[Line]:
    yield line("will run", vocabulary.action(proposal.action))
    if len(proposal.targets) <= TARGETS_INLINE:
        for index, target in enumerate(proposal.targets):
            yield line("" if index else "on", *_target(target))
    else:
        yield line("on", f"{vocabulary.count(len(proposal.targets), 'task')}, listed below: ", targets_line(proposal))
    yield line("blast radius", *blast_radius(proposal))
    yield line("anomaly", str(proposal.kind))
    if proposal.cause:
        yield line("cause", outside(proposal.cause))
    yield line("why", outside(proposal.reason))


def _targets(proposal: Proposal) -> Iterator[Line]:
    if len(proposal.targets) > TARGETS_INLINE:
        for index, target in enumerate(proposal.targets[:TARGETS_SHOWN], start=1):
            yield line(str(index), *_target(target))
    if len(proposal.targets) > TARGETS_SHOWN:
        yield line("", Span(f"and {len(proposal.targets) - TARGETS_SHOWN:,} more", Tone.WARNING))


def _target(target: Target) -> Iterator[Span]:
    yield outside(target.key, cap=200)
    yield Span("  ")
    yield vocabulary.task_state(target.state)
    if target.stop_reason is not StopReason.NONE:
        yield Span(f" ({target.stop_reason})", Tone.MUTED)
    if target.key.instance != "default":
        yield outside(target.key.instance, Tone.MUTED, 60, before=" at ")
    if target.protected:
        yield Span(" protected", Tone.WARNING)


def _evaluation(evaluation: Evaluation | None) -> Iterator[Line]:
    if evaluation is None:
        yield line("verdict", Span("unavailable", Tone.DANGER), ": no evaluation was recorded; decide on the evidence")
        return
    who = vocabulary.evaluator(evaluation.evaluator)
    spent = Span(_spent(evaluation), Tone.MUTED)
    by = line("by", who, outside(evaluation.evaluator_version, Tone.MUTED, 120, before=" "), spent)
    if evaluation.verdict is Verdict.UNAVAILABLE:
        because = outside(evaluation.unavailable_because or "no cause was given")
        yield line("verdict", Span("unavailable", Tone.DANGER), ": ", because, "; decide on the evidence")
        yield by
        return
    yield line("verdict", vocabulary.verdict(evaluation.verdict, evaluation.evaluator))
    confidence = "not given" if evaluation.confidence is None else f"{evaluation.confidence:.0%}"
    yield line("risk", vocabulary.risk(evaluation.risk), Span("   confidence ", Tone.MUTED), confidence)
    if evaluation.rationale:
        yield line("rationale", outside(evaluation.rationale))
    for finding in evaluation.findings:
        yield line("finding", outside(finding.text), *_citations(finding.evidence_ids, finding.unsupported))
    for caution in evaluation.cautions:
        yield line("caution", outside(caution, Tone.WARNING))
    yield by


def _spent(evaluation: Evaluation) -> str:
    """What it took, as far as that is known: `, 812 + 210 tokens, 2.3 s`."""
    spent = ""
    if evaluation.input_tokens is not None and evaluation.output_tokens is not None:
        spent += f", {evaluation.input_tokens:,} + {evaluation.output_tokens:,} tokens"
    if evaluation.duration_ms is not None:
        spent += f", {evaluation.duration_ms / 1000:.1f} s"
    return spent


def _citations(ids: Sequence[str], unsupported: Sequence[str]) -> Iterator[Span]:
    supported = [name for name in ids if name not in unsupported]
    if supported:
        yield outside(f"[{', '.join(supported)}]", Tone.INFO, 100, before=" ")
    elif not unsupported:
        yield Span(" [cites nothing]", Tone.WARNING)
    if unsupported:
        yield outside(f"[cites {', '.join(unsupported)}, which does not exist]", Tone.DANGER, 160, before=" ")


def _policy(policy: PolicyResult | None) -> Iterator[Line]:
    if policy is None:
        return
    yield line("route", vocabulary.route(policy.route), Span(f"   mode {policy.mode}", Tone.MUTED))
    if policy.reason:
        yield line("because", outside(policy.reason))
    for closed in policy.closed_gates:
        yield line("gate closed", Span(vocabulary.gate(closed.gate), Tone.WARNING), outside(f": {closed.reason}"))


def _earlier(proposal: Proposal, history: Sequence[HistoryLine]) -> Iterator[Line]:
    tried = [entry.status for entry in history if entry.kind == proposal.kind and entry.status in _TRIED]
    if tried:
        recovered = tried.count(Status.RESTARTED)
        tone = Tone.GOOD if recovered == len(tried) else Tone.WARNING
        yield line(
            "track record",
            Span(f"{recovered} of {len(tried)} approved here recovered", tone),
            outside(proposal.kind, Tone.MUTED, 40, before="  after "),
        )
    for entry in history[:HISTORY_SHOWN]:
        yield _history(entry)
    if len(history) > HISTORY_SHOWN:
        yield line("", Span(f"and {len(history) - HISTORY_SHOWN:,} more", Tone.MUTED))


def _history(entry: HistoryLine) -> Line:
    by = f" by {entry.by.rsplit('/', 1)[-1]}" if entry.by else ""
    reason = f": {entry.reason}" if entry.reason else ""
    return line(
        f"{entry.at:%m-%d %H:%M}",
        vocabulary.status(entry.status),
        outside(f"{entry.action}, {entry.kind}{by}{reason}", cap=300, before=" "),
    )


def _record(approval: Approval) -> Iterator[Line]:
    yield line("approval", outside(approval.approval_id, cap=64))
    yield line("digest", outside(approval.digest or "none yet", Tone.MUTED, 80))
    if approval.requested_at is not None:
        yield line("requested", vocabulary.clock_time(approval.requested_at))
    if approval.deadline is not None:
        yield line("deadline", vocabulary.clock_time(approval.deadline))
    yield line("execution", outside(approval.proposal.execution_name, Tone.MUTED, 100))
