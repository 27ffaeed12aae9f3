"""Everything that has a name, read for the finder: what waits is there already, the rest is asked for as it opens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from textual.message_pump import MessagePump

from qlikops.dataclass import dataclass
from qlikops.domain.errors import NotFound
from qlikops.domain.fleet.endpoint import EndpointKey
from qlikops.domain.ports import ContextServices
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskSnapshot
from qlikops.domain.words.text import harmless
from qlikops.domain.workflow.execution import ExecutionSummary
from qlikops.presentation import vocabulary
from qlikops.presentation.finder import Entry, FinderQuery, Sort
from qlikops.presentation.lists import executions, inbox
from qlikops.tui.model.context import LiveContext, WaitingRow
from qlikops.tui.model.links import (
    EndpointLink,
    FailureLink,
    Link,
    RecordLink,
    RunLink,
    TaskLink,
    TasksLink,
    of_row,
)
from qlikops.tui.model.messages import FindableLoaded, LoadFailed
from qlikops.tui.model.state import ConsoleState

if TYPE_CHECKING:
    from qlikops.domain.fleet.diagnosis import Diagnosis
    from qlikops.tui.usable import Usable

YOUNG = timedelta(seconds=15)
"""What was read so lately is not read again."""
_CAP = 120


@dataclass(frozen=True, slots=True)
class Deed:
    """An action of the screen below, or one of the console."""

    action: str
    node: Any


class Findable:
    """What was read last, by context. Only handlers on the UI thread change it."""

    def __init__(self, state: ConsoleState, known_failures: Callable[[ContextServices], Sequence[Diagnosis]]) -> None:
        self._state = state
        self._known_failures = known_failures
        self._read: dict[str, tuple[datetime, tuple[Entry, ...]]] = {}

    def load(self, to: MessagePump) -> None:
        """Asks each context for what may have changed; `to` hears of each answer."""
        now = self._state.now()
        for context in self._state.contexts:
            at, _ = self._read.get(context.name, (None, ()))
            if (at is None or now - at > YOUNG) and not context.backend.busy("find"):
                self._ask(context, to)

    def _ask(self, context: LiveContext, to: MessagePump) -> None:
        name, with_failures = context.name, context is self._state.contexts[0]
        known_failures = self._known_failures

        def work(environment: ContextServices) -> FindableLoaded:
            # Made here: thousands of them would hold up a key on the UI thread.
            failures = known_failures(environment) if with_failures else ()
            return FindableLoaded(name, tuple(_entries(name, environment, failures)))

        context.backend.call("find", work, lambda error: LoadFailed(error, context=name), to)

    def took(self, context: str, entries: Sequence[Entry]) -> None:
        """A context has been read."""
        self._read[context] = (self._state.now(), tuple(entries))

    def entries(self, deeds: Sequence[Usable]) -> list[Entry]:
        """All that is known now, with what the screen below can do."""
        state = self._state
        found = [_of_waiting(state, each) for each in state.waiting]
        for _, entries in self._read.values():
            found += entries
        found += [
            Entry(Sort.DO, each.description, harmless(each.more), Deed(each.action, each.node), each.keys.split(" ")[0])
            for each in deeds
        ]
        found += [
            Entry(Sort.FILTER, name, harmless(f"{each.where}: {each.filter}", _CAP), each, each.key)
            for name, each in state.saved_filters.items()
        ]
        if state.several:
            found += [_of_context(each) for each in state.contexts]
        return found


def of_id(question: FinderQuery, context: str) -> Iterator[Entry]:
    """The proposal whose id begins with what is typed, whether it waits or is over."""
    if question.id and question.sort in (None, Sort.PROPOSAL):
        detail = "the proposal whose id begins so, also if it is over"
        yield Entry(Sort.PROPOSAL, question.id, detail, RecordLink(context, question.id), context=context)


def of_link(link: Link) -> Entry:
    """What was looked at earlier, as far as its link says."""
    match link:
        case RecordLink():
            return Entry(Sort.PROPOSAL, link.label or link.approval_id, link.approval_id, link, context=link.context)
        case TaskLink():
            return Entry(Sort.TASK, harmless(link.key.task, _CAP), harmless(link.key.server, _CAP), link)
        case TasksLink():
            return Entry(Sort.TASK, harmless(link.label, _CAP), "all of them", link, context=link.context)
        case EndpointLink():
            return Entry(Sort.ENDPOINT, harmless(link.endpoint.name, _CAP), harmless(link.endpoint.server, _CAP), link)
        case RunLink():
            return Entry(Sort.RUN, harmless(link.name, _CAP), "", link, context=link.context)
        case FailureLink():
            return _of_failure(link.context, link.diagnosis)


def _of_waiting(state: ConsoleState, waiting: WaitingRow) -> Entry:
    row, now = waiting.row, state.now()
    left = vocabulary.short_duration((row.deadline - now).total_seconds())
    record = of_row(waiting.context.name, row).record
    server, _, task = row.label.partition("/") if row.task_count == 1 else ("", "", row.label)
    detail = f"{inbox.happened(row)}, {left} to answer"
    more = f"{row.approval_id} {row.cause} {row.kind} {server}"
    name = harmless(task or row.label, _CAP)
    return Entry(Sort.WAITS, name, harmless(detail, _CAP), record, more=more, context=waiting.context.name)


def _of_context(context: LiveContext) -> Entry:
    waits = f"{len(context.rows):,} wait there" if context.rows else "nothing waits there"
    return Entry(Sort.CONTEXT, context.name, waits, context, context=context.name)


def _entries(context: str, environment: ContextServices, failures: Sequence[Diagnosis]) -> Iterator[Entry]:
    with suppress(NotFound):  # no run yet
        yield from _of_fleet(context, environment.fleet.snapshot())
    for run in environment.executions.page().executions:
        yield _of_run(context, run)
    for diagnosis in failures:
        yield _of_failure(context, diagnosis)


def _of_fleet(context: str, snapshot: FleetSnapshot) -> Iterator[Entry]:
    on: dict[EndpointKey, list[bool]] = {}
    for task in snapshot.tasks:
        yield _of_task(context, task)
        facts = task.facts
        for name in filter(None, {facts.source_endpoint, facts.target_endpoint}):
            on.setdefault(EndpointKey(facts.key.instance, facts.key.server, name), []).append(facts.is_up)
    for endpoint, up in on.items():
        down = len(up) - sum(up)
        state = f", {down:,} not running" if down else ""
        detail = f"{vocabulary.count(len(up), 'task')}{state}, {harmless(endpoint.server, 60)}"
        link = EndpointLink(context, endpoint)
        yield Entry(Sort.ENDPOINT, harmless(endpoint.name, _CAP), detail, link, context=context, weight=-down)


def _of_task(context: str, task: TaskSnapshot) -> Entry:
    facts = task.facts
    state = vocabulary.task_state(facts.state, facts.raw_state).text.lower()
    detail = f"{'✓' if facts.is_up else '✗'} {state}, {harmless(facts.key.server, 60)}"
    more = f"{task.proposal_id} {' '.join(facts.tags)}"
    link = TaskLink(context, facts.key)
    return Entry(Sort.TASK, harmless(facts.key.task, _CAP), detail, link, "", more, context, int(facts.is_up))


def _of_run(context: str, run: ExecutionSummary) -> Entry:
    said = vocabulary.execution_status(run.status).text
    if run.run is not None and run.run.proposals:
        said += f", {vocabulary.count(run.run.proposals, 'proposal')}"
    elif executions.found_nothing(run):
        said += ", found nothing"
    detail = f"{run.started_at:%d %b %H:%M}  {said}"
    return Entry(Sort.RUN, harmless(run.name, _CAP), detail, RunLink(context, run.name), context=context)


def _of_failure(context: str, diagnosis: Diagnosis) -> Entry:
    link = FailureLink(context, diagnosis)
    return Entry(Sort.FAILURE, diagnosis.failure, harmless(diagnosis.says, _CAP), link, more=diagnosis.engine)
