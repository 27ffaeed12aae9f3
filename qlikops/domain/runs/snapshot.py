"""The fleet at one poll, and what must be remembered from poll to poll."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime, timedelta

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.anomaly import Anomaly, AnomalyKind, Severity
from qlikops.domain.fleet.audit import DoneBy
from qlikops.domain.fleet.endpoint import Probe
from qlikops.domain.fleet.freshness import Freshness, StaleTask
from qlikops.domain.fleet.task import ServerFacts, ServerState, TaskFacts, TaskKey
from qlikops.domain.proposals.lasting import Streak
from qlikops.domain.proposals.mute import Mute
from qlikops.domain.proposals.proposal import RECORD_VERSION
from qlikops.domain.runs.plan import Plan, StoppedInPlan, covering

LATENCY_SAMPLES = 60
"""Kept per task: five hours at one poll in five minutes."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Latencies of a task at one poll, in seconds."""

    at: datetime
    source_seconds: int | None
    total_seconds: int | None


@dataclass(frozen=True, slots=True)
class TaskProgress:
    """What must be remembered about one task between polls."""

    seen: dict[str, datetime] = field(default_factory=dict)
    """Anomaly kind -> when it was first seen without a break."""
    polls: dict[str, int] = field(default_factory=dict)
    """Anomaly kind -> how many polls have seen it without a break."""
    samples: tuple[Sample, ...] = ()
    """Oldest first; one a poll, where polls seconds apart count as one."""
    applied_records: int | None = None
    applied_since: datetime | None = None
    """Since when `applied_records` has stood still while changes wait; None while none wait."""
    data_error_count: int | None = None
    changes_on_disk: int | None = None
    starts: tuple[datetime, ...] = ()
    """When it was seen running after it had been failed or recovering, within the last hour, by any starter."""
    held_at: datetime | None = None
    """The last poll that saw a proposal hold it. Only what was held can have been restarted by us since."""
    restarted_at: datetime | None = None
    """When we restarted it last, tried or done, as far as a poll has seen; None where that is longer ago."""
    left_stopped: bool = False
    """It stands because qlikops stopped it and did not see it running again, not because a user wanted that."""
    back_since: datetime | None = None
    """When the restart began that left it stopped, and after which it was seen running: a later stop is not ours."""
    quiet: Mute | None = None
    """Why nothing is proposed on it for now; kept after it has recovered, until it is over."""
    streak: Streak | None = None
    """While it is down: its last restarts in a row that did not last; None if there is none."""
    position: datetime | None = None
    """The target has the source's changes up to about then, as far as a run could see; it stays while the task is down.

    None if no run has seen the task run.
    """
    freshness: Freshness | None = None
    """How old its target's data may be, and is; None without a limit, and while `position` is None."""
    done_by: DoneBy | None = None
    """Who stopped it, or edited it before it failed, for as long as it is down; None if that is not asked or known."""
    stopped_in: StoppedInPlan | None = None
    """The planned work during which it was stopped, for as long as it stands so; None if it was not."""
    said_before: str = ""
    """The last message that had the cause, while the task's own only says that Replicate has given up."""


@dataclass(frozen=True, slots=True)
class TaskSnapshot:
    """One task at this poll, with its memory and what is wrong with it."""

    facts: TaskFacts
    memory: TaskProgress = TaskProgress()
    anomalies: tuple[Anomaly, ...] = ()
    proposal_id: str = ""
    """The open proposal that holds its lease."""
    note: str = ""
    """Why nothing is proposed though something is wrong, such as `snoozed until …`."""
    is_unread: bool = False
    """There was no time to read it: its facts are a list's or say nothing, its memory is the last poll's."""
    is_listed: bool = False
    """Whether the task's details could not be read: its endpoints and tags are those that were known before."""


@dataclass(frozen=True, slots=True)
class Notified:
    """A finding without a proposal of which people have been told, or some of them."""

    key: TaskKey
    """Task that people were told of; its name is empty for a server."""
    kind: AnomalyKind
    severity: Severity
    """The highest that was told."""
    seen_at: datetime
    """When a poll saw it last, or could not look."""
    tags: tuple[str, ...] = ()
    """Tags of the task whenever people, or EventBridge alone, were told: a filter by tags lets the end through too."""
    worst: Severity | None = None
    """Highest that people or EventBridge were told, `severity` or above; None in a snapshot of an earlier version."""
    heard: bool = True
    """False where the topic did not take it, and others may have: it is told again, and its end in any case."""

    @property
    def closes_as(self) -> Severity:
        """The severity with which its end is told: everybody who heard of it has to hear that."""
        return self.worst or self.severity


@dataclass(frozen=True, slots=True)
class FleetSnapshot:
    """The whole fleet at one poll: what the next run compares with and the fleet screen shows."""

    taken_at: datetime
    execution_name: str
    servers: tuple[ServerFacts, ...]
    tasks: tuple[TaskSnapshot, ...]
    server_anomalies: tuple[Anomaly, ...] = ()
    told: tuple[Notified, ...] = ()
    """Until they are over."""
    probes: tuple[Probe, ...] = ()
    """The newest of each endpoint within the last day."""
    unread_servers: tuple[ServerFacts, ...] = ()
    """Servers of Enterprise Managers that could not be read, as the last poll that could knew them."""
    plans: tuple[Plan, ...] = ()
    """Planned work that is to come, goes on, or was over less than two days ago, by its beginning."""
    version: int = RECORD_VERSION

    @property
    def anomalies(self) -> tuple[Anomaly, ...]:
        """The servers', then the tasks'."""
        return self.server_anomalies + tuple(anomaly for task in self.tasks for anomaly in task.anomalies)

    @property
    def state_age(self) -> timedelta | None:
        """How old the state of the tasks was at this poll, of the server where it is oldest; None if none is known."""
        known = [
            server.fetched.at for server in self.servers if server.fetched and server.state is ServerState.MONITORED
        ]
        return self.taken_at - min(known) if known else None

    @property
    def stale(self) -> tuple[StaleTask, ...]:
        """The tasks whose targets were too old at this poll, as far as it saw them; the longest stale first."""
        unseen = self.not_visible
        found = [
            StaleTask(task.facts.key, task.memory.freshness)
            for task in self.tasks
            if task.memory.freshness and task.memory.freshness.is_stale(self.taken_at) and task.facts.key not in unseen
        ]
        return tuple(sorted(found, key=lambda each: (each.freshness.stale_from, each.key)))

    def console_of(self, key: TaskKey) -> str:
        """Address of the web console of the Enterprise Manager that a task is in; empty if that is not known."""
        return next((server.console for server in self.servers if server.instance == key.instance), "")

    @property
    def on_down_servers(self) -> frozenset[TaskKey]:
        """All tasks of which nothing is known because their server is down."""
        down = [anomaly.key for anomaly in self.server_anomalies if anomaly.kind.traits.hides_tasks]
        keys = (task.facts.key for task in self.tasks)
        return frozenset(key for key in keys if any(server.covers(key) for server in down))

    @property
    def not_visible(self) -> frozenset[TaskKey]:
        """All tasks that this poll says nothing of, whatever the reason: what was wrong with them may be still."""
        return self.on_down_servers | {task.facts.key for task in self.tasks if task.is_unread}

    @property
    def planned(self) -> dict[TaskKey, Plan]:
        """The tasks and servers that planned work covers at this poll, each with the plan that ends last."""
        active = [plan for plan in self.plans if plan.is_active(self.taken_at)]
        if not active:
            return {}
        planned = {task.facts.key: covering(active, task.facts, self.taken_at) for task in self.tasks}
        for server in self.servers:
            named = [plan for plan in active if server.name in plan.scope.servers]
            planned[server.key] = max(named, key=lambda plan: plan.until, default=None)
        return {key: plan for key, plan in planned.items() if plan}
