"""The state graph as rows: states in reading order, what is inside a Map beneath it, each with what it did.

A choice has a row for each way out, a Map one for each item. Shape and word say what the colour says.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from datetime import datetime

from qlikops.dataclass import dataclass
from qlikops.domain.workflow.execution import FoldedHistory, RunProposal, Source, StateStatus, StateVisit
from qlikops.domain.workflow.machine import Machine, State, Via
from qlikops.presentation import vocabulary
from qlikops.presentation.running import progress
from qlikops.presentation.table import Cells, Column, fit
from qlikops.presentation.tone import Span, Tone, outside

COLUMNS = (
    Column("state", "State", 22, flexible=True),
    Column("status", "What it did", 23),
    Column("took", "Took", 7, right=True),
    Column("then", "Then", 32, goes=10),
)
_WIDEST = 130
"""Beyond that the eye loses the line between a state and what it did."""
_ITEMS_SHOWN = 200
"""Of one Map; its own cap is 40."""
_WAITING = Span("▷ waiting", Tone.INFO)
_NOT_REACHED = Span("· not reached", Tone.MUTED)
_NOT_TAKEN = Span("· not taken", Tone.MUTED)
_NOT_RECORDED = Span("? not recorded", Tone.MUTED)
_INSIDE = "│ "


@dataclass(frozen=True, slots=True)
class GraphRow:
    """One line of the graph."""

    key: str
    cells: Cells
    runs: tuple[StateVisit, ...] = ()
    """What Enter shows the input and output of."""


def columns(width: int) -> tuple[Column, ...]:
    """What fits in `width` cells."""
    return fit(COLUMNS, min(width, _WIDEST))


def rows(
    machine: Machine | None, history: FoldedHistory, proposals: Sequence[RunProposal], now: datetime
) -> tuple[GraphRow, ...]:
    """Every state of the definition, then those that ran and are not in it; without a definition, what ran."""
    ran = _Ran.of(history)
    graph = _Graph(ran, proposals, now)
    known = set() if machine is None else {state.name for _, state in machine.walk()}
    drawn = [row for state in (() if machine is None else machine.states) for row in graph.state(state, 0)]
    strangers = [
        graph.line(State(name, runs[0].state_type), len(runs[0].map_path))
        for name, runs in ran.by_state.items()
        if name and name not in known
    ]
    return (*drawn, *strangers)


def definition_note(machine: Machine | None, problem: str) -> str:
    """What to know about where the graph comes from; empty where it is the definition that ran."""
    if machine is not None:
        return ""
    because = f": {problem}" if problem else ""
    return f"The definition of this execution could not be read{because}. These are the states that ran."


@dataclass(frozen=True, slots=True)
class _Ran:
    """What ran, by state, by Map item, and by the way that was taken."""

    by_state: Mapping[str, tuple[StateVisit, ...]]
    by_item: Mapping[int, tuple[StateVisit, ...]]
    taken: Mapping[tuple[str, str], int] = field(default_factory=dict)
    lacks_items: bool = False
    """The history has no states inside the Map: what has no run there may have run all the same."""

    @classmethod
    def of(cls, history: FoldedHistory) -> _Ran:
        by_state: dict[str, list[StateVisit]] = defaultdict(list)
        by_item: dict[int, list[StateVisit]] = defaultdict(list)
        taken: Counter[tuple[str, str]] = Counter()
        before: dict[tuple[int, ...], str] = {}
        for run in history.states:
            by_state[run.name].append(run)
            if run.map_path:
                by_item[run.map_path[0]].append(run)
            # Within one item states follow one another; between items they interleave.
            if run.source is Source.HISTORY:
                taken[before.get(run.map_path, ""), run.name] += 1
                before[run.map_path] = run.name
        return cls(
            {name: tuple(runs) for name, runs in by_state.items()},
            {index: tuple(runs) for index, runs in by_item.items()},
            taken,
            any(run.source is Source.LEDGER for run in history.states),
        )

    def without_runs(self, depth: int, otherwise: Span) -> Span:
        """What to say of a state or way that has no run."""
        return _NOT_RECORDED if self.lacks_items and depth else otherwise


@dataclass(frozen=True, slots=True)
class _Graph:
    ran: _Ran
    proposals: Sequence[RunProposal]
    now: datetime

    def state(self, state: State, depth: int) -> Iterator[GraphRow]:
        yield self.line(state, depth)
        if state.kind == "Choice":
            yield from self._ways(state, depth)
        if state.kind == "Map" and depth == 0:
            yield from self._items(state)
        for inner in state.inner:
            yield from self.state(inner, depth + 1)

    def line(self, state: State, depth: int) -> GraphRow:
        runs = self.ran.by_state.get(state.name, ())
        return GraphRow(
            f"state {state.name}",
            {
                "state": outside(state.name, Tone.NEUTRAL if runs else Tone.MUTED, 80, before=_INSIDE * depth),
                "status": what_it_did(runs, waits_for_token=state.waits_for_token)
                if runs
                else self.ran.without_runs(depth, _NOT_REACHED),
                "took": _took(runs, self.now),
                "then": outside(_then(state), Tone.MUTED, 80) if state.edges else Span(""),
            },
            runs,
        )

    def _ways(self, state: State, depth: int) -> Iterator[GraphRow]:
        ways = [edge for edge in state.edges if edge.via in (Via.CHOICE, Via.DEFAULT)]
        for number, edge in enumerate(ways):
            times = self.ran.taken.get((state.name, edge.target), 0)
            corner = "└" if number == len(ways) - 1 else "├"
            when = "else" if edge.via is Via.DEFAULT else f"if {edge.when}"
            took = Span(f"✓ taken {times} x" if times > 1 else "✓ taken", Tone.GOOD)
            yield GraphRow(
                f"way {state.name} {number}",
                {
                    "state": outside(
                        f"{corner}→ {edge.target}, {when}",
                        Tone.NEUTRAL if times else Tone.MUTED,
                        120,
                        before=_INSIDE * depth + "  ",
                    ),
                    "status": took if times else self.ran.without_runs(depth, _NOT_TAKEN),
                    "took": Span(""),
                    "then": Span(""),
                },
                self.ran.by_state.get(state.name, ()),
            )

    def _items(self, state: State) -> Iterator[GraphRow]:
        inner = {name for _, each in state.walk() for name in (each.name,)}
        proposals = {proposal.index: proposal for proposal in self.proposals}
        ran = {index: tuple(run for run in runs if run.name in inner) for index, runs in self.ran.by_item.items()}
        indexes = sorted(proposals.keys() | {index for index, runs in ran.items() if runs})
        for index in indexes[:_ITEMS_SHOWN]:
            yield self._item(index, proposals.get(index), ran.get(index, ()))
        if len(indexes) > _ITEMS_SHOWN:
            text = f"{_INSIDE}… and {len(indexes) - _ITEMS_SHOWN:,} items more"
            cells = {"state": Span(text, Tone.MUTED), "status": Span(""), "took": Span(""), "then": Span("")}
            yield GraphRow("more items", cells)

    def _item(self, index: int, proposal: RunProposal | None, runs: tuple[StateVisit, ...]) -> GraphRow:
        latest = runs[-1] if runs else None
        what = "" if proposal is None else f" {_task_first(proposal.label)}: {proposal.action}"
        how_far = progress(proposal) if proposal else ""
        stands = vocabulary.NOTHING if latest is None else vocabulary.state_status(latest.status)
        return GraphRow(
            f"item {index}",
            {
                "state": outside(f"#{index}{what}", cap=120, before=_INSIDE),
                "status": stands if proposal is None else vocabulary.standing(proposal.status, proposal.waits),
                "took": _item_took(runs, self.now),
                "then": Span("") if latest is None else outside(how_far or f"in {latest.name}", Tone.MUTED, 60),
            },
            runs,
        )


def _task_first(label: str) -> str:
    """`server/task` as `task (server)`: what is cut off at the end should not be the task. A group stays as it is."""
    server, slash, task = label.partition("/")
    return f"{task} ({server})" if slash and " " not in server else label


def what_it_did(runs: Sequence[StateVisit], *, waits_for_token: bool = False) -> Span:
    """`✓ succeeded`, `▷ 2 waiting ✓ 3`, `· not reached`: what needs a look first, in its tone."""
    counts = Counter(run.status for run in runs)
    ordered = [(status, counts[status]) for status in _URGENCY if counts[status]]
    first, *rest = ((_word(status, waits_for_token), number) for status, number in ordered)
    shape, _, word = first[0].text.partition(" ")
    lead = f"{shape} {first[1]} {word}" if len(runs) > 1 else first[0].text
    others = "".join(f" {span.text[0]} {number}" for span, number in rest)
    by = " by ledger" if any(run.source is Source.LEDGER for run in runs) else ""
    return Span(lead + others + by, first[0].tone)


_URGENCY = (
    StateStatus.RUNNING,
    StateStatus.FAILED,
    StateStatus.TIMED_OUT,
    StateStatus.ABORTED,
    StateStatus.CAUGHT,
    StateStatus.SUCCEEDED,
)


def _word(status: StateStatus, waits_for_token: bool) -> Span:
    return _WAITING if waits_for_token and status is StateStatus.RUNNING else vocabulary.state_status(status)


def _took(runs: Iterable[StateVisit], now: datetime) -> Span:
    """Of several the longest."""
    seconds = [((run.exited_at or now) - run.entered_at).total_seconds() for run in runs if run.entered_at]
    return Span(vocabulary.short_duration(max(seconds)) if seconds else "", Tone.MUTED)


def _item_took(runs: Sequence[StateVisit], now: datetime) -> Span:
    entered = [run.entered_at for run in runs if run.entered_at]
    if not entered:
        return Span("")
    ended = [run.exited_at for run in runs]
    last = max((at for at in ended if at), default=now) if all(ended) else now
    return Span(vocabulary.short_duration((last - min(entered)).total_seconds()), Tone.MUTED)


def _then(state: State) -> str:
    ways = [edge.target for edge in state.edges if edge.via is Via.NEXT]
    caught = list(dict.fromkeys(edge.target for edge in state.edges if edge.via is Via.CATCH))
    parts = [f"→ {ways[0]}"] if ways else []
    if caught:
        parts.append(f"↷ {', '.join(caught)}")
    return "  ".join(parts)
