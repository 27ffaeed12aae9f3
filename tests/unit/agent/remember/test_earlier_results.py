"""What came of a proposal is counted once, and only what says anything of the evaluator."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qlikops.agent.remember.earlier_results import count
from qlikops.agent.remember.table import Put, Table
from qlikops.domain import ledger as keys
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import Outcome, ProposalRecord, RunCall, Status, TaskOutcome
from tests.simulation.account import ModelledAws
from tests.unit.agent.fakes import create_table
from tests.unit.domain.samples import KEY, NOON, PROPOSAL, WAITING

SENT = TaskOutcome(KEY, Status.FAILED, run_call=RunCall.TAKEN)
RECORD_KEY = {keys.PARTITION: keys.approval_partition(PROPOSAL.proposal_id), keys.SORT: keys.RECORD}


def closed(status: Status, *targets: TaskOutcome) -> ProposalRecord:
    return replace(WAITING, status=status, outcome=Outcome(status, "", targets))


@pytest.mark.parametrize(
    ("record", "counted"),
    [
        (closed(Status.RESTARTED, replace(SENT, status=Status.RESTARTED)), {"tried": 1, "recovered": 1}),
        (closed(Status.FAILED, SENT), {"tried": 1, "recovered": 0}),
        (closed(Status.DENIED), {"denied": 1}),
        (replace(closed(Status.DENIED), evaluation=None), {"denied": 1}),
        (closed(Status.EXPIRED), {}),
    ],
)
def test_an_end_counts_once_however_often_it_is_counted(record: ProposalRecord, counted: dict[str, int]) -> None:
    client = ModelledAws(lambda: NOON).client("dynamodb")
    table = Table(client, create_table(client))
    table.commit(Put({**RECORD_KEY, Attribute.STATUS: record.status}))

    for _ in range(2):
        count(table, record, NOON)

    found = table.query(keys.track_partition(PROPOSAL.counted_as, PROPOSAL.action))
    numbers = (Attribute.TRIED, Attribute.RECOVERED, Attribute.DENIED)
    assert [{name: item[name] for name in numbers if name in item} for item in found] == ([counted] if counted else [])
    said = "rules/approve" if record.evaluation else "/unavailable"
    assert [item[keys.SORT] for item in found] == [said] * bool(counted)
