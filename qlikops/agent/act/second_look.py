"""Looks again at a task before it is started: does what was decided on it hold for what it is now?

It is the judgement that proposed it, on the task as it is now: what would be judged otherwise, or may not be restarted
any more, is left alone. So is what planned work covers by now.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from qlikops.agent.act.starting import TaskOperator
from qlikops.agent.config import AgentConfig
from qlikops.agent.propose.judgement import difference, no_longer_automatic, target_of, what_stops, what_stops_server
from qlikops.agent.remember.attempts import Attempt
from qlikops.dataclass import dataclass
from qlikops.domain.fleet.task import Fetched, ServerFacts, ServerState, TaskFacts, TaskKey
from qlikops.domain.proposals.approval import ProposalRecord
from qlikops.domain.proposals.mute import Mute
from qlikops.domain.proposals.proposal import ProposedTask
from qlikops.domain.runs.plan import Plan, covering
from qlikops.qlik.errors import QemError

if TYPE_CHECKING:
    from qlikops.qlik.wire import ListedTask

LISTED_FOR = timedelta(seconds=15)
"""That a server's list of tasks is good for: each task is read anew beside it, and it adds what only the list says.
Enterprise Manager itself is some 30 s behind Replicate; a list for each task would be hundreds for a large group.
"""
_HOUR = timedelta(hours=1)


@dataclass(slots=True)
class SecondLook:
    """Looks at the tasks of one proposal in one invocation."""

    approval: ProposalRecord
    is_automatic: bool
    """The policy approved it, not a person: a task that the policy would ask a person about now is left alone."""
    attempts: Mapping[TaskKey, Sequence[Attempt]]
    """When other proposals restarted the tasks that this one has not claimed."""
    quiet: Mapping[TaskKey, Mute]
    """Tasks on which nothing may be proposed for a while."""
    plans: Sequence[Plan]
    """Planned work, whenever that is."""
    operators: Callable[[str], TaskOperator]
    config: AgentConfig
    clock: Callable[[], datetime]
    _listed: dict[tuple[str, str], tuple[datetime, Mapping[TaskKey, ListedTask]]] = field(default_factory=dict)
    """The lists of tasks that have been read, by instance and server, with when they were asked for."""
    _too_old: dict[tuple[str, str], tuple[datetime, str]] = field(default_factory=dict)
    """When it was looked at how old the state of the tasks is, and why that is too old, by instance and server; empty
    where it is not.
    """

    def read(self, key: TaskKey) -> TaskFacts:
        """The task as it is now, with what only the list says of it, as a run reads it. Raises QemError."""
        operator = self.operators(key.instance)
        facts = operator.task(key.server, key.task)
        tags_matter = self.config.protected_tags or any(plan.scope.tags for plan in self.plans)
        if facts.message and not tags_matter:
            return facts
        place = key.instance, key.server
        # Of an earlier task of the group, it says which tags there are; but not what this one says by now.
        asked_at, listed = self._listed.get(place, (None, {}))
        if asked_at is None or not self._is_good(asked_at):
            asked_at, listed = self.clock(), {each.facts.key: each for each in operator.tasks(key.server)}
            self._listed[place] = asked_at, listed
        listing = listed.get(key)
        return listing.completing(facts) if listing else facts

    def why_no_longer(self, target: ProposedTask, facts: TaskFacts) -> str:
        """Why what was decided on the task does not hold for what it is now; empty if it does.

        Raises OwnFailuresUnread if that takes a team's own known failures, and they cannot be read now.
        """
        config, now, proposal = self.config, self.clock(), self.approval.proposal
        if not proposal.kind.traits.comes_through and (plan := covering(self.plans, facts, now)):
            return plan.has_begun(now)
        if changed := difference(proposal, target, facts, config, now):
            return changed
        if old := self._why_too_old(target.key):
            return old
        if quiet := self.quiet.get(target.key):
            return f"nothing would be proposed on it now: {quiet.words()}"
        last_hour = [attempt for attempt in self.attempts.get(target.key, ()) if now - attempt.at <= _HOUR]
        if stops := what_stops(facts, sum(attempt.may_have_started for attempt in last_hour), config, now):
            return stops
        if not self.is_automatic:
            return ""
        current = target_of(facts, proposal.kind, config)
        why = no_longer_automatic(self.approval, current, len(last_hour), config)
        return f"not without a human any more: {why}" if why else ""

    def _why_too_old(self, key: TaskKey) -> str:
        """Why the state of the task's server is too old to act on; empty if it is not, or not known."""
        place = key.instance, key.server
        looked_at, why = self._too_old.get(place, (None, ""))
        if looked_at is None or not self._is_good(looked_at):
            now = self.clock()
            server = ServerFacts(key.instance, key.server, ServerState.MONITORED, fetched=self._fetched(key, now))
            why = what_stops_server(server, self.config, now)
            self._too_old[place] = now, why
        return why

    def _is_good(self, asked_at: datetime) -> bool:
        # What was asked for in the future was so by a clock that has been set back since.
        return abs(self.clock() - asked_at) <= LISTED_FOR

    def _fetched(self, key: TaskKey, now: datetime) -> Fetched | None:
        """When the task's server was fetched last; None where that is not known.

        Only what was read for the proposal tells how far the clock of its first task's Enterprise Manager is from ours.
        """
        proposal = self.approval.proposal
        if proposal.fetched is None or key.instance != proposal.targets[0].key.instance:
            return None
        try:
            fetched = self.operators(key.instance).server(key.server).fetched
        except QemError:
            return None
        return fetched and fetched.dated(now, proposal.fetched)
