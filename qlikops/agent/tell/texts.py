"""The texts that people get, which fit a phone. Never a token, never a link: answering is the console's."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from qlikops.agent.remember.run import Run
from qlikops.domain.fleet.diagnosis import Diagnosis
from qlikops.domain.proposals.approval import ProposalRecord, terms_of
from qlikops.domain.proposals.evaluation import Evaluation, Verdict, is_ai
from qlikops.domain.runs.plan import Plan
from qlikops.domain.words.duration import format_duration, to_minute
from qlikops.domain.words.text import harmless

NOTHING_PROPOSED = "Nothing is proposed on these; you are told once."
_LINE_CAP = 200
_LINES_SHOWN = 6
"""Lines of what appeared, and of what is over; a phone shows no more, and `qlikops tasks` has them all."""


def request_text(approval: ProposalRecord, now: datetime) -> str:
    """What, where, how bad, until when, and how to see more."""
    proposal = approval.proposal
    lines = [
        f"{proposal.title}",
        f"Proposed: {proposal.action.replace('_', ' ')} {proposal.label}",
        *(f"Or: {option.words}" for option in proposal.offers[1:]),
        f"Severity: {proposal.severity}. {_opinion(approval.evaluation)}",
        *_look_first(proposal.diagnosis),
    ]
    point = proposal.point_of_no_return
    if point and (words := point.brief(now)):
        lines.append(f"{words[0].upper()}{words[1:]}, after that {point.afterwards}.")
    if approval.deadline:
        left = format_duration(approval.deadline - now)
        lines.append(f"Answer by {_clock_time(approval.deadline)} (in {left}), or nothing is done.")
    return text_of([*lines, _more(approval)])


def _look_first(diagnosis: Diagnosis | None) -> list[str]:
    """What happened, and what to look at before an approval; nothing if the message is none that is known."""
    if diagnosis is None or not diagnosis.headline:
        return []
    return [f"What happened: {diagnosis.headline}.", *(f"Look at first: {check}" for check in diagnosis.checks[:1])]


def outcome_text(approval: ProposalRecord) -> str:
    """What it was, how it ended, and how to see more."""
    outcome = approval.outcome
    lines = [
        f"{approval.proposal.title}",
        f"{approval.chosen.action.replace('_', ' ')} {approval.proposal.label}: {approval.status.replace('_', ' ')}",
        outcome.detail if outcome else "",
        "; ".join(terms_of(approval.decision, approval.proposal)) if approval.decision else "",
    ]
    return text_of([*lines, _more(approval)])


def findings_text(place: str, appeared: Sequence[str], over: Sequence[str]) -> str:
    """What appeared, a line each and the worst first; what is over; where; and how to see more."""
    return text_of(
        [
            *shown(appeared),
            *shown(over),
            NOTHING_PROPOSED if appeared else "",
            f"Where: {place}",
            "qlikops tasks",
        ]
    )


def fell_over_text(place: str, restarts: Sequence[str]) -> str:
    """Which restarts did not last, a line each with how to see more of it, and where."""
    ahead = "A new proposal comes after the cooldown, unless qlikops says that the task keeps failing."
    return text_of(["Restarted by qlikops, seen up, and down again:", *shown(restarts), ahead, f"Where: {place}"])


def failure_text(run: Run, error: str, *, was_read: bool) -> str:
    """What does not work, where, since when, for how long, and how to see more."""
    what = (
        "The fleet was read, but what to do about it could not be decided."
        if was_read
        else "The fleet cannot be read: nobody knows how Qlik is."
    )
    return text_of(
        [
            what,
            f"Where: {place_of(run.execution_arn)}",
            f"Since: {_clock_time(run.started)}, until a run succeeds. You are told once, and when it is over.",
            f"Why: {error}",
            f"qlikops show {shlex.quote(run.execution_name)}",
            "qlikops doctor",
        ]
    )


def recovery_text(run: Run) -> str:
    """Since when it works, where, and how to see more."""
    return text_of(
        [
            f"The run of {_clock_time(run.started)} succeeded.",
            f"Where: {place_of(run.execution_arn)}",
            f"qlikops report {shlex.quote(run.execution_name)}",
        ]
    )


def plan_text(run: Run, plan: Plan) -> str:
    """What is kept quiet for how long, and how to see more, such as who says so. What is told names no person."""
    lasts = format_duration(plan.ends_at - plan.starts_at)
    return text_of(
        [
            f"Planned work for {lasts}: {plan.why}",
            f"Covers: {plan.scope.words()}",
            f"From {to_minute(plan.starts_at)} until {to_minute(plan.ends_at)}.",
            "Nothing is proposed or told of what it covers, but for a lost log position and data errors.",
            f"Where: {place_of(run.execution_arn)}",
            f"qlikops plan end {plan.plan_id}",
        ]
    )


def shown(lines: Sequence[str]) -> list[str]:
    """The first few lines, and how many more there are."""
    left = len(lines) - _LINES_SHOWN
    return [*lines[:_LINES_SHOWN], f"and {left} more"] if left > 0 else list(lines)


def place_of(execution_arn: str) -> str:
    """Region and account, from an ARN; what it is instead, if it is none."""
    parts = execution_arn.split(":")
    return f"{parts[3]}, account {parts[4]}" if len(parts) > 5 else execution_arn


def text_of(lines: Iterable[str]) -> str:
    """Lines that fit and steer nothing; without those that are empty."""
    return "\n".join(shown for line in lines if (shown := harmless(line, _LINE_CAP)))


def _opinion(evaluation: Evaluation | None) -> str:
    if evaluation is None:
        return "Not evaluated."
    source = "AI" if is_ai(evaluation.evaluator) else evaluation.evaluator.capitalize()
    if evaluation.verdict is Verdict.UNAVAILABLE:
        return f"{source}: no evaluation ({evaluation.unavailable_because})."
    confidence = f", {evaluation.confidence:.0%} sure" if evaluation.confidence is not None else ""
    return f"{source}: {evaluation.verdict}, {evaluation.risk} risk{confidence}."


def _more(approval: ProposalRecord) -> str:
    return f"qlikops show {approval.approval_id}"


def _clock_time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%H:%M} UTC"
