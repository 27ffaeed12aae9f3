"""Folds the events of an execution's history into state runs and open callbacks.

Events are linked by `previousEventId`, and concurrent branches interleave: what an event belongs to follows from the
event it points at, never from the one before it in the list. So each event gets a position (the state run and the
Map or Parallel branch it happened in), inherited from its predecessor and changed only by what enters or leaves.

Nothing here raises on what a history contains: types that AWS adds, missing heads, shuffled pages are all folded as
far as they go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime
from typing import Any

from qlikops.dataclass import dataclass
from qlikops.domain.words.text import harmless
from qlikops.domain.workflow.events import HistoryEvent, parse_events
from qlikops.domain.workflow.execution import ExecutionStatus, FoldedHistory, OpenCallback, StateStatus, StateVisit

CAUSE_CAP = 4000
"""Characters kept of a cause; Step Functions allows 32,768."""

_CALLBACK_SUFFIX = ".waitForTaskToken"
_CONTAINERS = ("Map", "Parallel")
_TIMEOUTS = frozenset({"States.Timeout", "States.HeartbeatTimeout"})

_KNOWN_TYPES = frozenset(
    prefix + suffix
    for prefixes, suffixes in (
        ("Execution", "Started Succeeded Failed TimedOut Aborted Redriven"),
        ("Activity LambdaFunction", "Scheduled ScheduleFailed Started Succeeded Failed TimedOut"),
        ("LambdaFunction Task", "StartFailed"),
        ("Task", "Scheduled Started Submitted SubmitFailed Succeeded Failed TimedOut"),
        ("MapState ParallelState", "Started Succeeded Failed Aborted"),
        ("TaskState WaitState", "Aborted"),
        ("MapIteration", "Started Succeeded Failed Aborted"),
        ("MapRun", "Started Succeeded Failed Aborted Redriven"),
        ("Evaluation", "Failed"),
        ("TaskState ChoiceState PassState WaitState SucceedState MapState ParallelState", "Entered Exited"),
        ("FailState", "Entered"),
    )
    for prefix in prefixes.split()
    for suffix in suffixes.split()
)

_END_STATUS = {
    "ExecutionSucceeded": ExecutionStatus.SUCCEEDED,
    "ExecutionFailed": ExecutionStatus.FAILED,
    "ExecutionTimedOut": ExecutionStatus.TIMED_OUT,
    "ExecutionAborted": ExecutionStatus.ABORTED,
}

_SCHEDULED = re.compile(r"(?:Task|Activity|LambdaFunction)Scheduled")
_ATTEMPT_SUCCEEDED = re.compile(r"(?:Task|Activity|LambdaFunction)Succeeded")
_ATTEMPT_FAILED = re.compile(r"(?:Task|Activity|LambdaFunction)(?:Failed|TimedOut|\w+Failed)|EvaluationFailed")
_STATE_EVENT = re.compile(r"(\w+)State(Entered|Exited|Started|Failed|Aborted)")


@dataclass(frozen=True, slots=True)
class StepPath:
    """Where an event happened."""

    state: str
    """Empty outside of every state."""
    map_path: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """A folded history, and where each of its events happened."""

    history: FoldedHistory
    places: Mapping[int, StepPath]
    """Where each event happened, by event id."""


def fold_history(events: Iterable[Mapping[str, Any]]) -> FoldedHistory:
    """What the events of one execution amount to, in whatever order and however complete they come."""
    return trace(parse_events(events)).history


def trace(events: Sequence[HistoryEvent]) -> Trace:
    """Traces parsed events, with each event's place."""
    fold = _Fold()
    for event in _linked(events):
        fold.add(event)
    return Trace(fold.result(), {event_id: position.place() for event_id, position in fold.positions.items()})


@dataclass(slots=True, eq=False)
class _Run:
    """One run of one state while it is being folded."""

    name: str
    state_type: str
    entered_at: datetime | None
    scope: _Scope
    entered_event_id: int | None = None
    exited_event_id: int | None = None
    status: StateStatus = StateStatus.RUNNING
    exited_at: datetime | None = None
    attempts: int = 0
    failure: StateStatus | None = None
    """Set while the newest attempt has failed and nothing has retried, caught or ended it yet."""
    failed_at: datetime | None = None
    error: str = ""
    cause: str = ""
    callback: OpenCallback | None = None

    @property
    def is_open(self) -> bool:
        return self.status is StateStatus.RUNNING


@dataclass(frozen=True, slots=True, eq=False)
class _Scope:
    """A Map iteration, a Parallel branch, or the top level."""

    container: _Run | None = None
    index: int | None = None
    """Index of the Map iteration; None in a Parallel branch."""
    parent: _Scope | None = None

    def outward(self) -> Iterator[_Scope]:
        scope: _Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def map_path(self) -> tuple[int, ...]:
        return tuple(scope.index for scope in self.outward() if scope.index is not None)[::-1]


_TOP = _Scope()


@dataclass(frozen=True, slots=True)
class _Position:
    """Where an event happened."""

    run: _Run | None
    scope: _Scope

    def outward(self) -> Iterator[_Run]:
        """The state run here and the Maps and Parallels around it, innermost first."""
        if self.run is not None:
            yield self.run
        for scope in self.scope.outward():
            if scope.container is not None:
                yield scope.container

    def place(self) -> StepPath:
        if self.run is not None:
            return StepPath(self.run.name, self.run.scope.map_path())
        container = self.scope.container
        return StepPath("" if container is None else container.name, self.scope.map_path())


@dataclass(slots=True)
class _Fold:
    """The state of the fold. Events must come by ascending id, so that each finds its predecessor's position."""

    runs: list[_Run] = field(default_factory=list)
    positions: dict[int, _Position] = field(default_factory=dict)
    unknown: dict[str, None] = field(default_factory=dict)
    unplaced_errors: tuple[str, ...] | None = None
    count: int = 0
    status: ExecutionStatus = ExecutionStatus.RUNNING
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    error: str = ""
    cause: str = ""

    def add(self, event: HistoryEvent) -> None:
        """Folds in one event."""
        self.count += 1
        if event.type not in _KNOWN_TYPES:
            self.unknown[harmless(event.type, 100)] = None
        here = self.positions.get(event.previous, _Position(None, _TOP))
        self.positions[event.id] = self._step(event, here)

    def result(self) -> FoldedHistory:
        """What has been folded so far."""
        return FoldedHistory(
            status=self.status,
            states=tuple(_state_run(run) for run in self.runs),
            open_callbacks=tuple(run.callback for run in self.runs if run.is_open and run.callback is not None),
            started_at=self.started_at,
            stopped_at=self.stopped_at,
            error=self.error,
            cause=self.cause,
            event_count=self.count,
            unknown_types=tuple(self.unknown),
            unplaced_errors=self.unplaced_errors,
        )

    def _step(self, event: HistoryEvent, here: _Position) -> _Position:
        if state_event := _STATE_EVENT.fullmatch(event.type):
            return self._state_event(event, here, *state_event.groups())
        if event.type.startswith("Execution"):
            return self._execution_event(event, here)
        if event.type.startswith("MapIteration"):
            return self._iteration_event(event, here)
        if event.type in ("MapRunFailed", "MapRunAborted"):
            # MapStateFailed follows and fails the state; only this event says why.
            if here.run is not None:
                _explain(here.run, event)
            return here
        return self._attempt_event(event, here)

    def _state_event(self, event: HistoryEvent, here: _Position, state_type: str, what: str) -> _Position:
        match what:
            case "Entered":
                run = self._new_run(event.text("name"), state_type, event.at, here.scope)
                run.entered_event_id = event.id
                return _Position(run, run.scope)
            case "Exited":
                run = self._exited(event, here, state_type)
                return _Position(run, run.scope)
            case "Started":
                return self._container_started(event, here, state_type)
            case "Failed":
                return self._container_failed(event, here, state_type)
            case _:
                # Siblings of a failed task are aborted by events that all point at that task's failure and carry no
                # name: those say no more than the failure of the Map or Parallel does.
                if here.run is not None and here.run.state_type == state_type and here.run.failure is None:
                    _close(here.run, StateStatus.ABORTED, event.at)
                return here

    def _exited(self, event: HistoryEvent, here: _Position, state_type: str) -> _Run:
        name = event.text("name")
        around = (run for run in here.outward() if run.name == name and run.is_open)
        run = next(around, None) or self._open_run(name) or self._new_run(name, state_type, None, here.scope)
        if state_type in _CONTAINERS:
            self._close_within(run, None, event.at)
        run.status = StateStatus.SUCCEEDED if run.failure is None else StateStatus.CAUGHT
        run.exited_at, run.exited_event_id = event.at, event.id
        return run

    def _container_started(self, event: HistoryEvent, here: _Position, state_type: str) -> _Position:
        # A first attempt follows the state's entry, another one what ended the attempt before it, somewhere inside. An
        # inner Map or Parallel that has failed for good is passed over: only one further out can be tried again.
        around = [run for run in here.outward() if run.state_type == state_type and run.is_open]
        run = next((run for run in around if run.failure is None), None) or next(iter(around), None)
        if run is None:
            run = self._new_run("", state_type, None, here.scope)
        self._close_within(run, None, event.at)
        _begin_attempt(run)
        if state_type == "Parallel":
            return _Position(None, _Scope(run, None, run.scope))
        return _Position(run, run.scope)

    def _container_failed(self, event: HistoryEvent, here: _Position, state_type: str) -> _Position:
        # An inner one that failed by an earlier event is passed over: this event is about the next one out.
        around = (run for run in here.outward() if run.state_type == state_type)
        container = next((run for run in around if run.is_open and run.failure is None), None)
        if here.run is not None:
            _fail(here.run, event)
        if container is None:
            return here
        _fail(container, event)
        self._close_within(container, None, event.at)
        return _Position(container, container.scope)

    def _iteration_event(self, event: HistoryEvent, here: _Position) -> _Position:
        name, index = event.text("name"), event.number("index")
        container = next((run for run in here.outward() if run.name == name), None)
        if event.type == "MapIterationStarted":
            return _Position(None, _Scope(container, index, container.scope if container else None))
        if event.type == "MapIterationSucceeded":
            return _Position(None, here.scope)
        if event.type == "MapIterationFailed" and here.run is not None:
            _fail(here.run, event)
        if container is None:
            return here
        self._close_within(container, index, event.at)
        ended = next((scope for scope in here.scope.outward() if scope.container is container), None)
        return here if ended is None else _Position(None, ended)

    def _execution_event(self, event: HistoryEvent, here: _Position) -> _Position:
        if event.type == "ExecutionStarted":
            self.started_at = event.at
            return here
        if event.type == "ExecutionRedriven":
            self.status, self.stopped_at, self.error, self.cause = ExecutionStatus.RUNNING, None, "", ""
            # What was entered and never exited goes on, and no event says so: its next attempt follows its entry.
            # https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html
            for run in self.runs:
                around = (scope.container for scope in run.scope.outward())
                if all(each is None or each.exited_event_id is None for each in (run, *around)):
                    _go_on(run)
            return here
        if event.type not in _END_STATUS:
            return here
        self.status = _END_STATUS[event.type]
        self.stopped_at = event.at
        self.error, self.cause = event.text("error"), event.text("cause", CAUSE_CAP)
        if self.status is ExecutionStatus.FAILED:
            for run in here.outward():
                _fail(run, event)
        ended = {
            ExecutionStatus.SUCCEEDED: StateStatus.SUCCEEDED,
            ExecutionStatus.TIMED_OUT: StateStatus.TIMED_OUT,
        }.get(self.status, StateStatus.ABORTED)
        for run in self.runs:
            _close(run, ended, event.at)
        return here

    def _attempt_event(self, event: HistoryEvent, here: _Position) -> _Position:
        if here.run is not None and here.run.state_type in _CONTAINERS and event.type != "EvaluationFailed":
            # The embedded AWS lists the tasks inside a Map without their states: nobody can say whose they are.
            error = (event.text("error"),) if _ATTEMPT_FAILED.fullmatch(event.type) else ()
            self.unplaced_errors = (*(self.unplaced_errors or ()), *error)
            return here
        if _SCHEDULED.fullmatch(event.type):
            scheduled = here.run or self._new_run("", "Task", None, here.scope)
            _begin_attempt(scheduled)
            scheduled.callback = _callback(event, scheduled)
            return _Position(scheduled, scheduled.scope)
        if _ATTEMPT_FAILED.fullmatch(event.type):
            failed = here.run or self._open_run(event.text("state"))
            if failed is None:
                return here
            _fail(failed, event)
            return _Position(failed, failed.scope)
        if _ATTEMPT_SUCCEEDED.fullmatch(event.type) and here.run is not None:
            here.run.callback = None
        return here

    def _new_run(self, name: str, state_type: str, entered_at: datetime | None, scope: _Scope) -> _Run:
        run = _Run(name, state_type, entered_at, scope)
        self.runs.append(run)
        return run

    def _open_run(self, name: str) -> _Run | None:
        return next((run for run in reversed(self.runs) if run.is_open and run.name == name), None)

    def _close_within(self, container: _Run, index: int | None, at: datetime | None) -> None:
        """Ends all that is open inside `container`, or inside one of its iterations."""
        for run in self.runs:
            if run.is_open and any(
                scope.container is container and index in (None, scope.index) for scope in run.scope.outward()
            ):
                _close(run, StateStatus.ABORTED, at)


def _begin_attempt(run: _Run) -> None:
    run.attempts += 1
    _go_on(run)


def _go_on(run: _Run) -> None:
    run.status, run.exited_at = StateStatus.RUNNING, None
    run.failure, run.failed_at, run.error, run.cause, run.callback = None, None, "", "", None


def _explain(run: _Run, event: HistoryEvent) -> None:
    run.error = run.error or event.text("error")
    run.cause = run.cause or event.text("cause", CAUSE_CAP)


def _fail(run: _Run, event: HistoryEvent) -> None:
    """Notes a failure of a run that has not ended; whether it is retried, caught or final shows later."""
    if not run.is_open:
        return
    _explain(run, event)
    if run.failure is None:
        timed_out = event.type.endswith("TimedOut") or run.error in _TIMEOUTS
        run.failure = StateStatus.TIMED_OUT if timed_out else StateStatus.FAILED
        run.failed_at = event.at
    run.callback = None


def _close(run: _Run, status: StateStatus, at: datetime | None) -> None:
    if run.is_open:
        run.status = run.failure or status
        run.exited_at = run.failed_at if run.failure else at
        run.callback = None


def _callback(event: HistoryEvent, run: _Run) -> OpenCallback | None:
    resource = event.text("resource")
    if not resource.endswith(_CALLBACK_SUFFIX):
        return None
    path = run.scope.map_path()
    return OpenCallback(
        state=run.name,
        map_index=path[-1] if path else None,
        scheduled_event_id=event.id,
        timeout_seconds=event.number("timeoutInSeconds"),
        scheduled_at=event.at,
        resource=resource,
    )


def _state_run(run: _Run) -> StateVisit:
    path = run.scope.map_path()
    return StateVisit(
        name=run.name,
        status=run.status,
        entered_at=run.entered_at,
        exited_at=run.exited_at,
        map_index=path[-1] if path else None,
        map_path=path,
        state_type=run.state_type,
        attempts=max(1, run.attempts),
        error=run.error,
        cause=run.cause,
        entered_event_id=run.entered_event_id,
        exited_event_id=run.exited_event_id,
    )


def _linked(events: Sequence[HistoryEvent]) -> list[HistoryEvent]:
    """The events by id, each id once. Where no event has a link at all, as in the embedded AWS, each follows the one
    before it: such a history is of one branch only.
    """
    by_id: dict[int, HistoryEvent] = {}
    for event in events:
        by_id.setdefault(event.id, event)
    ordered = [by_id[event_id] for event_id in sorted(by_id)]
    if any(event.previous for event in ordered):
        return ordered
    previous_ids = [0, *(event.id for event in ordered)]
    return [replace(event, previous=previous) for event, previous in zip(ordered, previous_ids, strict=False)]
