"""Makes proposals of anomalies: one for each cause, at most one for each task, and a reason for whatever is left alone.

Four hundred tasks behind one dead source are one decision. What the tasks have in common is looked for on one server,
in one kind of anomaly with one kind of message: first the endpoint that the message is about, otherwise the endpoint
that most of them share. What is more than one record of the ledger can hold becomes several proposals of equal size.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from qlikops.agent.config import AgentConfig, Thresholds
from qlikops.agent.diagnosis.evidence import Label, Observed, numbered, with_evidence
from qlikops.agent.diagnosis.messages import EndpointSide, fingerprint, judge, side_of
from qlikops.agent.look import wording
from qlikops.agent.look.waiting import point_of
from qlikops.agent.propose.judgement import chosen_of, staging_among, target_of, what_stops_server
from qlikops.agent.propose.options import looking_for_the_log, options_of
from qlikops.dataclass import dataclass
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.anomaly import ACTIONS, Anomaly, AnomalyKind, Severity
from qlikops.domain.fleet.audit import DoneBy
from qlikops.domain.fleet.diagnosis import Diagnosis
from qlikops.domain.fleet.endpoint import EndpointKey, Siblings
from qlikops.domain.fleet.freshness import Freshness
from qlikops.domain.fleet.point_of_no_return import PointOfNoReturn, earliest
from qlikops.domain.fleet.task import ServerFacts, TaskFacts, TaskKey, TaskState
from qlikops.domain.proposals.lasting import Streak
from qlikops.domain.proposals.proposal import Proposal, ProposedTask
from qlikops.domain.runs.plan import Plan, StoppedInPlan
from qlikops.domain.runs.report import NoAction
from qlikops.domain.runs.snapshot import FleetSnapshot
from qlikops.domain.words.duration import to_second
from qlikops.domain.words.text import harmless

_MESSAGES_QUOTED = 3
_WHY_CAP = 80
"""Characters of the reason for planned work that a title quotes."""
_TAGS_KEPT = 10
TARGETS_LIMIT = 500
"""Most tasks of one proposal: a person cannot look over more, and one invocation can hardly restart."""
TARGETS_BYTES = 160_000
"""Bytes of a proposal's targets as JSON. A DynamoDB item has 400 KB, and the outcome, which names them again, shares
it.
"""


@dataclass(frozen=True, slots=True)
class Correlated:
    """What a run proposes, and what it doesn't."""

    proposals: tuple[Proposal, ...]
    """The most severe first."""
    left_alone: tuple[NoAction, ...]
    """All of them in the order of their keys."""
    deferred: int = 0
    """Proposals over the cap; their tasks are among those left alone, and the next run finds them again."""


@dataclass(frozen=True, slots=True)
class _Case:
    """A task and the one anomaly that something is to be proposed on."""

    facts: TaskFacts
    anomaly: Anomaly
    streak: Streak | None = None
    """The restarts of the task that did not last."""
    position: datetime | None = None
    """Up to when about the target has the source's changes."""
    stopped_in: StoppedInPlan | None = None
    """The planned work during which the task was stopped, if its kind is that work's doing."""
    freshness: Freshness | None = None
    """How old the target's data may be, and is."""
    done_by: DoneBy | None = None
    """Who edited the task before it failed."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Cases with one cause; `cause` is empty for one task alone."""

    cause: str
    cases: tuple[_Case, ...]
    """All of them in the order of their keys."""
    part: str = ""
    """`1 of 3` where there are more tasks behind the cause than one proposal holds."""

    @property
    def kind(self) -> AnomalyKind:
        return self.cases[0].anomaly.kind

    @property
    def severity(self) -> Severity:
        return max((case.anomaly.severity for case in self.cases), key=lambda severity: severity.rank)

    @property
    def urgency(self) -> tuple[int, int, int, TaskKey]:
        """Sorts the most urgent first."""
        return -self.severity.rank, self.kind.place, -len(self.cases), self.cases[0].facts.key


def propose(
    snapshot: FleetSnapshot,
    config: AgentConfig,
    *,
    execution_arn: str,
    execution_name: str,
    now: datetime,
    blocked: Mapping[TaskKey, str],
    opened_before: int = 0,
) -> Correlated:
    """The proposals on `snapshot`, at most `config.max_proposals` with those that this run has `opened_before`.

    `blocked` are the tasks on which nothing may be proposed now, each with the reason for people: an open proposal,
    a snooze, a cooldown. On what planned work covers, only kinds that come through are proposed. The same snapshot in
    the same execution gives the same proposals with the same ids.
    """
    planned, taken_at = snapshot.planned, snapshot.taken_at
    left_alone = [
        NoAction(
            anomaly.key,
            anomaly.kind,
            _planned(anomaly, planned.get(anomaly.key), taken_at)
            or _why_not(anomaly, config.thresholds_for_server(anomaly.key.server)),
        )
        for anomaly in snapshot.server_anomalies
    ]
    cases: list[_Case] = []
    servers = {server.key: server for server in snapshot.servers}
    stopped = {key: what_stops_server(server, config, snapshot.taken_at) for key, server in servers.items()}
    for task in snapshot.tasks:
        chosen = chosen_of(task.anomalies)
        hold = _hold(task.anomalies, blocked.get(task.facts.key, "") or stopped.get(task.facts.key.of_server, ""))
        plan = planned.get(task.facts.key)
        for anomaly in task.anomalies:
            why = _planned(anomaly, plan, taken_at)
            if why or (why := _why_not(anomaly, config.thresholds_for(task.facts), hold, chosen)):
                left_alone.append(NoAction(anomaly.key, anomaly.kind, why))
            else:
                memory, is_plans = task.memory, anomaly.kind.traits.is_plans_doing
                waits = memory.position, memory.stopped_in if is_plans else None, memory.freshness, memory.done_by
                cases.append(_Case(task.facts, anomaly, memory.streak, *waits))

    whole = sorted(_groups(cases), key=lambda group: group.urgency)
    groups = [part for group in whole for part in _parts(group, config)]
    most = max(0, config.max_proposals - opened_before)
    for group in groups[most:]:
        why = f"deferred: this run proposes {config.max_proposals} things at most; the next one finds it again"
        left_alone += [NoAction(case.facts.key, group.kind, why) for case in group.cases]
    on_endpoints = _on_endpoints(snapshot) if groups else {}
    return Correlated(
        proposals=tuple(
            _with_siblings(_proposal(group, config, execution_arn, execution_name, now, servers), on_endpoints)
            for group in groups[:most]
        ),
        left_alone=tuple(sorted(left_alone, key=lambda each: (each.key, each.kind))),
        deferred=len(groups[most:]),
    )


def proposal_id(execution_arn: str, cause: str, keys: Iterable[TaskKey]) -> str:
    """12 hex digits, the same for the same tasks with the same cause in the same execution."""
    text = codec.dumps([execution_arn, cause, sorted(keys)])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _hold(anomalies: Sequence[Anomaly], blocked: str) -> str:
    if blocked:
        return blocked
    return next((each.kind.traits.why for each in anomalies if each.kind.traits.stops_proposals), "")


def _planned(anomaly: Anomaly, plan: Plan | None, now: datetime) -> str:
    """Why planned work covers what is wrong, in words; empty if none does, or if it comes through."""
    return plan.words(now) if plan and not anomaly.kind.traits.comes_through else ""


def _why_not(anomaly: Anomaly, thresholds: Thresholds, hold: str = "", chosen: Anomaly | None = None) -> str:
    """Why nothing is proposed on `anomaly`; empty where something is."""
    if not anomaly.confirmed:
        polls_required = thresholds.polls_required(anomaly.kind)
        if polls_required - anomaly.polls == 1 and anomaly.polls == 1:
            return "seen once; confirmed on the next poll"
        return f"seen on {anomaly.polls} of the {polls_required} polls that confirm it"
    if anomaly.kind not in ACTIONS:
        return anomaly.kind.traits.why
    if hold:
        return hold
    if chosen is not None and anomaly is not chosen:
        return f"one proposal a task: {chosen.kind} comes first"
    return ""


def _groups(cases: Iterable[_Case]) -> list[_Group]:
    alike: dict[tuple[str, str, AnomalyKind, str], list[_Case]] = {}
    for case in sorted(cases, key=lambda case: case.facts.key):
        facts, key, kind = case.facts, case.facts.key, case.anomaly.kind
        if case.stopped_in:
            # One decision for all that the work stopped, wherever that was.
            alike.setdefault(("", "", kind, case.stopped_in.plan_id), []).append(case)
            continue
        # What a server lacks has nothing to do with what its tasks said; their endpoints neither.
        sort = facts.stop_reason if kind.traits.is_servers_fault else _fault(case)
        alike.setdefault((key.instance, key.server, kind, sort), []).append(case)
    return [group for bucket in alike.values() for group in _split(bucket)]


def _fault(case: _Case) -> str:
    """What is the same of all that fail alike: what the message says, or the cause that one before it had."""
    match = judge(case.facts)
    said = fingerprint(case.facts.message, match)
    cause = case.anomaly.diagnosis.failure if case.anomaly.diagnosis and match.lacks_the_cause else ""
    return f"{said} {cause}" if cause else said


def _split(bucket: list[_Case]) -> list[_Group]:
    """`bucket` by what its tasks share, each with the endpoint that most share; who shares nothing stays alone."""
    server, stop = bucket[0].facts.key.server, bucket[0].stopped_in
    if len(bucket) > 1 and stop:
        return [_Group(f"{stop.plan_id} ({harmless(stop.why, _WHY_CAP)})", tuple(bucket))]
    if len(bucket) > 1 and bucket[0].anomaly.kind.traits.is_servers_fault:
        return [_Group(f"server {server}", tuple(bucket))]
    groups: list[_Group] = []
    endpoints = {case.facts.key: _endpoints(case.facts) for case in bucket}
    left, before = bucket, 0
    # Who lost all partners to a larger group may share its other endpoint with somebody else who did.
    while len(left) != before:
        before = len(left)
        shared = Counter(endpoint for case in left for endpoint in endpoints[case.facts.key])
        together: dict[tuple[str, str], list[_Case]] = {}
        for case in left:
            # max takes the first of equals: the source where both are shared alike.
            alone = ("", case.facts.key.task)
            most_shared = max(endpoints[case.facts.key], key=lambda each: shared[each], default=alone)
            together.setdefault(most_shared, []).append(case)
        for (side, name), cases in together.items():
            if len(cases) > 1:
                groups.append(_Group(f"{side} {name} on {server}", tuple(cases)))
        left = [case for cases in together.values() if len(cases) == 1 for case in cases]
    return groups + [_Group("", (case,)) for case in left]


def _parts(group: _Group, config: AgentConfig) -> list[_Group]:
    """`group` in as few parts of equal size as proposals can hold."""
    targets = [target_of(case.facts, group.kind, config) for case in group.cases]
    sizes = [len(codec.dumps(target).encode("utf-8", "surrogatepass")) for target in targets]
    count = math.ceil(len(sizes) / TARGETS_LIMIT)
    while True:
        ends = [round(len(sizes) * number / count) for number in range(count + 1)]
        spans = list(itertools.pairwise(ends))
        if all(sum(sizes[start:end]) <= TARGETS_BYTES or end - start == 1 for start, end in spans):
            break
        count += 1
    if count == 1:
        return [group]
    return [
        replace(group, cases=group.cases[start:end], part=f"{number} of {count}")
        for number, (start, end) in enumerate(spans, 1)
    ]


def _endpoints(facts: TaskFacts) -> list[tuple[str, str]]:
    """The endpoints that may be the cause, as (side, name)."""
    known = side_of(facts)
    names = ((EndpointSide.SOURCE, facts.source_endpoint), (EndpointSide.TARGET, facts.target_endpoint))
    return [(side.value, name) for side, name in names if name and known in (None, side)]


def _proposal(
    group: _Group,
    config: AgentConfig,
    execution_arn: str,
    execution_name: str,
    now: datetime,
    servers: Mapping[TaskKey, ServerFacts],
) -> Proposal:
    targets = tuple(target_of(case.facts, group.kind, config) for case in group.cases)
    first = group.cases[0]
    server = servers.get(first.facts.key.of_server)
    diagnosis = _diagnosis(group)
    points = (point_of(group.kind, case.facts, case.position, config) for case in group.cases)
    point = earliest(each for each in points if each)
    limits = [case.freshness for case in group.cases if case.freshness]
    stalest = min(limits, key=lambda each: each.stale_from, default=None)
    options = options_of(group.kind, diagnosis)
    if point and point.has_passed(now):
        options = looking_for_the_log(options, point)
    lead = wording.lead([case.streak for case in group.cases])
    headline = wording.headline(group.kind, first.facts, group.cause, diagnosis)
    headline = f"{lead}: {headline}" if lead else headline
    reason = wording.reason(group.kind, first.facts, targets, diagnosis)
    if group.cause:
        part = f" (part {group.part})" if group.part else ""
        title = f"{group.cause}: {headline}, {len(targets)} tasks{part}"
        observed = [(Label.NOT_LASTED.value, lead), *_group_evidence(group, targets, point)]
    else:
        title = f"{first.facts.key.task}: {headline}"
        observed = _single_evidence(first, targets[0])
    return Proposal(
        proposal_id=proposal_id(execution_arn, group.cause, (target.key for target in targets)),
        kind=group.kind,
        severity=group.severity,
        action=options[0].action,
        title=title,
        reason=f"{lead}. {reason}" if lead else reason,
        cause=group.cause,
        targets=targets,
        evidence=numbered([*observed, (Label.FRESHNESS, stalest.words(now) if stalest else "")]),
        created_at=now,
        execution_arn=execution_arn,
        execution_name=execution_name,
        diagnosis=diagnosis,
        options=options,
        staging=staging_among([case.facts for case in group.cases]) if group.cause else (),
        point_of_no_return=point,
        stale_from=stalest.stale_from if stalest else None,
        done_by=next((case.done_by for case in group.cases if case.done_by), None),
        fetched=server.fetched if server else None,
        tags=tuple(sorted({tag for case in group.cases for tag in case.facts.tags})[:_TAGS_KEPT]),
    )


def _on_endpoints(snapshot: FleetSnapshot) -> dict[EndpointKey, Siblings]:
    """How the tasks on each endpoint are."""
    tasks: dict[EndpointKey, list[TaskFacts]] = {}
    for task in snapshot.tasks:
        key = task.facts.key
        for name in {task.facts.source_endpoint, task.facts.target_endpoint} - {""}:
            tasks.setdefault(EndpointKey(key.instance, key.server, name), []).append(task.facts)
    # Of a task that is listed as running and has no details, whether it does is not known.
    unknown = {task.facts.key for task in snapshot.tasks if task.is_listed and task.facts.state is TaskState.RUNNING}
    unseen = snapshot.not_visible | unknown
    return {
        endpoint: Siblings(
            endpoint,
            total=len(on_it),
            running=sum(facts.is_up and facts.key not in unseen for facts in on_it),
            at=snapshot.taken_at,
            unseen=sum(facts.key in unseen for facts in on_it),
        )
        for endpoint, on_it in tasks.items()
    }


def _with_siblings(proposal: Proposal, on_endpoints: Mapping[EndpointKey, Siblings]) -> Proposal:
    siblings = on_endpoints.get(proposal.endpoint) if proposal.endpoint else None
    if siblings is None or siblings.total < 2:
        return proposal
    value = f"{siblings.words} (poll of {siblings.at:%H:%M:%S} UTC)"
    return replace(with_evidence(proposal, Label.SIBLINGS, value), siblings=siblings)


def _diagnosis(group: _Group) -> Diagnosis | None:
    """What the message of the first task means; automatic only if those of all others are."""
    found = [case.anomaly.diagnosis for case in group.cases]
    if found[0] is None:
        return None
    return replace(found[0], automatic=all(each is not None and each.automatic for each in found))


def _single_evidence(case: _Case, target: ProposedTask) -> list[Observed]:
    observed = [(Label.NOT_LASTED.value, case.streak.history())] if case.streak else []
    observed += [(item.label, item.value) for item in case.anomaly.evidence]
    if target.protected:
        known = ", ".join(case.facts.tags)
        observed.append((Label.PROTECTED, known if case.facts.tags_known else f"its tags are not all known: {known}"))
    return observed


def _recognised_alike(values: Counter[str]) -> list[Observed]:
    """What most messages were recognised as, and on which words that rests if these are the same in all of them."""
    if not values:
        return []
    heads = Counter[str]()
    for value, count in values.items():
        heads[value.partition(":")[0]] += count
    ((head, count),) = heads.most_common(1)
    text = next(iter(values)) if len(values) == 1 else head
    return [(Label.RECOGNISED, f"{text} ({count} of {values.total()} tasks)")]


def _group_evidence(group: _Group, targets: Sequence[ProposedTask], point: PointOfNoReturn | None) -> list[Observed]:
    """What the tasks have in common, counted; their number doesn't make it longer."""
    values: dict[str, Counter[str]] = {}
    for case in group.cases:
        for item in case.anomaly.evidence:
            values.setdefault(item.label, Counter())[item.value] += 1

    def counted(label: Label, most: int = 1) -> list[Observed]:
        commonest = values.get(label, Counter()).most_common(most)
        return [(label, f"{value} ({count} of {len(targets)} tasks)") for value, count in commonest]

    first_seen = [case.anomaly.first_seen for case in group.cases if case.anomaly.first_seen]
    protected = [str(target.key) for target in targets if target.protected]
    return [
        (Label.TASKS, f"{len(targets)}: " + ", ".join(target.key.task for target in targets)),
        (Label.CAUSE, group.cause),
        *counted(Label.STATE),
        *counted(Label.PLAN),
        *counted(Label.MESSAGE, _MESSAGES_QUOTED),
        *_recognised_alike(values.get(Label.RECOGNISED, Counter())),
        (Label.FULL_LOAD, wording.full_loads(targets)),
        (Label.PROTECTED, ", ".join(protected)),
        (Label.SEEN, f"first {to_second(min(first_seen))}" if first_seen else ""),
        (Label.POINT_OF_NO_RETURN, point.words if point else ""),
        *counted(Label.SOURCE_MEANWHILE),
    ]
