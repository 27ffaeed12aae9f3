"""Tells people, in texts that fit a phone. Never a token, never a link: answering is the console's."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from qlikops.agent.remember.run import Run
from qlikops.agent.tell.notifications import Notifications
from qlikops.domain.anomaly import Anomaly, AnomalyKind, Severity
from qlikops.domain.approval import ProposalRecord, Status, terms_of
from qlikops.domain.diagnosis import Diagnosis
from qlikops.domain.duration import format_duration
from qlikops.domain.evaluation import Evaluation, Verdict, is_ai
from qlikops.domain.lasting import FellOver
from qlikops.domain.plan import Plan
from qlikops.domain.text import harmless

NOTIFIED = frozenset({Status.EXPIRED, Status.FAILED, Status.UNVERIFIED, Status.PARTIAL, Status.STILL_DOWN})
"""The ends that somebody must hear of: nobody answered, or it did not work. That a question is over is told as well."""
_SUBJECT_CAP = 100
_LINE_CAP = 200
_FINDINGS_SHOWN = 6
"""Lines of what appeared, and of what is over; a phone shows no more, and `qlikops tasks` has them all."""

_logger = logging.getLogger(__name__)


class Notifier:
    """Publishes to one SNS topic; `client` is boto3's. A message that cannot be sent is logged and lost."""

    def __init__(self, client: Any, topic_arn: str) -> None:
        self._client = client
        self._topic_arn = topic_arn

    def asked(self, approval: ProposalRecord, now: datetime) -> None:
        """Somebody has to decide."""
        self._publish(f"qlikops: {approval.proposal.action} {approval.proposal.label}?", request_text(approval, now))

    def closed(self, approval: ProposalRecord) -> None:
        """Something ended in a way that somebody must hear of; other ends are not told."""
        no_longer_asked = approval.status is Status.SUPERSEDED and approval.requested_at is not None
        if approval.status in NOTIFIED or no_longer_asked:
            words = approval.status.replace("_", " ")
            self._publish(f"qlikops: {words}: {approval.proposal.label}", outcome_text(approval))

    def found(self, run: Run, news: Notifications) -> bool:
        """Something is wrong, or over, on which nothing is proposed; whether the message went out."""
        return self._publish(f"qlikops: {_headline(news)}", findings_text(run, news))

    def fell_over(self, run: Run, restarts: Sequence[FellOver]) -> bool:
        """Tasks that a restart brought up are down again; whether the message went out."""
        tasks = sum(each.count for each in restarts)
        # Not the restart's label: of a group, others may be up.
        subject = restarts[0].tasks[0].key if tasks == 1 else f"{tasks:,} tasks"
        return self._publish(f"qlikops: fell over again: {subject}", fell_over_text(run, restarts))

    def long_plan(self, run: Run, plan: Plan) -> None:
        """Somebody planned work for so long that others must hear of it."""
        self._publish(f"qlikops: planned work: {plan.scope.words()}", plan_text(run, plan))

    def run_failed(self, run: Run, error: str, *, was_read: bool) -> bool:
        """Monitoring itself does not work; whether the message went out."""
        return self._publish("qlikops: monitoring fails", failure_text(run, error, was_read=was_read))

    def recovered(self, run: Run) -> None:
        """Monitoring works again."""
        self._publish("qlikops: monitoring works again", recovery_text(run))

    def _publish(self, subject: str, message: str) -> bool:
        # SNS takes ASCII only in a subject.
        plain = harmless(subject, _SUBJECT_CAP).encode("ascii", "replace").decode()[:_SUBJECT_CAP]
        try:
            self._client.publish(TopicArn=self._topic_arn, Subject=plain, Message=message)
        except (BotoCoreError, ClientError):
            _logger.exception("nobody was told: %s", plain)
            return False
        return True


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
    if approval.deadline:
        left = format_duration(approval.deadline - now)
        lines.append(f"Answer by {_clock_time(approval.deadline)} (in {left}), or nothing is done.")
    return _text([*lines, _more(approval)])


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
    return _text([*lines, _more(approval)])


def findings_text(run: Run, news: Notifications) -> str:
    """What and where, the worst first and what is alike in one line; what is over; and how to see more."""
    return _text(
        [
            *_shown(_alike(news.appeared)),
            *_shown([f"over: {told.key} {told.kind.traits.headline}" for told in news.over]),
            "Nothing is proposed on these; you are told once." if news.appeared else "",
            f"Where: {_place(run)}",
            "qlikops tasks",
        ]
    )


def fell_over_text(run: Run, restarts: Sequence[FellOver]) -> str:
    """Which restarts did not last, and how to see more of each."""
    # How to see more comes before what a long line may lose.
    lines = [f"{each.label} (qlikops show {each.proposal_id}): {each.words()}" for each in restarts]
    ahead = "A new proposal comes after the cooldown, unless qlikops says that the task keeps failing."
    return _text(["Restarted by qlikops, seen up, and down again:", *_shown(lines), ahead, f"Where: {_place(run)}"])


def plan_text(run: Run, plan: Plan) -> str:
    """What is kept quiet for how long, who says so, and how to see more."""
    lasts = format_duration(plan.ends_at - plan.starts_at)
    return _text(
        [
            f"Planned work for {lasts}: {plan.why}",
            f"Covers: {plan.scope.words()}",
            f"From {_day_time(plan.starts_at)} until {_day_time(plan.ends_at)}, says {plan.by or 'nobody'}.",
            "Nothing is proposed or told of what it covers, but for a lost log position and data errors.",
            f"Where: {_place(run)}",
            f"qlikops plan end {plan.plan_id}",
        ]
    )


def _headline(news: Notifications) -> str:
    if len(news.appeared) == 1:
        (only,) = news.appeared
        return f"{only.severity}: {only.key}: {only.kind.traits.headline}"
    if news.appeared:
        return f"{news.appeared[0].severity}: {len(news.appeared)} new findings"
    if len(news.over) == 1:
        return f"over: {news.over[0].key}: {news.over[0].kind.traits.headline}"
    return f"{len(news.over)} findings are over"


def _alike(appeared: Iterable[Anomaly]) -> list[str]:
    """A line for each finding, or for all of a kind on one server."""
    together: dict[tuple[str, str, AnomalyKind, Severity], list[Anomaly]] = {}
    for anomaly in appeared:
        key = anomaly.key
        together.setdefault((key.instance, key.server, anomaly.kind, anomaly.severity), []).append(anomaly)
    lines = []
    for (_, server, kind, severity), alike in together.items():
        if len(alike) > 1:
            lines.append(f"{severity}: {server}: {kind.traits.headline} on {len(alike)} tasks")
        else:
            lines.append(f"{severity}: {alike[0].key}: {alike[0].summary}")
    return lines


def _shown(lines: list[str]) -> list[str]:
    left = len(lines) - _FINDINGS_SHOWN
    return [*lines[:_FINDINGS_SHOWN], f"and {left} more"] if left > 0 else lines


def failure_text(run: Run, error: str, *, was_read: bool) -> str:
    """What does not work, where, since when, for how long, and how to see more."""
    what = (
        "The fleet was read, but what to do about it could not be decided."
        if was_read
        else "The fleet cannot be read: nobody knows how Qlik is."
    )
    return _text(
        [
            what,
            f"Where: {_place(run)}",
            f"Since: {_clock_time(run.started)}, until a run succeeds. You are told once, and when it is over.",
            f"Why: {error}",
            f"qlikops show {shlex.quote(run.execution_name)}",
            "qlikops doctor",
        ]
    )


def recovery_text(run: Run) -> str:
    """Since when it works, where, and how to see more."""
    return _text(
        [
            f"The run of {_clock_time(run.started)} succeeded.",
            f"Where: {_place(run)}",
            f"qlikops report {shlex.quote(run.execution_name)}",
        ]
    )


def _place(run: Run) -> str:
    """Region and account, from an ARN; what it is instead, where it is none."""
    parts = run.execution_arn.split(":")
    return f"{parts[3]}, account {parts[4]}" if len(parts) > 5 else run.execution_arn


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


def _day_time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _text(lines: list[str]) -> str:
    return "\n".join(shown for line in lines if (shown := harmless(line, _LINE_CAP)))
