"""A shift in one value: what was decided, what waits, what is kept quiet, what runs. Gathered through the ports."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import field
from datetime import datetime, timedelta

from qlikops.dataclass import dataclass
from qlikops.domain.encoding.strict_json import parse_json
from qlikops.domain.errors import NotFound
from qlikops.domain.fleet.freshness import StaleTask, StaleTime, together
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.ports import ContextServices, Executions
from qlikops.domain.proposals.approval import UNANSWERED, InboxRow, Status
from qlikops.domain.proposals.lasting import FellOver
from qlikops.domain.proposals.mute import Mute
from qlikops.domain.runs.plan import Plan
from qlikops.domain.runs.snapshot import FleetSnapshot
from qlikops.domain.workflow.execution import ExecutionStatus, ExecutionSummary, RunProposal
from qlikops.domain.workflow.following import pages_of

LOOK_BACK = timedelta(hours=24)
"""How long before the shift a run that has ended since may have begun, where its definition lets it take no longer."""
PAGES = 30
"""Pages of a hundred runs that are read at most; the handover says if there are more."""

_FINE = frozenset({ExecutionStatus.SUCCEEDED, ExecutionStatus.PENDING_REDRIVE})
_WORRYING = frozenset(
    {
        Status.FAILED,
        Status.UNVERIFIED,
        Status.PARTIAL,
        Status.NOT_TRIED,
        Status.STILL_DOWN,
        Status.EXPIRED,
        Status.ABANDONED,
    }
)


def is_worrying(status: Status) -> bool:
    """Whether the next shift should look at what ended so: not denied, and not done."""
    return status in _WORRYING or not status.is_known


@dataclass(frozen=True, slots=True)
class Handled:
    """A proposal that something became of."""

    execution_name: str
    proposal: RunProposal

    @property
    def is_worrying(self) -> bool:
        """Whether the next shift should look at it: not denied, and not done."""
        return is_worrying(self.proposal.status)


@dataclass(frozen=True, slots=True)
class MutedTask:
    """A task on which nothing is proposed for a while."""

    key: TaskKey
    quiet: Mute


@dataclass(frozen=True, slots=True)
class Handover:
    """The shift from `since` until `until`."""

    since: datetime
    until: datetime
    handled: tuple[Handled, ...]
    """What was closed or approved within the shift, newest first."""
    waiting: tuple[InboxRow, ...]
    """The most urgent first."""
    quiet: tuple[MutedTask, ...]
    """Muted tasks as of the last run. The longest mute comes first."""
    running: tuple[ExecutionSummary, ...]
    broken: tuple[ExecutionSummary, ...]
    """Runs that failed, timed out or were aborted within the shift."""
    runs: int
    """How many ended within the shift."""
    looked_back_to: datetime
    """Runs that began before were looked at only where they still run."""
    seen_at: datetime | None = None
    """When a run looked at the fleet last; None where none has. What is kept quiet since then is not in `quiet`."""
    is_complete: bool = True
    """False where there were more runs than are looked at."""
    fell_over: tuple[FellOver, ...] = ()
    """Restarts of which runs of the shift saw tasks down again, the newest first; each as it was seen last."""
    stale: tuple[StaleTask, ...] = ()
    """The tasks whose targets were out of freshness when a run looked last, the longest first."""
    stale_time: tuple[StaleTime, ...] = ()
    """Time for which targets were out of freshness in the shift, by the tag or task that the limit is set for."""
    plans: tuple[Plan, ...] = ()
    """Work that goes on or is to come, as the last run knew it, what begins first first."""


def gather(environment: ContextServices, since: datetime, now: datetime) -> Handover:
    """Reads the shift: one Query for what waits, one object for the fleet, a hundred runs a page, and one Query for
    each run that may have closed something. Blocks like the ports do, and raises what they raise.

    A proposal is decided while its run runs, however old that is, or closed later in place of a run that ended badly:
    so all that run, all that ended within the shift, and those that ended badly before are asked. Out of reach is what
    began longer before the shift than a run can take and has ended: one that was redriven, or whose proposals a run of
    this shift closed.
    """
    executions = environment.executions
    runs, looked_back_to, is_complete = runs_since(executions, since)
    within = [run for run in runs if run.stopped_at is None or run.stopped_at >= since]
    handled = [
        Handled(run.name, proposal)
        for run in runs
        if _may_have_closed(run, since)
        for proposal in executions.proposals(run.name)
        if proposal.updated_at >= since and proposal.status not in UNANSWERED
    ]
    snapshot = last_snapshot(environment)
    plans = [plan for plan in snapshot.plans if not plan.is_over(now)] if snapshot else []
    ended = [run for run in within if run.stopped_at is not None]
    return Handover(
        since=since,
        until=now,
        fell_over=_fell_over(within, since),
        handled=tuple(sorted(handled, key=lambda each: each.proposal.updated_at, reverse=True)),
        waiting=tuple(sorted(environment.approvals.waiting(), key=lambda row: (row.urgency, row.approval_id))),
        quiet=muted(snapshot, now),
        running=tuple(run for run in within if run.status is ExecutionStatus.RUNNING),
        broken=tuple(filter(is_broken, ended)),
        runs=len(ended),
        looked_back_to=looked_back_to,
        seen_at=snapshot.taken_at if snapshot else None,
        is_complete=is_complete,
        stale=snapshot.stale if snapshot else (),
        stale_time=together(each for run in within if run.run for each in run.run.stale),
        plans=tuple(sorted(plans, key=lambda plan: (plan.starts_at, plan.plan_id))),
    )


def _fell_over(runs: Iterable[ExecutionSummary], since: datetime) -> tuple[FellOver, ...]:
    """Restarts that fell over by the summaries of `runs`, newest first; each is named once."""
    found: dict[str, FellOver] = {}
    for run in runs:
        for each in run.run.followed.fell_over if run.run else ():
            if any(task.at >= since for task in each.tasks):
                found.setdefault(each.proposal_id, each)
    return tuple(found.values())


def is_broken(run: ExecutionSummary) -> bool:
    """Whether a run has failed, timed out or was aborted."""
    return run.stopped_at is not None and run.status not in _FINE


def _may_have_closed(run: ExecutionSummary, since: datetime) -> bool:
    """Whether a proposal of it may have been decided or closed since then."""
    # A run without a summary has not finished looking, or never did.
    has_proposed = run.run is None or run.run.proposals > 0
    is_over = run.stopped_at is not None and run.stopped_at < since
    # What a run that ended badly left open is closed by a later one.
    return has_proposed and (not is_over or run.status not in _FINE)


@dataclass
class KnownRuns:
    """The runs that earlier readings found, kept by a screen that asks again and again."""

    runs: dict[str, ExecutionSummary] = field(default_factory=dict)
    """Runs by their ARN."""
    longest: timedelta | None = None
    """How long a run may take, by the definition of the first that was looked up."""


def runs_since(
    executions: Executions, since: datetime, pages: int = PAGES, known: KnownRuns | None = None
) -> tuple[list[ExecutionSummary], datetime, bool]:
    """All that run, and those that began since a moment, newest first; that moment; and whether these are all.

    The moment is as long before `since` as a run may take. At most so many `pages` are read; with what is `known`, no
    more than it takes to meet a run that is known, and each that ran when it was seen last.
    """
    known = known or KnownRuns()
    found = {run.arn: run for page in pages_of(executions, ExecutionStatus.RUNNING) for run in page}
    ended = {arn for arn, run in known.runs.items() if run.stopped_at is None} - found.keys()
    back_to, is_complete = since - max(LOOK_BACK, known.longest or timedelta()), True
    for number, page in enumerate(pages_of(executions)):
        # Asked for after those that run, it knows of one that has ended meanwhile.
        found |= {run.arn: run for run in page}
        if page and known.longest is None:
            known.longest = _longest(executions, page[0])
            back_to = since - max(LOOK_BACK, known.longest)
        # Behind the last one stands what ended before it did, or began before it if that runs.
        last = page[-1] if page else None
        if last and last.stopped_at and last.stopped_at < back_to:
            break
        before = known.runs.get(last.arn) if last else None
        # It stands where it stood at an earlier reading, and so does all behind it.
        if last and before and before.stopped_at == last.stopped_at and ended <= found.keys():
            break
        if number + 1 == pages:
            back_to, is_complete = max([back_to, *(run.stopped_at or run.started_at for run in page[-1:])]), False
            break
    found = {arn: run for arn, run in known.runs.items() if arn not in ended} | found
    newest_first = sorted(found.values(), key=lambda run: (run.started_at, run.name), reverse=True)
    runs = [run for run in newest_first if run.stopped_at is None or run.started_at >= back_to]
    known.runs = {run.arn: run for run in runs}
    return runs, back_to, is_complete


def _longest(executions: Executions, run: ExecutionSummary) -> timedelta:
    """How long a run may take by the definition of this one; nothing where that cannot be read."""
    with contextlib.suppress(ValueError, AttributeError, TypeError, OverflowError, NotFound):
        return timedelta(seconds=parse_json(executions.definition(run.arn)).get("TimeoutSeconds"))
    return timedelta()


def last_snapshot(environment: ContextServices) -> FleetSnapshot | None:
    """The fleet as the last run saw it; None if none has."""
    with contextlib.suppress(NotFound):
        return environment.fleet.snapshot()
    return None


def muted(snapshot: FleetSnapshot | None, now: datetime) -> tuple[MutedTask, ...]:
    """The tasks that are muted at `now`, what ends last first."""
    if snapshot is None:
        return ()
    quiet = [
        MutedTask(task.facts.key, task.memory.quiet)
        for task in snapshot.tasks
        if task.memory.quiet is not None and task.memory.quiet.until > now
    ]
    return tuple(sorted(quiet, key=lambda each: (-each.quiet.until.timestamp(), each.key)))
