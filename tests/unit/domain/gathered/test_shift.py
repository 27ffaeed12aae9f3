"""A shift proposal by proposal."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import cast
from unittest.mock import patch

import pytest

from qlikops.domain.errors import RecordTooNew
from qlikops.domain.fleet.task import StopReason, TaskFacts, TaskState
from qlikops.domain.gathered.decided import Known
from qlikops.domain.gathered.shift import Shift, gather_shift
from qlikops.domain.ports import ContextServices
from qlikops.domain.proposals.approval import ProposalRecord, Status
from qlikops.domain.proposals.mute import Mute, MuteReason
from qlikops.domain.runs.plan import Plan, Scope
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskProgress, TaskSnapshot
from qlikops.domain.workflow.execution import ExecutionStatus, RunProposal
from tests.fakes import Clock, FakeApprovals, FakeEnvironment
from tests.unit.domain.gathered.test_decisions import FELL, HOUR, ended
from tests.unit.domain.gathered.test_handover import run_of
from tests.unit.domain.samples import KEY, NOON, waiting

BOB = "arn:aws:iam::1:user/bob"


def shift_of(environment: FakeEnvironment) -> FakeEnvironment:
    """One proposal that bob denied, one restarted that fell over, one that waits; the task of all is snoozed."""
    records = [ended("a", Status.DENIED, by=BOB), ended("b", Status.RESTARTED, FELL, hours=3), waiting("c" * 12)]
    environment.approvals.records = {record.approval_id: record for record in records}
    rows = [RunProposal(each.approval_id, "eu/x", "", "resume", each.status, NOON - HOUR) for each in records]
    run = run_of("one", 5, 1, *rows)
    environment.executions.details = [run]
    environment.executions.summaries = [run.summary]
    facts = TaskFacts(KEY, TaskState.ERROR, StopReason.FATAL_ERROR)
    muted = TaskProgress(quiet=Mute(MuteReason.SNOOZED, NOON + HOUR))
    environment.fleet.latest = FleetSnapshot(NOON, "one", (), (TaskSnapshot(facts, memory=muted),))
    return environment


@pytest.fixture
def shift() -> Shift:
    environment = shift_of(FakeEnvironment(FakeApprovals(Clock(NOON))))
    return gather_shift(cast("ContextServices", environment), NOON - 24 * HOUR, NOON)


def test_what_waits_comes_first_and_then_the_newest(shift: Shift) -> None:
    assert [entry.status for entry in shift.entries] == [Status.WAITING, Status.RESTARTED, Status.DENIED]
    waits, restarted, denied = shift.entries
    assert (waits.decision, waits.deadline is not None) == (None, True)
    assert restarted.lasting == FELL
    assert denied.decision is not None
    assert denied.decision.who() == "bob"
    assert {entry.muted_until for entry in shift.entries} == {NOON + HOUR}


def test_a_group_is_muted_if_all_of_its_tasks_are() -> None:
    environment = shift_of(FakeEnvironment(FakeApprovals(Clock(NOON))))
    record = environment.approvals.records["c" * 12]
    (target,) = record.proposal.targets
    other = replace(target, key=replace(target.key, task="other"))
    group = replace(record.proposal, targets=(target, other), cause="x")
    environment.approvals.records["c" * 12] = replace(record, proposal=group)
    (waits, *_) = gather_shift(cast("ContextServices", environment), NOON - timedelta(hours=24), NOON).entries
    assert waits.muted_until is None


def test_what_a_newer_version_wrote_is_named_and_costs_nothing_else() -> None:
    environment = shift_of(FakeEnvironment(FakeApprovals(Clock(NOON))))
    readable = environment.approvals.approval

    def approval(approval_id: str) -> ProposalRecord:
        if approval_id in (f"{0:011}a", "c" * 12):
            raise RecordTooNew("it is of version 9")
        return readable(approval_id)

    environment.approvals.approval = approval  # type: ignore[method-assign]
    found = gather_shift(cast("ContextServices", environment), NOON - timedelta(hours=24), NOON)
    assert [entry.approval_id for entry in found.entries] == [f"{0:011}b"]
    assert found.too_new == (f"{0:011}a", "c" * 12)


def test_it_has_what_is_planned_and_muted_and_which_runs_broke() -> None:
    environment = shift_of(FakeEnvironment(FakeApprovals(Clock(NOON))))
    going_on = Plan("plan-1", Scope(("eu",)), NOON - HOUR, NOON + HOUR, "CHG1", BOB, "one", NOON - HOUR)
    over = replace(going_on, plan_id="plan-2", ends_at=NOON)
    assert environment.fleet.latest
    environment.fleet.latest = replace(environment.fleet.latest, plans=(going_on, over))
    failed = run_of("two", 3, 2, status=ExecutionStatus.FAILED)
    before = run_of("three", 15, 14, status=ExecutionStatus.FAILED)
    environment.executions.summaries += [failed.summary, before.summary]
    found = gather_shift(cast("ContextServices", environment), NOON - 12 * HOUR, NOON)
    assert found.plans == (going_on,)
    assert [each.key for each in found.muted] == [KEY]
    assert [run.name for run in found.broken] == ["two"]
    assert [each.key for each in found.entries] == [KEY] * 3
    assert [each.fell_over for each in found.entries] == [False, True, False]


def test_what_waits_is_read_once() -> None:
    environment = shift_of(FakeEnvironment(FakeApprovals(Clock(NOON))))
    known = Known()
    first = gather_shift(cast("ContextServices", environment), NOON - 12 * HOUR, NOON, known)
    with patch.object(environment.approvals, "approval", side_effect=AssertionError("it was read again")):
        again = gather_shift(cast("ContextServices", environment), NOON - 12 * HOUR, NOON, known)
    assert first.entries[0].status is Status.WAITING
    assert again.entries == first.entries
