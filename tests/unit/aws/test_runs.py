"""What is asked of the ledger about listed executions, and what is known without asking."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.agent.remember.ledger import Ledger
from qlikops.aws import runs
from qlikops.aws.runs import RunSummaries
from qlikops.domain.runs.run import RunSummary
from tests.unit.agent.fakes import START, FakeClock
from tests.unit.aws.conftest import FakeConnection

SECOND = timedelta(seconds=1)
FOUND = RunSummary("arn:a", "a", START, servers=2, tasks=9, anomalies=4, proposals=1)
REPORTED = replace(FOUND, outcomes={"restarted": 1}, finished_at=START + 60 * SECOND)


@dataclass
class Reads:
    """DynamoDB as it is, with what was asked of it by name; `unread` are answered for another time."""

    client: Any
    asked: list[list[str]] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)

    def batch_get_item(self, RequestItems: dict[str, Any]) -> Any:  # noqa: N803 - boto3's name
        ((table, request),) = RequestItems.items()
        keys = {key["pk"]["S"].removeprefix("RUN#"): key for key in request["Keys"]}
        self.asked.append(list(keys))
        left = {"Keys": [key for name, key in keys.items() if name in self.unread]}
        request["Keys"] = [key for name, key in keys.items() if name not in self.unread]
        reply = self.client.batch_get_item(RequestItems={table: request})
        return {**reply, "UnprocessedKeys": {table: left} if left["Keys"] else {}}


def listed(name: str = "a", status: str = "RUNNING", ended: float | None = None, redrives: int = 0) -> Any:
    """As ListExecutions has it; `ended` so many seconds after it began."""
    found = {"executionArn": f"arn:{name}", "name": name, "status": status, "startDate": START}
    stopped = {} if ended is None else {"stopDate": START + ended * SECOND}
    return {**found, **stopped, "redriveCount": redrives}


@pytest.fixture
def reads(connection: FakeConnection) -> Reads:
    counted = Reads(connection.dynamodb)
    connection.dynamodb = counted
    return counted


@pytest.fixture
def known(connection: FakeConnection, reads: Reads, clock: FakeClock) -> RunSummaries:
    assert connection.dynamodb is reads
    return RunSummaries(connection, clock)


def shown(known: RunSummaries, *executions: Any) -> list[RunSummary | None]:
    return list(known.of(executions).values())


def test_a_run_that_finishes_between_two_refreshes_is_read_once_more(
    known: RunSummaries, reads: Reads, ledger: Ledger, clock: FakeClock
) -> None:
    ledger.runs.sum_up(FOUND)
    ledger.runs.complete(replace(REPORTED, execution_arn="arn:b", execution_name="b"))
    other = listed("b", "SUCCEEDED", 60)
    for _ in range(3):
        assert shown(known, listed(), other)[0] == FOUND
        clock.now += 3 * SECOND
    assert reads.asked == [["a", "b"]]
    ledger.runs.complete(REPORTED)
    for _ in range(3):
        assert shown(known, listed(status="SUCCEEDED", ended=61), other)[0] == REPORTED
        clock.now += 3600 * SECOND
    assert reads.asked == [["a", "b"], ["a"]]


def test_a_run_that_has_not_said_what_it_found_is_asked_ever_more_rarely(
    known: RunSummaries, reads: Reads, ledger: Ledger, clock: FakeClock
) -> None:
    for _ in range(200):
        assert shown(known, listed()) == [None]
        clock.now += 3 * SECOND
    assert 2 <= len(reads.asked) <= 8
    ledger.runs.sum_up(FOUND)
    before = len(reads.asked)
    for _ in range(2000):
        shown(known, listed())
        clock.now += 3 * SECOND
    assert shown(known, listed()) == [FOUND]
    assert len(reads.asked) <= before + 1


@pytest.mark.parametrize("late", [FOUND, REPORTED])
def test_what_a_stopped_run_still_writes_is_found(
    late: RunSummary, known: RunSummaries, reads: Reads, ledger: Ledger, clock: FakeClock
) -> None:
    """Stopping an execution stops none of its functions."""
    aborted = listed(status="ABORTED", ended=5)
    clock.now += 7 * SECOND
    assert shown(known, aborted) == [None]
    clock.now += 800 * SECOND
    ledger.runs.complete(late)
    for _ in range(120):
        clock.now += 10 * SECOND
        found = shown(known, aborted)
    assert found == [late]
    before = len(reads.asked)
    clock.now += 86_400 * SECOND
    assert shown(known, aborted) == [late]
    assert len(reads.asked) == before <= 8


def test_a_run_without_anything_in_the_ledger_is_settled_once_nobody_can_write(
    known: RunSummaries, reads: Reads, clock: FakeClock
) -> None:
    clock.now += 86_400 * SECOND
    for _ in range(3):
        assert shown(known, listed(status="FAILED", ended=5)) == [None]
        clock.now += 86_400 * SECOND
    assert reads.asked == [["a"]]


def test_a_redriven_run_is_no_longer_what_its_first_report_said(
    known: RunSummaries, reads: Reads, ledger: Ledger, clock: FakeClock
) -> None:
    clock.now += 3600 * SECOND
    ledger.runs.complete(REPORTED)
    shown(known, listed(status="FAILED", ended=61))
    shown(known, listed(redrives=1))
    again = replace(REPORTED, outcomes={"restarted": 3})
    ledger.runs.complete(again)
    assert shown(known, listed(status="SUCCEEDED", ended=3599, redrives=1)) == [again]
    assert len(reads.asked) == 3
    clock.now += 60 * SECOND
    shown(known, listed(status="SUCCEEDED", ended=3599, redrives=1))
    assert len(reads.asked) == 3


def test_what_could_not_be_read_is_not_taken_for_nothing(known: RunSummaries, reads: Reads, ledger: Ledger) -> None:
    ledger.runs.complete(REPORTED)
    ended = listed(status="SUCCEEDED", ended=61)
    reads.unread = {"a"}
    assert shown(known, ended, listed("b", "FAILED", 61)) == [None, None]
    reads.unread = set()
    assert shown(known, ended) == [REPORTED]


def test_one_that_makes_no_sense_leaves_the_others(
    known: RunSummaries, connection: FakeConnection, ledger: Ledger
) -> None:
    ledger.runs.sum_up(FOUND)
    ledger.runs.complete(replace(FOUND, execution_arn="arn:b", execution_name="b"))
    connection.dynamodb.client.update_item(
        TableName=connection.resources.table,
        Key={"pk": {"S": "RUN#b"}, "sk": {"S": "SUMMARY"}},
        UpdateExpression="SET body = :v",
        ExpressionAttributeValues={":v": {"S": '{"tasks": "nine"}'}},
    )
    assert shown(known, listed("b"), listed()) == [None, FOUND]


def test_what_is_remembered_is_bounded(
    known: RunSummaries, reads: Reads, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "KEPT", 4)
    clock.now += 86_400 * SECOND
    for names in ("ab", "cd", "ab", "ef"):
        shown(known, *(listed(name, "SUCCEEDED", 60) for name in names))
    assert [len(each) for each in reads.asked] == [2, 2, 2]
    shown(known, *(listed(name, "SUCCEEDED", 60) for name in "abcd"))
    assert reads.asked[3:] == [["c", "d"]]
    assert len(known._known) == 4
