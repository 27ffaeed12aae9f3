"""What goes away around tasks: an endpoint, or the fetching of what is said of them. The demo's fleet has neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.task import StopReason, TaskState
from qlikops.qlik.simulator.fleet import Refusal, SimulatedFleet
from qlikops.qlik.simulator.scenario import AfterRun, Effect, ScenarioEvent
from qlikops.qlik.simulator.task import SimulatedState, TaskModel


@dataclass(frozen=True, slots=True)
class FetchingStops(ScenarioEvent):
    """From `at` to `until` seconds (None: for ever) Enterprise Manager goes on saying what it knew of a server's tasks
    at `at`, as if nothing were wrong.
    """

    server: str
    until: float | None = None


@dataclass(frozen=True, slots=True)
class EndpointDown(ScenarioEvent):
    """From `at` to `until` seconds (None: for ever) an endpoint of a server is away.

    Its running tasks fail with `message` as it goes, those that are started meanwhile fail a little later, and a test
    of it says `message` too. When it is back, nothing starts by itself.
    """

    server: str
    endpoint: str
    message: str
    until: float | None = None
    is_silent: bool = False
    """A test of it ends in a time-out."""
    fails_after_seconds: float = 5.0
    """Seconds from a task's start to its failure."""

    def is_on(self, now: float) -> bool:
        """Whether it is away at `now`."""
        return self.at <= now and (self.until is None or now < self.until)


@dataclass(frozen=True, slots=True)
class _Known:
    """What Enterprise Manager goes on saying of a server's tasks."""

    at: float
    listed: list[dict[str, Any]]
    details: dict[str, dict[str, Any]]
    """Details by task."""


class OutageFleet(SimulatedFleet):
    """A fleet whose scenario may have endpoints that go away, and servers whose tasks are not fetched."""

    def reset(self) -> None:
        with self._lock:
            self._known: dict[str, _Known] = {}
            super().reset()

    def _schedule(self, event: ScenarioEvent) -> None:
        super()._schedule(event)
        if isinstance(event, EndpointDown):
            self._at(event.at, partial(self._lose, event))
        if isinstance(event, FetchingStops):
            self._at(event.at, partial(self._stop_fetching, event))

    def tasks(self, server: str) -> list[dict[str, Any]]:
        with self._lock:
            listed = super().tasks(server)
            known = self._known.get(server)
            return known.listed if known else listed

    def task(self, server: str, task: str) -> dict[str, Any]:
        with self._lock:
            details = super().task(server, task)
            known = self._known.get(server)
            return known.details[task] if known else details

    def _stop_fetching(self, event: FetchingStops, now: float) -> None:
        details = {
            task.spec.name: self._details(event.server, task.spec.name, now) for task in self._tasks_of(event.server)
        }
        # Of a server that is away nothing has been fetched since it went.
        fetched_at = super()._fetched_at(event.server, now)
        self._known[event.server] = _Known(fetched_at, self._listed(event.server), details)
        if event.until is not None:
            self._at(event.until, partial(self._fetch_again, event))

    def _fetch_again(self, event: FetchingStops, _now: float) -> None:
        del self._known[event.server]

    def _fetched_at(self, server: str, now: float) -> float:
        known, fetched_at = self._known.get(server), super()._fetched_at(server, now)
        return min(known.at, fetched_at) if known else fetched_at

    def _lose(self, event: EndpointDown, now: float) -> None:
        """An endpoint is gone: every task that runs on it fails."""
        failure = SimulatedState(TaskState.ERROR, StopReason.FATAL_ERROR, event.message)
        for task in self._tasks_of(event.server):
            if event.endpoint in task.endpoints and task.true.state is TaskState.RUNNING:
                self._fall(now, task, failure)

    def _endpoint_outage(self, server: str, endpoints: Sequence[str], now: float) -> EndpointDown | None:
        away = (event for event in self.scenario.events if isinstance(event, EndpointDown) and event.is_on(now))
        return next((event for event in away if event.server == server and event.endpoint in endpoints), None)

    def _tested(self, server: str, endpoint: str, user: str, now: float) -> dict[str, Any]:
        answer = super()._tested(server, endpoint, user, now)
        outage = self._endpoint_outage(server, [endpoint], now)
        if outage is None:
            return answer
        if outage.is_silent:
            raise Refusal("AEM_TEST_ENDPOINT_CONNECTION_TIMEOUT", f"The test of endpoint '{endpoint}' timed out")
        return {"status": "ERROR", "message": "Cannot connect", "detailed_message": outage.message}

    def _after_run(self, server: str, task: TaskModel, now: float) -> AfterRun:
        """Nothing comes up on an endpoint that is away."""
        after_run = super()._after_run(server, task, now)
        outage = self._endpoint_outage(server, task.endpoints, now)
        if outage is None:
            return after_run
        fails = Effect.FAILS_AGAIN
        return replace(
            after_run,
            resume=fails,
            reload=fails,
            fails_after_seconds=outage.fails_after_seconds,
            message=outage.message,
        )
