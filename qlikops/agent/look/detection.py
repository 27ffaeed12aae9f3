"""Makes the next snapshot of a reading of the fleet and the snapshot before it: what is wrong, and since when.

Pure: the clock comes in as `now`, and everything remembered is in the previous snapshot. The previous snapshot may be
missing, minutes or days old, written by a doubled invocation a second ago, or from a clock that runs ahead of this one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from qlikops.agent.config import AgentConfig, Thresholds
from qlikops.agent.diagnosis.evidence import MESSAGE_CAP, Label, Observed, numbered, shortened, state_text
from qlikops.agent.diagnosis.messages import diagnosis_of, judge
from qlikops.agent.look.detectors import (
    DETECTORS,
    SERVER_DETECTORS,
    ServerView,
    Signal,
    TaskView,
    backlog,
    is_down_again,
    is_in_trouble,
    is_late,
    is_stopped_by_command,
    is_waiting_to_apply,
)
from qlikops.agent.look.freshness import freshness_of
from qlikops.agent.look.servers import remembering
from qlikops.agent.look.servers import unread as unread_servers
from qlikops.agent.look.waiting import point_of, position_of, source_meanwhile
from qlikops.dataclass import dataclass
from qlikops.domain.fleet.anomaly import Anomaly, AnomalyKind
from qlikops.domain.fleet.point_of_no_return import PointOfNoReturn
from qlikops.domain.fleet.task import ServerFacts, StopReason, TaskFacts, TaskKey, TaskState
from qlikops.domain.proposals.lasting import Streak
from qlikops.domain.runs.plan import Plan, still_stopped, stopped_in
from qlikops.domain.runs.snapshot import LATENCY_SAMPLES, FleetSnapshot, Sample, TaskProgress, TaskSnapshot
from qlikops.domain.words.duration import format_duration, to_second

CLOCK_SKEW_SECONDS = 60
"""How far ahead a previous snapshot's clock may be: it is still used, and this poll counts as the same one."""
_HOUR = timedelta(hours=1)
_STOPPED = frozenset({AnomalyKind.USER_STOPPED.value, AnomalyKind.STOPPED_IN_PLAN.value})
_SHORT = 250
"""Characters of a message that every reader of its evidence gets to see whole, the evaluator too."""


def detect(
    servers: Sequence[ServerFacts],
    tasks: Sequence[TaskFacts],
    previous: FleetSnapshot | None,
    config: AgentConfig,
    now: datetime,
    execution_name: str,
    restarts_last_hour: Mapping[TaskKey, int] | None = None,
    unread: Collection[TaskKey] = (),
    left_stopped: Mapping[TaskKey, datetime] | None = None,
    streaks: Mapping[TaskKey, Streak] | None = None,
    plans: Sequence[Plan] = (),
    stuck: Collection[TaskKey] = (),
    asked_at: datetime | None = None,
) -> FleetSnapshot:
    """The snapshot of this poll, which began at `asked_at` or `now`, tasks in the order of their keys.

    A server that is down has one anomaly, its tasks none; so has one of which something was `unread` when the time
    was over, whose other tasks are looked at like any. Of tasks that could not be listed, the previous snapshot's are
    kept with an unknown state, so that they neither vanish nor seem to run. A task without details keeps its endpoints
    and tags: planned work and settings go by them. What qlikops `left_stopped`, by a restart that began then, is
    remembered for as long as it stands so. `streaks` are restarts in a row that did not last, kept of tasks that are
    down, and of those that are `stuck` while they are up.
    What is stopped during one of the `plans` is remembered too, for as long as it stands so.
    """
    if previous is not None and is_from_the_future(previous, now):
        previous = None
    before = {snapshot.facts.key: snapshot for snapshot in previous.tasks} if previous else {}
    restarts = restarts_last_hour or {}
    # What was said longer ago may have been put right since, and this be another failure.
    is_fresh = previous is not None and now - previous.taken_at <= _HOUR
    polled_before = previous.taken_at if previous else None
    fetched_before = {each.key: each.fetched.at for each in previous.servers if each.fetched} if previous else {}
    lag = timedelta(seconds=config.status_lag_seconds)
    servers = remembering(servers, previous, now, asked_at or now)
    fetched_at = {server.key: server.fetched.at for server in servers if server.fetched}
    views = [ServerView(server, (), config.thresholds_for_server(server.name), now) for server in servers]
    hiding = [detector for kind, detector in SERVER_DETECTORS.items() if kind.traits.hides_tasks]
    down = [view.facts.key for view in views if any(detector(view) for detector in hiding)]
    late = [server.key for server in servers if is_late(server)]

    snapshots: dict[TaskKey, TaskSnapshot] = {}
    for said in tasks:
        last = before.get(said.key) or TaskSnapshot(said)
        facts = said if said.has_details else _named_as_before(said, last.facts)
        if any(server.covers(facts.key) for server in down):
            snapshots[facts.key] = TaskSnapshot(facts, last.memory)
            continue
        if facts.key in unread:
            snapshots[facts.key] = TaskSnapshot(facts, last.memory, is_unread=True)
            continue
        memory = _remembering_restarts(facts, last, now)
        memory = _remembering_whose_stop(facts, memory, (left_stopped or {}).get(facts.key))
        memory = replace(
            memory,
            said_before=_said_before(facts, last) if is_fresh else "",
            position=position_of(facts, before.get(said.key), fetched_at.get(facts.key.of_server, now)),
            done_by=last.memory.done_by if _is_down_as_before(facts, last.memory) else None,
        )
        if (freshness := freshness_of(facts, memory, polled_before, config, now)) != memory.freshness:
            memory = replace(memory, freshness=freshness)
        seen_as_of = _seen_as_of(last, fetched_before.get(facts.key.of_server), polled_before)
        memory = _remembering_plans(facts, memory, plans, seen_as_of and seen_as_of - lag, now)
        is_down_or_stuck = is_in_trouble(facts) or is_down_again(facts) or facts.key in stuck
        streak = (streaks or {}).get(facts.key) if is_down_or_stuck else None
        memory = _remembering_falls(memory, streak, config, now)
        fetched = fetched_at.get(facts.key.of_server)
        poll = _Poll(facts, memory, config.thresholds_for(facts), now, restarts.get(facts.key, 0), config, fetched)
        snapshots[facts.key] = replace(poll.snapshot(last.anomalies), is_listed=not said.has_details)
    for key, snapshot in before.items():
        if key in snapshots:
            continue
        if any(server.covers(key) for server in down):
            snapshots[key] = TaskSnapshot(_unseen(snapshot.facts), snapshot.memory)
        elif any(server.covers(key) for server in late):
            snapshots[key] = TaskSnapshot(_unseen(snapshot.facts), snapshot.memory, is_unread=True)

    return FleetSnapshot(
        taken_at=now,
        execution_name=execution_name,
        servers=tuple(sorted(servers, key=lambda server: server.key)),
        unread_servers=unread_servers(servers, previous),
        plans=tuple(plans),
        tasks=tuple(snapshots[key] for key in sorted(snapshots)),
        server_anomalies=tuple(
            anomaly
            for server in sorted(servers, key=lambda server: server.key)
            for anomaly in _of_server(
                ServerView(server, snapshots.values(), config.thresholds_for_server(server.name), now), previous
            )
        ),
    )


def is_from_the_future(previous: FleetSnapshot, now: datetime) -> bool:
    """Whether `previous` comes from a clock that is wrong, or ours is: nothing can be counted on from there."""
    return (previous.taken_at - now).total_seconds() > CLOCK_SKEW_SECONDS


def contradicts_itself(snapshot: FleetSnapshot) -> bool:
    """Whether it remembers something later than itself: counted on from there, it might never be confirmed or over."""
    latest = snapshot.taken_at + timedelta(seconds=CLOCK_SKEW_SECONDS)
    return any(told.seen_at > latest for told in snapshot.told) or any(
        moment > latest for task in snapshot.tasks for moment in _remembered(task.memory)
    )


def _remembered(memory: TaskProgress) -> Iterator[datetime]:
    yield from memory.seen.values()
    yield from memory.starts
    yield from (memory.position,) if memory.position else ()
    yield from (sample.at for sample in memory.samples[-1:])
    yield from (each for each in (memory.applied_since, memory.held_at, memory.restarted_at, memory.back_since) if each)


def may_have_been_restarted(
    tasks: Sequence[TaskFacts], previous: FleetSnapshot | None, now: datetime, stuck: Collection[TaskKey] = ()
) -> list[TaskKey]:
    """The tasks whose restarts are worth reading: in trouble or `stuck`, or held by a proposal within the last hour.

    A running task that no proposal held cannot have been restarted by us; a fleet of them costs nothing.
    """
    held = {
        task.facts.key
        for task in (previous.tasks if previous else ())
        if task.proposal_id or (task.memory.held_at is not None and now - task.memory.held_at <= _HOUR)
    }
    held.update(stuck)
    return [facts.key for facts in tasks if is_in_trouble(facts) or is_down_again(facts) or facts.key in held]


def _is_down_as_before(facts: TaskFacts, memory: TaskProgress) -> bool:
    """Whether who did it still answers for the task: who stopped it has nothing to do with how it failed later."""
    was_stopped = not _STOPPED.isdisjoint(memory.seen)
    return not facts.is_up and is_stopped_by_command(facts) is was_stopped


def _remembering_restarts(facts: TaskFacts, last: TaskSnapshot, now: datetime) -> TaskProgress:
    """What is remembered of a task, with this poll's start where it was in trouble at the last poll and now runs."""
    starts = tuple(moment for moment in last.memory.starts if now - moment <= _HOUR)
    if facts.state is TaskState.RUNNING and is_in_trouble(last.facts):
        starts += (now,)
    return replace(last.memory, starts=starts)


def _remembering_whose_stop(facts: TaskFacts, memory: TaskProgress, left_at: datetime | None) -> TaskProgress:
    """`memory` with whether the task stands because qlikops left it so, with the restart that began at `left_at`."""
    was_ours = memory.left_stopped or (left_at is not None and left_at != memory.back_since)
    back_since = left_at if left_at and facts.is_up else memory.back_since
    return replace(memory, left_stopped=was_ours and is_stopped_by_command(facts), back_since=back_since)


def _seen_as_of(last: TaskSnapshot, fetched_at: datetime | None, polled_before: datetime | None) -> datetime | None:
    """How old the state is that the last look at a task saw: Enterprise Manager may have fetched it long before.

    A check that could not see the task, because planned work had its server down, was no look at it.
    """
    looked_at = last.memory.samples[-1].at if last.memory.samples else polled_before
    return min(looked_at, fetched_at) if looked_at and fetched_at else looked_at


def _remembering_plans(
    facts: TaskFacts, memory: TaskProgress, plans: Sequence[Plan], seen_as_of: datetime | None, now: datetime
) -> TaskProgress:
    """`memory` with the planned work during which the task was stopped, for as long as it stands so.

    `seen_as_of` is when it was not stopped yet, as far as the look before tells. A task that was down before the work
    began is none of its business, and neither is what qlikops left stopped.
    """
    if not is_stopped_by_command(facts) or memory.left_stopped:
        return replace(memory, stopped_in=None) if memory.stopped_in else memory
    if memory.stopped_in:
        return replace(memory, stopped_in=still_stopped(memory.stopped_in, plans, facts, now))
    if not plans:
        return memory
    seen_at = memory.seen.get(AnomalyKind.USER_STOPPED, now)
    return replace(memory, stopped_in=stopped_in(plans, facts, seen_at, seen_as_of, now))


def _remembering_falls(memory: TaskProgress, streak: Streak | None, config: AgentConfig, now: datetime) -> TaskProgress:
    """`memory` with the restarts that did not last; without them, if it has no `streak` now.

    A task that went down long after it had fallen over last was up in between, whoever started it: it has lasted.
    """
    before = memory.streak
    if streak:
        down_since = (before.down_since if before else None) or now
        if down_since - streak.falls[-1].at <= timedelta(seconds=config.lasting_seconds):
            return replace(memory, streak=replace(streak, down_since=down_since))
    return replace(memory, streak=None) if before else memory


def _said_before(facts: TaskFacts, last: TaskSnapshot) -> str:
    """The last message with a cause of a task whose own only says that Replicate has given up; else empty."""
    if not facts.message or not judge(facts).lacks_the_cause:
        return ""
    had_the_cause = is_in_trouble(last.facts) and last.facts.message and not judge(last.facts).lacks_the_cause
    return last.facts.message if had_the_cause else last.memory.said_before


@dataclass(frozen=True, slots=True)
class _Poll:
    """One task at this poll."""

    facts: TaskFacts
    memory: TaskProgress
    """The server's memory as the check before left it."""
    thresholds: Thresholds
    now: datetime
    restarts_last_hour: int
    config: AgentConfig
    fetched_at: datetime | None

    def snapshot(self, anomalies_before: Sequence[Anomaly]) -> TaskSnapshot:
        counts = self._counts()
        applied_since = self._applied_since()
        memory = replace(self.memory, applied_since=applied_since)
        # A restart by us is seen twice, in the ledger and as a start; a start by anybody else only once.
        restarts = max(self.restarts_last_hour, len(memory.starts))
        view = TaskView(self.facts, memory, self.thresholds, self.now, restarts, self.fetched_at)
        carried = {} if counts else {each.kind: each for each in anomalies_before if each.kind.traits.is_between_polls}

        seen: dict[str, datetime] = {}
        polls: dict[str, int] = {}
        anomalies: list[Anomaly] = []
        for kind, detector in DETECTORS.items():
            if kind in carried:
                seen[kind], polls[kind] = self._first_seen(kind), self.memory.polls.get(kind, 1)
                anomalies.append(carried[kind])
                continue
            signal = detector(view)
            if signal is None:
                continue
            seen[kind], polls[kind] = self._first_seen(kind), self._polls(kind, counts)
            if signal.lasting_seconds and self._lasted(kind) <= signal.lasting_seconds:
                continue
            anomalies.append(self._anomaly(kind, signal, polls[kind]))

        memory = replace(memory, seen=seen, polls=polls, applied_records=self.facts.applied_records)
        return TaskSnapshot(self.facts, self._advanced(memory) if counts else memory, tuple(anomalies))

    def _counts(self) -> bool:
        """Whether this is a poll of its own, and not the previous one again."""
        samples = self.memory.samples
        return not samples or (self.now - samples[-1].at).total_seconds() >= self.thresholds.poll_spacing_seconds

    def _advanced(self, memory: TaskProgress) -> TaskProgress:
        """`memory` with what the next poll compares with; left alone by a poll that doesn't count."""
        sample = Sample(self.now, self.facts.source_latency_seconds, self.facts.total_latency_seconds)
        return replace(
            memory,
            samples=(*memory.samples, sample)[-LATENCY_SAMPLES:],
            data_error_count=self.facts.data_error_count,
            changes_on_disk=self.facts.changes_on_disk,
        )

    def _applied_since(self) -> datetime | None:
        if self.facts.applied_records is None or not is_waiting_to_apply(self.facts):
            return None
        if self.facts.applied_records != self.memory.applied_records:
            return self.now
        return self.memory.applied_since or self.now

    def _first_seen(self, kind: AnomalyKind) -> datetime:
        return self.memory.seen.get(kind, self.now)

    def _lasted(self, kind: AnomalyKind) -> float:
        return (self.now - self._first_seen(kind)).total_seconds()

    def _polls(self, kind: AnomalyKind, counts: bool) -> int:
        before = self.memory.polls.get(kind, 0)
        if before == 0:
            return 1
        # It may have been seen first by a poll that didn't count, and then this one can be too close.
        return before + (counts and self._lasted(kind) >= self.thresholds.poll_spacing_seconds)

    def _anomaly(self, kind: AnomalyKind, signal: Signal, polls: int) -> Anomaly:
        first_seen = self._first_seen(kind)
        seen = f"{polls} poll{'s'[: polls > 1]}, first {to_second(first_seen)}"
        said_before = self.memory.said_before
        observed = (*_described(self.facts, said_before), *signal.evidence, (Label.SEEN, seen))
        point = point_of(kind, self.facts, self.memory.position, self.config)
        if point:
            meanwhile = source_meanwhile(self.facts)
            observed += ((Label.POINT_OF_NO_RETURN, point.words), (Label.SOURCE_MEANWHILE, meanwhile))
        found = _anomaly(kind, self.facts.key, signal, observed, first_seen, polls, self.thresholds)
        if point and point.resume_until:
            found = _with_point(found, point, self.now)
        if not kind.traits.rests_on_message or not self.facts.message:
            return found
        return replace(found, diagnosis=diagnosis_of(self.facts, said_before))


def _with_point(anomaly: Anomaly, point: PointOfNoReturn, now: datetime) -> Anomaly:
    """`anomaly` with until when the task can be resumed; worse than it would be by itself once that is near."""
    severity = anomaly.severity.raised if point.is_near(now) else anomaly.severity
    summary = f"{anomaly.summary}; {point.brief(now)}"
    return replace(anomaly, severity=severity, summary=summary, resume_until=point.resume_until)


def _described(facts: TaskFacts, said_before: str) -> list[Observed]:
    """What a person would ask first about any task; empty values are what Enterprise Manager didn't say."""
    match = judge(facts)
    earlier = judge(replace(facts, message=said_before)).passage if said_before else ""
    return [
        (Label.STATE, state_text(facts)),
        (Label.MESSAGE, shortened(facts.message, MESSAGE_CAP, match.passage)),
        (Label.EARLIER, shortened(said_before, MESSAGE_CAP, earlier)),
        (Label.RECOGNISED, match.words(quoting=len(facts.message) > _SHORT)),
        (Label.FULL_LOAD, {True: "complete", False: "not complete", None: "unknown"}[facts.full_load_completed]),
        (Label.SOURCE, _endpoint_text(facts.source_endpoint, facts.source_type)),
        (Label.TARGET, _endpoint_text(facts.target_endpoint, facts.target_type)),
        (Label.LATENCY, _latency_text(facts)),
        (Label.BACKLOG, str(backlog(facts)) if backlog(facts) else ""),
    ]


def _endpoint_text(name: str, kind: str) -> str:
    return f"{name} ({kind})" if name and kind else name or kind


def _latency_text(facts: TaskFacts) -> str:
    source, total = facts.source_latency_seconds, facts.total_latency_seconds
    parts = [
        f"{label} {format_duration(seconds)}"
        for label, seconds in (("source", source), ("total", total))
        if seconds is not None
    ]
    return ", ".join(parts)


def _named_as_before(facts: TaskFacts, before: TaskFacts) -> TaskFacts:
    """What the list says of a task, with what only its details name as it was `before`; other tags may have come."""
    return replace(
        facts,
        source_endpoint=before.source_endpoint,
        source_type=before.source_type,
        target_endpoint=before.target_endpoint,
        target_type=before.target_type,
        apply_changes_enabled=before.apply_changes_enabled,
        log_stream_staging=before.log_stream_staging,
        tags=tuple(dict.fromkeys((*facts.tags, *before.tags))),
    )


def _unseen(facts: TaskFacts) -> TaskFacts:
    """Who the task is and what it connects, without claims about how it is."""
    return TaskFacts(
        key=facts.key,
        state=TaskState.UNKNOWN,
        stop_reason=StopReason.UNKNOWN,
        source_endpoint=facts.source_endpoint,
        source_type=facts.source_type,
        target_endpoint=facts.target_endpoint,
        target_type=facts.target_type,
        tags=facts.tags,
        tags_known=facts.tags_known,
    )


def _of_server(view: ServerView, previous: FleetSnapshot | None) -> Iterator[Anomaly]:
    server, now = view.facts, view.now
    for kind, detector in SERVER_DETECTORS.items():
        signal = detector(view)
        if signal is None:
            continue
        known = previous.server_anomalies if previous else ()
        before = next((each for each in known if (each.key, each.kind) == (server.key, kind)), None)
        first_seen, polls = now, 1
        if previous is not None and before is not None:
            first_seen = before.first_seen or now
            polls = before.polls + ((now - previous.taken_at).total_seconds() >= view.thresholds.poll_spacing_seconds)
        observed = (
            (Label.SERVER, f"{server.name}{f' on {server.host}' if server.host else ''}"),
            (Label.STATE, f"{server.state}{f' ({server.error_code})' if server.error_code else ''}"),
            (Label.MESSAGE, server.message),
            *signal.evidence,
            (Label.SEEN, f"first {to_second(first_seen)}"),
        )
        yield _anomaly(kind, server.key, signal, observed, first_seen, polls, view.thresholds)


def _anomaly(
    kind: AnomalyKind,
    key: TaskKey,
    signal: Signal,
    observed: Iterable[Observed],
    first_seen: datetime,
    polls: int,
    thresholds: Thresholds,
) -> Anomaly:
    return Anomaly(
        kind=kind,
        severity=signal.severity or kind.traits.severity,
        key=key,
        summary=signal.summary,
        evidence=numbered(observed),
        first_seen=first_seen,
        polls=polls,
        confirmed=polls >= thresholds.polls_required(kind),
    )
