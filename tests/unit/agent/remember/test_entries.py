"""What is written beside a record: under which key, and until when DynamoDB keeps it."""

from __future__ import annotations

from datetime import timedelta

from qlikops.agent.remember import entries
from qlikops.agent.remember.table import ABSENT
from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.proposals.approval import Status
from qlikops.domain.runs.run import RunProposal
from tests.unit.domain.samples import NOON, PROPOSAL

ID = PROPOSAL.proposal_id
UNTIL = int((NOON + timedelta(days=90)).timestamp())


def test_each_entry_has_its_key_and_its_end() -> None:
    row = RunProposal(ID, PROPOSAL.label, "k", "a", Status.PROPOSED, NOON)
    event = entries.event(NOON, ID, entries.Step.CLOSED, {"by": "anna"})
    written = (
        event,
        entries.row(NOON, row, "run-1"),
        entries.still_open(NOON, PROPOSAL, Status.PROPOSED),
        entries.abandoned(NOON, ID, "run-2"),
    )
    assert [(put.item[keys.PARTITION], put.item[keys.SORT]) for put in written] == [
        (f"APPROVAL#{ID}", "EVENT#50-closed"),
        ("RUN#run-1", f"PROPOSAL#{ID}"),
        ("OPEN", ID),
        ("RUN#run-2", f"ABANDONED#{ID}"),
    ]
    assert {put.item[keys.TTL] for put in written} == {UNTIL}
    assert event.condition is ABSENT  # a step has one event
    assert codec.loads(RunProposal, str(written[1].item["body"])) == row
    assert entries.record_key(ID) == (f"APPROVAL#{ID}", "RECORD")
