"""Holds what waits for an answer against a later poll: what it leaves nothing of is closed, and asked anew if need be.

A question is overtaken when none of its tasks is as it was proposed any more, or when one of them would be proposed on
otherwise: its lease keeps that from being proposed for as long as the question is open. Of a group whose tasks come up
one after the other nothing is closed before the last one is up: approving does nothing to those that run, and a new
question at every poll would ring a phone every five minutes. What a poll could not look at says nothing.
Once planned work covers one of its tasks, a question is over as well; what it does not cover is asked anew.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from qlikops.agent.config import AgentConfig
from qlikops.agent.diagnosis.library import library
from qlikops.agent.propose.judgement import came_up, chosen_of, difference, rested_on_message
from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.steps.reconcile import ExecutionStates, end_wait, left_to_the_next_run
from qlikops.dataclass import dataclass
from qlikops.domain.fleet.task import ServerState, TaskFacts, TaskState
from qlikops.domain.proposals.approval import Outcome, ProposalRecord, Status
from qlikops.domain.proposals.proposal import Proposal, ProposedTask
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskSnapshot
from qlikops.domain.words.text import harmless

_UP = "it runs again"
_GONE = "it is no longer there"
_NAMED = 3
"""Tasks of a group of which is said what changed."""
_LABEL_CAP = 120

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Look:
    """What a poll says of one task that a question is about."""

    change: str
    """How it is no longer as it was proposed; empty where it is."""
    is_other: bool = False
    """Something would be proposed on it by now, and not what is asked."""


class Poll:
    """One poll that questions are held against."""

    def __init__(self, snapshot: FleetSnapshot, config: AgentConfig) -> None:
        self._config = config
        self._taken_at = snapshot.taken_at
        self._tasks = {task.facts.key: task for task in snapshot.tasks}
        self._planned = snapshot.planned
        self._hidden = snapshot.not_visible
        self._read = {
            (server.instance, server.name)
            for server in snapshot.servers
            if server.state is ServerState.MONITORED and not server.error_code
        }

    def overtakes(self, proposal: Proposal) -> str:
        """Why the question of `proposal` is over, in words; empty while it stands."""
        if planned := self._in_planned_work(proposal):
            return planned
        looks = [(target, self._look(proposal, target)) for target in proposal.targets]
        changed = [(target, look) for target, look in looks if look is not None and look.change]
        others = [(target, look) for target, look in changed if look.is_other]
        if not others and len(changed) < len(looks):
            return ""
        return f"{_in_words(others or changed, len(looks))}, as the poll of {self._taken_at:%H:%M:%S} UTC saw it"

    def _in_planned_work(self, proposal: Proposal) -> str:
        """Whether planned work covers a task of the proposal: approved, it would be restarted in the middle."""
        covered = [plan for target in proposal.targets if (plan := self._planned.get(target.key))]
        if not covered or proposal.kind.traits.comes_through:
            return ""
        words = max(covered, key=lambda plan: plan.until).has_begun(self._taken_at)
        of = f" ({len(covered)} of {len(proposal.targets)} tasks)" if len(proposal.targets) > 1 else ""
        return f"{words}{of}"

    def _look(self, proposal: Proposal, target: ProposedTask) -> _Look | None:
        """None where the poll says nothing of the task."""
        if target.key in self._hidden:
            return None
        found = self._tasks.get(target.key)
        if found is None:
            return _Look(_GONE) if (target.key.instance, target.key.server) in self._read else None
        if came_up(proposal, target, found.facts):
            return _Look(_UP)
        facts = _as_said(proposal, target, found)
        if facts is None:
            return None
        change = difference(proposal, target, facts, self._config, self._taken_at)
        return _Look(change, is_other=bool(change) and chosen_of(found.anomalies) is not None)


@dataclass(frozen=True, slots=True)
class Held:
    """What became of what waited for an answer."""

    said: tuple[str, ...]
    """What is not asked any more and why, a sentence each."""
    waiting: tuple[ProposalRecord, ...]
    """What goes on waiting."""


class Questions:
    """What waits for an answer."""

    def __init__(self, ledger: Ledger, executions: ExecutionStates, config: AgentConfig) -> None:
        self._ledger = ledger
        self._executions = executions
        self._config = config

    def hold_against(self, snapshot: FleetSnapshot, looked_at: datetime) -> Held:
        """Closes what a poll that began at `looked_at` has overtaken.

        What was proposed after that saw the fleet later than the poll did. An answer that comes at the same time
        counts or does not: whichever moves the record first.
        """
        poll = Poll(snapshot, self._config)
        said, waiting = [], []
        for approval in self._waiting():
            if approval.unknown:
                continue  # a newer version's: that knows what has become of it
            with left_to_the_next_run(approval.approval_id):
                if approval.proposal.created_at > looked_at or not (why := poll.overtakes(approval.proposal)):
                    waiting.append(approval)
                elif closed_because := self._close(approval, why):
                    said.append(f"No longer asked: {harmless(approval.proposal.label, _LABEL_CAP)}: {closed_because}.")
        return Held(tuple(said), tuple(waiting))

    def _close(self, approval: ProposalRecord, why: str) -> str:
        """Why it is superseded by now, as the ledger has it; empty if it was answered in the same moment.

        A run that was stalled since its poll finds here that a later one has closed it, for a reason of its own.
        """
        closed = self._ledger.withdraw(approval.approval_id, Outcome(Status.SUPERSEDED, why))
        if closed.status is not Status.SUPERSEDED or closed.outcome is None:
            return ""
        why = closed.outcome.detail
        _logger.info("%s is superseded: %s", approval.approval_id, why)
        if end_wait(self._ledger, self._executions, closed):
            # Its execution tells people and strikes it off; if that is aborted right now, the next run does.
            self._ledger.finish(approval.approval_id, self._config.cooldown_seconds, stays_listed=True)
        else:
            # The next run ends the wait; what this one proposes anew must not wait for that.
            self._ledger.tasks.release(approval.proposal)
        return why

    def _waiting(self) -> Sequence[ProposalRecord]:
        ids = [one.proposal_id for one in self._ledger.open() if one.status is Status.WAITING]
        return [record.approval for record in self._ledger.readable(ids)]


def _as_said(proposal: Proposal, target: ProposedTask, found: TaskSnapshot) -> TaskFacts | None:
    """The poll's facts, with what it did not say as it was; None where it said too little to judge by.

    A poll goes on where details are missing, and a run call does not: ExecuteRestart takes what is not said as changed.
    """
    facts = found.facts
    details_missing = facts.state is TaskState.RUNNING and facts.memory_mb is None
    if details_missing or (facts.state is TaskState.UNKNOWN and not facts.raw_state):
        return None
    same_state = (facts.state, facts.stop_reason) == (target.state, target.stop_reason)
    if same_state and found.is_listed:
        return None  # the list may have other words for it, and other tags
    basis = target.basis
    # By the built-in entries alone the same message may be another failure: a question would go, and come, with S3.
    if same_state and rested_on_message(proposal, target) and (not facts.message or library().lacks_own):
        return None
    counts = (facts.applied_records, facts.changes_in_memory, facts.changes_on_disk)
    if proposal.kind.traits.rests_on_applied and (counts[0] is None or counts[1:] == (None, None)):
        return None
    full_load = target.full_load_completed if facts.full_load_completed is None else facts.full_load_completed
    return replace(
        facts,
        full_load_completed=full_load,
        source_endpoint=facts.source_endpoint or (basis.source if basis else ""),
        target_endpoint=facts.target_endpoint or (basis.target if basis else ""),
    )


def _in_words(changed: Sequence[tuple[ProposedTask, _Look]], total: int) -> str:
    if total == 1:
        return changed[0][1].change
    changes = {look.change for _, look in changed}
    if len(changed) == total and len(changes) == 1:
        return f"all {total} tasks: {changes.pop()}"
    named = [f"{target.key.task}: {look.change}" for target, look in changed[:_NAMED]]
    more = len(changed) - len(named)
    return "; ".join(named) + (f"; and {more} more" if more else "")
