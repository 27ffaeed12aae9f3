"""Sends the calls that stop and run one task, each at most once, and watches what the task does then.

An error may leave open whether a call arrived. Such a call is not sent again: the task is watched, and the outcome says
what is not known. Only a run call that certainly did not arrive is tried again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from qlikops.agent.act.fetches import Fetches
from qlikops.agent.config import AgentConfig
from qlikops.agent.diagnosis.evidence import state_text
from qlikops.dataclass import dataclass
from qlikops.domain.fleet.task import Action, RunOption, StopReason, TaskFacts, TaskKey, TaskState
from qlikops.domain.proposals.approval import RunCall, Status, TaskOutcome
from qlikops.domain.words.duration import format_duration
from qlikops.domain.words.text import harmless
from qlikops.qlik.errors import QemBusinessError, QemError, QemSessionExpired, QemUnreachable
from qlikops.qlik.probe import EndpointTester

if TYPE_CHECKING:
    from qlikops.qlik.wire import ActionReply, ListedTask, ServerDetails

POLL_SECONDS = 2.0
"""Seconds from one look at a task to the next."""
_ATTEMPTS = 3
"""Attempts of a command that certainly did not arrive: a moment's silence must not cost a group its tasks."""
_ALREADY_STOPPED = "AEM_TASK_ALREADY_STOPPED"
_ALREADY_RUNNING = "AEM_TASK_ALREADY_RUNNING"
"""Error code by analogy with the one above; spelled otherwise, it is a refusal like any other."""
_ENDED = "the restart was ended meanwhile"


class TaskOperator(EndpointTester, Protocol):
    """The part of an Enterprise Manager client that a restart needs. Every call may raise a QemError."""

    def task(self, server: str, task: str) -> TaskFacts:
        """One task as it is now."""

    def tasks(self, server: str) -> Sequence[ListedTask]:
        """What the list of a server's tasks says of each, its tags among it."""

    def server(self, server: str) -> ServerDetails:
        """What is known of a server itself."""

    def run(self, server: str, task: str, option: RunOption, timeout_seconds: int = 60) -> ActionReply:
        """Runs a task; sent once."""

    def stop(self, server: str, task: str, timeout_seconds: int = 60) -> ActionReply:
        """Stops a task; sent once."""


@dataclass(slots=True)
class Watch:
    """A task that was or may have been told to run, until it is known what it does."""

    key: TaskKey
    before: str
    since: datetime
    """When the run call was answered, which takes up to a minute, or known to be lost: statuses lag from here."""
    certain: bool
    """Enterprise Manager took the run call; otherwise it is not known."""
    stopped: bool
    """It was stopped first, or may have been."""
    standing: str = ""
    """How it was last seen before the run call, if that is not `before`: it broke while it was stopped for the call."""
    moved: bool = False
    """It has been seen in another state than then."""
    was_well: bool = False
    """Whether that state was no error, so that an error now is a new one."""
    is_in_doubt: bool = False
    """It was last seen in error, and that may have been fetched before the run call."""
    last: str = "nothing"
    facts: TaskFacts | None = None
    """The task as it was last seen; None as long as Enterprise Manager has not said."""

    def result(self, status: Status, detail: str, seconds: float) -> TaskOutcome:
        """What came of it, `seconds` after the run call."""
        return TaskOutcome(
            self.key,
            status,
            detail,
            self.before,
            self.last,
            seconds,
            RunCall.TAKEN if self.certain else RunCall.UNCERTAIN,
            self.stopped,
        )


class Starter:
    """Stops and runs tasks by the clients that it is given, and looks at what they do then."""

    def __init__(self, config: AgentConfig, *, clock: Callable[[], datetime], sleep: Callable[[float], None]) -> None:
        self._config = config
        self._clock = clock
        self._sleep = sleep
        self._fetches = Fetches(clock)

    def send(
        self,
        operator: TaskOperator,
        action: Action,
        key: TaskKey,
        before: str,
        give_up_at: datetime,
        *,
        is_over: Callable[[], bool],
    ) -> TaskOutcome | Watch:
        """Stops the task if that is part of the action, and runs it. Raises QemError: nothing was done.

        `before` is how the task stood in words. `is_over` says whether the restart has been ended by now: a stop takes
        up to minutes, and what has been recorded as ended is not run any more.
        """
        stopped, standing = False, before
        if action.stops_first:
            stopped, why, standing = self._stop(operator, key, give_up_at, is_over)
            if why:
                return TaskOutcome(key, Status.FAILED, why, before=before, run_call=RunCall.NOT_SENT, stopped=stopped)
        try:
            reply = self._sent(lambda: operator.run(key.server, key.task, action.run_option), is_over)
        except QemError as exc:
            if exc.maybe_sent:
                return Watch(key, before, self._clock(), certain=False, stopped=stopped, standing=standing)
            if isinstance(exc, QemBusinessError):
                if exc.error_code == _ALREADY_RUNNING:
                    return TaskOutcome(
                        key, Status.ALREADY_RUNNING, str(exc), before=before, run_call=RunCall.REFUSED, stopped=stopped
                    )
                return _down(key, str(exc), before, RunCall.REFUSED, stopped=stopped)
            if not stopped:
                raise
            return _down(key, str(exc), before, RunCall.NOT_SENT, stopped=stopped)
        if reply.error_message and reply.state is not TaskState.RUNNING:
            return _replied(key, reply, before, stopped=stopped)
        return Watch(key, before, self._clock(), certain=True, stopped=stopped, standing=standing)

    def _sent(self, call: Callable[[], ActionReply], is_over: Callable[[], bool]) -> ActionReply:
        """What a run or stop is answered, sent again while it certainly did not arrive and the restart goes on.

        Raises QemError. A call may stand still for minutes before it fails: by then, another invocation may have said
        what came of the restart.
        """
        for _ in range(_ATTEMPTS - 1):
            try:
                return call()
            except (QemUnreachable, QemSessionExpired) as exc:
                if exc.maybe_sent:
                    raise
                self._sleep(POLL_SECONDS)
                if is_over():
                    raise QemError(f"{exc}; not sent again: {_ENDED}") from exc
        return call()

    def _stop(
        self, operator: TaskOperator, key: TaskKey, give_up_at: datetime, is_over: Callable[[], bool]
    ) -> tuple[bool, str, str]:
        """Whether this stopped the task, or may have; why it is not run then, empty if it is; and how it was seen down.

        Raises QemError: the stop was certainly not sent.
        """
        stopped = True
        try:
            self._sent(lambda: operator.stop(key.server, key.task), is_over)
        except QemBusinessError as exc:
            stopped = exc.maybe_sent
            if exc.error_code != _ALREADY_STOPPED and not exc.maybe_sent:
                return False, str(exc), ""
        except QemError as exc:
            if not exc.maybe_sent:
                raise
        until = min(give_up_at, self._clock() + timedelta(seconds=self._config.verify_timeout_seconds))
        while True:
            facts = _read(operator, key)
            if facts and facts.state is not TaskState.RUNNING:
                why = f"stopped, and not started again: {_ENDED}" if is_over() else ""
                return stopped, why, state_text(facts)
            if self._clock() >= until:
                return stopped, "told to stop, and not seen to stop; it was not run", ""
            self._sleep(POLL_SECONDS)

    def look(self, operator: TaskOperator, watch: Watch, give_up_at: datetime) -> TaskOutcome | None:
        """What came of it: up, broken again or out of time; None while that is not known."""
        # Asked before the task is read: it is what is read after a fetch that was fetched then.
        lag = timedelta(seconds=0 if watch.was_well else self._config.status_lag_seconds)
        is_new = watch.certain and self._fetches.have_come(operator, watch.key, watch.since + lag)
        facts = _read(operator, watch.key)
        passed = self._clock() - watch.since
        seconds = round(passed.total_seconds(), 1)
        watch.is_in_doubt = False
        if facts:
            watch.facts, watch.last = facts, state_text(facts)
            differs = watch.last != (watch.standing or watch.before)
            watch.moved, watch.was_well = watch.moved or differs, watch.was_well or (differs and not _is_broken(facts))
            # Told to stop first, it ran before: it may not have been stopped yet, by the invocation that is at it.
            if facts.is_up and (watch.moved or not watch.stopped):
                return replace(watch.result(Status.RESTARTED, "", seconds), up_at=self._clock())
            # Statuses lag: until the lag is over, an error may be of before the run, one that nobody had seen too.
            settled = watch.was_well or seconds > self._config.status_lag_seconds
            if watch.certain and settled and _is_broken(facts):
                if is_new:
                    return watch.result(Status.FAILED, f"failed again: {harmless(facts.message)}", seconds)
                watch.is_in_doubt = True
        if seconds < self._config.verify_timeout_seconds and self._clock() < give_up_at:
            return None
        sent = "was told to run" if watch.certain else "may have been told to run"
        seen = "was only seen running as before" if facts and facts.is_up else "was not seen up"
        detail = f"{sent}, and {seen} within {format_duration(passed)}; last seen: {watch.last}"
        if watch.is_in_doubt:
            detail += ", which may be of before: Enterprise Manager is not known to have fetched it since"
        return watch.result(Status.UNVERIFIED, detail, seconds)


def _replied(key: TaskKey, reply: ActionReply, before: str, *, stopped: bool) -> TaskOutcome:
    """The reply to the run call says what is wrong: in ERROR the task was started, and is down again."""
    if reply.state is TaskState.ERROR:
        again = f"failed again: {reply.error_message}"
        return TaskOutcome(key, Status.FAILED, again, before, run_call=RunCall.TAKEN, stopped=stopped)
    return _down(key, reply.error_message, before, RunCall.REFUSED, stopped=stopped)


def _down(key: TaskKey, why: str, before: str, run_call: RunCall, *, stopped: bool) -> TaskOutcome:
    """The run call started nothing; a task that was stopped for it is down now."""
    detail = f"stopped, and not started again: {why}" if stopped else why
    return TaskOutcome(key, Status.FAILED, detail, before=before, run_call=run_call, stopped=stopped)


def _read(operator: TaskOperator, key: TaskKey) -> TaskFacts | None:
    """None where Enterprise Manager does not say: the next look may tell."""
    try:
        return operator.task(key.server, key.task)
    except QemError:
        return None


def _is_broken(facts: TaskFacts) -> bool:
    """Whether the task is in an error that Replicate does not retry by itself."""
    return facts.state is TaskState.ERROR and facts.stop_reason is not StopReason.RECOVERABLE_ERROR
