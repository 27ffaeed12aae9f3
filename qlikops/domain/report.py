"""The report of one run, as JSON in S3; its Markdown is rendered from the same value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from qlikops.domain.anomaly import Anomaly
from qlikops.domain.approval import Outcome, Status
from qlikops.domain.evaluation import Evaluation, PolicyResult
from qlikops.domain.proposal import RECORD_VERSION, Proposal
from qlikops.domain.run import RunSummary
from qlikops.domain.task import TaskKey


@dataclass(frozen=True, slots=True)
class ReportedProposal:
    """One proposal with all that became of it."""

    proposal: Proposal
    status: Status
    evaluation: Evaluation | None = None
    policy: PolicyResult | None = None
    outcome: Outcome | None = None
    digest: str = ""


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """Something wrong on which nothing was proposed, and why."""

    key: TaskKey
    kind: str
    why: str


@dataclass(frozen=True, slots=True)
class RunReport:
    """What was checked, found, proposed, decided, restarted and left alone."""

    execution_arn: str
    execution_name: str
    started_at: datetime
    finished_at: datetime
    servers: int
    tasks: int
    tasks_by_state: dict[str, int]
    anomalies: tuple[Anomaly, ...]
    proposals: tuple[ReportedProposal, ...]
    left_alone: tuple[LeftAlone, ...]
    deferred: int = 0
    notes: tuple[str, ...] = ()
    """What makes this run's findings less than usual, such as a lost snapshot; a sentence each."""
    error: str = ""
    """Set where the run failed; the counts then mean nothing."""
    version: int = RECORD_VERSION


@dataclass(frozen=True, slots=True)
class ReportEntry:
    """One report in a list, with what its run came to."""

    execution_name: str
    run: RunSummary | None = None
    """None where the ledger has forgotten the run; its report stays."""
