"""One look at the fleet: what is wrong, what is proposed on it, and what is left alone and why."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from qlikops.agent.config import AgentConfig
from qlikops.agent.look.detection import contradicts_itself, detect, is_from_the_future, may_have_been_restarted
from qlikops.agent.propose.correlation import propose
from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.remember.run import Run
from qlikops.agent.remember.store import Remembered, Store
from qlikops.agent.remember.tasks import Attempt, RestartLimits
from qlikops.agent.steps.overtaken import Questions
from qlikops.agent.steps.reconcile import ExecutionStates, Reconciler
from qlikops.agent.tell.notifications import news_of
from qlikops.agent.tell.notify import Notifier
from qlikops.agent.tell.trend import changes, mean_latency
from qlikops.domain.fleet import FleetSnapshot, TaskSnapshot
from qlikops.domain.mute import Mute
from qlikops.domain.proposal import Proposal
from qlikops.domain.report import NoAction, RunReport
from qlikops.domain.run import RunSummary
from qlikops.domain.task import TaskKey
from qlikops.domain.text import harmless
from qlikops.qlik.reader import FleetReading

OPENING_LEASE_SECONDS = 2 * 3600
"""From the proposal to the question, or to the end of an automatic restart; asking makes it longer."""
_HOUR = timedelta(hours=1)
_NOT_READ = "not read in time: it is as the last run saw it"
_WHY_CAP = 200
_TAKEN = "one of the tasks behind the same cause was taken by another proposal in the same moment"

Attempts: TypeAlias = Mapping[TaskKey, tuple[Attempt, ...]]
"""To restart tasks, oldest first."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Monitored:
    """What a run found and opened."""

    summary: RunSummary
    proposals: tuple[Proposal, ...]
    """In the order of their Map index."""


class Monitor:
    """Reads, detects, proposes and remembers; `read` gives the fleet as it is now."""

    def __init__(
        self,
        ledger: Ledger,
        store: Store,
        executions: ExecutionStates,
        read: Callable[[], FleetReading],
        notifier: Notifier,
        config: AgentConfig,
        clock: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._executions = executions
        self._read = read
        self._notifier = notifier
        self._config = config
        self._clock = clock

    def run(self, run: Run) -> Monitored:
        """The same answer for the same run, however often it is invoked: the summary, written last, is the mark.

        Raises QemError where no Enterprise Manager could be read: nobody must believe that the fleet was checked.
        """
        done = self._ledger.run(run.execution_name)
        if done:
            ids = [row.proposal_id for row in self._ledger.run_proposals(run.execution_name)]
            return Monitored(done, tuple(record.approval.proposal for record in self._ledger.records(ids)))
        reconciler = Reconciler(
            self._ledger, self._executions, self._clock, run, self._config.cooldown_seconds, self._notifier.closed
        )
        reconciler.proposals()
        # The readers wait for the network most of the time: what the last run left is read and parsed meanwhile.
        with ThreadPoolExecutor(1) as meanwhile:
            remembering = meanwhile.submit(self._remembered)
            looked_at = self._clock()
            reading = self._read()
            remembered = remembering.result()
        restarts = self._restarts(reading, remembered.snapshot)
        snapshot = self._detect(reading, remembered.snapshot, run, restarts)
        questions = Questions(self._ledger, self._executions, self._config)
        notes = [*_starting_afresh(remembered), *questions.hold_against(snapshot, looked_at)]
        return self._propose(snapshot, restarts, reconciler, run, remembered, notes)

    def _remembered(self) -> Remembered:
        remembered, now = self._store.snapshot(), self._clock()
        if remembered.snapshot and is_from_the_future(remembered.snapshot, now):
            taken_at = f"{remembered.snapshot.taken_at:%Y-%m-%d %H:%M:%S} UTC"
            remembered = Remembered(None, f"the snapshot of the last run is from the future ({taken_at})")
        elif remembered.snapshot and contradicts_itself(remembered.snapshot):
            remembered = Remembered(None, "the snapshot of the last run remembers what had not happened yet")
        if remembered.lost_because:
            _logger.warning("this run starts afresh: %s", remembered.lost_because)
        return remembered

    def _restarts(self, reading: FleetReading, previous: FleetSnapshot | None) -> Attempts:
        """The attempts on tasks that may have been restarted since the last poll, at least within the last hour."""
        now = self._clock()
        since = min(self._limits.since(now), previous.taken_at if previous else now)
        return self._ledger.tasks.attempts(may_have_been_restarted(reading.tasks, previous, now), since)

    def _detect(
        self, reading: FleetReading, previous: FleetSnapshot | None, run: Run, restarts: Attempts
    ) -> FleetSnapshot:
        now = self._clock()
        counts = {
            key: sum(attempt.may_have_started and now - attempt.at <= _HOUR for attempt in attempts)
            for key, attempts in restarts.items()
        }
        return detect(
            reading.servers,
            reading.tasks,
            previous,
            self._config,
            now,
            run.execution_name,
            counts,
            reading.not_read,
            left_stopped={
                key: attempts[-1].at for key, attempts in restarts.items() if attempts and attempts[-1].left_stopped
            },
        )

    @property
    def _limits(self) -> RestartLimits:
        return RestartLimits(self._config.restart_budget_per_hour, self._config.cooldown_seconds)

    def _propose(
        self,
        snapshot: FleetSnapshot,
        restarts: Attempts,
        reconciler: Reconciler,
        run: Run,
        remembered: Remembered,
        notes: Sequence[str],
    ) -> Monitored:
        tasks = self._ledger.tasks
        anomalous = [task.facts.key for task in snapshot.tasks if task.anomalies]
        leases = {lease.key: lease for lease in reconciler.leases(tasks.leases(anomalous).values())}
        # What an invocation of this run that died has leased and not opened is proposed again, not blocked.
        own = {key: lease.proposal_id for key, lease in leases.items() if lease.execution_arn == run.execution_arn}
        opened_before = {row.proposal_id for row in self._ledger.run_proposals(run.execution_name)} if own else set()
        for key, proposal_id in own.items():
            if proposal_id not in opened_before:
                del leases[key]
        free = [key for key in dict.fromkeys((*anomalous, *restarts)) if key not in leases]
        quiet = tasks.quiet(free, self._limits, restarts)
        correlated = propose(
            snapshot,
            self._config,
            execution_arn=run.execution_arn,
            execution_name=run.execution_name,
            now=self._clock(),
            blocked={key: each.words() for key, each in quiet.items()}
            | {key: f"proposal {lease.proposal_id} is open" for key, lease in leases.items()},
            opened_before=len(opened_before),
        )
        opened = self._ledger.open_proposals(run.execution_name, correlated.proposals, OPENING_LEASE_SECONDS)
        proposed = {target.key: one.proposal_id for one in opened.proposals for target in one.targets}
        left_alone = correlated.left_alone + tuple(
            NoAction(target.key, proposal.kind, _TAKEN) for proposal in opened.refused for target in proposal.targets
        )
        # Of a task that this run proposes on, only its other anomalies are left alone.
        kinds = {(target.key, one.kind) for one in opened.proposals for target in one.targets}
        left_alone = tuple(left for left in left_alone if (left.key, left.kind) not in kinds)
        holders = {key: lease.proposal_id for key, lease in leases.items()} | proposed
        remembering = self._telling(run, remembered, _remembering(snapshot, restarts, {k: quiet.get(k) for k in free}))
        self._store.save_snapshot(_annotated(remembering, holders, {left.key: left.why for left in left_alone}))
        findings = replace(
            _findings(snapshot, left_alone, correlated.deferred, run),
            notes=(*notes, *_unasked(self._executions)),
            changes=changes(remembered.snapshot, snapshot),
        )
        self._store.save_detection(findings)
        summary = RunSummary(
            execution_arn=run.execution_arn,
            execution_name=run.execution_name,
            started_at=run.started,
            servers=findings.servers,
            tasks=findings.tasks,
            anomalies=len(findings.anomalies),
            proposals=len(opened.proposals),
            deferred=findings.deferred,
        )
        self._ledger.save_run(summary)
        _logger.info("%d tasks, %d anomalies, %d proposals", summary.tasks, summary.anomalies, summary.proposals)
        return Monitored(summary, opened.proposals)

    def _telling(self, run: Run, remembered: Remembered, snapshot: FleetSnapshot) -> FleetSnapshot:
        """The snapshot with what people have been told, which they are before it is remembered: twice beats never."""
        news = news_of(remembered.snapshot, snapshot)
        told = not news or self._notifier.found(run, news)
        return replace(snapshot, told=news.told if told else news.told_before)


def _remembering(snapshot: FleetSnapshot, restarts: Attempts, asked: Mapping[TaskKey, Mute | None]) -> FleetSnapshot:
    """The snapshot with when tasks were restarted last and are quiet until; of those not `asked`, what was known."""

    def remembering(task: TaskSnapshot) -> TaskSnapshot:
        key, memory = task.facts.key, task.memory
        over = memory.quiet is not None and memory.quiet.until <= snapshot.taken_at
        quiet = asked.get(key, None if over else memory.quiet)
        restarted_at = max((attempt.at for attempt in restarts.get(key, ())), default=memory.restarted_at)
        return replace(task, memory=replace(memory, quiet=quiet, restarted_at=restarted_at))

    return replace(snapshot, tasks=tuple(map(remembering, snapshot.tasks)))


def _annotated(snapshot: FleetSnapshot, holders: Mapping[TaskKey, str], notes: Mapping[TaskKey, str]) -> FleetSnapshot:
    """The snapshot with who holds a task, and why nothing is proposed on one."""

    def annotated(task: TaskSnapshot) -> TaskSnapshot:
        holder = holders.get(task.facts.key, "")
        memory = replace(task.memory, held_at=snapshot.taken_at) if holder else task.memory
        note = _NOT_READ if task.is_unread else notes.get(task.facts.key, "")
        return replace(task, memory=memory, proposal_id=holder, note=note)

    return replace(snapshot, tasks=tuple(annotated(task) for task in snapshot.tasks))


def _starting_afresh(remembered: Remembered) -> tuple[str, ...]:
    """What the report says of a run that remembers nothing."""
    if not remembered.lost_because:
        return ()
    because = remembered.lost_because[0].upper() + remembered.lost_because[1:]
    return (f"{because}, so this run starts afresh: what takes several polls is counted from here.",)


def _unasked(executions: ExecutionStates) -> tuple[str, ...]:
    """What the report says of a run that could not ask Step Functions."""
    if not executions.unreachable_because:
        return ()
    why = harmless(executions.unreachable_because, _WHY_CAP)
    return (f"Step Functions did not answer, so what ended executions left open stays open: {why}",)


def _findings(snapshot: FleetSnapshot, left_alone: tuple[NoAction, ...], deferred: int, run: Run) -> RunReport:
    """The part of the report that is known before anybody is asked."""
    return RunReport(
        execution_arn=run.execution_arn,
        execution_name=run.execution_name,
        started_at=run.started,
        finished_at=snapshot.taken_at,
        servers=len(snapshot.servers),
        tasks=len(snapshot.tasks),
        tasks_by_state=dict(Counter(task.facts.state.value for task in snapshot.tasks)),
        anomalies=snapshot.anomalies,
        proposals=(),
        left_alone=left_alone,
        deferred=deferred,
        latency_seconds=mean_latency(snapshot),
    )
