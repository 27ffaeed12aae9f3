"""What an execution did, as a graph: the states of the definition that ran, the ways between them, its Map's items.

It knows no cells: `presentation.boxes` and `presentation.spine` draw it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime
from enum import Enum, auto

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.task import Action
from qlikops.domain.runs.run import RunSummary
from qlikops.domain.workflow.execution import (
    ExecutionDetail,
    ExecutionStatus,
    FoldedHistory,
    RunProposal,
    Source,
    StateStatus,
    StateVisit,
)
from qlikops.domain.workflow.machine import Edge, Machine, State, Via
from qlikops.presentation import vocabulary
from qlikops.presentation.running import progress
from qlikops.presentation.tone import Span, Tone, outside

WAITS, UNDER_WAY, WELL, BROKEN, NOT_DONE = "●", "◐", "✓", "✗", "○"
_NAME_CAP = 80
_BROKEN = (StateStatus.FAILED, StateStatus.TIMED_OUT, StateStatus.ABORTED)


class Reached(Enum):
    """How far the execution came with a state."""

    RAN = auto()
    HERE = auto()
    """It is in it now."""
    FAILED = auto()
    NOT_REACHED = auto()
    NOT_RECORDED = auto()
    """The history has nothing of what is inside the Map."""


@dataclass(frozen=True, slots=True)
class Node:
    """One state."""

    key: str
    name: str
    reached: Reached
    note: Span
    """What it did, beginning with its sign."""
    took: str
    """The longest visit; empty for none, or for one that took no second."""
    items: int
    """How many of the Map's items have been there; 0 outside a Map."""
    visits: tuple[StateVisit, ...] = ()
    faded: bool = False
    """It is not on the path of the chosen item."""


@dataclass(frozen=True, slots=True)
class Way:
    """An arrow: one state leads to another."""

    source: str
    target: str
    taken: int
    """How often."""
    items: int
    """How many of the Map's items went there; 0 outside a Map."""
    again: bool
    """It leads back to what was before."""
    faded: bool = False

    @property
    def label(self) -> str:
        """The number on the arrow: of items; of times on one that leads back, or outside a Map."""
        if self.items and not self.again:
            return str(self.items)
        return f"{self.taken} x" if self.taken > 1 or (self.taken and self.again) else ""


@dataclass(frozen=True, slots=True)
class Level:
    """The states of a definition, or those inside one Map or Parallel."""

    title: str
    """The Map's or Parallel's name; empty for the execution itself."""
    nodes: tuple[Node, ...]
    """The nodes that are drawn, in reading order."""
    ways: tuple[Way, ...]
    """Between two of these."""
    folded: tuple[str, ...]
    """Names of the states that are not drawn."""
    inner: tuple[Level, ...]
    """What is inside them, where anything of it is drawn."""
    by_ledger: bool = False
    """The history has nothing of what is inside, so of a state that the ledger does not tell of nothing is known."""


@dataclass(frozen=True, slots=True)
class MapItem:
    """One item of the Map: a proposal."""

    key: str
    index: int
    what: str
    stands: str
    """The state in which it is, or was last; empty before the first."""
    came_to: Span
    visits: tuple[StateVisit, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """One execution."""

    level: Level
    items: tuple[MapItem, ...]
    total: int
    """Items that there are."""
    here: str
    """The key of the state that one wants to see first: where it waits, runs or broke."""


def graph(
    machine: Machine | None, detail: ExecutionDetail, now: datetime, *, unfolded: bool = False, chosen: str = ""
) -> Graph:
    """The graph of one execution; without a definition, of what ran.

    `unfolded` draws the states that nothing ran through, too. `chosen` is the key of the item whose path is lit.
    """
    history = detail.history or FoldedHistory(detail.summary.status, (), ())
    made = _Made(_Ran.of(machine, history), history, detail, now, unfolded=unfolded, chosen=chosen)
    level = made.level("", made.ran.states)
    items = tuple(made.items())
    nodes = [node for each in walk(level) for node in each.nodes]
    here = next((node.key for reached in _FIRST for node in reversed(nodes) if node.reached is reached), "")
    return Graph(level, items, len(items), here)


_FIRST = (Reached.HERE, Reached.FAILED, Reached.RAN, Reached.NOT_RECORDED)


def walk(level: Level) -> Iterator[Level]:
    """A level and all inside it."""
    yield level
    for inner in level.inner:
        yield from walk(inner)


def definition_note(machine: Machine | None, problem: str) -> str:
    """What to know about where the graph comes from; empty where it is the definition that ran."""
    if machine is not None:
        return ""
    because = f": {problem}" if problem else ""
    return f"The definition of this execution could not be read{because}. These are the states that ran."


def main_path(level: Level) -> tuple[str, ...]:
    """The longest way through a level that never goes back, by names: what is drawn in one line."""
    place = {node.name: index for index, node in enumerate(level.nodes)}
    forward = [way for way in level.ways if place[way.source] < place[way.target]]
    return _longest([node.name for node in level.nodes], [(way.source, way.target) for way in forward])


def _longest(names: Sequence[str], ways: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The longest path from the first name; `ways` go on in the order of `names`."""
    onward: dict[str, list[str]] = defaultdict(list)
    for source, target in ways:
        onward[source].append(target)
    best: dict[str, tuple[str, ...]] = {}
    for name in reversed(names):
        best[name] = (name, *max((best[target] for target in onward[name]), key=len, default=()))
    return best[names[0]] if names else ()


@dataclass(frozen=True, slots=True)
class _Ran:
    """What ran: by state, and by the way that was taken."""

    states: tuple[State, ...]
    """The states of the definition, then the ones that ran and are not in it."""
    visits: Mapping[str, tuple[StateVisit, ...]]
    taken: Mapping[tuple[str, str], Counter[tuple[int, ...]]] = field(default_factory=dict)
    """How often each item, by its Map indexes, went that way."""
    by_ledger: bool = False
    """The history has no states inside the Map: what has no visit there may have run all the same."""
    has_gaps: bool = False
    """The ledger leaves out states on the way to where an item stands."""

    @classmethod
    def of(cls, machine: Machine | None, history: FoldedHistory) -> _Ran:
        visits: dict[str, list[StateVisit]] = defaultdict(list)
        for visit in history.states:
            visits[visit.name].append(visit)
        known = {} if machine is None else {state.name: state for _, state in machine.walk()}
        leads = {name: {edge.target for edge in state.edges} for name, state in known.items()}
        taken: dict[tuple[str, str], Counter[tuple[int, ...]]] = defaultdict(Counter)
        before: dict[tuple[int, ...], dict[str, None]] = defaultdict(dict)
        begins = {state.inner[0].name for state in known.values() if state.inner}
        has_gaps = False
        for visit in history.states:
            # Items interleave, and within one item the branches of a Parallel do: what leads here is what came from.
            # Each name once, where it ran last: a loop of thousands of rounds has few.
            earlier = before[visit.map_path]
            leads_here = (name for name in reversed(earlier) if not known or visit.name in leads.get(name, ()))
            if (source := next(leads_here, None)) is not None:
                taken[source, visit.name][visit.map_path] += 1
            elif visit.source is Source.LEDGER and (earlier or visit.name not in begins):
                has_gaps = True
            earlier.pop(visit.name, None)
            earlier[visit.name] = None
        strangers = _strangers([visit for visit in history.states if visit.name and visit.name not in known], taken)
        return cls(
            (*(() if machine is None else machine.states), *strangers),
            {name: tuple(found) for name, found in visits.items()},
            taken,
            any(visit.source is Source.LEDGER for visit in history.states),
            has_gaps,
        )


def _strangers(visits: Sequence[StateVisit], taken: Iterable[tuple[str, str]]) -> Iterator[State]:
    """States that no definition has, those of Map items inside the Map that began before them."""
    depth: dict[str, int] = {}
    kinds: dict[str, str] = {}
    for visit in visits:
        depth.setdefault(visit.name, len(visit.map_path))
        kinds.setdefault(visit.name, visit.state_type)
    edges: dict[str, list[Edge]] = defaultdict(list)
    for source, target in taken:
        edges[source].append(Edge(Via.NEXT, target))
    inside = tuple(State(name, kinds[name], tuple(edges[name])) for name, deep in depth.items() if deep)
    outer = [State(name, kinds[name], tuple(edges[name])) for name, deep in depth.items() if not deep]
    container = next((state for state in reversed(outer) if state.kind == "Map"), None)
    yield from (replace(state, inner=inside) if state is container else state for state in outer)
    if container is None:
        yield from inside


@dataclass(frozen=True, slots=True)
class _Made:
    ran: _Ran
    history: FoldedHistory
    detail: ExecutionDetail
    now: datetime
    unfolded: bool
    chosen: str

    @property
    def goes_on(self) -> bool:
        return self.history.status in (ExecutionStatus.RUNNING, ExecutionStatus.PENDING_REDRIVE)

    def level(self, title: str, states: Sequence[State], depth: int = 0) -> Level:
        names = [state.name for state in states]
        ways: dict[tuple[str, str], Via] = {}
        for state in states:
            for edge in state.edges:
                if edge.target in names:
                    ways.setdefault((state.name, edge.target), edge.via)
        drawn = self._drawn(names, ways, depth)
        inner = (self.level(state.name, state.inner, depth + 1) for state in states if state.inner)
        kept = tuple(level for level in inner if level.nodes)
        folded = [name for name in names if name not in drawn]
        folded += [each.name for state in states for _, each in state.walk() if _is_hidden(each, state, kept)]
        return Level(
            title,
            tuple(self._node(state, depth) for state in states if state.name in drawn),
            tuple(
                self._way(source, target, again=names.index(target) <= names.index(source))
                for (source, target), via in ways.items()
                if self._shows((source, target), via, drawn, depth)
            ),
            tuple(folded),
            kept,
            bool(depth) and self.ran.by_ledger,
        )

    def _drawn(self, names: Sequence[str], ways: Mapping[tuple[str, str], Via], depth: int) -> set[str]:
        if self.unfolded:
            return set(names)
        ran = {name for name in names if name in self.ran.visits}
        lacks = bool(depth and ran and self.ran.has_gaps)
        if not lacks and (depth or not self.goes_on):
            return ran
        # What is still to come of it, or what it must have come through.
        place = {name: index for index, name in enumerate(names)}
        forward = [way for way, via in ways.items() if via is not Via.CATCH and place[way[0]] < place[way[1]]]
        return ran | set(_longest(names, forward))

    def _shows(self, way: tuple[str, str], via: Via, drawn: set[str], depth: int) -> bool:
        source, target = way
        if source not in drawn or target not in drawn or source == target:
            return False
        if self.unfolded or way in self.ran.taken:
            return True
        # A way to where it has not come yet. Of those that were possible where it was, one was taken.
        was_left = any(visit.exited_at for visit in self.ran.visits.get(source, ()))
        return via is not Via.CATCH and (not was_left or (self.ran.has_gaps and depth > 0))

    def _way(self, source: str, target: str, *, again: bool) -> Way:
        taken = self.ran.taken.get((source, target), Counter())
        items = sum(1 for path in taken if path)
        lit = any(self._is_chosen(path) for path in taken)
        return Way(source, target, taken.total(), items, again, faded=bool(self.chosen) and not lit)

    def _is_chosen(self, path: tuple[int, ...]) -> bool:
        return not path or f"item {path[0]}" == self.chosen

    def _node(self, state: State, depth: int) -> Node:
        visits = self.ran.visits.get(state.name, ())
        lit = any(self._is_chosen(visit.map_path) for visit in visits)
        took = longest(visits, self.now)
        return Node(
            f"state {state.name}",
            outside(state.name, cap=_NAME_CAP).text,
            self._reached(visits, depth),
            self._note(state, visits, depth),
            vocabulary.short_duration(took) if took >= 1 else "",
            len({visit.map_path for visit in visits if visit.map_path}),
            visits,
            faded=bool(self.chosen) and not lit,
        )

    def _reached(self, visits: Sequence[StateVisit], depth: int) -> Reached:
        statuses = {visit.status for visit in visits}
        if not visits:
            return Reached.NOT_RECORDED if depth and self.ran.by_ledger else Reached.NOT_REACHED
        if StateStatus.RUNNING in statuses:
            return Reached.HERE
        return Reached.RAN if statuses.isdisjoint(_BROKEN) else Reached.FAILED

    def _note(self, state: State, visits: Sequence[StateVisit], depth: int) -> Span:
        """What a state did: the sign of what needs a look first, and how many did what."""
        if not visits:
            lacks = depth and self.ran.by_ledger
            words = "not yet" if self.goes_on and not depth else "not reached"
            return Span("? not recorded" if lacks else f"{NOT_DONE} {words}", Tone.MUTED)
        counts = Counter(visit.status for visit in visits)
        first = next(status for status in _SIGNS if counts[status])
        sign, tone = _SIGNS[first]
        if state.waits_for_token and first is StateStatus.RUNNING:
            sign, word = WAITS, f"{counts[first]} waits" if counts[first] == 1 else f"{counts[first]} wait"
        elif state.waits_for_token and first is StateStatus.CAUGHT:
            # A denial comes as an error; the arrows say where it led.
            sign, tone, word = WELL, Tone.GOOD, ""
        else:
            word = self._word(state, first, counts, visits)
        by = "by ledger" if any(visit.source is Source.LEDGER for visit in visits) else ""
        return Span(", ".join(part for part in (f"{sign} {word}".rstrip(), by) if part), tone)

    def _word(
        self, state: State, first: StateStatus, counts: Mapping[StateStatus, int], visits: Sequence[StateVisit]
    ) -> str:
        number = counts[first]
        words = {StateStatus.RUNNING: "running", StateStatus.CAUGHT: "caught"}.get(first, "")
        if first in _BROKEN or first is StateStatus.CAUGHT:
            error = next((visit.error for visit in reversed(visits) if visit.status is first and visit.error), "")
            words = outside(error or vocabulary.state_status(first).text[2:], cap=60).text
        elif first is StateStatus.SUCCEEDED and (said := _SAID.get(state.name)) and self.detail.summary.run:
            return said(self.detail.summary.run)
        if self._waits(state):
            open_ = sum(not proposal.status.is_final for proposal in self.detail.proposals)
            return f"{open_} of {len(self.detail.proposals)} open"
        items = len({visit.map_path for visit in visits})
        many = f"{number} of {len(visits)}" if len(visits) > number else str(number) if number > 1 else ""
        many = f"{number} times" if number > items and number == len(visits) else many
        tries = max(visit.attempts for visit in visits)
        again = f"{tries} tries" if tries > 1 else ""
        return ", ".join(part for part in (f"{many} {words}".strip(), again) if part)

    def _waits(self, state: State) -> bool:
        return state.kind == "Map" and self.goes_on and bool(self.detail.proposals)

    def items(self) -> Iterator[MapItem]:
        """The items that the ledger knows, and the ones that the history does."""
        maps = {name for name in self.ran.visits if any(visit.map_path for visit in self.ran.visits[name])}
        by_index: dict[int, list[StateVisit]] = defaultdict(list)
        for visit in self.history.states:
            if visit.map_path and visit.name in maps:
                by_index[visit.map_path[0]].append(visit)
        proposals = {proposal.index: proposal for proposal in self.detail.proposals}
        for index in sorted(proposals.keys() | by_index):
            yield _item(index, proposals.get(index), tuple(by_index.get(index, ())))


def _is_hidden(each: State, state: State, kept: Sequence[Level]) -> bool:
    """Whether `each`, somewhere inside `state`, is neither drawn nor counted in an inner level's fold."""
    return each is not state and all(level.title != state.name for level in kept)


_SIGNS = {
    StateStatus.RUNNING: (UNDER_WAY, Tone.INFO),
    StateStatus.FAILED: (BROKEN, Tone.DANGER),
    StateStatus.TIMED_OUT: (BROKEN, Tone.DANGER),
    StateStatus.ABORTED: (BROKEN, Tone.WARNING),
    StateStatus.CAUGHT: (BROKEN, Tone.WARNING),
    StateStatus.SUCCEEDED: (WELL, Tone.GOOD),
}
"""Signs of statuses; what needs a look first comes first."""
_SAID: Mapping[str, Callable[[RunSummary], str]] = {
    "MonitorTasks": lambda run: vocabulary.count(run.tasks, "task"),
    "CheckAnomalies": lambda run: vocabulary.count(run.proposals, "proposal"),
}
"""What some states of ours came to, in place of a bare sign."""


def longest(visits: Iterable[StateVisit], now: datetime) -> float:
    """Seconds that the longest of the visits took, or has taken until `now`."""
    seconds = (((visit.exited_at or now) - visit.entered_at).total_seconds() for visit in visits if visit.entered_at)
    return max(seconds, default=0.0)


def _item(index: int, proposal: RunProposal | None, visits: tuple[StateVisit, ...]) -> MapItem:
    latest = visits[-1] if visits else None
    if proposal is None:
        came_to = vocabulary.state_status(latest.status) if latest else Span("")
        return MapItem(f"item {index}", index, f"item {index}", latest.name if latest else "", came_to, visits)
    stands = vocabulary.standing(proposal.status, proposal.waits)
    sign = WAITS if stands.text == "WAITING" else UNDER_WAY if not proposal.status.is_final else _ENDED[stands.tone]
    detail = progress(proposal) if proposal.outcome is None else proposal.outcome.detail
    words = f"{sign} {stands.text.lower()}" + (f": {outside(detail, cap=120).text}" if detail else "")
    return MapItem(
        f"item {index}",
        index,
        outside(_task_first(proposal.label), cap=120, before=_unusual(proposal.action)).text,
        latest.name if latest else "",
        Span(words, stands.tone),
        visits,
    )


_ENDED = {
    Tone.DANGER: BROKEN,
    Tone.WARNING: BROKEN,
    Tone.GOOD: WELL,
    Tone.NEUTRAL: NOT_DONE,
    Tone.INFO: WELL,
    Tone.MUTED: NOT_DONE,
}


def _unusual(action: str) -> str:
    """Names an action that is not the usual one, which can be taken back."""
    return "" if action == Action.RESUME else f"{outside(action, cap=20).text}: "


def _task_first(label: str) -> str:
    """`server/task` as `task (server)`: what is cut off at the end should not be the task. A group stays as it is."""
    server, slash, task = label.partition("/")
    return f"{task} ({server})" if slash and " " not in server else label
