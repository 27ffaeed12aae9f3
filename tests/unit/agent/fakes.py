"""A clock, a simulated fleet that lives by it, proposals and a ledger table, for the tests of the agent's I/O side."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import urllib3
from botocore.exceptions import ClientError, EndpointConnectionError

from qlikops.agent.tell.notify import Notifier
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.anomaly import AnomalyKind, Evidence, Severity
from qlikops.domain.fleet.task import Action, StopReason, TaskKey, TaskState
from qlikops.domain.proposals.approval import InboxRow
from qlikops.domain.proposals.evaluation import ApprovalMode, Evaluation, PolicyResult, Risk, Route, Verdict
from qlikops.domain.proposals.proposal import Proposal, ProposedTask
from qlikops.qlik.client import QemClient
from qlikops.qlik.config import QemInstance
from qlikops.qlik.simulator.scenario import Break, Scenario
from qlikops.qlik.simulator.server import AdjustableClock
from qlikops.qlik.transport import make_pool
from tests.scenarios.direct import DirectPool
from tests.scenarios.disturbed import DisturbedFleet
from tests.scenarios.faulty import FaultySimulator
from tests.scenarios.library import build_scenario

START = datetime(2026, 3, 7, 3, 0, tzinfo=UTC)
ARN = "arn:aws:states:eu-west-1:000000000000:execution:QlikMonitoringAgent:run-1"
SERVER = "replicate-1"
ORDERS = TaskKey("default", SERVER, "orders")
_names: Iterator[int] = itertools.count()


PASSWORD = "correct horse"


class FakeClock:
    """Stands still until told otherwise; `sleep` passes the time."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Simulator:
    """A simulated fleet behind a real Enterprise Manager API; it ages by the test's clock."""

    def __init__(self, server: FaultySimulator, *, is_direct: bool = False) -> None:
        """Clients call it over HTTP, or without a connection if it `is_direct`."""
        self.server = server
        self._is_direct = is_direct

    @property
    def instance(self) -> QemInstance:
        """How to reach it."""
        return QemInstance("default", self.server.base_url, "monitor", PASSWORD)

    def client(
        self,
        instance: QemInstance | None = None,
        *,
        around: Callable[[urllib3.PoolManager], urllib3.PoolManager] = lambda pool: pool,
        **options: Any,
    ) -> QemClient:
        """A client whose retries take no time; `around` may stand before its connections."""
        instance = instance or self.instance
        pool = DirectPool(self.server) if self._is_direct else make_pool(instance)
        return QemClient(instance, pool=around(pool), sleep=lambda _: None, **options)

    def task(self, name: str) -> dict[str, Any]:
        """What is true of a task: state, runs, stops."""
        (found,) = (task for task in self.server.fleet.true_state()["tasks"] if task["task"] == name)
        return dict(found)

    def break_task(self, name: str, **how: Any) -> None:
        """Breaks a task now."""
        self.server.fleet.break_now(Break(0, SERVER, name, **how))


@contextlib.contextmanager
def simulated(scenario: str | Scenario, clock: FakeClock, *, is_direct: bool = False) -> Iterator[Simulator]:
    """A running simulator, which is asked over HTTP, or without a connection if it `is_direct`."""
    seconds = AdjustableClock(lambda: clock.now.timestamp())
    story = build_scenario(scenario, 1) if isinstance(scenario, str) else scenario
    fleet = DisturbedFleet(story, seed=1, clock=seconds)
    server = FaultySimulator(fleet, seconds, accounts={"monitor": PASSWORD})
    with contextlib.closing(server.socket) if is_direct else server:
        yield Simulator(server, is_direct=is_direct)


def create_table(client: Any, name: str = "") -> str:
    """A fresh table with the ledger's keys and its sparse index; its name, a new one if none is given."""
    name = name or f"ledger-{next(_names)}"
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
            {"AttributeName": "inbox", "AttributeType": "S"},
            {"AttributeName": "deadline", "AttributeType": "N"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "inbox",
                "KeySchema": [
                    {"AttributeName": "inbox", "KeyType": "HASH"},
                    {"AttributeName": "deadline", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["row", "claim"]},
            }
        ],
    )
    return name


def inbox(client: Any, table: str) -> list[InboxRow]:
    """What waits, as the console reads it."""
    found = client.query(
        TableName=table,
        IndexName="inbox",
        KeyConditionExpression="inbox = :waiting",
        ExpressionAttributeValues={":waiting": {"S": "WAITING"}},
    )["Items"]
    return [codec.loads(InboxRow, item["row"]["S"]) for item in found]


class FakeSns:
    """Keeps what was published; `broken` makes it fail with its `failure`."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.broken = False
        self.failure: Exception = EndpointConnectionError(endpoint_url="https://sns.example.com")

    def publish(self, **message: Any) -> None:
        """Like boto3's."""
        if self.broken:
            raise self.failure
        self.messages.append(message)


class FakeEvents:
    """Keeps what was put; `broken` makes it fail with its `failure`, `refusing` so many calls take one entry only."""

    def __init__(self) -> None:
        self.put: list[dict[str, Any]] = []
        self.broken, self.refusing = False, 0
        self.failure: Exception = EndpointConnectionError(endpoint_url="https://events.example.com")

    @property
    def details(self) -> list[dict[str, Any]]:
        """Of the events."""
        return [json.loads(entry["Detail"]) for entry in self.put]

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's name
        """Like boto3's."""
        if self.broken:
            raise self.failure
        self.refusing -= (is_refusing := self.refusing > 0)
        taken = Entries[:1] if is_refusing else Entries
        self.put += taken
        refused = [{"ErrorCode": "ThrottlingException", "ErrorMessage": ""}] * (len(Entries) - len(taken))
        return {"FailedEntryCount": len(refused), "Entries": [{"EventId": "1"}] * len(taken) + refused}


def notifier(sns: FakeSns | None = None, events: FakeEvents | None = None, **options: Any) -> Notifier:
    """One that tells these fakes."""
    clients = {"sns": sns or FakeSns(), "events": events or FakeEvents()}
    return Notifier(clients.__getitem__, "topic", **options)


class FakeStepFunctions:
    """Knows the status of executions by ARN; others do not exist."""

    def __init__(self) -> None:
        self.statuses: dict[str, str] = {}
        self.asked: list[str] = []
        self.ended: dict[str, str] = {}
        """The tokens whose wait was ended, with the cause."""
        self.broken: Exception | None = None
        """What every call raises."""

    def send_task_failure(self, taskToken: str, error: str, cause: str) -> None:  # noqa: N803 - boto3's names
        """Like boto3's."""
        if self.broken:
            raise self.broken
        if taskToken in self.ended:
            raise ClientError({"Error": {"Code": "TaskTimedOut", "Message": ""}}, "SendTaskFailure")
        assert error == "ProposalSuperseded"
        self.ended[taskToken] = cause

    def describe_execution(self, executionArn: str) -> dict[str, str]:  # noqa: N803 - boto3's name
        """Like boto3's."""
        self.asked.append(executionArn)
        if self.broken:
            raise self.broken
        if executionArn not in self.statuses:
            raise ClientError({"Error": {"Code": "ExecutionDoesNotExist", "Message": ""}}, "DescribeExecution")
        return {"status": self.statuses[executionArn]}


def proposal(proposal_id: str = "0123456789ab", *tasks: TaskKey, **changes: Any) -> Proposal:
    """A resume of broken tasks."""
    made = Proposal(
        proposal_id=proposal_id,
        kind=AnomalyKind.FATAL_TRANSIENT,
        severity=Severity.CRITICAL,
        action=Action.RESUME,
        title="orders: connection lost",
        reason="The source refused connections.",
        cause="",
        targets=tuple(ProposedTask(key, TaskState.ERROR, StopReason.FATAL_ERROR, True) for key in tasks or (ORDERS,)),
        evidence=(Evidence("e1", "message", "ORA-12541: no listener"),),
        created_at=START,
        execution_arn=ARN,
        execution_name="run-1",
    )
    return replace(made, **changes)


def group(size: int, proposal_id: str = "0123456789ab") -> Proposal:
    """One cause, many tasks."""
    keys = (TaskKey("default", SERVER, f"task-{index:03}") for index in range(size))
    return proposal(proposal_id, *keys, cause="source ORA-PROD on replicate-1")


EVALUATION = Evaluation(
    verdict=Verdict.APPROVE,
    risk=Risk.LOW,
    confidence=0.9,
    rationale="A dropped connection; the task can resume.",
    evaluator="rules",
    evaluator_version="1",
    evaluated_at=START,
)
ASK = PolicyResult(route=Route.ASK, mode=ApprovalMode.ALWAYS, reason="A human is always asked.")


def row(proposal_id: str = "0123456789ab", deadline: datetime = START + timedelta(hours=4)) -> InboxRow:
    """A row of the inbox."""
    return InboxRow(
        approval_id=proposal_id,
        label="replicate-1/orders",
        title="orders: connection lost",
        kind="FATAL_TRANSIENT",
        severity="critical",
        action="resume",
        verdict="approve",
        risk="low",
        confidence=0.9,
        evaluator="rules",
        task_count=1,
        requested_at=START,
        deadline=deadline,
        digest="0123456789ab",
        execution_name="run-1",
    )
