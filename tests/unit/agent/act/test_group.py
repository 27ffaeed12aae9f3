"""Many tasks behind one cause, from the poll to the report, within DynamoDB's and Step Functions' real limits."""

from __future__ import annotations

import json
import resource
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.agent.act.outcomes import combined
from qlikops.agent.propose.correlation import Correlated, propose
from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.remember.table import Table
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.proposals.approval import Decision, InboxRow, Status, TaskOutcome
from qlikops.domain.proposals.proposal import Proposal, ProposalSummary
from qlikops.domain.runs.report import RunReport
from qlikops.qlik.simulator.library import ORACLE, server, task
from qlikops.qlik.simulator.scenario import Break, Scenario
from tests.scenarios.outages import EndpointDown
from tests.simulation.account import ModelledAws
from tests.unit.agent.fakes import ARN, ASK, EVALUATION, SERVER, START, FakeClock, simulated
from tests.unit.agent.fleet import CONFIG, failed, poll_twice
from tests.unit.agent.machine import Agent, Aws, Json, items

ITEM_BYTES = 400 * 1024
"""DynamoDB: an item's names and values in UTF-8."""
STATE_BYTES = 256 * 1024
"""Step Functions: a state's input or output."""
LAMBDA_BYTES = 256 * 1024 * 1024
"""The memory of the smaller functions."""
TRANSACTION_ITEMS = 100
TRANSACTION_BYTES = 4 * 1024 * 1024
PLAIN = "sales-orders-to-warehouse-{:05}"
LONG = "受注データ倉庫同期" * 12 + "-{:05}"
"""A name of 330 bytes."""


def correlated(size: int, name: str = PLAIN) -> Correlated:
    """What a run proposes where `size` tasks have lost their source."""
    return propose(
        poll_twice(*(failed(name.format(number)) for number in range(size))),
        CONFIG,
        execution_arn=ARN,
        execution_name="run-1",
        now=START,
        blocked={},
    )


@pytest.mark.parametrize(
    ("size", "name", "parts"),
    [
        (2, PLAIN, [2]),
        (100, PLAIN, [100]),
        (400, PLAIN, [400]),
        (500, PLAIN, [500]),
        (501, PLAIN, [250, 251]),
        (1500, PLAIN, [500, 500, 500]),
        (5000, PLAIN, [500] * 10),
        (400, LONG, [200, 200]),
    ],
)
def test_a_cause_is_one_decision_or_as_few_as_the_ledger_can_hold(size: int, name: str, parts: list[int]) -> None:
    made = correlated(size, name)

    assert [len(one.targets) for one in made.proposals] == parts
    keys = [target.key for one in made.proposals for target in one.targets]
    assert len(set(keys)) == size
    assert len({one.proposal_id for one in made.proposals}) == len(parts)
    assert {one.cause for one in made.proposals} == {"source ORA-PROD on eu-1"}
    endings = [f", {part} tasks (part {number} of {len(parts)})" for number, part in enumerate(parts, 1)]
    if len(parts) > 1:
        assert all(any(one.title.endswith(ending) for ending in endings) for one in made.proposals)
    assert (made.deferred, made.left_alone) == (0, ())


def test_parts_over_the_cap_are_deferred_counted_and_named() -> None:
    made = propose(
        poll_twice(*(failed(PLAIN.format(number)) for number in range(1500))),
        replace(CONFIG, max_proposals=2),
        execution_arn=ARN,
        execution_name="run-1",
        now=START,
        blocked={},
    )

    assert (len(made.proposals), made.deferred, len(made.left_alone)) == (2, 1, 500)
    proposed = {target.key for one in made.proposals for target in one.targets}
    assert proposed.isdisjoint(left.key for left in made.left_alone)


def test_what_travels_fits_a_state_however_large_the_groups_are() -> None:
    (large,) = {one.proposal_id: one for one in correlated(200, LONG).proposals}.values()
    card = codec.encode(ProposalSummary.of(large))
    outcome = {"proposal_id": "f" * 12, "status": "already_running", "recorded": True, "detail": "😀" * 500}

    assert len(json.dumps(card)) <= 4096
    assert len(json.dumps({"proposals": [card] * 40, "outcomes": [outcome] * 40}, ensure_ascii=False)) < STATE_BYTES


class Measured:
    """A DynamoDB client that looks at what it is given, and counts, before it passes it on."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        self.calls[name] += 1
        return getattr(self._client, name)

    def transact_write_items(self, **request: Any) -> Any:
        writes = request["TransactItems"]
        assert len(writes) <= TRANSACTION_ITEMS
        assert len(json.dumps(writes, ensure_ascii=False).encode()) <= TRANSACTION_BYTES
        self.calls["transact_write_items"] += 1
        return self._client.transact_write_items(**request)

    def largest_item(self, table: str) -> int:
        """Bytes of the largest item that lies in a table now."""
        pages = self._client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return max(
            sum(len(str(part).encode()) for name, value in item.items() for part in (name, *value.values()))
            for page in pages
            for item in page["Items"]
        )


class MeasuredAws:
    """An AWS with a DynamoDB that is looked at."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self.dynamodb = Measured(aws.client("dynamodb"))

    def client(self, service: str) -> Any:
        """Like boto3's."""
        return self.dynamodb if service == "dynamodb" else self._aws.client(service)


@pytest.fixture
def measured(database: Any) -> Measured:
    return Measured(database)


@pytest.mark.parametrize("name", [PLAIN, LONG])
def test_the_largest_proposal_there_can_be_lives_and_ends_in_the_ledger(
    measured: Measured, table: str, clock: FakeClock, name: str
) -> None:
    ledger = Ledger(Table(measured, table), clock)
    large = max(correlated(500, name).proposals, key=lambda one: len(one.targets))
    wordy = Decision(approved=True, by="界" * 2000, reason="界" * 2000, decision_id="界" * 2000)
    said = "界" * 1000
    ends = [TaskOutcome(target.key, Status.FAILED, said, said[:250], said[:250], 1.5) for target in large.targets]

    assert not ledger.open_proposals("run-1", [large], 7200).refused
    approval = ledger.save_evaluation(large.proposal_id, EVALUATION, ASK).approval
    line = InboxRow.of(approval, START, START + timedelta(hours=4))
    ledger.request(large.proposal_id, "token", line, START, START + timedelta(hours=5))
    ledger.begin_restart(large.proposal_id, wordy)
    result = ledger.save_result(large.proposal_id, combined(ends))
    closed = ledger.close(large.proposal_id, result).approval

    assert measured.largest_item(table) < ITEM_BYTES
    assert closed.outcome is not None
    assert [(end.key, end.status) for end in closed.outcome.targets] == [(end.key, end.status) for end in ends]
    assert closed.outcome.detail == f"{len(ends)} failed"
    assert ledger.tasks.leases(target.key for target in large.targets) == {}
    assert ledger.open() == []


def peak_memory() -> int:
    """Bytes that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def test_fifteen_hundred_tasks_are_three_decisions_each_within_every_limit() -> None:
    names = [f"task-{number:04}" for number in range(1500)]
    scenario = Scenario(
        "dead source",
        (server(SERVER, map(task, names)),),
        tuple(Break(0, SERVER, name, message="ORA-12541: no listener") for name in names),
    )
    clock = FakeClock()
    aws = MeasuredAws(ModelledAws(clock))
    with simulated(scenario, clock, is_direct=True) as simulator:
        here = Agent(aws, simulator, clock)

        def step(calls: int, invoke: Callable[..., Json], *payload: Any) -> Json:
            """What an invocation answers; it called the ledger so often at most, and every item fits."""
            aws.dynamodb.calls.clear()
            made = invoke(*payload)
            assert aws.dynamodb.calls.total() <= calls, aws.dynamodb.calls
            assert aws.dynamodb.largest_item(here.table) < ITEM_BYTES
            return made

        before = peak_memory()
        monitored = step(1500 + 100, here.monitor)
        parts = items(monitored)
        assessed = [step(500 + 20, here.evaluate, part) for part in parts]
        for part in parts:
            step(20, here.request, part)
        assert [waiting.task_count for waiting in here.inbox()] == [500, 500, 500]
        approval = {"approved": True, "digest": assessed[0]["digest"]}
        restarted = step(3 * 500 + 50, here.restart, parts[0], approval)
        ends = [
            {"status": restarted["status"], "result": restarted},
            {"status": "denied", "error": {"Error": "ApprovalDenied", "Cause": "the source is being moved"}},
            {"status": "expired", "error": {"Error": "States.Timeout", "Cause": ""}},
        ]
        recorded = []
        for part, end in zip(parts, ends, strict=True):
            clock.sleep(14400 if end["status"] == "expired" else 0)
            recorded.append(step(30, here.record, part, end))
        reported = {**monitored, "outcomes": recorded}
        assert len(json.dumps(reported)) < STATE_BYTES
        step(10, here.report, reported)
        assert peak_memory() - before < LAMBDA_BYTES / 2
        runs = {each["task"]: each["runs"] for each in simulator.server.fleet.true_state()["tasks"]}

    statuses = [Status.RESTARTED, Status.DENIED, Status.EXPIRED]
    report = codec.loads(RunReport, here.stored("reports/latest.json"))
    assert [one.status for one in report.proposals] == statuses
    assert recorded[0]["detail"] == "500 restarted"
    proposed = [[target.key.task for target in one.proposal.targets] for one in report.proposals]
    assert sorted(name for part in proposed for name in part) == names
    assert {name for name, count in runs.items() if count} == set(proposed[0])
    assert max(runs.values()) == 1
    assert report.left_alone == ()
    assert here.inbox() == []
    assert here.services.ledger.open() == []
    assert here.services.ledger.tasks.leases(TaskKey("default", SERVER, name) for name in names) == {}


@pytest.mark.parametrize(("is_tested", "status", "sent"), [(True, "still_down", 0), (False, "failed", 3)])
def test_behind_a_source_that_stays_down_each_part_is_told_by_a_test_or_sends_one_run_call(
    is_tested: bool, status: str, sent: int
) -> None:
    names = [f"task-{number:04}" for number in range(1001)]  # the fewest that are three parts
    away = EndpointDown(0, SERVER, ORACLE.name, "ORA-12541: no listener", fails_after_seconds=3)
    clock = FakeClock()
    scenario = Scenario("dead source", (server(SERVER, map(task, names)),), (away,))
    with simulated(scenario, clock, is_direct=True) as simulator:
        here = Agent(ModelledAws(clock), simulator, clock, probe_endpoints=is_tested)
        parts = items(here.monitor())
        ends = [here.restart(part, {"approved": True, "digest": here.evaluate(part)["digest"]}) for part in parts]
        calls = simulator.server.fleet.true_state()["calls"]

    assert [end["status"] for end in ends] == [status] * 3
    assert [call["action"] for call in calls] == ["run"] * sent


def test_a_group_that_loses_a_task_to_another_proposal_keeps_none(
    ledger: Ledger,
) -> None:
    (large,) = correlated(400).proposals
    taken = replace(large, proposal_id="f" * 12, targets=large.targets[-1:], execution_name="other")
    assert not ledger.open_proposals("other", [taken], 7200).refused

    refused: tuple[Proposal, ...] = ledger.open_proposals("run-1", [large], 7200).refused

    assert refused == (large,)
    held = ledger.tasks.leases(target.key for target in large.targets)
    assert {key: lease.proposal_id for key, lease in held.items()} == {large.targets[-1].key: "f" * 12}
