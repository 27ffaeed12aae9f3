"""The operator's side against a real DynamoDB and the agent's own ledger; only the callback is a fake."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.remember.table import Table
from qlikops.aws.approvals import LedgerApprovals, Timing
from qlikops.aws.session import Resources
from qlikops.domain.proposals.approval import Outcome, Status
from qlikops.domain.proposals.callback import parse_decision, parse_denial
from tests.embedded import ACCOUNT, REGION, EmbeddedAws
from tests.unit.agent.fakes import ASK, EVALUATION, START, FakeClock, create_table, proposal, row

ID = "0123456789ab"
ANNA = "arn:aws:sts::111111111111:assumed-role/OnCall/anna"
BEN = "arn:aws:sts::111111111111:assumed-role/OnCall/ben"
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:QlikMonitoringAgent"


def refusal(code: str, status: int = 400) -> ClientError:
    """The error that boto3 raises for this reply."""
    return ClientError(
        {"Error": {"Code": code, "Message": f"{code} said"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "SendTaskSuccess",
    )


class Workflow:
    """Step Functions' callbacks with the state machine behind them: tokens are good for one answer."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.used: set[str] = set()
        self.accepts_twice = False
        self.lost_before: Exception | None = None
        """Raised instead of taking the answer."""
        self.lost_after: Exception | None = None
        """Raised after the answer was taken."""
        self.records = True
        """Whether the decision gets into the ledger."""
        self.both = threading.Barrier(1)

    def send_task_success(self, *, taskToken: str, output: str) -> None:  # noqa: N803 - boto3's names
        decision = parse_decision(json.loads(output))
        self._answer(taskToken, json.loads(output), lambda name: self._ledger.begin_restart(name, decision))

    def send_task_failure(self, *, taskToken: str, error: str, cause: str) -> None:  # noqa: N803
        outcome = Outcome(Status.DENIED, decision=parse_denial(error, cause))
        self._answer(taskToken, json.loads(cause), lambda name: self._ledger.close(name, outcome))

    def _answer(self, token: str, payload: dict[str, Any], take: Callable[[str], object]) -> None:
        self.both.wait(60)
        with self._lock:
            self.sent.append((token, payload))
            if self.lost_before is not None:
                raise self.lost_before
            if token in self.used and not self.accepts_twice:
                raise refusal("TaskTimedOut")
            self.used.add(token)
            if self.records:
                take(token.removeprefix("token-of-"))
            if self.lost_after is not None:
                raise self.lost_after


@dataclass
class FakeConnection:
    """A connection to the embedded AWS whose callbacks go to `workflow`."""

    dynamodb: Any
    resources: Resources
    workflow: Workflow
    stepfunctions: Any = None
    s3: Any = None
    scheduler: Any = None
    logs: Any = None
    read_only: bool = False
    who: str = ANNA
    senders: list[str] = field(default_factory=list)

    def sender(self, decision_id: str) -> Any:
        self.senders.append(decision_id)
        return self.workflow

    def caller(self) -> str:
        return self.who


def timing(clock: FakeClock) -> Timing:
    """Time that passes only in sleeps."""
    return Timing(now=clock, monotonic=lambda: (clock.now - START).total_seconds(), sleep=clock.sleep)


def wait_for_approval(ledger: Ledger, approval_id: str = ID, deadline: datetime | None = None, **changes: Any) -> str:
    """Brings a proposal into the inbox as the workflow does; returns its digest."""
    made = proposal(approval_id, **changes)
    (opened,) = ledger.open_proposals(made.execution_name, [made], 7200).proposals[-1:]
    record = ledger.save_evaluation(opened.proposal_id, EVALUATION, ASK)
    waiting = row(approval_id) if deadline is None else row(approval_id, deadline)
    ledger.request(approval_id, f"token-of-{approval_id}", waiting, START, waiting.deadline)
    return record.approval.digest


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def table(embedded_aws: EmbeddedAws) -> str:
    return create_table(embedded_aws.client("dynamodb"))


@pytest.fixture
def ledger(embedded_aws: EmbeddedAws, table: str, clock: FakeClock) -> Ledger:
    return Ledger(Table(embedded_aws.client("dynamodb"), table, sleep=clock.sleep, rng=lambda: 0.5), clock)


@pytest.fixture
def workflow(ledger: Ledger) -> Workflow:
    return Workflow(ledger)


@pytest.fixture
def connection(embedded_aws: EmbeddedAws, table: str, workflow: Workflow) -> FakeConnection:
    return FakeConnection(embedded_aws.client("dynamodb"), Resources(MACHINE, table, "data"), workflow)


@pytest.fixture
def approvals(connection: FakeConnection, clock: FakeClock) -> LedgerApprovals:
    return LedgerApprovals(connection, timing(clock))
