"""What the ledger keeps per task: the lease, snooze, restarts and history that decide whether it may be touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from qlikops.agent.remember.attempts import HOUR, Attempt, Attempts, RestartLimits, tried_enough
from qlikops.agent.remember.entries import key_of, record_key
from qlikops.agent.remember.table import (
    ABSENT,
    Check,
    Condition,
    ConditionFailed,
    Delete,
    Item,
    Put,
    Table,
    Update,
    Write,
)
from qlikops.agent.transient import IN_VAIN
from qlikops.dataclass import dataclass
from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.errors import QlikopsError, Throttled
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import (
    PULLED,
    UNANSWERED,
    Claim,
    Decision,
    HistoryLine,
    ProposalRecord,
    Status,
    TaskOutcome,
)
from qlikops.domain.proposals.lasting import TaskLasting
from qlikops.domain.proposals.mute import Mute, MuteReason
from qlikops.domain.proposals.proposal import Proposal
from qlikops.domain.proposals.record import claim_in

RESTART_DAYS = 30
HISTORY_DAYS = 90
_AT_ONCE = timedelta(seconds=1)
"""A claim that took no longer to write can hardly have been found, and settled, by another invocation."""
READERS = 16
"""Threads that read tasks' restarts; the client needs a connection for each."""
_GOES_ON = "#status = :restarting AND attribute_not_exists(#outcome) AND NOT contains(#claim, :pulled)"
"""What came of the restart is not settled, and its brake is not pulled."""
_LEASE_FREE = "attribute_not_exists(#pk) OR #expires < :now OR #proposal_id = :id"
_LEASE_MINE = "attribute_not_exists(#pk) OR #proposal_id = :id"
_LEASE_TAKEN_THEN = "attribute_not_exists(#pk) OR (#proposal_id = :id AND #at = :at)"
_NO_LATER_LEASE = "attribute_not_exists(#pk) OR #proposal_id <> :id OR #at <= :at"


@dataclass(frozen=True, slots=True)
class Lease:
    """One open proposal's hold on one task."""

    key: TaskKey
    proposal_id: str
    execution_arn: str
    taken_at: datetime


class LeaseLost(QlikopsError):
    """A proposal may not act on a task: it is over, or the task is another one's by now."""


class Stopped(QlikopsError):
    """A person stopped the restart of a proposal: no further task of it is claimed."""


@dataclass(frozen=True, slots=True)
class StartMarker:
    """Marks that a proposal starts a task; written before the start command, so that it is sent once."""

    at: datetime
    before: str
    """State and stop reason just before, in words."""
    result: TaskOutcome | None = None
    fresh: bool = False
    """This call made it, and nothing has come of it; otherwise an earlier invocation may have sent the run call."""


class TaskLedger:
    """The items of TASK# partitions."""

    def __init__(self, table: Table, clock: Callable[[], datetime]) -> None:
        self._table = table
        self._clock = clock

    def leases(self, tasks: Iterable[TaskKey]) -> dict[TaskKey, Lease]:
        """The leases that hold now."""
        wanted = {(keys.task_partition(key), keys.LEASE): key for key in tasks}
        now = self._clock().timestamp()
        return {
            wanted[item_key]: Lease(
                key=wanted[item_key],
                proposal_id=str(item[Attribute.PROPOSAL_ID]),
                execution_arn=str(item[Attribute.EXECUTION_ARN]),
                taken_at=codec.parse_time(str(item[Attribute.AT])),
            )
            for item_key, item in self._table.get_many(wanted).items()
            if int(item[Attribute.EXPIRES]) >= now
        }

    def quiet(self, tasks: Sequence[TaskKey], limits: RestartLimits, known: Attempts) -> dict[TaskKey, Mute]:
        """The tasks on which nothing may be proposed for a while.

        Reads in bulk and only for the tasks given, never for a whole fleet; `known` are attempts read already, back to
        `limits.since`.
        """
        now = self._clock()
        quiet: dict[TaskKey, Mute] = {}
        snoozes = self._table.get_many((keys.task_partition(key), keys.SNOOZE) for key in tasks)
        for key in tasks:
            snooze = snoozes.get((keys.task_partition(key), keys.SNOOZE))
            if snooze and int(snooze[Attribute.EXPIRES]) > now.timestamp():
                quiet[key] = codec.loads(Mute, str(snooze[Attribute.BODY]))
        unread = [key for key in tasks if key not in quiet and key not in known]
        attempts = {**known, **self.attempts(unread, limits.since(now))}
        for key in tasks:
            lifted = _lifted(snoozes.get((keys.task_partition(key), keys.SNOOZE)))
            if key not in quiet and (enough := tried_enough(attempts[key], now, limits, lifted)):
                quiet[key] = enough
        return quiet

    def attempts(
        self, tasks: Sequence[TaskKey], since: datetime, *, but_for: str = ""
    ) -> dict[TaskKey, tuple[Attempt, ...]]:
        """The attempts to restart each task since then, oldest first; those of the proposal `but_for` are left out."""

        def read(key: TaskKey) -> tuple[Attempt, ...]:
            items = self._table.query(
                keys.task_partition(key),
                keys.RESTART_PREFIX,
                keep=Condition(f"#{Attribute.AT} >= :since", {":since": codec.format_time(since)}),
            )
            attempts = (
                Attempt(codec.parse_time(str(item[Attribute.AT])), _result_in(item), _fell_in(item))
                for item in items
                if item[Attribute.PROPOSAL_ID] != but_for
            )
            return tuple(sorted(attempts, key=lambda attempt: attempt.at))

        with ThreadPoolExecutor(READERS) as pool:
            return dict(zip(tasks, pool.map(read, tasks), strict=True))

    def history(self, key: TaskKey, limit: int = 10) -> list[HistoryLine]:
        """How earlier proposals on a task ended, newest first."""
        items = self._table.query(keys.task_partition(key), keys.HISTORY_PREFIX, newest_first=True, limit=limit)
        return [replace(codec.loads(HistoryLine, str(item[Attribute.BODY])), lasting=_fell_in(item)) for item in items]

    def lease_writes(self, proposal: Proposal, now: datetime, until: datetime) -> list[Put]:
        """What leases the proposal's tasks where no other proposal holds them."""
        expires = int(until.timestamp())
        free = Condition(_LEASE_FREE, {":now": int(now.timestamp()), ":id": proposal.proposal_id})
        return [
            Put(
                {
                    **key_of(keys.task_partition(target.key), keys.LEASE),
                    Attribute.PROPOSAL_ID: proposal.proposal_id,
                    Attribute.EXECUTION_ARN: proposal.execution_arn,
                    Attribute.AT: codec.format_time(now),
                    Attribute.EXPIRES: expires,
                    keys.TTL: expires + 86400,
                },
                free,
            )
            for target in proposal.targets
        ]

    def lease(self, proposal: Proposal, until: datetime) -> None:
        """Holds the proposal's tasks for longer; one that another proposal holds stays with that.

        A write that is slow to arrive takes nothing back from a later one: a run goes by when a lease was taken.
        """
        self._table.commit_each(*map(_no_later, self.lease_writes(proposal, self._clock(), until)))

    def hold_all(self, proposal: Proposal, until: datetime) -> None:
        """Holds the proposal's tasks for longer, all of them, while it has no answer.

        Raises LeaseLost where another proposal holds one of them, or this one is answered or over; of a large group,
        some are held for longer then.
        """
        unanswered = still_unanswered(proposal.proposal_id)
        size = self._table.most_writes - 1
        writes = self.lease_writes(proposal, self._clock(), until)
        for start in range(0, len(writes), size):
            try:
                self._table.commit(*writes[start : start + size], unanswered)
            except ConditionFailed as exc:
                # Where no lease is in the way it is the record, and any task will do to say so.
                key = proposal.targets[min(start + exc.positions[0], len(writes) - 1)].key
                raise LeaseLost(f"{key}: {self._why_not_held(key, proposal.proposal_id)}") from exc

    def release(self, proposal: Proposal, taken_at: datetime | None = None) -> None:
        """Frees the tasks that this proposal, and no other one, holds; with `taken_at`, only those taken then."""
        self._table.commit_each(*(_freed(target.key, proposal.proposal_id, taken_at) for target in proposal.targets))

    def free(self, leases: Iterable[Lease]) -> None:
        """Frees tasks whose leases have no proposal, unless who is slow to open it has taken them anew since."""
        self._table.commit_each(*(_freed(lease.key, lease.proposal_id, lease.taken_at) for lease in leases))

    def mark_start(self, key: TaskKey, proposal_id: str, before: str) -> StartMarker:
        """Claims the restart of a task for a proposal, or returns the claim that is there.

        An approval outlives its execution: a redriven one, or an invocation that comes late, must not act beside a
        newer proposal. Raises LeaseLost unless this one is being carried out and has the lease at that moment, and
        Stopped if a person has stopped it by then.
        """
        now = self._clock()
        item: Item = {
            **key_of(keys.task_partition(key), keys.restart_sort(proposal_id)),
            Attribute.PROPOSAL_ID: proposal_id,
            Attribute.AT: codec.format_time(now),
            Attribute.BODY: before,
            keys.TTL: int((now + timedelta(days=RESTART_DAYS)).timestamp()),
        }
        try:
            self._table.commit(
                Put(item, ABSENT),
                Check((keys.task_partition(key), keys.LEASE), Condition("#proposal_id = :id", {":id": proposal_id})),
                Update(
                    record_key(proposal_id),
                    {},
                    add={Attribute.STARTS: 1},
                    condition=Condition(_GOES_ON, {":restarting": Status.RESTARTING, ":pulled": PULLED}),
                ),
            )
        except ConditionFailed as exc:
            if 0 not in exc.positions:
                if 2 in exc.positions and (claim := self.claim(proposal_id)) and claim.brake:
                    raise Stopped(claim.stops_because) from exc
                raise LeaseLost(self._why_not_held(key, proposal_id)) from exc
            existing = self.restart_claims([key], proposal_id).get(key)
            # Released between the two calls: whoever released it is the one to try again.
            return existing or StartMarker(now, before)
        if self._clock() - now < _AT_ONCE:
            return StartMarker(now, before, fresh=True)
        # The SDK may have sent it again long after it was carried out: another invocation may have found it since.
        try:
            mine = self.restart_claims([key], proposal_id).get(key)
        except (Throttled, *IN_VAIN):
            self.release_claim(key, proposal_id)  # nothing was sent
            raise
        return replace(mine, fresh=mine.result is None) if mine else StartMarker(now, before)

    def pull_brake(self, proposal_id: str, why: str) -> None:
        """Lets the restart of a proposal begin with no further task; one that is settled, or braked, stays as it is."""
        brake = Claim("", self._clock() + HOUR, brake=True, why=why)
        goes_on = Condition(_GOES_ON, {":restarting": Status.RESTARTING, ":pulled": PULLED})
        self._table.commit_each(Update(record_key(proposal_id), {Attribute.CLAIM: codec.dumps(brake)}, (), goes_on))

    def claim(self, proposal_id: str) -> Claim | None:
        """What a person claims of a proposal right now, the brake among it."""
        item = self._table.get(record_key(proposal_id), only=Attribute.CLAIM)
        return claim_in(item) if item else None

    def starts(self, proposal_id: str) -> int:
        """How many starts of a proposal's tasks have been marked by now."""
        item = self._table.get(record_key(proposal_id), only=Attribute.STARTS)
        return int(item.get(Attribute.STARTS, 0)) if item else 0

    def restart_claims(self, tasks: Iterable[TaskKey], proposal_id: str) -> dict[TaskKey, StartMarker]:
        """The claims of a proposal on these tasks."""
        wanted = {(keys.task_partition(key), keys.restart_sort(proposal_id)): key for key in tasks}
        return {
            wanted[item_key]: StartMarker(
                at=codec.parse_time(str(item[Attribute.AT])),
                before=str(item[Attribute.BODY]),
                result=_result_in(item),
            )
            for item_key, item in self._table.get_many(wanted).items()
        }

    def finish_restart_claim(self, key: TaskKey, proposal_id: str, result: TaskOutcome) -> TaskOutcome:
        """Keeps what the restart of a task came to; the first result stays and is returned."""
        unsettled = Condition("attribute_exists(#pk) AND attribute_not_exists(#outcome)")
        claim = keys.task_partition(key), keys.restart_sort(proposal_id)
        try:
            self._table.commit(Update(claim, {Attribute.OUTCOME: codec.dumps(result)}, condition=unsettled))
        except ConditionFailed:
            existing = self.restart_claims([key], proposal_id).get(key)
            return (existing and existing.result) or result
        return result

    def is_acting(self, key: TaskKey, proposal_id: str) -> bool:
        """Whether there is a claim on the task and what came of it is not kept yet."""
        claim = self.restart_claims([key], proposal_id).get(key)
        return claim is not None and claim.result is None

    def release_claim(self, key: TaskKey, proposal_id: str) -> None:
        """Takes a claim back. Only where the run call was certainly not sent."""
        claim = keys.task_partition(key), keys.restart_sort(proposal_id)
        self._table.commit_each(Delete(claim, Condition("attribute_not_exists(#outcome)")))

    def _why_not_held(self, key: TaskKey, proposal_id: str) -> str:
        holder = self._table.get((keys.task_partition(key), keys.LEASE))
        if holder is None or holder[Attribute.PROPOSAL_ID] == proposal_id:
            return "this proposal is over, or has given the task back"
        return f"proposal {holder[Attribute.PROPOSAL_ID]} holds the task by now"

    def end(self, approval: ProposalRecord, quiet_after_denial: int, *last: Delete) -> None:
        """Writes a closed proposal into its tasks' histories, keeps denied ones quiet for a while, and frees them.

        A task that the decision left out is only freed: nothing became of it.
        `last` is written with or after the last of these, in that order.
        """
        outcome = approval.outcome
        if outcome is None or outcome.at is None:
            return
        decision = outcome.decision
        proposal, choice = approval.proposal, approval.chosen
        targets = {target.key: target for target in outcome.targets}
        fallen = {each.key: each for each in (approval.lasting.fallen if approval.lasting else ())}
        writes: list[Write] = [_freed(left.key, proposal.proposal_id) for left in proposal.left_out(choice)]
        for target in choice.targets:
            line = HistoryLine(
                at=outcome.at,
                approval_id=proposal.proposal_id,
                kind=proposal.kind,
                action=choice.action,
                status=targets[target.key].status if target.key in targets else outcome.status,
                came_to=targets[target.key].came_to if target.key in targets else "",
                by=decision.who() if decision else "",
                reason=decision.reason if decision else "",
                snooze_seconds=decision.snooze if decision else 0,
            )
            written: Item = {
                Attribute.BODY: codec.dumps(line),
                keys.TTL: int((outcome.at + timedelta(days=HISTORY_DAYS)).timestamp()),
            }
            if target.key in fallen:
                written[Attribute.LASTING] = codec.dumps(fallen[target.key])
            # An update: if it is written once more, what a run has marked since stays.
            key = (keys.task_partition(target.key), keys.history_sort(outcome.at, proposal.proposal_id))
            writes.append(Update(key, written))
            if decision:
                writes += _snooze(target.key, outcome.at, decision, quiet_after_denial)
            writes.append(_freed(target.key, proposal.proposal_id))
        self._table.commit_each(*writes, *last)


def still_unanswered(proposal_id: str) -> Check:
    """A condition that a proposal has no decision yet when what stands beside it is written."""
    return Check(
        record_key(proposal_id),
        Condition(
            f"#{Attribute.STATUS} IN ({', '.join(f':{status}' for status in UNANSWERED)})",
            {f":{status}": status for status in UNANSWERED},
        ),
    )


def _no_later(lease: Put) -> Put:
    """Leases the task unless the proposal has taken it since."""
    free = lease.condition or ABSENT
    condition = Condition(f"({free.text}) AND ({_NO_LATER_LEASE})", {**free.values, ":at": lease.item[Attribute.AT]})
    return replace(lease, condition=condition)


def _freed(key: TaskKey, proposal_id: str, taken_at: datetime | None = None) -> Delete:
    """Takes a proposal's lease away; with `taken_at`, only if it is the one that was taken then."""
    mine = Condition(_LEASE_MINE, {":id": proposal_id})
    if taken_at:
        mine = Condition(_LEASE_TAKEN_THEN, {":id": proposal_id, ":at": codec.format_time(taken_at)})
    return Delete((keys.task_partition(key), keys.LEASE), mine)


def _snooze(key: TaskKey, at: datetime, decision: Decision, quiet_after_denial: int) -> list[Update]:
    """What keeps a denied task quiet for as long as was asked for, or for `quiet_after_denial` seconds."""
    kind = MuteReason.SNOOZED if decision.snooze else MuteReason.DENIED
    seconds = decision.snooze or quiet_after_denial
    if decision.approved or not seconds:
        return []
    until, denied_at = at + timedelta(seconds=seconds), codec.format_time(at)
    return [
        Update(
            (keys.task_partition(key), keys.SNOOZE),
            {
                Attribute.AT: denied_at,
                Attribute.EXPIRES: int(until.timestamp()),
                Attribute.BODY: codec.dumps(Mute(kind, until, decision.who())),
                keys.TTL: int((until + timedelta(days=RESTART_DAYS)).timestamp()),
            },
            # This may be an old denial, written once more: a longer silence stays, and what was lifted since is over.
            condition=Condition(
                f"attribute_not_exists(#pk) OR (#expires < :expires AND (attribute_not_exists(#{Attribute.LIFTED})"
                f" OR #{Attribute.LIFTED} < :denied_at))",
                {":expires": int(until.timestamp()), ":denied_at": denied_at},
            ),
        )
    ]


def _lifted(item: Item | None) -> datetime | None:
    """Up to when a person lifted what kept a task quiet, in its SNOOZE."""
    return codec.parse_time(str(item[Attribute.LIFTED])) if item and Attribute.LIFTED in item else None


def _result_in(item: Item) -> TaskOutcome | None:
    """What a claim's restart came to."""
    return codec.loads(TaskOutcome, str(item[Attribute.OUTCOME])) if Attribute.OUTCOME in item else None


def _fell_in(item: Item) -> TaskLasting | None:
    """How the task of a claim, or of a line of its history, fell over later."""
    return codec.loads(TaskLasting, str(item[Attribute.LASTING])) if Attribute.LASTING in item else None
