"""Follows restarts that came up: what a run sees of them is stored, and people are told of those that fell over.

Told once: the run that tells of a restart says so in its item first, and takes it out of there afterwards. One that
dies in between leaves it to a later run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta

from qlikops.agent.config import AgentConfig
from qlikops.agent.look.lasting import Look, Stuck, stuck_in
from qlikops.agent.remember.follow_ups import FollowUp, StoredFollowUp
from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.remember.record import StoredRecord
from qlikops.agent.remember.run import Run
from qlikops.agent.tell.events import RestartFellOver
from qlikops.agent.tell.notify import Notifier
from qlikops.dataclass import dataclass
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.proposals.lasting import FellOver, Followed, TaskLasting
from qlikops.domain.runs.snapshot import FleetSnapshot
from qlikops.qlik.reader import FleetReading

TELLING = timedelta(minutes=2)
"""How long a run may take to tell; after that, another one may."""
_TASKS_NAMED = 10
"""Tasks of one restart that a run's summary names."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a run found out, and what it has to tell."""

    followed: Followed = field(default_factory=Followed)
    """What no run had found out before it."""
    untold: tuple[tuple[StoredFollowUp, StoredRecord], ...] = ()
    """Restarts that fell over and their records; some may have been found by an earlier run that could not tell."""


@dataclass(frozen=True)
class RestartFollower:
    """Holds the restarts that are followed against one reading of the fleet."""

    ledger: Ledger
    notifier: Notifier
    config: AgentConfig
    clock: Callable[[], datetime]

    def stuck(
        self,
        followed: Sequence[StoredFollowUp],
        reading: FleetReading,
        previous: FleetSnapshot | None,
        now: datetime,
    ) -> dict[TaskKey, Stuck]:
        """The tasks that are up and applying nothing again, or still."""
        keys = {task.key for each in followed for task in each.follow_up.tasks}
        return stuck_in(reading.servers, reading.tasks, reading.not_read, previous, keys, self.config, now)

    def look(
        self,
        followed: Sequence[StoredFollowUp],
        reading: FleetReading,
        looked_at: datetime,
        stuck: Mapping[TaskKey, Stuck],
    ) -> Seen:
        """What the `reading` that began at `looked_at` says of them, stored; at once for all runs that look again."""
        if not followed:
            return Seen()
        look = Look(
            looked_at,
            {facts.key: facts for facts in reading.tasks},
            reading.servers,
            reading.not_read,
            timedelta(seconds=self.config.lasting_first_seconds),
            timedelta(seconds=self.config.lasting_seconds),
            # Of one task that was restarted twice, the later one stays.
            dict(sorted((task.key, task.up_at) for each in followed for task in each.follow_up.tasks)),
            stuck,
        )
        due = [each for each in followed if each.follow_up.untold or look.at_restart(each.follow_up) != each.follow_up]
        records = self._records([each.follow_up.proposal_id for each in due])
        lasted, unclear = 0, 0
        fell_over: list[FellOver] = []
        untold: list[tuple[StoredFollowUp, StoredRecord]] = []
        for stored in due:
            record = records.get(stored.follow_up.proposal_id)
            if record is None:
                continue  # a newer version's: that goes on following it
            changed = self.ledger.follow_ups.change(stored, look.at_restart, record)
            if changed is None:
                continue
            before, after = changed.before, changed.after
            lasted += after.so_far.lasted - before.so_far.lasted
            unclear += after.so_far.unclear - before.so_far.unclear
            known = {each.key for each in before.untold}
            if fallen := [each for each in after.untold if each.key not in known]:
                fell_over.append(_fell_over(record, fallen))
            if after.untold:
                # The back-off rests on it: it is there before this run asks how often a task was restarted.
                self.ledger.follow_ups.mark_fallen(record.approval, after.untold)
                untold.append((changed.stored, record))
        return Seen(Followed(lasted, unclear, tuple(fell_over)), tuple(untold))

    def tell(self, run: Run, seen: Seen, planned: Collection[TaskKey] = ()) -> None:
        """Tells people of what fell over, in one message, unless another run is at it.

        A restart of which all that fell over is `planned` work's is told of by a run after that work.
        """
        due = [
            (stored, record)
            for stored, record in seen.untold
            if not all(each.key in planned for each in stored.follow_up.untold)
        ]
        mine = [(stored, record) for each, record in due if (stored := self._begin_telling(each))]
        # As it is now: another run may have found more since this one looked, and what is told is forgotten.
        fell_over = [_fell_over(record, stored.follow_up.untold) for stored, record in mine]
        events = [RestartFellOver.of(run, each, self.clock()) for each in fell_over]
        if not mine or not self.notifier.tell(*events):
            return
        for stored, _ in mine:
            told = {each.key for each in stored.follow_up.untold}

            def forget(follow_up: FollowUp, told: frozenset[object] = frozenset(told)) -> FollowUp:
                left = tuple(each for each in follow_up.untold if each.key not in told)
                return replace(follow_up, untold=left, telling_since=None)

            self.ledger.follow_ups.change(stored, forget)

    def _begin_telling(self, stored: StoredFollowUp) -> StoredFollowUp | None:
        """The follow-up that this run is to tell of; None if there is nothing to tell, or another run is at it."""
        now = self.clock()

        def begin(follow_up: FollowUp) -> FollowUp:
            since = follow_up.telling_since
            is_free = follow_up.untold and (since is None or now - since >= TELLING)
            return replace(follow_up, telling_since=now) if is_free else follow_up

        begun = self.ledger.follow_ups.change(stored, begin)
        return begun.stored if begun and begun.before != begun.after else None

    def _records(self, proposal_ids: Sequence[str]) -> Mapping[str, StoredRecord]:
        found = self.ledger.readable(proposal_ids) if proposal_ids else []
        return {record.approval.approval_id: record for record in found}


def _fell_over(record: StoredRecord, fallen: Sequence[TaskLasting]) -> FellOver:
    proposal = record.approval.proposal
    return FellOver(proposal.proposal_id, proposal.label, tuple(fallen[:_TASKS_NAMED]), len(fallen))
