"""A record that somebody changed after it was evaluated: what it says of tasks goes nowhere, however it ends."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from qlikops.agent.act.group import GroupRestarter
from qlikops.agent.config import AgentConfig
from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.remember.run import Run
from qlikops.agent.steps.reconcile import ExecutionStates, Reconciler
from qlikops.agent.steps.restart import Restarter
from qlikops.domain.encoding.codec import format_time
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.proposals.approval import Decision, Outcome, RunCall, Status, TaskOutcome
from tests.unit.agent.fakes import ARN, ASK, EVALUATION, ORDERS, START, FakeClock, FakeStepFunctions, proposal, row

ID = "0123456789ab"
PAYROLL = TaskKey("default", "replicate-9", "payroll")
"""Somebody else's task, which the forged record names."""
RECORD = {"pk": {"S": f"APPROVAL#{ID}"}, "sk": {"S": "RECORD"}}


@pytest.fixture
def digest(ledger: Ledger, database: Any, table: str) -> str:
    """The record's own, from before it was changed to name another task."""
    ledger.open_proposals("run-1", [proposal(ID)], 7200)
    digest = ledger.save_evaluation(ID, EVALUATION, ASK).approval.digest
    ledger.request(ID, "token", row(), START, START + timedelta(hours=5))
    stored = json.loads(database.get_item(TableName=table, Key=RECORD)["Item"]["proposal"]["S"])
    stored["targets"][0]["key"] = {"instance": "default", "server": PAYROLL.server, "task": PAYROLL.task}
    database.update_item(
        TableName=table,
        Key=RECORD,
        UpdateExpression="SET proposal = :forged",
        ExpressionAttributeValues={":forged": {"S": json.dumps(stored)}},
    )
    return digest


def touched(database: Any, table: str) -> set[str]:
    """The partitions that say something of tasks and kinds."""
    items = database.scan(TableName=table)["Items"]
    return {item["pk"]["S"] for item in items if item["pk"]["S"].startswith(("TASK#", "TRACK#"))}


def test_the_refusal_of_a_forged_record_is_not_the_forged_tasks_history(
    ledger: Ledger, clock: FakeClock, database: Any, table: str, digest: str
) -> None:
    def unreachable(name: str) -> Any:
        raise AssertionError(f"{name} was asked")

    settings = AgentConfig("ledger", "data", "topic", "secret")
    restarter = Restarter(GroupRestarter(ledger, unreachable, settings, clock, clock.sleep))
    outcome = restarter.restart(ID, Decision(True, digest=digest), clock.now + timedelta(minutes=9), may_continue=True)
    assert isinstance(outcome, Outcome)
    assert outcome.status is Status.SUPERSEDED

    closed = ledger.close(ID, outcome)

    assert (closed.approval.status, closed.is_forged) == (Status.SUPERSEDED, True)
    assert touched(database, table) == {"TASK#default/replicate-1/orders"}
    assert ledger.tasks.history(ORDERS) == ledger.tasks.history(PAYROLL) == []
    assert ledger.open() == []


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(Status.DENIED, decision=Decision(False, snooze_seconds=7200)),
        Outcome(Status.DENIED, decision=Decision(False)),
        Outcome(Status.EXPIRED),
        Outcome(Status.FAILED, targets=(TaskOutcome(PAYROLL, Status.FAILED, run_call=RunCall.TAKEN),)),
        Outcome(Status.ABANDONED),
    ],
    ids=lambda outcome: outcome.status.value,
)
@pytest.mark.usefixtures("digest")
def test_however_a_forged_record_ends_nothing_of_it_is_carried_on(
    ledger: Ledger, database: Any, table: str, outcome: Outcome
) -> None:
    ledger.close(ID, outcome, quiet_after_denial=900)
    ledger.finish(ID, 900)

    assert touched(database, table) == {"TASK#default/replicate-1/orders"}
    assert ledger.tasks.history(PAYROLL) == []


@pytest.mark.usefixtures("digest")
def test_the_task_that_it_really_was_about_is_free_with_the_next_run(ledger: Ledger, clock: FakeClock) -> None:
    ledger.close(ID, Outcome(Status.EXPIRED))
    assert [lease.proposal_id for lease in ledger.tasks.leases([ORDERS]).values()] == [ID]
    states = FakeStepFunctions()
    own = Run(ARN.replace("run-1", "run-2"), "run-2", format_time(START))
    clock.sleep(600)

    reconciler = Reconciler(ledger, ExecutionStates(states), clock, own, 900, lambda _: None)

    assert reconciler.leases(ledger.tasks.leases([ORDERS]).values()) == []
    assert ledger.tasks.leases([ORDERS]) == {}


def test_a_record_that_was_never_evaluated_is_not_forged(ledger: Ledger) -> None:
    ledger.open_proposals("run-1", [proposal(ID)], 7200)

    closed = ledger.close(ID, Outcome(Status.FAILED, "the evaluator broke"))

    assert not closed.is_forged
    assert [line.status for line in ledger.tasks.history(ORDERS)] == [Status.FAILED]
