"""One cause in several proposals: what the first task of one shows, the others need not find out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from qlikops.agent.act.parts import SPEAKS_FOR, WAITED_FOR, Parts, Word
from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.remember.table import Table
from qlikops.domain.approval import Decision, Outcome, RunCall, Status, TaskOutcome
from qlikops.domain.proposal import Proposal
from qlikops.domain.task import TaskKey
from tests.simulation.account import ModelledAws
from tests.unit.agent.fakes import FakeClock, create_table, proposal

IDS = [f"{number:012}" for number in range(3)]


class Cause:
    """Three parts of one cause, and one proposal of another."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        client = ModelledAws(self.clock).client("dynamodb")
        self.ledger = Ledger(Table(client, create_table(client)), self.clock)
        self.parts = [self._part(each, "source ORA-PROD on eu-1") for each in IDS]
        other = self._part("f" * 12, "source ORA-ERP on eu-1")
        assert not self.ledger.open_proposals("run-1", [*self.parts, other], 7200).refused
        self.other = other

    @staticmethod
    def _part(proposal_id: str, cause: str) -> Proposal:
        keys = (TaskKey("default", "eu-1", f"{proposal_id}-{number}") for number in range(2))
        return proposal(proposal_id, *keys, cause=cause)

    def begin(self, part: Proposal) -> TaskKey:
        """Its restart begins, and its first task is claimed."""
        self.ledger.begin_restart(part.proposal_id, Decision(approved=True))
        key = part.targets[0].key
        self.ledger.tasks.mark_start(key, part.proposal_id, "ERROR (FATAL_ERROR)")
        return key

    def settle(self, part: Proposal, *, same_cause: bool) -> None:
        """Its first task is up, or has failed as before."""
        status = Status.FAILED if same_cause else Status.RESTARTED
        key = part.targets[0].key
        result = TaskOutcome(key, status, run_call=RunCall.TAKEN, same_cause=same_cause)
        self.ledger.tasks.finish_restart_claim(key, part.proposal_id, result)

    def words(self) -> Sequence[Word | str]:
        return [Parts(self.ledger, self.clock).word(each) for each in (*self.parts, self.other)]


def test_nothing_begun_says_nothing() -> None:
    assert Cause().words() == [Word.GO_ON] * 4


def test_later_parts_wait_for_the_first_task_of_an_earlier_one() -> None:
    cause = Cause()
    cause.begin(cause.parts[1])
    assert cause.words() == [Word.GO_ON, Word.GO_ON, Word.WAIT, Word.GO_ON]

    cause.settle(cause.parts[1], same_cause=False)
    assert cause.words() == [Word.GO_ON] * 4


def test_nobody_waits_for_ever() -> None:
    cause = Cause()
    cause.begin(cause.parts[0])
    cause.clock.sleep(WAITED_FOR.total_seconds() + 1)
    assert cause.words() == [Word.GO_ON] * 4


@pytest.mark.parametrize("is_closed", [True, False])
def test_one_that_failed_as_before_speaks_for_all_parts_for_a_while(is_closed: bool) -> None:
    cause = Cause()
    key = cause.begin(cause.parts[1])
    cause.settle(cause.parts[1], same_cause=True)
    if is_closed:
        cause.ledger.close(IDS[1], Outcome(Status.FAILED))
    why = f"the cause is still there: {key} failed again"
    assert cause.words() == [why, Word.GO_ON, why, Word.GO_ON]

    cause.clock.sleep(SPEAKS_FOR.total_seconds() + 1)
    assert cause.words() == [Word.GO_ON] * 4


def test_a_part_of_another_run_says_nothing() -> None:
    cause = Cause()
    cause.begin(cause.parts[1])
    cause.settle(cause.parts[1], same_cause=True)
    elsewhere = replace(cause.parts[0], execution_name="run-2", created_at=cause.clock() + timedelta(hours=1))
    assert Parts(cause.ledger, cause.clock).word(elsewhere) is Word.GO_ON
