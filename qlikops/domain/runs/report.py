"""The report of one run, as JSON in S3; its Markdown is rendered from the same value."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.anomaly import Anomaly
from qlikops.domain.fleet.freshness import StaleTime
from qlikops.domain.fleet.task import Action, TaskKey
from qlikops.domain.proposals.approval import Outcome, Status, choice_of
from qlikops.domain.proposals.evaluation import Evaluation, PolicyResult
from qlikops.domain.proposals.lasting import Followed
from qlikops.domain.proposals.proposal import RECORD_VERSION, Proposal
from qlikops.domain.runs.run import RunSummary


@dataclass(frozen=True, slots=True)
class ReportedProposal:
    """One proposal with all that became of it."""

    proposal: Proposal
    status: Status
    evaluation: Evaluation | None = None
    policy: PolicyResult | None = None
    outcome: Outcome | None = None
    digest: str = ""

    @property
    def action(self) -> Action:
        """Action of the option that was approved, or of the first one."""
        return choice_of(self.proposal, self.outcome.decision if self.outcome else None).action


@dataclass(frozen=True, slots=True)
class NoAction:
    """Something wrong on which nothing was proposed, and why."""

    key: TaskKey
    kind: str
    why: str


@dataclass(frozen=True, slots=True, order=True)
class Sighting:
    """A task and the kind of anomaly that it had, without details."""

    key: TaskKey
    kind: str


@dataclass(frozen=True, slots=True)
class Changes:
    """A run's anomalies against those of the run before."""

    since: datetime | None = None
    """When that one looked at the fleet; None where it is not known what it saw."""
    new: tuple[Sighting, ...] = ()
    resolved: tuple[Sighting, ...] = ()


@dataclass(frozen=True, slots=True)
class RunPoint:
    """One run in numbers."""

    execution_name: str
    started_at: datetime
    anomalies: int = 0
    proposals: int = 0
    restarted: int = 0
    """Proposals whose tasks all came up."""
    failures: int = 0
    """Proposals whose restart failed, came up in part, or could not be verified."""
    latency_seconds: float | None = None
    """Mean of the running tasks; None where no task said one."""
    failed: bool = False
    """The run itself failed; the other numbers then mean nothing."""


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
    left_alone: tuple[NoAction, ...]
    deferred: int = 0
    abandoned: tuple[ReportedProposal, ...] = ()
    """Proposals of earlier runs that this one closed, because their executions had ended without them."""
    notes: tuple[str, ...] = ()
    """What makes this run's findings less than usual, such as a lost snapshot; a sentence each."""
    error: str = ""
    """Set where the run failed; the counts then mean nothing."""
    latency_seconds: float | None = None
    """Mean of the running tasks."""
    changes: Changes = Changes()
    trend: tuple[RunPoint, ...] = ()
    """The last runs, oldest first, this one among them; none in the reports of versions before there was one."""
    followed: Followed = field(default_factory=Followed)
    """What this run found out about restarts of earlier runs."""
    stale: tuple[StaleTime, ...] = ()
    """Time for which targets were out of freshness since the run before, the longest first."""
    trend_note: str = ""
    """Why the trend begins with this run; a sentence."""
    failure_told: bool = False
    """Whether people were told that runs fail, and only this says so, since the ledger was away; until they hear that
    runs succeed.
    """
    failure_unheard: bool = False
    """The topic did not take what was told of it: it is told again, and its end all the same."""
    version: int = RECORD_VERSION


@dataclass(frozen=True, slots=True)
class ReportEntry:
    """One report in a list, with what its run came to."""

    execution_name: str
    run: RunSummary | None = None
    """None where the ledger has forgotten the run; its report stays."""
