"""Restarts the tasks of a group: each started at most once, and watched until it is known what it does.

The claim in the ledger comes before the run call. A claim without a result therefore means that the call may have
been sent: it is never sent again, only watched. What a retry of the whole invocation finds is the stored result.

A group begins with one task, and goes no further where `agent/act/ramp.py` says so, or a person: the rest is not tried.
It may be too long for one invocation. It then starts only what it can still watch to the end, and the next invocation
takes up from the claims: what they settle is settled, what has none has not been started.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta
from functools import cached_property

from qlikops.agent.act import ramp
from qlikops.agent.act.outcomes import Unfinished, combined, not_started, not_tried
from qlikops.agent.act.probing import is_refused
from qlikops.agent.act.second_look import SecondLook
from qlikops.agent.act.starting import POLL_SECONDS, Starter, TaskOperator, Watch
from qlikops.agent.config import AgentConfig
from qlikops.agent.diagnosis.evidence import state_text
from qlikops.agent.propose.judgement import OwnFailuresUnread, came_up, same_cause
from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.remember.tasks import LeaseLost, StartMarker, Stopped
from qlikops.dataclass import dataclass
from qlikops.domain.fleet.task import Action, TaskFacts, TaskKey
from qlikops.domain.proposals.approval import Outcome, ProposalRecord, Status, TaskOutcome
from qlikops.domain.proposals.proposal import Choice, Proposal, ProposedTask
from qlikops.domain.runs.run import Progress
from qlikops.qlik.errors import QemError, QemProtocolError, QemUnreachable

_PROGRESS_EVERY = timedelta(seconds=10)
"""Shortest time between two notes of a group's progress."""


@dataclass
class Group:
    """A proposal's tasks in one invocation."""

    approval: ProposalRecord
    choice: Choice
    """What was decided on: one of its options, on some or all of its tasks."""
    claims: Mapping[TaskKey, StartMarker]
    """Start markers that another invocation finds: those of earlier ones, and this one's as it makes them."""
    second_look: SecondLook
    ends_because: str = ""
    """Why nothing more is begun, whatever came of the tasks: it was stopped."""
    unread: OwnFailuresUnread | None = None
    """Why it is not known of some tasks whether what was decided holds for them."""
    silent: set[str] = field(default_factory=set)
    """The Enterprise Managers that did not answer: nothing more is begun with their tasks."""
    seen_up: dict[TaskKey, TaskOutcome] = field(default_factory=dict)
    """Tasks that were up when they were looked at before the endpoint was tested."""
    is_refused: bool = False
    """One of them was found refused a login by then, so the endpoint is not tested."""
    is_untested: bool = False
    """The endpoint that a person waits for was not tested, since none of the tasks would have been started then."""
    results: list[TaskOutcome] = field(default_factory=list)
    watches: list[Watch] = field(default_factory=list)
    starts: int | None = None
    """How many starts were marked when the claims of those that were left were last looked for; None if none was."""
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

    @cached_property
    def by_key(self) -> Mapping[TaskKey, ProposedTask]:
        """The tasks that were approved, by their keys."""
        return {target.key: target for target in self.targets}


@dataclass(frozen=True)
class GroupRestarter:
    """Restarts groups; `operators` gives the client of an Enterprise Manager by its name."""

    ledger: Ledger
    operators: Callable[[str], TaskOperator]
    config: AgentConfig
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]

    @cached_property
    def _starter(self) -> Starter:
        return Starter(self.config, clock=self.clock, sleep=self.sleep)

    def some_would_start(self, group: Group, targets: Iterable[ProposedTask]) -> bool:
        """Whether one of the tasks would be started if its turn came now.

        Raises QemError, and OwnFailuresUnread if that leaves it open.
        """
        unread: OwnFailuresUnread | None = None
        for target in targets:
            try:
                if self._would_start(group, target):
                    return True
            except OwnFailuresUnread as exc:
                unread = exc
        if unread:
            raise unread
        return False

    def _would_start(self, group: Group, target: ProposedTask) -> bool:
        facts = group.second_look.read(target.key)
        group.is_refused = group.is_refused or is_refused(facts)
        if came_up(group.proposal, target, facts):
            state = state_text(facts)
            group.seen_up[target.key] = TaskOutcome(target.key, Status.ALREADY_RUNNING, before=state, after=state)
            return False
        return not group.second_look.why_no_longer(target, facts)

    def restart(self, group: Group, give_up_at: datetime, go_on_until: datetime) -> Outcome | Unfinished:
        """What came of the group by `give_up_at`, or that another invocation is to go on, until `go_on_until`.

        Raises QemError where Enterprise Manager could not be reached and nothing was begun. Raises OwnFailuresUnread
        once all else is settled, and kept in the claims, if that alone leaves tasks of it open: safe to try again too.
        """
        targets, claims = group.targets, group.claims
        for target in targets:
            if target.key in claims:
                self._take_up(group, target, give_up_at)
        chosen = {target.key for target in targets} - set(claims)
        waiting = deque(target for target in group.proposal.in_turn if target.key in chosen)
        start_until = self._start_until(group.choice.action, give_up_at)
        while True:
            why = self._start(group, waiting, start_until, give_up_at)
            self._look_at(group, give_up_at)
            self._say_progress(group)
            if group.watches:
                self.sleep(POLL_SECONDS)
            elif (why or not waiting or self.clock() >= start_until) and not self._joins(group, waiting, give_up_at):
                break
        # Without any claim nothing says when to stop: each next one would begin anew, with the same looks to take.
        if not why and waiting and group.claims and self.clock() < go_on_until:
            return Unfinished(len(group.results), len(targets))
        if group.unread:
            raise group.unread
        group.results += (not_tried(left.key, why or "no time was left") for left in waiting)
        order = {target.key: index for index, target in enumerate(targets)}
        return combined(sorted(group.results, key=lambda result: order[result.key]))

    def _start(self, group: Group, waiting: deque[ProposedTask], start_until: datetime, give_up_at: datetime) -> str:
        """Starts as many of the `waiting` tasks as may be now; why no further one is, empty if one may be later."""
        staging, config = group.proposal.staging, self.config
        while waiting:
            if waiting[0].key.instance in group.silent:
                group.results.append(not_tried(waiting.popleft().key, "Enterprise Manager is silent"))
                continue
            if why := group.ends_because or ramp.why_no_further(group.results, staging, config.max_errors):
                return why
            under_way = {watch.key for watch in group.watches}
            has_room = ramp.has_room(waiting[0].key, group.results, under_way, staging, config.restarts_at_a_time)
            if not has_room or self.clock() >= start_until:
                return ""
            self._take_up(group, waiting.popleft(), give_up_at)
        return ""

    def _joins(self, group: Group, waiting: deque[ProposedTask], give_up_at: datetime) -> bool:
        """Whether another invocation of the same restart has begun with tasks that this one left: these are watched.

        What is said to be left, none has begun with; whoever does after this has marked a start more.
        """
        tasks, proposal_id = self.ledger.tasks, group.proposal.proposal_id
        alone = {each.key for each in waiting} | {each.key for each in group.results if not each.was_sent}
        left = [target.key for target in group.targets if target.key in alone and target.key not in group.claims]
        if not left:
            return False
        group.starts = tasks.starts(proposal_id)
        meanwhile = tasks.restart_claims(left, proposal_id)
        group.claims = {**group.claims, **meanwhile}
        group.results = [each for each in group.results if each.key not in meanwhile]
        for target in [each for each in waiting if each.key in meanwhile]:
            waiting.remove(target)
        for target in [each for each in group.targets if each.key in meanwhile]:
            self._take_up(group, target, give_up_at)
        return bool(meanwhile)

    def _say_progress(self, group: Group) -> None:
        """Tells those who watch a group how far it is, now and then."""
        total, now = len(group.targets), self.clock()
        if total > 1 and group.results and (group.told_at is None or now - group.told_at >= _PROGRESS_EVERY):
            group.told_at, up = now, sum(result.status.is_up for result in group.results)
            self.ledger.progress.say(group.proposal, Progress(up, len(group.results) - up, total))

    def _take_up(self, group: Group, target: ProposedTask, give_up_at: datetime) -> None:
        """Begins with one task of the group, or finds in its claim what an earlier invocation did."""
        try:
            begun = self._begin(group, target, give_up_at)
        except (QemUnreachable, QemProtocolError) as exc:
            if not (group.claims or group.results or group.watches):
                raise
            group.silent.add(target.key.instance)
            begun = not_started(target.key, str(exc))
        except Stopped as exc:
            group.ends_because = str(exc)
            begun = not_tried(target.key, str(exc))
        except OwnFailuresUnread as exc:
            group.unread, begun = exc, not_tried(target.key, str(exc))
        except QemError as exc:
            begun = not_started(target.key, str(exc))
        if isinstance(begun, Watch):
            group.watches.append(begun)
        else:
            group.results.append(begun)

    def _start_until(self, action: Action, give_up_at: datetime) -> datetime:
        """After that nothing is started any more: it could not be watched until it is up."""
        steps = 2 if action.stops_first else 1
        watching = timedelta(seconds=steps * self.config.verify_timeout_seconds)
        # However little time there is, half of it is for starting: each invocation is to get on.
        return give_up_at - min(watching, (give_up_at - self.clock()) / 2)

    def _begin(self, group: Group, target: ProposedTask, give_up_at: datetime) -> TaskOutcome | Watch:
        key, tasks, proposal = target.key, self.ledger.tasks, group.proposal
        operator, claim, facts = self.operators(key.instance), group.claims.get(key), None
        if claim is None:
            facts = group.second_look.read(key)
            marked = self._mark_start(group, target, facts)
            if isinstance(marked, TaskOutcome):
                return marked
            claim = marked
        if not claim.fresh:
            group.claims = {**group.claims, key: claim}
        if claim.result:
            return claim.result
        if not claim.fresh or facts is None:
            # Where the action stops first, that may be as far as the earlier invocation got.
            return Watch(key, claim.before, self.clock(), certain=False, stopped=group.choice.action.stops_first)
        try:
            begun = self._starter.send(
                operator,
                group.choice.action,
                key,
                claim.before,
                give_up_at,
                is_over=lambda: not tasks.is_acting(key, proposal.proposal_id),
            )
        except QemError:
            tasks.release_claim(key, proposal.proposal_id)
            raise
        group.claims = {**group.claims, key: claim}
        if isinstance(begun, TaskOutcome):
            if proposal.kind.traits.rests_on_message:
                begun = _judged(begun, proposal, target, replace(facts, message=begun.detail))
            return tasks.finish_restart_claim(key, proposal.proposal_id, begun)
        return begun

    def _mark_start(self, group: Group, target: ProposedTask, facts: TaskFacts) -> StartMarker | TaskOutcome:
        """The claim on a task, or what is said of one that is left alone. Raises Stopped."""
        key, tasks, proposal_id, before = target.key, self.ledger.tasks, group.approval.approval_id, state_text(facts)
        is_up = came_up(group.proposal, target, facts)
        why = "" if is_up else group.second_look.why_no_longer(target, facts)
        if not is_up and not why:
            if group.is_untested:
                return not_tried(key, "it was not to be started when its endpoint was to be tested, and is down by now")
            try:
                return tasks.mark_start(key, proposal_id, before)
            except LeaseLost as exc:
                return TaskOutcome(key, Status.SUPERSEDED, str(exc), before=before, after=before)
        # What has changed it may be another invocation of the same restart.
        claim = tasks.restart_claims([key], proposal_id).get(key)
        status = Status.ALREADY_RUNNING if is_up else Status.SUPERSEDED
        return claim or TaskOutcome(key, status, why, before=before, after=before)

    def _look_at(self, group: Group, give_up_at: datetime) -> None:
        """Looks at each watched task once; what is up, broken again or out of time is a result."""
        pending = []
        for watch in group.watches:
            operator = self.operators(watch.key.instance)
            if result := self._starter.look(operator, watch, give_up_at):
                if watch.facts:
                    result = _judged(result, group.proposal, group.by_key[watch.key], watch.facts)
                # Another invocation may have settled it: the group goes on by what the ledger says of it.
                kept = self.ledger.tasks.finish_restart_claim(watch.key, group.proposal.proposal_id, result)
                group.results.append(kept)
            else:
                pending.append(watch)
        group.watches = pending


def _judged(result: TaskOutcome, proposal: Proposal, target: ProposedTask, facts: TaskFacts) -> TaskOutcome:
    """`result`, and whether the task as it was last seen shows that the cause is still there."""
    return result if result.status.is_up else replace(result, same_cause=same_cause(proposal, target, facts))
