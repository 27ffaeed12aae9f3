"""What dead executions leave behind is closed, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from qlikops.agent.ledger import Ledger
from qlikops.agent.reconcile import Executions, Reconciler
from qlikops.domain.approval import Decision, Outcome, Status, TargetOutcome
from qlikops.domain.proposal import Proposal
from qlikops.domain.task import TaskKey
from tests.unit.agent.fakes import (
    ARN,
    ORDERS,
    START,
    FakeClock,
    FakeStepFunctions,
    group,
    proposal,
    row,
)

ID = "0123456789ab"
OWN = ARN.replace("run-1", "run-2")


@pytest.fixture
def states() -> FakeStepFunctions:
    return FakeStepFunctions()


@pytest.fixture
def reconciler(ledger: Ledger, states: FakeStepFunctions, clock: FakeClock) -> Reconciler:
    return Reconciler(ledger, Executions(states), clock, OWN)


def waiting(ledger: Ledger, made: Proposal) -> None:
    ledger.open_proposals(made.execution_name, [made], 7200)
    line = replace(row(made.proposal_id), execution_name=made.execution_name)
    ledger.request(made.proposal_id, "token", line, START, START + timedelta(hours=5))


def held(ledger: Ledger, *keys: TaskKey) -> list[str]:
    return [lease.proposal_id for lease in ledger.tasks.leases(keys).values()]


def test_one_question_to_step_functions_an_execution(
    ledger: Ledger, reconciler: Reconciler, states: FakeStepFunctions, clock: FakeClock
) -> None:
    for index in range(5):
        waiting(ledger, proposal(f"{index:012x}", TaskKey("default", "s", f"t{index}")))
    states.statuses[ARN] = "RUNNING"
    clock.sleep(600)

    assert reconciler.inbox() == []
    assert reconciler.leases(ledger.tasks.leases([TaskKey("default", "s", "t1")]).values()) != []
    assert states.asked == [ARN]


def test_the_own_execution_is_not_asked_about(
    ledger: Ledger, reconciler: Reconciler, states: FakeStepFunctions, clock: FakeClock
) -> None:
    waiting(ledger, proposal(execution_arn=OWN, execution_name="run-2"))
    clock.sleep(600)

    assert reconciler.inbox() == []
    assert states.asked == []


def test_what_another_state_machine_waits_for_is_left_to_it(
    ledger: Ledger, reconciler: Reconciler, states: FakeStepFunctions, clock: FakeClock
) -> None:
    elsewhere = ARN.replace("QlikMonitoringAgent", "Mine")
    waiting(ledger, proposal(execution_arn=elsewhere))
    states.statuses[elsewhere] = "RUNNING"
    clock.sleep(600)

    assert reconciler.inbox() == []
    assert ledger.record(ID).approval.status is Status.WAITING


def test_an_execution_that_may_not_be_read_counts_as_running(ledger: Ledger, clock: FakeClock) -> None:
    class Forbidden:
        def describe_execution(self, **_: Any) -> dict[str, str]:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "DescribeExecution")

    waiting(ledger, proposal())
    clock.sleep(600)

    assert Reconciler(ledger, Executions(Forbidden()), clock, OWN).inbox() == []


def test_the_leases_of_a_record_that_was_never_written_are_freed(
    ledger: Ledger, reconciler: Reconciler, clock: FakeClock
) -> None:
    large = group(120)
    ledger.tasks.lease(large, START + timedelta(hours=2))
    keys = [target.key for target in large.targets]
    clock.sleep(600)

    assert reconciler.leases(ledger.tasks.leases(keys).values()) == []
    assert held(ledger, *keys) == []


def test_what_is_final_already_only_frees_its_tasks(ledger: Ledger, reconciler: Reconciler, clock: FakeClock) -> None:
    waiting(ledger, proposal())
    ledger.close(ID, Outcome(Status.EXPIRED))
    ledger.tasks.lease(proposal(), START + timedelta(hours=5))
    clock.sleep(600)

    assert reconciler.leases(ledger.tasks.leases([ORDERS]).values()) == []
    assert ledger.record(ID).approval.status is Status.EXPIRED
    assert held(ledger, ORDERS) == []


def test_an_interrupted_restart_is_closed_with_what_is_known(
    ledger: Ledger, reconciler: Reconciler, states: FakeStepFunctions, clock: FakeClock
) -> None:
    waiting(ledger, proposal())
    ledger.begin_restart(ID, Decision(approved=True))
    ledger.tasks.claim_restart(ORDERS, ID, "ERROR (FATAL_ERROR)")
    states.statuses[ARN] = "ABORTED"
    clock.sleep(600)

    reconciler.leases(ledger.tasks.leases([ORDERS]).values())

    outcome = ledger.record(ID).approval.outcome
    assert outcome is not None
    assert outcome.status is Status.ABANDONED
    assert outcome.detail.startswith("unverified: may have been told to run")
    assert outcome.targets[0].status is Status.UNVERIFIED


def test_a_finished_restart_that_was_not_recorded_is_closed_as_what_it_was(
    ledger: Ledger, reconciler: Reconciler, states: FakeStepFunctions, clock: FakeClock
) -> None:
    waiting(ledger, proposal())
    ledger.begin_restart(ID, Decision(approved=True))
    up = TargetOutcome(ORDERS, Status.RESTARTED)
    ledger.save_result(ID, Outcome(Status.RESTARTED, targets=(up,)))
    states.statuses[ARN] = "ABORTED"
    clock.sleep(600)

    reconciler.leases(ledger.tasks.leases([ORDERS]).values())

    approval = ledger.record(ID).approval
    assert approval.outcome is not None
    assert (approval.status, approval.outcome.targets) == (Status.RESTARTED, (up,))


def test_what_a_newer_version_wrote_is_left_to_it(
    ledger: Ledger, reconciler: Reconciler, clock: FakeClock, database: Any, table: str
) -> None:
    waiting(ledger, proposal())
    database.update_item(
        TableName=table,
        Key={"pk": {"S": "APPROVAL#" + ID}, "sk": {"S": "RECORD"}},
        UpdateExpression="SET version = :v",
        ExpressionAttributeValues={":v": {"N": "2"}},
    )
    clock.sleep(600)

    assert reconciler.inbox() == []
    assert len(reconciler.leases(ledger.tasks.leases([ORDERS]).values())) == 1
    assert held(ledger, ORDERS) == [ID]
