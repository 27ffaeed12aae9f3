"""One look at the fleet: what is wrong, what is proposed on it, and what is left alone and why."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from qlikops.agent.act.auditing import Auditor
from qlikops.agent.act.probing import Prober, newest_probes
from qlikops.agent.config import AgentConfig
from qlikops.agent.look.detection import contradicts_itself, detect, is_from_the_future, may_have_been_restarted
from qlikops.agent.look.servers import due
from qlikops.agent.propose import standing
from qlikops.agent.propose.correlation import propose
from qlikops.agent.remember.attempts import Attempts, RestartLimits, streak_of
from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.remember.run import Run
from qlikops.agent.remember.store import LastSnapshot, Store
from qlikops.agent.steps.lasting import RestartFollower
from qlikops.agent.steps.orders import Desk, notes_on
from qlikops.agent.steps.overtaken import Questions
from qlikops.agent.steps.reconcile import ExecutionStates, Reconciler
from qlikops.agent.steps.reminding import Reminders
from qlikops.agent.tell.events import findings
from qlikops.agent.tell.notifications import news_of
from qlikops.agent.tell.notify import Notifier
from qlikops.agent.tell.trend import changes, mean_latency, stale_since
from qlikops.dataclass import dataclass
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.proposals.lasting import Followed
from qlikops.domain.proposals.proposal import Proposal
from qlikops.domain.runs.plan import Plan
from qlikops.domain.runs.report import NoAction, RunReport
from qlikops.domain.runs.run import RunSummary
from qlikops.domain.runs.snapshot import FleetSnapshot, Notified
from qlikops.domain.words.duration import to_second
from qlikops.domain.words.text import harmless
from qlikops.qlik.reader import Chooser, FleetReading

OPENING_LEASE_SECONDS = 2 * 3600
"""Lease from the proposal to the question, or to the end of an automatic restart; asking makes it longer."""
_HOUR = timedelta(hours=1)
_WHY_CAP = 200
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Monitored:
    """What a run found and opened."""

    summary: RunSummary
    proposals: tuple[Proposal, ...]
    """Proposals in the order of their Map index."""


@dataclass(frozen=True)
class Monitor:
    """Reads, detects, proposes and remembers; `read` gives the fleet as it is now, with some servers' health."""

    ledger: Ledger
    store: Store
    executions: ExecutionStates
    read: Callable[[Chooser], FleetReading]
    notifier: Notifier
    prober: Prober
    auditor: Auditor
    config: AgentConfig
    clock: Callable[[], datetime]
    desk: Desk
    notes: Sequence[str] = ()
    """What goes into the report of the run from before it."""

    def run(self, run: Run, given: Any = None) -> Monitored:
        """Gives the same answer for the same run, however often it is invoked: the summary, written last, is the mark.

        `given` is its execution's input: orders of people are applied first, so that they count for this run.

        Raises QemError where no Enterprise Manager could be read: nobody must believe that the fleet was checked.
        """
        if done := self._summed_up(run):
            return done
        orders = self.desk.take(run, given)
        reconciler = Reconciler(
            self.ledger, self.executions, self.clock, run, self.config.cooldown_seconds, self.notifier.closed
        )
        reconciler.proposals()
        # The readers wait for the network most of the time: what the last run left is read and parsed meanwhile.
        with ThreadPoolExecutor(3) as meanwhile:
            loading = meanwhile.submit(self._last_snapshot)
            planning = meanwhile.submit(self.ledger.orders.plans)
            following = meanwhile.submit(self.ledger.follow_ups.open)
            looked_at = self.clock()
            reading = self.read(
                lambda servers: due(servers, loading.result().snapshot, self.config.server_details_every)
            )
            last, followed, plans = loading.result(), following.result(), planning.result()
        follower = RestartFollower(self.ledger, self.notifier, self.config, self.clock)
        now = self.clock()
        stuck = follower.stuck(followed, reading, last.snapshot, now)
        seen = follower.look(followed, reading, looked_at, stuck)
        restarts = self._restarts(reading, last.snapshot, stuck, now)
        snapshot = self._detect(reading, last.snapshot, run, restarts, plans, stuck, looked_at, now)
        snapshot, not_said = self.auditor.ask(snapshot, last.snapshot)
        questions = Questions(self.ledger, self.executions, self.config)
        held = questions.hold_against(snapshot, looked_at)
        Reminders(self.ledger, self.notifier, self.clock).tell(held.waiting)
        notes = [*self.notes, *notes_on(orders, given, snapshot), *_starting_afresh(last), *not_said, *held.said]
        monitored = self._propose(snapshot, restarts, reconciler, run, last, notes, seen.followed)
        follower.tell(run, seen, snapshot.planned)
        return monitored

    def _summed_up(self, run: Run) -> Monitored | None:
        """What an invocation for the same run has found; None if none has come to its end."""
        summary = self.ledger.runs.summary(run.execution_name)
        if summary is None:
            return None
        ids = [row.proposal_id for row in self.ledger.runs.proposals(run.execution_name)]
        return Monitored(summary, tuple(record.approval.proposal for record in self.ledger.records(ids)))

    def _last_snapshot(self) -> LastSnapshot:
        last, now = self.store.snapshot(), self.clock()
        if last.snapshot and is_from_the_future(last.snapshot, now):
            taken_at = f"{to_second(last.snapshot.taken_at)}"
            because = f"the snapshot of the last run is from the future ({taken_at})"
            last = replace(last, snapshot=None, lost_because=because)
        elif last.snapshot and contradicts_itself(last.snapshot):
            because = "the snapshot of the last run remembers what had not happened yet"
            last = replace(last, snapshot=None, lost_because=because)
        if last.lost_because:
            _logger.warning("this run starts afresh: %s", last.lost_because)
        return last

    def _restarts(
        self, reading: FleetReading, previous: FleetSnapshot | None, stuck: Collection[TaskKey], now: datetime
    ) -> Attempts:
        """The attempts on tasks that may have been restarted since the last poll, at least within the last day."""
        since = min(self._limits.since(now), previous.taken_at if previous else now)
        return self.ledger.tasks.attempts(may_have_been_restarted(reading.tasks, previous, now, stuck), since)

    def _detect(
        self,
        reading: FleetReading,
        previous: FleetSnapshot | None,
        run: Run,
        restarts: Attempts,
        plans: Sequence[Plan],
        stuck: Collection[TaskKey],
        looked_at: datetime,
        now: datetime,
    ) -> FleetSnapshot:
        counts = {
            key: sum(attempt.may_have_started and now - attempt.at <= _HOUR for attempt in attempts)
            for key, attempts in restarts.items()
        }
        # What was left stopped longer ago has been seen by an earlier run, which remembers it.
        recent = min(now - _HOUR, previous.taken_at if previous else now)
        return detect(
            reading.servers,
            reading.tasks,
            previous,
            self.config,
            now,
            run.execution_name,
            counts,
            reading.not_read,
            left_stopped={
                key: attempts[-1].at
                for key, attempts in restarts.items()
                if attempts and attempts[-1].left_stopped and attempts[-1].at >= recent
            },
            streaks={key: streak_of(attempts, now) for key, attempts in restarts.items()},
            plans=plans,
            stuck=stuck,
            asked_at=looked_at,
        )

    @property
    def _limits(self) -> RestartLimits:
        return RestartLimits.of(self.config)

    def _propose(
        self,
        snapshot: FleetSnapshot,
        restarts: Attempts,
        reconciler: Reconciler,
        run: Run,
        last: LastSnapshot,
        notes: Sequence[str],
        followed: Followed,
    ) -> Monitored:
        tasks = self.ledger.tasks
        anomalous = [task.facts.key for task in snapshot.tasks if task.anomalies]
        current = reconciler.leases(tasks.leases(anomalous).values())
        began_before = any(lease.execution_arn == run.execution_arn for lease in current)
        rows = self.ledger.runs.proposals(run.execution_name) if began_before else ()
        opened_before = {row.proposal_id for row in rows}
        leases = standing.taken(current, run.execution_arn, opened_before)
        # A person may have lifted what the last run knew, of a task that has recovered as well.
        muted = [task.facts.key for task in snapshot.tasks if task.memory.quiet]
        free = [key for key in dict.fromkeys((*anomalous, *restarts, *muted)) if key not in leases]
        mutes = tasks.quiet(free, self._limits, restarts)
        correlated = propose(
            snapshot,
            self.config,
            execution_arn=run.execution_arn,
            execution_name=run.execution_name,
            now=self.clock(),
            blocked=standing.blocked(leases, mutes),
            opened_before=len(opened_before),
        )
        probed = self.prober.before_proposing(snapshot, correlated.proposals)
        opened = self.ledger.open_proposals(run.execution_name, probed.proposals, OPENING_LEASE_SECONDS)
        left_alone = standing.no_actions(correlated, opened)
        kept = standing.with_restarts_and_mutes(snapshot, restarts, {key: mutes.get(key) for key in free})
        kept = replace(kept, probes=newest_probes(last.snapshot, probed.probes, self.clock()))
        # A run beside this one may have told of more since. Forgotten here, nothing would ever say that it is over.
        by_now = self.store.by_now(last)
        kept = self._telling(run, by_now.told, kept)
        held_by = standing.holders(leases, opened.proposals)
        self.store.save_snapshot(standing.with_holders_and_notes(kept, held_by, left_alone), by_now)
        findings = replace(
            _findings(snapshot, left_alone, correlated.deferred, run),
            notes=(*notes, *_unasked(self.executions)),
            changes=changes(last.snapshot, snapshot),
            stale=stale_since(last.snapshot, snapshot),
            followed=followed,
        )
        self.store.save_detection(findings)
        summary = RunSummary(
            execution_arn=run.execution_arn,
            execution_name=run.execution_name,
            started_at=run.started,
            servers=findings.servers,
            tasks=findings.tasks,
            anomalies=len(findings.anomalies),
            proposals=len(opened.proposals),
            deferred=findings.deferred,
            followed=followed,
            stale=findings.stale,
        )
        _logger.info("%d tasks, %d anomalies, %d proposals", summary.tasks, summary.anomalies, summary.proposals)
        if not self.ledger.runs.sum_up(summary) and (earlier := self._summed_up(run)):
            return earlier
        return Monitored(summary, opened.proposals)

    def _telling(self, run: Run, earlier: Iterable[Notified], snapshot: FleetSnapshot) -> FleetSnapshot:
        """The snapshot with what people have been told, which they are before it is saved: twice beats never."""
        news = news_of(earlier, snapshot)
        told = self.notifier.tell(*findings(run, news, snapshot.taken_at))
        return replace(snapshot, told=news.told if told else news.told_before)


def _starting_afresh(last: LastSnapshot) -> tuple[str, ...]:
    """What the report says of a run that remembers nothing."""
    if not last.lost_because:
        return ()
    because = last.lost_because[0].upper() + last.lost_because[1:]
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
