"""What the ledger keeps of a run: its summary, its proposals in turn, and what it closed for others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qlikops.agent.remember import entries
from qlikops.agent.remember.runs import RunLedger
from qlikops.agent.remember.table import Item, Table
from qlikops.domain.encoding import codec
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import Outcome, Status, TaskOutcome
from qlikops.domain.runs.run import RunProposal, RunSummary
from tests.simulation.account import ModelledAws
from tests.unit.agent.fakes import create_table
from tests.unit.domain.samples import KEY, NOON, PROPOSAL, WAITING

RUN = PROPOSAL.execution_name
ROW = RunProposal(
    PROPOSAL.proposal_id,
    PROPOSAL.label,
    PROPOSAL.kind,
    PROPOSAL.action,
    status=Status.WAITING,
    updated_at=NOON,
    index=1,
)
OTHER = replace(ROW, proposal_id="ba9876543210", index=0)


@pytest.fixture
def table() -> Table:
    client = ModelledAws(lambda: NOON).client("dynamodb")
    return Table(client, create_table(client))


@pytest.fixture
def runs(table: Table) -> RunLedger:
    return RunLedger(table, lambda: NOON)


def test_a_summary_is_that_of_the_first_look_until_the_run_is_over(runs: RunLedger) -> None:
    assert runs.summary(RUN) is None
    found = RunSummary(PROPOSAL.execution_arn, RUN, NOON, tasks=3)
    over = replace(found, finished_at=NOON)

    assert runs.sum_up(found)
    assert not runs.sum_up(replace(found, tasks=4))
    assert runs.summary(RUN) == found

    runs.complete(over)
    assert not runs.sum_up(found)
    assert runs.summary(RUN) == over


def test_proposals_are_those_of_the_run_by_their_index(runs: RunLedger, table: Table) -> None:
    table.commit(entries.row(NOON, ROW, RUN), entries.row(NOON, OTHER, RUN), entries.row(NOON, ROW, "another"))
    table.commit(entries.abandoned(NOON, "0f0f0f0f0f0f", RUN))
    assert runs.proposals(RUN) == [OTHER, ROW]
    assert runs.abandoned(RUN) == ["0f0f0f0f0f0f"]
    assert runs.abandoned("another") == []


def test_a_row_moves_with_its_record_and_names_a_part_of_a_large_group(runs: RunLedger, table: Table) -> None:
    restarting: Item = {Attribute.STATUS: Status.RESTARTING}
    assert runs.moved(WAITING, restarting) is None
    table.commit(entries.row(NOON, ROW, RUN))
    outcome = Outcome(Status.RESTARTED, "", (TaskOutcome(KEY, Status.RESTARTED),) * 12)
    ended: Item = {Attribute.STATUS: Status.RESTARTED, Attribute.OUTCOME: codec.dumps(outcome)}
    for values in (restarting, ended):
        moved = runs.moved(WAITING, values)
        assert moved is not None
        table.commit(moved)
    (row,) = runs.proposals(RUN)
    assert (row.status, row.action) == (Status.RESTARTED, WAITING.chosen.action)
    assert row.outcome is not None
    assert len(row.outcome.targets) == 10
