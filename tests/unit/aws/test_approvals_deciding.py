"""decide(): sent once, and nothing believed but the ledger."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from qlikops.agent.remember.ledger import Ledger
from qlikops.aws.approvals import SETTLE_SECONDS, LedgerApprovals
from qlikops.domain.encoding import codec
from qlikops.domain.errors import (
    AccessDenied,
    AlreadyDecided,
    ApprovalChanged,
    ApprovalExpired,
    ApprovalGone,
    CredentialsProblem,
    DecisionUnknown,
    NotFound,
    Offline,
    QlikopsError,
    RecordTooNew,
    Throttled,
    UsageError,
)
from qlikops.domain.fleet.task import Action
from qlikops.domain.ports import Approve, DecisionReceipt, Deny
from qlikops.domain.proposals.approval import Claim, Decision, Outcome, Status, terms_of
from qlikops.domain.proposals.proposal import Option
from tests.unit.agent.fakes import START, FakeClock, group
from tests.unit.aws.conftest import ANNA, BEN, ID, FakeConnection, Workflow, refusal, timing, wait_for_approval

URL = "https://states.eu-west-1.amazonaws.com"
RESET: list[Exception] = [
    ConnectionClosedError(endpoint_url=URL),
    ReadTimeoutError(endpoint_url=URL),
    ResponseParserError("half a reply"),
    refusal("InternalFailure", 500),
]


@pytest.fixture
def digest(ledger: Ledger) -> str:
    return wait_for_approval(ledger)


def set_attribute(connection: FakeConnection, name: str, value: dict[str, Any]) -> None:
    connection.dynamodb.update_item(
        TableName=connection.resources.table,
        Key={"pk": {"S": f"APPROVAL#{ID}"}, "sk": {"S": "RECORD"}},
        UpdateExpression="SET #a = :v",
        ExpressionAttributeNames={"#a": name},
        ExpressionAttributeValues={":v": value},
    )


def test_an_approval_is_sent_once_and_the_receipt_is_the_ledgers(
    approvals: LedgerApprovals, workflow: Workflow, connection: FakeConnection, digest: str
) -> None:
    receipt = approvals.decide(ID, Approve(digest, "source is back", via="tui", decision_id="d1"))
    assert receipt == DecisionReceipt(
        ID, Decision(True, "d1", ANNA, START, "source is back", digest, "tui"), Status.RESTARTING
    )
    assert workflow.sent == [
        (
            f"token-of-{ID}",
            {
                "approved": True,
                "decision_id": "d1",
                "by": ANNA,
                "at": "2026-03-07T03:00:00.000Z",
                "reason": "source is back",
                "digest": digest,
                "via": "tui",
            },
        )
    ]
    assert connection.senders == ["d1"]


def test_a_denial_carries_reason_and_snooze(approvals: LedgerApprovals, workflow: Workflow, digest: str) -> None:
    receipt = approvals.decide(ID, Deny(digest, "maintenance", timedelta(hours=1)))
    assert receipt.status is Status.DENIED
    assert (receipt.decision.reason, receipt.decision.snooze_seconds) == ("maintenance", 3600)
    assert len(receipt.decision.decision_id) == 16
    assert len(workflow.sent) == 1


def test_what_needs_a_reason_is_not_sent_without_one(
    approvals: LedgerApprovals, workflow: Workflow, digest: str
) -> None:
    with pytest.raises(UsageError, match="denying needs a reason"):
        approvals.decide(ID, Deny(digest, " "))
    assert workflow.sent == []


OPTIONS = (
    Option("resume", Action.RESUME, "restore the log, then resume", ("Restore it.", "Ask the DBA.")),
    Option("reload", Action.RELOAD, "reload the target"),
)


@pytest.mark.parametrize(
    "request_",
    [
        Approve("", "back", option="reload"),
        Approve("", tasks=("replicate-1/task-001",)),
        Approve("", option="resume", checked=("Ask the DBA.",)),
        Approve(
            "", via="tui", option="resume", tasks=("replicate-1/task-000",), checked=("Restore it.", "Ask the DBA.")
        ),
        Approve("", tasks=("replicate-1/task-000", "replicate-1/task-001")),
    ],
    ids=lambda request: f"{request.option or 'first'}, {len(request.tasks) or 'all'} tasks",
)
def test_what_was_chosen_arrives_as_it_was_sent(approvals: LedgerApprovals, ledger: Ledger, request_: Approve) -> None:
    digest = wait_for_approval(ledger, targets=group(2).targets, options=OPTIONS)
    sent = replace(request_, digest=digest, decision_id="d1")
    receipt = approvals.decide(ID, sent)
    assert replace(receipt.decision, by="", at=None) == sent.decision()
    assert receipt.terms == terms_of(sent.decision(), approvals.approval(ID).proposal)


@pytest.mark.parametrize("changes", [{"option": "rewind"}, {"tasks": ("payments",)}, {"tasks": ("",)}])
def test_what_is_not_offered_is_not_sent(
    approvals: LedgerApprovals, workflow: Workflow, digest: str, changes: dict[str, Any]
) -> None:
    with pytest.raises(UsageError, match="Nothing was sent"):
        approvals.decide(ID, Approve(digest, **changes))
    assert workflow.sent == []


def test_a_prefix_of_the_id_will_do(approvals: LedgerApprovals, digest: str) -> None:
    assert approvals.decide(ID[:4], Approve(digest)).approval_id == ID


@pytest.mark.parametrize("reason", ["  ", "x" * 2001])
def test_a_decision_that_makes_no_sense_is_not_sent(
    approvals: LedgerApprovals, workflow: Workflow, digest: str, reason: str
) -> None:
    with pytest.raises(UsageError):
        approvals.decide(ID, Deny(digest, reason))
    assert workflow.sent == []


def test_a_read_only_context_refuses_before_it_reads(approvals: LedgerApprovals, connection: FakeConnection) -> None:
    connection.read_only = True
    with pytest.raises(AccessDenied, match="read-only"):
        approvals.decide(ID, Approve("d"))


def test_another_digest_is_refused_before_anything_is_sent(
    approvals: LedgerApprovals, workflow: Workflow, digest: str
) -> None:
    with pytest.raises(ApprovalChanged, match=digest[:12]):
        approvals.decide(ID, Approve("0" * 64))
    assert workflow.sent == []


def test_a_record_that_was_tampered_with_is_refused(
    approvals: LedgerApprovals, connection: FakeConnection, workflow: Workflow, digest: str
) -> None:
    policy = connection.dynamodb.get_item(
        TableName=connection.resources.table, Key={"pk": {"S": f"APPROVAL#{ID}"}, "sk": {"S": "RECORD"}}
    )["Item"]["policy"]["S"]
    set_attribute(connection, "policy", {"S": policy.replace("always asked", "never asked")})
    with pytest.raises(ApprovalChanged, match="its own digest"):
        approvals.decide(ID, Approve(digest))
    assert workflow.sent == []


def test_more_tasks_than_the_workflow_takes_are_not_sent(
    approvals: LedgerApprovals, ledger: Ledger, workflow: Workflow
) -> None:
    """It would take them for none that is offered, and restart nothing."""
    targets = tuple(
        replace(target, key=replace(target.key, task=target.key.task + "x" * 1_200)) for target in group(35).targets
    )
    digest = wait_for_approval(ledger, targets=targets, options=OPTIONS)
    names = tuple(str(target.key) for target in targets)
    with pytest.raises(UsageError, match="take more room than an answer has"):
        approvals.decide(ID, Approve(digest, tasks=names[1:]))
    assert workflow.sent == []

    approvals.decide(ID, Approve(digest, tasks=names[5:]))
    assert len(workflow.sent) == 1


def test_after_the_deadline_nothing_is_sent(
    approvals: LedgerApprovals, workflow: Workflow, clock: FakeClock, digest: str
) -> None:
    clock.now += timedelta(hours=4)
    with pytest.raises(ApprovalExpired):
        approvals.decide(ID, Approve(digest))
    assert workflow.sent == []


def test_what_is_stopped_is_not_approved_and_may_be_denied(
    approvals: LedgerApprovals, connection: FakeConnection, workflow: Workflow, clock: FakeClock, digest: str
) -> None:
    set_attribute(connection, "claim", {"S": codec.dumps(Claim(BEN, START + timedelta(hours=2), brake=True))})
    clock.now += timedelta(hours=3)
    with pytest.raises(UsageError, match="was stopped by ben"):
        approvals.decide(ID, Approve(digest))
    assert workflow.sent == []

    assert approvals.decide(ID, Deny(digest, "the run was stopped")).status is Status.DENIED


def test_what_is_no_longer_waiting_names_who_decided(
    approvals: LedgerApprovals, ledger: Ledger, workflow: Workflow, digest: str
) -> None:
    ledger.begin_restart(ID, Decision(True, "other", BEN, START))
    with pytest.raises(AlreadyDecided, match=r"approved by ben at 2026-03-07T03:00:00\.000Z") as caught:
        approvals.decide(ID, Deny(digest, "no"))
    assert caught.value.decision is not None
    assert caught.value.decision.by == BEN
    assert workflow.sent == []


@pytest.mark.parametrize(("status", "error"), [(Status.EXPIRED, ApprovalExpired), (Status.ABANDONED, AlreadyDecided)])
def test_what_ended_without_a_decision_says_how(
    approvals: LedgerApprovals, ledger: Ledger, digest: str, status: Status, error: type[QlikopsError]
) -> None:
    ledger.close(ID, Outcome(status))
    with pytest.raises(error):
        approvals.decide(ID, Approve(digest))


def test_an_unknown_approval_is_not_found(approvals: LedgerApprovals) -> None:
    for name in ("ffffffffffff", "ff"):
        with pytest.raises(NotFound):
            approvals.decide(name, Approve("d"))


def remove(client: Any, table: str) -> None:
    client.delete_item(TableName=table, Key={"pk": {"S": f"APPROVAL#{ID}"}, "sk": {"S": "RECORD"}})


def test_one_that_vanished_since_it_was_reviewed_says_so_and_that_nothing_was_sent(
    approvals: LedgerApprovals, connection: FakeConnection, workflow: Workflow, digest: str
) -> None:
    remove(connection.dynamodb, connection.resources.table)
    with pytest.raises(ApprovalGone, match="no record any more") as caught:
        approvals.decide(ID, Approve(digest))
    assert "Nothing was sent" in caught.value.hint
    assert workflow.sent == []


@pytest.mark.parametrize("approved", [True, False])
def test_one_that_vanishes_after_the_send_is_unknown_and_never_said_to_be_unsent(
    connection: FakeConnection, workflow: Workflow, clock: FakeClock, digest: str, approved: bool
) -> None:
    class Cleared:
        """Somebody empties the ledger right after the answer went out."""

        def __init__(self, client: Any) -> None:
            self.client = client

        def get_item(self, **request: Any) -> Any:
            if workflow.sent:
                remove(self.client, connection.resources.table)
            return self.client.get_item(**request)

    connection.dynamodb = Cleared(connection.dynamodb)
    with pytest.raises(DecisionUnknown):
        LedgerApprovals(connection, timing(clock)).decide(ID, (Approve if approved else Deny)(digest, "no"))
    assert len(workflow.sent) == 1


def test_a_record_of_a_newer_version_is_refused(
    approvals: LedgerApprovals, connection: FakeConnection, digest: str
) -> None:
    set_attribute(connection, "version", {"N": "2"})
    with pytest.raises(RecordTooNew):
        approvals.decide(ID, Approve(digest))


def test_a_waiting_record_without_its_token_is_said(
    approvals: LedgerApprovals, connection: FakeConnection, digest: str
) -> None:
    connection.dynamodb.delete_item(
        TableName=connection.resources.table, Key={"pk": {"S": f"TOKEN#{ID}"}, "sk": {"S": "TOKEN"}}
    )
    with pytest.raises(QlikopsError, match="no task token"):
        approvals.decide(ID, Approve(digest))


def test_one_that_is_closed_between_record_and_token_says_who_was_faster(
    connection: FakeConnection, ledger: Ledger, workflow: Workflow, clock: FakeClock, digest: str
) -> None:
    class Overtaken:
        """Somebody denies right after the record was read."""

        def __init__(self, client: Any) -> None:
            self.client = client

        def get_item(self, **request: Any) -> Any:
            reply = self.client.get_item(**request)
            if request["Key"]["sk"]["S"] == "RECORD":
                ledger.close(ID, Outcome(Status.DENIED, decision=Decision(False, "other", BEN, START, "no")))
            return reply

    connection.dynamodb = Overtaken(connection.dynamodb)
    with pytest.raises(AlreadyDecided, match="denied by ben"):
        LedgerApprovals(connection, timing(clock)).decide(ID, Approve(digest))
    assert workflow.sent == []


@pytest.mark.parametrize("lost", RESET, ids=lambda exc: type(exc).__name__)
def test_a_lost_reply_is_settled_by_the_ledger(
    approvals: LedgerApprovals, workflow: Workflow, digest: str, lost: Exception
) -> None:
    workflow.lost_after = lost
    assert approvals.decide(ID, Approve(digest, decision_id="mine")).decision.decision_id == "mine"
    assert len(workflow.sent) == 1


@pytest.mark.parametrize("lost", RESET, ids=lambda exc: type(exc).__name__)
def test_a_request_that_may_have_been_lost_is_unknown_and_never_repeated(
    approvals: LedgerApprovals, workflow: Workflow, clock: FakeClock, digest: str, lost: Exception
) -> None:
    workflow.lost_before = lost
    with pytest.raises(DecisionUnknown, match="was lost"):
        approvals.decide(ID, Approve(digest))
    assert len(workflow.sent) == 1
    assert SETTLE_SECONDS <= (clock.now - START).total_seconds() < SETTLE_SECONDS + 1


def test_what_is_taken_but_not_recorded_is_unknown(approvals: LedgerApprovals, workflow: Workflow, digest: str) -> None:
    workflow.records = False
    with pytest.raises(DecisionUnknown, match="took decision d1"):
        approvals.decide(ID, Approve(digest, decision_id="d1"))


def test_a_decision_recorded_late_is_waited_for(
    connection: FakeConnection, workflow: Workflow, ledger: Ledger, clock: FakeClock, digest: str
) -> None:
    workflow.records = False
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        clock.now += timedelta(seconds=seconds)
        slept.append(seconds)
        if sum(slept) > 5:
            ledger.begin_restart(ID, Decision(True, "mine", ANNA, START))

    slow = LedgerApprovals(connection, replace(timing(clock), sleep=sleep))
    assert slow.decide(ID, Approve(digest, decision_id="mine")).status is Status.RESTARTING
    assert sum(slept) < SETTLE_SECONDS


@pytest.mark.parametrize(
    ("lost", "error"),
    [
        (EndpointConnectionError(endpoint_url=URL), Offline),
        (ConnectTimeoutError(endpoint_url=URL), Offline),
        (NoCredentialsError(), CredentialsProblem),
        (refusal("AccessDeniedException"), AccessDenied),
        (refusal("ThrottlingException"), Throttled),
        (refusal("ExpiredTokenException"), CredentialsProblem),
        (refusal("InvalidOutput"), QlikopsError),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_what_certainly_did_not_go_out_is_said_at_once(
    approvals: LedgerApprovals,
    workflow: Workflow,
    clock: FakeClock,
    digest: str,
    lost: Exception,
    error: type[QlikopsError],
) -> None:
    workflow.lost_before = lost
    with pytest.raises(error) as caught:
        approvals.decide(ID, Approve(digest))
    assert caught.value.__cause__ is lost
    assert clock.now == START


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_a_token_that_is_gone_means_what_the_ledger_says(
    connection: FakeConnection, ledger: Ledger, clock: FakeClock, digest: str, code: str
) -> None:
    class Faster(Workflow):
        def send_task_success(self, **_: str) -> None:
            ledger.begin_restart(ID, Decision(True, "other", BEN, START))
            raise refusal(code)

    connection.workflow = Faster(ledger)
    with pytest.raises(AlreadyDecided, match="approved by ben"):
        LedgerApprovals(connection, timing(clock)).decide(ID, Approve(digest))


def test_a_token_that_timed_out_is_expired_once_the_ledger_says_so(
    connection: FakeConnection, ledger: Ledger, workflow: Workflow, clock: FakeClock, digest: str
) -> None:
    workflow.lost_before = refusal("TaskTimedOut")

    def sleep(seconds: float) -> None:
        clock.now += timedelta(seconds=seconds)
        ledger.close(ID, Outcome(Status.EXPIRED))

    late = LedgerApprovals(connection, replace(timing(clock), sleep=sleep))
    with pytest.raises(ApprovalExpired):
        late.decide(ID, Approve(digest))


def test_a_token_that_is_gone_for_no_known_reason_is_unknown(
    approvals: LedgerApprovals, workflow: Workflow, digest: str
) -> None:
    workflow.lost_before = refusal("TaskDoesNotExist")
    with pytest.raises(DecisionUnknown, match="came too late"):
        approvals.decide(ID, Approve(digest))


Reading = Callable[[dict[str, Any]], dict[str, Any]]
"""What becomes of a true reply of GetItem on its way."""


def raises(exc: Exception) -> Reading:
    def fail(_: dict[str, Any]) -> dict[str, Any]:
        raise exc

    return fail


def with_attribute(name: str, value: dict[str, str]) -> Reading:
    return lambda reply: {**reply, "Item": {**reply["Item"], name: value}}


NO_READINGS: dict[str, Reading] = {
    "no network": raises(EndpointConnectionError(endpoint_url=URL)),
    "a proxy's page": raises(refusal("403", 403)),
    "access denied": raises(refusal("AccessDeniedException")),
    "validation": raises(refusal("ValidationException")),
    "expired token": raises(refusal("ExpiredTokenException", 403)),
    "no credentials": raises(NoCredentialsError()),
    "half a reply": raises(ResponseParserError("half")),
    "no UTF-8": raises(UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "invalid")),
    "a bug": raises(KeyError("Items")),
    "no record": lambda _: {},
    "an empty page as JSON": lambda _: {"message": "<html>"},
    "a list": lambda _: {"Item": []},
    "an item of another shape": lambda _: {"Item": {"pk": "APPROVAL", "status": {"S": "waiting"}}},
    "a newer version": with_attribute("version", {"N": "99"}),
    "a version that is none": with_attribute("version", {"N": "two"}),
    "a proposal that is none": with_attribute("proposal", {"S": "[]"}),
    "a decision that is none": with_attribute("decision", {"S": "{"}),
}
each_no_reading = pytest.mark.parametrize("reading", NO_READINGS.values(), ids=NO_READINGS.keys())


class Between:
    """DynamoDB with somebody in between: after the send `reading` befalls each reply until `until`."""

    def __init__(self, connection: FakeConnection, reading: Reading, until: Callable[[], bool] = lambda: False) -> None:
        self._client = connection.dynamodb
        self._workflow = connection.workflow
        self._reading = reading
        self._until = until

    def get_item(self, **request: Any) -> Any:
        reply = self._client.get_item(**request)
        return self._reading(reply) if self._workflow.sent and not self._until() else reply


@each_no_reading
@pytest.mark.parametrize("approved", [True, False], ids=["approve", "deny"])
def test_after_the_send_a_reading_that_is_none_says_nothing_but_not_known(
    connection: FakeConnection, clock: FakeClock, digest: str, reading: Reading, approved: bool
) -> None:
    between = replace(connection, dynamodb=Between(connection, reading))
    with pytest.raises(DecisionUnknown, match="could not be read"):
        LedgerApprovals(between, timing(clock)).decide(ID, (Approve if approved else Deny)(digest, "because"))
    assert len(connection.workflow.sent) == 1
    assert (clock.now - START).total_seconds() >= SETTLE_SECONDS


@each_no_reading
def test_after_the_send_it_is_asked_again_until_a_reading_says_it(
    connection: FakeConnection, clock: FakeClock, digest: str, reading: Reading
) -> None:
    between = Between(connection, reading, until=lambda: (clock.now - START).total_seconds() > SETTLE_SECONDS / 2)
    receipt = LedgerApprovals(replace(connection, dynamodb=between), timing(clock)).decide(
        ID, Approve(digest, decision_id="mine")
    )
    assert (receipt.decision.decision_id, receipt.status) == ("mine", Status.RESTARTING)
    assert len(connection.workflow.sent) == 1


@each_no_reading
@pytest.mark.usefixtures("digest")
def test_an_outcome_is_asked_for_until_a_reading_says_it(
    connection: FakeConnection, clock: FakeClock, ledger: Ledger, reading: Reading
) -> None:
    connection.workflow.sent.append(("token", {}))
    ledger.close(ID, Outcome(Status.EXPIRED))
    started = clock.now
    between = Between(connection, reading, until=lambda: (clock.now - started).total_seconds() > 60)
    approvals = LedgerApprovals(replace(connection, dynamodb=between), timing(clock))
    assert approvals.outcome(ID, timedelta(minutes=5)).status is Status.EXPIRED


@pytest.mark.parametrize(
    "lost",
    [KeyError("x"), UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "invalid"), refusal("403", 403), refusal("", 400)],
)
def test_what_nobody_knows_of_the_send_is_settled_by_the_ledger(
    approvals: LedgerApprovals, workflow: Workflow, digest: str, lost: Exception
) -> None:
    workflow.lost_after = lost
    assert approvals.decide(ID, Approve(digest, decision_id="mine")).decision.decision_id == "mine"


@pytest.mark.parametrize("accepts_twice", [False, True], ids=["one answer a token", "two answers in the window"])
@pytest.mark.parametrize("second_approves", [True, False], ids=["approve and approve", "approve and deny"])
def test_two_deciders_at_once_one_wins_and_the_other_learns_who(
    connection: FakeConnection, workflow: Workflow, digest: str, accepts_twice: bool, second_approves: bool
) -> None:
    workflow.accepts_twice = accepts_twice
    workflow.both = threading.Barrier(2)

    def decide(who: str, approved: bool) -> DecisionReceipt | AlreadyDecided:
        role = LedgerApprovals(replace(connection, who=who), timing(FakeClock()))
        try:
            return role.decide(ID, (Approve if approved else Deny)(digest, "because"))
        except AlreadyDecided as exc:
            return exc

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(decide, (ANNA, BEN), (True, second_approves)))
    (receipt,) = (answer for answer in answers if isinstance(answer, DecisionReceipt))
    (loser,) = (answer for answer in answers if isinstance(answer, AlreadyDecided))
    assert loser.decision == receipt.decision
    assert receipt.decision.who() in loser.message
    assert len(workflow.sent) == 2


def test_an_outcome_that_could_not_be_read_to_the_end_is_an_error(approvals: LedgerApprovals) -> None:
    with pytest.raises(NotFound):
        approvals.outcome("ffffffffffff", timedelta(seconds=30))
