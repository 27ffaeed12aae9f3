"""One small detector a kind: what the taxonomy's signal looks like in facts, and what to say about it.

A detector looks at one task at one poll and at what is remembered of it, or at one server and its tasks. Polls,
durations and confirmation are `detection`'s: a detector only names what it needs. What is the same for all of a kind,
such as its severity, is in `domain/fleet/anomaly.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from qlikops.agent.config import Thresholds
from qlikops.agent.diagnosis.evidence import Label, Observed, state_text
from qlikops.agent.diagnosis.messages import MessageClass, diagnosis_of, judge, side_of
from qlikops.dataclass import dataclass
from qlikops.domain.fleet.anomaly import KINDS, AnomalyKind, Severity
from qlikops.domain.fleet.task import Action, ServerFacts, ServerHealth, ServerState, StopReason, TaskFacts, TaskState
from qlikops.domain.proposals.lasting import Streak
from qlikops.domain.runs.snapshot import TaskProgress, TaskSnapshot
from qlikops.domain.words.duration import format_duration, to_minute, to_second
from qlikops.domain.words.text import symbol
from qlikops.qlik.reader import NOT_READ_IN_TIME


@dataclass(frozen=True, slots=True)
class TaskView:
    """What a detector may look at."""

    facts: TaskFacts
    memory: TaskProgress
    """The task's memory as the check before left it; `applied_since` includes this check."""
    thresholds: Thresholds
    now: datetime
    restarts_last_hour: int = 0
    fetched_at: datetime | None = None
    """When Enterprise Manager last fetched `facts` from their server; None if it does not say so."""


@dataclass(frozen=True, slots=True)
class ServerView:
    """What a server's detector may look at."""

    facts: ServerFacts
    fleet: Collection[TaskSnapshot]
    """Every task at this poll, whichever server has it."""
    thresholds: Thresholds
    now: datetime

    @property
    def tasks(self) -> list[TaskSnapshot]:
        """The server's own tasks."""
        return [task for task in self.fleet if self.facts.key.covers(task.facts.key)]


@dataclass(frozen=True, slots=True)
class Signal:
    """A detector's find."""

    summary: str
    evidence: tuple[Observed, ...] = ()
    lasting_seconds: int = 0
    """A task's is no anomaly before it has lasted longer than this without a break. A server's counts at once."""
    severity: Severity | None = None
    """Where it is worse than its kind always is."""


Detector = Callable[[TaskView], Signal | None]
ServerDetector = Callable[[ServerView], Signal | None]

RESOURCE_STOPS: Mapping[StopReason, str] = {
    StopReason.STOPPED_LOW_MEMORY: "low memory",
    StopReason.STOPPED_LOW_DISK_SPACE: "low disk space",
    StopReason.EXPRESS_LICENSE_LIMITS_REACHED: "the licence's limits were reached",
}
"""Something the server lacks, in words. The licence's limits behave like the other two: freed first, resumed then."""

_PLANNED_STOPS = {
    StopReason.FULL_LOAD_ONLY_FINISHED,
    StopReason.STOPPED_AFTER_FULL_LOAD,
    StopReason.STOPPED_AFTER_CACHED_EVENTS,
    StopReason.STOPPED_AFTER_DDL_APPLY,
}
_PLANNED_PREFIX = "STOPPED_AFTER_"
_VALID_LICENSES = {"VALID_LICENSE", "LICENSE_VALID"}
_NOT_CONNECTED = "AEM_SERVER_NOT_CONNECTED"


def is_retrying(facts: TaskFacts) -> bool:
    """Whether Replicate is restarting the task by itself, whichever way Enterprise Manager says so."""
    return facts.state is TaskState.RECOVERY or (
        facts.state in {TaskState.ERROR, TaskState.STOPPED} and facts.stop_reason is StopReason.RECOVERABLE_ERROR
    )


def is_in_trouble(facts: TaskFacts) -> bool:
    """Whether it has failed or is being retried: not running, and not because a person wanted that."""
    return is_retrying(facts) or _has_failed(facts)


def is_down_again(facts: TaskFacts) -> bool:
    """Whether a task that was up has failed or was stopped by Replicate, and is not being retried."""
    return _has_failed(facts) or _resource_stop_of(facts) is not None


def is_stopped_by_command(facts: TaskFacts) -> bool:
    """Whether a user or qlikops stopped it: Enterprise Manager says the same of both."""
    return facts.state is TaskState.STOPPED and facts.stop_reason is StopReason.NORMAL


def lost_connection(facts: TaskFacts) -> str:
    """`connection to the source lost`, as far as the message tells which side."""
    return f"connection to the {side.value} lost" if (side := side_of(facts)) else "connection lost"


def _has_failed(facts: TaskFacts) -> bool:
    if is_retrying(facts) or facts.stop_reason in RESOURCE_STOPS:
        return False
    return facts.state is TaskState.ERROR or (
        facts.state is TaskState.STOPPED and facts.stop_reason is StopReason.FATAL_ERROR
    )


def _is_transient(facts: TaskFacts) -> bool:
    # Without FATAL_ERROR it isn't said that Replicate has given up, so a human looks first.
    return facts.stop_reason is StopReason.FATAL_ERROR and judge(facts).message_class.passes


def _what_passes(facts: TaskFacts) -> str:
    """What happened, of a failure that a plain resume mends."""
    match = judge(facts)
    return lost_connection(facts) if match.message_class is MessageClass.CONNECTIVITY else match.diagnosis.headline


def _is_position_lost(facts: TaskFacts) -> bool:
    return judge(facts).message_class is MessageClass.POSITION_LOST


def _fatal_transient(view: TaskView) -> Signal | None:
    if not _has_failed(view.facts) or not _is_transient(view.facts):
        return None
    return Signal(f"failed: {_what_passes(view.facts)}; Replicate has stopped retrying")


def _fatal_unknown(view: TaskView) -> Signal | None:
    facts = view.facts
    if not _has_failed(facts) or _is_transient(facts) or _is_position_lost(facts):
        return None
    match = judge(facts)
    if match.message_class.passes:
        why = f"{_what_passes(facts)}, but Replicate doesn't say that it has given up"
    else:
        says = diagnosis_of(facts, view.memory.said_before).headline
        parts = dict.fromkeys((says, match.doubt))
        why = "; ".join(filter(None, parts)) or "the message is not one that is known"
    return Signal(f"failed: {why}")


def _position_lost(view: TaskView) -> Signal | None:
    if not _has_failed(view.facts) or not _is_position_lost(view.facts):
        return None
    return Signal("failed: the source no longer has the log from where it stopped; resuming can't work")


def _recovering_long(view: TaskView) -> Signal | None:
    if not is_retrying(view.facts):
        return None
    limit = view.thresholds.recovering_seconds
    return Signal(f"recovering for more than {format_duration(limit)}; Replicate still retries", (), limit)


def _user_stopped(view: TaskView) -> Signal | None:
    if not is_stopped_by_command(view.facts) or view.memory.left_stopped or _stopped_in_plan(view):
        return None
    return Signal("stopped by a user")


def _stopped_in_plan(view: TaskView) -> Signal | None:
    stopped_in = view.memory.stopped_in
    if stopped_in is None or view.now < stopped_in.until:
        return None
    return Signal("stopped during planned work, and still down after it", ((Label.PLAN, stopped_in.words()),))


def _left_stopped(view: TaskView) -> Signal | None:
    if not view.memory.left_stopped:
        return None
    return Signal("stopped by qlikops for a restart, and not seen running since")


def _planned_stop(view: TaskView) -> Signal | None:
    facts = view.facts
    planned = facts.stop_reason in _PLANNED_STOPS or symbol(facts.raw_stop_reason).startswith(_PLANNED_PREFIX)
    if facts.state is not TaskState.STOPPED or not planned:
        return None
    return Signal("stopped as its settings planned")


def _resource_stop(view: TaskView) -> Signal | None:
    lacking = _resource_stop_of(view.facts)
    return Signal(f"stopped by Replicate: {lacking}") if lacking else None


def _resource_stop_of(facts: TaskFacts) -> str | None:
    """What the server lacks for which Replicate stopped the task; None if that is not why it stands."""
    return RESOURCE_STOPS.get(facts.stop_reason) if facts.state in {TaskState.STOPPED, TaskState.ERROR} else None


def _not_running(view: TaskView) -> Signal | None:
    facts = view.facts
    if facts.state is TaskState.RUNNING or is_retrying(facts) or _has_failed(facts):
        return None
    # What a resume is proposed on is down for a reason, whichever kind it is.
    explained = (kind for kind, traits in KINDS.items() if traits.by_person or traits.action is Action.RESUME)
    if _planned_stop(view) or any(DETECTORS[kind](view) for kind in explained):
        return None
    return Signal(f"not running ({state_text(facts)}), and nothing says why")


def _latency(view: TaskView, seconds: int | None, warning: int, critical: int, what: str) -> Signal | None:
    if view.facts.state is not TaskState.RUNNING or seconds is None or seconds < warning:
        return None
    severity, limit = (Severity.CRITICAL, critical) if seconds >= critical else (None, warning)
    return Signal(f"{what} latency {format_duration(seconds)}, limit {format_duration(limit)}", severity=severity)


def _source_latency(view: TaskView) -> Signal | None:
    limits = view.thresholds
    warning, critical = limits.source_latency_warning_seconds, limits.source_latency_critical_seconds
    return _latency(view, view.facts.source_latency_seconds, warning, critical, "source")


def _target_latency(view: TaskView) -> Signal | None:
    limits = view.thresholds
    warning, critical = limits.target_latency_warning_seconds, limits.target_latency_critical_seconds
    return _latency(view, view.facts.target_latency_seconds, warning, critical, "target")


def backlog(facts: TaskFacts) -> int:
    """Changes read from the source and not yet committed at the target, as far as known."""
    return (facts.changes_in_memory or 0) + (facts.changes_on_disk or 0)


def is_waiting_to_apply(facts: TaskFacts) -> bool:
    """Whether a running task has changes that it should be applying.

    An idle task's counters stand still for days, rightly; while tables load, changes are cached on purpose.
    """
    loading = (facts.tables_loading or 0) + (facts.tables_queued or 0) > 0
    return facts.state is TaskState.RUNNING and not loading and backlog(facts) > 0


def _stalled(view: TaskView) -> Signal | None:
    flat_since = view.memory.applied_since
    if flat_since is None:
        return None
    # Since Enterprise Manager last fetched, the same number says nothing of what was applied.
    flat_seconds = ((view.fetched_at or view.now) - flat_since).total_seconds()
    if flat_seconds < view.thresholds.stalled_seconds:
        return None
    return Signal(
        f"running, but nothing applied for {format_duration(flat_seconds)} with {backlog(view.facts)} changes waiting",
        ((Label.APPLIED, f"{view.facts.applied_records}, unchanged since {to_minute(flat_since)}"),),
    )


def _table_error(view: TaskView) -> Signal | None:
    tables = view.facts.tables_with_error or 0
    if tables == 0:
        return None
    return Signal(
        f"{tables} table{'s'[: tables > 1]} suspended with errors; the rest goes on",
        ((Label.TABLES, str(tables)),),
    )


def _data_errors(view: TaskView) -> Signal | None:
    count, before = view.facts.data_error_count, view.memory.data_error_count
    if count is None or before is None or count - before <= view.thresholds.data_errors_warning:
        return None
    new = count - before
    return Signal(
        f"{new} new data errors since the last poll",
        ((Label.DATA_ERRORS, f"{count}, before {before}"),),
        severity=Severity.CRITICAL if new > view.thresholds.data_errors_critical else None,
    )


def _disk_spill(view: TaskView) -> Signal | None:
    count, before = view.facts.changes_on_disk, view.memory.changes_on_disk
    if count is None or before is None or count <= before:
        return None
    return Signal(
        f"changes pile up on the server's disk: {count}, {before} a poll before",
        ((Label.DISK, f"{count}, before {before}"),),
    )


def _process_mismatch(view: TaskView) -> Signal | None:
    # None is "not said", which is no sign of a missing process.
    if view.facts.state is not TaskState.RUNNING or view.facts.memory_mb != 0:
        return None
    return Signal(
        "shown as running, but its process uses no memory: it probably isn't there",
        ((Label.MEMORY, "0 MB"),),
        view.thresholds.process_mismatch_seconds,
    )


def _flapping(view: TaskView) -> Signal | None:
    restarts, streak = view.restarts_last_hour, view.memory.streak
    if restarts < view.thresholds.flapping_restarts:
        return _falling_over(streak) if streak and streak.count >= view.thresholds.flapping_falls_per_day else None
    return Signal(
        f"started again {restarts} times in the last hour, and it doesn't help; held until someone looks",
        ((Label.RESTARTS, str(restarts)),),
    )


def _falling_over(streak: Streak) -> Signal:
    return Signal(
        f"restarted {streak.count} times in 24 h, {streak.up()}, and none lasted; held until someone looks",
        ((Label.NOT_LASTED, streak.history()),),
    )


def is_down(server: ServerFacts) -> bool:
    """Whether nothing can be known of its tasks."""
    return server.state is ServerState.ERROR or server.error_code == _NOT_CONNECTED


def is_late(server: ServerFacts) -> bool:
    """Whether the run's time was over before it had read all of it."""
    return server.error_code == NOT_READ_IN_TIME and not is_down(server)


def _server_down(view: ServerView) -> Signal | None:
    if not is_down(view.facts):
        return None
    return Signal("down or not reachable; nothing is known of its tasks", _counted(len(view.tasks)))


def _server_state_old(view: ServerView) -> Signal | None:
    facts = view.facts
    if facts.fetched is None or is_down(facts) or facts.state is ServerState.NOT_MONITORED:
        return None
    age, limit = (view.now - facts.fetched.at).total_seconds(), view.thresholds.server_state_seconds
    if age < limit:
        return None
    return Signal(
        f"Enterprise Manager last fetched its tasks {format_duration(age)} ago, limit {format_duration(limit)}",
        (*_counted(len(view.tasks)), (Label.FETCHED, f"{to_second(facts.fetched.at)}")),
    )


def _license_expiring(view: ServerView) -> Signal | None:
    health, limits = view.facts.health, view.thresholds
    days = health.license_days_left if health else None
    if health is None or days is None or days > limits.license_days_warning:
        return None
    if days < 0 and symbol(health.license_state) in _VALID_LICENSES:
        return None  # it does not end
    says = f"the licence ends in {days} day{'s'[: days != 1]}" if days > 0 else "the licence has ended or ends today"
    severity = Severity.CRITICAL if days <= limits.license_days_critical else None
    return Signal(says, ((Label.LICENSE, health.license_state), *_read(health)), severity=severity)


def _server_disk(view: ServerView) -> Signal | None:
    health, limit = view.facts.health, view.thresholds.server_disk_mb
    return _used(health, health.disk_usage_mb if health else None, limit, "its tasks use", "disk")


def _server_memory(view: ServerView) -> Signal | None:
    health, limit = view.facts.health, view.thresholds.server_memory_mb
    return _used(health, health.memory_mb if health else None, limit, "its active tasks use", "memory")


def _used(health: ServerHealth | None, used: int | None, limit: int, who: str, what: str) -> Signal | None:
    if health is None or used is None or not limit or used < limit:
        return None
    return Signal(f"{who} {used:,} MB of {what}, limit {limit:,} MB", _read(health))


def _read(health: ServerHealth) -> tuple[Observed, ...]:
    return ((Label.READ, f"{to_second(health.read_at)}"),) if health.read_at else ()


def _not_read(view: ServerView) -> Signal | None:
    if not is_late(view.facts):
        return None
    unread = sum(task.is_unread for task in view.tasks)
    return Signal(f"{view.facts.message}; they are as the last run saw them", _counted(unread))


def _counted(tasks: int) -> tuple[Observed, ...]:
    return ((Label.TASKS, str(tasks)),) if tasks else ()


DETECTORS: Mapping[AnomalyKind, Detector] = {
    AnomalyKind.POSITION_LOST: _position_lost,
    AnomalyKind.FATAL_TRANSIENT: _fatal_transient,
    AnomalyKind.FATAL_UNKNOWN: _fatal_unknown,
    AnomalyKind.RESOURCE_STOP: _resource_stop,
    AnomalyKind.LEFT_STOPPED: _left_stopped,
    AnomalyKind.PROCESS_MISMATCH: _process_mismatch,
    AnomalyKind.STALLED: _stalled,
    AnomalyKind.FLAPPING: _flapping,
    AnomalyKind.STOPPED_IN_PLAN: _stopped_in_plan,
    AnomalyKind.NOT_RUNNING: _not_running,
    AnomalyKind.RECOVERING_LONG: _recovering_long,
    AnomalyKind.SOURCE_LATENCY: _source_latency,
    AnomalyKind.TARGET_LATENCY: _target_latency,
    AnomalyKind.TABLE_ERROR: _table_error,
    AnomalyKind.DATA_ERRORS: _data_errors,
    AnomalyKind.DISK_SPILL: _disk_spill,
    AnomalyKind.USER_STOPPED: _user_stopped,
    AnomalyKind.PLANNED_STOP: _planned_stop,
}
"""How each kind is seen on a task."""

SERVER_DETECTORS: Mapping[AnomalyKind, ServerDetector] = {
    AnomalyKind.SERVER_DOWN: _server_down,
    AnomalyKind.SERVER_STATE_OLD: _server_state_old,
    AnomalyKind.LICENSE_EXPIRING: _license_expiring,
    AnomalyKind.SERVER_DISK: _server_disk,
    AnomalyKind.SERVER_MEMORY: _server_memory,
    AnomalyKind.NOT_READ: _not_read,
}
"""How each kind is seen on a server."""
