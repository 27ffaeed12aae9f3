"""Tasks that run and are not well: what the simulated fleet of the tests has beside that of the demo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from functools import partial
from typing import Any

from qlikops.dataclass import dataclass
from qlikops.qlik.simulator.scenario import LatencySide, ScenarioEvent, SimulatedTask
from qlikops.qlik.simulator.task import TaskModel
from tests.scenarios.outages import OutageFleet


class Trouble(StrEnum):
    """What can be wrong with a task that runs; `Disturbance.amount` says how much."""

    TABLES_WITH_ERROR = "tables_with_error"
    """`amount` tables are suspended. Only a reload helps."""
    DATA_ERRORS = "data_errors"
    """`amount` more a minute."""
    DISK_SPILL = "disk_spill"
    """`amount` more changes a minute wait on the server's disk."""
    STALL = "stall"
    """Nothing is applied, and `amount` changes wait."""
    NO_PROCESS = "no_process"
    """Shown as running, but it uses no memory."""


@dataclass(frozen=True, slots=True)
class Disturbance(ScenarioEvent):
    """From `at` to `until` seconds (None: until it is started again) a running task has a trouble."""

    server: str
    task: str
    trouble: Trouble
    amount: float = 0
    until: float | None = None
    again_after: float | None = None
    """So long after each start it has it again; None: a start helps."""

    def seconds(self, now: float) -> float:
        """For how long it has disturbed by `now`."""
        return max(0.0, (now if self.until is None else min(now, self.until)) - self.at)

    def is_on(self, now: float) -> bool:
        """Whether it disturbs at `now`."""
        return self.at <= now and (self.until is None or now < self.until)


class DisturbedTask(TaskModel):
    """A task that may have troubles."""

    def __init__(self, server: str, spec: SimulatedTask, seed: int) -> None:
        super().__init__(server, spec, seed)
        self.disturbances: list[Disturbance] = []
        """Since the last start."""

    def start(self, now: float, *, reload: bool) -> None:
        super().start(now, reload=reload)
        self.disturbances = [
            each if each.again_after is None else replace(each, at=now + each.again_after)
            for each in self.disturbances
            if (each.trouble is Trouble.TABLES_WITH_ERROR and not reload) or each.again_after is not None
        ]

    def applied(self, now: float) -> float:
        applied = super().applied(now)
        if self.running_since is None:
            return applied
        stalled = sum(each.seconds(now) for each in self.disturbances if each.trouble is Trouble.STALL)
        return applied - stalled * self.records_per_second

    def waiting(self, apply_latency: int, now: float) -> int:
        return super().waiting(apply_latency, now) + int(self._disturbed(Trouble.STALL, now))

    def details(self, now: float, reload_seconds: float, extra_latency: Mapping[LatencySide, int]) -> dict[str, Any]:
        found = super().details(now, reload_seconds, extra_latency)
        tables = found["full_load_counters"]
        suspended = min(tables["tables_completed_count"], int(self._disturbed(Trouble.TABLES_WITH_ERROR, now)))
        tables["tables_completed_count"] -= suspended
        tables["tables_with_error_count"] = suspended
        found["data_error_count"] = self._piled_up(Trouble.DATA_ERRORS, now)
        spilt = self._piled_up(Trouble.DISK_SPILL, now)
        found["cdc_transactions_counters"]["incoming_accumulated_changes_on_disk_count"] = spilt
        if self._disturbed(Trouble.NO_PROCESS, now):
            found["memory_mb"] = found["cpu_percentage"] = 0
        return found

    def _disturbed(self, trouble: Trouble, now: float) -> float:
        """How much of a trouble there is now; 0 for none, and at least 1 of one that has no amount."""
        return sum(each.amount or 1 for each in self.disturbances if each.trouble is trouble and each.is_on(now))

    def _piled_up(self, trouble: Trouble, now: float) -> int:
        """What a trouble that comes by the minute has come to."""
        return int(sum(each.amount * each.seconds(now) / 60 for each in self.disturbances if each.trouble is trouble))


class DisturbedFleet(OutageFleet):
    """A fleet whose scenario may have disturbances."""

    task_model = DisturbedTask

    def reset(self) -> None:
        with self._lock:
            super().reset()
            for event in self.scenario.events:
                if isinstance(event, Disturbance):
                    self._at(event.at, partial(self._disturb, event))

    def _disturb(self, event: Disturbance, _now: float) -> None:
        task = self._find(event.server, event.task)
        assert isinstance(task, DisturbedTask)
        if task.running_since is not None:
            task.disturbances.append(event)
