"""What those who watch a restart are told of it."""

from __future__ import annotations

from datetime import timedelta

from botocore.exceptions import EndpointConnectionError

from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.remember.progress import ProgressBoard
from qlikops.agent.remember.table import Table
from qlikops.domain.approval import Decision, Outcome, Status
from qlikops.domain.endpoint import EndpointKey, EndpointWait
from qlikops.domain.run import Progress
from tests.simulation.account import ModelledAws
from tests.unit.agent.fakes import FakeClock, create_table, proposal


def test_what_is_waited_for_stands_on_the_record_until_it_is_over(clock: FakeClock) -> None:
    database = ModelledAws(clock).client("dynamodb")
    ledger, made = Ledger(Table(database, create_table(database), sleep=clock.sleep), clock), proposal()
    ledger.open_proposals(made.execution_name, [made], 60)
    wait = EndpointWait(EndpointKey("default", "eu-1", "ORA"), clock(), clock() + timedelta(hours=6), "it is down")

    ledger.progress.wait(made, wait)
    assert ledger.record(made.proposal_id).approval.waits is None  # it has not been approved
    ledger.begin_restart(made.proposal_id, Decision(approved=True))
    ledger.progress.wait(made, wait)
    assert ledger.record(made.proposal_id).approval.waits == wait
    ledger.progress.wait(made, None)
    assert ledger.record(made.proposal_id).approval.waits is None
    ledger.progress.wait(made, wait)
    ledger.close(made.proposal_id, Outcome(Status.STILL_DOWN))
    assert ledger.record(made.proposal_id).approval.waits is None
    ledger.progress.wait(made, wait)
    assert ledger.record(made.proposal_id).approval.waits is None


def test_what_cannot_be_said_stops_nothing(clock: FakeClock) -> None:
    class Unreachable:
        def __getattr__(self, name: str) -> object:
            raise EndpointConnectionError(endpoint_url=name)

    board = ProgressBoard(Table(Unreachable(), "ledger", sleep=clock.sleep))
    board.say(proposal(), Progress(1, 0, 2))
    board.wait(proposal(), None)
