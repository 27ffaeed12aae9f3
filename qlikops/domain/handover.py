"""A shift in one value: what was decided, what waits, what is kept quiet, what runs. Gathered through the ports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from qlikops.domain.approval import InboxRow, Status
from qlikops.domain.errors import NotFound
from qlikops.domain.execution import ExecutionStatus, ExecutionSummary, RunProposal
from qlikops.domain.fleet import Quiet
from qlikops.domain.ports import Environment, Executions
from qlikops.domain.task import TaskKey

LOOK_BACK = timedelta(hours=24)
"""How long before the shift a run may have begun that ended, or whose proposals were decided, within it."""
PAGES = 30
"""Of a hundred runs each; more are not looked at, and that is said."""

_WORRYING = frozenset({Status.FAILED, Status.UNVERIFIED, Status.PARTIAL, Status.EXPIRED, Status.ABANDONED})


@dataclass(frozen=True, slots=True)
class Handled:
    """A proposal that something became of."""

    execution_name: str
    proposal: RunProposal

    @property
    def is_worrying(self) -> bool:
        """Whether the next shift should look at it: not denied, and not done."""
        return self.proposal.status in _WORRYING


@dataclass(frozen=True, slots=True)
class QuietTask:
    """A task on which nothing is proposed for a while."""

    key: TaskKey
    quiet: Quiet


@dataclass(frozen=True, slots=True)
class Handover:
    """The shift from `since` until `until`."""

    since: datetime
    until: datetime
    handled: tuple[Handled, ...]
    """What was closed or approved within the shift, newest first."""
    waiting: tuple[InboxRow, ...]
    """What expires first first."""
    quiet: tuple[QuietTask, ...]
    """As the last run knew it, what ends last first."""
    running: tuple[ExecutionSummary, ...]
    broken: tuple[ExecutionSummary, ...]
    """Runs that failed, timed out or were aborted within the shift."""
    runs: int
    """How many ended within the shift."""
    seen_at: datetime | None = None
    """When a run looked at the fleet last; None where none has."""
    is_complete: bool = True
    """False where there were more runs than are looked at."""


def gather(environment: Environment, since: datetime, now: datetime) -> Handover:
    """Reads the shift: one Query for what waits, one object for the fleet, a hundred runs a page, and one Query for
    each run that proposed something. Blocks like the ports do, and raises what they raise.
    """
    runs, is_complete = _runs(environment.executions, since)
    handled = [
        Handled(run.name, proposal)
        for run in runs
        # A run without a summary has not finished looking, or never did.
        if run.run is None or run.run.proposals
        for proposal in environment.executions.proposals(run.name)
        if proposal.updated_at >= since and (proposal.status.is_final or proposal.status is Status.RESTARTING)
    ]
    quiet, seen_at = _quiet(environment, now)
    ended = [run for run in runs if run.stopped_at is not None]
    fine = (ExecutionStatus.SUCCEEDED, ExecutionStatus.PENDING_REDRIVE)
    return Handover(
        since=since,
        until=now,
        handled=tuple(sorted(handled, key=lambda each: each.proposal.updated_at, reverse=True)),
        waiting=tuple(sorted(environment.approvals.waiting(), key=lambda row: (row.deadline, row.approval_id))),
        quiet=quiet,
        running=tuple(run for run in runs if run.status is ExecutionStatus.RUNNING),
        broken=tuple(run for run in ended if run.status not in fine),
        runs=len(ended),
        seen_at=seen_at,
        is_complete=is_complete,
    )


def _runs(executions: Executions, since: datetime) -> tuple[list[ExecutionSummary], bool]:
    """The runs that ended within the shift or still run, newest first, and whether these are all."""
    found: list[ExecutionSummary] = []
    pages = _pages(executions)
    for number, page in enumerate(pages):
        found += [run for run in page if run.stopped_at is None or run.stopped_at >= since]
        if not page or page[-1].started_at < since - LOOK_BACK:
            return found, True
        if number + 1 == PAGES:
            return found, False
    return found, True


def _pages(executions: Executions) -> Iterator[tuple[ExecutionSummary, ...]]:
    token: str | None = None
    while True:
        page = executions.page(next_token=token)
        yield page.executions
        token = page.next_token
        if token is None:
            return


def _quiet(environment: Environment, now: datetime) -> tuple[tuple[QuietTask, ...], datetime | None]:
    try:
        snapshot = environment.fleet.snapshot()
    except NotFound:
        return (), None
    quiet = [
        QuietTask(task.facts.key, task.memory.quiet)
        for task in snapshot.tasks
        if task.memory.quiet is not None and task.memory.quiet.until > now
    ]
    return tuple(sorted(quiet, key=lambda each: (-each.quiet.until.timestamp(), each.key))), snapshot.taken_at
