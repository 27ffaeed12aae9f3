"""A whole approval as titled sections: first what must be known before a decision, on the first page of the smallest
terminal, then the tasks, what it means, whether it is back, what waiting costs, the evidence and the reasons.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice

from qlikops.domain.fleet.anomaly import Severity
from qlikops.domain.fleet.endpoint import ProbeAnswer
from qlikops.domain.fleet.task import Action, StopReason
from qlikops.domain.gathered.background import Background
from qlikops.domain.proposals.approval import Claim, Outcome, ProposalRecord, Status, terms_of
from qlikops.domain.proposals.evaluation import Evaluation, Finding, Gate, PolicyResult, Risk, Verdict
from qlikops.domain.proposals.lasting import Aftermath
from qlikops.domain.proposals.proposal import Choice, Option, Proposal, ProposedTask
from qlikops.domain.words.naming import listed
from qlikops.domain.words.text import MESSAGE_CAP
from qlikops.presentation import vocabulary, waiting
from qlikops.presentation.lists.inbox import deadline_line
from qlikops.presentation.pages import background as beside
from qlikops.presentation.pages import latest
from qlikops.presentation.pages.failure import documented, means
from qlikops.presentation.tone import Line, Section, Span, Tone, filled, line, outside

TARGETS_INLINE = 3
"""More than these have a section of their own, after what a decider needs first."""
TARGETS_SHOWN = 200
"""Most tasks of a group that are listed; the rest is counted."""
_CLAUSE = 160
"""Characters of a text from outside within a sentence of ours."""
_WHOLE = 100_000
"""Characters shown of what must not be cut: more than the ledger keeps of it."""
_MESSAGE, _SEEN = "message", "seen"
"""The labels of the evidence that is Replicate's own words, and that says since when it is so."""
SURE_ENOUGH = 0.7
"""The confidence below which an evaluation is nothing to lean on, whatever it says. The agent's own floor may be
another; where that is not reached, the gate says so.
"""
EVIDENCE = "Evidence"
"""The title of the section with what was observed."""
_REASONS, _RECORD = "Reasons", "Record"
_WOULD = {
    Verdict.APPROVE: Span("would approve", Tone.GOOD),
    Verdict.CAUTION: Span("would be careful", Tone.WARNING),
    Verdict.DENY: Span("would deny", Tone.DANGER),
}


def sections(approval: ProposalRecord, now: datetime, background: Background | None = None) -> tuple[Section, ...]:
    """The whole record, in the order in which a person decides."""
    last = you(approval, now, approval.claim)
    *before, record = body(approval, now, background)
    return (head(approval, now), *before, last, record)


def title(approval: ProposalRecord, context: str = "") -> str:
    """What it is about, for a frame: its severity is said if it is not the usual one.

    `context` is the name of where it waits, if there are several.
    """
    severity = approval.proposal.severity
    parts = (context, "" if severity is Severity.CRITICAL else severity, approval.proposal.title)
    return outside(" · ".join(part for part in parts if part), cap=300).text


def head(approval: ProposalRecord, now: datetime) -> Section:
    """What it is about, and what must be known first."""
    proposal = approval.proposal
    severity = vocabulary.severity(proposal.severity)
    about = line(severity.text, outside(proposal.title, severity.tone, 300))
    return Section("", (about, *brief(approval, now).lines))


def brief(approval: ProposalRecord, now: datetime) -> Section:
    """What must be known first: since when it is so, until when a resume is possible, the message, and of what waits
    the verdict and every caution.
    """
    first = islice(said(approval.proposal, cap=_CLAUSE), 1)
    judged = _judged(approval) if approval.status is Status.WAITING else ()
    return Section("", (*_times(approval, now), *first, *judged))


def _times(approval: ProposalRecord, now: datetime) -> Iterator[Line]:
    """Since when it is so, and until when a resume is possible, if that is known."""
    for each in approval.proposal.evidence:
        if each.label == _SEEN:
            yield line("Seen", outside(each.value, cap=_CLAUSE))
    point = approval.proposal.point_of_no_return
    if approval.status is not Status.WAITING or point is None or (until := point.resume_until) is None:
        return
    if point.has_passed(now):
        yield line("Log kept", Span(f"since {waiting.about(until, now)} it is probably gone", Tone.DANGER))
    else:
        left = f"a resume is possible until {waiting.about(until, now)}, in {waiting.left(until, now).text}"
        yield line("Log kept", Span(left, Tone.WARNING if point.is_near(now) else Tone.NEUTRAL))


def _judged(approval: ProposalRecord) -> Iterator[Line]:
    """What the evaluation says, why it is nothing to lean on, and its cautions."""
    evaluation = approval.evaluation
    yield verdict(evaluation)
    if evaluation is None:
        return
    if evaluation.verdict is not Verdict.UNAVAILABLE:
        beware = [doubt for doubt in doubts(approval) if doubt != _says(evaluation)]
        for index, doubt in enumerate(beware):
            yield line("" if index else "Beware", Span(doubt, Tone.WARNING))
    for caution in evaluation.cautions:
        yield line("Caution", outside(caution, Tone.WARNING))


def you(
    approval: ProposalRecord,
    now: datetime,
    claim: Claim | None = None,
    caller: str = "",
    keys: tuple[str, str] = ("approve", "deny"),
) -> Section:
    """What there is to choose, by the names of the two `keys`, until when, and who looks at it; or where it stands.

    `caller` is who reads it. This is the part that changes with the clock.
    """
    if approval.status is not Status.WAITING:
        return Section("", (*_status(approval), *_claim(claim, now, caller)))
    approve, deny = keys
    lines: list[Line] = []
    for index, option in enumerate(approval.proposal.offers):
        checks = f"; {vocabulary.count(len(option.checks), 'check')} first" if option.checks else ""
        deed = outside(option.words, cap=120, before="or " if index else "")
        lines.append(line("" if index else approve, deed, Span(checks, Tone.MUTED), *lost(option)))
    lines.append(line(deny, "leave as it is", Span("; if it is still broken, you are asked again", Tone.MUTED)))
    if approval.deadline is not None:
        lines.append(line("Unanswered", *deadline_line(approval.deadline, now)))
    return Section("You", (*lines, *_claim(claim, now, caller)))


def body(
    approval: ProposalRecord, now: datetime, background: Background | None = None, *, is_folded: bool = False
) -> tuple[Section, ...]:
    """All between what it is about and what there is to choose; what surrounds it only once it has been read.

    The last one has what only a command or a ticket needs; it is one line if `is_folded`.
    """
    proposal, around = approval.proposal, background or Background()
    waits = approval.status is Status.WAITING
    track = beside.track_record(approval, around) if background else ()
    latency = beside.latency(around.samples) if background and len(proposal.targets) == 1 else ()
    polled = latest.lines(proposal, background.latest, now) if background and waits else ()
    back = back_yet(proposal, now) if waits else ()
    folded = line("▸", outside(approval.approval_id, Tone.MUTED, 64), Span("  codes, gates and the digest", Tone.MUTED))
    record = (folded,) if is_folded else (*_record(approval), *_covered(approval))
    return filled(
        ("Decision", decided(approval)),
        ("What happened", (*_happened(approval), *_said_in_full(proposal), *back, *polled)),
        ("What waiting costs", (*(waiting.chart(approval, now) if waits else ()), *waiting.unknown(proposal))),
        (EVIDENCE, _evidence(proposal)),
        (_REASONS, (*(() if waits else _judged(approval)), *_reasons(approval), *track)),
        ("Latency", latency),
        ("Earlier on this task", beside.earlier(around)),
        ("Tasks", _targets(proposal)),
        (_RECORD, (*record, *beside.missing(around))),
    )


def decided_on(approval: ProposalRecord) -> tuple[Section, ...]:
    """What a decision is about: all that the digest covers, as it is shown; the headline apart."""
    proposal = approval.proposal
    return filled(
        ("What happened", (*said(proposal), *_happened(approval), *waiting.unknown(proposal))),
        (EVIDENCE, _evidence(proposal)),
        (_REASONS, (*_judged(approval), *_reasons(approval))),
        ("Tasks", _targets(proposal)),
        (_RECORD, _covered(approval)),
    )


def targets_line(targets: Sequence[ProposedTask]) -> Span:
    """The task, or the first few of them and how many more; no name is cut, since it is what one approves."""
    return outside(listed([str(target.key) for target in targets], 3, MESSAGE_CAP))


def blast_radius(*choices: Choice) -> tuple[Span, ...]:
    """Tasks, tables, and what runs or is read again; of several choices with one action together."""
    targets = [target for choice in choices for target in choice.targets]
    tables = [target.tables for target in targets]
    known = sum(number for number in tables if number is not None)
    size = f"{vocabulary.count(len(tables), 'task')}, "
    size += "tables not known" if all(number is None for number in tables) else vocabulary.count(known, "table")
    if known and None in tables:
        size += f" (not known for {vocabulary.count(tables.count(None), 'task')})"
    return (Span(size), Span("; "), *_reruns(choices[0].action, targets))


STOPS = "one that fails as before, or several for other reasons, stops the rest"
"""What ends the restart of a group before its end."""


def in_turn(targets: Sequence[ProposedTask]) -> Iterator[Line]:
    """The order in which a group is started: which task goes first, and what stops the rest."""
    if len(targets) > 1:
        first = outside(targets[0].key.task, cap=100)
        yield line("Order", first, " first, alone; then 2, 4, 8 … as tasks come up", Span(f"; {STOPS}", Tone.MUTED))


def _reruns(action: Action, targets: Sequence[ProposedTask]) -> Iterator[Span]:
    if action is Action.RELOAD:
        yield Span("every table loads again from the source, replacing what the target has", Tone.DANGER)
        return
    if action.stops_first:
        yield Span("stopped first, so nothing is replicated until it runs again; ", Tone.WARNING)
    loading = sum(target.full_load_completed is False for target in targets)
    if loading:
        of = "the full load is" if len(targets) == 1 else f"in {vocabulary.count(loading, 'task')} the full load is"
        yield Span(f"{of} not complete: resuming loads tables again", Tone.WARNING)
    elif any(target.full_load_completed is None for target in targets):
        yield Span("whether the full load is complete is not known: tables may load again", Tone.WARNING)
    else:
        yield Span("no table loads again", Tone.GOOD)
        yield Span(", only changes are read", Tone.MUTED)


def doubts(approval: ProposalRecord, choice: Choice | None = None) -> tuple[str, ...]:
    """Why the evaluation is nothing to lean on; empty where it is.

    Of the recommended option, unless another `choice` is made: to wait for an endpoint, it need not take logins yet.
    """
    evaluation = approval.evaluation
    if evaluation is None or evaluation.verdict is Verdict.UNAVAILABLE:
        return ("there is no evaluation",)
    return tuple(_doubts(approval, evaluation, waits=choice is not None and choice.option.waits_for_endpoint))


def _doubts(approval: ProposalRecord, evaluation: Evaluation, *, waits: bool) -> Iterator[str]:
    for value in approval.unknown:
        yield f"this version does not know what “{outside(value, cap=40).text}” means"
    if approval.proposal.kind.traits.cause_unknown and not approval.proposal.is_explained:
        likely = approval.proposal.diagnosis is not None and approval.proposal.diagnosis.headline
        yield "it is not certain what the message means" if likely else "no rule knows the message"
    if not waits and (probe := approval.proposal.probe) and probe.answer is not ProbeAnswer.CONNECTED:
        yield outside(probe.words, cap=_CLAUSE).text
    if evaluation.verdict is not Verdict.APPROVE:
        yield _says(evaluation)
    elif evaluation.risk is Risk.HIGH:
        yield "the evaluation says approve, and that the risk is high"
    elif evaluation.risk is Risk.UNKNOWN:
        yield "the evaluation says approve, and no risk"
    if evaluation.confidence is None:
        yield "the evaluation does not say how sure it is"
    elif not SURE_ENOUGH <= evaluation.confidence <= 1 or _is_below_floor(approval.policy):
        yield f"the evaluation is only {evaluation.confidence:.0%} sure"
    if any(finding.unsupported for finding in evaluation.findings):
        yield "cited evidence is missing"


def _says(evaluation: Evaluation) -> str:
    who = vocabulary.evaluator(evaluation.evaluator)
    return f"the rules say {evaluation.verdict}" if who == "rules" else f"{who} says {evaluation.verdict}"


def _is_below_floor(policy: PolicyResult | None) -> bool:
    return policy is not None and any(closed.gate is Gate.LOW_CONFIDENCE for closed in policy.closed_gates)


def second_thoughts(approval: ProposalRecord, choice: Choice | None = None) -> tuple[str, ...]:
    """The doubts, and what it costs if it is wrong: where there is any, approving must not be preselected.

    Of the recommended option, unless another `choice` is made.
    """
    found = list(doubts(approval, choice))
    if approval.evaluation is not None and approval.evaluation.risk is Risk.HIGH:
        found.append("the risk is high")
    if (choice or approval.proposal.choose()).action is Action.RELOAD:
        found.append("a reload replaces what the target has")
    return tuple(found)


def in_full(*approvals: ProposalRecord) -> Iterator[Line]:
    """Replicate's own words and every caution, uncut and each once: what an approval must not pass over unread."""
    evaluations = [approval.evaluation for approval in approvals if approval.evaluation is not None]
    yield from said(*(approval.proposal for approval in approvals), cap=_WHOLE)
    for caution in dict.fromkeys(caution for evaluation in evaluations for caution in evaluation.cautions):
        yield line("Caution", outside(caution, Tone.WARNING, _WHOLE))


def said(*proposals: Proposal, cap: int = MESSAGE_CAP) -> Iterator[Line]:
    """Replicate's own words, each once."""
    messages = [each.value for proposal in proposals for each in proposal.evidence if each.label == _MESSAGE]
    for message in dict.fromkeys(messages):
        yield line("Said", Span("“"), outside(message, cap=cap), Span("”"))


def _said_in_full(proposal: Proposal) -> Iterator[Line]:
    """Replicate's own words, but for the first that the head shows if it shows all of it."""
    shown = tuple(islice(said(proposal, cap=_CLAUSE), 1))
    return (each for each in said(proposal) if each not in shown)


def decided(approval: ProposalRecord) -> Iterator[Line]:
    """Who answered what, and how it ended."""
    decision = approval.decision
    if decision is not None:
        word = Span("approved", Tone.GOOD) if decision.approved else Span("denied", Tone.NEUTRAL)
        yield line("decision", word, outside(decision.who(), cap=200, before=" by "))
        if decision.at is not None:
            yield line("at", vocabulary.clock_time(decision.at))
        if decision.reason:
            yield line("reason", vocabulary.why(decision.reason))
        if decision.error:
            yield line("error", outside(decision.error, Tone.WARNING))
        if not decision.is_bound and not decision.automatic:
            yield line("", Span("made without a digest: it does not name what was seen", Tone.WARNING))
        yield from approved_for(terms_of(decision, approval.proposal))
        for check in approval.chosen.option.checks if decision.approved else ():
            yield line("", outside(check, before="[x] " if check in decision.checked else "[ ] "))
        if decision.decision_id:
            yield line("decision id", outside(decision.decision_id, Tone.MUTED, 64))
    if approval.outcome is not None:
        yield from outcome_lines(approval.outcome)
    if approval.lasting is not None:
        yield from lasting_lines(approval.lasting)


def approved_for(terms: Sequence[str]) -> Iterator[Line]:
    """What an approval was for beside a plain yes."""
    for index, term in enumerate(terms):
        yield line("" if index else "for", outside(term))


def lost(option: Option) -> Iterator[Span]:
    """What an option loses, if it loses anything."""
    if option.loses:
        yield outside(option.loses, Tone.DANGER, before="; loses ")


def outcome_lines(outcome: Outcome) -> Iterator[Line]:
    """How it ended, task by task."""
    detail = outcome.detail or vocabulary.status_meaning(outcome.status, outcome)
    yield line("outcome", vocabulary.status(outcome.status), outside(f": {detail}"))
    for target in outcome.targets:
        change = " -> ".join(part for part in (target.before, target.after) if part)
        seconds = "" if target.seconds is None else f" in {target.seconds:.0f} s"
        parts = "; ".join(part for part in (change + seconds, target.detail) if part)
        yield line("", outside(target.key, cap=200), " ", vocabulary.status(target.status), outside(parts, before=" "))


def lasting_lines(lasting: Aftermath) -> Iterator[Line]:
    """What became later of what came up; of a group, each task that did not last."""
    if words := lasting.words():
        bad = lasting.fell_over or lasting.unclear
        tone = Tone.DANGER if lasting.fell_over else Tone.WARNING if bad else Tone.GOOD
        yield line("afterwards", Span(words, tone))
    if lasting.came_up > 1 or lasting.fell_over:
        for each in lasting.not_lasted:
            said = outside(f"{each.words()}, {each.at:%H:%M} UTC: {each.detail}", cap=300, before=" ")
            yield line("", outside(each.key, cap=200), said)


def verdict(evaluation: Evaluation | None) -> Line:
    """The evaluation in one line, or why there is none."""
    label = _so(evaluation)
    if evaluation is None:
        return line(label, Span("unavailable", Tone.DANGER), ": none was recorded; decide on the evidence")
    if evaluation.verdict is Verdict.UNAVAILABLE:
        because = outside(evaluation.unavailable_because or "no cause was given")
        return line(label, Span("unavailable", Tone.DANGER), ": ", because, "; decide on the evidence")
    sure = "how sure is not given" if evaluation.confidence is None else f"{evaluation.confidence:.0%} sure"
    known = Verdict.known(evaluation.verdict)
    would = _WOULD[known] if known else outside(evaluation.verdict, Tone.WARNING, 24, before="says ")
    return line(label, would, Span(f", {sure}, risk "), vocabulary.risk(evaluation.risk))


def _so(evaluation: Evaluation | None) -> str:
    if evaluation is None:
        return "Evaluation"
    who = vocabulary.evaluator(evaluation.evaluator)
    return f"So {'the ' if who in ('AI', 'rules') else ''}{who}"


def _happened(approval: ProposalRecord) -> Iterator[Line]:
    proposal = approval.proposal
    if len(proposal.targets) <= TARGETS_INLINE:
        for index, target in enumerate(proposal.targets):
            yield line("" if index else "Tasks", *_target(target))
    else:
        yield line("Tasks", f"{vocabulary.count(len(proposal.targets), 'task')}: ", targets_line(proposal.targets))
    yield line("", *blast_radius(proposal.choose()))
    yield from means(proposal.diagnosis)
    yield from in_turn(proposal.in_turn)
    if proposal.done_by:
        yield line("Edited", outside(proposal.done_by.words, cap=300))


def _status(approval: ProposalRecord) -> Iterator[Line]:
    standing = vocabulary.standing(approval.status, approval.waits)
    yield line("Status", standing, f": {vocabulary.status_meaning(approval.status, waits=approval.waits)}")
    if approval.waits and approval.status is Status.RESTARTING:
        yield line("Waits", outside(approval.waits.words, Tone.INFO, 120))
        yield line("", outside(approval.waits.said, Tone.MUTED, 300))


def _claim(claim: Claim | None, now: datetime, caller: str) -> Iterator[Line]:
    if claim is not None and claim.brake:
        label, who = ("Stopped", claim.why) if claim.why else ("Stopped by", vocabulary.person(claim.by))
        yield line(label, outside(who, Tone.WARNING, 100), ": no further task is started")
    elif claim is not None and claim.until > now:
        who = "you" if claim.by == caller else vocabulary.person(claim.by)
        yield line("Claimed by", outside(who, Tone.INFO, 100), f" until {claim.until:%H:%M} UTC")


def back_yet(proposal: Proposal, now: datetime) -> Iterator[Line]:
    """Whether the endpoint in question was well when this was proposed, and how long ago that was."""
    if probe := proposal.probe:
        tone = Tone.GOOD if probe.answer is ProbeAnswer.CONNECTED else Tone.WARNING
        ago = f", tested {vocabulary.ago(probe.at, now)} ago"
        yield line("Back yet?", outside(f"{probe.words_of_proposal}{ago}", tone))
    elif siblings := proposal.siblings:
        yield line("Back yet?", outside(f"{siblings.words}, seen {vocabulary.ago(siblings.at, now)} ago"))


def _targets(proposal: Proposal) -> Iterator[Line]:
    if len(proposal.targets) > TARGETS_INLINE:
        for index, target in enumerate(proposal.targets[:TARGETS_SHOWN], start=1):
            yield line(str(index), *_target(target))
    if len(proposal.targets) > TARGETS_SHOWN:
        yield line("", Span(f"and {len(proposal.targets) - TARGETS_SHOWN:,} more", Tone.WARNING))


def _target(target: ProposedTask) -> Iterator[Span]:
    yield outside(target.key, cap=200)
    yield Span(" ")
    yield vocabulary.task_state(target.state)
    if target.stop_reason is not StopReason.NONE:
        yield Span(f" ({vocabulary.stop_reason(target.stop_reason)})", Tone.MUTED)
    if target.key.instance != "default":
        yield outside(target.key.instance, Tone.MUTED, 60, before=" at ")
    if target.protected:
        yield Span(" protected", Tone.WARNING)


def _reasons(approval: ProposalRecord) -> Iterator[Line]:
    """Why it is proposed, and what speaks for it."""
    evaluation = approval.evaluation
    yield line("Why", outside(approval.proposal.reason))
    if evaluation is None:
        return
    if evaluation.rationale:
        yield line("Because", outside(evaluation.rationale))
    labels = approval.proposal.citable
    for finding in evaluation.findings:
        yield line("Finding", outside(finding.text), *_citations(finding, labels))


def _spent(evaluation: Evaluation) -> str:
    """What it took, as far as that is known: `, 812 + 210 tokens, 2.3 s`."""
    spent = ""
    if evaluation.input_tokens is not None and evaluation.output_tokens is not None:
        spent += f", {evaluation.input_tokens:,} + {evaluation.output_tokens:,} tokens"
    if evaluation.duration_ms is not None:
        spent += f", {evaluation.duration_ms / 1000:.1f} s"
    return spent


def _citations(finding: Finding, labels: Mapping[str, str]) -> Iterator[Span]:
    supported = [name for name in finding.evidence_ids if name not in finding.unsupported]
    if supported:
        cited = ", ".join(f"{name} {labels.get(name, '')}".rstrip() for name in supported)
        yield outside(f"[{cited}]", Tone.INFO, 200, before=" ")
    elif not finding.unsupported:
        yield Span(" [cites nothing]", Tone.WARNING)
    if finding.unsupported:
        missing = ", ".join(finding.unsupported)
        yield outside(f"[cites {missing}, which does not exist]", Tone.DANGER, 160, before=" ")


def _options(proposal: Proposal) -> Iterator[Line]:
    """Each by the name that a command takes, with the run call's own option and its checks."""
    for index, option in enumerate(proposal.offers):
        recommended = Span("" if index or len(proposal.offers) == 1 else ", recommended", Tone.MUTED)
        yield line(option.name, vocabulary.option(option), recommended, *lost(option))
        for check in option.checks:
            yield line("", outside(check, before="first: "))


def _evidence(proposal: Proposal) -> Iterator[Line]:
    for each in proposal.evidence:
        yield line(outside(each.id, cap=8).text, outside(f"{each.label}: {each.value}"))


def _covered(approval: ProposalRecord) -> Iterator[Line]:
    """The codes that the digest covers: what a ticket or a command needs."""
    proposal, evaluation, policy = approval.proposal, approval.evaluation, approval.policy
    yield line("Kind", str(proposal.kind))
    if proposal.cause:
        yield line("Cause", outside(proposal.cause))
    yield from documented(proposal.diagnosis)
    yield from _options(proposal)
    if evaluation is not None:
        who = vocabulary.evaluator(evaluation.evaluator)
        spent = Span(_spent(evaluation), Tone.MUTED)
        yield line("By", who, outside(evaluation.evaluator_version, Tone.MUTED, 120, before=" "), spent)
    yield from _policy(policy)


def _policy(policy: PolicyResult | None) -> Iterator[Line]:
    if policy is None:
        return
    yield line("Route", vocabulary.route(policy.route), Span(f"   mode {policy.mode}", Tone.MUTED))
    if policy.reason:
        yield line("", outside(policy.reason))
    for closed in policy.closed_gates:
        of = f" (for {closed.option})" if closed.option else ""
        yield line("Gate closed", Span(vocabulary.gate(closed.gate) + of, Tone.WARNING), outside(f": {closed.reason}"))


def _record(approval: ProposalRecord) -> Iterator[Line]:
    yield line("Proposal", outside(approval.approval_id, cap=64))
    yield line("Digest", outside(approval.digest or "none yet", Tone.MUTED, 80))
    if approval.requested_at is not None:
        yield line("Requested", vocabulary.clock_time(approval.requested_at))
    if approval.deadline is not None:
        yield line("Deadline", vocabulary.clock_time(approval.deadline))
    yield line("Run", outside(approval.proposal.execution_name, Tone.MUTED, 100))
