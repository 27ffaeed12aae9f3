"""What the ledger keeps of runs: what each found, what it proposed and where that stands, what it closed for others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from qlikops.agent.remember import entries
from qlikops.agent.remember.entries import key_of
from qlikops.agent.remember.table import ABSENT, ConditionFailed, Item, Put, Table
from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import Outcome, ProposalRecord, Status
from qlikops.domain.runs.run import RunProposal, RunSummary

_SHOWN_TARGETS = 10
"""Tasks of a group that a run's row names; the record has them all."""


class RunLedger:
    """The items of RUN# partitions."""

    def __init__(self, table: Table, clock: Callable[[], datetime]) -> None:
        self._table = table
        self._clock = clock

    def summary(self, execution_name: str) -> RunSummary | None:
        """What a run found and did; None before MonitorTasks has finished."""
        item = self._table.get((keys.run_partition(execution_name), keys.SUMMARY))
        return codec.loads(RunSummary, str(item[Attribute.BODY])) if item else None

    def sum_up(self, summary: RunSummary) -> bool:
        """Writes a run's summary; false if there is one already, of another invocation or of the run's end."""
        try:
            self._table.commit(Put(self._item(summary), ABSENT))
        except ConditionFailed:
            return False
        return True

    def complete(self, summary: RunSummary) -> None:
        """Writes a run's summary as it is at its end, over any other one."""
        self._table.commit(Put(self._item(summary)))

    def proposals(self, execution_name: str) -> list[RunProposal]:
        """A run's proposals and where each stands, by their Map index."""
        items = self._table.query(keys.run_partition(execution_name), keys.PROPOSAL_PREFIX)
        rows = [codec.loads(RunProposal, str(item[Attribute.BODY])) for item in items]
        return sorted(rows, key=lambda row: row.index)

    def abandoned(self, execution_name: str) -> list[str]:
        """The ids of what this run closed because the run that had opened it was over."""
        items = self._table.query(keys.run_partition(execution_name), keys.ABANDONED_PREFIX)
        return [str(item[Attribute.PROPOSAL_ID]) for item in items]

    def moved(self, approval: ProposalRecord, values: Item) -> Put | None:
        """The row of a proposal whose record takes these `values`; None if its run has none."""
        proposal = approval.proposal
        key = (keys.run_partition(proposal.execution_name), f"{keys.PROPOSAL_PREFIX}{proposal.proposal_id}")
        item = self._table.get(key)
        if item is None:
            return None
        row = codec.loads(RunProposal, str(item[Attribute.BODY]))
        outcome = row.outcome
        if Attribute.OUTCOME in values:
            outcome = codec.loads(Outcome, str(values[Attribute.OUTCOME]))
            outcome = replace(outcome, targets=outcome.targets[:_SHOWN_TARGETS])
        status = Status.read(str(values[Attribute.STATUS]))
        return entries.row(
            self._clock(),
            replace(row, action=approval.chosen.action, status=status, updated_at=self._clock(), outcome=outcome),
            proposal.execution_name,
        )

    def _item(self, summary: RunSummary) -> Item:
        return {
            **key_of(keys.run_partition(summary.execution_name), keys.SUMMARY),
            Attribute.BODY: codec.dumps(summary),
            Attribute.EXECUTION_ARN: summary.execution_arn,
            **entries.kept(self._clock()),
        }
