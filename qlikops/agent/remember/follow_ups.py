"""Restarts that came up and are followed: one ledger item each under FOLLOWED, from its outcome until it is settled.

Runs overlap and functions are invoked twice, so an item changes only from the revision that was read; whoever was
overtaken applies his change again to what is there by then.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from qlikops.agent.remember import earlier_results, entries
from qlikops.agent.remember.entries import key_of, record_key
from qlikops.agent.remember.record import StoredRecord, record_of
from qlikops.agent.remember.table import Condition, ConditionFailed, Delete, Item, Put, Table, Update, Write
from qlikops.dataclass import dataclass
from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import Outcome, ProposalRecord, Status
from qlikops.domain.proposals.lasting import Aftermath, TaskLasting

BODY_BYTES = 300_000
"""Bytes of a follow-up as JSON; a DynamoDB item has 400 KB."""
_DETAIL_CAPS = (40, 0)
"""Characters that are kept of what is said of each task where all of it does not fit, tried one after another."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FollowedTask:
    """A task that a restart brought up, and of which it is not known yet whether it lasted."""

    key: TaskKey
    up_at: datetime
    """When it was seen up."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """One restart that is followed."""

    proposal_id: str
    tasks: tuple[FollowedTask, ...]
    so_far: Aftermath
    untold: tuple[TaskLasting, ...] = ()
    """Tasks that fell over and of which people have not been told."""
    telling_since: datetime | None = None
    """When a run began to tell of them; None while none is at it."""

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to find out or to tell."""
        return not (self.tasks or self.untold)


FollowUpStep = Callable[[FollowUp], FollowUp]
"""A pure step: it may be applied more than once, to newer states of the same restart."""


@dataclass(frozen=True, slots=True)
class StoredFollowUp:
    """A follow-up and the revision of its item."""

    follow_up: FollowUp
    revision: int


@dataclass(frozen=True, slots=True)
class FollowUpChange:
    """What one change made of a follow-up."""

    before: FollowUp
    """The entry as it was when the change was applied: another run may have been there first."""
    stored: StoredFollowUp
    """The entry as it is now."""

    @property
    def after(self) -> FollowUp:
        """The follow-up as it is now."""
        return self.stored.follow_up


def opening(proposal_id: str, outcome: Outcome, now: datetime) -> list[Put]:
    """What begins to follow the tasks that a restart with this `outcome` brought up; nothing if there are none."""
    up = tuple(
        FollowedTask(target.key, target.up_at or outcome.at or now)
        for target in outcome.targets
        if target.status is Status.RESTARTED
    )
    if not up:
        return []
    return [_put(StoredFollowUp(FollowUp(proposal_id, up, Aftermath(len(up))), 1), now)]


def came_up(outcome: Outcome | None) -> bool:
    """Whether an `outcome` has tasks that are followed."""
    return outcome is not None and any(target.status is Status.RESTARTED for target in outcome.targets)


class FollowUps:
    """The items under FOLLOWED."""

    def __init__(self, table: Table, clock: Callable[[], datetime]) -> None:
        self._table = table
        self._clock = clock

    def open(self) -> list[StoredFollowUp]:
        """All that is followed or not told yet, but for what this version cannot read. One Query."""
        return [stored for item in self._table.query(keys.FOLLOWED_PARTITION) if (stored := _read(item))]

    def change(
        self, stored: StoredFollowUp, change: FollowUpStep, record: StoredRecord | None = None
    ) -> FollowUpChange | None:
        """The follow-up before and after `change`; None if another run, or a newer version, has taken it over.

        What is known of its tasks goes to its proposal's record, and to the earlier results once it is all known, in
        the same transaction. `record` is that proposal's; without one, only the item itself changes.
        """
        while True:
            before = stored.follow_up
            after = change(before)
            if after == before:
                return FollowUpChange(before, stored)
            try:
                self._table.commit(*self._writes(stored, after, record))
            except ConditionFailed as exc:
                if 0 not in exc.positions:
                    now = self._table.get(record_key(before.proposal_id))
                    record = record_of(before.proposal_id, now) if now else None  # counted meanwhile, or forgotten
                    continue
                item = self._table.get((keys.FOLLOWED_PARTITION, before.proposal_id))
                read = _read(item) if item else None
                if read is None:
                    return None
                stored = read
            else:
                return FollowUpChange(before, StoredFollowUp(after, stored.revision + 1))

    def mark_fallen(self, approval: ProposalRecord, fallen: Sequence[TaskLasting]) -> None:
        """Keeps beside each task's claim and its line of history that the restart did not last; what is there stays."""
        unmarked = Condition(f"attribute_exists(#{keys.PARTITION}) AND attribute_not_exists(#{Attribute.LASTING})")
        sorts = [keys.restart_sort(approval.approval_id)]
        if approval.outcome and approval.outcome.at:
            sorts.append(keys.history_sort(approval.outcome.at, approval.approval_id))
        self._table.commit_each(
            *(
                Update((keys.task_partition(each.key), sort), {Attribute.LASTING: codec.dumps(each)}, (), unmarked)
                for each in fallen
                for sort in sorts
            )
        )

    def _writes(self, stored: StoredFollowUp, after: FollowUp, record: StoredRecord | None) -> list[Write]:
        before = stored.follow_up
        unmoved = Condition(
            f"#{Attribute.REVISION} = :{Attribute.REVISION}", {f":{Attribute.REVISION}": stored.revision}
        )
        key = (keys.FOLLOWED_PARTITION, before.proposal_id)
        writes: list[Write] = [
            Delete(key, unmoved)
            if after.is_settled
            else replace(_put(StoredFollowUp(after, stored.revision + 1), self._clock()), condition=unmoved)
        ]
        if record is None or after.so_far == before.so_far:
            return writes
        counted = f"attribute_{'exists' if record.is_counted else 'not_exists'}(#{Attribute.COUNTED})"
        writes.append(
            Update(
                record_key(before.proposal_id),
                {Attribute.LASTING: codec.dumps(after.so_far)},
                condition=Condition(f"attribute_exists(#{keys.PARTITION}) AND {counted}"),
            )
        )
        if after.so_far.is_over and not before.so_far.is_over:
            writes += earlier_results.lasting(record, after.so_far, self._clock())
        return writes


def _put(stored: StoredFollowUp, now: datetime) -> Put:
    item: Item = {
        **key_of(keys.FOLLOWED_PARTITION, stored.follow_up.proposal_id),
        Attribute.BODY: _body(stored.follow_up),
        Attribute.REVISION: stored.revision,
        **entries.kept(now),
    }
    return Put(item)


def _body(follow_up: FollowUp) -> str:
    """`follow_up` as JSON, with as much of what is said of each task as fits."""
    body = codec.dumps(follow_up)
    for cap in _DETAIL_CAPS:
        if len(body.encode("utf-8", "surrogatepass")) <= BODY_BYTES:
            break
        so_far = replace(follow_up.so_far, not_lasted=_cut(follow_up.so_far.not_lasted, cap))
        body = codec.dumps(replace(follow_up, so_far=so_far, untold=_cut(follow_up.untold, cap)))
    return body


def _cut(tasks: Sequence[TaskLasting], cap: int) -> tuple[TaskLasting, ...]:
    return tuple(replace(each, detail=each.detail[:cap]) for each in tasks)


def _read(item: Item) -> StoredFollowUp | None:
    """The follow-up in `item`; None, and a line in the log, for one that cannot be read: it must not stop others."""
    try:
        return StoredFollowUp(codec.loads(FollowUp, str(item[Attribute.BODY])), int(item[Attribute.REVISION]))
    except (codec.CodecError, KeyError, ValueError) as exc:
        _logger.warning("%s %s is not followed on: %s", keys.FOLLOWED_PARTITION, item[keys.SORT], exc)
        return None
