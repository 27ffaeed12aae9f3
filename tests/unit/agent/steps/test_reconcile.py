"""What dead executions leave behind is closed, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError
from botocore.parsers import ResponseParserError

from qlikops.agent.remember.attempts import RestartLimits
from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.remember.record import StoredRecord
from qlikops.agent.remember.run import Run
from qlikops.agent.remember.table import Table
from qlikops.agent.remember.tasks import Stopped
from qlikops.agent.steps.reconcile import ExecutionStates, Reconciler
from qlikops.domain.encoding.codec import format_time
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.ledger import OPEN_PARTITION
from qlikops.domain.proposals.approval import Decision, Outcome, ProposalRecord, Status, TaskOutcome
from qlikops.domain.proposals.proposal import Proposal
from tests.simulation.account import ModelledAws
from tests.unit.agent.fakes import (
    ARN,
    ASK,
    EVALUATION,
    ORDERS,
    START,
    FakeClock,
    FakeStepFunctions,
    group,
    inbox,
    proposal,
    row,
)

ID = "0123456789ab"
OWN = Run(ARN.replace("run-1", "run-2"), "run-2", format_time(START))


@pytest.fixture
def database(clock: FakeClock) -> Any:
    """The model of DynamoDB, which tests/contract holds to the embedded one."""
    return ModelledAws(clock).client("dynamodb")


@pytest.fixture
def states() -> FakeStepFunctions:
    return FakeStepFunctions()


@pytest.fixture
def told() -> list[ProposalRecord]:
    """Whom people may have to hear of."""
    return []


@pytest.fixture
def reconciler(ledger: Ledger, states: FakeStepFunctions, clock: FakeClock, told: list[ProposalRecord]) -> Reconciler:
    return Reconciler(ledger, ExecutionStates(states), clock, OWN, 900, told.append)


def waiting(ledger: Ledger, made: Proposal) -> None:
    ledger.open_proposals(made.execution_name, [made], 7200)
    line = replace(row(made.proposal_id), execution_name=made.execution_name)
    ledger.request(made.proposal_id, "token", line, START, START + timedelta(hours=5))


def as_of_an_older_version(database: Any, table: str) -> None:
    """The record as versions left it that listed nothing under OPEN."""
    listed = {"TableName": table, "Key": {"pk": {"S": OPEN_PARTITION}, "sk": {"S": ID}}}
    database.transact_write_items(TransactItems=[{"Delete": listed}])


def held(ledger: Ledger, *keys: TaskKey) -> list[str]:
    return [lease.proposal_id for lease in ledger.tasks.leases(keys).values()]


def test_one_question_to_step_functions_an_execution(
    ledger: Ledger, reconciler: Reconciler, states: FakeStepFunctions, clock: FakeClock
) -> None:
    for index in range(5):
        waiting(ledger, proposal(f"{index:012x}", TaskKey("default", "s", f"t{index}")))
    states.statuses[ARN] = "RUNNING"
    clock.sleep(600)

    assert reconciler.proposals() == []
    assert reconciler.leases(ledger.tasks.leases([TaskKey("default", "s", "t1")]).values()) != []
    assert states.asked == [ARN]


def test_the_own_execution_is_not_asked_about(
    ledger: Ledger, reconciler: Reconciler, states: FakeStepFunctions, clock: FakeClock
) -> None:
    waiting(ledger, proposal(execution_arn=OWN.execution_arn, execution_name="run-2"))
    clock.sleep(600)

    assert reconciler.proposals() == []
    assert states.asked == []


def test_what_another_state_machine_waits_for_is_left_to_it(
    ledger: Ledger, reconciler: Reconciler, states: FakeStepFunctions, clock: FakeClock
) -> None:
    elsewhere = ARN.replace("QlikMonitoringAgent", "Mine")
    waiting(ledger, proposal(execution_arn=elsewhere))
    states.statuses[elsewhere] = "RUNNING"
    clock.sleep(600)

    assert reconciler.proposals() == []
    assert ledger.record(ID).approval.status is Status.WAITING


def test_an_execution_that_may_not_be_read_counts_as_running(ledger: Ledger, clock: FakeClock) -> None:
    class Forbidden:
        def describe_execution(self, **_: Any) -> dict[str, str]:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "DescribeExecution")

    waiting(ledger, proposal())
    clock.sleep(600)

    assert Reconciler(ledger, ExecutionStates(Forbidden()), clock, OWN, 900, lambda _: None).proposals() == []


def test_what_an_older_version_left_waiting_is_closed(
    ledger: Ledger, database: Any, table: str, reconciler: Reconciler, clock: FakeClock
) -> None:
    waiting(ledger, proposal())
    as_of_an_older_version(database, table)
    clock.sleep(600)

    assert reconciler.proposals() == [ID]
    assert ledger.record(ID).approval.status is Status.ABANDONED
    assert ledger.open() == []


def test_an_older_version_s_restart_that_is_lost_is_closed(
    ledger: Ledger, database: Any, table: str, reconciler: Reconciler, clock: FakeClock
) -> None:
    waiting(ledger, proposal())
    as_of_an_older_version(database, table)
    ledger.begin_restart(ID, Decision(approved=True))
    clock.sleep(3600)

    assert reconciler.proposals() == [ID]
    assert ledger.record(ID).approval.status is Status.ABANDONED


def test_the_leases_of_a_record_that_was_never_written_are_freed(
    ledger: Ledger, reconciler: Reconciler, clock: FakeClock
) -> None:
    large = group(120)
    ledger.tasks.lease(large, START + timedelta(hours=2))
    keys = [target.key for target in large.targets]
    clock.sleep(600)

    assert reconciler.leases(ledger.tasks.leases(keys).values()) == []
    assert held(ledger, *keys) == []


def test_what_is_final_already_only_frees_its_tasks(
    ledger: Ledger, reconciler: Reconciler, clock: FakeClock, told: list[ProposalRecord]
) -> None:
    waiting(ledger, proposal())
    ledger.close(ID, Outcome(Status.EXPIRED))
    ledger.tasks.lease(proposal(), START + timedelta(hours=5))
    clock.sleep(600)

    assert reconciler.leases(ledger.tasks.leases([ORDERS]).values()) == []
    assert ledger.record(ID).approval.status is Status.EXPIRED
    assert held(ledger, ORDERS) == []
    assert told == []


def evaluated(ledger: Ledger) -> None:
    ledger.save_evaluation(ID, EVALUATION, ASK)


def approved(ledger: Ledger) -> None:
    ledger.begin_restart(ID, Decision(approved=True))


def started(ledger: Ledger) -> None:
    ledger.tasks.mark_start(ORDERS, ID, "ERROR (FATAL_ERROR)")


def begun_late(ledger: Ledger) -> None:
    ledger.tasks.hold_all(proposal(), ledger.record(ID).approval.updated_at + timedelta(hours=2))
    started(ledger)


def restarting(ledger: Ledger) -> None:
    waiting(ledger, proposal())
    approved(ledger)


def claimed(ledger: Ledger) -> None:
    restarting(ledger)
    started(ledger)


def verified(ledger: Ledger) -> None:
    claimed(ledger)
    ledger.tasks.finish_restart_claim(ORDERS, ID, TaskOutcome(ORDERS, Status.RESTARTED))


def restarted(ledger: Ledger) -> None:
    verified(ledger)
    ledger.save_result(ID, Outcome(Status.RESTARTED, targets=(TaskOutcome(ORDERS, Status.RESTARTED),)))


STATES: dict[str, tuple[Callable[[Ledger], object], Status, str]] = {
    "opened": (lambda _: None, Status.ABANDONED, "its execution ended without it"),
    "evaluated": (evaluated, Status.ABANDONED, "its execution ended without it"),
    "waiting": (lambda ledger: waiting(ledger, proposal()), Status.ABANDONED, "its execution ended without it"),
    "approved": (restarting, Status.ABANDONED, "its execution ended without it"),
    "claimed": (claimed, Status.UNVERIFIED, "may have been told to run; the restart was interrupted"),
    "verified": (verified, Status.RESTARTED, "its execution ended without it"),
    "restarted": (restarted, Status.RESTARTED, ""),
}


@pytest.mark.parametrize(
    ("stands", "goes_on"),
    [("opened", evaluated), ("evaluated", approved), ("waiting", approved), ("approved", begun_late)],
)
def test_what_goes_on_just_as_it_would_be_closed_is_left_to_the_next_run(
    ledger: Ledger,
    reconciler: Reconciler,
    told: list[ProposalRecord],
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    stands: str,
    goes_on: Callable[[Ledger], object],
) -> None:
    """A function that Lambda invokes hours late, between what a run has read of a proposal and its end of it."""
    ledger.open_proposals("run-1", [proposal()], 7200)
    STATES[stands][0](ledger)
    clock.sleep(3600)
    read = ledger.record

    def right_before_a_late_function(proposal_id: str) -> StoredRecord:
        found = read(proposal_id)
        monkeypatch.undo()
        goes_on(ledger)
        return found

    monkeypatch.setattr(ledger, "record", right_before_a_late_function)
    assert reconciler.proposals() == []
    assert not ledger.record(ID).approval.status.is_final
    assert (held(ledger, ORDERS), told) == ([ID], [])
    clock.sleep(3600)
    assert reconciler.proposals() == [ID]


@pytest.mark.parametrize("status", ["ABORTED", "FAILED", "TIMED_OUT", "SUCCEEDED", None])
@pytest.mark.parametrize(("advance", "expected", "detail"), STATES.values(), ids=STATES)
def test_wherever_an_execution_ended_its_proposal_is_closed_and_said_so(
    ledger: Ledger,
    reconciler: Reconciler,
    told: list[ProposalRecord],
    states: FakeStepFunctions,
    clock: FakeClock,
    database: Any,
    table: str,
    advance: Callable[[Ledger], object],
    expected: Status,
    detail: str,
    status: str | None,
) -> None:
    ledger.open_proposals("run-1", [proposal()], 7200)
    advance(ledger)
    if status:
        states.statuses[ARN] = status
    clock.sleep(1000)

    assert reconciler.proposals() == [ID]

    closed = ledger.record(ID).approval
    assert closed.outcome is not None
    assert (closed.status, closed.outcome.detail[: len(detail)]) == (expected, detail)
    assert held(ledger, ORDERS) == []
    assert inbox(database, table) == []
    assert ledger.open() == []
    assert [line.status for line in ledger.tasks.history(ORDERS)] == [
        closed.outcome.targets[0].status if closed.outcome.targets else expected
    ]
    assert [row.status for row in ledger.runs.proposals("run-1")] == [expected]
    assert [record.approval for record in ledger.records(ledger.runs.abandoned("run-2"))] == [closed]
    assert reconciler.proposals() == []
    assert told == [closed]


@pytest.mark.parametrize("status", ["RUNNING", "PENDING_REDRIVE"])
def test_what_goes_on_is_left(
    ledger: Ledger, reconciler: Reconciler, states: FakeStepFunctions, clock: FakeClock, status: str
) -> None:
    ledger.open_proposals("run-1", [proposal()], 7200)
    states.statuses[ARN] = status
    clock.sleep(7000)

    assert reconciler.proposals() == []
    assert held(ledger, ORDERS) == [ID]


def test_a_function_that_may_still_be_restarting_is_waited_for(
    ledger: Ledger, reconciler: Reconciler, states: FakeStepFunctions, clock: FakeClock
) -> None:
    ledger.open_proposals("run-1", [proposal()], 7200)
    claimed(ledger)
    states.statuses[ARN] = "ABORTED"
    clock.sleep(15 * 60)
    assert reconciler.proposals() == []

    ledger.tasks.lease(proposal(), clock() + timedelta(hours=1))  # another invocation goes on
    clock.sleep(15 * 60)
    assert reconciler.proposals() == []
    assert reconciler.leases(ledger.tasks.leases([ORDERS]).values()) != []

    clock.sleep(60)
    assert reconciler.proposals() == [ID]


def test_a_restart_whose_execution_was_stopped_elsewhere_begins_with_no_further_task(
    ledger: Ledger, reconciler: Reconciler, states: FakeStepFunctions, clock: FakeClock
) -> None:
    stock = TaskKey("default", ORDERS.server, "stock")
    made = replace(proposal(), targets=(*proposal().targets, *proposal("1" * 12, stock).targets))
    ledger.open_proposals("run-1", [made], 7200)
    claimed(ledger)
    states.statuses[ARN] = "ABORTED"
    clock.sleep(180)
    assert reconciler.proposals() == []

    with pytest.raises(Stopped, match=r"stopped: its execution is over \(ABORTED\)"):
        ledger.tasks.mark_start(stock, ID, "ERROR")


def test_a_close_that_died_before_its_tasks_heard_of_it_is_finished(
    ledger: Ledger, reconciler: Reconciler, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.open_proposals("run-1", [proposal()], 7200)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ledger.tasks, "end", killed)
    with pytest.raises(KeyboardInterrupt):
        ledger.close(ID, Outcome(Status.DENIED, decision=Decision(approved=False, by="arn:aws:iam::1:user/anna")))
    monkeypatch.undo()
    clock.sleep(180)

    assert reconciler.proposals() == [ID]

    assert [line.by for line in ledger.tasks.history(ORDERS)] == ["anna"]
    assert held(ledger, ORDERS) == []
    (quiet,) = ledger.tasks.quiet([ORDERS], RestartLimits(3, 900), {}).values()
    assert quiet.words() == "denied, not asked again until 2026-03-07 03:15 UTC by anna"
    assert ledger.records(ledger.runs.abandoned("run-2")) == []


def dies(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(("status", "tellings"), [("ABORTED", 1), ("RUNNING", 0)])
def test_an_end_of_which_its_writer_died_before_telling_is_told_unless_its_own_execution_does(
    ledger: Ledger,
    reconciler: Reconciler,
    states: FakeStepFunctions,
    told: list[ProposalRecord],
    clock: FakeClock,
    status: str,
    tellings: int,
) -> None:
    ledger.open_proposals("run-1", [proposal()], 7200)
    with pytest.raises(KeyboardInterrupt):
        ledger.close(ID, Outcome(Status.FAILED, "refused"), tell=dies)
    states.statuses[ARN] = status
    clock.sleep(600)

    assert reconciler.proposals() == [ID] * tellings

    assert [record.status for record in told] == [Status.FAILED] * tellings
    # Its own execution may die as well before it has told of it.
    assert len(ledger.open()) == 1 - tellings


@pytest.mark.parametrize(
    ("seconds", "error"),
    [
        (60, None),
        (600, EndpointConnectionError(endpoint_url="https://states")),
        (600, ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "DescribeExecution")),
    ],
)
def test_an_end_stays_listed_until_it_is_known_whether_its_own_execution_tells_of_it(
    ledger: Ledger,
    states: FakeStepFunctions,
    told: list[ProposalRecord],
    clock: FakeClock,
    seconds: int,
    error: BotoCoreError | ClientError | None,
) -> None:
    ledger.open_proposals("run-1", [proposal()], 7200)
    with pytest.raises(KeyboardInterrupt):
        ledger.close(ID, Outcome(Status.FAILED, "refused"), tell=dies)
    states.statuses[ARN] = "ABORTED"
    states.broken = error
    clock.sleep(seconds)

    assert Reconciler(ledger, ExecutionStates(states), clock, OWN, 900, told.append).proposals() == []
    assert [line.status for line in ledger.tasks.history(ORDERS)] == [Status.FAILED]  # only the telling waits
    assert held(ledger, ORDERS) == []
    assert told == []

    states.broken = None
    clock.sleep(600)
    assert Reconciler(ledger, ExecutionStates(states), clock, OWN, 900, told.append).proposals() == [ID]
    assert len(told) == 1


def test_leases_of_a_running_execution_without_a_record_are_freed(
    ledger: Ledger, reconciler: Reconciler, states: FakeStepFunctions, clock: FakeClock
) -> None:
    ledger.tasks.lease(proposal(), START + timedelta(hours=2))
    states.statuses[ARN] = "RUNNING"
    clock.sleep(60)
    assert len(reconciler.leases(ledger.tasks.leases([ORDERS]).values())) == 1

    clock.sleep(60)
    assert reconciler.leases(ledger.tasks.leases([ORDERS]).values()) == []
    assert held(ledger, ORDERS) == []


@pytest.mark.parametrize("closed", [False, True])
def test_what_a_newer_version_wrote_is_left_to_it(
    ledger: Ledger, reconciler: Reconciler, clock: FakeClock, database: Any, table: str, closed: bool
) -> None:
    waiting(ledger, proposal())
    if closed:
        database.update_item(
            TableName=table,
            Key={"pk": {"S": "OPEN"}, "sk": {"S": ID}},
            UpdateExpression="SET #s = :s",
            ExpressionAttributeNames={"#s": "status"},
            ExpressionAttributeValues={":s": {"S": "denied"}},
        )
    database.update_item(
        TableName=table,
        Key={"pk": {"S": "APPROVAL#" + ID}, "sk": {"S": "RECORD"}},
        UpdateExpression="SET version = :v",
        ExpressionAttributeValues={":v": {"N": "2"}},
    )
    clock.sleep(600)

    assert reconciler.proposals() == []
    assert len(reconciler.leases(ledger.tasks.leases([ORDERS]).values())) == 1
    assert held(ledger, ORDERS) == [ID]


def test_one_that_cannot_be_closed_stops_no_other(
    ledger: Ledger, reconciler: Reconciler, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [proposal(f"{index:012x}", TaskKey("default", "s", f"t{index}")) for index in range(3)]
    for each in made:
        waiting(ledger, each)
    too_large, *others = (each.proposal_id for each in made)
    close = ledger.close

    def closed(proposal_id: str, *args: Any, **named: Any) -> Any:
        if proposal_id == too_large:
            raise ClientError({"Error": {"Code": "ValidationException", "Message": "Item size"}}, "TransactWriteItems")
        return close(proposal_id, *args, **named)

    monkeypatch.setattr(ledger, "close", closed)
    clock.sleep(600)
    keys = [each.targets[0].key for each in made]
    leases = list(ledger.tasks.leases(keys).values())

    assert reconciler.proposals() == others
    clock.sleep(600)
    assert [lease.proposal_id for lease in reconciler.leases(leases)] == [too_large]
    assert held(ledger, *keys) == [too_large]


REFUSED = ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "SendTaskFailure")
THROTTLED = ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "GetItem")


@pytest.mark.parametrize(
    "no_answer", [EndpointConnectionError(endpoint_url="https://states"), ResponseParserError("not well-formed")]
)
def test_a_wait_is_ended_once_and_nobody_who_does_not_answer_is_asked_again(
    states: FakeStepFunctions, no_answer: Exception
) -> None:
    executions = ExecutionStates(states)
    assert executions.end_wait("first", "runs again")
    assert executions.end_wait("first", "runs again")  # it is over
    assert states.ended == {"first": "runs again"}

    states.broken = REFUSED
    assert not executions.end_wait("second", "runs again")
    states.broken = None
    states.statuses[ARN] = "RUNNING"
    assert executions.status(ARN) == "RUNNING"  # a refusal is an answer

    states.broken = no_answer
    assert not executions.end_wait("second", "runs again")
    states.broken = None
    assert not executions.end_wait("second", "runs again")
    assert executions.status("arn:another") == ""
    assert states.asked == [ARN]


def test_what_is_closed_stays_listed_while_its_wait_cannot_be_ended(
    ledger: Ledger, reconciler: Reconciler, states: FakeStepFunctions, clock: FakeClock
) -> None:
    waiting(ledger, proposal())
    ledger.withdraw(ID, Outcome(Status.SUPERSEDED, "runs again"))
    states.broken = REFUSED
    clock.sleep(600)
    assert reconciler.proposals() == []
    states.broken = None
    assert reconciler.proposals() == [ID]
    assert states.ended == {"token": "runs again"}


def test_a_status_of_a_newer_version_is_left_to_it(
    ledger: Ledger, reconciler: Reconciler, clock: FakeClock, database: Any, table: str
) -> None:
    waiting(ledger, proposal())
    database.update_item(
        TableName=table,
        Key={"pk": {"S": "APPROVAL#" + ID}, "sk": {"S": "RECORD"}},
        UpdateExpression="SET #s = :s",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":s": {"S": "paused"}},
    )
    clock.sleep(600)
    assert reconciler.proposals() == []


def test_what_may_pass_ends_the_run_which_is_tried_again(
    ledger: Ledger, reconciler: Reconciler, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(ledger, proposal())

    def busy(_: str) -> Any:
        raise THROTTLED

    monkeypatch.setattr(ledger, "record", busy)
    clock.sleep(600)
    with pytest.raises(ClientError, match="ThrottlingException"):
        reconciler.proposals()


class Forbidding:
    """DynamoDB that takes nothing off the list of what is open."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **request: Any) -> Any:
        if any(
            each.get("Delete", {}).get("Key", {}).get("pk") == {"S": OPEN_PARTITION}
            for each in request["TransactItems"]
        ):
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "TransactWriteItems")
        return self._client.transact_write_items(**request)


def test_a_run_that_cannot_finish_what_is_closed_tells_of_it_once(
    database: Any, table: str, states: FakeStepFunctions, clock: FakeClock
) -> None:
    """It comes to it by the list of what is open, and by the tasks that it holds."""
    ledger = Ledger(Table(Forbidding(database), table), clock)
    waiting(ledger, proposal())
    states.statuses[ARN] = "ABORTED"
    for _ in range(2):
        clock.sleep(600)
        told: list[ProposalRecord] = []
        reconciler = Reconciler(ledger, ExecutionStates(states), clock, OWN, 900, told.append)

        reconciler.proposals()
        reconciler.leases(ledger.tasks.leases([ORDERS]).values())

        assert [each.status for each in told] == [Status.ABANDONED]
