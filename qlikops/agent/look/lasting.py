"""Whether the tasks that a restart brought up are still up, as one run sees it.

Pure: a run may look at the same restart twice, and what it does not see it says nothing of.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field, replace
from datetime import datetime, timedelta

from qlikops.agent.diagnosis.evidence import state_text
from qlikops.agent.look.detectors import is_down, is_down_again, is_late, is_retrying
from qlikops.agent.remember.follow_ups import FollowedTask, FollowUp
from qlikops.dataclass import dataclass
from qlikops.domain.lasting import Lasting, TaskLasting
from qlikops.domain.task import ServerFacts, TaskFacts, TaskKey, TaskState
from qlikops.domain.text import harmless

GIVE_UP_AFTER = timedelta(hours=1)
"""So long after the last look was due, what has not been seen by then cannot be said."""
_DETAIL_CAP = 160


@dataclass(frozen=True)
class Look:
    """What one run read, as far as restarts that are followed need it."""

    at: datetime
    """When it began to read: what came up later is not held against it."""
    tasks: Mapping[TaskKey, TaskFacts]
    servers: Collection[ServerFacts]
    not_read: Collection[TaskKey]
    first: timedelta
    """From a restart to when it is first said whether its tasks are still up."""
    last: timedelta
    """From a restart to when it is said that it lasted."""
    last_up: Mapping[TaskKey, datetime] = field(default_factory=dict)
    """When the newest of the restarts that are followed brought each task up."""

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
            # What it was restarted for, such as a stall, may be back while the task is up: being up says nothing.
            return self._said(task, Lasting.UNCLEAR, "it was restarted again")
        if self._is_up_after(task, self.last):
            return self._said(task, Lasting.LASTED)
        facts = self.tasks.get(task.key)
        is_over = self.at - task.up_at > self.last + GIVE_UP_AFTER
        if facts is None and self._is_server_read(task.key):
            return self._said(task, Lasting.UNCLEAR, "it is no longer there")
        if facts is None or task.key in self.not_read:
            return self._said(task, Lasting.UNCLEAR, "it could not be read") if is_over else None
        if facts.state in (TaskState.STOPPED, TaskState.ERROR) and not is_retrying(facts):
            if is_down_again(facts) and not is_over:
                why = harmless(f"{state_text(facts)} {facts.message}", _DETAIL_CAP)
                return self._said(task, Lasting.FELL_OVER, why)
            why = "no run looked in time" if is_down_again(facts) else "it was stopped"
            return self._said(task, Lasting.UNCLEAR, f"{why}: {state_text(facts)}")
        return self._said(task, Lasting.UNCLEAR, f"it was not seen up: {state_text(facts)}") if is_over else None

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
