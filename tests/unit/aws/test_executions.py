"""Executions on the embedded Step Functions, joined with what the agent's ledger keeps of each run."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from qlikops.agent.remember.ledger import Ledger
from qlikops.aws import records
from qlikops.aws.executions import StepFunctionsExecutions
from qlikops.domain.errors import AccessDenied, DecisionUnknown, NotFound, QlikopsError, UsageError
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.ledger import PROPOSAL_PREFIX, run_partition
from qlikops.domain.proposals.approval import Decision, Outcome, Status
from qlikops.domain.runs.orders import Taken
from qlikops.domain.runs.run import Progress
from qlikops.domain.workflow.execution import ExecutionDetail, ExecutionStatus, RunSummary, Source
from tests.embedded import ACCOUNT, EmbeddedAws
from tests.unit.agent.fakes import START, proposal
from tests.unit.aws.conftest import ANNA, ID, FakeConnection

OTHER = "ba9876543210"
THROTTLED = "ProvisionedThroughputExceededException"
DEFINITION = {
    "StartAt": "Look",
    "States": {
        "Look": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.wait", "IsPresent": True, "Next": "Wait"}],
            "Default": "Done",
        },
        "Wait": {"Type": "Wait", "Seconds": 600, "End": True},
        "Done": {"Type": "Succeed"},
    },
}


@pytest.fixture(scope="module")
def machine(embedded_aws: EmbeddedAws) -> str:
    arn: str = embedded_aws.client("stepfunctions").create_state_machine(
        name="QlikMonitoringAgent",
        definition=json.dumps(DEFINITION),
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/machine",
    )["stateMachineArn"]
    return arn


@pytest.fixture
def executions(embedded_aws: EmbeddedAws, connection: FakeConnection, machine: str) -> StepFunctionsExecutions:
    connection.stepfunctions = embedded_aws.client("stepfunctions")
    connection.resources = replace(connection.resources, state_machine_arn=machine)
    return StepFunctionsExecutions(connection, lambda: START)


@pytest.fixture
def started(embedded_aws: EmbeddedAws, machine: str) -> Iterator[Any]:
    """Starts an execution that waits; stops it afterwards."""
    client = embedded_aws.client("stepfunctions")
    arns: list[str] = []

    def start(name: str) -> str:
        arn: str = client.start_execution(
            stateMachineArn=machine, name=name, input='{"wait": true, "TaskToken": "s3cret"}'
        )["executionArn"]
        arns.append(arn)
        return arn

    yield start
    for arn in arns:
        client.stop_execution(executionArn=arn)


def state_names(detail: ExecutionDetail) -> list[str]:
    assert detail.history is not None
    return [state.name for state in detail.history.states]


def detail_once(
    executions: StepFunctionsExecutions, name: str, happened: Callable[[ExecutionDetail], bool]
) -> ExecutionDetail:
    """Its detail once that has `happened`: the embedded machine runs beside us."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        detail = executions.detail(name)
        if happened(detail):
            return detail
    raise AssertionError(f"{name} did not get there")


def test_a_run_is_started_with_an_empty_input_and_a_name_of_ours(executions: StepFunctionsExecutions) -> None:
    summary = executions.start()
    assert summary.name.startswith("manual-20260307T030000Z-")
    assert summary.arn.endswith(f":{summary.name}")
    ended = detail_once(executions, summary.name, lambda detail: detail.summary.stopped_at is not None)
    assert ended.summary.status is ExecutionStatus.SUCCEEDED
    assert ended.input == "{}"


def test_a_page_knows_of_each_run_what_the_ledger_knows(
    executions: StepFunctionsExecutions, ledger: Ledger, started: Any
) -> None:
    arn, other = started("known-run"), started("unknown-run")
    run = RunSummary(arn, "known-run", START, servers=2, tasks=9, anomalies=1)
    ledger.runs.complete(run)
    runs = {summary.name: summary.run for summary in executions.page(ExecutionStatus.RUNNING).executions}
    assert (runs["known-run"], runs["unknown-run"]) == (run, None)
    assert other not in [summary.arn for summary in executions.page(ExecutionStatus.SUCCEEDED).executions]


def test_detail_joins_history_and_proposals_and_says_what_the_history_lacks(
    executions: StepFunctionsExecutions, ledger: Ledger, started: Any
) -> None:
    arn = started("run-1")
    ledger.open_proposals("run-1", [proposal(ID)], 7200)
    ledger.close(ID, Outcome(Status.HELD, "the policy forbids it"))
    detail = detail_once(executions, "run-1", lambda detail: "Wait" in state_names(detail))
    assert detail.summary.arn == arn
    assert state_names(detail) == ["Look", "Wait", "ProposalHeld", "RecordOutcome"]
    assert detail.history is not None
    assert {state.source for state in detail.history.states[2:]} == {Source.LEDGER}
    (row,) = detail.proposals
    assert (row.proposal_id, row.status) == (ID, Status.HELD)
    assert "inside the Map" in detail.history_note
    assert "s3cret" not in detail.input


def test_an_execution_is_found_by_the_beginning_of_its_name(executions: StepFunctionsExecutions, started: Any) -> None:
    started("morning-1")
    started("morning-2")
    started("evening-1")
    assert executions.detail("eve").summary.name == "evening-1"
    with pytest.raises(UsageError, match="begins several names"):
        executions.detail("morning")
    for missing in ("night", executions._arn("night")):
        with pytest.raises(NotFound):
            executions.detail(missing)


def test_stopping_hands_on_who_and_why(
    executions: StepFunctionsExecutions, connection: FakeConnection, started: Any
) -> None:
    arn = started("to-stop")
    assert executions.stop("to-stop", "maintenance").status is ExecutionStatus.ABORTED
    cause = connection.stepfunctions.describe_execution(executionArn=arn)["cause"]
    assert cause == f"maintenance ({ANNA})"
    with pytest.raises(UsageError, match="not running"):
        executions.stop("to-stop", "again")


def test_orders_of_a_run_that_was_stopped_may_be_taken_yet(executions: StepFunctionsExecutions, started: Any) -> None:
    arn, ended = started("ordered"), executions.start()
    executions.stop("ordered", "maintenance")
    assert executions.orders(arn) == Taken((), is_over=False)
    detail_once(executions, ended.name, lambda detail: detail.summary.stopped_at is not None)
    assert executions.orders(ended.arn) == Taken((), is_over=True)


def test_stopping_pulls_the_brake_of_what_is_not_over(
    executions: StepFunctionsExecutions, ledger: Ledger, started: Any
) -> None:
    run = {"execution_arn": started("braked"), "execution_name": "braked"}
    ids = [f"{number:012}" for number in range(3)]
    made = [proposal(each, TaskKey("default", "eu", each), **run) for each in ids]
    assert not ledger.open_proposals("braked", made, 7200).refused
    ledger.close(ids[0], Outcome(Status.DENIED))
    ledger.begin_restart(ids[1], Decision(approved=True))

    executions.stop("braked", "maintenance")

    claims = [ledger.tasks.claim(each) for each in ids]
    assert [claim is not None and claim.brake for claim in claims] == [False, True, True]
    assert claims[1] is not None
    assert claims[1].stops_because == "stopped by anna"
    assert ledger.record(ids[1]).approval.claim == claims[1]


class Unread:
    """DynamoDB of which no list can be read."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def get_paginator(self, _: str) -> None:
        reply = {"Error": {"Code": THROTTLED, "Message": "no"}}
        raise self._client.exceptions.from_code(THROTTLED)(reply, "Query")


class Silent:
    """Step Functions that does not answer."""

    def describe_execution(self, **_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://states")


class Meanwhile:
    """Step Functions that is slow to stop an execution: something happens in between."""

    def __init__(self, client: Any, happens: Callable[[], object]) -> None:
        self._client, self._happens = client, happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def stop_execution(self, **request: Any) -> Any:
        self._happens()
        return self._client.stop_execution(**request)


def test_stopping_pulls_the_brake_of_what_begins_meanwhile(
    executions: StepFunctionsExecutions, connection: FakeConnection, ledger: Ledger, started: Any
) -> None:
    arn, name = started("meanwhile"), "meanwhile"
    made = proposal(execution_arn=arn, execution_name=name)

    def begin() -> None:
        assert not ledger.open_proposals(name, [made], 7200).refused
        ledger.begin_restart(made.proposal_id, Decision(approved=True))

    connection.stepfunctions = Meanwhile(connection.stepfunctions, begin)

    executions.stop(name, "maintenance")

    claim = ledger.tasks.claim(made.proposal_id)
    assert claim is not None
    assert claim.brake


@pytest.mark.parametrize("read_at_first", [True, False])
def test_what_cannot_be_read_once_it_is_stopped_may_go_on(
    executions: StepFunctionsExecutions, connection: FakeConnection, ledger: Ledger, started: Any, read_at_first: bool
) -> None:
    name = f"unread-{read_at_first}"
    arn, whole = started(name), connection.dynamodb
    made = [
        proposal(each, TaskKey("default", "eu", each), execution_arn=arn, execution_name=name) for each in (ID, OTHER)
    ]
    assert not ledger.open_proposals(name, made, 7200).refused
    unread = Unread(whole)
    connection.dynamodb = Refusing(whole, {ID: 99}, THROTTLED) if read_at_first else unread
    connection.stepfunctions = Meanwhile(connection.stepfunctions, lambda: setattr(connection, "dynamodb", unread))
    what = "What it began while it was being stopped" if read_at_first else "What it is restarting"

    with pytest.raises(QlikopsError, match=f"{what} may go on, since nobody could read what that is") as stopped:
        executions.stop(name, "maintenance")

    assert (f"What is being restarted of {ID} " in stopped.value.message) is read_at_first
    claims = [ledger.tasks.claim(each) for each in (ID, OTHER)]
    assert [claim is not None for claim in claims] == [False, read_at_first]


def test_what_may_have_been_stopped_is_braked_as_well(
    executions: StepFunctionsExecutions, connection: FakeConnection, ledger: Ledger, started: Any
) -> None:
    """The reply is lost, and what became of it cannot be read."""
    arn, name, client = started("lost"), "lost", connection.stepfunctions
    made = proposal(execution_arn=arn, execution_name=name)

    def lose(**_: Any) -> None:
        assert not ledger.open_proposals(name, [made], 7200).refused
        connection.stepfunctions = Silent()
        raise EndpointConnectionError(endpoint_url="https://states")

    connection.stepfunctions = Meanwhile(client, lose)

    with pytest.raises(DecisionUnknown):
        executions.stop(name, "maintenance")

    claim = ledger.tasks.claim(made.proposal_id)
    assert claim is not None
    assert claim.brake


class Refusing:
    """DynamoDB that refuses to write the records named, so often and with that code."""

    def __init__(self, client: Any, refused: dict[str, int], code: str) -> None:
        self._client, self._refused, self._code = client, refused, code

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def update_item(self, **request: Any) -> Any:
        proposal_id = request["Key"]["pk"]["S"].removeprefix("APPROVAL#")
        if self._refused.get(proposal_id):
            self._refused[proposal_id] -= 1
            reply = {"Error": {"Code": self._code, "Message": "no"}}
            raise self._client.exceptions.from_code(self._code)(reply, "UpdateItem")
        return self._client.update_item(**request)


@pytest.mark.parametrize(
    ("code", "refused", "goes_on"),
    [
        ("TransactionConflictException", 3, False),
        ("TransactionConflictException", 99, True),
        (THROTTLED, 99, True),
    ],
)
def test_what_cannot_be_braked_stops_neither_the_others_nor_the_execution(
    executions: StepFunctionsExecutions,
    connection: FakeConnection,
    ledger: Ledger,
    started: Any,
    code: str,
    refused: int,
    goes_on: bool,
) -> None:
    name = f"refused-{code}-{refused}"
    arn = started(name)
    ids = [f"{number:012}" for number in range(2)]
    made = [proposal(each, TaskKey("default", "eu", each), execution_arn=arn, execution_name=name) for each in ids]
    assert not ledger.open_proposals(name, made, 7200).refused
    connection.dynamodb = Refusing(connection.dynamodb, {ids[0]: refused}, code)
    slept: list[float] = []
    executions._sleep = slept.append

    if goes_on:
        with pytest.raises(QlikopsError, match=f"{name} is stopped. What is being restarted of {ids[0]} .* goes on"):
            executions.stop(name, "maintenance")
    else:
        assert executions.stop(name, "maintenance").status is ExecutionStatus.ABORTED

    assert connection.stepfunctions.describe_execution(executionArn=arn)["status"] == "ABORTED"
    assert [claim is not None and claim.brake for claim in map(ledger.tasks.claim, ids)] == [not goes_on, True]
    assert bool(slept) == (code == "TransactionConflictException")


def test_stopping_again_brakes_also_what_is_approved_and_has_not_begun(
    executions: StepFunctionsExecutions, connection: FakeConnection, ledger: Ledger, started: Any
) -> None:
    """The ledger says that it waits, while the function that Step Functions has invoked is late."""
    arn, name = started("late"), "late"
    ids = [f"{number:012}" for number in range(2)]
    made = [proposal(each, TaskKey("default", "eu", each), execution_arn=arn, execution_name=name) for each in ids]
    assert not ledger.open_proposals(name, made, 7200).refused
    ledger.begin_restart(ids[0], Decision(approved=True))
    connection.stepfunctions.stop_execution(executionArn=arn)

    executions.stop(name, "maintenance")

    assert [claim is not None and claim.brake for claim in map(ledger.tasks.claim, ids)] == [True, True]


def test_stopping_again_pulls_the_brake_that_could_not_be_pulled(
    executions: StepFunctionsExecutions, connection: FakeConnection, ledger: Ledger, started: Any
) -> None:
    arn, name, whole = started("twice"), "twice", connection.dynamodb
    made = proposal(execution_arn=arn, execution_name=name)
    assert not ledger.open_proposals(name, [made], 7200).refused
    ledger.begin_restart(made.proposal_id, Decision(approved=True))
    connection.dynamodb = Refusing(whole, {made.proposal_id: 3}, THROTTLED)
    for ended in ("is stopped", "is ABORTED"):
        with pytest.raises(QlikopsError, match=f"twice {ended}. What is being restarted of .* goes on"):
            executions.stop(name, "maintenance")

    assert executions.stop(name, "maintenance").status is ExecutionStatus.ABORTED

    claim = ledger.tasks.claim(made.proposal_id)
    assert claim is not None
    assert claim.brake
    ledger.close(made.proposal_id, Outcome(Status.NOT_TRIED))
    with pytest.raises(UsageError, match="is not running: it is ABORTED"):
        executions.stop(name, "maintenance")


def test_the_progress_of_a_group_comes_with_its_run(
    executions: StepFunctionsExecutions, ledger: Ledger, started: Any
) -> None:
    made = proposal(execution_arn=started("going"), execution_name="going")
    ledger.open_proposals("going", [made], 7200)
    ledger.begin_restart(made.proposal_id, Decision(approved=True))
    assert [one.progress for one in executions.proposals("going")] == [None]

    ledger.progress.say(made, Progress(12, 1, 60))

    assert [one.progress for one in executions.proposals("going")] == [Progress(12, 1, 60)]
    ledger.close(made.proposal_id, Outcome(Status.FAILED))
    assert [one.progress for one in executions.proposals("going")] == [None]


def test_stopping_needs_a_reason(executions: StepFunctionsExecutions) -> None:
    with pytest.raises(UsageError, match="reason"):
        executions.stop("any", " ")


def test_events_are_read_from_where_one_stopped(executions: StepFunctionsExecutions, started: Any) -> None:
    arn = started("followed")
    detail_once(executions, "followed", lambda detail: "Wait" in state_names(detail))
    events = executions.events(arn)
    assert [event.id for event in events] == sorted(event.id for event in events)
    assert "s3cret" not in repr(events)
    assert executions.events(arn, events[-2].id) == events[-1:]
    assert executions.events(arn, events[-1].id) == ()


def test_the_definition_is_that_of_the_execution(executions: StepFunctionsExecutions, started: Any) -> None:
    assert json.loads(executions.definition(started("defined"))) == DEFINITION


def test_log_lines_come_from_the_functions_log_group(
    executions: StepFunctionsExecutions, connection: FakeConnection, embedded_aws: EmbeddedAws
) -> None:
    connection.logs = embedded_aws.client("logs")
    with pytest.raises(NotFound, match="no log group /aws/lambda/Nobody"):
        executions.log_lines("Nobody", START, START)


def test_a_read_only_context_neither_starts_nor_stops_nor_redrives(
    executions: StepFunctionsExecutions, connection: FakeConnection
) -> None:
    connection.read_only = True
    with pytest.raises(AccessDenied):
        executions.start()
    with pytest.raises(AccessDenied):
        executions.stop("any", "reason")
    with pytest.raises(AccessDenied):
        executions.redrive("any")


def test_links_and_proposals_of_a_run(
    executions: StepFunctionsExecutions, connection: FakeConnection, ledger: Ledger, machine: str
) -> None:
    arn = f"{machine.replace(':stateMachine:', ':execution:')}:run-1"
    assert arn in executions.console_url(arn)
    assert StepFunctionsExecutions(connection, has_console=False).console_url(arn) == ""
    made = proposal(ID)
    ledger.open_proposals(made.execution_name, [made], 7200)
    (found,) = executions.proposals(made.execution_name)
    assert (found.index, found.status) == (0, Status.PROPOSED)


def test_a_proposal_without_a_body_is_named(executions: StepFunctionsExecutions, connection: FakeConnection) -> None:
    item = records.key(run_partition("run-x"), f"{PROPOSAL_PREFIX}{ID}")
    connection.dynamodb.put_item(TableName=connection.resources.table, Item=item)
    with pytest.raises(QlikopsError, match=f"The ledger's {PROPOSAL_PREFIX}{ID} of run-x has no body"):
        executions.proposals("run-x")
