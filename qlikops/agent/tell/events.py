"""What people and programs are told: one class for each thing that happens.

The fields of an event are the detail of its EventBridge event and of a JSON message; docs/reference/events has their
schemas, made from here. A field that is renamed or removed takes another VERSION. Never a token, never a link that
acts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from qlikops.agent.remember.run import Run
from qlikops.agent.tell import texts
from qlikops.agent.tell.event import (
    SUMMARY_CAP,
    Event,
    IncidentState,
    dedup_key,
    name_of,
    named,
    summary_of,
    tags_of,
    where,
)
from qlikops.agent.tell.notifications import Notifications
from qlikops.dataclass import dataclass
from qlikops.domain.fleet.anomaly import Anomaly, AnomalyKind, Severity
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.proposals.approval import ProposalRecord, Status
from qlikops.domain.proposals.lasting import FellOver
from qlikops.domain.runs.plan import Plan
from qlikops.domain.runs.snapshot import Notified
from qlikops.domain.words.duration import to_minute
from qlikops.domain.words.text import harmless

NOTIFIED = frozenset({Status.EXPIRED, Status.FAILED, Status.UNVERIFIED, Status.PARTIAL, Status.STILL_DOWN})
"""The ends of what nobody was asked about that people hear of all the same: it did not work."""


# -- proposals -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalEvent(Event):
    """What all events about one proposal say."""

    label: str
    """The task, or how many tasks behind which cause."""
    title: str
    """What happened to it."""
    action: str
    """What is proposed first, such as `resume`."""
    options: tuple[str, ...]
    """Names of all that can be chosen, the recommended one first."""
    tasks: tuple[str, ...]
    """The tasks as `instance/server/task`, the first 10."""
    task_count: int
    execution_name: str
    """The run that proposed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting(ProposalEvent):
    STATE: ClassVar[IncidentState] = IncidentState.OPEN

    deadline: datetime | None
    """When nobody can answer it any more; nothing is done then."""
    resume_until: datetime | None
    """Until about when its tasks can be resumed; null if that is not known or no question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequested(_Waiting):
    """A proposal waits for a decision."""

    verdict: str
    """What the evaluator says, such as `approve`; empty if it was not asked."""
    risk: str
    evaluator: str

    @classmethod
    def of(cls, approval: ProposalRecord, now: datetime) -> ApprovalRequested:
        """Makes the event that says that `approval` waits."""
        proposal, evaluation = approval.proposal, approval.evaluation
        return cls(
            **_about(approval),
            at=now,
            summary=summary_of(f"{proposal.action} {proposal.label}?"),
            text=texts.request_text(approval, now),
            deadline=approval.deadline,
            resume_until=proposal.resume_until,
            verdict=evaluation.verdict if evaluation else "",
            risk=evaluation.risk if evaluation else "",
            evaluator=evaluation.evaluator if evaluation else "",
        )


class Reason(StrEnum):
    """Why it is told again that a proposal waits."""

    HALF = "half_of_its_time"
    MOST = "most_of_its_time"
    POINT_OF_NO_RETURN = "point_of_no_return"
    """Soon a resume will not be possible any more."""


_TOLD_AGAIN = {
    Reason.HALF: "half of the time for an answer is over",
    Reason.MOST: "80% of the time for an answer is over",
    Reason.POINT_OF_NO_RETURN: "the point of no return is near",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalReminder(_Waiting):
    """A proposal still waits for a decision."""

    reason: Reason
    """Why it is told again."""
    is_claimed: bool
    """Whether somebody says that they are looking at it; if not, the escalation topic hears of it too."""

    @classmethod
    def of(cls, approval: ProposalRecord, reason: Reason, now: datetime, *, is_claimed: bool) -> ApprovalReminder:
        """Makes the event that says that `approval` still waits."""
        proposal = approval.proposal
        claimed = "Somebody is looking at it." if is_claimed else "Nobody has claimed it."
        told_again = f"Not answered yet: {_TOLD_AGAIN[reason]}. {claimed}"
        return cls(
            **_about(approval),
            at=now,
            summary=summary_of(f"still waiting: {proposal.action} {proposal.label}"),
            text=f"{told_again}\n{texts.request_text(approval, now)}",
            deadline=approval.deadline,
            resume_until=proposal.resume_until,
            reason=reason,
            is_claimed=is_claimed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended(ProposalEvent):
    status: str
    """How it ended, such as `restarted`, `denied`, `expired` or `superseded`."""
    outcome: str
    """Why, or what came of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalClosed(_Ended):
    """A proposal that waited for a decision is over, whatever its end."""

    STATE: ClassVar[IncidentState] = IncidentState.CLOSED


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalFailed(_Ended):
    """A proposal of which nobody was asked came to nothing: an automatic restart that did not work, or no question."""


def ended(approval: ProposalRecord) -> tuple[ApprovalClosed | ProposalFailed, ...]:
    """What is told of a proposal that is over: that it is closed if it was asked, or that it did not work."""
    if approval.requested_at is None and approval.status not in NOTIFIED:
        return ()
    cls = ProposalFailed if approval.requested_at is None else ApprovalClosed
    outcome = approval.outcome
    words = approval.status.replace("_", " ")
    return (
        cls(
            **_about(approval),
            at=outcome.at if outcome and outcome.at else approval.updated_at,
            summary=summary_of(f"{words}: {approval.proposal.label}"),
            text=texts.outcome_text(approval),
            status=approval.status.value,
            outcome=harmless(outcome.detail, 2 * SUMMARY_CAP) if outcome else "",
        ),
    )


# -- findings --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingEvent(Event):
    """What all events about one finding say: something is wrong on which nothing is proposed."""

    label: str
    """The server, or the task as `server/task`."""
    headline: str
    """The kind in words."""
    place: str
    """Region and account."""

    @classmethod
    def together(cls, events: Sequence[Event]) -> tuple[str, str]:
        """What appeared, the worst first and what is alike in one line; then what is over."""
        appeared = [event for event in events if isinstance(event, FindingOpened)]
        over = [event for event in events if isinstance(event, FindingClosed)]
        first = (appeared or over)[0]
        summary = first.summary
        if len(appeared) > 1:
            summary = f"{first.severity}: {len(appeared)} new findings"
        elif len(over) > 1 and not appeared:
            summary = f"{len(over)} findings are over"
        gone = [f"over: {event.label} {event.headline}" for event in over]
        return summary, texts.findings_text(first.place, _alike(appeared), gone)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingOpened(FindingEvent):
    """Something is wrong with a task or a server, or is worse than it was told; nothing is proposed on it."""

    STATE: ClassVar[IncidentState] = IncidentState.OPEN

    what: str
    """What is wrong, with numbers."""
    resume_until: datetime | None
    """Until about when the task can be resumed; null if that is not known or no question."""

    @classmethod
    def of(cls, run: Run, anomaly: Anomaly, tags: Sequence[str], now: datetime) -> FindingOpened:
        """The event which says that `run` found `anomaly` on a task with these `tags`."""
        key, headline = anomaly.key, anomaly.kind.traits.headline
        line = f"{anomaly.severity}: {key}: {anomaly.summary}"
        return cls(
            **_found(run, key, anomaly.kind, tags, now),
            severity=anomaly.severity,
            summary=summary_of(f"{anomaly.severity}: {key}: {headline}"),
            text=texts.findings_text(texts.place_of(run.execution_arn), [line], ()),
            what=harmless(anomaly.summary, 2 * SUMMARY_CAP),
            resume_until=anomaly.resume_until,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingClosed(FindingEvent):
    """A finding that was told is over: no run has seen it for a quarter of an hour."""

    STATE: ClassVar[IncidentState] = IncidentState.CLOSED

    @classmethod
    def of(cls, run: Run, told: Notified, now: datetime) -> FindingClosed:
        """The event that what was `told` is over, as `run` says."""
        headline = told.kind.traits.headline
        line = f"over: {told.key} {headline}"
        return cls(
            **_found(run, told.key, told.kind, told.tags, now),
            severity=told.closes_as,
            summary=summary_of(f"over: {told.key}: {headline}"),
            text=texts.findings_text(texts.place_of(run.execution_arn), (), [line]),
        )


def findings(run: Run, news: Notifications, now: datetime) -> tuple[FindingEvent, ...]:
    """What is told of one run's findings: what appeared, the worst first, and what is over."""
    tags = {(told.key, told.kind): told.tags for told in news.told}
    return (
        *(FindingOpened.of(run, each, tags.get((each.key, each.kind), ()), now) for each in news.appeared),
        *(FindingClosed.of(run, told, now) for told in news.over),
    )


def _alike(appeared: Iterable[FindingOpened]) -> list[str]:
    """A line for each finding, or for all of a kind on one server."""
    together: dict[tuple[object, ...], list[FindingOpened]] = {}
    for event in appeared:
        together.setdefault((event.instances, event.servers, event.kind, event.severity), []).append(event)
    return [_line(alike) for alike in together.values()]


def _line(alike: Sequence[FindingOpened]) -> str:
    first = alike[0]
    if len(alike) == 1:
        return f"{first.severity}: {first.label}: {first.what}"
    soonest = min((event.resume_until for event in alike if event.resume_until), default=None)
    until = f"; the first can be resumed until about {to_minute(soonest)}" if soonest else ""
    return f"{first.severity}: {first.servers[0]}: {first.headline} on {len(alike)} tasks{until}"


# -- restarts that did not last --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartFellOver(Event):
    """Tasks that a restart brought up are down again; a new proposal or a finding follows."""

    label: str
    """The restart's: the task, or how many tasks behind which cause."""
    tasks: tuple[str, ...]
    """Tasks that fell over as `instance/server/task`, the first 10."""
    task_count: int
    """How many fell over."""
    words: str
    """After how long, such as `fell over after 7 min`."""
    place: str
    """Region and account."""

    @classmethod
    def of(cls, run: Run, restart: FellOver, now: datetime) -> RestartFellOver:
        """Makes the event that says that `restart` did not last, as `run` saw."""
        keys = [task.key for task in restart.tasks]
        place, words = texts.place_of(run.execution_arn), restart.words()
        # Not the restart's label: of a group, others may be up.
        subject = str(keys[0]) if restart.count == 1 else f"{restart.count:,} tasks"
        return cls(
            **where(keys),
            dedup_key=dedup_key(run.execution_arn, "fell-over", restart.proposal_id),
            at=max((task.at for task in restart.tasks), default=now),
            severity=Severity.CRITICAL,
            approval_id=restart.proposal_id,
            summary=summary_of(f"fell over again: {subject}"),
            text=texts.fell_over_text(place, [_fell_over_line(restart.label, restart.proposal_id, words)]),
            label=name_of(restart.label),
            tasks=named(keys),
            task_count=restart.count,
            words=harmless(words, SUMMARY_CAP),
            place=name_of(place),
        )

    @classmethod
    def together(cls, events: Sequence[Event]) -> tuple[str, str]:
        """How many tasks fell over, and which restarts these were."""
        fallen = [event for event in events if isinstance(event, RestartFellOver)]
        tasks = sum(event.task_count for event in fallen)
        summary = fallen[0].summary if len(fallen) == 1 else f"fell over again: {tasks:,} tasks"
        lines = [_fell_over_line(event.label, event.approval_id, event.words) for event in fallen]
        return summary, texts.fell_over_text(fallen[0].place, lines)


def _fell_over_line(label: str, proposal_id: str, words: str) -> str:
    # How to see more comes before what a long line may lose.
    return f"{label} (qlikops show {proposal_id}): {words}"


# -- monitoring itself -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringFailed(Event):
    """Runs fail: until one succeeds, nobody knows how Qlik is."""

    STATE: ClassVar[IncidentState] = IncidentState.OPEN

    execution_name: str
    """The first run that failed."""
    reason: str
    was_read: bool
    """Whether the fleet was read, and only what follows failed."""

    @classmethod
    def of(cls, run: Run, error: str, *, was_read: bool) -> MonitoringFailed:
        """Makes the event that says that `run` failed, and its `error`."""
        return cls(
            **_monitoring(run),
            summary="monitoring fails",
            text=texts.failure_text(run, error, was_read=was_read),
            reason=harmless(error, 2 * SUMMARY_CAP),
            was_read=was_read,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringRecovered(Event):
    """A run succeeded after some that failed."""

    STATE: ClassVar[IncidentState] = IncidentState.CLOSED

    execution_name: str
    """The first run that succeeded."""

    @classmethod
    def of(cls, run: Run) -> MonitoringRecovered:
        """Makes the event that says that `run` succeeded."""
        return cls(**_monitoring(run), summary="monitoring works again", text=texts.recovery_text(run))


# -- planned work ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LongWorkPlanned(Event):
    """Somebody planned work for more than a day, in which little is told of what it covers."""

    plan_id: str
    covers: str
    """What the work is on, in words."""
    why: str
    starts_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, run: Run, plan: Plan) -> LongWorkPlanned:
        """That an order in the input of `run` plans the work."""
        covers = plan.scope.words()
        return cls(
            dedup_key=dedup_key(run.execution_arn, "plan", plan.plan_id),
            at=run.started,
            severity=Severity.WARNING,
            summary=summary_of(f"planned work: {covers}"),
            text=texts.plan_text(run, plan),
            plan_id=plan.plan_id,
            covers=harmless(covers, SUMMARY_CAP),
            why=harmless(plan.why, SUMMARY_CAP),
            starts_at=plan.starts_at,
            ends_at=plan.ends_at,
        )


# -- what they have in common ----------------------------------------------------------------------------------------

EVENTS: tuple[type[Event], ...] = (
    ApprovalRequested,
    ApprovalReminder,
    ApprovalClosed,
    ProposalFailed,
    RestartFellOver,
    FindingOpened,
    FindingClosed,
    MonitoringFailed,
    MonitoringRecovered,
    LongWorkPlanned,
)
"""All that is told; each has a schema in docs/reference/events."""


def _about(approval: ProposalRecord) -> dict[str, Any]:
    """What all events about one proposal say alike."""
    proposal = approval.proposal
    keys = [target.key for target in proposal.targets]
    return {
        **where(keys),
        "dedup_key": dedup_key(proposal.execution_arn, "approval", proposal.proposal_id),
        "severity": proposal.severity,
        "kind": proposal.kind.value,
        "tags": tags_of(proposal.tags),
        "approval_id": proposal.proposal_id,
        "label": name_of(proposal.label),
        "title": harmless(proposal.title, SUMMARY_CAP),
        "action": proposal.action.value,
        "options": tuple(name_of(option.name) for option in proposal.offers),
        "tasks": named(keys),
        "task_count": len(keys),
        "execution_name": name_of(proposal.execution_name),
    }


def _found(run: Run, key: TaskKey, kind: AnomalyKind, tags: Sequence[str], now: datetime) -> dict[str, Any]:
    """What all events about one finding say alike."""
    names = (key.instance, key.server, key.task) if key.task else (key.instance, key.server)
    return {
        **where([key]),
        "dedup_key": dedup_key(run.execution_arn, "finding", kind.value, *names),
        "at": now,
        "kind": kind.value,
        "tags": tags_of(tags),
        "label": name_of(str(key)),
        "headline": kind.traits.headline,
        "place": name_of(texts.place_of(run.execution_arn)),
    }


def _monitoring(run: Run) -> dict[str, Any]:
    return {
        "dedup_key": dedup_key(run.execution_arn, "monitoring"),
        "at": run.started,
        "severity": Severity.CRITICAL,
        "execution_name": name_of(run.execution_name),
    }
