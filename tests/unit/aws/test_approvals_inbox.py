"""The inbox, claims, outcomes and histories as the agent's ledger writes them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.agent.remember.ledger import Ledger
from qlikops.aws.approvals import LedgerApprovals
from qlikops.domain.encoding import codec
from qlikops.domain.errors import AccessDenied, AlreadyDecided, NotFound, QlikopsError, UsageError
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.diagnosis import Certainty, Diagnosis, FailureClass
from qlikops.domain.fleet.endpoint import EndpointKey, EndpointWait
from qlikops.domain.fleet.task import Action
from qlikops.domain.ports import Approve, Deny
from qlikops.domain.proposals.approval import Claim, Decision, EarlierResults, Outcome, Status, TaskOutcome
from tests.unit.agent.fakes import EVALUATION, ORDERS, START, FakeClock, proposal
from tests.unit.aws.conftest import ANNA, ID, FakeConnection, wait_for_approval

OTHER = "0123ffffffff"


def second(ledger: Ledger, deadline_hours: float) -> None:
    """Another waiting proposal, on another task."""
    ledger.tasks.release(proposal(ID))
    wait_for_approval(ledger, OTHER, START + timedelta(hours=deadline_hours))


def write(connection: FakeConnection, attribute: str, value: str) -> None:
    """As nobody should."""
    connection.dynamodb.update_item(
        TableName=connection.resources.table,
        Key={"pk": {"S": f"APPROVAL#{ID}"}, "sk": {"S": "RECORD"}},
        UpdateExpression="SET #a = :v",
        ExpressionAttributeNames={"#a": attribute},
        ExpressionAttributeValues={":v": {"S": value}},
    )


def wait_for_endpoint(ledger: Ledger) -> EndpointWait:
    """Has the one that waits approved, to wait for its endpoint."""
    wait = EndpointWait(EndpointKey("default", "eu", "ORA"), START, START + timedelta(hours=6))
    ledger.progress.wait(ledger.begin_restart(ID, Decision(approved=True, by=ANNA, at=START)).approval, wait)
    return wait


class Counting:
    """Passes calls on and counts them."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        self.calls += 1
        return getattr(self.client, name)


def test_what_waits_comes_by_deadline_in_one_call(
    ledger: Ledger, connection: FakeConnection, approvals: LedgerApprovals
) -> None:
    wait_for_approval(ledger)
    second(ledger, 1)
    counting = connection.dynamodb = Counting(connection.dynamodb)
    assert [row.approval_id for row in approvals.waiting()] == [OTHER, ID]
    assert counting.calls == 1


@pytest.mark.parametrize(
    ("attribute", "value"), [("row", "{"), ("row", '{"label": 3}'), ("claim", "{"), ("claim", '{"who": "carl"}')]
)
def test_what_cannot_be_read_hides_nothing_that_waits(
    ledger: Ledger, connection: FakeConnection, approvals: LedgerApprovals, attribute: str, value: str
) -> None:
    wait_for_approval(ledger)
    second(ledger, 1)
    before = {row.approval_id: row.deadline for row in approvals.waiting()}
    write(connection, attribute, value)
    rows = approvals.waiting()
    assert {row.approval_id: row.deadline for row in rows} == before
    whole, broken = rows
    assert whole.label
    assert ("cannot be read" in broken.label) == (broken.digest == "") == (attribute == "row")
    assert broken.claim is None


def test_what_is_decided_leaves_the_inbox_and_keeps_its_record(ledger: Ledger, approvals: LedgerApprovals) -> None:
    digest = wait_for_approval(ledger)
    before = approvals.approval(ID)
    assert (before.status, before.digest, before.deadline) == (Status.WAITING, digest, START + timedelta(hours=4))
    ledger.begin_restart(ID, Decision(True, "d", ANNA, START))
    assert approvals.waiting() == []
    assert approvals.approval(ID) == ledger.record(ID).approval


def test_a_prefix_names_one_that_waits_or_none(ledger: Ledger, approvals: LedgerApprovals) -> None:
    wait_for_approval(ledger)
    second(ledger, 1)
    assert approvals.approval("0123f").approval_id == OTHER
    with pytest.raises(UsageError, match="begins several ids"):
        approvals.approval("0123")
    with pytest.raises(NotFound, match="Nothing that waits"):
        approvals.approval("99")
    with pytest.raises(UsageError):
        approvals.approval("")


def test_a_claim_shows_until_it_runs_out(ledger: Ledger, approvals: LedgerApprovals, clock: FakeClock) -> None:
    digest = wait_for_approval(ledger)
    claim = approvals.claim(ID, timedelta(minutes=15))
    assert claim == Claim(ANNA, START + timedelta(minutes=15))
    assert approvals.waiting()[0].claim == approvals.approval(ID).claim == claim
    assert approvals.approval(ID).digest == digest
    clock.now += timedelta(minutes=15)
    assert approvals.waiting()[0].claim is None
    assert approvals.approval(ID).claim is None


def test_a_claim_is_taken_back_by_who_made_it(ledger: Ledger, approvals: LedgerApprovals) -> None:
    wait_for_approval(ledger)
    with pytest.raises(UsageError, match="nothing to release"):
        approvals.release(ID)
    approvals.claim(ID, timedelta(minutes=15))
    approvals.release(ID)
    assert approvals.waiting()[0].claim is None


def test_a_claim_whose_removal_is_sent_twice_is_taken_back(
    ledger: Ledger, connection: FakeConnection, approvals: LedgerApprovals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the SDK does where the first answer was lost."""
    wait_for_approval(ledger)
    approvals.claim(ID, timedelta(minutes=15))
    update = connection.dynamodb.update_item

    def twice(**request: Any) -> Any:
        update(**request)
        return update(**request)

    monkeypatch.setattr(connection.dynamodb, "update_item", twice)
    approvals.release(ID)
    assert approvals.waiting()[0].claim is None


def test_only_what_waits_can_be_claimed(ledger: Ledger, approvals: LedgerApprovals) -> None:
    wait_for_approval(ledger)
    ledger.begin_restart(ID, Decision(True, "d", ANNA, START))
    with pytest.raises(AlreadyDecided, match="anna"):
        approvals.claim(ID, timedelta(minutes=1))
    with pytest.raises(NotFound):
        approvals.claim("f" * 12, timedelta(minutes=1))


def test_no_claim_takes_the_place_of_a_brake(
    ledger: Ledger, connection: FakeConnection, approvals: LedgerApprovals, clock: FakeClock
) -> None:
    wait_for_approval(ledger)
    pulled = Claim(ANNA, START + timedelta(hours=2), brake=True)
    write(connection, "claim", codec.dumps(pulled))
    clock.now += timedelta(hours=3)
    with pytest.raises(UsageError, match="was stopped by anna"):
        approvals.claim(ID, timedelta(minutes=15))
    assert ledger.record(ID).approval.claim == approvals.approval(ID).claim == approvals.waiting()[0].claim == pulled


def test_a_read_only_context_claims_nothing(connection: FakeConnection, approvals: LedgerApprovals) -> None:
    connection.read_only = True
    with pytest.raises(AccessDenied):
        approvals.claim(ID, timedelta(minutes=1))


def test_an_outcome_is_waited_for_until_it_is_final_or_time_is_up(
    ledger: Ledger, approvals: LedgerApprovals, clock: FakeClock
) -> None:
    wait_for_approval(ledger)
    assert approvals.outcome(ID, timedelta(seconds=7)).status is Status.WAITING
    assert clock.now == START + timedelta(seconds=7)
    wait = wait_for_endpoint(ledger)
    assert approvals.outcome(ID, timedelta(seconds=7)).waits == wait
    ledger.close(ID, Outcome(Status.RESTARTED, targets=(TaskOutcome(ORDERS, Status.RESTARTED),)))
    outcome = approvals.outcome(ID, timedelta(seconds=7)).outcome
    assert outcome is not None
    assert outcome.targets[0].key == ORDERS
    assert clock.now == START + timedelta(seconds=7)


def test_a_restart_that_waits_is_in_the_inbox_and_takes_no_answer(
    ledger: Ledger, approvals: LedgerApprovals, connection: FakeConnection
) -> None:
    wait_for_approval(ledger)
    digest = approvals.approval(ID).digest
    wait = wait_for_endpoint(ledger)
    (row,) = approvals.inbox()
    assert (row.approval_id, row.waits, row.digest) == (ID, wait, "")
    assert approvals.waiting() == []
    for request in (Approve(digest), Deny(digest, "no")):
        with pytest.raises(AlreadyDecided, match="anna"):
            approvals.decide(ID[:5], request)
    assert connection.workflow.sent == []


def test_a_restart_that_waits_is_stopped_by_its_brake(ledger: Ledger, approvals: LedgerApprovals) -> None:
    wait_for_approval(ledger)
    with pytest.raises(UsageError, match="does not wait for its endpoint: it is waiting"):
        approvals.stop_waiting(ID)
    wait_for_endpoint(ledger)
    brake = approvals.stop_waiting(ID)
    assert brake.brake
    assert approvals.inbox()[0].claim == ledger.record(ID).approval.claim == brake
    ledger.close(ID, Outcome(Status.NOT_TRIED))
    assert approvals.inbox() == []
    with pytest.raises(UsageError, match="does not wait for its endpoint: it is not_tried"):
        approvals.stop_waiting(ID)


def test_a_tasks_history_is_newest_first(ledger: Ledger, approvals: LedgerApprovals, clock: FakeClock) -> None:
    wait_for_approval(ledger)
    ledger.close(ID, Outcome(Status.DENIED, decision=Decision(False, "d", ANNA, START, "maintenance")))
    clock.now += timedelta(hours=1)
    wait_for_approval(ledger, OTHER)
    ledger.close(OTHER, Outcome(Status.EXPIRED))
    lines = approvals.history(ORDERS)
    assert [(line.approval_id, line.status) for line in lines] == [(OTHER, Status.EXPIRED), (ID, Status.DENIED)]
    assert lines[1].reason == "maintenance"
    assert approvals.history(ORDERS, limit=1) == lines[:1]


def test_the_track_record_counts_what_came_of_one_kind_once(
    ledger: Ledger, approvals: LedgerApprovals, clock: FakeClock
) -> None:
    ends = (Status.RESTARTED, Status.UNVERIFIED, Status.DENIED, Status.EXPIRED, Status.RESTARTED)
    for number, status in enumerate(ends):
        approval_id = f"{number:012x}"
        wait_for_approval(ledger, approval_id)
        for _ in range(2):  # Lambda invokes at least once
            ledger.close(approval_id, Outcome(status))
        clock.now += timedelta(hours=1)
    (record,) = approvals.track_record(AnomalyKind.FATAL_TRANSIENT, Action.RESUME)
    assert record == EarlierResults(EVALUATION.evaluator, EVALUATION.verdict, tried=3, recovered=2, denied=1)
    assert approvals.track_record(AnomalyKind.POSITION_LOST, Action.RELOAD) == []


def test_the_track_record_of_a_known_failure_is_its_own_and_that_of_its_kind_stays_readable(
    ledger: Ledger, approvals: LedgerApprovals
) -> None:
    deadlock = Diagnosis("oracle-deadlock", "oracle", FailureClass.RETRY_NOW, Certainty.KNOWN, "A deadlock.")
    found = {ID: None, OTHER: deadlock, "0" * 12: replace(deadlock, certainty=Certainty.LIKELY)}
    for approval_id, diagnosis in found.items():
        wait_for_approval(ledger, approval_id, diagnosis=diagnosis)
        ledger.close(approval_id, Outcome(Status.RESTARTED))
    (known,) = approvals.track_record("oracle-deadlock", Action.RESUME)
    (of_kind,) = approvals.track_record(AnomalyKind.FATAL_TRANSIENT, Action.RESUME)
    assert (known.recovered, of_kind.recovered) == (1, 2)


def test_a_record_that_cannot_be_read_names_itself(
    ledger: Ledger, connection: FakeConnection, approvals: LedgerApprovals
) -> None:
    wait_for_approval(ledger)
    of_another = codec.dumps(proposal(OTHER))
    for attribute, value in (("proposal", "{"), ("proposal", of_another), ("status", "puzzled")):
        write(connection, attribute, value)
        with pytest.raises(QlikopsError, match=ID):
            approvals.approval(ID)


@pytest.mark.parametrize("typed", [ID, ID[:1], ID[:11], ID.upper(), f" {ID}\n", f"{ID[:6]}…", f"{ID[:6].upper()} "])
def test_an_id_is_found_as_it_is_shown_or_begun(ledger: Ledger, approvals: LedgerApprovals, typed: str) -> None:
    wait_for_approval(ledger)
    assert approvals.approval(typed).approval_id == ID
    assert approvals.claim(typed, timedelta(minutes=1)).by


def test_what_is_known_already_is_not_asked_for(connection: FakeConnection) -> None:
    connection.dynamodb = None
    assert LedgerApprovals(connection, first=tuple).inbox() == ()
