"""Asking a person: the record waits first, then people are told; what could not be done is not asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from qlikops.agent.remember.record import StoredRecord
from qlikops.agent.remember.tasks import LeaseLost
from qlikops.agent.steps.asking import ApprovalRequest, ask
from qlikops.agent.tell.event import Event
from qlikops.agent.tell.events import ApprovalRequested
from qlikops.domain.encoding import codec
from qlikops.domain.proposals.approval import InboxRow, Outcome, ProposalRecord, Status
from tests.unit.domain.samples import NOON, WAITING

WIRE = {
    "proposal_id": "0123456789ab",
    "task_token": "a-secret-token",
    "entered_at": "2026-03-07T12:00:00Z",
    "timeout_seconds": 3600,
}
QUESTION = ApprovalRequest("0123456789ab", "a-secret-token", NOON, 3600)


class Asked:
    """Ledger, assessor and notifier of one question; the ledger refuses it with `lost`."""

    def __init__(self, lost: LeaseLost | None = None) -> None:
        self._lost = lost
        self.tokens: list[str] = []
        self.leases: list[datetime] = []
        self.withdrawn: list[Outcome] = []
        self.told: list[Event] = []

    def assess_without_evaluator(self, _: str) -> ProposalRecord:
        return WAITING

    def request(
        self, _: str, token: str, row: InboxRow, at: datetime, lease: datetime, *, attempt: int
    ) -> StoredRecord:
        assert (row.deadline, at, attempt) == (NOON + timedelta(hours=1), NOON, 0)
        self.tokens.append(token)
        self.leases.append(lease)
        if self._lost is not None:
            raise self._lost
        return StoredRecord(WAITING, intact=True)

    def record(self, _: str) -> StoredRecord:
        return StoredRecord(WAITING, intact=True)

    def withdraw(self, _: str, outcome: Outcome) -> None:
        self.withdrawn.append(outcome)

    def tell(self, *events: Event) -> None:
        self.told += events


def put(question: ApprovalRequest, asked: Asked) -> ProposalRecord:
    parts = cast("Any", asked)
    return ask(question, ledger=parts, assessor=parts, notifier=parts, lease_margin_seconds=60, clock=lambda: NOON)


def test_a_question_waits_with_its_tasks_leased_past_the_deadline() -> None:
    asked = Asked()
    assert put(QUESTION, asked) == WAITING
    assert asked.told == [ApprovalRequested.of(WAITING, NOON)]
    assert asked.leases == [NOON + timedelta(hours=1, minutes=1)]


def test_what_another_proposal_holds_is_not_asked() -> None:
    asked = Asked(LeaseLost("sales-orders is another proposal's"))
    with pytest.raises(LeaseLost):
        put(QUESTION, asked)
    assert [outcome.status for outcome in asked.withdrawn] == [Status.SUPERSEDED]
    assert asked.told == []


def test_a_question_shows_no_token() -> None:
    assert "secret" not in repr(QUESTION)
    assert QUESTION.proposal_id in repr(QUESTION)


def test_a_redriven_wait_comes_after_every_attempt_of_before() -> None:
    """AWS does not enter its state anew: the time stays the first one's. And it counts the attempts from 0."""
    before = codec.decode(ApprovalRequest, {**WIRE, "attempt": 67, "redrives": 0})
    redriven = codec.decode(ApprovalRequest, {**WIRE, "attempt": 0, "redrives": 1})
    assert before.turn < redriven.turn < replace(redriven, attempt=1).turn


@pytest.mark.parametrize("said", [{}, {"redrives": None}])
def test_a_definition_or_a_local_step_functions_may_not_count_redrives(said: dict[str, Any]) -> None:
    assert codec.decode(ApprovalRequest, {**WIRE, "attempt": 2, **said}).turn == 2
