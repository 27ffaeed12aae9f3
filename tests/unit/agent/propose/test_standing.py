"""Who stands in the way of a proposal, and what is kept of those on which nothing is proposed: sets, nothing read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from qlikops.agent.propose import standing
from qlikops.agent.propose.correlation import Correlated, propose
from qlikops.agent.remember.attempts import Attempt
from qlikops.agent.remember.ledger import Opened
from qlikops.agent.remember.tasks import Lease
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.proposals.mute import Mute, MuteReason
from qlikops.domain.proposals.proposal import Proposal
from qlikops.domain.runs.report import NoAction
from tests.unit.agent.fleet import CONFIG, NOW, after, failed, poll, poll_twice, task

OURS, THEIRS = "arn:ours", "arn:theirs"
ORDERS, STOCK = task("orders").key, task("stock").key
MUTE = Mute(MuteReason.SNOOZED, after(3600))
SNAPSHOT = poll(failed("orders"), task("stock"))


def lease(key: TaskKey, proposal_id: str, execution_arn: str) -> Lease:
    return Lease(key, proposal_id, execution_arn, NOW)


def proposal() -> Proposal:

    twice = poll_twice(failed("orders"))
    (made,) = propose(twice, CONFIG, execution_arn=OURS, execution_name="run", now=NOW, blocked={}).proposals
    return made


def test_what_a_dead_invocation_of_this_run_leased_and_did_not_open_blocks_nothing() -> None:
    leases = [lease(ORDERS, "unopened", OURS), lease(STOCK, "opened", OURS)]
    assert standing.taken(leases, OURS, {"opened"}) == {STOCK: leases[1]}
    assert set(standing.taken(leases, THEIRS, ())) == {ORDERS, STOCK}


def test_a_lease_is_the_reason_also_where_there_is_a_mute() -> None:
    why = standing.blocked({ORDERS: lease(ORDERS, "p1", THEIRS)}, {ORDERS: MUTE, STOCK: MUTE})
    assert why == {ORDERS: "proposal p1 is open", STOCK: MUTE.words()}


def test_of_a_task_that_is_proposed_on_only_its_other_anomalies_are_left_alone() -> None:
    made = proposal()
    (target,) = made.targets
    same, other = NoAction(target.key, made.kind, "x"), NoAction(target.key, AnomalyKind.TABLE_ERROR, "y")
    correlated = Correlated((made,), (same, other))
    assert standing.no_actions(correlated, Opened((made,), ())) == (other,)
    *kept, refused = standing.no_actions(correlated, Opened((), (made,)))
    assert kept == [same, other]
    assert (refused.key, refused.kind) == (target.key, made.kind)
    assert "taken by another proposal" in refused.why


def test_this_runs_proposals_hold_their_tasks_beside_the_open_ones() -> None:
    made = proposal()
    held_by = standing.holders({STOCK: lease(STOCK, "p1", THEIRS)}, [made])
    assert held_by == {STOCK: "p1", made.targets[0].key: made.proposal_id}


def test_a_mute_that_was_not_asked_for_stays_until_it_is_over() -> None:
    def muted(until: Mute | None) -> list[Mute | None]:
        tasks = tuple(replace(each, memory=replace(each.memory, quiet=until)) for each in SNAPSHOT.tasks)
        kept = standing.with_restarts_and_mutes(replace(SNAPSHOT, tasks=tasks), {}, {STOCK: None})
        return [each.memory.quiet for each in kept.tasks]

    assert muted(MUTE) == [MUTE, None]
    assert muted(replace(MUTE, until=SNAPSHOT.taken_at)) == [None, None]


def test_the_last_attempt_is_kept_and_without_one_what_was_known() -> None:
    attempts = tuple(Attempt(NOW - timedelta(minutes=minutes), None) for minutes in (30, 10))
    kept = standing.with_restarts_and_mutes(SNAPSHOT, {ORDERS: attempts}, {})
    assert [each.memory.restarted_at for each in kept.tasks] == [attempts[1].at, None]


def test_who_holds_a_task_and_why_nothing_is_proposed_are_kept() -> None:
    left_alone = [NoAction(STOCK, AnomalyKind.USER_STOPPED, "a person did it")]
    orders, stock = standing.with_holders_and_notes(SNAPSHOT, {ORDERS: "p1"}, left_alone).tasks
    assert (orders.proposal_id, orders.memory.held_at, orders.note) == ("p1", SNAPSHOT.taken_at, "")
    assert (stock.proposal_id, stock.memory.held_at, stock.note) == ("", None, "a person did it")


def test_a_task_that_was_not_read_says_so_instead() -> None:
    unread = replace(SNAPSHOT, tasks=tuple(replace(each, is_unread=True) for each in SNAPSHOT.tasks))
    kept = standing.with_holders_and_notes(unread, {}, [NoAction(STOCK, AnomalyKind.USER_STOPPED, "a person did it")])
    assert {each.note for each in kept.tasks} == {"not read in time: it is as the last run saw it"}
