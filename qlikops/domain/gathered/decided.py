"""The proposals that were answered or closed since a moment, read once or again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime

from qlikops.dataclass import dataclass
from qlikops.domain.errors import NotFound, RecordTooNew
from qlikops.domain.gathered.handover import KnownRuns, runs_since
from qlikops.domain.gathered.shift_entry import is_followed
from qlikops.domain.ports import Approvals, ContextServices, Executions
from qlikops.domain.proposals.approval import UNANSWERED, ProposalRecord
from qlikops.domain.runs.run import Progress, RunProposal
from qlikops.domain.workflow.execution import ExecutionSummary

PAGES = 150
"""How many pages of a hundred runs are read at most: seven weeks at one run in five minutes."""


@dataclass(frozen=True, slots=True)
class Decided:
    """The proposals that were answered or closed since a moment."""

    records: tuple[ProposalRecord, ...]
    is_complete: bool
    """False if there were more runs than are looked at."""
    too_new: tuple[str, ...] = ()
    """The ids of those that a newer qlikops wrote."""
    progress: Mapping[str, Progress] = field(default_factory=dict)
    """How far each restart under way has come, by the id of its proposal."""
    runs: tuple[ExecutionSummary, ...] = ()
    """All that were looked at, newest first."""


@dataclass
class Known:
    """What earlier readings found and what changes no more, kept by a screen that asks again and again.

    With it a reading costs two ListExecutions, one Query for each run that is under way, and one read for each
    proposal that something may still become of.
    """

    runs: KnownRuns = field(default_factory=KnownRuns)
    rows: dict[str, Sequence[RunProposal]] = field(default_factory=dict)
    """The proposals of runs that are over, by the run's name."""
    records: dict[str, ProposalRecord] = field(default_factory=dict)
    """What was answered or closed, by id."""
    asked: dict[str, ProposalRecord] = field(default_factory=dict)
    """What waited at the last reading, by id; a proposal stays as it is while it waits."""
    looked_at: datetime | None = None
    """When the run looked that the records say the latest of: only another run finds out whether a restart lasted."""

    def rows_of(self, executions: Executions, run: ExecutionSummary) -> Sequence[RunProposal]:
        """The proposals of a run; asked for again while something may become of one."""
        if run.stopped_at is not None and run.name in self.rows:
            return self.rows[run.name]
        rows = executions.proposals(run.name)
        if run.stopped_at is not None and all(row.status.is_final for row in rows):
            self.rows[run.name] = rows
        return rows

    def record(self, approvals: Approvals, row: RunProposal, looked_at: datetime | None) -> ProposalRecord:
        """The record of `row`; read again if it has changed, or a run may have seen more of its restart."""
        known = self.records.get(row.proposal_id)
        is_settled = known is not None and known.status is row.status and known.status.is_final
        if known is not None and is_settled and (looked_at == self.looked_at or not is_followed(known)):
            return known
        return approvals.approval(row.proposal_id)


def decided_since(
    environment: ContextServices,
    since: datetime,
    known: Known | None = None,
    looked_at: datetime | None = None,
    pages: int = PAGES,
) -> Decided:
    """Reads what was answered or closed since a moment.

    A hundred runs a page, one Query for each run that proposed something, one read a proposal; less with what is
    `known`. `looked_at` is when a run looked at the fleet last. Blocks like the ports do, and raises what they raise.
    """
    known = known or Known()
    runs, _, is_complete = runs_since(environment.executions, since, pages, known.runs)
    records: dict[str, ProposalRecord] = {}
    progress: dict[str, Progress] = {}
    too_new: list[str] = []
    for run in runs:
        if run.run is not None and not run.run.proposals:
            continue
        for row in known.rows_of(environment.executions, run):
            if row.updated_at >= since and row.status not in UNANSWERED:
                try:
                    records[row.proposal_id] = known.record(environment.approvals, row, looked_at)
                except NotFound:
                    pass  # the ledger forgets after ninety days
                except RecordTooNew:
                    too_new.append(row.proposal_id)
                if row.progress is not None:
                    progress[row.proposal_id] = row.progress
    names = {run.name for run in runs}
    known.rows = {name: rows for name, rows in known.rows.items() if name in names}
    known.records, known.looked_at = records, looked_at
    return Decided(tuple(records.values()), is_complete, tuple(too_new), progress, tuple(runs))
