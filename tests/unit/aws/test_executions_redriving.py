"""Redriving, and what is said where AWS's reply was lost: against AWS's own service model, since the embedded AWS has
no redrive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.stub import Stubber

from qlikops.agent.remember.ledger import Ledger
from qlikops.aws.executions import PAGE_SIZE, StepFunctionsExecutions
from qlikops.domain.errors import AccessDenied, DecisionUnknown, QlikopsError, UsageError
from qlikops.domain.proposals.approval import Outcome, Status
from qlikops.domain.workflow.execution import ExecutionStatus, RunSummary
from tests.embedded import REGION
from tests.unit.agent.fakes import START, proposal
from tests.unit.aws.conftest import ID, MACHINE, FakeConnection

NAME = "run-1"
ARN = f"{MACHINE.replace(':stateMachine:', ':execution:')}:{NAME}"
NOTHING_CAME_BACK = ReadTimeoutError(endpoint_url="https://states.test")

Reply = dict[str, Any]


def description(status: str = "FAILED", redrives: int = 0, ended: datetime = START - timedelta(hours=1)) -> Reply:
    reply = {
        "executionArn": ARN,
        "stateMachineArn": MACHINE,
        "name": NAME,
        "status": status,
        "startDate": ended - timedelta(minutes=5),
        "redriveCount": redrives,
        "redriveStatus": "REDRIVABLE" if status != "RUNNING" else "NOT_REDRIVABLE",
    }
    return reply if status == "RUNNING" else {**reply, "stopDate": ended}


class Aws:
    """Step Functions by its service model; each call must be the next one expected."""

    def __init__(self, client: Any, stub: Stubber, monkeypatch: pytest.MonkeyPatch) -> None:
        self._stub = stub
        self._client = client
        self._monkeypatch = monkeypatch

    def describes(self, *replies: Reply) -> None:
        for reply in replies:
            self._stub.add_response("describe_execution", reply, {"executionArn": ARN})

    def has_history(self, *events: Reply) -> None:
        self._stub.add_response(
            "get_execution_history",
            {"events": list(reversed(events))},
            {"executionArn": ARN, "reverseOrder": True, "maxResults": 1000},
        )

    def lists(self, status: str, token: str) -> None:
        expected = {"stateMachineArn": MACHINE, "maxResults": PAGE_SIZE, "statusFilter": status, "nextToken": token}
        self._stub.add_response("list_executions", {"executions": []}, expected)

    def redrives(self) -> None:
        self._stub.add_response("redrive_execution", {"redriveDate": START})

    def refuses(self, operation: str, code: str, *, earlier: int = 0) -> None:
        """After so many tries of the SDK's before."""
        self._stub.add_client_error(operation, code, f"{code} said", 400, response_meta={"RetryAttempts": earlier})

    def loses(self, operation: str) -> None:
        """Its reply does not come back."""

        def lost(**_: Any) -> None:
            raise NOTHING_CAME_BACK

        self._monkeypatch.setattr(self._client, operation, lost)

    def has_heard_everything(self) -> None:
        self._stub.assert_no_pending_responses()


@pytest.fixture
def aws(connection: FakeConnection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    connection.stepfunctions = boto3.client(
        "stepfunctions", region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
    )
    with Stubber(connection.stepfunctions) as stub:
        aws = Aws(connection.stepfunctions, stub, monkeypatch)
        yield aws
        aws.has_heard_everything()


@pytest.fixture
def executions(connection: FakeConnection) -> StepFunctionsExecutions:
    connection.resources = replace(connection.resources, state_machine_arn=MACHINE)
    return StepFunctionsExecutions(connection, lambda: START)


def entered(kind: str, name: str) -> Reply:
    details = {"name": name}
    return {"id": 1, "timestamp": START, "type": f"{kind}StateEntered", "stateEnteredEventDetails": details}


def test_what_failed_at_the_report_is_redriven(executions: StepFunctionsExecutions, aws: Aws) -> None:
    aws.describes(description())
    aws.has_history(entered("Task", "GenerateReport"))
    aws.redrives()
    assert executions.redrive(NAME).status is ExecutionStatus.RUNNING


def test_what_has_an_open_proposal_is_not(executions: StepFunctionsExecutions, aws: Aws, ledger: Ledger) -> None:
    ledger.open_proposals(NAME, [proposal(ID)], 7200)
    aws.describes(description())
    aws.has_history(entered("Task", "GenerateReport"))
    with pytest.raises(UsageError, match=r"still open: .*proposed"):
        executions.redrive(NAME)


def test_once_its_proposals_are_closed_it_is(executions: StepFunctionsExecutions, aws: Aws, ledger: Ledger) -> None:
    ledger.open_proposals(NAME, [proposal(ID)], 7200)
    ledger.close(ID, Outcome(Status.ABANDONED, "its execution ended without it"))
    aws.describes(description())
    aws.has_history(entered("Map", "ProcessProposals"))
    aws.redrives()
    assert executions.redrive(NAME).name == NAME


def test_a_lost_reply_to_a_redrive_that_happened_is_a_success(executions: StepFunctionsExecutions, aws: Aws) -> None:
    aws.describes(description())
    aws.has_history()
    aws.loses("redrive_execution")
    aws.describes(description("RUNNING", redrives=1))
    assert executions.redrive(NAME).status is ExecutionStatus.RUNNING


Act = Callable[[StepFunctionsExecutions], object]


def prepared_redrive(aws: Aws) -> Act:
    aws.describes(description())
    aws.has_history()
    return lambda executions: executions.redrive(NAME)


def prepared_stop(aws: Aws) -> Act:
    aws.describes(description("RUNNING"))
    return lambda executions: executions.stop(NAME, "maintenance")


@pytest.mark.parametrize(
    ("prepared", "operation", "unchanged"),
    [
        (prepared_redrive, "redrive_execution", description()),
        (prepared_stop, "stop_execution", description("RUNNING")),
    ],
)
def test_a_lost_reply_is_not_taken_for_an_answer(
    executions: StepFunctionsExecutions, aws: Aws, prepared: Callable[[Aws], Act], operation: str, unchanged: Reply
) -> None:
    act = prepared(aws)
    aws.loses(operation)
    aws.describes(unchanged)
    with pytest.raises(DecisionUnknown, match="not known yet"):
        act(executions)


@pytest.mark.parametrize(
    ("prepared", "operation", "status"),
    [(prepared_redrive, "redrive_execution", "RUNNING"), (prepared_stop, "stop_execution", "ABORTED")],
)
def test_what_is_refused_after_an_earlier_try_is_looked_for(
    executions: StepFunctionsExecutions, aws: Aws, prepared: Callable[[Aws], Act], operation: str, status: str
) -> None:
    act = prepared(aws)
    aws.refuses(operation, "ExpiredTokenException", earlier=1)
    aws.describes({**description(status), "redriveCount": 1})
    assert act(executions).status is ExecutionStatus(status)  # type: ignore[attr-defined]


def test_a_stop_whose_reply_was_lost_is_found_again(executions: StepFunctionsExecutions, aws: Aws) -> None:
    act = prepared_stop(aws)
    aws.loses("stop_execution")
    aws.describes(description("ABORTED"))
    assert act(executions).status is ExecutionStatus.ABORTED  # type: ignore[attr-defined]


@pytest.mark.parametrize("refusal", ["", "ExecutionAlreadyExists", "AccessDeniedException"])
def test_a_start_whose_reply_was_lost_is_found_again_by_its_name(
    executions: StepFunctionsExecutions,
    aws: Aws,
    connection: FakeConnection,
    monkeypatch: pytest.MonkeyPatch,
    refusal: str,
) -> None:
    """Or the SDK has repeated the call: when the run was over, or as the caller might do nothing any more."""
    if refusal:
        aws.refuses("start_execution", refusal, earlier=1)
    else:
        aws.loses("start_execution")
    named: list[str] = []

    def describe(executionArn: str) -> Reply:  # noqa: N803 - boto3's name
        named.append(executionArn)
        return {**description("SUCCEEDED" if refusal else "RUNNING"), "name": executionArn.rpartition(":")[2]}

    monkeypatch.setattr(connection.stepfunctions, "describe_execution", describe)
    assert executions.start().name == named[0].rpartition(":")[2]


@pytest.mark.parametrize("look", ["ExecutionDoesNotExist", "ValidationException"])
def test_of_a_start_that_was_refused_after_an_earlier_try_it_is_said_what_aws_said(
    executions: StepFunctionsExecutions, aws: Aws, look: str
) -> None:
    aws.refuses("start_execution", "ExpiredTokenException", earlier=1)
    aws.refuses("describe_execution", look)
    with pytest.raises(DecisionUnknown, match=r"ExpiredTokenException said.*\. An earlier try may"):
        executions.start()


def test_a_start_that_is_refused_at_once_was_not_sent_before(executions: StepFunctionsExecutions, aws: Aws) -> None:
    aws.refuses("start_execution", "AccessDeniedException")
    with pytest.raises(AccessDenied):
        executions.start()


@pytest.mark.parametrize(
    ("code", "error"), [("AccessDeniedException", AccessDenied), ("ExecutionNotRedrivable", QlikopsError)]
)
def test_a_refusal_is_final(
    executions: StepFunctionsExecutions, aws: Aws, code: str, error: type[QlikopsError]
) -> None:
    aws.describes(description())
    aws.has_history()
    aws.refuses("redrive_execution", code)
    with pytest.raises(error, match=code) as raised:
        executions.redrive(NAME)
    assert not isinstance(raised.value, DecisionUnknown)


def test_what_cannot_be_read_after_a_lost_reply_leaves_it_open(executions: StepFunctionsExecutions, aws: Aws) -> None:
    act = prepared_stop(aws)
    aws.loses("stop_execution")
    aws.refuses("describe_execution", "ExecutionDoesNotExist")
    with pytest.raises(DecisionUnknown):
        act(executions)


def test_an_execution_outlives_its_history(executions: StepFunctionsExecutions, aws: Aws, ledger: Ledger) -> None:
    ledger.runs.sum_up(RunSummary(ARN, NAME, START, tasks=3))
    aws.describes(description())
    aws.refuses("get_execution_history", "ExecutionDoesNotExist")
    detail = executions.detail(NAME)
    assert detail.history is None
    assert detail.summary.run is not None
    assert detail.summary.run.tasks == 3


def test_another_page_is_asked_for_by_its_token(executions: StepFunctionsExecutions, aws: Aws) -> None:
    aws.lists("FAILED", "more")
    assert executions.page(ExecutionStatus.FAILED, "more").executions == ()
