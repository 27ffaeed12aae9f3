"""One word, shape and tone for each value of the domain's enums, so that every screen and command says the same."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from qlikops.domain.encoding.stored import StoredEnum
from qlikops.domain.fleet.anomaly import Severity
from qlikops.domain.fleet.endpoint import EndpointWait
from qlikops.domain.fleet.task import StopReason, TaskState
from qlikops.domain.proposals.approval import Outcome, Status
from qlikops.domain.proposals.callback import DECISION_TEXT_CAP
from qlikops.domain.proposals.evaluation import Gate, Risk, Route, Verdict, is_ai
from qlikops.domain.proposals.proposal import Option
from qlikops.domain.words.duration import format_duration, to_second
from qlikops.domain.workflow.execution import ExecutionStatus, StateStatus
from qlikops.presentation.tone import Span, Tone, outside

NOTHING = Span("", Tone.MUTED)
"""The cell of what is absent or not known: it stays blank."""
NOT_YET = Span("…", Tone.MUTED)
"""What a cell shows that will have something once the run has got there."""

NO_CALLER = "not known yet"
"""Stands for the sender's name until AWS has said it."""
AT_ZERO = "nothing is restarted"
"""What happens at the deadline. The state machine's ApprovalExpired is the source."""

_SEVERITY: Mapping[str, Span] = {
    Severity.CRITICAL: Span("■ critical", Tone.DANGER),
    Severity.WARNING: Span("▲ warning", Tone.WARNING),
    Severity.INFO: Span("○ info", Tone.INFO),
}
_VERDICT = {
    Verdict.APPROVE: Tone.GOOD,
    Verdict.CAUTION: Tone.WARNING,
    Verdict.DENY: Tone.DANGER,
    Verdict.UNAVAILABLE: Tone.DANGER,
}
_RISK = {Risk.LOW: Tone.GOOD, Risk.MEDIUM: Tone.WARNING, Risk.HIGH: Tone.DANGER, Risk.UNKNOWN: Tone.WARNING}
_STATUS = {
    Status.PROPOSED: ("proposed", Tone.MUTED),
    Status.EVALUATED: ("evaluated", Tone.MUTED),
    Status.WAITING: ("WAITING", Tone.INFO),
    Status.RESTARTING: ("RESTARTING", Tone.INFO),
    Status.RESTARTED: ("RESTARTED", Tone.GOOD),
    Status.ALREADY_RUNNING: ("ALREADY RUNNING", Tone.GOOD),
    Status.SUPERSEDED: ("SUPERSEDED", Tone.WARNING),
    Status.STILL_DOWN: ("STILL DOWN", Tone.WARNING),
    Status.PARTIAL: ("PARTIAL", Tone.WARNING),
    Status.UNVERIFIED: ("UNVERIFIED", Tone.WARNING),
    Status.NOT_TRIED: ("NOT TRIED", Tone.WARNING),
    Status.DENIED: ("DENIED", Tone.NEUTRAL),
    Status.EXPIRED: ("EXPIRED", Tone.WARNING),
    Status.HELD: ("HELD", Tone.WARNING),
    Status.FAILED: ("FAILED", Tone.DANGER),
    Status.ABANDONED: ("ABANDONED", Tone.WARNING),
}
_STATUS_MEANING = {
    Status.RESTARTED: "every task was seen to come up",
    Status.ALREADY_RUNNING: "the task was already running; nothing was done",
    Status.SUPERSEDED: "the task or the proposal changed, or another proposal took the task; nothing was done",
    Status.STILL_DOWN: "the endpoint was tested and took no logins; nothing was sent, and a later run asks again",
    Status.PARTIAL: "some tasks came up and some did not",
    Status.UNVERIFIED: "the run call was or may have been sent, but the task was not seen to come up; look at it",
    Status.NOT_TRIED: "stopped before its turn came: nothing was done; the next run asks again",
    Status.DENIED: "nothing was restarted",
    Status.EXPIRED: "nobody decided in time; nothing was restarted",
    Status.HELD: "the policy forbids it; nothing was restarted",
    Status.FAILED: "it did not work; its record says whether anything was started",
    Status.ABANDONED: "its execution ended without it; nothing was restarted",
    Status.RESTARTING: "approved; the restart is under way",
    Status.WAITING: "nobody has decided yet",
}
_FAILED_MEANING = {
    "stopped and not started again": "qlikops stopped it and could not start it again: it is down until it is started",
    "failed again": "the run call was sent, and it did not come up",
    "start refused": "Enterprise Manager refused the start; nothing was restarted",
    "not started": "something broke; nothing was restarted",
}
"""What a failure means by what became of the tasks, the worst first. Where there are none, nothing was sent."""
_STATE = {
    StateStatus.RUNNING: ("▶ running", Tone.INFO),
    StateStatus.SUCCEEDED: ("✓ succeeded", Tone.GOOD),
    StateStatus.FAILED: ("✗ failed", Tone.DANGER),
    StateStatus.CAUGHT: ("↷ caught", Tone.WARNING),
    StateStatus.TIMED_OUT: ("✗ timed out", Tone.DANGER),
    StateStatus.ABORTED: ("■ aborted", Tone.WARNING),
}
_EXECUTION = {
    **{ExecutionStatus[each.name]: spelt for each, spelt in _STATE.items() if each is not StateStatus.CAUGHT},
    ExecutionStatus.PENDING_REDRIVE: ("… redrive", Tone.INFO),
}
"""An execution reads as a state does."""
_TASK = {
    TaskState.RUNNING: Tone.GOOD,
    TaskState.STOPPED: Tone.WARNING,
    TaskState.ERROR: Tone.DANGER,
    TaskState.RECOVERY: Tone.WARNING,
    TaskState.UNKNOWN: Tone.WARNING,
}
_ROUTE = {
    Route.ASK: "a human decides",
    Route.AUTOMATIC: "runs without asking",
    Route.HELD: "held: the policy forbids it",
}


def _spelt(value: StoredEnum, words: Mapping[Any, tuple[str, Tone]], mark: str = "") -> Span:
    """The word and tone of `value`; one that this version does not know in its own spelling."""
    word, tone = words.get(value) or (f"{mark}{outside(value, cap=20).text}", Tone.WARNING)
    return Span(word, tone)


def severity(value: str) -> Span:
    """The mark and word of a severity; an unknown one in its own words."""
    return _SEVERITY.get(value) or outside(f"? {value}", Tone.WARNING, 10)


def evaluator(name: str) -> str:
    """Who evaluated, plainly: a model is called AI."""
    return "AI" if is_ai(name) else name or "?"


def verdict(value: str, evaluator_name: str, confidence: float | None = None) -> Span:
    """Returns a verdict in words, such as `AI approve 92%`, `rules caution`, `unavailable`."""
    known = Verdict.known(value)
    if known is None:
        return outside(f"{evaluator(evaluator_name)} {value or '?'}", Tone.WARNING, 24)
    if known is Verdict.UNAVAILABLE:
        return Span("unavailable", _VERDICT[known])
    sure = "" if confidence is None else f" {confidence:.0%}"
    return Span(f"{evaluator(evaluator_name)} {known}{sure}", _VERDICT[known])


def risk(value: str) -> Span:
    """A risk in its tone; high in capitals."""
    known = Risk.known(value)
    if known is None:
        return outside(value or "unknown", Tone.WARNING, 10)
    return Span(known.upper() if known is Risk.HIGH else str(known), _RISK[known])


def status(value: Status) -> Span:
    """Where a proposal stands; what a person should notice in capitals."""
    return _spelt(value, _STATUS)


def standing(value: Status, waits: EndpointWait | None) -> Span:
    """The status in a word of what may wait for its endpoint before a task of it is started."""
    return Span("WAITS FOR ENDPOINT", Tone.INFO) if waits and value is Status.RESTARTING else status(value)


def status_meaning(value: Status, outcome: Outcome | None = None, waits: EndpointWait | None = None) -> str:
    """What that means for the task. A failure means different things: `outcome` says what was sent."""
    if waits and value is Status.RESTARTING:
        return "approved; nothing is sent before its endpoint takes logins"
    if value is Status.FAILED and outcome is not None:
        came_to = {target.came_to for target in outcome.targets} or {"not started"}
        found = (words for each, words in _FAILED_MEANING.items() if each in came_to)
        return next(found, _STATUS_MEANING[value])
    if not value.is_known:
        return "this version does not know what that means: update qlikops"
    return _STATUS_MEANING.get(value, "it is on its way to a decision")


def execution_status(value: ExecutionStatus) -> Span:
    """An execution's status with its mark."""
    return _spelt(value, _EXECUTION, "? ")


def state_status(value: StateStatus) -> Span:
    """A state run's status with its mark."""
    return _spelt(value, _STATE, "? ")


def task_state(value: TaskState, raw: str = "") -> Span:
    """A task's state; an unknown one in Enterprise Manager's spelling."""
    known = value.is_known and value is not TaskState.UNKNOWN
    return Span(value, _TASK[value]) if known else outside(raw or value, Tone.WARNING, 12)


def stop_reason(value: StopReason) -> str:
    """Why a task doesn't run, beside the state that already says it stopped: `low disk space`, `fatal error`."""
    return value.removeprefix("STOPPED_").replace("_", " ").lower()


def route(value: Route) -> str:
    """Where the policy sent it."""
    return _ROUTE.get(value) or outside(value, cap=40).text


def gate(value: Gate) -> str:
    """A gate's name for people."""
    return value.replace("_", " ")


def option(value: Option) -> str:
    """What approving this option does, with the run call's own option."""
    action = value.action
    if not action.is_known:
        return f"{outside(action, cap=40).text}: this version does not know what that does"
    return f"{outside(value.words, cap=120).text} ({action.run_option})"


def person(arn: str) -> str:
    """Who an ARN is for people: the session of an assumed role, the user's name."""
    return arn.rsplit("/", 1)[-1].rsplit(":", 1)[-1] or "somebody"


def why(reason: str) -> Span:
    """The reason of a decision, to its last word."""
    return outside(reason, cap=DECISION_TEXT_CAP)


clock_time = to_second
"""`2026-03-07 11:19:03 UTC`."""


def ago(moment: datetime, now: datetime) -> str:
    """`3m10s`, and never negative: clocks differ a little."""
    return format_duration(max(0.0, (now - moment).total_seconds()))


def short_duration(seconds: float) -> str:
    """One glance's worth for a table: `42s` under two minutes, else without seconds: `3m`, `2h05m`, `4d3h`."""
    whole = max(0, int(seconds))
    return format_duration(float(whole)) if whole < 60 or whole >= 3600 else f"{whole // 60}m"


def count(number: int, noun: str) -> str:
    """`1 task`, `2 tasks`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
