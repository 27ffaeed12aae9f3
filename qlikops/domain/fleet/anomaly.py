"""What can be wrong with a task or a server: the kinds, one entry each, and an anomaly with the evidence for it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from qlikops.dataclass import dataclass
from qlikops.domain.encoding.stored import StoredEnum
from qlikops.domain.fleet.diagnosis import Diagnosis
from qlikops.domain.fleet.task import Action, TaskKey


class Severity(StoredEnum):
    """How loudly to say it."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for a mere remark, more for worse; what this version does not know ranks above all."""
        return self.rank_of(self)

    @property
    def raised(self) -> Severity:
        """The next worse one; of the worst, and of one that this version does not know, itself."""
        ranks = tuple(Severity)
        return ranks[min(self.rank + 1, len(ranks) - 1)] if self.is_known else self

    @classmethod
    @functools.lru_cache(maxsize=16)
    def rank_of(cls, spelling: str) -> int:
        """The rank of a severity that is kept as text; a list asks for each of its rows."""
        known = cls.known(spelling)
        return tuple(cls).index(known) if known else len(cls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What is true of every anomaly of one kind. How it is seen, its detector in `agent/look/detectors.py` says."""

    headline: str
    """What happened, in a few words for a list, a title or a subject."""
    meaning: str
    """What that means, in full sentences for a person who sees it for the first time."""
    look_first: str
    """What a person looks at before anything else."""
    severity: Severity = Severity.WARNING
    """How bad it is at least; a detector may find it worse."""
    action: Action | None = None
    """What is proposed on it first; None where people are only told."""
    why: str
    """Why the action is proposed, in full sentences; without an action, why there is none, in a clause."""
    is_automatic: bool = False
    """Whether the policy may let it be acted on without a person. A new kind may not until this says so."""
    polls: str = ""
    """The key of `thresholds` that says how many polls must see it before it is confirmed; without one, one poll."""
    limits: tuple[str, ...] = ()
    """The keys of `thresholds` that say from when on it is an anomaly."""
    of_server: bool = False
    """Whether it is about a server. Nothing is proposed on servers."""
    rests_on_message: bool = False
    """Whether what the task's message says decides it."""
    is_servers_fault: bool = False
    """Whether the tasks of a server have it for one cause, whatever they said and whatever they connect."""
    is_plans_doing: bool = False
    """Whether the tasks that one planned work stopped have it for that one cause, wherever they are."""
    cause_unknown: bool = False
    """Whether a person reads the message first. If it is recognised, that failure's words take the place of these."""
    fix_first: bool = False
    """Whether what is proposed fails again before `look_first` is done, so that this is a check of the proposal."""
    position_lost: bool = False
    """Whether the log must be restored before a resume works, and a reload is offered beside it."""
    by_person: bool = False
    """Whether a person stopped the task, so that the audit trail is asked who."""
    rests_on_applied: bool = False
    """Whether it is over once the task applies changes: their number is kept with the proposal."""
    only_shown_running: bool = False
    """Whether the task is down though Enterprise Manager shows it as running: what runs after a restart has come up."""
    is_between_polls: bool = False
    """Whether it compares a counter with the previous poll's; between polls that count as one, it stays as it is."""
    stops_proposals: bool = False
    """Whether nothing else is proposed or restarted either, on the task or on the server's tasks; seen at once, by what
    one check says of the task or the server alone.
    """
    hides_tasks: bool = False
    """Whether nothing is known of the server's tasks meanwhile; seen as what stops proposals is."""
    comes_through: bool = False
    """Whether people hear of it during planned work too."""


class AnomalyKind(StoredEnum):
    """The taxonomy. KINDS says what is true of each, `agent/look/detectors.py` how it is seen."""

    FATAL_TRANSIENT = "FATAL_TRANSIENT"
    FATAL_UNKNOWN = "FATAL_UNKNOWN"
    POSITION_LOST = "POSITION_LOST"
    RECOVERING_LONG = "RECOVERING_LONG"
    USER_STOPPED = "USER_STOPPED"
    PLANNED_STOP = "PLANNED_STOP"
    RESOURCE_STOP = "RESOURCE_STOP"
    LEFT_STOPPED = "LEFT_STOPPED"
    SOURCE_LATENCY = "SOURCE_LATENCY"
    TARGET_LATENCY = "TARGET_LATENCY"
    STALLED = "STALLED"
    TABLE_ERROR = "TABLE_ERROR"
    DATA_ERRORS = "DATA_ERRORS"
    DISK_SPILL = "DISK_SPILL"
    PROCESS_MISMATCH = "PROCESS_MISMATCH"
    FLAPPING = "FLAPPING"
    STOPPED_IN_PLAN = "STOPPED_IN_PLAN"
    NOT_RUNNING = "NOT_RUNNING"
    SERVER_DOWN = "SERVER_DOWN"
    SERVER_STATE_OLD = "SERVER_STATE_OLD"
    LICENSE_EXPIRING = "LICENSE_EXPIRING"
    SERVER_DISK = "SERVER_DISK"
    SERVER_MEMORY = "SERVER_MEMORY"
    NOT_READ = "NOT_READ"

    @property
    def traits(self) -> Traits:
        """What is true of this kind; of one that this version does not know, only that nothing is proposed on it."""
        return self.traits_of(self)

    @classmethod
    @functools.lru_cache(maxsize=64)
    def traits_of(cls, spelling: str) -> Traits:
        """The traits of a kind that is kept as text; a list asks for each of its rows."""
        known = cls.known(spelling)
        return KINDS[known] if known else replace(_UNKNOWN, headline=spelling.lower().replace("_", " "))

    @property
    def place(self) -> int:
        """Place among KINDS, 0 for the worst. Raises ValueError for a kind that this version does not know."""
        return tuple(KINDS).index(self)


_RESTARTED = "Its process is stopped and started again; what has been applied is kept."

KINDS: Mapping[AnomalyKind, Traits] = {
    AnomalyKind.POSITION_LOST: Traits(
        headline="log position lost",
        meaning="The source's log is gone from where the task stopped: it is restored and the task resumed, or the "
        "target is reloaded.",
        look_first="First see whether the log can be restored on the source: then a resume would do.",
        severity=Severity.CRITICAL,
        action=Action.RESUME,
        why="The source no longer has the log from where this stopped, so resuming can't work before it is restored.",
        rests_on_message=True,
        position_lost=True,
        comes_through=True,
    ),
    AnomalyKind.FATAL_TRANSIENT: Traits(
        headline="failed, a resume helps",
        meaning="The message is that of a lost connection, a deadlock, a limit or the like, and Replicate has stopped "
        "retrying.",
        look_first="Is the endpoint up? Do other tasks on it run? In the fleet, filter by `source:` or `target:`.",
        severity=Severity.CRITICAL,
        action=Action.RESUME,
        why="It passes, as a lost connection or a deadlock does, and Replicate has stopped retrying; nothing says that "
        "the log is lost.",
        is_automatic=True,
        polls="confirm_polls",
        rests_on_message=True,
    ),
    AnomalyKind.FATAL_UNKNOWN: Traits(
        headline="failed, cause not recognised",
        meaning="The task failed, and no rule knows its message.",
        look_first="Read the message before resuming.",
        severity=Severity.CRITICAL,
        action=Action.RESUME,
        why="The message is none that is known, so read it first: nothing says what resuming would run into.",
        rests_on_message=True,
        cause_unknown=True,
    ),
    AnomalyKind.RESOURCE_STOP: Traits(
        headline="server out of resources",
        meaning="Replicate stopped it because the server lacks something; resuming doesn't provide it.",
        look_first="Free memory or disk space first.",
        severity=Severity.CRITICAL,
        action=Action.RESUME,
        why="Replicate stopped it: its server lacks something. Resumed before that is put right, it stops again.",
        is_servers_fault=True,
        fix_first=True,
    ),
    AnomalyKind.LEFT_STOPPED: Traits(
        headline="stopped by qlikops, not running again",
        meaning="qlikops stopped the task for a restart that did not bring it up; a resume goes on from there.",
        look_first="Read why the last restart did not work: what was in the way may still be.",
        severity=Severity.CRITICAL,
        action=Action.RESUME,
        why="qlikops stopped it for a restart and did not see it running again. It stays down until somebody starts "
        "it.",
    ),
    AnomalyKind.PROCESS_MISMATCH: Traits(
        headline="shown as running without a process",
        meaning="The task is shown as running, but its process uses no memory.",
        look_first="Enterprise Manager's numbers may be late: look at the server if you can.",
        severity=Severity.CRITICAL,
        action=Action.STOP_AND_RESUME,
        why=_RESTARTED,
        limits=("process_mismatch_seconds",),
        only_shown_running=True,
    ),
    AnomalyKind.STALLED: Traits(
        headline="running, but applying nothing",
        meaning="Changes wait and none has been applied for a long time.",
        look_first="A very large transaction or a lock in the target looks the same, and stopping starts it over.",
        severity=Severity.CRITICAL,
        action=Action.STOP_AND_RESUME,
        why=_RESTARTED,
        limits=("stalled_seconds",),
        rests_on_applied=True,
    ),
    AnomalyKind.FLAPPING: Traits(
        headline="keeps failing",
        meaning="The task was started several times within an hour, by qlikops or by anybody else; or it fell over "
        "after each of its last restarts within a day.",
        look_first="What it fails on: another restart does not help.",
        severity=Severity.CRITICAL,
        why="held: it was started again several times, and it doesn't help",
        limits=("flapping_restarts", "flapping_falls_per_day"),
        stops_proposals=True,
    ),
    AnomalyKind.STOPPED_IN_PLAN: Traits(
        headline="stopped for planned work, still down",
        meaning="The task was stopped during planned work that is over by now, and it still stands.",
        look_first="Is the work really over? Ask who planned it.",
        action=Action.RESUME,
        why="It was stopped during planned work, the work is over, and it still stands.",
        is_plans_doing=True,
    ),
    AnomalyKind.NOT_RUNNING: Traits(
        headline="not running",
        meaning="The task stands still, and neither its state nor its stop reason says why.",
        look_first="The task in Enterprise Manager.",
        why="why it stopped is not known; look at it in Qlik, and resume it there if it is to run",
    ),
    AnomalyKind.RECOVERING_LONG: Traits(
        headline="retrying for long",
        meaning="Replicate has been retrying by itself for a long time.",
        look_first="The endpoint. Do not restart the task.",
        why="Replicate is still retrying by itself; a restart would only interrupt it",
        limits=("recovering_seconds",),
    ),
    AnomalyKind.SOURCE_LATENCY: Traits(
        headline="source slow",
        meaning="Changes are read from the source too late.",
        look_first="The load on the source, and the trend in the fleet.",
        why="latency alone is no fault; reading the source is slow",
        polls="latency_polls",
        limits=("source_latency_warning_seconds", "source_latency_critical_seconds"),
    ),
    AnomalyKind.TARGET_LATENCY: Traits(
        headline="target slow",
        meaning="Changes are applied to the target too late.",
        look_first="The load on the target, and the trend in the fleet.",
        why="latency alone is no fault; whether to stop and resume is a person's decision",
        polls="latency_polls",
        limits=("target_latency_warning_seconds", "target_latency_critical_seconds"),
    ),
    AnomalyKind.TABLE_ERROR: Traits(
        headline="tables suspended",
        meaning="Some tables have errors and are suspended. The task replicates the others.",
        look_first="Why each table was suspended (`attrep_suspended_tables` in the target), and whether while it was "
        "loaded or while changes were processed. What changed since then may be missing after a resume: a reload is "
        "the safe way.",
        why="the task itself runs on; once the cause is gone, resume those tables in Qlik, or reload those that were "
        "suspended while they were loaded",
    ),
    AnomalyKind.DATA_ERRORS: Traits(
        headline="data errors",
        meaning="The task wrote many new data errors since the poll before.",
        look_first="The exceptions table in the target.",
        why="a restart doesn't repair data; look at the exceptions table in the target",
        limits=("data_errors_warning", "data_errors_critical"),
        is_between_polls=True,
        comes_through=True,
    ),
    AnomalyKind.DISK_SPILL: Traits(
        headline="changes pile up on disk",
        meaning="The target takes changes more slowly than they come, and they fill the server's disk.",
        look_first="The load on the target, and the free disk space of the Replicate server.",
        why="the target takes changes more slowly than they come; a restart doesn't change that",
        polls="disk_spill_polls",
        is_between_polls=True,
    ),
    AnomalyKind.USER_STOPPED: Traits(
        headline="stopped by a user",
        meaning="A person stopped the task. qlikops leaves it stopped.",
        look_first="Who stopped it, and why.",
        severity=Severity.INFO,
        why="a user stopped it, so it stays as it is",
        by_person=True,
    ),
    AnomalyKind.PLANNED_STOP: Traits(
        headline="stopped as planned",
        meaning="The task's own settings stopped it. qlikops leaves it stopped.",
        look_first="Is it time to resume it, in Qlik?",
        severity=Severity.INFO,
        why="it stopped as its settings planned",
    ),
    AnomalyKind.SERVER_DOWN: Traits(
        headline="server unreachable",
        meaning="Enterprise Manager does not reach the server, so nothing is known of its tasks.",
        look_first="The Replicate service on that host, and the network to it.",
        severity=Severity.CRITICAL,
        why="a task can't be restarted while its server is down; nothing is proposed on its tasks",
        of_server=True,
        hides_tasks=True,
    ),
    AnomalyKind.SERVER_STATE_OLD: Traits(
        headline="state of its tasks is old",
        meaning="Enterprise Manager has not fetched the tasks of this server for a while. What it says of them, and so "
        "all that qlikops shows of them, is as old as that.",
        look_first="Enterprise Manager's connection to the server, and its own service.",
        why="nothing is proposed on its tasks before Enterprise Manager has fetched them again",
        limits=("server_state_seconds",),
        of_server=True,
        stops_proposals=True,
    ),
    AnomalyKind.LICENSE_EXPIRING: Traits(
        headline="licence ends soon",
        meaning="The licence of the Replicate server ends within days, or has ended. Its tasks stop when it does.",
        look_first="The server's licence in Enterprise Manager, and who orders the next one.",
        why="no restart helps; the server needs another licence",
        limits=("license_days_warning", "license_days_critical"),
        of_server=True,
    ),
    AnomalyKind.SERVER_DISK: Traits(
        headline="server uses much disk",
        meaning="The tasks of the server use more disk than its limit.",
        look_first="The free disk space of the Replicate server, and the tasks whose changes pile up on disk.",
        why="a restart frees no disk; where there is none left, Replicate stops tasks",
        limits=("server_disk_mb",),
        of_server=True,
    ),
    AnomalyKind.SERVER_MEMORY: Traits(
        headline="server uses much memory",
        meaning="The active tasks of the server use more memory than its limit.",
        look_first="The free memory of the Replicate server, and its largest tasks.",
        why="a restart frees memory for a while only; where there is none left, Replicate stops tasks",
        limits=("server_memory_mb",),
        of_server=True,
    ),
    AnomalyKind.NOT_READ: Traits(
        headline="not checked in time",
        meaning="The run's time was over before it had read everything of this server.",
        look_first="The next run. If every run says so, Enterprise Manager is slow.",
        why="nothing is proposed on what was not looked at; the next run reads it again",
        of_server=True,
    ),
}
"""Every kind, the worst first: of two with the same severity the first one is proposed."""

ACTIONS: Mapping[AnomalyKind, Action] = {kind: traits.action for kind, traits in KINDS.items() if traits.action}
"""The kinds on which something is proposed, the worst first."""

_UNKNOWN = Traits(
    headline="",
    meaning="A newer version of qlikops found this, and this one does not know it.",
    look_first="Update qlikops.",
    severity=Severity.CRITICAL,
    why="this version of qlikops does not know it",
)


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
    """Task that the anomaly is on; its name is empty for an anomaly of a server."""
    summary: str
    evidence: tuple[Evidence, ...] = ()
    first_seen: datetime | None = None
    polls: int = 1
    """How many polls have seen it, this one included."""
    confirmed: bool = True
    """False while a rule that wants several polls has not had them yet; nothing is proposed on it."""
    diagnosis: Diagnosis | None = None
    """What the task's message means; None if the kind does not rest on it, and in records of earlier versions."""
    resume_until: datetime | None = None
    """Until about when the task can be resumed; None if it is not known or no question, and in earlier records."""
