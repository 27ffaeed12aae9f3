"""Executions of the state machine, and what a folded history says of one."""

from __future__ import annotations

from datetime import datetime

from qlikops.dataclass import dataclass
from qlikops.domain.encoding.stored import StoredEnum
from qlikops.domain.runs.orders import OrderOutcome
from qlikops.domain.runs.run import RunProposal as RunProposal
from qlikops.domain.runs.run import RunSummary as RunSummary


class ExecutionStatus(StoredEnum):
    """Step Functions' own statuses."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"
    PENDING_REDRIVE = "PENDING_REDRIVE"


class StateStatus(StoredEnum):
    """How one run of one state went."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """Failed, and nothing in the state caught it."""
    CAUGHT = "caught"
    """Failed, and a Catch led on."""
    TIMED_OUT = "timed_out"
    ABORTED = "aborted"


class Source(StoredEnum):
    """Who says so."""

    HISTORY = "history"
    LEDGER = "ledger"


@dataclass(frozen=True, slots=True)
class ExecutionSummary:
    """One line of the executions list."""

    arn: str
    name: str
    status: ExecutionStatus
    started_at: datetime
    stopped_at: datetime | None = None
    run: RunSummary | None = None
    """None where the ledger has nothing on it (yet)."""


@dataclass(frozen=True, slots=True)
class StateVisit:
    """One run of one state, retries folded in."""

    name: str
    status: StateStatus
    entered_at: datetime | None
    exited_at: datetime | None = None
    map_index: int | None = None
    """The innermost Map iteration it ran in."""
    map_path: tuple[int, ...] = ()
    """All Map indexes, outermost first."""
    state_type: str = ""
    attempts: int = 1
    error: str = ""
    cause: str = ""
    entered_event_id: int | None = None
    """The event that holds its input."""
    exited_event_id: int | None = None
    """The event that holds its output."""
    source: Source = Source.HISTORY


@dataclass(frozen=True, slots=True)
class OpenCallback:
    """A state that waits for its task token. The token itself is never kept."""

    state: str
    map_index: int | None
    scheduled_event_id: int
    timeout_seconds: int | None
    scheduled_at: datetime | None = None
    resource: str = ""


@dataclass(frozen=True, slots=True)
class FoldedHistory:
    """What a list of history events amounts to."""

    status: ExecutionStatus
    states: tuple[StateVisit, ...]
    open_callbacks: tuple[OpenCallback, ...]
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    error: str = ""
    cause: str = ""
    event_count: int = 0
    unknown_types: tuple[str, ...] = ()
    """Event types this version does not know; they are kept in the count and otherwise passed over."""
    unplaced_errors: tuple[str, ...] | None = None
    """Errors of tasks inside a Map that the history lists without their states, as the embedded AWS does; None if it
    lists no such task.
    """


@dataclass(frozen=True, slots=True)
class Redrive:
    """What Step Functions says about running the rest of an execution again."""

    status: str = ""
    """`REDRIVABLE`, `NOT_REDRIVABLE`, `REDRIVABLE_BY_MAP_RUN`; empty where it says nothing, as the embedded AWS."""
    reason: str = ""
    count: int = 0
    """How often it has been redriven."""


@dataclass(frozen=True, slots=True)
class ExecutionDetail:
    """Everything about one execution."""

    summary: ExecutionSummary
    history: FoldedHistory | None
    proposals: tuple[RunProposal, ...] = ()
    input: str = ""
    """JSON text, tokens redacted."""
    output: str = ""
    error: str = ""
    cause: str = ""
    history_note: str = ""
    """Set where the history lacks detail and the ledger filled in."""
    redrive: Redrive = Redrive()
    orders: tuple[OrderOutcome, ...] = ()
    """What became of orders in its input, as far as the ledger has it."""
