"""Whether the tasks that a restart brought up are still up, as one run sees it.

Pure: a run may look at the same restart twice, and what it does not see it says nothing of.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta

from qlikops.agent.config import AgentConfig
from qlikops.agent.diagnosis.evidence import state_text
from qlikops.agent.look.detection import detect
from qlikops.agent.look.detectors import is_down, is_down_again, is_late, is_retrying
from qlikops.agent.remember.follow_ups import FollowedTask, FollowUp
from qlikops.dataclass import dataclass
from qlikops.domain.fleet.anomaly import Anomaly, AnomalyKind
from qlikops.domain.fleet.task import Action, ServerFacts, TaskFacts, TaskKey, TaskState
from qlikops.domain.proposals.lasting import Lasting, TaskLasting
from qlikops.domain.runs.snapshot import FleetSnapshot
from qlikops.domain.words.text import harmless

GIVE_UP_AFTER = timedelta(hours=1)
"""So long after the last look was due, what has not been seen by then cannot be said."""
_DETAIL_CAP = 160


@dataclass(frozen=True, slots=True)
class Stuck:
    """A task that is up, and of which a restart would be proposed nevertheless: a stall, or a process that is gone."""

    why: str
    """How it stands, in words."""
    time: timedelta
    """So long it takes to be found. One that came up less long ago may have been so before it was restarted."""


def stuck_in(
    servers: Sequence[ServerFacts],
    tasks: Sequence[TaskFacts],
    unread: Collection[TaskKey],
    previous: FleetSnapshot | None,
    followed: Collection[TaskKey],
    config: AgentConfig,
    now: datetime,
) -> dict[TaskKey, Stuck]:
    """The tasks that are stuck at this check, as far as they are `followed` or the `previous` one saw it.

    Looked at before all others: whether their restarts lasted has to be known before anything is proposed on them.
    """
    seen = [each for each in previous.tasks if any(map(_is_stuck, each.anomalies))] if previous else []
    asked = {each.facts.key for each in seen} | set(followed)
    running = [facts for facts in tasks if facts.key in asked and facts.state is TaskState.RUNNING]
    if not running:
        return {}
    if previous:
        keys = {facts.key for facts in running}
        previous = replace(previous, tasks=tuple(each for each in previous.tasks if each.facts.key in keys))
    found = detect(servers, running, previous, config, now, "", unread=unread).tasks
    return {
        task.facts.key: Stuck(anomaly.summary, _time_to_find(anomaly.kind, task.facts, config))
        for task in found
        for anomaly in task.anomalies
        if _is_stuck(anomaly)
    }


def _is_stuck(anomaly: Anomaly) -> bool:
    return anomaly.confirmed and anomaly.kind.traits.action is Action.STOP_AND_RESUME


def _time_to_find(kind: AnomalyKind, facts: TaskFacts, config: AgentConfig) -> timedelta:
    thresholds = config.thresholds_for(facts)
    return timedelta(seconds=max(int(getattr(thresholds, limit)) for limit in kind.traits.limits))


@dataclass(frozen=True)
class Look:
    """What one run read, as far as restarts that are followed need it."""

    at: datetime
    """When it began to read: what came up later is not held against it."""
    tasks: Mapping[TaskKey, TaskFacts]
    servers: Collection[ServerFacts]
    not_read: Collection[TaskKey]
    first: timedelta
    """Time from a restart to when it is first said whether its tasks are still up."""
    last: timedelta
    """Time from a restart to when it is said that it lasted."""
    last_up: Mapping[TaskKey, datetime] = field(default_factory=dict)
    """When the newest of the restarts that are followed brought each task up."""
    stuck: Mapping[TaskKey, Stuck] = field(default_factory=dict)
    """Tasks that are up and stuck."""

    def at_restart(self, follow_up: FollowUp) -> FollowUp:
        """The follow-up with what this run sees of its tasks; the same if that is nothing new."""
        found = {each.key: result for each in follow_up.tasks if (result := self._result(each))}
        results = tuple(found.values())
        left = tuple(each for each in follow_up.tasks if each.key not in found)
        so_far = follow_up.so_far.with_results(results)
        if not so_far.up_seconds and left and all(self._is_up_after(each, self.first) for each in left):
            so_far = replace(so_far, up_seconds=min(self._age(each) for each in left))
        fallen = tuple(each for each in results if each.result is Lasting.FELL_OVER)
        return replace(follow_up, tasks=left, so_far=so_far, untold=(*follow_up.untold, *fallen))

    def _result(self, task: FollowedTask) -> TaskLasting | None:
        """What is known of a task now; None while it is followed on."""
        if self.at <= task.up_at:
            return None
        if task.up_at < self.last_up.get(task.key, task.up_at):
            # No run saw why: what it was restarted for may have been back between two of them.
            return self._said(task, Lasting.UNCLEAR, "it was restarted again")
        is_over = self.at - task.up_at > self.last + GIVE_UP_AFTER
        stuck = self.stuck.get(task.key)
        if stuck and self.at - task.up_at >= stuck.time:
            return self._fell_over(task, stuck.why, is_over)
        if self._is_up_after(task, self.last):
            return self._said(task, Lasting.LASTED)
        facts = self.tasks.get(task.key)
        if facts is None and self._is_server_read(task.key):
            return self._said(task, Lasting.UNCLEAR, "it is no longer there")
        if facts is None or task.key in self.not_read:
            return self._said(task, Lasting.UNCLEAR, "it could not be read") if is_over else None
        if facts.state in (TaskState.STOPPED, TaskState.ERROR) and not is_retrying(facts):
            if is_down_again(facts):
                return self._fell_over(task, f"{state_text(facts)} {facts.message}", is_over)
            return self._said(task, Lasting.UNCLEAR, f"it was stopped: {state_text(facts)}")
        return self._said(task, Lasting.UNCLEAR, f"it was not seen up: {state_text(facts)}") if is_over else None

    def _fell_over(self, task: FollowedTask, why: str, is_over: bool) -> TaskLasting:
        if is_over:
            return self._said(task, Lasting.UNCLEAR, harmless(f"no run looked in time: {why}", _DETAIL_CAP))
        return self._said(task, Lasting.FELL_OVER, harmless(why, _DETAIL_CAP))

    def _is_up_after(self, task: FollowedTask, time: timedelta) -> bool:
        facts = self.tasks.get(task.key)
        return self.at - task.up_at >= time and facts is not None and facts.is_up and task.key not in self.not_read

    def _age(self, task: FollowedTask) -> int:
        return int((self.at - task.up_at).total_seconds())

    def _said(self, task: FollowedTask, result: Lasting, detail: str = "") -> TaskLasting:
        return TaskLasting(task.key, result, self._age(task), self.at, detail)

    def _is_server_read(self, key: TaskKey) -> bool:
        return any(
            (server.instance, server.name) == (key.instance, key.server)
            and not (is_down(server) or is_late(server) or server.error_code)
            for server in self.servers
        )
