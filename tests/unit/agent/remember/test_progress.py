"""What those who watch a restart are told of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from botocore.exceptions import EndpointConnectionError

from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.remember.progress import ProgressBoard
from qlikops.agent.remember.table import Table
from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.endpoint import EndpointKey, EndpointWait
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import Decision, InboxRow, Outcome, ProposalRecord, Status
from qlikops.domain.runs.run import Progress
from tests.simulation.account import ModelledAws
from tests.unit.agent.fakes import FakeClock, create_table, proposal


def test_what_is_waited_for_stands_on_the_record_and_in_the_inbox_until_it_is_over(clock: FakeClock) -> None:
    database = ModelledAws(clock).client("dynamodb")
    table = Table(database, create_table(database), sleep=clock.sleep)
    ledger, made = Ledger(table, clock), proposal()
    ledger.open_proposals(made.execution_name, [made], 60)
    wait = EndpointWait(EndpointKey("default", "eu-1", "ORA"), clock(), clock() + timedelta(hours=6), "it is down")

    def record() -> ProposalRecord:
        return ledger.record(made.proposal_id).approval

    def said() -> tuple[EndpointWait | None, list[EndpointWait | None]]:
        rows = table.query_index(keys.INBOX_INDEX, keys.INBOX_PARTITION, keys.INBOX_WAITING)
        return record().waits, [codec.loads(InboxRow, str(row[Attribute.ROW])).waits for row in rows]

    ledger.progress.wait(record(), wait)
    assert said() == (None, [])  # it has not been approved
    ledger.begin_restart(made.proposal_id, Decision(approved=True))
    ledger.progress.wait(record(), wait)
    assert said() == (wait, [replace(wait, said="")])
    ledger.progress.wait(record(), None)
    assert said() == (None, [])
    ledger.progress.wait(record(), wait)
    ledger.close(made.proposal_id, Outcome(Status.STILL_DOWN))
    assert said() == (None, [])
    ledger.progress.wait(record(), wait)
    assert said() == (None, [])


def test_what_cannot_be_said_stops_nothing(clock: FakeClock) -> None:
    class Unreachable:
        def __getattr__(self, name: str) -> object:
            raise EndpointConnectionError(endpoint_url=name)

    board = ProgressBoard(Table(Unreachable(), "ledger", sleep=clock.sleep))
    board.say(proposal(), Progress(1, 0, 2))
    board.wait(ProposalRecord(proposal(), Status.RESTARTING, clock()), None)
