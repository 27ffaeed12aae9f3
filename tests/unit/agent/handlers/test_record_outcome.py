"""Every way that a proposal can end in the state machine, as the outcome that closes its record."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from qlikops.agent.handlers.record_outcome import handler, parse_outcome
from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.remember.record import StoredRecord
from qlikops.agent.remember.table import Table
from qlikops.agent.remember.tasks import Stopped, TaskLedger
from qlikops.agent.transient import TransientError
from qlikops.agent.wiring import Services
from qlikops.domain.encoding.codec import CodecError
from qlikops.domain.proposals.approval import Decision, Outcome, ProposalRecord, Status
from qlikops.domain.proposals.callback import APPROVAL_DENIED
from tests.simulation.account import ModelledAws
from tests.unit.agent.fakes import ASK, EVALUATION, ORDERS, FakeClock, create_table, proposal
from tests.unit.domain.samples import NOON, WAITING

ID = "0123456789ab"
LATE = NOON + timedelta(hours=4)
DENIAL = '{"approved": false, "by": "arn:aws:iam::1:user/anna", "reason": "not now"}'
APPROVAL = {"approved": True, "by": "arn:aws:iam::1:user/anna"}


@pytest.fixture(scope="module")
def tasks() -> TaskLedger:
    client = ModelledAws(lambda: NOON).client("dynamodb")
    return TaskLedger(Table(client, create_table(client)), lambda: NOON)


def test_what_is_stored_counts_whatever_was_said(tasks: TaskLedger) -> None:
    stored = Outcome(Status.RESTARTED, "came up")
    assert parse_outcome({}, replace(WAITING, outcome=stored), tasks, NOON) == stored


@pytest.mark.parametrize(
    ("data", "status", "detail"),
    [
        ({"status": "held"}, Status.HELD, WAITING.policy.reason if WAITING.policy else ""),
        ({"status": "denied", "error": {"Error": APPROVAL_DENIED, "Cause": DENIAL}}, Status.DENIED, "not now"),
        ({"status": "denied", "decision": {"approved": False, "reason": "no"}}, Status.DENIED, "no"),
        ({"status": "denied", "decision": "perhaps"}, Status.FAILED, ""),
        ({"status": "expired"}, Status.EXPIRED, "nobody answered in time"),
        ({"status": "failed", "error": "broken"}, Status.FAILED, "the wait ended with an error, not with a decision"),
        ({"status": "failed", "error": "broken", "decision": APPROVAL}, Status.FAILED, "broken"),
        ({"status": "failed", "error": "broken", "decision": "perhaps"}, Status.FAILED, "broken"),
    ],
)
def test_each_end_has_its_status(tasks: TaskLedger, data: dict[str, Any], status: Status, detail: str) -> None:
    outcome = parse_outcome(data, WAITING, tasks, LATE)
    assert outcome.status is status
    assert detail in outcome.detail
    decided = data.get("decision") == APPROVAL or status is Status.DENIED
    assert (outcome.decision is not None) == decided


def test_a_time_out_before_the_deadline_is_nobodys_silence(tasks: TaskLedger) -> None:
    early = parse_outcome({"status": "expired", "error": "States.Timeout"}, WAITING, tasks, NOON)
    assert early.status is Status.FAILED
    assert "before the deadline" in early.detail


def test_what_failed_before_anybody_was_asked_says_what_it_was(tasks: TaskLedger) -> None:
    record = replace(WAITING, status=Status.PROPOSED, policy=None)
    assert parse_outcome({"status": "failed", "error": "broken"}, record, tasks, NOON).detail == "broken"
    assert parse_outcome({"status": "held"}, record, tasks, NOON).detail == "held by policy"


@pytest.mark.parametrize("data", ["held", None, {}, {"status": "restarted"}])
def test_what_is_no_outcome_is_refused(tasks: TaskLedger, data: object) -> None:
    with pytest.raises(CodecError, match=r"\$\.outcome"):
        parse_outcome(data, WAITING, tasks, NOON)


def test_the_record_is_closed_and_people_are_told(tasks: TaskLedger) -> None:
    told: list[ProposalRecord] = []

    def close(_: str, outcome: Outcome, quiet: int, *, as_found: Status, tell: Any) -> StoredRecord:
        assert as_found is Status.WAITING
        closed = replace(WAITING, status=outcome.status, outcome=outcome)
        tell(closed)
        return StoredRecord(closed, intact=quiet == 900)

    ledger = SimpleNamespace(
        record=lambda _: StoredRecord(WAITING, intact=True),
        begin_no_further_task=lambda record, _: record,
        close=close,
        tasks=tasks,
    )
    services = SimpleNamespace(
        ledger=ledger,
        clock=lambda: LATE,
        config=SimpleNamespace(cooldown_seconds=900),
        notifier=SimpleNamespace(closed=told.append),
    )
    event = {"proposal": {"proposal_id": ID}, "outcome": {"status": "expired"}}

    answer = handler(event, None, cast("Services", services))

    assert (answer["status"], answer["recorded"]) == ("expired", True)
    assert [each.status for each in told] == [Status.EXPIRED]


INTERRUPTED = {
    "proposal": {"proposal_id": ID},
    "outcome": {"status": "failed", "error": {"Error": "Runtime.ExitError"}, "decision": APPROVAL},
}


@pytest.fixture
def told() -> list[ProposalRecord]:
    return []


@pytest.fixture
def services(ledger: Ledger, clock: FakeClock, told: list[ProposalRecord]) -> Services:
    ledger.open_proposals("run-1", [proposal()], 7200)
    ledger.save_evaluation(ID, EVALUATION, ASK)
    config, notifier = SimpleNamespace(cooldown_seconds=900), SimpleNamespace(closed=told.append)
    return cast("Services", SimpleNamespace(ledger=ledger, clock=clock, config=config, notifier=notifier))


def test_what_a_late_function_has_started_is_recorded_and_it_starts_nothing_more(
    ledger: Ledger, services: Services, told: list[ProposalRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.begin_restart(ID, Decision(approved=True))
    read = ledger.record

    def right_before_a_start(proposal_id: str) -> StoredRecord:
        found = read(proposal_id)
        monkeypatch.undo()
        ledger.tasks.mark_start(ORDERS, ID, "ERROR (FATAL_ERROR)")
        return found

    monkeypatch.setattr(ledger, "record", right_before_a_start)
    assert handler(INTERRUPTED, None, services)["status"] == "unverified"
    (target,) = told[0].outcome.targets if told[0].outcome else ()
    assert target.was_sent


def test_from_the_moment_in_which_its_end_is_judged_a_restart_starts_nothing(
    ledger: Ledger, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.begin_restart(ID, Decision(approved=True))
    close = ledger.close

    def right_after_a_late_function(*args: Any, **named: Any) -> StoredRecord:
        with pytest.raises(Stopped, match="stopped: the restart was interrupted"):
            ledger.tasks.mark_start(ORDERS, ID, "ERROR (FATAL_ERROR)")
        return close(*args, **named)

    monkeypatch.setattr(ledger, "close", right_after_a_late_function)
    assert handler(INTERRUPTED, None, services)["status"] == "failed"


def test_what_a_late_function_has_begun_meanwhile_is_read_before_the_end_is_recorded(
    ledger: Ledger, services: Services, told: list[ProposalRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    close = ledger.close

    def right_after_it_began(*args: Any, **named: Any) -> StoredRecord:
        monkeypatch.undo()
        ledger.begin_restart(ID, Decision(approved=True))
        ledger.tasks.mark_start(ORDERS, ID, "ERROR (FATAL_ERROR)")
        return close(*args, **named)

    monkeypatch.setattr(ledger, "close", right_after_it_began)
    with pytest.raises(TransientError, match="went on"):
        handler(INTERRUPTED, None, services)
    assert (ledger.record(ID).approval.status, told) == (Status.RESTARTING, [])
    assert handler(INTERRUPTED, None, services)["status"] == "unverified"
