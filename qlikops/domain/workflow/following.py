"""One execution with its events and the definition that it runs by, read once or again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from qlikops.dataclass import dataclass
from qlikops.domain.errors import AccessDenied, NotFound
from qlikops.domain.ports import Executions
from qlikops.domain.workflow.events import HistoryEvent
from qlikops.domain.workflow.execution import ExecutionDetail, ExecutionStatus, ExecutionSummary
from qlikops.domain.workflow.history import Trace, trace
from qlikops.domain.workflow.machine import Machine, parse_machine
from qlikops.domain.workflow.standing import filled_in, history_note

PAGES = 5
"""Pages of a hundred executions in which the last good one is looked for."""
_GOES_ON = (ExecutionStatus.RUNNING, ExecutionStatus.PENDING_REDRIVE)


@dataclass(frozen=True, slots=True)
class FollowedExecution:
    """One execution, as far as its history has been read."""

    detail: ExecutionDetail
    """The execution; its history is filled in from the ledger if it lacks the Map's items."""
    events: tuple[HistoryEvent, ...]
    trace: Trace
    machine: Machine | None
    problem: str = ""
    """Why the machine is not known."""
    definition: str = ""
    """The definition's text; empty if it could not be read."""

    @property
    def is_over(self) -> bool:
        """Whether nothing of it changes any more by itself."""
        proposals_closed = all(proposal.status.is_final for proposal in self.detail.proposals)
        return self.detail.summary.status not in _GOES_ON and proposals_closed


class ExecutionFollower:
    """Reads an execution again and again; of its history only what is new. Called in one lane, one call at a time."""

    def __init__(self, arn: str) -> None:
        self._arn = arn
        self._events: tuple[HistoryEvent, ...] = ()
        self._trace = trace(())
        self._is_complete = False
        """The history was read after the execution had ended."""
        self._is_gone = False
        self._machine: Machine | None = None
        self._definition = self._problem = ""
        self._asked = False

    def read(self, role: Executions) -> FollowedExecution:
        """The execution as it is now. Raises what the ports raise."""
        if not self._asked:
            self._read_definition(role.definition)
        detail = role.detail(self._arn, with_history=False)
        goes_on = detail.summary.status in _GOES_ON
        if goes_on or not self._is_complete:
            self._read_events(role.events)
            self._is_complete = not goes_on
        history = None if self._is_gone else self._trace.history
        detail = replace(
            detail,
            history=None if history is None else filled_in(history, detail.proposals),
            history_note=history_note(history, detail.proposals),
        )
        return FollowedExecution(detail, self._events, self._trace, self._machine, self._problem, self._definition)

    def _read_events(self, events: Callable[[str, int], Sequence[HistoryEvent]]) -> None:
        known = self._events[-1].id if self._events else 0
        try:
            new = events(self._arn, known)
        except NotFound:
            self._is_gone = True
            return
        if new:
            self._events += tuple(new)
            self._trace = trace(self._events)

    def _read_definition(self, definition: Callable[[str], str]) -> None:
        """It never changes; without it the states that ran are still shown."""
        try:
            self._definition = definition(self._arn)
            self._machine = parse_machine(self._definition)
            self._problem = "" if self._machine else "it is not in a shape that is known here"
        except (AccessDenied, NotFound) as error:
            self._problem = error.message
        self._asked = True


def last_good(role: Executions, summary: ExecutionSummary) -> ExecutionSummary | None:
    """The newest execution that succeeded and began before this one; None if the newest pages have none."""
    for page in islice(pages_of(role, ExecutionStatus.SUCCEEDED), PAGES):
        earlier = [each for each in page if each.started_at < summary.started_at and each.arn != summary.arn]
        if earlier:
            return max(earlier, key=lambda each: each.started_at)
    return None


def pages_of(executions: Executions, status: ExecutionStatus | None = None) -> Iterator[tuple[ExecutionSummary, ...]]:
    """All runs, or all with one status, in Step Functions' order, a page at a time; the next is read when it is asked
    for.
    """
    token: str | None = None
    while True:
        page = executions.page(status, token)
        yield page.executions
        token = page.next_token
        if token is None:
            return
