"""A clock, proposals and a ledger table, for every test of the agent's I/O side."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from qlikops.agent.ledger import Ledger
from qlikops.agent.table import Table
from qlikops.domain.anomaly import AnomalyKind, Evidence, Severity
from qlikops.domain.approval import InboxRow
from qlikops.domain.evaluation import ApprovalMode, Evaluation, PolicyResult, Risk, Route, Verdict
from qlikops.domain.proposal import Action, Proposal, Target
from qlikops.domain.task import StopReason, TaskKey, TaskState

START = datetime(2026, 3, 7, 3, 0, tzinfo=UTC)
ARN = "arn:aws:states:eu-west-1:000000000000:execution:QlikMonitoringAgent:run-1"
ORDERS = TaskKey("default", "replicate-eu-1", "orders")
_names: Iterator[int] = itertools.count()


class FakeClock:
    """Stands still until told otherwise; `sleep` passes the time."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def create_table(client: Any) -> str:
    """A fresh table with the ledger's keys and its sparse index."""
    name = f"ledger-{next(_names)}"
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


def create_ledger(client: Any, clock: FakeClock) -> Ledger:
    """A ledger on a fresh table."""
    return Ledger(Table(client, create_table(client), sleep=clock.sleep, rng=lambda: 0.5), clock)


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
        targets=tuple(Target(key, TaskState.ERROR, StopReason.FATAL_ERROR, True) for key in tasks or (ORDERS,)),
        evidence=(Evidence("e1", "message", "ORA-12541: no listener"),),
        created_at=START,
        execution_arn=ARN,
        execution_name="run-1",
    )
    return replace(made, **changes)


def group(size: int, proposal_id: str = "0123456789ab") -> Proposal:
    """One cause, many tasks."""
    keys = (TaskKey("default", "replicate-eu-1", f"task-{index:03}") for index in range(size))
    return proposal(proposal_id, *keys, cause="source ORA-PROD on replicate-eu-1")


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
        label="replicate-eu-1/orders",
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
