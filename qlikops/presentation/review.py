"""A whole approval as titled sections: what a person reads before deciding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from qlikops.domain.anomaly import AnomalyKind
from qlikops.domain.approval import Claim, Decision, Outcome, ProposalRecord, Status, terms_of
from qlikops.domain.background import Background
from qlikops.domain.endpoint import ProbeAnswer
from qlikops.domain.evaluation import Evaluation, Finding, Gate, PolicyResult, Risk, Verdict
from qlikops.domain.lasting import Aftermath
from qlikops.domain.proposal import Choice, Option, Proposal, ProposedTask
from qlikops.domain.task import Action, StopReason
from qlikops.presentation import background as beside
from qlikops.presentation import latest, vocabulary, waiting
from qlikops.presentation.failure import happened
from qlikops.presentation.inbox import deadline_line
from qlikops.presentation.tone import Line, Section, Span, Tone, filled, line, outside

TARGETS_INLINE = 3
"""More than these have a section of their own, after what a decider needs first."""
TARGETS_SHOWN = 200
"""Of a large group; the rest is counted."""
CAUTIONS_BRIEF = 2
"""Beside the verdict; where there are more, or longer ones, all of them stand further down."""
RATIONALE_BRIEF = 160
"""Characters of the rationale beside the verdict; a longer one stands in full further down."""
_WHOLE = 100_000
"""Characters shown of what must not be cut: more than the ledger keeps of it."""
_MESSAGE = "message"
"""The label of the evidence that is Replicate's own words."""
SURE_ENOUGH = 0.7
"""Below this confidence an evaluation is nothing to lean on, whatever it says. The agent's own floor may be another;
where that is not reached, the gate says so.
"""


def sections(approval: ProposalRecord, now: datetime, background: Background | None = None) -> tuple[Section, ...]:
    """The whole record, what a decider needs most first."""
    zero = at_zero(approval, now, approval.claim, background=background)
    return (brief(approval), zero, *body(approval, background))


def brief(approval: ProposalRecord, context: str = "") -> Section:
    """What, why and what the evaluator says: enough to decide on at three in the morning.

    `context` is the name of where it waits, if there are several.
    """
    where = (line("context", outside(context, cap=60)),) if context else ()
    return Section("", (_headline(approval.proposal), *where, *_brief(approval)))


def at_zero(
    approval: ProposalRecord,
    now: datetime,
    claim: Claim | None = None,
    caller: str = "",
    background: Background | None = None,
) -> Section:
    """Where it stands, what happens if nobody answers, and who looks at it: the part that changes with the clock.

    `caller` is who reads it. With `background`, what waits is shown as the last poll saw it.
    """
    seen = background is not None and approval.status is Status.WAITING
    now_lines = latest.lines(approval.proposal, background.latest, now) if background and seen else ()
    return Section("", (*_at_zero(approval, now, claim, caller), *now_lines))


def body(approval: ProposalRecord, background: Background | None = None) -> tuple[Section, ...]:
    """All the rest; what surrounds it only once it has been read."""
    proposal, around = approval.proposal, background or Background()
    track = beside.track_record(approval, around) if background else ()
    latency = beside.latency(around.samples) if background and len(proposal.targets) == 1 else ()
    return filled(
        ("Decision", decided(approval)),
        ("What happened", happened(proposal.diagnosis)),
        ("Evaluation", (*track, *_evaluation(approval))),
        ("Options", _options(proposal)),
        ("Evidence", _evidence(proposal)),
        ("Latency", latency),
        ("Earlier on this task", beside.earlier(around)),
        ("Policy", _policy(approval.policy)),
        ("Tasks", _targets(proposal)),
        ("Record", (*_record(approval), *beside.missing(around))),
    )


def decided_on(approval: ProposalRecord) -> tuple[Section, ...]:
    """What a decision is about: all that the digest covers, as it is shown; the headline apart."""
    proposal = approval.proposal
    return filled(
        ("", _brief(approval)),
        ("What happened", happened(proposal.diagnosis)),
        ("Evaluation", _evaluation(approval)),
        ("Options", _options(proposal)),
        ("Evidence", _evidence(proposal)),
        ("Policy", _policy(approval.policy)),
        ("Tasks", _targets(proposal)),
    )


def targets_line(targets: Sequence[ProposedTask]) -> Span:
    """The task, or the first few of them and how many more."""
    names = [str(target.key) for target in targets[:3]]
    more = len(targets) - len(names)
    return outside(", ".join(names) + (f" and {more:,} more" if more > 0 else ""))


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


def in_turn(proposal: Proposal) -> Iterator[Line]:
    """Of a group, which task goes first, and what stops the rest."""
    if len(proposal.targets) > 1:
        yield line(
            "goes first",
            outside(proposal.in_turn[0].key.task, cap=100),
            Span(", alone; then 2, 4, 8 … as tasks come up"),
            Span("; one that fails as before, or several for other reasons, stops the rest", Tone.MUTED),
        )


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
    if approval.proposal.kind is AnomalyKind.FATAL_UNKNOWN and not approval.proposal.is_explained:
        likely = approval.proposal.diagnosis is not None and approval.proposal.diagnosis.headline
        yield "it is not certain what the message means" if likely else "no rule knows the message"
    if not waits and (probe := approval.proposal.probe) and probe.answer is not ProbeAnswer.CONNECTED:
        yield outside(probe.words, cap=RATIONALE_BRIEF).text
    if evaluation.verdict is not Verdict.APPROVE:
        who = vocabulary.evaluator(evaluation.evaluator)
        yield f"the rules say {evaluation.verdict}" if who == "rules" else f"{who} says {evaluation.verdict}"
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
    messages = [each.value for approval in approvals for each in approval.proposal.evidence if each.label == _MESSAGE]
    evaluations = [approval.evaluation for approval in approvals if approval.evaluation is not None]
    for message in dict.fromkeys(messages):
        yield line("message", outside(message, cap=_WHOLE))
    for caution in dict.fromkeys(caution for evaluation in evaluations for caution in evaluation.cautions):
        yield line("caution", outside(caution, Tone.WARNING, _WHOLE))


def decided(approval: ProposalRecord) -> Iterator[Line]:
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
        yield from approved_for(terms_of(decision, approval.proposal))
        yield from _ticks(approval.chosen.option.checks, decision)
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


def _ticks(checks: Sequence[str], decision: Decision) -> Iterator[Line]:
    for check in checks if decision.approved else ():
        yield line("", outside(check, before="[x] " if check in decision.checked else "[ ] "))


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


def _headline(proposal: Proposal) -> Line:
    severity = vocabulary.severity(proposal.severity)
    return line(severity.text, outside(proposal.title, severity.tone, 300))


def _brief(approval: ProposalRecord) -> Iterator[Line]:
    proposal = approval.proposal
    recommended, *others = proposal.offers
    yield line("will run", vocabulary.option(recommended))
    for option in others:
        yield line("or", vocabulary.option(option), *lost(option))
    if len(proposal.targets) <= TARGETS_INLINE:
        for index, target in enumerate(proposal.targets):
            yield line("" if index else "on", *_target(target))
    else:
        yield line("on", f"{vocabulary.count(len(proposal.targets), 'task')}: ", targets_line(proposal.targets))
    yield line("blast radius", *blast_radius(proposal.choose()))
    yield from in_turn(proposal)
    yield from waiting.unknown(proposal)
    yield line("why", outside(proposal.reason))
    if proposal.done_by:
        yield line("audit trail", outside(proposal.done_by.words, cap=300))
    if proposal.kind is AnomalyKind.FATAL_UNKNOWN:
        # No rule knows what it says, so whoever decides has to read it.
        for each in proposal.evidence:
            if each.label == _MESSAGE:
                yield line("message", outside(each.value, cap=RATIONALE_BRIEF))
    yield verdict(approval.evaluation)
    # What could go wrong before what speaks for it: the end may be below the edge.
    for index, doubt in enumerate(doubts(approval)):
        yield line("" if index else "beware", Span(doubt, Tone.WARNING))
    if approval.evaluation is not None:
        yield from _cautions_and_rationale(approval.evaluation)


def verdict(evaluation: Evaluation | None) -> Line:
    """The evaluation in one line, or why there is none."""
    if evaluation is None:
        return line("evaluation", Span("unavailable", Tone.DANGER), ": none was recorded; decide on the evidence")
    if evaluation.verdict is Verdict.UNAVAILABLE:
        because = outside(evaluation.unavailable_because or "no cause was given")
        return line("evaluation", Span("unavailable", Tone.DANGER), ": ", because, "; decide on the evidence")
    confidence = "not given" if evaluation.confidence is None else f"{evaluation.confidence:.0%}"
    return line(
        "evaluation",
        vocabulary.verdict(evaluation.verdict, evaluation.evaluator),
        Span("   risk ", Tone.MUTED),
        vocabulary.risk(evaluation.risk),
        Span("   confidence ", Tone.MUTED),
        confidence,
    )


def _cautions_and_rationale(evaluation: Evaluation) -> Iterator[Line]:
    for caution in evaluation.cautions[:CAUTIONS_BRIEF]:
        yield line("caution", outside(caution, Tone.WARNING, RATIONALE_BRIEF))
    if evaluation.rationale:
        yield line("because", outside(evaluation.rationale, cap=RATIONALE_BRIEF))


def _at_zero(approval: ProposalRecord, now: datetime, claim: Claim | None, caller: str) -> Iterator[Line]:
    if approval.status is not Status.WAITING:
        yield line("status", vocabulary.status(approval.status), f": {vocabulary.status_meaning(approval.status)}")
        if approval.waits and approval.status is Status.RESTARTING:
            yield line("waits", outside(approval.waits.words, Tone.INFO, 120))
            yield line("", outside(approval.waits.said, Tone.MUTED, 300))
    elif approval.deadline is not None:
        yield line("unanswered", *deadline_line(approval.deadline, now))
    if approval.status is Status.WAITING:
        yield from waiting.lines(approval.proposal, now)
        yield from _endpoint(approval.proposal, now)
    if claim is not None and claim.brake:
        label, who = ("stopped", claim.why) if claim.why else ("stopped by", vocabulary.person(claim.by))
        yield line(label, outside(who, Tone.WARNING, 100), ": no further task is started")
    elif claim is not None and claim.until > now:
        who = "you" if claim.by == caller else vocabulary.person(claim.by)
        yield line("claimed by", outside(who, Tone.INFO, 100), f" until {claim.until:%H:%M} UTC")


def _endpoint(proposal: Proposal, now: datetime) -> Iterator[Line]:
    """How the endpoint in question was when this was proposed, and how long ago that was."""
    if probe := proposal.probe:
        tone = Tone.GOOD if probe.answer is ProbeAnswer.CONNECTED else Tone.WARNING
        yield line("endpoint", outside(f"{probe.words_of_proposal}, tested {vocabulary.ago(probe.at, now)} ago", tone))
    elif siblings := proposal.siblings:
        yield line("endpoint", outside(f"{siblings.words}, seen {vocabulary.ago(siblings.at, now)} ago"))


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


def _evaluation(approval: ProposalRecord) -> Iterator[Line]:
    evaluation = approval.evaluation
    if evaluation is None:
        return
    labels = approval.proposal.citable
    if len(evaluation.rationale) > RATIONALE_BRIEF:
        yield line("rationale", outside(evaluation.rationale))
    for finding in evaluation.findings:
        yield line("finding", outside(finding.text), *_citations(finding, labels))
    cautions = evaluation.cautions
    if len(cautions) > CAUTIONS_BRIEF or any(len(caution) > RATIONALE_BRIEF for caution in cautions):
        for caution in cautions:
            yield line("caution", outside(caution, Tone.WARNING))
    who = vocabulary.evaluator(evaluation.evaluator)
    spent = Span(_spent(evaluation), Tone.MUTED)
    yield line("by", who, outside(evaluation.evaluator_version, Tone.MUTED, 120, before=" "), spent)


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
    """Each with its checks; nothing where one does not choose and checks nothing first."""
    offers = proposal.offers
    if len(offers) == 1 and not offers[0].checks:
        return
    for index, option in enumerate(offers):
        yield line(
            option.name, outside(option.words), Span("" if index else ", recommended", Tone.MUTED), *lost(option)
        )
        for check in option.checks:
            yield line("", outside(check, before="first: "))


def _evidence(proposal: Proposal) -> Iterator[Line]:
    yield line("anomaly", str(proposal.kind))
    if proposal.cause:
        yield line("cause", outside(proposal.cause))
    for each in proposal.evidence:
        yield line(outside(each.id, cap=8).text, outside(f"{each.label}: {each.value}"))


def _policy(policy: PolicyResult | None) -> Iterator[Line]:
    if policy is None:
        return
    yield line("route", vocabulary.route(policy.route), Span(f"   mode {policy.mode}", Tone.MUTED))
    if policy.reason:
        yield line("because", outside(policy.reason))
    for closed in policy.closed_gates:
        of = f" (for {closed.option})" if closed.option else ""
        yield line("gate closed", Span(vocabulary.gate(closed.gate) + of, Tone.WARNING), outside(f": {closed.reason}"))


def _record(approval: ProposalRecord) -> Iterator[Line]:
    yield line("approval", outside(approval.approval_id, cap=64))
    yield line("digest", outside(approval.digest or "none yet", Tone.MUTED, 80))
    if approval.requested_at is not None:
        yield line("requested", vocabulary.clock_time(approval.requested_at))
    if approval.deadline is not None:
        yield line("deadline", vocabulary.clock_time(approval.deadline))
    yield line("execution", outside(approval.proposal.execution_name, Tone.MUTED, 100))
