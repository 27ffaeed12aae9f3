"""Which lines of a function's log are of the calls that a state made.

A stream holds the lines of many calls, one after the other, and only some lines name their call: the traceback of an
exception that a handler lets out does not. But a stream belongs to one sandbox, which does one call at a time: what
lies between `START RequestId: …` and `REPORT RequestId: …` is of that call. What lies before a START is of the call
that the sandbox is made for: the traceback of a module that cannot be imported. So all lines of a span of time are
read, and sorted here, instead of being searched for an id.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from qlikops.dataclass import dataclass
from qlikops.domain.errors import NotFound
from qlikops.domain.workflow.execution import Source, StateVisit
from qlikops.domain.workflow.following import FollowedExecution
from qlikops.domain.workflow.machine import State

LOG_GROUP = "/aws/lambda/{}"
"""Name of a function's log group, by the function's name."""
READS = 20
"""Spans of time that are read at most, the newest ones; the calls of a run lie close together."""
_BEFORE, _AFTER = timedelta(seconds=2), timedelta(seconds=10)
"""What a span is widened by: two clocks, and the lines that Lambda writes when a call is over."""
_APART = timedelta(minutes=2)
"""Calls of one function that lie farther apart are read one by one."""
_CALL_LINE = re.compile(r"(START|REPORT) RequestId: ([\w-]+)")


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a log, which may have line breaks in it."""

    at: datetime
    stream: str
    text: str
    """Harmless already."""


@dataclass(frozen=True, slots=True)
class FoundLines:
    """The lines of a span of time, oldest first."""

    lines: tuple[LogLine, ...]
    is_whole: bool = True
    """False where there are more than were read."""


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """One call of a Lambda function by a state."""

    state: str
    map_path: tuple[int, ...]
    function: str
    begun_at: datetime
    ended_at: datetime | None = None
    """None while the function has not answered."""
    request_id: str = ""
    """Empty where the history does not say: before the answer, after a time-out, and in the embedded AWS."""


@dataclass(frozen=True, slots=True)
class CallLog:
    """A call with its lines; if its id is not known, with all lines of its function in that time."""

    call: FunctionCall
    lines: tuple[LogLine, ...]
    is_whole: bool = True
    problem: str = ""
    """Why its lines could not be read: its function has no log group; empty if they could."""


ReadLines = Callable[[str, datetime, datetime], FoundLines]
"""Reads the lines of a function between two times."""


def calls_of(followed: FollowedExecution, visits: Sequence[StateVisit]) -> tuple[FunctionCall, ...]:
    """The calls that these visits of states made, oldest first.

    The embedded AWS lists no states inside a Map: of one that is known from elsewhere, the run's whole time is taken.
    """
    states = {} if followed.machine is None else {state.name: state for _, state in followed.machine.walk()}
    wanted = {
        (visit.name, visit.map_path): states[visit.name]
        for visit in visits
        if visit.name in states and states[visit.name].function
    }
    calls = list(_recorded(followed, wanted))
    summary = followed.detail.summary
    names = dict.fromkeys(visit.name for visit in visits if visit.source is Source.LEDGER and visit.name in states)
    # One each: without an id, the lines are all that the function wrote.
    calls += (
        FunctionCall(name, (), function, summary.started_at, summary.stopped_at)
        for name in names
        if (function := states[name].function)
    )
    return tuple(sorted(calls, key=lambda call: call.begun_at))


def _recorded(
    followed: FollowedExecution, wanted: Mapping[tuple[str, tuple[int, ...]], State]
) -> Iterator[FunctionCall]:
    open_calls: dict[tuple[str, tuple[int, ...]], FunctionCall] = {}
    for event in followed.events:
        place = followed.trace.places.get(event.id)
        if place is None or event.at is None or (place.state, place.map_path) not in wanted:
            continue
        key = place.state, place.map_path
        if event.type == "TaskScheduled":
            open_calls[key] = FunctionCall(place.state, place.map_path, wanted[key].function, event.at)
        elif event.type.startswith("Task") and event.type != "TaskStarted" and (call := open_calls.pop(key, None)):
            # Of a callback that is TaskSubmitted: the answer, which comes later, is not the function's.
            yield FunctionCall(*key, call.function, call.begun_at, event.at, event.request_id)
    yield from open_calls.values()


def read_logs(read: ReadLines, calls: Sequence[FunctionCall], now: datetime) -> tuple[CallLog, ...]:
    """Each call with its lines, oldest first; calls that lie close together are read at once.

    Raises NotFound if none of their functions has a log group.
    """
    found: dict[FunctionCall, CallLog] = {}
    missing: NotFound | None = None
    for span in _spans(calls, now)[-READS:]:
        begin, end = span[0].begun_at - _BEFORE, max(call.ended_at or now for call in span) + _AFTER
        try:
            lines = read(span[0].function, begin, end)
        except NotFound as exc:
            missing = exc
            found |= {call: CallLog(call, (), problem=exc.message) for call in span}
            continue
        by_call = _by_call(lines.lines)
        for call in span:
            found[call] = CallLog(call, _lines_of(call, lines.lines, by_call, now), lines.is_whole)
    if missing is not None and all(log.problem for log in found.values()):
        raise missing
    return tuple(found[call] for call in calls if call in found)


def _spans(calls: Sequence[FunctionCall], now: datetime) -> list[list[FunctionCall]]:
    """Calls by what is read at once, oldest first."""
    spans: list[list[FunctionCall]] = []
    ends: list[datetime] = []
    latest: dict[str, int] = {}
    for call in sorted(calls, key=lambda call: call.begun_at):
        at = latest.get(call.function)
        if at is None or call.begun_at > ends[at] + _APART:
            at = latest[call.function] = len(spans)
            spans.append([])
            ends.append(call.begun_at)
        spans[at].append(call)
        ends[at] = max(ends[at], call.ended_at or now)
    return spans


def _by_call(lines: Sequence[LogLine]) -> Mapping[str, list[LogLine]]:
    """Lines by the id of their call: of every stream, what lies between a call's first and last line, what its sandbox
    wrote before, and what names it after.
    """
    found: dict[str, list[LogLine]] = {}
    here: dict[str, str] = {}
    """The call that began last, by stream."""
    between: dict[str, list[LogLine]] = {}
    """What came since a sandbox was made or its call was over, by stream."""
    for line in lines:
        stream, last = line.stream, here.get(line.stream, "")
        if match := _CALL_LINE.match(line.text):
            here[stream] = match[2]
            of_call = found.setdefault(match[2], [])
            if match[1] == "START":
                of_call += between.pop(stream, ())
            else:
                between[stream] = []
            of_call.append(line)
        elif line.text.startswith("INIT_START"):
            between[stream] = [line]
        elif stream in between and not (last and last in line.text):
            between[stream].append(line)
        elif last:
            found[last].append(line)
    return found


def _lines_of(
    call: FunctionCall, lines: Sequence[LogLine], by_call: Mapping[str, Sequence[LogLine]], now: datetime
) -> tuple[LogLine, ...]:
    if not call.request_id:
        begin, end = call.begun_at - _BEFORE, (call.ended_at or now) + _AFTER
        return tuple(line for line in lines if begin <= line.at <= end)
    # A log in JSON has no such lines at beginning and end, but names the call in each.
    whole = by_call.get(call.request_id)
    return tuple(whole) if whole is not None else tuple(line for line in lines if call.request_id in line.text)
