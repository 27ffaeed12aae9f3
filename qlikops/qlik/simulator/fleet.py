"""The simulated fleet: what is true of every task at any second, and what Enterprise Manager would show of it.

A pure model. Time comes from the clock that it is given, chance from the seed: the same calls at the same seconds
give the same answers. What is due happens at the next reading.
"""

from __future__ import annotations

import heapq
import itertools
import math
import threading
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.task import RunOption, ServerState, StopReason, TaskState
from qlikops.qlik.simulator.scenario import (
    AfterRun,
    AuditedAction,
    Break,
    Effect,
    LatencySide,
    LatencySpike,
    Scenario,
    ScenarioEvent,
    ServerDown,
    SimulatedServer,
)
from qlikops.qlik.simulator.task import RUNNING, SimulatedState, TaskModel


class Refusal(Exception):
    """A business error: Enterprise Manager's error_code and error_message."""

    def __init__(self, error_code: str, message: str) -> None:
        super().__init__(f"{error_code}: {message}")
        self.error_code = error_code
        self.message = message


@dataclass(frozen=True, slots=True)
class Call:
    """One run or stop, as it was answered."""

    at: float
    user: str
    server: str
    task: str
    action: str
    option: str
    answer: str
    """The state answered, or the error_code."""

    def to_json(self) -> dict[str, Any]:
        """The fleet as JSON for the control path."""
        return {**asdict(self), "at": round(self.at, 3)}


@dataclass(frozen=True, slots=True)
class Tested:
    """One test of an endpoint, as it was answered."""

    at: float
    user: str
    server: str
    endpoint: str
    answer: str
    """The status answered, or the error_code."""


class SimulatedFleet:
    """Servers and tasks under a scenario. Thread-safe."""

    task_model = TaskModel

    def __init__(self, scenario: Scenario, *, seed: int, clock: Callable[[], float]) -> None:
        """`clock` gives seconds since 1970; the scenario begins at its first value, and again with `reset`."""
        self.scenario = scenario
        self.seed = seed
        self._clock = clock
        self._lock = threading.RLock()
        self.may_test: Callable[[str], bool] = lambda _: True
        """Whether the role of a user lets him test endpoints."""
        self.may_read_servers: Callable[[str], bool] = lambda _: True
        """Whether it lets him read the details of servers."""
        self.may_audit: Callable[[str], bool] = lambda _: True
        """Whether it lets him read the audit trail."""
        self.reset()

    def reset(self) -> None:
        """Back to second 0: all that happened and was done is forgotten."""
        with self._lock:
            self._began = self._clock()
            self._servers = {server.name: server for server in self.scenario.servers}
            self._tasks = {
                (server.name, spec.name): self.task_model(server.name, spec, self.seed)
                for server in self.scenario.servers
                for spec in server.tasks
            }
            self._calls: list[Call] = []
            self._tests: list[Tested] = []
            self._order = itertools.count()
            self._due: list[tuple[float, int, Callable[[float], None]]] = []
            for event in self.scenario.events:
                self._schedule(event)

    def _schedule(self, event: ScenarioEvent) -> None:
        """Has what an event does to tasks happen at its second."""
        if isinstance(event, Break):
            self._at(event.at, partial(self._break, event))

    def seconds(self) -> float:
        """Since the scenario began."""
        with self._lock:
            return self._clock() - self._began

    def servers(self) -> list[dict[str, Any]]:
        """The entries of `serverList`."""
        with self._lock:
            now = self._now()
            return [self._server_json(server, now) for server in self._servers.values()]

    def server_details(self, server: str, user: str = "") -> dict[str, Any]:
        """The object under `serverDetails`. Raises Refusal."""
        with self._lock:
            now = self._now()
            if not self.may_read_servers(user):
                raise Refusal("UNAUTHORIZED_REQUEST", f"User '{user}' is not authorized to view server '{server}'")
            self._reach(server, now)
            spec, tasks = self._servers[server], self._tasks_of(server)
            days_left = spec.license_days - int(now // 86_400)
            states = [task.shown.state for task in tasks]
            return {
                **self._server_json(spec, now),
                "task_summary": {
                    "total": len(states),
                    "running": states.count(TaskState.RUNNING),
                    "stopped": states.count(TaskState.STOPPED),
                    "recovering": states.count(TaskState.RECOVERY),
                    "error": states.count(TaskState.ERROR),
                },
                "resource_utilization": {
                    "disk_usage_mb": spec.other_disk_mb + sum(task.disk_usage_mb for task in tasks),
                    "memory_mb": spec.other_memory_mb + sum(task.memory_mb for task in tasks if task.memory_in_use),
                    "attunity_cpu_percentage": min(90, 2 * states.count(TaskState.RUNNING)),
                    "machine_cpu_percentage": min(95, 5 + 2 * states.count(TaskState.RUNNING)),
                },
                "license": {
                    "state": "VALID_LICENSE" if days_left >= 0 else "EXPIRED_LICENSE",
                    "days_to_expiration": days_left,
                },
            }

    def tasks(self, server: str) -> list[dict[str, Any]]:
        """The entries of `taskList`."""
        with self._lock:
            self._reach(server, self._now())
            return self._listed(server)

    def _listed(self, server: str) -> list[dict[str, Any]]:
        return [
            {
                "name": task.spec.name,
                "state": task.shown.state.value,
                "stop_reason": task.shown.stop_reason.value,
                "message": task.shown.message,
                "assigned_tags": list(task.spec.tags),
            }
            for task in self._tasks_of(server)
        ]

    def task(self, server: str, task: str) -> dict[str, Any]:
        """A task's details."""
        with self._lock:
            now = self._now()
            self._reach(server, now)
            return self._details(server, task, now)

    def _details(self, server: str, task: str, now: float) -> dict[str, Any]:
        extra = self._extra_latency(server, task, now)
        return self._find(server, task).details(now, self.scenario.reload_seconds, extra)

    def run(self, server: str, task: str, option: str, user: str = "") -> dict[str, Any]:
        """Runs a task. The answer tells the truth; what is shown of the task follows with the scenario's lags."""
        return self._logged(user, server, task, "run", option, lambda now: self._run(now, server, task, option))

    def stop(self, server: str, task: str, user: str = "") -> dict[str, Any]:
        """Stops a task: STOPPED, NORMAL."""
        return self._logged(user, server, task, "stop", "", lambda now: self._stop(now, server, task))

    def test_endpoint(self, server: str, endpoint: str, user: str = "") -> dict[str, Any]:
        """Whether a server gets into one of its endpoints. Raises Refusal."""
        with self._lock:
            now, answer = self._now(), "FAILED"
            try:
                self._reach(server, now)
                tested = self._tested(server, endpoint, user, now)
                answer = tested["status"]
            except Refusal as exc:
                answer = exc.error_code
                raise
            finally:
                self._tests.append(Tested(now, user, server, endpoint, answer))
            return tested

    def audit_trail(self, since: str, until: str, user: str = "") -> list[dict[str, Any]]:
        """What was done between two times, by whom. Raises Refusal."""
        with self._lock:
            now = self._now()
            if not self.may_audit(user):
                raise Refusal("UNAUTHORIZED_REQUEST", f"User '{user}' may not read the audit trail")
            done = [
                AuditedAction(each.at, each.server, each.task, each.user, f"{each.action}_task") for each in self._calls
            ]
            done += [event for event in self.scenario.events if isinstance(event, AuditedAction) and event.at <= now]
            lines = [
                {
                    "timestamp": f"{self._written(each.at)}Z",
                    "user": each.user,
                    "action": each.what.upper(),
                    "server": each.server,
                    "task": each.task,
                }
                for each in sorted(done, key=lambda each: each.at)
            ]
            return [line for line in lines if since <= line["timestamp"] <= (until or line["timestamp"])]

    def break_now(self, event: Break) -> None:
        """Breaks a task at once, whatever `event.at` says."""
        with self._lock:
            now = self._now()
            self._find(event.server, event.task)
            self._break(event, now)

    def true_state(self) -> dict[str, Any]:
        """What really is: every task, shown and true, and every run, stop and test with its answer."""
        with self._lock:
            now = self._now()
            return {
                "scenario": self.scenario.name,
                "seed": self.seed,
                "seconds": round(now, 3),
                "servers": [self._server_json(server, now) for server in self._servers.values()],
                "tasks": [
                    {
                        "server": server,
                        "task": name,
                        "state": task.true.state.value,
                        "stop_reason": task.true.stop_reason.value,
                        "message": task.true.message,
                        "shown_state": task.shown.state.value,
                        "memory_mb": task.memory_mb if task.memory_in_use else 0,
                        "full_load_completed": task.loaded_part(now, self.scenario.reload_seconds) >= 1,
                        "runs": task.runs,
                        "stops": task.stops,
                    }
                    for (server, name), task in self._tasks.items()
                ],
                "calls": [call.to_json() for call in self._calls],
                "tests": [asdict(tested) for tested in self._tests],
            }

    def _now(self) -> float:
        """Seconds since the beginning, after everything that was due by then has happened, each at its second."""
        now = self._clock() - self._began
        while self._due and self._due[0][0] <= now:
            at, _, happen = heapq.heappop(self._due)
            happen(at)
        return now

    def _at(self, at: float, happen: Callable[[float], None]) -> None:
        heapq.heappush(self._due, (at, next(self._order), happen))

    def _then(self, at: float, task: TaskModel, happen: Callable[[float], None]) -> None:
        """Does it as `_at` does, unless something else is done to the task before."""
        generation = task.generation
        self._at(at, lambda now: happen(now) if task.generation == generation else None)

    def _find(self, server: str, task: str) -> TaskModel:
        if server not in self._servers:
            raise Refusal("AEM_SERVER_NOT_FOUND", f"Server '{server}' was not found")
        found = self._tasks.get((server, task))
        if found is None:
            raise Refusal("AEM_TASK_NOT_FOUND", f"Task '{task}' was not found on server '{server}'")
        return found

    def _tasks_of(self, server: str) -> list[TaskModel]:
        return [self._tasks[server, spec.name] for spec in self._servers[server].tasks]

    def _reach(self, server: str, now: float) -> None:
        if server not in self._servers:
            raise Refusal("AEM_SERVER_NOT_FOUND", f"Server '{server}' was not found")
        if self._outage(server, now):
            raise Refusal("AEM_SERVER_NOT_CONNECTED", f"Server '{server}' is not connected")

    def _outage(self, server: str, now: float) -> ServerDown | None:
        for event in self.scenario.events:
            if isinstance(event, ServerDown) and event.server == server and event.at <= now < (event.until or math.inf):
                return event
        return None

    def _tested(self, server: str, endpoint: str, user: str, now: float) -> dict[str, Any]:  # noqa: ARG002 - in tests, endpoints go away
        if not self.may_test(user):
            raise Refusal("UNAUTHORIZED_REQUEST", f"User '{user}' is not authorized to test endpoints")
        if not any(endpoint in task.endpoints for task in self._tasks_of(server)):
            raise Refusal("AEM_ENDPOINT_NOT_FOUND", f"Endpoint '{endpoint}' was not found on server '{server}'")
        return {"status": "CONNECTED", "message": "", "detailed_message": ""}

    def _logged(
        self,
        user: str,
        server: str,
        task: str,
        action: str,
        option: str,
        act: Callable[[float], dict[str, Any]],
    ) -> dict[str, Any]:
        with self._lock:
            now = self._now()
            answer = "FAILED"
            try:
                self._reach(server, now)
                reply = act(now)
                answer = reply["state"]
            except Refusal as exc:
                answer = exc.error_code
                raise
            finally:
                self._calls.append(Call(now, user, server, task, action, option, answer))
            return reply

    def _run(self, now: float, server: str, name: str, option: str) -> dict[str, Any]:
        task = self._find(server, name)
        if option not in list(RunOption):
            raise Refusal("DESERIALIZE_TO_TYPE", f"'{option}' is not a run option that is simulated")
        task.runs += 1
        if task.true.state in (TaskState.RUNNING, TaskState.RECOVERY):
            raise Refusal("AEM_TASK_ALREADY_RUNNING", f"Task '{name}' is already running")
        after, before = self._after_run(server, task, now), task.true
        reload = option == RunOption.RELOAD_TARGET
        effect = after.reload if reload else after.resume
        if after.times is not None:
            effect = effect if after.times > 0 else Effect.COMES_UP
            task.after_run = replace(after, times=after.times - 1)
        parent = self._tasks.get((server, task.spec.reads_log_of))
        lacks_log = parent is not None and parent.shown.state is not TaskState.RUNNING
        failure = SimulatedState(TaskState.ERROR, StopReason.FATAL_ERROR, after.message or before.message)
        if effect is Effect.REFUSED:
            raise Refusal("AEM_RUN_TASK_INNER_ERR", failure.message)
        log = task.spec.source.log
        if log is not None and not reload and task.log_is_gone(now):
            task.true = SimulatedState(TaskState.ERROR, StopReason.FATAL_ERROR, log.message)
            self._show(task, task.true)
            return {"state": task.true.state.value, "error_message": log.message}
        if lacks_log or (effect is Effect.FAILS_AGAIN and after.fails_after_seconds <= 0):
            self._show(task, failure)
            return {"state": failure.state.value, "error_message": failure.message}
        task.start(now, reload=reload)
        shown_at = now + self.scenario.state_lag_seconds + task.spec.start_seconds
        self._then(shown_at, task, lambda _: self._show(task, RUNNING))
        self._then(shown_at + self.scenario.memory_lag_seconds, task, lambda _: self._use_memory(task))
        if effect is Effect.FAILS_AGAIN:
            self._then(now + after.fails_after_seconds, task, lambda at: self._fall(at, task, failure))
        return {"state": RUNNING.state.value, "error_message": ""}

    def _after_run(self, server: str, task: TaskModel, now: float) -> AfterRun:  # noqa: ARG002 - in tests, endpoints go away
        """What running does now."""
        return task.after_run

    def _stop(self, now: float, server: str, name: str) -> dict[str, Any]:
        task = self._find(server, name)
        task.stops += 1
        if task.true.state not in (TaskState.RUNNING, TaskState.RECOVERY):
            raise Refusal("AEM_TASK_ALREADY_STOPPED", f"Task '{name}' is already stopped")
        stopped = SimulatedState(TaskState.STOPPED, StopReason.NORMAL, "Stopped by user")
        task.halt(now, stopped, self.scenario.reload_seconds)
        task.after_run = AfterRun()
        self._then(now + self.scenario.state_lag_seconds, task, lambda _: self._show(task, stopped))
        return {"state": stopped.state.value, "error_message": ""}

    def _break(self, event: Break, now: float) -> None:
        task = self._find(event.server, event.task)
        task.after_run = event.after_run
        self._fall(now, task, SimulatedState(event.state, event.stop_reason, event.message))
        if event.heals_after_seconds is not None:
            self._then(now + event.heals_after_seconds, task, lambda at: self._heal(at, task))

    def _heal(self, now: float, task: TaskModel) -> None:
        task.start(now, reload=False)
        self._show(task, RUNNING)
        self._use_memory(task)

    def _fall(self, now: float, task: TaskModel, condition: SimulatedState) -> None:
        task.halt(now, condition, self.scenario.reload_seconds)
        self._show(task, condition)

    @staticmethod
    def _show(task: TaskModel, condition: SimulatedState) -> None:
        task.shown = condition
        if condition.state is not TaskState.RUNNING:
            task.memory_in_use = False

    @staticmethod
    def _use_memory(task: TaskModel) -> None:
        task.memory_in_use = True

    def _server_json(self, server: SimulatedServer, now: float) -> dict[str, Any]:
        outage = self._outage(server.name, now)
        return {
            "$type": "ReplicateServerInfo",
            "name": server.name,
            "description": "",
            "host": server.host,
            "port": "443",
            "state": (ServerState.ERROR if outage else ServerState.MONITORED).value,
            "message": outage.message if outage else "",
            "platform": "Linux",
            "version": "2024.11.0.400",
            "last_connection": self._written(self._fetched_at(server.name, now)),
        }

    def _fetched_at(self, server: str, now: float) -> float:
        """When Enterprise Manager last fetched what it says of a server's tasks."""
        outage = self._outage(server, now)
        return outage.at if outage else now

    def _written(self, at: float) -> str:
        """The time in UTC, without saying so, as Enterprise Manager writes it."""
        return datetime.fromtimestamp(self._began + at, UTC).strftime("%Y-%m-%dT%H:%M:%S")

    def _extra_latency(self, server: str, task: str, now: float) -> dict[LatencySide, int]:
        """Seconds that spikes add at `now`."""
        extra = dict.fromkeys(LatencySide, 0)
        for event in self.scenario.events:
            if isinstance(event, LatencySpike) and (event.server, event.task) == (server, task):
                extra[event.side] += event.extra_seconds(now)
        return extra
