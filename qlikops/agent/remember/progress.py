"""How far a restart is, for those who watch it. It is no part of what is decided on, and nothing depends on it."""

from __future__ import annotations

from contextlib import suppress

from qlikops.agent.remember.entries import record_key
from qlikops.agent.remember.table import PRESENT, Condition, Item, Table, Update
from qlikops.agent.transient import IN_VAIN
from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.errors import QlikopsError
from qlikops.domain.fleet.endpoint import EndpointWait
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import InboxRow, ProposalRecord, Status
from qlikops.domain.proposals.proposal import Proposal
from qlikops.domain.runs.run import Progress

_SAYS_SO = (Attribute.WAITS, keys.INBOX_PARTITION)
_GOES_ON = Condition("#status = :restarting", {":restarting": Status.RESTARTING})


class ProgressBoard:
    """Says it in the run's row of the proposal, and on its record and in the inbox what it waits for. No method ever
    raises.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def say(self, proposal: Proposal, progress: Progress) -> None:
        """How far the restart has come; whatever moves the record on replaces it."""
        with suppress(*IN_VAIN, QlikopsError):
            self._table.commit_each(_in_row(proposal, progress))

    def wait(self, approval: ProposalRecord, wait: EndpointWait | None) -> None:
        """What the restart waits for before it starts a task; None once it waits no more."""
        proposal, said = approval.proposal, _said(approval, wait) if wait else {}
        on_record = Update(record_key(proposal.proposal_id), said, () if wait else _SAYS_SO, condition=_GOES_ON)
        with suppress(*IN_VAIN, QlikopsError):
            self._table.commit_each(on_record, _in_row(proposal, Progress(0, 0, len(proposal.targets), wait)))


def _said(approval: ProposalRecord, wait: EndpointWait) -> Item:
    row = InboxRow.under_way(approval, wait)
    return {
        Attribute.WAITS: codec.dumps(wait),
        Attribute.ROW: row.as_stored(),
        keys.INBOX_PARTITION: keys.INBOX_WAITING,
        keys.INBOX_SORT: int(row.deadline.timestamp()),
    }


def _in_row(proposal: Proposal, progress: Progress) -> Update:
    key = (keys.run_partition(proposal.execution_name), f"{keys.PROPOSAL_PREFIX}{proposal.proposal_id}")
    return Update(key, {Attribute.PROGRESS: codec.dumps(progress)}, condition=PRESENT)
