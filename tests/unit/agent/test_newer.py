"""An older version beside what a newer one wrote: it acts on nothing that it does not know, and leaves it as it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.agent.act.group import GroupRestarter
from qlikops.agent.config import AgentConfig
from qlikops.agent.decide.policy import decide
from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.remember.run import Run
from qlikops.agent.steps.reconcile import ExecutionStates, Reconciler
from qlikops.agent.steps.restart import Restarter
from qlikops.domain.encoding.codec import format_time
from qlikops.domain.errors import RecordTooNew
from qlikops.domain.proposals.approval import Decision, Outcome, ProposalRecord, Status
from qlikops.domain.proposals.evaluation import ApprovalMode, Evaluation, Gate, Route
from qlikops.domain.proposals.proposal import Proposal
from tests.unit.agent.decide.test_policy import GOOD, OPEN
from tests.unit.agent.fakes import (
    ARN,
    ASK,
    EVALUATION,
    ORDERS,
    START,
    FakeClock,
    FakeStepFunctions,
    proposal,
    row,
)
from tests.unit.agent.fleet import CONFIG
from tests.unit.strangers import SPELLING, strangers

ID = "0123456789ab"
RECORD = {"pk": {"S": f"APPROVAL#{ID}"}, "sk": {"S": "RECORD"}}


@pytest.mark.parametrize("mode", ApprovalMode)
@pytest.mark.parametrize("changed", [pytest.param(each, id=path) for path, each in strangers(OPEN)])
def test_a_proposal_that_is_not_understood_is_never_automatic(changed: Proposal, mode: ApprovalMode) -> None:
    result = decide(changed, GOOD, restarts_last_hour={}, config=replace(CONFIG, approval_mode=mode))

    assert result.route is not Route.AUTOMATIC
    assert (Gate.KIND_NEEDS_HUMAN, f"nobody knows here what {SPELLING} means") in [
        (closed.gate, closed.reason) for closed in result.closed_gates
    ]


@pytest.mark.parametrize("mode", ApprovalMode)
@pytest.mark.parametrize("changed", [pytest.param(each, id=path) for path, each in strangers(GOOD)])
def test_an_evaluation_that_is_not_understood_approves_nothing(changed: Evaluation, mode: ApprovalMode) -> None:
    result = decide(OPEN, changed, restarts_last_hour={}, config=replace(CONFIG, approval_mode=mode))

    assert result.route is not Route.AUTOMATIC


@pytest.mark.parametrize(
    "parts",
    [
        *(pytest.param((each, EVALUATION, ASK), id=f"proposal{path[1:]}") for path, each in strangers(proposal())),
        *(pytest.param((proposal(), each, ASK), id=f"evaluation{path[1:]}") for path, each in strangers(EVALUATION)),
        *(pytest.param((proposal(), EVALUATION, each), id=f"policy{path[1:]}") for path, each in strangers(ASK)),
    ],
)
def test_nothing_is_restarted_that_is_not_understood(ledger: Ledger, clock: FakeClock, parts: Any) -> None:
    made, evaluation, policy = parts
    assert not ledger.open_proposals("run-1", [made], 7200).refused
    digest = ledger.save_evaluation(ID, evaluation, policy).approval.digest

    def unreachable(name: str) -> Any:
        raise AssertionError(f"{name} was asked")

    settings = AgentConfig("ledger", "data", "topic", "secret")
    restarter = Restarter(GroupRestarter(ledger, unreachable, settings, clock, clock.sleep))
    outcome = restarter.restart(ID, Decision(True, digest=digest), clock.now + timedelta(minutes=14), may_continue=True)

    assert isinstance(outcome, Outcome)
    assert outcome.status is Status.SUPERSEDED
    assert outcome.detail == f"it says what this version does not know: {SPELLING}"


def with_status(database: Any, table: str, status: str) -> None:
    for key in (RECORD, {"pk": {"S": "OPEN"}, "sk": {"S": ID}}):
        database.update_item(
            TableName=table,
            Key=key,
            UpdateExpression="SET #status = :status",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":status": {"S": status}},
        )


def test_a_proposal_in_a_state_that_nobody_knows_here_is_left_as_it_is(
    ledger: Ledger, database: Any, table: str, clock: FakeClock
) -> None:
    assert not ledger.open_proposals("run-1", [proposal()], 7200).refused
    ledger.save_evaluation(ID, EVALUATION, ASK)
    ledger.request(ID, "token", row(), START, START + timedelta(hours=5))
    with_status(database, table, "second_opinion")
    states = FakeStepFunctions()
    states.statuses[ARN] = "ABORTED"
    told: list[ProposalRecord] = []
    own = Run(ARN.replace("run-1", "run-2"), "run-2", format_time(START))
    reconciler = Reconciler(ledger, ExecutionStates(states), clock, own, 900, told.append)
    clock.sleep(3600)

    assert reconciler.proposals() == []
    assert [lease.proposal_id for lease in reconciler.leases(ledger.tasks.leases([ORDERS]).values())] == [ID]
    assert ledger.close(ID, Outcome(Status.EXPIRED)).approval.status == "second_opinion"
    assert ledger.begin_restart(ID, Decision(True)).approval.status == "second_opinion"
    assert [lease.proposal_id for lease in ledger.tasks.leases([ORDERS]).values()] == [ID]
    assert ledger.tasks.history(ORDERS) == []
    assert told == []


def test_a_document_of_a_newer_version_inside_a_record_is_named_as_such(
    ledger: Ledger, database: Any, table: str
) -> None:
    assert not ledger.open_proposals("run-1", [proposal()], 7200).refused
    database.update_item(
        TableName=table,
        Key=RECORD,
        UpdateExpression="SET proposal = :newer",
        ExpressionAttributeValues={":newer": {"S": '{"version": 2, "steps": []}'}},
    )

    with pytest.raises(RecordTooNew, match="record version 2"):
        ledger.record(ID)
