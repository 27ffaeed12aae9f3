"""Stopping, running and watching one task, as Enterprise Manager says how it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from qlikops.agent.act.starting import POLL_SECONDS, Starter, Watch
from qlikops.agent.config import AgentConfig
from qlikops.domain.fleet.task import (
    Action,
    Fetched,
    RunOption,
    ServerHealth,
    StopReason,
    TaskFacts,
    TaskKey,
    TaskState,
)
from qlikops.domain.proposals.approval import RunCall, Status, TaskOutcome
from qlikops.qlik.errors import QemError, QemLoginRefused, QemSessionExpired, QemUnreachable
from qlikops.qlik.wire import ActionReply, EndpointTest, ListedTask, ServerDetails
from tests.unit.agent.fakes import FakeClock

KEY = TaskKey("default", "replicate-1", "orders")
BROKEN = TaskFacts(KEY, TaskState.ERROR, StopReason.FATAL_ERROR, message="ORA-03113: end-of-file")
RUNNING = TaskFacts(KEY, TaskState.RUNNING, StopReason.NONE, memory_mb=4)
STOPPED = TaskFacts(KEY, TaskState.STOPPED, StopReason.NORMAL)
STARTED = ActionReply(TaskState.RUNNING, "")


class Told:
    """An Enterprise Manager that says one thing of the task after another, the last one from then on."""

    def __init__(self, *says: TaskFacts) -> None:
        self._says = list(says)
        self.fetched = datetime(2020, 1, 1, tzinfo=UTC)
        """By a clock of its own."""
        self.fetches = True
        self.calls: list[str] = []
        self.errors: list[QemError] = []
        """What the next calls to run or stop it come to instead."""

    def task(self, server: str, task: str) -> TaskFacts:  # noqa: ARG002
        return self._says.pop(0) if len(self._says) > 1 else self._says[0]

    def tasks(self, server: str) -> Sequence[ListedTask]:
        raise NotImplementedError

    def server(self, server: str) -> ServerDetails:  # noqa: ARG002
        if self.fetches:
            self.fetched += timedelta(seconds=2)
        return ServerDetails(ServerHealth(), Fetched(self.fetched, self.fetched))

    def run(self, server: str, task: str, option: RunOption, timeout_seconds: int = 60) -> ActionReply:  # noqa: ARG002
        self._call("run")
        return STARTED

    def stop(self, server: str, task: str, timeout_seconds: int = 60) -> ActionReply:  # noqa: ARG002
        self._call("stop")
        return ActionReply(TaskState.STOPPED, "")

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.errors:
            raise self.errors.pop(0)

    def test_endpoint(self, server: str, endpoint: str, timeout_seconds: int = 60) -> EndpointTest:
        raise NotImplementedError


def restarted(action: Action, before: str, *says: TaskFacts, fetches: bool = True) -> TaskOutcome:
    clock = FakeClock()
    starter = Starter(AgentConfig("ledger", "data", "topic", "secret"), clock=clock, sleep=clock.sleep)
    until, operator = clock.now + timedelta(minutes=10), Told(*says)
    operator.fetches = fetches
    watch = starter.send(operator, action, KEY, before, until, is_over=lambda: False)
    assert isinstance(watch, Watch)
    while not (result := starter.look(operator, watch, until)):
        clock.sleep(POLL_SECONDS)
    return result


@pytest.mark.parametrize("seen_then", [BROKEN, STOPPED])
def test_how_a_task_stood_when_it_was_stopped_says_nothing_of_its_run(seen_then: TaskFacts) -> None:
    found = restarted(Action.STOP_AND_RESUME, "RUNNING", RUNNING, seen_then, seen_then, RUNNING)
    assert (found.status, found.before) == (Status.RESTARTED, "RUNNING")


def test_an_error_that_was_not_there_before_the_run_is_a_failure_of_it() -> None:
    found = restarted(Action.STOP_AND_RESUME, "RUNNING", STOPPED, STOPPED, BROKEN)
    assert (found.status, found.detail) == (Status.FAILED, "failed again: ORA-03113: end-of-file")


def test_another_error_at_once_may_be_of_before_the_run_as_well() -> None:
    found = restarted(Action.RESUME, "STOPPED (NORMAL)", BROKEN, BROKEN, BROKEN, RUNNING)
    assert found.status is Status.RESTARTED


def test_an_error_that_was_there_is_one_of_the_run_once_statuses_had_time_to_follow() -> None:
    found = restarted(Action.RESUME, "ERROR (FATAL_ERROR)", BROKEN)
    assert found.status is Status.FAILED
    assert found.seconds is not None
    assert found.seconds > AgentConfig("ledger", "data", "topic", "secret").status_lag_seconds


@pytest.mark.parametrize(
    ("before", "says"), [("ERROR (FATAL_ERROR)", [BROKEN]), ("RUNNING", [STOPPED, STOPPED, BROKEN])]
)
def test_an_error_that_was_fetched_before_the_run_is_no_failure_of_it(before: str, says: list[TaskFacts]) -> None:
    action = Action.RESUME if before.startswith("ERROR") else Action.STOP_AND_RESUME
    found = restarted(action, before, *says, fetches=False)
    assert (found.status, found.run_call) == (Status.UNVERIFIED, RunCall.TAKEN)
    assert found.detail.endswith("is not known to have fetched it since")


def watched(watch: Watch, *says: TaskFacts) -> TaskOutcome:
    clock = FakeClock()
    watch = replace(watch, since=clock.now)
    starter = Starter(AgentConfig("ledger", "data", "topic", "secret"), clock=clock, sleep=clock.sleep)
    operator, until = Told(*says), clock.now + timedelta(minutes=10)
    while not (result := starter.look(operator, watch, until)):
        clock.sleep(POLL_SECONDS)
    return result


ANOTHERS = Watch(KEY, "RUNNING", datetime(2026, 3, 7, tzinfo=UTC), certain=False, stopped=True)
"""A task that ran, and that another invocation stops and runs, or was about to when it ended."""


def test_a_task_that_ran_before_is_up_only_after_it_was_seen_down() -> None:
    found = watched(ANOTHERS, RUNNING, STOPPED, RUNNING)
    assert (found.status, found.seconds) == (Status.RESTARTED, 2 * POLL_SECONDS)


def test_a_task_that_runs_as_before_says_nothing_of_a_restart_by_another_invocation() -> None:
    found = watched(ANOTHERS, RUNNING)
    assert found.status is Status.UNVERIFIED
    assert "may have been told to run, and was only seen running as before" in found.detail


def test_a_restart_that_was_ended_while_its_task_was_stopped_is_not_run() -> None:
    clock = FakeClock()
    starter = Starter(AgentConfig("ledger", "data", "topic", "secret"), clock=clock, sleep=clock.sleep)
    until = clock.now + timedelta(minutes=10)
    # Told can run, and the outcome of that would be a Watch.
    found = starter.send(Told(STOPPED), Action.STOP_AND_RESUME, KEY, "RUNNING", until, is_over=lambda: True)
    assert isinstance(found, TaskOutcome)
    assert (found.status, found.run_call, found.stopped) == (Status.FAILED, RunCall.NOT_SENT, True)
    assert found.detail == "stopped, and not started again: the restart was ended meanwhile"


def sent(action: Action, *errors: QemError, ends_after: int = 100) -> tuple[list[str], TaskOutcome | Watch | QemError]:
    """The calls that were made, where the first of them come to `errors`, and what came of them; the restart is ended
    after so many.
    """
    clock, operator = FakeClock(), Told(STOPPED)
    operator.errors += errors
    starter = Starter(AgentConfig("ledger", "data", "topic", "secret"), clock=clock, sleep=clock.sleep)
    until = clock.now + timedelta(minutes=10)
    try:
        found = starter.send(operator, action, KEY, "RUNNING", until, is_over=lambda: len(operator.calls) >= ends_after)
    except QemError as exc:
        return operator.calls, exc
    return operator.calls, found


NOT_ARRIVED = pytest.mark.parametrize("error", [QemUnreachable("refused"), QemSessionExpired("expired")], ids=str)


@NOT_ARRIVED
def test_what_certainly_did_not_arrive_is_sent_again_three_times_in_all(error: QemError) -> None:
    calls, found = sent(Action.STOP_AND_RESUME, error, error)
    assert calls == ["stop"] * 3 + ["run"]
    assert isinstance(found, Watch)
    calls, found = sent(Action.RESUME, error, error, error)
    assert (calls, found) == (["run"] * 3, error)


@NOT_ARRIVED
@pytest.mark.parametrize(("action", "call"), [(Action.STOP_AND_RESUME, "stop"), (Action.RESUME, "run")])
def test_nothing_is_sent_again_once_the_restart_was_ended(error: QemError, action: Action, call: str) -> None:
    calls, found = sent(action, error, ends_after=1)
    assert calls == [call]
    assert isinstance(found, QemError)
    assert str(found) == f"{error}; not sent again: the restart was ended meanwhile"


@pytest.mark.parametrize("error", [QemLoginRefused("no"), QemUnreachable("lost", maybe_sent=True)], ids=str)
def test_what_may_have_arrived_or_locks_an_account_is_sent_once(error: QemError) -> None:
    calls, _ = sent(Action.RESUME, error)
    assert calls == ["run"]
