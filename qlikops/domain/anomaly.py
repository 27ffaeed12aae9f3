"""What can be wrong with a task or a server, and the evidence for saying so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from qlikops.domain.encoding.stored import StoredEnum
from qlikops.domain.task import TaskKey


class AnomalyKind(StoredEnum):
    """The taxonomy; each kind's signal and default threshold live with its detector."""

    FATAL_TRANSIENT = "FATAL_TRANSIENT"
    FATAL_UNKNOWN = "FATAL_UNKNOWN"
    POSITION_LOST = "POSITION_LOST"
    RECOVERING_LONG = "RECOVERING_LONG"
    USER_STOPPED = "USER_STOPPED"
    PLANNED_STOP = "PLANNED_STOP"
    RESOURCE_STOP = "RESOURCE_STOP"
    LEFT_STOPPED = "LEFT_STOPPED"
    """qlikops stopped it for a restart, and did not see it running again."""
    SOURCE_LATENCY = "SOURCE_LATENCY"
    TARGET_LATENCY = "TARGET_LATENCY"
    STALLED = "STALLED"
    TABLE_ERROR = "TABLE_ERROR"
    DATA_ERRORS = "DATA_ERRORS"
    DISK_SPILL = "DISK_SPILL"
    PROCESS_MISMATCH = "PROCESS_MISMATCH"
    FLAPPING = "FLAPPING"
    NOT_RUNNING = "NOT_RUNNING"
    """A task stands still, and neither its state nor its stop reason is one that says why."""
    SERVER_DOWN = "SERVER_DOWN"
    NOT_READ = "NOT_READ"
    """A run's time was over before it had read everything of a server."""


class Severity(StoredEnum):
    """How loudly to say it."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for a mere remark, more for worse; what this version does not know ranks above all."""
        return self.rank_of(self)

    @classmethod
    def rank_of(cls, spelling: str) -> int:
        """The rank of a severity that is kept as text."""
        known = cls.known(spelling)
        return tuple(cls).index(known) if known else len(cls)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One observed fact. Findings cite its id."""

    id: str
    """`e1`, `e2`, … unique in its proposal."""
    label: str
    value: str
    """Made harmless and capped: it may quote text from outside."""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One thing that is wrong with one task, or with one server."""

    kind: AnomalyKind
    severity: Severity
    key: TaskKey
    """For a server's anomaly the task is empty."""
    summary: str
    evidence: tuple[Evidence, ...] = ()
    first_seen: datetime | None = None
    polls: int = 1
    """How many polls have seen it, this one included."""
    confirmed: bool = True
    """False while a rule that wants several polls has not had them yet; nothing is proposed on it."""
