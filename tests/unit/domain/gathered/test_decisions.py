"""What was decided, beside what the policy alone would have done, and what lasted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import cast
from unittest.mock import patch

import pytest

from qlikops.domain.errors import RecordTooNew
from qlikops.domain.fleet.task import Action
from qlikops.domain.gathered.decisions import ByVerdict, Decisions, Shadow, gather, tallied
from qlikops.domain.ports import ContextServices
from qlikops.domain.proposals.approval import Decision, Outcome, ProposalRecord, Status
from qlikops.domain.proposals.evaluation import Route, Verdict
from qlikops.domain.proposals.lasting import Aftermath, Lasting, TaskLasting
from qlikops.domain.proposals.proposal import Option
from qlikops.domain.workflow.execution import RunProposal
from tests.fakes import CALLER, Clock, FakeApprovals, FakeEnvironment
from tests.unit.domain.gathered.test_handover import run_of
from tests.unit.domain.samples import KEY, NOON, waiting

HOUR = timedelta(hours=1)
FELL = Aftermath(1).with_results([TaskLasting(KEY, Lasting.FELL_OVER, 420, NOON)])
LASTED = Aftermath(1, lasted=1)


def ended(
    name: str,
    status: Status,
    lasting: Aftermath | None = None,
    *,
    shadow: Route | None = Route.AUTOMATIC,
    hours: float = 5,
    by: str = CALLER,
) -> ProposalRecord:
    """One that was asked so many hours ago and decided ten minutes later."""
    record, at = waiting(f"{name:0>12}"), NOON - hours * HOUR
    is_decided = status not in (Status.EXPIRED, Status.SUPERSEDED)
    decision = Decision(status is not Status.DENIED, by=by, at=at + timedelta(minutes=10)) if is_decided else None
    assert record.policy
    return replace(
        record,
        proposal=replace(record.proposal, created_at=at),
        status=status,
        requested_at=at,
        updated_at=at + timedelta(minutes=11),
        decision=decision,
        outcome=Outcome(status, at=at + timedelta(minutes=11), decision=decision),
        lasting=lasting,
        policy=replace(record.policy, shadow=shadow),
    )


def tally(*records: ProposalRecord) -> Decisions:
    return tallied(records, NOON - 24 * HOUR, NOON, is_complete=True)


def test_what_came_of_decisions() -> None:
    found = tally(
        ended("a", Status.RESTARTED, LASTED),
        ended("b", Status.RESTARTED, FELL),
        ended("c", Status.FAILED),
        ended("d", Status.DENIED),
        ended("e", Status.EXPIRED),
        ended("f", Status.SUPERSEDED),
    )
    assert (found.closed, found.approved, found.came_up, found.lasted, found.denied) == (6, 3, 2, 1, 1)
    assert found.fell_over == (("00000000000b", f"{waiting('b').proposal.label}: fell over after 7 min"),)
    assert (found.median_seconds, found.longest_seconds) == (600, 600)
    (by,) = found.verdicts
    assert (by.approved, by.denied, by.unanswered) == (3, 1, 1)


def test_the_shadow_is_wrong_where_a_person_denied_or_the_restart_did_not_last() -> None:
    found = tally(
        ended("a", Status.RESTARTED, LASTED),
        ended("b", Status.RESTARTED, FELL),
        ended("c", Status.DENIED),
        ended("d", Status.EXPIRED),
        ended("e", Status.RESTARTED, FELL, shadow=Route.ASK),
        ended("f", Status.RESTARTED, FELL, shadow=None),  # of an earlier version
        ended("g", Status.SUPERSEDED),  # nobody judged it
    )
    counted_as = waiting("a").proposal.counted_as
    assert found.shadow == (Shadow(counted_as, 5, 4, ("00000000000b", "00000000000c")),)


@pytest.mark.parametrize(
    ("later", "right", "known"),
    [
        (ended("b", Status.RESTARTED, FELL, hours=3), 1, 1),
        (ended("b", Status.RESTARTED, LASTED, hours=3), 0, 1),
        (ended("b", Status.RESTARTED, hours=3), 0, 0),
        (ended("b", Status.RESTARTED, FELL, hours=7), 0, 0),
    ],
    ids=["fell over", "lasted", "not known", "before"],
)
def test_a_denial_was_right_if_the_restart_that_followed_did_not_last(
    later: ProposalRecord, right: int, known: int
) -> None:
    found = tally(ended("a", Status.DENIED, hours=5), later)
    assert (found.denied_right, found.denied_restarted) == (right, known)


def test_what_the_policy_restarted_is_no_approval_of_a_person() -> None:
    record = ended("a", Status.RESTARTED, FELL)
    assert record.decision
    automatic = replace(record, decision=replace(record.decision, by="", automatic=True))
    found = tally(automatic, ended("b", Status.RESTARTED, LASTED))
    assert (found.closed, found.approved, found.automatic, found.came_up, found.lasted) == (2, 1, 1, 1, 1)
    assert [one for one, _ in found.automatic_fell_over] == [automatic.approval_id]
    assert found.fell_over == ()
    assert tally(automatic).verdicts == ()
    assert tally(automatic).median_seconds is None
    # It says all the same whether a denial before it was right.
    assert tally(ended("c", Status.DENIED, hours=6), automatic).denied_right == 1


def test_a_task_that_was_left_out_of_an_approval_was_not_restarted() -> None:
    denied, later = ended("a", Status.DENIED), ended("b", Status.RESTARTED, FELL, hours=3)
    other = replace(later.proposal.targets[0], key=replace(KEY, task="another"))
    offers = (Option("resume", Action.RESUME, "resume from where it stopped"),)
    targets = (*later.proposal.targets, other)
    group = replace(later, proposal=replace(later.proposal, targets=targets, options=offers))
    assert group.decision
    for kept, restarted in ((other, 0), (later.proposal.targets[0], 1)):
        chosen = replace(group, decision=replace(group.decision, tasks=(str(kept.key),)))
        assert tally(denied, chosen).denied_restarted == restarted


def test_nothing_decided_is_no_time_and_no_verdict() -> None:
    found = tally(ended("a", Status.SUPERSEDED))
    assert (found.verdicts, found.median_seconds, found.shadow) == ((), None, ())


def test_it_reads_what_ended_in_the_time_and_ones_own_only_if_asked() -> None:
    environment = FakeEnvironment(FakeApprovals(Clock(NOON)))
    bob = "arn:aws:iam::1:user/bob"
    records = [
        ended("a", Status.DENIED),
        ended("b", Status.DENIED, by=bob),
        ended("d", Status.RESTARTED, FELL, hours=3, by=bob),
        waiting("c"),
    ]
    environment.approvals.records = {record.approval_id: record for record in records}
    rows = [
        RunProposal(each.approval_id, "eu/x", "STALLED", "resume", each.status, NOON - HOUR)
        for each in (*records, ended("gone", Status.DENIED))
    ]
    run = run_of("one", 5, 1, *rows)
    environment.executions.details = [run, run_of("idle", 3, 2)]
    environment.executions.summaries = [run_of("idle", 3, 2).summary, run.summary]
    services = cast("ContextServices", environment)

    assert gather(services, NOON - 24 * HOUR, NOON).denied == 2
    mine = gather(services, NOON - 24 * HOUR, NOON, mine=True)
    # Somebody else restarted what one denied oneself.
    assert (mine.denied, mine.approved, mine.denied_restarted, mine.denied_right) == (1, 0, 1, 1)
    assert gather(services, NOON - timedelta(minutes=5), NOON).closed == 0

    read, newer = environment.approvals.approval, records[0].approval_id

    def approval(approval_id: str) -> ProposalRecord:
        if approval_id == newer:
            raise RecordTooNew(approval_id)
        return read(approval_id)

    with patch.object(environment.approvals, "approval", approval):
        found = gather(services, NOON - 24 * HOUR, NOON)
    assert (found.too_new, found.closed) == ((newer,), gather(services, NOON - 24 * HOUR, NOON).closed - 1)


def test_verdicts_are_counted_apart() -> None:
    cautious = ended("b", Status.DENIED)
    assert cautious.evaluation
    cautious = replace(cautious, evaluation=replace(cautious.evaluation, verdict=Verdict.CAUTION))
    first = ended("a", Status.RESTARTED)
    assert first.evaluation
    name, said = first.evaluation.evaluator, first.evaluation.verdict
    wanted = {ByVerdict(name, said, 1, 0, 0), ByVerdict(name, Verdict.CAUTION, 0, 1, 0)}
    assert set(tally(first, cautious).verdicts) == wanted
