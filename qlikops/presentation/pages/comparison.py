"""What an execution did otherwise than the last good one: states, ways, values, and the definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from qlikops.dataclass import dataclass
from qlikops.domain.encoding.strict_json import parse_json
from qlikops.domain.words.text import harmless
from qlikops.domain.workflow.events import HistoryEvent
from qlikops.domain.workflow.execution import ExecutionSummary, StateStatus
from qlikops.domain.workflow.following import PAGES, FollowedExecution
from qlikops.presentation import vocabulary
from qlikops.presentation.pictures.canvas import cut
from qlikops.presentation.pictures.graph import Level, Node, graph, longest, walk

ONLY_NOW, ONLY_THEN, OTHERWISE, ALIKE = "+", "-", "~", "="
"""The sign of a line: what ran now only, then only, otherwise than then, and as then."""
VALUES = 20
"""Values that are shown at most."""
_DEEP, _SIDE_CAP = 4, 60
_SLOWER, _LEAST = 2.0, 2.0
"""Times as long, and seconds more, that make a difference worth a sign."""
_NAME, _SIDE = 44, 26
_UNREAD = object()
"""Stands for a payload that was cut where it was read."""
_BROKEN = (StateStatus.FAILED, StateStatus.TIMED_OUT, StateStatus.ABORTED, StateStatus.CAUGHT)


@dataclass(frozen=True, slots=True)
class Ran:
    """What an execution did with one state."""

    visits: int = 0
    seconds: float = 0
    """How long the longest visit took; 0 if the history does not say."""
    error: str = ""
    """Error of its latest visit that did not go well."""


@dataclass(frozen=True, slots=True)
class StateDifference:
    """One state that ran in one of the two executions, or in both."""

    name: str
    sign: str
    now: Ran
    then: Ran


@dataclass(frozen=True, slots=True)
class WayDifference:
    """A way from one state to another that was taken oftener or less often than then."""

    source: str
    target: str
    now: int
    then: int


@dataclass(frozen=True, slots=True)
class ValueDifference:
    """A value in the input or output of a state outside of any Map that is not the same."""

    place: str
    """Place of the value, such as `MonitorTasks output proposal_count`."""
    now: str
    then: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """One execution against the last good one."""

    now: ExecutionSummary
    then: ExecutionSummary
    definition: str
    """`the same`, `revised since` or `not known`."""
    states: tuple[StateDifference, ...]
    """Every state that ran in one of them, in reading order."""
    ways: tuple[WayDifference, ...]
    values: tuple[ValueDifference, ...]
    """At most VALUES."""
    more_values: int = 0
    unread: tuple[str, ...] = ()
    """Inputs and outputs that were too long to be compared, such as `MonitorTasks output`."""


def compare(now: FollowedExecution, then: FollowedExecution, at: datetime) -> Comparison:
    """Compares two executions of one state machine; `at` ends what goes on."""
    here, there = _levels(now, at), _levels(then, at)
    states, states_then = _nodes(here), _nodes(there)
    ways, ways_then = _ways(here), _ways(there)
    pairs = dict.fromkeys((*ways, *ways_then))
    after, before = _payloads(now), _payloads(then)
    own = {text for each in (now, then) for text in (each.detail.summary.name, each.detail.summary.arn)}
    values = [*_values(after, before, own)]
    unread = (place for place in after if _UNREAD in (after[place], before.get(place)))
    known = bool(now.definition and then.definition)
    return Comparison(
        now.detail.summary,
        then.detail.summary,
        "not known" if not known else "the same" if now.definition == then.definition else "revised since",
        tuple(
            _state(name, _ran(states.get(name), at), _ran(states_then.get(name), at))
            for name in dict.fromkeys((*states, *states_then))
        ),
        tuple(
            WayDifference(*pair, ways.get(pair, 0), ways_then.get(pair, 0))
            for pair in pairs
            if ways.get(pair, 0) != ways_then.get(pair, 0)
        ),
        tuple(values[:VALUES]),
        max(0, len(values) - VALUES),
        tuple(unread),
    )


def _levels(followed: FollowedExecution, at: datetime) -> Sequence[Level]:
    return tuple(walk(graph(followed.machine, followed.detail, at, unfolded=True).level))


def _nodes(levels: Sequence[Level]) -> Mapping[str, Node]:
    return {node.name: node for level in levels for node in level.nodes if node.visits}


def _ways(levels: Sequence[Level]) -> Mapping[tuple[str, str], int]:
    return {(way.source, way.target): way.taken for level in levels for way in level.ways if way.taken}


def _ran(node: Node | None, at: datetime) -> Ran:
    if node is None:
        return Ran()
    # A visit that the ledger tells of has no entry, so its length is not known.
    seconds = longest((visit for visit in node.visits if visit.entered_at), at)
    errors = (visit.error or str(visit.status) for visit in reversed(node.visits) if visit.status in _BROKEN)
    return Ran(len(node.visits), round(seconds, 3), harmless(next(errors, ""), _SIDE_CAP))


def _state(name: str, now: Ran, then: Ran) -> StateDifference:
    slow, quick = max(now.seconds, then.seconds), min(now.seconds, then.seconds)
    is_otherwise = (now.visits, now.error) != (then.visits, then.error) or (
        slow >= _SLOWER * quick and slow - quick >= _LEAST
    )
    both = OTHERWISE if is_otherwise else ALIKE
    return StateDifference(name, ONLY_NOW if not then.visits else ONLY_THEN if not now.visits else both, now, then)


# Values


def _values(after: Mapping[str, Any], before: Mapping[str, Any], own: set[str]) -> Iterator[ValueDifference]:
    """Differences of what went in and came out, state by state; an item of a Map has no counterpart."""
    for place, one in after.items():
        if place not in before or _UNREAD in (one, before[place]):
            continue
        for path, value, other in _leaves(one, before[place]):
            if not (_is_of_one_run(value, own) and _is_of_one_run(other, own)):
                yield ValueDifference(f"{place}{path}", _shown(value), _shown(other))


def _payloads(followed: FollowedExecution) -> Mapping[str, Any]:
    events: Mapping[int, HistoryEvent] = {event.id: event for event in followed.events}
    found: dict[str, Any] = {}
    for visit in () if followed.detail.history is None else followed.detail.history.states:
        for name, event_id in (("input", visit.entered_event_id), ("output", visit.exited_event_id)):
            event = events.get(event_id or 0)
            if event is None or visit.map_path or not (kept := str(event.details.get(name, ""))):
                continue
            try:
                value = parse_json(kept)
            except ValueError:
                value = _UNREAD
            found[f"{harmless(visit.name, 80)} {name}"] = value
    return found


def _leaves(one: Any, other: Any, path: str = "", deep: int = 0) -> Iterator[tuple[str, Any, Any]]:
    """Places in which two values differ; of lists only that they are longer or shorter."""
    if isinstance(one, dict) and isinstance(other, dict) and deep < _DEEP:
        for key in dict.fromkeys((*one, *other)):
            yield from _leaves(one.get(key), other.get(key), f"{path} {harmless(key, 40)}", deep + 1)
    elif isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            yield path, one, other
    elif one != other:
        yield path, one, other


def _is_of_one_run(value: Any, own: set[str]) -> bool:
    """Whether it cannot be the same in two runs: a run's name, or a moment."""
    if not isinstance(value, str):
        return False
    with suppress(ValueError):
        datetime.fromisoformat(value)
        return True
    return any(name in value for name in own if name)


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, list):
        return f"a list of {len(value):,}"
    return harmless(str(value), _SIDE_CAP)


# As text


def none(summary: ExecutionSummary) -> str:
    """What to say if there is no last good run."""
    return (
        f"There is no run to compare {harmless(summary.name, 100)} with: none before it succeeded among the newest "
        f"{PAGES * 100}."
    )


def gone(*followed: FollowedExecution) -> str:
    """What to say if the history of one of two runs is gone; empty if they can be compared."""
    names = [harmless(each.detail.summary.name, 100) for each in followed if each.detail.history is None]
    return f"The history of {' and '.join(names)} is gone, so nothing can be compared." if names else ""


def text(found: Comparison) -> str:
    """The comparison in lines, each with its sign; what is alike has `=`."""
    return "\n".join(_lines(found))


def _lines(found: Comparison) -> Iterator[str]:
    name, earlier = harmless(found.then.name, 100), vocabulary.ago(found.then.started_at, found.now.started_at)
    yield f"Against {name}, the last run before it that succeeded; it began {earlier} earlier."
    yield f"Definition: {found.definition}."
    yield f"{ONLY_NOW} now only   {ONLY_THEN} then only   {OTHERWISE} otherwise   {ALIKE} as then"
    yield from _table("State", [(each.sign, each.name, _said(each.now), _said(each.then)) for each in found.states])
    yield from _table("Went this way", [_way(each) for each in found.ways])
    yield from _table("Value", [(OTHERWISE, each.place, each.now, each.then) for each in found.values])
    if found.more_values:
        yield f"  … and {found.more_values:,} values more"
    if found.unread:
        yield from ("", f"Too long to be compared: {', '.join(found.unread)}.")


def _way(each: WayDifference) -> tuple[str, str, str, str]:
    sign = ONLY_NOW if not each.then else ONLY_THEN if not each.now else OTHERWISE
    return sign, harmless(f"{each.source} → {each.target}", 200), f"{each.now:,} x", f"{each.then:,} x"


def _table(head: str, rows: Sequence[tuple[str, str, str, str]]) -> Iterator[str]:
    if rows:
        yield from ("", f"  {head:<{_NAME}} {'now':<{_SIDE}} then")
        yield from (f"{sign} {cut(name, _NAME):<{_NAME}} {now:<{_SIDE}} {then}" for sign, name, now, then in rows)


def _said(ran: Ran) -> str:
    if not ran.visits:
        return "not run"
    times = "" if ran.visits == 1 else f"{ran.visits:,} x"
    took = vocabulary.short_duration(ran.seconds) if ran.seconds >= 1 else ""
    return ", ".join(part for part in (times, took, ran.error) if part) or "ran"
