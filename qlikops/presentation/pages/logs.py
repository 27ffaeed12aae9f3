"""Log lines of the calls that a state made, as text to scroll, to copy and to print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from qlikops.domain.words.text import harmless
from qlikops.domain.workflow.execution import StateVisit
from qlikops.domain.workflow.logs import LOG_GROUP, READS, CallLog, FunctionCall
from qlikops.domain.workflow.machine import Machine
from qlikops.presentation import vocabulary

_LATE = timedelta(minutes=2)
"""How long after a call its lines may still be missing."""
_RULE = "\n\n" + "─" * 40 + "\n\n"


def text(
    machine: Machine | None,
    visits: Sequence[StateVisit],
    calls: Sequence[FunctionCall],
    logs: Sequence[CallLog],
    now: datetime,
) -> str:
    """The lines of each call below its heading, or why there are none."""
    if not calls:
        return _why_none(machine, visits)
    parts = ["\n".join(_call(log, now)) for log in logs]
    if len(logs) < len(calls):
        parts.insert(0, f"{len(calls) - len(logs):,} earlier calls were not read: {READS} spans of time at most are.")
    return _RULE.join(parts)


def _why_none(machine: Machine | None, visits: Sequence[StateVisit]) -> str:
    if machine is None:
        return "The definition of this execution could not be read, so its functions are not known."
    if not visits:
        return "It was not reached: no function was called."
    functions = {state.name: state.function for _, state in machine.walk()}
    names = dict.fromkeys(visit.name for visit in visits)
    if any(functions.get(name) for name in names):
        return "Its function has not been called yet."
    return f"{harmless(', '.join(names), 200)}: no Lambda function, so no log."


def _call(log: CallLog, now: datetime) -> Iterator[str]:
    call = log.call
    item = f", item {'.'.join(map(str, call.map_path))}" if call.map_path else ""
    ended = f"{call.ended_at:%H:%M:%S}" if call.ended_at else "now"
    group = harmless(LOG_GROUP.format(call.function), 160)
    yield f"{harmless(call.state, 80)}{item}: {group}, {vocabulary.clock_time(call.begun_at)} to {ended}"
    if call.request_id:
        yield f"request {call.request_id}"
    else:
        yield "The history does not name the request: these are all lines of the function in that time."
    yield ""
    yield from (f"{line.at:%H:%M:%S}.{line.at.microsecond // 1000:03}  {line.text}" for line in log.lines)
    if not log.lines:
        yield harmless(log.problem, 300) or _why_empty(call, now)
    if not log.is_whole:
        yield "… and more: too much was written in that time to read all of it here."


def _why_empty(call: FunctionCall, now: datetime) -> str:
    if call.ended_at is None or now - call.ended_at < _LATE:
        return "No line yet: they reach CloudWatch up to a minute after they were written."
    return (
        "No line: the function wrote none, or they are gone. The stack's LogRetentionDays says how long they are kept; "
        "the local demo keeps them until it is stopped."
    )
