"""One run as the ledger keeps it: what it found and did, and its proposals."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.endpoint import EndpointWait
from qlikops.domain.fleet.freshness import StaleTime
from qlikops.domain.proposals.approval import Outcome, Status
from qlikops.domain.proposals.lasting import Followed


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run found and did, from the ledger; written by MonitorTasks, completed by GenerateReport."""

    execution_arn: str
    execution_name: str
    started_at: datetime
    servers: int = 0
    tasks: int = 0
    anomalies: int = 0
    proposals: int = 0
    deferred: int = 0
    outcomes: dict[str, int] | None = None
    """Counts by Status value; None until the report is written."""
    report_key: str = ""
    """The report's S3 key, without its `.json` or `.md` ending."""
    finished_at: datetime | None = None
    error: str = ""
    followed: Followed = field(default_factory=Followed)
    """What the run found out about restarts of earlier runs."""
    stale: tuple[StaleTime, ...] = ()
    """Time for which targets were out of freshness since the run before."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a restart has come."""

    up: int
    """Tasks that were seen up."""
    down: int
    """Tasks of which something else is known."""
    total: int
    waits: EndpointWait | None = None
    """What it waits for before it starts a task; None if it does not."""


@dataclass(frozen=True, slots=True)
class RunProposal:
    """One proposal of a run and where it stands."""

    proposal_id: str
    label: str
    kind: str
    action: str
    status: Status
    updated_at: datetime
    index: int = 0
    """Map index of the proposal's item."""
    outcome: Outcome | None = None
    progress: Progress | None = None
    """Progress of a group that is being restarted, or of what waits for its endpoint; None before there is anything to
    say.
    """

    @property
    def waits(self) -> EndpointWait | None:
        """What it waits for before it starts a task; None if it does not."""
        return self.progress.waits if self.progress else None
