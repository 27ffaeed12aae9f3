"""The simulated fleet: what is true of every task at any second, and what Enterprise Manager would show of it.

A pure model. Time comes from the clock that it is given, chance from the seed: the same calls at the same seconds
give the same answers. What is due happens when somebody looks.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from qlikops.domain.task import RunOption, ServerState, StopReason, TaskState
from qlikops.qlik.simulator.scenario import (
    AfterRun,
    Break,
    Effect,
    LatencySpike,
    Scenario,
    ServerDown,
    Side,
    SimulatedServer,
    SimulatedTask,
)

_UPTIME_SECONDS = 86_400.0
"""That every task has been running for when the scenario begins."""
_CATCH_UP_SECONDS = 30.0
"""In which a resumed task works off the time that it was down."""


class Refusal(Exception):
    """A business error: Enterprise Manager's error_code and error_message."""

    def __init__(self, error_code: str, message: str) -> None:
        super().__init__(f"{error_code}: {message}")
        self.error_code = error_code
        self.message = message


@dataclass(frozen=True, slots=True)
class Condition:
    """State, stop reason and message of a task."""

    state: TaskState
    stop_reason: StopReason
    message: str = ""


RUNNING = Condition(TaskState.RUNNING, StopReason.NONE)


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
        """For the control path."""
        return {
            "at": round(self.at, 3),
            "user": self.user,
            "server": self.server,
            "task": self.task,
            "action": self.action,
            "option": self.option,
            "answer": self.answer,
        }


class _Task:
    """One task's state. `true` is what it does, `shown` and `memory_in_use` what Enterprise Manager knows of it."""

    def __init__(self, server: str, spec: SimulatedTask, seed: int) -> None:
        chance = random.Random(f"{seed}/{server}/{spec.name}")  # noqa: S311 - plausible numbers, no secrets
        self.spec = spec
        self.true = RUNNING
        self.shown = RUNNING
        self.memory_in_use = True
        self.after_run = AfterRun()
        self.generation = 0
        """Counts what was done to the task: what an earlier action left pending no longer applies."""
        self.runs = 0
        self.stops = 0
        self.records_per_second = chance.uniform(5, 400)
        self.source_latency = chance.randint(1, 5)
        self.apply_latency = chance.randint(1, 8)
        self.wave_seconds = chance.uniform(60, 240)
        self.phase = chance.uniform(0, 2 * math.pi)
        self.memory_mb = chance.randint(180, 900)
        self.disk_usage_mb = chance.randint(20, 400)
        self.rows_per_table = chance.randint(10_000, 2_000_000)
        self.running_since: float | None = -_UPTIME_SECONDS
        self.applied_before = 0.0
        """Records applied up to the last stop, since the last start."""
        self.behind_seconds = 0.0
        """For how long it was down when it last started."""
        self.down_since = 0.0
        self.loaded = 1.0 if spec.full_load_completed else 0.5
        """Part of the full load that is done, when it last stood still."""
        self.loading_since: float | None = None

    def start(self, now: float, *, reload: bool) -> None:
        self.generation += 1
        self.true = RUNNING
        self.running_since = now
        self.applied_before = 0.0
        self.behind_seconds = 0.0 if reload else now - self.down_since
        # A resumed task whose full load had not ended loads its tables again.
        if reload or self.loaded < 1:
            self.loaded, self.loading_since = 0.0, now

    def halt(self, now: float, condition: Condition, reload_seconds: float) -> None:
        self.generation += 1
        self.loaded = self.loaded_part(now, reload_seconds)
        self.loading_since = None
        self.applied_before = self.applied(now)
        self.running_since = None
        self.down_since = now
        self.true = condition

    def applied(self, now: float) -> float:
        since = self.running_since
        return self.applied_before + (0 if since is None else (now - since) * self.records_per_second)

    def loaded_part(self, now: float, reload_seconds: float) -> float:
        if self.loading_since is None:
            return self.loaded
        return min(1.0, (now - self.loading_since) / reload_seconds)

    def wave(self, now: float) -> float:
        """From 0 to 1 and back, for ever."""
        return (1 + math.sin(2 * math.pi * now / self.wave_seconds + self.phase)) / 2

    def catch_up(self, now: float) -> float:
        """Seconds of latency left over from having been down."""
        if self.running_since is None:
            return 0.0
        return self.behind_seconds * max(0.0, 1 - (now - self.running_since) / _CATCH_UP_SECONDS)


class SimulatedFleet:
    """Servers and tasks under a scenario. Thread-safe."""

    def __init__(self, scenario: Scenario, *, seed: int, clock: Callable[[], float]) -> None:
        """`clock` gives seconds; the scenario begins at its first value, and again with `reset`."""
        self.scenario = scenario
        self.seed = seed
        self._clock = clock
        self._lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """Back to second 0: all that happened and was done is forgotten."""
        with self._lock:
            self._began = self._clock()
            self._servers = {server.name: server for server in self.scenario.servers}
            self._tasks = {
                (server.name, spec.name): _Task(server.name, spec, self.seed)
                for server in self.scenario.servers
                for spec in server.tasks
            }
            self._calls: list[Call] = []
            self._order = itertools.count()
            self._due: list[tuple[float, int, Callable[[float], None]]] = []
            for event in self.scenario.events:
                if isinstance(event, Break):
                    self._at(event.at, partial(self._break, event))

    def servers(self) -> list[dict[str, Any]]:
        """The entries of `serverList`."""
        with self._lock:
            now = self._now()
            return [self._server_json(server, now) for server in self._servers.values()]

    def server_details(self, server: str) -> dict[str, Any]:
        """The object under `serverDetails`."""
        with self._lock:
            now = self._now()
            self._reach(server, now)
            tasks = self._tasks_of(server)
            states = [task.shown.state for task in tasks]
            return {
                **self._server_json(self._servers[server], now),
                "task_summary": {
                    "total": len(states),
                    "running": states.count(TaskState.RUNNING),
                    "stopped": states.count(TaskState.STOPPED),
                    "recovering": states.count(TaskState.RECOVERY),
                    "error": states.count(TaskState.ERROR),
                },
                "resource_utilization": {
                    "disk_usage_mb": sum(task.disk_usage_mb for task in tasks),
                    "memory_mb": sum(task.memory_mb for task in tasks if task.memory_in_use),
                    "attunity_cpu_percentage": min(90, 2 * states.count(TaskState.RUNNING)),
                    "machine_cpu_percentage": min(95, 5 + 2 * states.count(TaskState.RUNNING)),
                },
                "license": {"state": "VALID_LICENSE", "expiration": "2027-12-31", "days_to_expiration": 400},
            }

    def tasks(self, server: str) -> list[dict[str, Any]]:
        """The entries of `taskList`."""
        with self._lock:
            self._reach(server, self._now())
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
            return self._details(server, self._find(server, task), now)

    def run(self, server: str, task: str, option: str, user: str = "") -> dict[str, Any]:
        """Runs a task. The answer tells the truth; what is shown of the task follows with the scenario's lags."""
        return self._logged(user, server, task, "run", option, lambda now: self._run(now, server, task, option))

    def stop(self, server: str, task: str, user: str = "") -> dict[str, Any]:
        """Stops a task: STOPPED, NORMAL."""
        return self._logged(user, server, task, "stop", "", lambda now: self._stop(now, server, task))

    def reload_table(self, server: str, task: str) -> None:
        """Accepts the reload of a table of a running task."""
        with self._lock:
            self._reach(server, self._now())
            if self._find(server, task).true.state is not TaskState.RUNNING:
                raise Refusal(
                    "AEM_RELOAD_TABLE_ERR", f"Table of task '{task}' can only be reloaded while it is running"
                )

    def break_now(self, event: Break) -> None:
        """Breaks a task at once, whatever `event.at` says."""
        with self._lock:
            now = self._now()
            self._find(event.server, event.task)
            self._break(event, now)

    def true_state(self) -> dict[str, Any]:
        """What really is: every task, shown and true, and every run and stop with its answer."""
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
                        "full_load_completed": self._is_loaded(task, now),
                        "runs": task.runs,
                        "stops": task.stops,
                    }
                    for (server, name), task in self._tasks.items()
                ],
                "calls": [call.to_json() for call in self._calls],
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

    def _then(self, at: float, task: _Task, happen: Callable[[float], None]) -> None:
        """As `_at`, unless something else is done to the task before."""
        generation = task.generation
        self._at(at, lambda now: happen(now) if task.generation == generation else None)

    def _find(self, server: str, task: str) -> _Task:
        if server not in self._servers:
            raise Refusal("AEM_SERVER_NOT_FOUND", f"Server '{server}' was not found")
        found = self._tasks.get((server, task))
        if found is None:
            raise Refusal("AEM_TASK_NOT_FOUND", f"Task '{task}' was not found on server '{server}'")
        return found

    def _tasks_of(self, server: str) -> list[_Task]:
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
        after, before = task.after_run, task.true
        reload = option == RunOption.RELOAD_TARGET
        effect = after.reload if reload else after.resume
        failure = Condition(TaskState.ERROR, StopReason.FATAL_ERROR, after.message or before.message)
        if effect is Effect.REFUSED:
            raise Refusal("AEM_RUN_TASK_INNER_ERR", failure.message)
        if effect is Effect.FAILS_AGAIN and after.fails_after_seconds <= 0:
            self._show(task, failure)
            return {"state": failure.state.value, "error_message": failure.message}
        task.start(now, reload=reload)
        shown_at = now + self.scenario.state_lag_seconds
        self._then(shown_at, task, lambda _: self._show(task, RUNNING))
        self._then(shown_at + self.scenario.memory_lag_seconds, task, lambda _: self._use_memory(task))
        if effect is Effect.FAILS_AGAIN:
            self._then(now + after.fails_after_seconds, task, lambda at: self._fall(at, task, failure))
        return {"state": RUNNING.state.value, "error_message": ""}

    def _stop(self, now: float, server: str, name: str) -> dict[str, Any]:
        task = self._find(server, name)
        task.stops += 1
        if task.true.state not in (TaskState.RUNNING, TaskState.RECOVERY):
            raise Refusal("AEM_TASK_ALREADY_STOPPED", f"Task '{name}' is already stopped")
        stopped = Condition(TaskState.STOPPED, StopReason.NORMAL, "Stopped by user")
        task.halt(now, stopped, self.scenario.reload_seconds)
        task.after_run = AfterRun()
        self._then(now + self.scenario.state_lag_seconds, task, lambda _: self._show(task, stopped))
        return {"state": stopped.state.value, "error_message": ""}

    def _break(self, event: Break, now: float) -> None:
        task = self._find(event.server, event.task)
        task.after_run = event.after_run
        self._fall(now, task, Condition(event.state, event.stop_reason, event.message))
        if event.heals_after_seconds is not None:
            self._then(now + event.heals_after_seconds, task, lambda at: self._heal(at, task))

    def _heal(self, now: float, task: _Task) -> None:
        task.start(now, reload=False)
        self._show(task, RUNNING)
        self._use_memory(task)

    def _fall(self, now: float, task: _Task, condition: Condition) -> None:
        task.halt(now, condition, self.scenario.reload_seconds)
        self._show(task, condition)

    @staticmethod
    def _show(task: _Task, condition: Condition) -> None:
        task.shown = condition
        if condition.state is not TaskState.RUNNING:
            task.memory_in_use = False

    @staticmethod
    def _use_memory(task: _Task) -> None:
        task.memory_in_use = True

    def _is_loaded(self, task: _Task, now: float) -> bool:
        return task.loaded_part(now, self.scenario.reload_seconds) >= 1

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
            "last_connection": "2026-03-07T11:19:03",
        }

    def _latencies(self, server: str, task: _Task, now: float) -> tuple[int, int]:
        """Source and total latency in seconds; 0 of a task that does not run."""
        if task.running_since is None:
            return 0, 0
        extra = {Side.SOURCE: 0, Side.APPLY: 0}
        for event in self.scenario.events:
            if isinstance(event, LatencySpike) and (event.server, event.task) == (server, task.spec.name):
                extra[event.side] += event.extra_seconds(now)
        source = task.source_latency + round(2 * task.wave(now)) + extra[Side.SOURCE] + int(task.catch_up(now))
        return source, source + task.apply_latency + round(3 * task.wave(now / 2)) + extra[Side.APPLY]

    def _details(self, server: str, task: _Task, now: float) -> dict[str, Any]:
        spec, shown = task.spec, task.shown
        source_latency, total_latency = self._latencies(server, task, now)
        up = task.running_since is not None
        applied = int(task.applied(now))
        loaded = task.loaded_part(now, self.scenario.reload_seconds)
        completed = int(spec.tables * loaded)
        loading = min(1, spec.tables - completed) if task.loading_since is not None else 0
        rate = int(task.records_per_second * (0.8 + 0.4 * task.wave(now))) if up else 0
        waiting = int((total_latency - source_latency) * task.records_per_second)
        return {
            "type": "AemTaskInfoDetailed",
            "name": spec.name,
            "description": "",
            "state": shown.state.value,
            "message": shown.message,
            "source_endpoint": {"name": spec.source.name, "type": spec.source.type},
            "target_endpoint": {"name": spec.target.name, "type": spec.target.type},
            "cdc_event_counters": {
                "applied_insert_count": applied * 6 // 10,
                "applied_update_count": applied * 3 // 10,
                "applied_delete_count": applied // 10,
                "applied_ddl_count": 0,
            },
            "full_load_counters": {
                "tables_completed_count": completed,
                "tables_loading_count": loading,
                "tables_queued_count": spec.tables - completed - loading,
                "tables_with_error_count": 0,
                "records_completed_count": int(spec.tables * task.rows_per_table * loaded),
                "estimated_records_for_all_tables_count": spec.tables * task.rows_per_table,
            },
            "full_load_completed": loaded >= 1,
            "full_load_start": "2026-01-12T02:00:00",
            "full_load_end": "2026-01-12T05:40:00" if loaded >= 1 else "",
            "full_load_throughput": {
                "source_throughput_records_count": 0,
                "source_throughput_volume": 0,
                "target_throughput_records_count": 0,
                "target_throughput_volume": 0,
            },
            "cdc_throughput": {
                "source_throughput_records_count": {"current": rate},
                "source_throughput_volume": {"current": rate // 4},
                "target_throughput_records_count": {"current": rate},
                "target_throughput_volume": {"current": rate // 4},
            },
            "cdc_transactions_counters": {
                "commit_change_records_count": applied + waiting,
                "rollback_transaction_count": 0,
                "rollback_change_records_count": 0,
                "rollback_change_volume_mb": 0,
                "applied_transactions_in_progress_count": 1 if waiting else 0,
                "applied_records_in_progress_count": min(waiting, rate),
                "applied_comitted_transaction_count": applied // 20,
                "applied_records_comitted_count": applied,
                "applied_volume_comitted_mb": applied // 4000,
                "incoming_accumulated_changes_in_memory_count": waiting,
                "incoming_accumulated_changes_on_disk_count": 0,
                "incoming_applying_changes_in_memory_count": min(waiting, rate),
                "incoming_applying_changes_on_disk_count": 0,
            },
            "cdc_latency": {"source_latency": _clock_face(source_latency), "total_latency": _clock_face(total_latency)},
            "profile": "",
            "task_stop_reason": shown.stop_reason.value,
            "memory_mb": task.memory_mb if task.memory_in_use else 0,
            "cpu_percentage": 1 + round(6 * task.wave(now)) if task.memory_in_use else 0,
            "disk_usage_mb": task.disk_usage_mb,
            "data_error_count": 0,
            "options": {
                "full_load_enabled": True,
                "apply_changes_enabled": True,
                "store_changes_enabled": False,
                "audit_changes_enabled": False,
            },
            "log_stream_staging": "",
            "assigned_tags": list(spec.tags),
        }


def _clock_face(seconds: int) -> str:
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02d}:{minute:02d}:{second:02d}"
