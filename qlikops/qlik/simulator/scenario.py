"""What a simulated fleet consists of and what happens to it: data only, so that a scenario reads like a script."""

from __future__ import annotations

from enum import StrEnum

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.task import StopReason, TaskState


@dataclass(frozen=True, slots=True)
class KeptLog:
    """How long a source keeps its log. A task that is resumed after that fails with `message`."""

    seconds: float
    message: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A source or target, as Enterprise Manager names it."""

    name: str
    type: str
    log: KeptLog | None = None
    """Log of a source; None if it is kept for ever."""


@dataclass(frozen=True, slots=True)
class SimulatedTask:
    """One task, running when the scenario begins. Its rates and latencies come from the seed."""

    name: str
    source: Endpoint
    target: Endpoint
    tags: tuple[str, ...] = ()
    tables: int = 12
    full_load_completed: bool = True
    """False: the full load stands still half way."""
    reads_log_of: str = ""
    """The Log Stream staging task on the same server whose log it reads; run while that is down, it breaks again."""
    start_seconds: float = 0.0
    """Seconds that a start takes longer than the scenario's lags."""
    catch_up_seconds: float = 30.0
    """Seconds in which it works off the time that it was down, once it runs again."""


@dataclass(frozen=True, slots=True)
class SimulatedServer:
    """One Replicate server."""

    name: str
    host: str
    tasks: tuple[SimulatedTask, ...]
    license_days: int = 400
    """Days that the licence has left when the scenario begins."""
    other_disk_mb: int = 0
    """Disk used beside what its tasks use for themselves."""
    other_memory_mb: int = 0
    """Memory that other programs use."""


class Effect(StrEnum):
    """What a run call does to a broken task."""

    COMES_UP = "comes_up"
    FAILS_AGAIN = "fails_again"
    """Comes up, and breaks as before after `AfterRun.fails_after_seconds`; with 0 the run call itself says so."""
    REFUSED = "refused"
    """The run call is answered with a business error; the task stays as it is."""


@dataclass(frozen=True, slots=True)
class AfterRun:
    """What running does, by what was asked for."""

    resume: Effect = Effect.COMES_UP
    reload: Effect = Effect.COMES_UP
    fails_after_seconds: float = 10.0
    message: str = ""
    """Message of the next failure; empty for the one before."""
    times: int | None = None
    """How many run calls do that; later ones bring it up for good. None: all of them."""


@dataclass(frozen=True, slots=True)
class ScenarioEvent:
    """Something that happens, `at` seconds after the scenario began."""

    at: float


@dataclass(frozen=True, slots=True)
class Break(ScenarioEvent):
    """A task leaves RUNNING."""

    server: str
    task: str
    state: TaskState = TaskState.ERROR
    stop_reason: StopReason = StopReason.FATAL_ERROR
    message: str = ""
    after_run: AfterRun = AfterRun()
    heals_after_seconds: float | None = None
    """Replicate gets it up again by itself; None: never."""


@dataclass(frozen=True, slots=True)
class AuditedAction(ScenarioEvent):
    """Something that a person does to a task: a line of the audit trail. What becomes of it is an event of its own."""

    server: str
    task: str
    user: str
    what: str = "STOP_TASK"


@dataclass(frozen=True, slots=True)
class ServerDown(ScenarioEvent):
    """From `at` to `until` seconds (None: for ever) Enterprise Manager does not reach a server."""

    server: str
    message: str
    until: float | None = None


class LatencySide(StrEnum):
    """Where latency arises."""

    SOURCE = "source"
    APPLY = "apply"


@dataclass(frozen=True, slots=True)
class LatencySpike(ScenarioEvent):
    """From `at` to `until` seconds a task's latency rises by up to `peak_seconds` and falls again; it runs on."""

    until: float
    server: str
    task: str
    peak_seconds: int
    side: LatencySide = LatencySide.APPLY

    def extra_seconds(self, now: float) -> int:
        """What it adds at `now`: rising through the first quarter, level, falling through the last one."""
        if not self.at < now < self.until:
            return 0
        through = (now - self.at) / (self.until - self.at)
        return int(self.peak_seconds * min(1.0, 4 * through, 4 * (1 - through)))


@dataclass(frozen=True, slots=True)
class Scenario:
    """A fleet and its story. Times are seconds from its beginning."""

    name: str
    servers: tuple[SimulatedServer, ...]
    events: tuple[ScenarioEvent, ...] = ()
    state_lag_seconds: float = 2.0
    """Seconds from a start or stop until `state` shows it."""
    memory_lag_seconds: float = 1.5
    """Seconds from then until `memory_mb` shows it."""
    reload_seconds: float = 20.0
    """Seconds that a full load takes."""
    ran_before_seconds: float = 0.0
    """How long runs had seen it well before it begins; 0: no run has seen it."""
