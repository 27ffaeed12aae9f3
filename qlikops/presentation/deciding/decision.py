"""What a decision sends, said before it is sent; the receipt after."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from qlikops.dataclass import dataclass
from qlikops.domain.errors import AlreadyDecided, ApprovalGone, DecisionUnknown, NotDecidable, QlikopsError
from qlikops.domain.gathered.latest import Latest
from qlikops.domain.gathered.shift_entry import entry_of
from qlikops.domain.ports import Approve, DecisionReceipt, DecisionRequest
from qlikops.domain.proposals.approval import SHORT_DIGEST, Decision, ProposalRecord, Status, choice_of, terms_of
from qlikops.domain.proposals.callback import APPROVAL_DENIED
from qlikops.domain.proposals.proposal import Choice
from qlikops.domain.words.duration import format_duration
from qlikops.presentation import vocabulary, waiting
from qlikops.presentation.deciding import denial
from qlikops.presentation.lists.inbox import deadline_line
from qlikops.presentation.lists.now import of_entry
from qlikops.presentation.pages import latest
from qlikops.presentation.pages.review import (
    STOPS,
    approved_for,
    back_yet,
    blast_radius,
    in_full,
    in_turn,
    outcome_lines,
    said,
    second_thoughts,
    targets_line,
    verdict,
)
from qlikops.presentation.pictures.canvas import cut
from qlikops.presentation.problem import by_whom, explain
from qlikops.presentation.tone import Line, Section, Span, Spans, Tone, as_text, filled, line, outside, plain


@dataclass(frozen=True, slots=True)
class LatestSeen:
    """What the last poll says, to be shown at a moment."""

    latest: Latest | None
    """None where it could not be read."""
    now: datetime


SLOW_SECONDS = 3
"""After so long without an answer that is said."""


def what_goes_out(
    request: DecisionRequest, approval: ProposalRecord, caller: str, seen: LatestSeen
) -> tuple[Line, ...]:
    """Exactly what a command sends, what it sets off and what it leaves; the names of things last."""
    lines = [*sheet(request, approval, seen)]
    if isinstance(request, Approve):
        lines += approved_for(terms_of(request.decision(), approval.proposal))
    else:
        lines += denial.then([approval.proposal], request.snooze, seen.now)
    if request.reason:
        lines.append(line("Reason", vocabulary.why(request.reason)))
    lines.append(line("As", outside(caller or vocabulary.NO_CALLER, cap=300)))
    return (*lines, line("Sent", *names(request, approval)))


def sheet(
    request: DecisionRequest, approval: ProposalRecord, seen: LatestSeen, *, is_listed: bool = False
) -> Iterator[Line]:
    """What a decision sets off and what it is about, without what the person fills in.

    `is_listed` if the tasks stand beside it, in the order in which they are started.
    """
    proposal, now = approval.proposal, seen.now
    if not isinstance(request, Approve):
        yield line("Does", "nothing is sent to Qlik")
        yield line("Tasks", targets_line(proposal.targets))
        yield denial.stays([proposal], seen.latest, now)
        yield from said(proposal)
        yield from waiting.lines(approval, now)
        return
    choice = choice_of(proposal, request.decision())
    yield from _deed(approval, choice, is_listed=is_listed)
    if proposal.diagnosis is not None and proposal.diagnosis.says:
        yield line("Broke", outside(proposal.diagnosis.says, cap=300))
    yield from in_full(approval)
    yield from back_yet(proposal, now)
    yield from latest.lines(proposal, _of_these(seen.latest, choice), now)
    yield verdict(approval.evaluation)
    if is_listed and len(choice.targets) > 1:
        yield line("Order", STOPS)
    elif not is_listed:
        yield from in_turn([target for target in proposal.in_turn if target in choice.targets])
    if approval.deadline is not None:
        yield line("Unanswered", *deadline_line(approval.deadline, now))
    yield from waiting.lines(approval, now)


def _deed(approval: ProposalRecord, choice: Choice, *, is_listed: bool) -> Iterator[Line]:
    proposal = approval.proposal
    yield line("Does", outside(choice.option.words, cap=120))
    if not is_listed:
        yield line("On", targets_line(choice.targets))
    yield line("Tasks", *blast_radius(choice))
    if choice.option.loses:
        yield line("Lost", outside(choice.option.loses, Tone.DANGER))
    if choice.loads_again:
        point = proposal.point_of_no_return
        if point is not None and point.reload_seconds:
            yield line("Takes", f"{format_duration(float(point.reload_seconds))} last time")
        yield line("Because", outside(proposal.reason))


def names(request: DecisionRequest, approval: ProposalRecord, *, is_whole: bool = True) -> Spans:
    """The ids and the digest that a decision is sent with, and what the wire calls it; the beginnings if not whole."""
    if isinstance(request, Approve):
        action = choice_of(approval.proposal, request.decision()).action
        wire = f"SendTaskSuccess, then {action.run_option if action.is_known else action}"
    else:
        wire = f"SendTaskFailure {APPROVAL_DENIED}"
    digest = request.digest if is_whole else f"{request.digest[:SHORT_DIGEST]}…"
    parts = [f"proposal {approval.approval_id}", f"digest {digest}", wire]
    parts += [f"decision id {request.decision_id}"] if request.decision_id and is_whole else []
    return (outside("  ".join(parts), Tone.MUTED, 400),)


def careful(request: DecisionRequest, approval: ProposalRecord, seen: LatestSeen) -> Iterator[str]:
    """What speaks against an approval, the checks that are open among it; nothing speaks against a denial."""
    if not isinstance(request, Approve):
        return
    choice = choice_of(approval.proposal, request.decision())
    yield from latest.doubts(approval.proposal, _of_these(seen.latest, choice), seen.now)
    yield from second_thoughts(approval, choice)
    for check in choice.option.checks:
        if check not in request.checked:
            yield f"not ticked: {outside(check, cap=200).text.rstrip('.')}"


def _of_these(poll: Latest | None, choice: Choice) -> Latest | None:
    return poll.only(choice.targets) if poll is not None else None


def in_context(name: str) -> Iterator[Line]:
    """A line that names one of several contexts; none where `name` is empty."""
    if name:
        yield line("context", outside(name, cap=60))


def receipt(value: DecisionReceipt, context: str = "") -> Iterator[Line]:
    """The proof, complete enough to paste into a ticket; `context` is its name where there are several."""
    decision = value.decision
    yield from in_context(context)
    yield line("approval", outside(value.approval_id, cap=64))
    yield line(
        "decision", "approved" if decision.approved else "denied", outside(decision.who(), cap=200, before=" by ")
    )
    yield line("decision id", outside(decision.decision_id or "none", cap=64))
    if decision.at is not None:
        yield line("at", vocabulary.clock_time(decision.at))
    yield from approved_for(value.terms)
    for check in decision.checked:
        yield line("", outside(check, before="[x] "))
    if decision.reason:
        yield line("reason", vocabulary.why(decision.reason))
    if decision.snooze:
        until = decision.at + timedelta(seconds=decision.snooze) if decision.at else None
        ends = f", until {vocabulary.clock_time(until)}" if until else ""
        yield line("snooze", format_duration(float(decision.snooze)) + ends)
    if decision.digest:
        yield line("digest", outside(decision.digest, Tone.MUTED, 80))
    if not decision.approved:
        yield line(
            "taken back", outside(f"`qlikops lift {value.approval_id} --reason …`: it is proposed again", cap=120)
        )
    if value.outcome is not None:
        yield from outcome_lines(value.outcome)
    else:
        yield line("status", vocabulary.status(value.status), f": {vocabulary.status_meaning(value.status)}")


def receipt_text(value: DecisionReceipt, context: str = "") -> str:
    """The receipt for a clipboard."""
    return as_text(filled(("", receipt(value, context))))


def unproven(approval: ProposalRecord, request: DecisionRequest, how_it_stands: Spans, context: str = "") -> str:
    """What there is to paste into a ticket where nothing proves that the decision was recorded."""
    lines = (
        *in_context(context),
        line("approval", outside(approval.approval_id, cap=64)),
        line("decision", "approve" if request.approved else "deny", Span("; no receipt")),
        line("decision id", outside(request.decision_id or "none", cap=64)),
        *((line("reason", vocabulary.why(request.reason)),) if request.reason else ()),
        line("digest", outside(request.digest, cap=80)),
        line("status", plain(how_it_stands)),
    )
    return as_text([Section("", lines)])


def no_longer_waits(approval: ProposalRecord) -> str:
    """Why, and by whom."""
    who = f", {by_whom(approval.decision)}" if approval.decision is not None else ""
    return f"It no longer waits: {vocabulary.status(approval.status).text}{who}."


def maybe_sent(error: BaseException) -> bool:
    """Whether a decision that ended in `error` may have counted: only our own errors rule it out."""
    return isinstance(error, DecisionUnknown) or not isinstance(error, QlikopsError)


def progress(
    approval: ProposalRecord,
    request: DecisionRequest,
    sent: DecisionReceipt | None = None,
    error: BaseException | None = None,
    ended: ProposalRecord | None = None,
    waited: float = 0,
    *,
    context: str = "",
) -> Spans:
    """Where one decision is between key press and outcome, in one line; it has been sent for `waited` seconds.

    `context` is the name of where it goes, if there are several.
    """
    label = _label(approval, context)
    verb = "approve" if request.approved else "deny"
    if ended is not None:
        return _ended(request, ended, label)
    if error is not None:
        return _failed(f"{verb} {label}", error)
    if sent is None and waited < SLOW_SECONDS:
        return (Span(f"Sending: {verb} {label} …", Tone.INFO),)
    if sent is None:
        doubt = f" No answer for {waited:.0f} s: nobody can say yet whether it counts."
        return (Span(f"Sending: {verb} {label} …", Tone.INFO), Span(doubt, Tone.WARNING))
    what = "approved, restarting" if request.approved else "denied"
    return (Span(f"{label}: {what} …", Tone.INFO), outside(request.decision_id, Tone.MUTED, 64, before="  decision "))


def stage(
    request: DecisionRequest,
    sent: DecisionReceipt | None = None,
    error: BaseException | None = None,
    ended: ProposalRecord | None = None,
) -> Span:
    """What became of it in a word or two, to be counted if several were decided together."""
    if ended is not None:
        if ended.decision is not None and ended.decision.decision_id != request.decision_id:
            return _already(ended.decision)
        fell_over = ended.lasting is not None and ended.lasting.fell_over
        return Span("FELL OVER", Tone.DANGER) if fell_over else vocabulary.standing(ended.status, ended.waits)
    if isinstance(error, AlreadyDecided) and error.decision is not None:
        return _already(error.decision)
    if error is not None:
        title = explain(error).title.lower()
        known = maybe_sent(error) or isinstance(error, NotDecidable)
        return Span(title if known else f"not sent ({title})", explain(error).tone)
    return Span("on the way", Tone.INFO) if sent is None else vocabulary.status(sent.status)


def _already(made: Decision) -> Span:
    word = "approved" if made.approved else "denied"
    return outside(made.who(), Tone.WARNING, 40, before=f"already {word} by ")


def counted(stages: Sequence[Span]) -> Spans:
    """`2 RESTARTED, 1 already denied by bob, 1 on the way`, in the order in which each first occurs."""
    spans: list[Span] = []
    for each, number in Counter(stages).items():
        spans += [Span(", " if spans else ""), Span(f"{number:,} {each.text}", each.tone)]
    return tuple(spans)


def held_back(
    approval: ProposalRecord, request: DecisionRequest, seconds: float, others: int, escape: str, context: str = ""
) -> Spans:
    """The countdown before it, and `others` with it, are sent; `escape` is what Esc does about it.

    At zero it waits for the one before it to arrive.
    """
    more = f" and {others:,} more" if others else ""
    return (
        Span(f"Sending in {math.ceil(seconds)} s: " if seconds > 0 else "To be sent next: ", Tone.WARNING),
        Span(f"{_verb_and_label(approval, request, context)}{more}. "),
        Span(escape, Tone.INFO),
    )


def withdrawn(approval: ProposalRecord, request: DecisionRequest, reason: str, context: str = "") -> Spans:
    """That it was held back and never sent."""
    return (Span("Not sent: ", Tone.WARNING), Span(f"{_verb_and_label(approval, request, context)}; {reason}."))


def _verb_and_label(approval: ProposalRecord, request: DecisionRequest, context: str = "") -> str:
    return f"{'approve' if request.approved else 'deny'} {_label(approval, context)}"


def _label(approval: ProposalRecord, context: str) -> str:
    """`server/task`, with both ends if it is long, and which of several contexts it is in."""
    label = cut(outside(approval.proposal.label).text, 60)
    return label + (outside(context, cap=30, before=" in ").text if context else "")


def _ended(request: DecisionRequest, ended: ProposalRecord, label: str) -> Spans:
    if ended.decision is not None and ended.decision.decision_id != request.decision_id:
        return (
            Span("Your answer did not count: ", Tone.WARNING),
            Span(f"{label} was {by_whom(ended.decision)}; "),
            vocabulary.status(ended.status),
        )
    if ended.status is Status.WAITING:
        words = f"{'approve' if request.approved else 'deny'} {label}; it still waits and can be answered again."
        return (Span("Not recorded: ", Tone.WARNING), Span(words))
    seconds = [target.seconds for target in ended.outcome.targets if target.seconds] if ended.outcome else []
    took = f" in {max(seconds):.0f} s" if seconds else ""
    if ended.status is Status.RESTARTED and ended.lasting is not None:
        became = of_entry(entry_of(ended), ended.updated_at)
        return (Span(f"{label} ", became.tone), became)
    detail = (ended.outcome.detail if ended.outcome else "") or vocabulary.status_meaning(
        ended.status, ended.outcome, ended.waits
    )
    return (
        vocabulary.standing(ended.status, ended.waits),
        Span(f" {label}{took}"),
        outside(detail, Tone.MUTED, 300, before=": "),
    )


def _failed(what: str, error: BaseException) -> Spans:
    """Whether it counted comes first, then why; the remedy is said where the trouble is."""
    problem = explain(error)
    if maybe_sent(error):
        words = f"{what}: {problem.text} The record is being asked what became of it."
        return (Span(f"{problem.title}: ", problem.tone), Span(words))
    if isinstance(error, NotDecidable | ApprovalGone):
        return (Span(f"{problem.title}: ", problem.tone), Span(f"{what}: {problem.text} {problem.hint}"))
    return (Span("Not sent: ", problem.tone), Span(f"{what}. {problem.title}: {problem.text}"))
