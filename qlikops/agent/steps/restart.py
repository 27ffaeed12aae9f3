"""Acts on an approved proposal: looks again, acts at most once per task, and says what really came of it.

Looking again is the judgement that proposed it, on the task as it is now: what would be judged otherwise, or may not be
restarted any more, is superseded. Before the first task is started, the endpoint in question is tested once more: if it
takes no logins, nothing is sent. How the tasks are then restarted, `agent/act/group.py` says.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from qlikops.agent.act.endpoint_wait import Waiter, Waiting
from qlikops.agent.act.group import Group, GroupRestarter
from qlikops.agent.act.outcomes import Unfinished, nothing_sent
from qlikops.agent.act.probing import Prober, holds_back
from qlikops.agent.act.second_look import SecondLook
from qlikops.agent.propose.judgement import OwnFailuresUnread
from qlikops.agent.remember.attempts import RestartLimits
from qlikops.agent.remember.record import StoredRecord
from qlikops.domain.fleet.endpoint import Probe, ProbeAnswer
from qlikops.domain.proposals.approval import Decision, Outcome, ProposalRecord, Status
from qlikops.domain.proposals.proposal import Choice, NotOffered, Proposal
from qlikops.qlik.errors import QemError

CONTINUE_FOR = timedelta(minutes=90)
"""Time from the first start; what has not been started by then is not. Within what the execution may still take."""
LEASE_FOR = timedelta(hours=1)
"""That a restart which goes on, or waits, holds its tasks: several invocations, should some of them be late."""
_LOOKED_AT = 5
"""Tasks of a group of which one at least must be down still for its endpoint to be tested."""


class Restarter:
    """Carries out approved proposals, their groups of tasks by `groups`."""

    def __init__(self, groups: GroupRestarter) -> None:
        self._groups = groups
        self._ledger, self._config, self._clock = groups.ledger, groups.config, groups.clock
        self._prober = Prober(groups.ledger.probes, groups.operators, groups.config, groups.clock)
        self._waiter = Waiter(self._prober, groups)

    def restart(
        self, proposal_id: str, decision: Decision, give_up_at: datetime, *, may_continue: bool, may_wait: bool = False
    ) -> Outcome | Unfinished | Waiting:
        """What came of it, stored before it is returned, or that this must be called again; by `give_up_at`.

        Unfinished only where it `may_continue`: whoever would not call again gets an outcome that says what is left.
        Waiting only where it `may_wait`: whoever would not wait is told at once that the endpoint takes no logins.

        Raises QemError where Enterprise Manager could not be reached and nothing at all was done: safe to try again.
        Raises OwnFailuresUnread, after all else is done, if it takes a team's own known failures to say whether the
        decision holds for a task, and they cannot be read now: safe to try again too.
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
        has_begun = bool(group.claims or group.ends_because)
        tested = None if has_begun else self._before_starting(group, made, may_wait=may_wait)
        if isinstance(tested, Waiting):
            self._hold(record.approval.proposal, choice)
            self._ledger.progress.wait(record.approval, tested.wait)
            return tested
        if isinstance(tested, Outcome):
            return self._save(proposal_id, tested, made, none_since=record.starts)
        if record.approval.waits:
            self._ledger.progress.wait(record.approval, None)
        first_start = min((claim.at for claim in group.claims.values()), default=begun)
        go_on_until = first_start + CONTINUE_FOR if may_continue else begun
        acted = self._groups.restart(group, give_up_at, go_on_until)
        if isinstance(acted, Unfinished):
            self._hold(record.approval.proposal, choice)
            return acted
        if tested and tested.answer is not ProbeAnswer.CONNECTED:
            acted = replace(acted, detail="; ".join(part for part in (acted.detail, tested.words) if part))
        return self._save(proposal_id, acted, made, none_since=group.starts)

    def _save(
        self, proposal_id: str, outcome: Outcome, decision: Decision, *, none_since: int | None = None
    ) -> Outcome:
        outcome = replace(outcome, at=self._clock(), decision=decision)
        return self._ledger.save_result(proposal_id, outcome, none_since=none_since)

    def _before_starting(self, group: Group, decision: Decision, *, may_wait: bool) -> Probe | Waiting | Outcome | None:
        """What the endpoint says before the first task is started, or what follows from it if that is not started now.

        None where the endpoint is not tested, or is waited for no more: there is nothing left to send, for example.
        """
        if group.choice.option.waits_for_endpoint:
            return self._waiter.look(group, may_wait=may_wait)
        endpoint = self._prober.in_question(group.proposal)
        if endpoint is None:
            return None
        try:
            starts = self._groups.some_would_start(group, group.targets[:_LOOKED_AT])
        except (QemError, OwnFailuresUnread):
            return None  # what it means for the restart is found where the task is looked at before it is started
        if not starts or group.is_refused:
            return None
        probe = self._prober.before_starting(endpoint)
        why = holds_back(probe, self._prober, is_automatic=decision.automatic)
        tasks = (target.key for target in group.targets)
        return nothing_sent(Status.STILL_DOWN, tasks, group.seen_up, why) if why else probe

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

    def _group(self, approval: ProposalRecord, choice: Choice, *, is_automatic: bool) -> Group:
        proposal, tasks, now = approval.proposal, self._ledger.tasks, self._clock()
        claims = tasks.restart_claims((target.key for target in choice.targets), proposal.proposal_id)
        limits = RestartLimits.of(self._config)
        unclaimed = [target.key for target in choice.targets if target.key not in claims]
        # Another invocation may be at it: what this proposal itself does is no reason against it.
        attempts = tasks.attempts(unclaimed, limits.since(now), but_for=proposal.proposal_id)
        quiet = tasks.quiet(unclaimed, limits, attempts)
        stopped = approval.claim.stops_because if approval.claim else ""
        plans = self._ledger.orders.plans()
        second_look = SecondLook(
            approval, is_automatic, attempts, quiet, plans, self._groups.operators, self._config, self._clock
        )
        return Group(approval, choice, claims, second_look, stopped)
