"""Acts on an approved proposal: looks again, acts at most once per task, and says what really came of it.

Looking again is the judgement that proposed it, on the task as it is now: what would be judged otherwise, or may not be
restarted any more, is superseded. Before the first task is started, the endpoint in question is tested once more: if it
takes no logins, nothing is sent.

The claim in the ledger comes before the run call. A claim without a result therefore means that the call may have
been sent: it is never sent again, only watched. What a retry of the whole invocation finds is the stored result.

A group begins with one task, and goes no further where `agent/act/ramp.py` says so, or a person: the rest is not tried.
It may be too long for one invocation. It then starts only what it can still watch to the end, and the next invocation
takes up from the claims: what they settle is settled, what has none has not been started.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from qlikops.agent.act import ramp
from qlikops.agent.act.probing import Prober, holds_back
from qlikops.agent.act.starting import POLL_SECONDS, Starter, TaskOperator, Watch
from qlikops.agent.config import AgentConfig
from qlikops.agent.diagnosis.evidence import state_text
from qlikops.agent.propose.judgement import (
    came_up,
    difference,
    flapping,
    no_longer_automatic,
    same_cause,
    target_of,
)
from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.remember.record import StoredRecord
from qlikops.agent.remember.tasks import Attempt, LeaseLost, RestartLimits, StartMarker, Stopped, TaskLedger
from qlikops.domain.approval import Decision, Outcome, ProposalRecord, RunCall, Status, TaskOutcome
from qlikops.domain.endpoint import Probe, ProbeAnswer
from qlikops.domain.mute import Mute
from qlikops.domain.proposal import Choice, NotOffered, Proposal, ProposedTask
from qlikops.domain.run import Progress
from qlikops.domain.task import Action, TaskFacts, TaskKey
from qlikops.qlik.errors import QemError, QemProtocolError, QemUnreachable

if TYPE_CHECKING:
    from qlikops.qlik.wire import ListedTask

CONTINUE_FOR = timedelta(minutes=90)
"""From the first invocation on; what has not been started by then is not. Within what the execution may still take."""
LEASE_FOR = timedelta(hours=1)
"""That a group which goes on holds its tasks: several invocations, should some of them be late."""
LISTED_FOR = timedelta(seconds=15)
"""That a server's list of tasks is good for: each task is read anew beside it, and it adds what only the list says.
Enterprise Manager itself is some 30 s behind Replicate; a list for each task would be hundreds for a large group.
"""
_PROGRESS_EVERY = timedelta(seconds=10)
"""That those who watch a group are told at most."""
_LOOKED_AT = 5
"""Tasks of a group of which one at least must be down still for its endpoint to be tested."""
_HOUR = timedelta(hours=1)
_DOWN = (Status.UNVERIFIED, Status.FAILED, Status.SUPERSEDED, Status.NOT_TRIED)
"""What a group comes to of which no task is up, what needs a look first."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """One invocation was too short for the group. The next one goes on; nothing is lost if it comes twice."""

    done: int
    """Tasks of which it is known what came of them."""
    total: int


@dataclass(slots=True)
class _Group:
    """A proposal's tasks in one invocation."""

    approval: ProposalRecord
    choice: Choice
    """What was decided on: one of its options, on some or all of its tasks."""
    is_automatic: bool
    """Nobody was asked: what the policy would ask a human about now is not done."""
    claims: Mapping[TaskKey, StartMarker]
    """Of earlier invocations."""
    attempts: Mapping[TaskKey, Sequence[Attempt]]
    """Of those without a claim: when other proposals restarted them."""
    quiet: Mapping[TaskKey, Mute]
    """Those of them on which nothing may be proposed for a while."""
    ends_because: str = ""
    """Why nothing more is begun, whatever came of the tasks: a person stopped it, or Enterprise Manager is silent."""
    listed: dict[tuple[str, str], tuple[datetime, Mapping[TaskKey, ListedTask]]] = field(default_factory=dict)
    """The lists of tasks that have been read, by instance and server, with when they were asked for."""
    seen_up: dict[TaskKey, TaskOutcome] = field(default_factory=dict)
    """Those that were up when they were looked at before the endpoint was tested."""
    results: list[TaskOutcome] = field(default_factory=list)
    watches: list[Watch] = field(default_factory=list)
    starts: int | None = None
    """How many starts were marked when the claims of those that are left were last looked for."""
    told_at: datetime | None = None
    """When its progress was last said."""

    @property
    def proposal(self) -> Proposal:
        """What was proposed."""
        return self.approval.proposal

    @property
    def targets(self) -> Sequence[ProposedTask]:
        """The tasks that were approved."""
        return self.choice.targets


class Restarter:
    """Carries out approved proposals; `operators` gives the client of an Enterprise Manager by its name."""

    def __init__(
        self,
        ledger: Ledger,
        operators: Callable[[str], TaskOperator],
        config: AgentConfig,
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self._ledger = ledger
        self._operators = operators
        self._prober = Prober(ledger.probes, operators, config, clock)
        self._config = config
        self._clock = clock
        self._sleep = sleep
        self._starter = Starter(config, clock=clock, sleep=sleep)

    def restart(
        self, proposal_id: str, decision: Decision, give_up_at: datetime, *, may_continue: bool
    ) -> Outcome | Unfinished:
        """What came of it, stored before it is returned, or that this must be called again; by `give_up_at`.

        Unfinished only where it `may_continue`: whoever would not call again gets an outcome that says what is left.

        Raises QemError where Enterprise Manager could not be reached and nothing at all was done: safe to try again.
        Raises ValueError for a decision that does not approve, and what the ledger raises.
        """
        if not decision.approved:
            raise ValueError(f"{proposal_id} was not approved")
        begun = self._clock().replace(microsecond=0)
        record = self._ledger.begin_restart(proposal_id, decision)
        if record.approval.outcome:
            return record.approval.outcome
        made = record.approval.decision or decision
        why = self._refusal(record, made)
        if why:
            return self._save(proposal_id, Outcome(Status.SUPERSEDED, why), made)
        choice = record.approval.proposal.choose(made.option, made.tasks)
        if record.approval.updated_at < begun:
            # Not the first invocation: while it runs, nobody may take the first one's age for its end.
            self._hold(record.approval.proposal, choice)
        self._let_go(record.approval.proposal, choice)
        group = self._group(record.approval, choice, is_automatic=made.automatic)
        probe = self._probe(group)
        if probe and (why := holds_back(probe, self._prober, is_automatic=group.is_automatic)):
            return self._save(proposal_id, _still_down(group, why), made, none_since=record.starts)
        go_on_until = record.approval.updated_at + CONTINUE_FOR if may_continue else begun
        acted = self._act(group, give_up_at, go_on_until)
        if isinstance(acted, Unfinished):
            self._hold(record.approval.proposal, choice)
            return acted
        if probe and probe.answer is not ProbeAnswer.CONNECTED:
            acted = replace(acted, detail="; ".join(part for part in (acted.detail, probe.words) if part))
        return self._save(proposal_id, acted, made, none_since=_none_since(group, acted, record.starts))

    def _save(
        self, proposal_id: str, outcome: Outcome, decision: Decision, *, none_since: int | None = None
    ) -> Outcome:
        outcome = replace(outcome, at=self._clock(), decision=decision)
        return self._ledger.save_result(proposal_id, outcome, none_since=none_since)

    def _probe(self, group: _Group) -> Probe | None:
        """What the endpoint says before the first task is started; None where it is not tested.

        It is not if an earlier invocation has started something, a person stopped it, or there is nothing left to send.
        """
        if group.claims or not self._prober.tests(group.proposal) or group.ends_because:
            return None
        try:
            starts = any(self._would_start(group, target) for target in group.targets[:_LOOKED_AT])
        except QemError:
            return None  # what it means for the restart is found where the task is looked at before it is started
        return self._prober.before_starting(group.proposal) if starts else None

    def _would_start(self, group: _Group, target: ProposedTask) -> bool:
        facts = self._read_again(group, self._operators(target.key.instance), target.key)
        if came_up(group.proposal, target, facts):
            state = state_text(facts)
            group.seen_up[target.key] = TaskOutcome(target.key, Status.ALREADY_RUNNING, before=state, after=state)
            return False
        return not self._why_no_longer(group, target, facts)

    def _hold(self, proposal: Proposal, choice: Choice) -> None:
        self._ledger.tasks.lease(replace(proposal, targets=choice.targets), self._clock() + LEASE_FOR)

    def _let_go(self, proposal: Proposal, choice: Choice) -> None:
        """Frees the tasks that the decision left out: the others may take long, and a run may propose these anew."""
        if left_out := proposal.left_out(choice):
            self._ledger.tasks.release(replace(proposal, targets=left_out))

    def _refusal(self, record: StoredRecord, decision: Decision) -> str:
        """Why this decision does not count for what is stored; empty where it does."""
        if not record.intact:
            return "the stored proposal is not what its digest was taken over"
        if unknown := record.approval.unknown:
            return f"it says what this version does not know: {', '.join(unknown)}"
        if decision.is_bound and decision.digest != record.approval.digest:
            return f"approved was {decision.digest[:12]}, the proposal is {record.approval.digest[:12]}"
        if not decision.is_bound and self._config.require_digest:
            return "the decision does not say what it was made on, and the configuration requires that"
        try:
            record.approval.proposal.choose(decision.option, decision.tasks)
        except NotOffered as exc:
            return f"approved was what is not offered: {exc}"
        return ""

    def _group(self, approval: ProposalRecord, choice: Choice, *, is_automatic: bool) -> _Group:
        proposal, tasks, now = approval.proposal, self._ledger.tasks, self._clock()
        claims = tasks.restart_claims((target.key for target in choice.targets), proposal.proposal_id)
        limits = RestartLimits.of(self._config)
        unclaimed = [target.key for target in choice.targets if target.key not in claims]
        # Another invocation may be at it: what this proposal itself does is no reason against it.
        attempts = tasks.attempts(unclaimed, limits.since(now), but_for=proposal.proposal_id)
        quiet = tasks.quiet(unclaimed, limits, attempts)
        stopped = approval.claim.stops_because if approval.claim else ""
        return _Group(approval, choice, is_automatic, claims, attempts, quiet, stopped)

    def _act(self, group: _Group, give_up_at: datetime, go_on_until: datetime) -> Outcome | Unfinished:
        targets, claims = group.targets, group.claims
        for target in targets:
            if target.key in claims:
                self._take_up(group, target, give_up_at)
        chosen = {target.key for target in targets} - set(claims)
        waiting = deque(target for target in group.proposal.in_turn if target.key in chosen)
        to_start, start_until = len(waiting), self._start_until(group.choice.action, give_up_at)
        while True:
            why = self._start(group, waiting, start_until, give_up_at)
            self._look_at(group, give_up_at)
            self._say_progress(group)
            if group.watches:
                self._sleep(POLL_SECONDS)
            elif (why or not waiting or self._clock() >= start_until) and not self._joins(group, waiting, give_up_at):
                break
        if not why and waiting and len(waiting) < to_start and self._clock() < go_on_until:
            return Unfinished(len(group.results), len(targets))
        group.results += (_not_tried(left.key, why or "no time was left") for left in waiting)
        order = {target.key: index for index, target in enumerate(targets)}
        return combined(sorted(group.results, key=lambda result: order[result.key]))

    def _start(self, group: _Group, waiting: deque[ProposedTask], start_until: datetime, give_up_at: datetime) -> str:
        """Starts as many of the `waiting` tasks as may be now; why no further one is, empty if one may be later."""
        staging, config = group.proposal.staging, self._config
        while waiting:
            if why := group.ends_because or ramp.why_no_further(group.results, staging, config.max_errors):
                return why
            under_way = {watch.key for watch in group.watches}
            has_room = ramp.has_room(waiting[0].key, group.results, under_way, staging, config.restarts_at_a_time)
            if not has_room or self._clock() >= start_until:
                return ""
            self._take_up(group, waiting.popleft(), give_up_at)
        return ""

    def _joins(self, group: _Group, waiting: deque[ProposedTask], give_up_at: datetime) -> bool:
        """Whether another invocation of the same restart has begun with some of the `waiting` tasks: these are watched.

        What is said to be left, none has begun with; whoever does after this has marked a start more.
        """
        if waiting:
            group.starts = self._ledger.tasks.starts(group.proposal.proposal_id)
        meanwhile = self._ledger.tasks.restart_claims((target.key for target in waiting), group.proposal.proposal_id)
        group.claims = {**group.claims, **meanwhile}
        for target in [each for each in waiting if each.key in meanwhile]:
            waiting.remove(target)
            self._take_up(group, target, give_up_at)
        return bool(meanwhile)

    def _say_progress(self, group: _Group) -> None:
        """Tells those who watch a group how far it is, now and then."""
        total, now = len(group.targets), self._clock()
        if total > 1 and group.results and (group.told_at is None or now - group.told_at >= _PROGRESS_EVERY):
            group.told_at, up = now, sum(result.status.is_up for result in group.results)
            self._ledger.save_progress(group.proposal, Progress(up, len(group.results) - up, total))

    def _take_up(self, group: _Group, target: ProposedTask, give_up_at: datetime) -> None:
        """Begins with one task of the group, or finds in its claim what an earlier invocation did."""
        try:
            begun = self._begin(group, target, give_up_at)
        except (QemUnreachable, QemProtocolError) as exc:
            if not (group.claims or group.results or group.watches):
                raise
            group.ends_because = "Enterprise Manager is silent"  # a group is on one server
            begun = _not_started(target.key, str(exc))
        except Stopped as exc:
            group.ends_because = str(exc)
            begun = _not_tried(target.key, str(exc))
        except QemError as exc:
            begun = _not_started(target.key, str(exc))
        if isinstance(begun, Watch):
            group.watches.append(begun)
        else:
            group.results.append(begun)

    def _start_until(self, action: Action, give_up_at: datetime) -> datetime:
        """After that nothing is started any more: it could not be watched until it is up."""
        steps = 2 if action.stops_first else 1
        watching = timedelta(seconds=steps * self._config.verify_timeout_seconds)
        # However little time there is, half of it is for starting: each invocation is to get on.
        return give_up_at - min(watching, (give_up_at - self._clock()) / 2)

    def _begin(self, group: _Group, target: ProposedTask, give_up_at: datetime) -> TaskOutcome | Watch:
        key, tasks, proposal = target.key, self._ledger.tasks, group.proposal
        operator, claim, facts = self._operators(key.instance), group.claims.get(key), None
        if claim is None:
            facts = self._read_again(group, operator, key)
            marked = self._mark_start(group, target, facts)
            if isinstance(marked, TaskOutcome):
                return marked
            claim = marked
        if claim.result:
            return claim.result
        if not claim.fresh or facts is None:
            # Where the action stops first, that may be as far as the earlier invocation got.
            return Watch(key, claim.before, self._clock(), certain=False, stopped=group.choice.action.stops_first)
        try:
            begun = self._starter.send(operator, group.choice.action, key, claim.before, give_up_at)
        except QemError:
            tasks.release_claim(key, proposal.proposal_id)
            raise
        if isinstance(begun, TaskOutcome):
            if proposal.kind.traits.rests_on_message:
                begun = _judged(begun, proposal, target, replace(facts, message=begun.detail))
            tasks.finish_restart_claim(key, proposal.proposal_id, begun)
        return begun

    def _mark_start(self, group: _Group, target: ProposedTask, facts: TaskFacts) -> StartMarker | TaskOutcome:
        """The claim on a task, or what is said of one that is left alone. Raises Stopped."""
        key, tasks, proposal_id, before = target.key, self._ledger.tasks, group.approval.approval_id, state_text(facts)
        is_up = came_up(group.proposal, target, facts)
        why = "" if is_up else self._why_no_longer(group, target, facts)
        if not is_up and not why:
            try:
                return tasks.mark_start(key, proposal_id, before)
            except LeaseLost as exc:
                return TaskOutcome(key, Status.SUPERSEDED, str(exc), before=before, after=before)
        # What has changed it may be another invocation of the same restart.
        claim = tasks.restart_claims([key], proposal_id).get(key)
        status = Status.ALREADY_RUNNING if is_up else Status.SUPERSEDED
        return claim or TaskOutcome(key, status, why, before=before, after=before)

    def _read_again(self, group: _Group, operator: TaskOperator, key: TaskKey) -> TaskFacts:
        """The task as it is now, with what only the list says of it, as a run reads it. Raises QemError."""
        facts = operator.task(key.server, key.task)
        if facts.message and not self._config.protected_tags:
            return facts
        place = key.instance, key.server
        # Of an earlier task of the group, it says which tags there are; but not what this one says by now.
        asked_at, listed = group.listed.get(place, (None, {}))
        if asked_at is None or self._clock() - asked_at > LISTED_FOR:
            asked_at, listed = self._clock(), {each.facts.key: each for each in operator.tasks(key.server)}
            group.listed[place] = asked_at, listed
        listing = listed.get(key)
        return listing.completing(facts) if listing else facts

    def _why_no_longer(self, group: _Group, target: ProposedTask, facts: TaskFacts) -> str:
        """Why what was decided on the task does not hold for what it is now; empty where it does."""
        config, now = self._config, self._clock()
        if changed := difference(group.proposal, target, facts, config, now):
            return changed
        if quiet := group.quiet.get(target.key):
            return f"nothing would be proposed on it now: {quiet.words()}"
        last_hour = [attempt for attempt in group.attempts.get(target.key, ()) if now - attempt.at <= _HOUR]
        if flaps := flapping(facts, sum(attempt.may_have_started for attempt in last_hour), config, now):
            return flaps
        if not group.is_automatic:
            return ""
        current = target_of(facts, group.proposal.kind, config)
        why = no_longer_automatic(group.approval, current, len(last_hour), config)
        return f"not without a human any more: {why}" if why else ""

    def _look_at(self, group: _Group, give_up_at: datetime) -> None:
        """Looks at each watched task once; what is up, broken again or out of time is a result."""
        pending = []
        targets = {target.key: target for target in group.proposal.targets}
        for watch in group.watches:
            operator = self._operators(watch.key.instance)
            if result := self._starter.look(operator, watch, give_up_at):
                if watch.facts:
                    result = _judged(result, group.proposal, targets[watch.key], watch.facts)
                self._ledger.tasks.finish_restart_claim(watch.key, group.proposal.proposal_id, result)
                group.results.append(result)
            else:
                pending.append(watch)
        group.watches = pending


def combined(targets: Sequence[TaskOutcome]) -> Outcome:
    """One outcome for all tasks: PARTIAL where some are up and some are not."""
    statuses = {target.status for target in targets}
    up = {status for status in statuses if status.is_up}
    if statuses == up:
        status = Status.RESTARTED if Status.RESTARTED in statuses else Status.ALREADY_RUNNING
    elif up:
        status = Status.PARTIAL
    else:
        status = next(one for one in _DOWN if one in statuses)
    if len(targets) == 1:
        return Outcome(status, targets[0].detail, tuple(targets))
    counts = Counter(target.came_to for target in targets)
    detail = ", ".join(f"{count} {words}" for words, count in counts.most_common())
    why = next((target.detail for target in targets if target.status is Status.NOT_TRIED), "")
    return Outcome(status, f"{detail}: {why}" if why else detail, tuple(targets))


def _none_since(group: _Group, acted: Outcome, at_first: int) -> int | None:
    """How many starts may be marked for `acted` to hold, `at_first` those at the beginning; None for any number."""
    if not group.claims and all(target.run_call is None for target in acted.targets):
        return at_first  # nothing was sent, nor claimed
    return group.starts if any(target.status is Status.NOT_TRIED for target in acted.targets) else None


def _still_down(group: _Group, why: str) -> Outcome:
    """Nothing was sent to any task; what was seen up needs nothing."""
    down = (TaskOutcome(target.key, Status.STILL_DOWN, run_call=RunCall.NOT_SENT) for target in group.targets)
    targets = tuple(group.seen_up.get(target.key, target) for target in down)
    return Outcome(Status.STILL_DOWN, f"nothing was sent: {why}", targets)


def interrupted(tasks: TaskLedger, approval: ProposalRecord, detail: str) -> Outcome:
    """What came of a restart without a result, from its claims, which get one: without any, nothing was done."""
    choice = approval.chosen
    claims = tasks.restart_claims((target.key for target in choice.targets), approval.approval_id)
    if not claims:
        return Outcome(Status.FAILED, detail)
    why = (approval.claim.stops_because if approval.claim else "") or "the restart was interrupted"
    targets = [
        _left_by_an_interruption(tasks, approval, target.key, claims[target.key])
        if target.key in claims
        else _not_tried(target.key, why)
        for target in choice.targets
    ]
    outcome = combined(targets)
    return replace(outcome, detail=f"{outcome.detail} ({detail})" if outcome.detail else detail)


def _left_by_an_interruption(
    tasks: TaskLedger, approval: ProposalRecord, key: TaskKey, claim: StartMarker
) -> TaskOutcome:
    if claim.result:
        return claim.result
    result = TaskOutcome(
        key,
        Status.UNVERIFIED,
        "may have been told to run; the restart was interrupted",
        claim.before,
        run_call=RunCall.UNCERTAIN,
        stopped=approval.chosen.action.stops_first,
    )
    # The next run looks at the claims only to learn whether it was we who stopped the task.
    tasks.finish_restart_claim(key, approval.approval_id, result)
    return result


def _judged(result: TaskOutcome, proposal: Proposal, target: ProposedTask, facts: TaskFacts) -> TaskOutcome:
    """`result`, and whether the task as it was last seen shows that the cause is still there."""
    return result if result.status.is_up else replace(result, same_cause=same_cause(proposal, target, facts))


def _not_started(key: TaskKey, why: str) -> TaskOutcome:
    """Nothing was sent."""
    return TaskOutcome(key, Status.FAILED, f"not started: {why}", run_call=RunCall.NOT_SENT)


def _not_tried(key: TaskKey, why: str) -> TaskOutcome:
    """Nothing was begun: there is no claim, and the next run proposes the task anew."""
    return TaskOutcome(key, Status.NOT_TRIED, why)
