"""One state or proposal of a graph in short: what stands beside the graph on a wide terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from qlikops.domain.words.text import harmless
from qlikops.domain.workflow.execution import Source, StateVisit
from qlikops.domain.workflow.machine import Machine, State, Via
from qlikops.presentation import vocabulary
from qlikops.presentation.pictures.graph import Graph, MapItem, Node, longest, walk

_VIA = {Via.CHOICE: "if", Via.DEFAULT: "else", Via.CATCH: "on", Via.NEXT: ""}
_LABEL = 10


def text(found: Graph, key: str, machine: Machine | None, now: datetime, log_key: str) -> str:
    """What `key` of the graph did, in short; empty if nothing has that key. `log_key` is the key of its log lines."""
    nodes = {node.key: node for level in walk(found.level) for node in level.nodes}
    if key in nodes:
        states = {} if machine is None else {f"state {state.name}": state for _, state in machine.walk()}
        return "\n".join(_state(nodes[key], states.get(key), now, log_key))
    return next(("\n".join(_item(item, now, log_key)) for item in found.items if item.key == key), "")


def _state(node: Node, state: State | None, now: datetime, log_key: str) -> Iterator[str]:
    yield f"{node.name}: {node.note.text}"
    yield ""
    if state is not None:
        yield _fact("type", f"{state.kind}{', waits for its token' if state.waits_for_token else ''}")
    yield from _visits(node.visits, now)
    if state is not None:
        if state.function:
            yield _fact("function", f"{state.function} ({log_key}: its log)")
        for number, edge in enumerate(state.edges):
            why = f"{_VIA.get(edge.via, '')} {edge.when}".strip()
            yield _fact("leads to" if number == 0 else "", f"{edge.target}{f', {why}' if why else ''}")


def _item(item: MapItem, now: datetime, log_key: str) -> Iterator[str]:
    yield f"{item.index}  {item.what}"
    yield item.came_to.text
    yield ""
    for number, visit in enumerate(item.visits):
        at = f"{visit.entered_at:%H:%M:%S}  " if visit.entered_at else ""
        seconds = longest((visit,), now)
        took = f", {vocabulary.short_duration(seconds)}" if seconds >= 1 else ""
        yield _fact("was in" if number == 0 else "", f"{at}{visit.name}{took}{_by(visit)}")
    yield _fact("log", f"{log_key}: of all its functions")


def _visits(visits: Sequence[StateVisit], now: datetime) -> Iterator[str]:
    if not visits:
        return
    statuses = Counter(visit.status for visit in visits)
    if len(visits) > 1:
        words = (f"{number:,} {vocabulary.state_status(status).text}" for status, number in statuses.items())
        yield _fact("visits", f"{len(visits):,}: {', '.join(words)}")
    entered = sorted(visit.entered_at for visit in visits if visit.entered_at)
    if entered:
        last = f" to {entered[-1]:%H:%M:%S}" if entered[-1] != entered[0] else ""
        yield _fact("entered", f"{vocabulary.clock_time(entered[0])}{last}")
        at_most = " at most" if len(visits) > 1 else ""
        so_far = " so far" if any(visit.exited_at is None for visit in visits) else ""
        yield _fact("took", f"{vocabulary.short_duration(longest(visits, now))}{at_most}{so_far}")
    elif by := _by(visits[0]):
        yield _fact("told", by.strip(", "))
    if (tries := max(visit.attempts for visit in visits)) > 1:
        yield _fact("tries", f"{tries:,}{' at most' if len(visits) > 1 else ''}")
    errors = Counter(visit.error for visit in visits if visit.error)
    for number, (error, times) in enumerate(errors.most_common(3)):
        yield _fact("error" if number == 0 else "", f"{error}{f', {times:,} x' if times > 1 else ''}")


def _by(visit: StateVisit) -> str:
    return ", by the ledger" if visit.source is Source.LEDGER else ""


def _fact(label: str, value: str) -> str:
    return f"{label:<{_LABEL}}{harmless(value, 300)}"
