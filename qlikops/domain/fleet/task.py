"""Replication servers and tasks as the rest of qlikops sees them, whatever spelling Enterprise Manager used."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from qlikops.dataclass import dataclass
from qlikops.domain.encoding.stored import StoredEnum


class TaskState(StoredEnum):
    """A task's state. RECOVERY and RECOVERING are one state; there is no starting or stopping."""

    RUNNING = "RUNNING"
    STOPPED = "STOPPED"
    ERROR = "ERROR"
    RECOVERY = "RECOVERY"
    UNKNOWN = "UNKNOWN"
    """A value this version does not know; `TaskFacts.raw_state` has its spelling."""


class StopReason(StoredEnum):
    """Why a task isn't running. NORMAL means that a person stopped it."""

    NONE = "NONE"
    NORMAL = "NORMAL"
    RECOVERABLE_ERROR = "RECOVERABLE_ERROR"
    FATAL_ERROR = "FATAL_ERROR"
    FULL_LOAD_ONLY_FINISHED = "FULL_LOAD_ONLY_FINISHED"
    STOPPED_AFTER_FULL_LOAD = "STOPPED_AFTER_FULL_LOAD"
    STOPPED_AFTER_CACHED_EVENTS = "STOPPED_AFTER_CACHED_EVENTS"
    EXPRESS_LICENSE_LIMITS_REACHED = "EXPRESS_LICENSE_LIMITS_REACHED"
    STOPPED_AFTER_DDL_APPLY = "STOPPED_AFTER_DDL_APPLY"
    STOPPED_LOW_MEMORY = "STOPPED_LOW_MEMORY"
    STOPPED_LOW_DISK_SPACE = "STOPPED_LOW_DISK_SPACE"
    UNKNOWN = "UNKNOWN"


class ServerState(StoredEnum):
    """A Replicate server's state as Enterprise Manager reports it."""

    MONITORED = "MONITORED"
    NOT_MONITORED = "NOT_MONITORED"
    ERROR = "ERROR"
    UNKNOWN = "UNKNOWN"


class RunOption(StoredEnum):
    """The `option` of a run call, Enterprise Manager's own names."""

    RESUME_PROCESSING = "RESUME_PROCESSING"
    RELOAD_TARGET = "RELOAD_TARGET"


class Action(StoredEnum):
    """What can be done to a task that has something wrong with it, once it is approved."""

    RESUME = "resume"
    RELOAD = "reload"
    """Loads the target again from the source: slow, and what the target has is replaced."""
    STOP_AND_RESUME = "stop_and_resume"

    @property
    def run_option(self) -> RunOption:
        """The option of the run call that this action ends in. Raises ValueError for an unknown action."""
        match self:
            case Action.RESUME | Action.STOP_AND_RESUME:
                return RunOption.RESUME_PROCESSING
            case Action.RELOAD:
                return RunOption.RELOAD_TARGET
        raise ValueError(f"nobody knows here how to {self.value}")

    @property
    def words(self) -> str:
        """What it does to a task, in a few words; of an unknown action its spelling."""
        return _ACTION_WORDS.get(self) or self.value.replace("_", " ")

    @property
    def stops_first(self) -> bool:
        """Whether a running task is stopped before the run call."""
        return self is Action.STOP_AND_RESUME


_ACTION_WORDS = {
    Action.RESUME: "resume from where it stopped",
    Action.RELOAD: "reload the target from the source",
    Action.STOP_AND_RESUME: "stop, then resume from where it stopped",
}


@dataclass(frozen=True, slots=True, order=True)
class TaskKey:
    """Names one task for ever: instance, server, task."""

    instance: str
    """The Enterprise Manager's name in our configuration; `default` where there is one."""
    server: str
    task: str

    def __str__(self) -> str:
        """The server's name alone where it stands for the server itself."""
        return f"{self.server}/{self.task}" if self.task else self.server

    @property
    def full(self) -> str:
        """The name with its Enterprise Manager."""
        return f"{self.instance}/{self.server}/{self.task}"

    @property
    def of_server(self) -> TaskKey:
        """The key of the task's server itself."""
        return TaskKey(self.instance, self.server, "")

    def covers(self, other: TaskKey) -> bool:
        """Whether this names a server, and `other` one of its tasks.

        An Enterprise Manager that cannot be read at all stands as one server, named after its instance: all are its.
        """
        return not self.task and self.instance == other.instance and self.server in (other.server, other.instance)


@dataclass(frozen=True, slots=True)
class Fetched:
    """When Enterprise Manager last fetched a server's tasks: all that it says of them is as old as that."""

    written: datetime
    """The time as Enterprise Manager writes it, by its own clock."""
    at: datetime
    """The moment by the agent's clock, as far as earlier readings tell how far the two clocks are apart."""
    asked_at: datetime | None = None
    """When the agent asked for it, by its clock: it was read then or later. None if that was not kept."""

    def dated(self, now: datetime, before: Fetched | None = None, asked_at: datetime | None = None) -> Fetched:
        """A copy with `at` by the clock that says `now`, and that said `asked_at` when this was asked for.

        The clocks need not agree, nor their time zones: a time that stands still is as old as when it was seen first,
        and one that has moved on was written since `before` was asked for, whatever it says. What is ahead counts as
        now.
        """
        at = before.at + (self.written - before.written) if before else self.written
        if before and before.asked_at and self.written != before.written and at < before.asked_at:
            at = now
        return replace(self, at=min(at, now), asked_at=asked_at)


@dataclass(frozen=True, slots=True)
class ServerHealth:
    """What a Replicate server has left and uses. A number is None where Enterprise Manager did not say."""

    license_days_left: int | None = None
    """Days left; below 0 for a licence that has ended, and for one that never ends."""
    license_state: str = ""
    """State of the licence in Enterprise Manager's words, which it spells in several ways."""
    disk_usage_mb: int | None = None
    """Used by all tasks; how much there is, Enterprise Manager does not know."""
    memory_mb: int | None = None
    """Used by all active tasks."""
    refused: bool = False
    """The account may not read it."""
    read_at: datetime | None = None
    """None before the run that has read it keeps it."""
    runs_ago: int = 0
    """How many runs ago it was read."""


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """One Replicate server at one poll."""

    instance: str
    name: str
    state: ServerState
    message: str = ""
    host: str = ""
    error_code: str = ""
    """Enterprise Manager's error_code where the server's tasks could not be listed."""
    task_count: int = 0
    fetched: Fetched | None = None
    """How old the state of its tasks is; None where Enterprise Manager does not say, and in earlier records."""
    health: ServerHealth | None = None
    """The server's health as it was read last, which not every run does; None before that."""
    console: str = ""
    """Address of its Enterprise Manager's web console; empty in earlier records."""

    @property
    def key(self) -> TaskKey:
        """The server's own key: that of a task without a name."""
        return TaskKey(self.instance, self.name, "")


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """One task at one poll. A number is None where Enterprise Manager did not say."""

    key: TaskKey
    state: TaskState
    stop_reason: StopReason
    raw_state: str = ""
    raw_stop_reason: str = ""
    message: str = ""
    """The vendor's text, made harmless; there is no other log. `…` is where something is missing of it."""
    source_endpoint: str = ""
    source_type: str = ""
    target_endpoint: str = ""
    target_type: str = ""
    source_latency_seconds: int | None = None
    total_latency_seconds: int | None = None
    """Both only of a task that runs: how far behind another is nobody knows."""
    memory_mb: int | None = None
    """Sampled every 10 s; 0 when the task isn't up, whatever `state` says."""
    cpu_percent: int | None = None
    disk_usage_mb: int | None = None
    data_error_count: int | None = None
    full_load_enabled: bool | None = None
    full_load_completed: bool | None = None
    apply_changes_enabled: bool | None = None
    tables_completed: int | None = None
    tables_loading: int | None = None
    tables_queued: int | None = None
    tables_with_error: int | None = None
    full_load_seconds: int | None = None
    """How long the last full load took; None before it has ended."""
    changes_in_memory: int | None = None
    """Accumulated and applying, not yet committed at the target."""
    changes_on_disk: int | None = None
    applied_records: int | None = None
    """Records committed at the target since the task started."""
    tags: tuple[str, ...] = ()
    tags_known: bool = False
    """Enterprise Manager said which tags there are; otherwise there may be others than those in `tags`."""
    log_stream_staging: str = ""
    """What ties the task to the Log Stream staging task whose log it reads, in Enterprise Manager's words."""

    @property
    def target_latency_seconds(self) -> int | None:
        """Apply latency: total less source, never below 0."""
        if self.total_latency_seconds is None or self.source_latency_seconds is None:
            return None
        return max(0, self.total_latency_seconds - self.source_latency_seconds)

    @property
    def tables(self) -> int | None:
        """How many tables it replicates; None if Enterprise Manager did not say."""
        counts = (self.tables_completed, self.tables_loading, self.tables_queued, self.tables_with_error)
        known = [count for count in counts if count is not None]
        return sum(known) if known else None

    @property
    def has_details(self) -> bool:
        """Whether its details were read: the list of tasks names no endpoint and has no number."""
        return bool(self.source_endpoint or self.target_endpoint) or self.memory_mb is not None

    @property
    def is_up(self) -> bool:
        """Running and using memory: statuses lag, so the state alone proves nothing."""
        return self.state is TaskState.RUNNING and (self.memory_mb or 0) >= 1
