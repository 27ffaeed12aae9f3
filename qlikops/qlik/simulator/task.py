"""One simulated task: what it does, what is shown of it, and its numbers as time goes by."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import Any

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.task import StopReason, TaskState
from qlikops.qlik.simulator.scenario import AfterRun, LatencySide, SimulatedTask

_UPTIME_SECONDS = 86_400.0
"""Seconds that every task has been running for when the scenario begins."""


@dataclass(frozen=True, slots=True)
class SimulatedState:
    """State, stop reason and message of a task."""

    state: TaskState
    stop_reason: StopReason
    message: str = ""


RUNNING = SimulatedState(TaskState.RUNNING, StopReason.NONE)


class TaskModel:
    """One task as time goes by: `true` is what it does, `shown` and `memory_in_use` are what Enterprise Manager knows.

    Its rates and latencies come from the seed. Times are seconds since the scenario began.
    """

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
        """Seconds that the task was down when it last started."""
        self.down_since = 0.0
        self.position = 0.0
        """The target had the source's changes up to then when it last stood still."""
        self.loaded = 1.0 if spec.full_load_completed else 0.5
        """Part of the full load that is done, when it last stood still."""
        self.loading_since: float | None = None

    @property
    def endpoints(self) -> tuple[str, str]:
        """Names of its endpoints."""
        return self.spec.source.name, self.spec.target.name

    def start(self, now: float, *, reload: bool) -> None:
        """It runs from now on, with a full load first where asked for or not ended before."""
        self.generation += 1
        self.true = RUNNING
        self.running_since = now
        self.applied_before = 0.0
        self.behind_seconds = 0.0 if reload else now - self.down_since
        if reload or self.loaded < 1:
            self.loaded, self.loading_since = 0.0, now

    def halt(self, now: float, condition: SimulatedState, reload_seconds: float) -> None:
        """It is in `condition` from now on, and its counters stand still."""
        self.generation += 1
        self.loaded = self.loaded_part(now, reload_seconds)
        self.loading_since = None
        self.applied_before = self.applied(now)
        if self.running_since is not None:
            self.position = now - self._latencies(now, dict.fromkeys(LatencySide, 0))[1]
        self.running_since = None
        self.down_since = now
        self.true = condition

    def log_is_gone(self, now: float) -> bool:
        """Whether the source no longer has its log from where the task stands."""
        log = self.spec.source.log
        return log is not None and self.running_since is None and now - self.position > log.seconds

    def applied(self, now: float) -> float:
        """Records committed at the target since it last started."""
        if self.running_since is None:
            return self.applied_before
        return self.applied_before + (now - self.running_since) * self.records_per_second

    def waiting(self, apply_latency: int, now: float) -> int:  # noqa: ARG002 - the tests' tasks stall for a time
        """Changes that have been read and not applied, with so many seconds between the two."""
        return int(apply_latency * self.records_per_second)

    def loaded_part(self, now: float, reload_seconds: float) -> float:
        """How much of the full load is done, 0 to 1."""
        if self.loading_since is None:
            return self.loaded
        return min(1.0, (now - self.loading_since) / reload_seconds)

    def wave(self, now: float) -> float:
        """A wave from 0 to 1 and back, for ever."""
        return (1 + math.sin(2 * math.pi * now / self.wave_seconds + self.phase)) / 2

    def catch_up(self, now: float) -> float:
        """Seconds of latency left over from having been down."""
        if self.running_since is None:
            return 0.0
        return self.behind_seconds * max(0.0, 1 - (now - self.running_since) / self.spec.catch_up_seconds)

    def _latencies(self, now: float, extra: Mapping[LatencySide, int]) -> tuple[int, int]:
        """Source and total latency in seconds; 0 of a task that does not run."""
        if self.running_since is None:
            return 0, 0
        source = self.source_latency + round(2 * self.wave(now)) + extra[LatencySide.SOURCE] + int(self.catch_up(now))
        return source, source + self.apply_latency + round(3 * self.wave(now / 2)) + extra[LatencySide.APPLY]

    def details(self, now: float, reload_seconds: float, extra_latency: Mapping[LatencySide, int]) -> dict[str, Any]:
        """The answer to `GET /servers/S/tasks/T`."""
        spec, shown = self.spec, self.shown
        source_latency, total_latency = self._latencies(now, extra_latency)
        up = self.running_since is not None
        applied = int(self.applied(now))
        loaded = self.loaded_part(now, reload_seconds)
        completed = int(spec.tables * loaded)
        loading = min(1, spec.tables - completed) if self.loading_since is not None else 0
        rate = int(self.records_per_second * (0.8 + 0.4 * self.wave(now))) if up else 0
        waiting = self.waiting(total_latency - source_latency, now)
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
                "records_completed_count": int(spec.tables * self.rows_per_table * loaded),
                "estimated_records_for_all_tables_count": spec.tables * self.rows_per_table,
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
            "memory_mb": self.memory_mb if self.memory_in_use else 0,
            "cpu_percentage": 1 + round(6 * self.wave(now)) if self.memory_in_use else 0,
            "disk_usage_mb": self.disk_usage_mb,
            "data_error_count": 0,
            "options": {
                "full_load_enabled": True,
                "apply_changes_enabled": True,
                "store_changes_enabled": False,
                "audit_changes_enabled": False,
            },
            "log_stream_staging": spec.reads_log_of,
            "assigned_tags": list(spec.tags),
        }


def _clock_face(seconds: int) -> str:
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02d}:{minute:02d}:{second:02d}"
