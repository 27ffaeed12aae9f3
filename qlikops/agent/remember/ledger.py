"""The workflow's side of the ledger: the only writer of a proposal's status, its lease, its audit trail and its end.

Lambda invokes at least once and may die between two calls, so every method may be called again: a step that was taken
is found and returned, never taken twice. A status moves forwards only; a final one is never rewritten.
`qlikops.domain.ledger` has the layout, `qlikops.agent.remember.tasks` the items that belong to tasks.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from qlikops.agent.remember import earlier_results, entries, follow_ups
from qlikops.agent.remember.entries import Step, key_of, record_key
from qlikops.agent.remember.follow_ups import FollowUps
from qlikops.agent.remember.orders import OrderLedger
from qlikops.agent.remember.probes import ProbeLedger
from qlikops.agent.remember.progress import ProgressBoard
from qlikops.agent.remember.record import StoredRecord, bounded, record_of
from qlikops.agent.remember.runs import RunLedger
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
)
from qlikops.agent.remember.tasks import TaskLedger, still_unanswered
from qlikops.agent.transient import TransientError
from qlikops.dataclass import dataclass
from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.errors import NotFound, QlikopsError, RecordTooNew
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import (
    UNANSWERED,
    Decision,
    EarlierResults,
    InboxRow,
    Outcome,
    ProposalRecord,
    Reminded,
    Status,
    attributed,
    digest_of,
)
from qlikops.domain.proposals.evaluation import Evaluation, PolicyResult
from qlikops.domain.proposals.proposal import RECORD_VERSION, Proposal
from qlikops.domain.runs.run import RunProposal

_logger = logging.getLogger(__name__)

OPEN = tuple(status for status in Status if not status.is_final)
_NEWEST_TOKEN = (
    f"attribute_not_exists(#{Attribute.ATTEMPT}) OR #{Attribute.ATTEMPT} < :{Attribute.ATTEMPT}"
    f" OR (#{Attribute.ATTEMPT} = :{Attribute.ATTEMPT} AND #{Attribute.AT} <= :{Attribute.AT})"
)
"""There is no token yet (or only one of the version before attempts were kept), or it is of an earlier attempt."""


_STARTED_NO_MORE = f"(attribute_not_exists(#{Attribute.STARTS}) OR #{Attribute.STARTS} = :starts)"
"""No start of a task was marked since there were so many of them."""


class RecordClosed(QlikopsError):
    """The proposal has ended. It cannot be decided."""


def check_open(approval: ProposalRecord) -> None:
    """Raises RecordClosed for a proposal that is over."""
    if approval.status.is_final:
        raise RecordClosed(f"{approval.approval_id} is {approval.status} already")


@dataclass(frozen=True, slots=True)
class Opened:
    """What became of a run's proposals."""

    proposals: tuple[Proposal, ...]
    """The run's proposals as stored, in the order of their Map index."""
    refused: tuple[Proposal, ...]
    """Another proposal leased one of their tasks in the meantime; nothing of them was kept."""


@dataclass(frozen=True, slots=True)
class OpenProposal:
    """A proposal whose end is not written everywhere yet."""

    proposal_id: str
    execution_arn: str
    since: datetime
    status: Status

    @property
    def is_closed(self) -> bool:
        """Whether the record is closed; its tasks may not have heard of it."""
        return self.status.is_final


class Ledger:
    """The life of proposals; `tasks` has leases, restarts and histories, `probes` the tests of endpoints, `follow_ups`
    what came up, `progress` how far restarts are, `orders` what people ordered, `runs` what runs found and proposed.
    """

    def __init__(self, table: Table, clock: Callable[[], datetime]) -> None:
        self._table = table
        self._clock = clock
        self.tasks = TaskLedger(table, clock)
        self.probes = ProbeLedger(table, clock)
        self.follow_ups = FollowUps(table, clock)
        self.orders = OrderLedger(table, clock)
        self.progress = ProgressBoard(table)
        self.runs = RunLedger(table, clock)

    def record(self, proposal_id: str) -> StoredRecord:
        """Raises NotFound, and RecordTooNew for one that a newer version wrote."""
        return record_of(proposal_id, self._raw(proposal_id))

    def records(self, proposal_ids: Sequence[str]) -> list[StoredRecord]:
        """The records that exist, in the order asked for. Raises RecordTooNew."""
        return [record_of(proposal_id, item) for proposal_id, item in self._items(proposal_ids)]

    def readable(self, proposal_ids: Sequence[str]) -> list[StoredRecord]:
        """The records that can be read; what a newer version wrote is left to that one."""
        found = []
        for proposal_id, item in self._items(proposal_ids):
            try:
                found.append(record_of(proposal_id, item))
            except (RecordTooNew, codec.CodecError) as exc:
                _logger.warning("%s is left out: %s", proposal_id, exc)
        return found

    def open(self) -> list[OpenProposal]:
        """Everything that is not over in every respect, asked or not, of all runs.

        What an older version opened is not listed; of that, what waits.
        """
        listed = {str(item[keys.SORT]): item for item in self._table.query(keys.OPEN_PARTITION)}
        open_ = [_open_proposal(proposal_id, item, item[Attribute.AT]) for proposal_id, item in listed.items()]
        known = {record_key(proposal_id) for proposal_id in listed}
        waiting = self._table.query_index(keys.INBOX_INDEX, keys.INBOX_PARTITION, keys.INBOX_WAITING)
        older = {(str(row[keys.PARTITION]), str(row[keys.SORT])) for row in waiting} - known
        records = self._table.get_many(older).values()
        return open_ + [
            _open_proposal(str(item[Attribute.PROPOSAL_ID]), item, item[Attribute.UPDATED_AT]) for item in records
        ]

    def open_proposals(self, execution_name: str, proposals: Iterable[Proposal], lease_seconds: int) -> Opened:
        """Leases every target and writes the record of each proposal, or nothing of it.

        What an earlier invocation of the same run opened is part of the answer, proposed again or not.
        """
        rows = {row.proposal_id: row for row in self.runs.proposals(execution_name)}
        refused = []
        for proposal in proposals:
            if proposal.proposal_id in rows:
                continue
            row = RunProposal(
                proposal_id=proposal.proposal_id,
                label=proposal.label,
                kind=proposal.kind,
                action=proposal.action,
                status=Status.PROPOSED,
                updated_at=self._clock(),
                index=len(rows),
            )
            if self._open(proposal, row, lease_seconds):
                rows[row.proposal_id] = row
            else:
                refused.append(proposal)
        stored = self.records([row.proposal_id for row in sorted(rows.values(), key=lambda row: row.index)])
        return Opened(tuple(record.approval.proposal for record in stored), tuple(refused))

    def save_evaluation(self, proposal_id: str, evaluation: Evaluation, policy: PolicyResult) -> StoredRecord:
        """Stores what the evaluator said and the policy decided, with the digest; the first evaluation stays."""
        proposal = json.loads(str(self._raw(proposal_id)[Attribute.PROPOSAL]))
        digest = digest_of(proposal, codec.encode(evaluation), codec.encode(policy))
        return self._advance(
            proposal_id,
            Step.EVALUATED,
            {
                Attribute.STATUS: Status.EVALUATED,
                Attribute.EVALUATION: codec.dumps(evaluation),
                Attribute.POLICY: codec.dumps(policy),
                Attribute.DIGEST: digest,
            },
            event={"evaluation": evaluation, "policy": policy, "digest": digest},
            only_from=(Status.PROPOSED,),
        )

    def request(
        self,
        proposal_id: str,
        token: str,
        row: InboxRow,
        received_at: datetime,
        lease_until: datetime,
        *,
        attempt: int = 0,
    ) -> StoredRecord:
        """Puts the proposal into the inbox and its token where the console finds it.

        A retry of the state brings a new token: that of the last `attempt` counts, however late an invocation of an
        earlier one comes; of one attempt, the one received last. A late second invocation after the answer changes
        nothing. Raises RecordClosed where the status is final, and LeaseLost
        where an approval could not count: another proposal holds one of the tasks.
        """
        approval = self.record(proposal_id).approval
        if approval.status is not Status.RESTARTING:
            check_open(approval)
            self.tasks.hold_all(approval.proposal, lease_until)
            self._keep_token(proposal_id, token, row, attempt, received_at)
        record = self._advance(
            proposal_id,
            Step.REQUESTED,
            {
                Attribute.STATUS: Status.WAITING,
                Attribute.REQUESTED_AT: codec.format_time(row.requested_at),
                Attribute.ROW: row.as_stored(),
                keys.INBOX_PARTITION: keys.INBOX_WAITING,
                keys.INBOX_SORT: int(row.deadline.timestamp()),
            },
            event={"deadline": row.deadline, "digest": approval.digest},
            only_from=(Status.PROPOSED, Status.EVALUATED),
        )
        check_open(record.approval)
        return record

    def begin_restart(self, proposal_id: str, decision: Decision) -> StoredRecord:
        """Takes the proposal out of the inbox and keeps who approved it; the first decision stays."""
        return self._advance(
            proposal_id,
            Step.DECIDED,
            {Attribute.STATUS: Status.RESTARTING},
            event={},
            only_from=UNANSWERED,
            remove=(keys.INBOX_PARTITION,),
            decision=decision,
        )

    def begin_no_further_task(self, record: StoredRecord, why: str) -> StoredRecord:
        """The record once no start can be marked any more: a restart without an outcome has its brake pulled."""
        approval = record.approval
        if approval.status is not Status.RESTARTING or approval.outcome:
            return record
        self.tasks.pull_brake(approval.approval_id, why)
        return self.record(approval.approval_id)

    def save_result(self, proposal_id: str, outcome: Outcome, *, none_since: int | None = None) -> Outcome:
        """Keeps what a restart came to until it is closed; the first result stays and is returned.

        One that says that nothing was sent holds only if no start was marked since there were `none_since` of them.
        Raises TransientError where another invocation has: a retry learns from the start markers what came of it.
        """
        outcome = bounded(outcome)
        condition = Condition(f"attribute_exists(#{keys.PARTITION}) AND attribute_not_exists(#outcome)")
        if none_since is not None:
            condition = Condition(f"{condition.text} AND {_STARTED_NO_MORE}", {":starts": none_since})
        result = Update(record_key(proposal_id), {Attribute.OUTCOME: codec.dumps(outcome)}, condition=condition)
        try:
            self._table.commit(result, *follow_ups.opening(proposal_id, outcome, self._clock()))
        except ConditionFailed:
            first = self.record(proposal_id).approval.outcome
            if first is None and none_since is not None:
                raise TransientError(f"{proposal_id} is being started by another invocation") from None
            return first or outcome
        return outcome

    def close(
        self,
        proposal_id: str,
        outcome: Outcome,
        quiet_after_denial: int = 0,
        closed_by: str = "",
        *,
        as_found: Status | None = None,
        tell: Callable[[ProposalRecord], object] = lambda _: None,
    ) -> StoredRecord:
        """Ends the proposal: final status, token and inbox row gone, leases free, in history and earlier results.

        A denial that asks for no snooze keeps its tasks quiet for `quiet_after_denial` seconds. `closed_by` names the
        run that does this in place of the proposal's own. `tell` is called with the closed record while it is still
        listed as open: whoever dies before that has left it to the next run.
        A final record is returned as it is, after finishing what an interrupted close left undone. One that is no more
        as it was found, when its end was judged, stays open and is returned as it is. Before the end of a restart is
        judged, `begin_no_further_task` is called: its status says nothing of the tasks that it starts.
        """
        before = self.record(proposal_id).approval
        decision = attributed(outcome.decision, before) if outcome.decision else before.decision
        outcome = replace(bounded(outcome), at=outcome.at or self._clock(), decision=decision)
        decided = outcome.decision is not None and before.decision is None
        values: Item = {Attribute.STATUS: outcome.status, Attribute.OUTCOME: codec.dumps(outcome)}
        also: tuple[Put | Delete, ...] = (Delete((keys.token_partition(proposal_id), keys.TOKEN)),)
        if decided:
            also += (entries.event(self._clock(), proposal_id, Step.DECIDED, {"decision": outcome.decision}),)
        if closed_by:
            also += (entries.abandoned(self._clock(), proposal_id, closed_by),)
        record = self._advance(
            proposal_id,
            Step.CLOSED,
            values,
            event={"outcome": outcome},
            only_from=OPEN if as_found is None else tuple(status for status in OPEN if status is as_found),
            remove=(keys.INBOX_PARTITION, Attribute.WAITS),
            also=also,
            decision=outcome.decision if decided else None,
        )
        if record.approval.status.is_final:
            tell(record.approval)
            self._finish(record, quiet_after_denial)
        return record

    def withdraw(self, proposal_id: str, outcome: Outcome) -> ProposalRecord:
        """Ends a proposal that has no answer, but for the wait itself: token and tasks stay until `finish`.

        One that has been answered, or is over, is returned as it is.
        """
        outcome = replace(bounded(outcome), at=outcome.at or self._clock())
        return self._advance(
            proposal_id,
            Step.CLOSED,
            {Attribute.STATUS: outcome.status, Attribute.OUTCOME: codec.dumps(outcome)},
            event={"outcome": outcome},
            only_from=UNANSWERED,
            remove=(keys.INBOX_PARTITION,),
        ).approval

    def save_reminded(self, approval: ProposalRecord, reminded: Reminded) -> bool:
        """Keeps for what people were told again that a proposal waits; false if it waits no longer, or if another run
        has kept something since `approval` was read.
        """
        condition = Condition(f"#status = :waiting AND attribute_not_exists(#{Attribute.REMINDED})")
        if approval.reminded:
            before = codec.dumps(approval.reminded)
            condition = Condition(f"#status = :waiting AND #{Attribute.REMINDED} = :before", {":before": before})
        condition = replace(condition, values={**condition.values, ":waiting": Status.WAITING})
        said: Item = {Attribute.REMINDED: codec.dumps(reminded)}
        try:
            self._table.commit(Update(record_key(approval.approval_id), said, condition=condition))
        except ConditionFailed:
            return False
        return True

    def token(self, proposal_id: str) -> str:
        """The token of the wait for an answer; empty where nothing waits."""
        item = self._table.get((keys.token_partition(proposal_id), keys.TOKEN))
        return str(item[Attribute.TOKEN]) if item else ""

    def finish(self, proposal_id: str, quiet_after_denial: int, *, stays_listed: bool = False) -> None:
        """Does what is left to do of a closed proposal. Raises NotFound.

        One that `stays_listed` as open is found again by the next run, which may have to tell of it.
        """
        self._finish(self.record(proposal_id), quiet_after_denial, stays_listed=stays_listed)

    def earlier_results(self, proposal: Proposal) -> EarlierResults:
        """What came of earlier proposals on the same failure with the same action."""
        return earlier_results.of(self._table, proposal)

    def _open(self, proposal: Proposal, row: RunProposal, lease_seconds: int) -> bool:
        """Whether it is open now; false where another proposal holds one of its tasks."""
        now = self._clock()
        leases = self.tasks.lease_writes(proposal, now, now + timedelta(seconds=lease_seconds))
        record: Item = {
            **key_of(keys.approval_partition(proposal.proposal_id), keys.RECORD),
            Attribute.STATUS: Status.PROPOSED,
            Attribute.VERSION: RECORD_VERSION,
            Attribute.PROPOSAL: codec.dumps(proposal),
            Attribute.PROPOSAL_ID: proposal.proposal_id,
            Attribute.EXECUTION_ARN: proposal.execution_arn,
            **entries.kept(self._clock()),
        }
        opening = [
            Put(record, ABSENT),
            entries.event(self._clock(), proposal.proposal_id, Step.PROPOSED, {"proposal": proposal}),
            entries.row(self._clock(), row, proposal.execution_name),
            entries.still_open(self._clock(), proposal, Status.PROPOSED),
        ]
        # A large group does not fit one transaction: its record comes last, so that no record is without its leases. An
        # invocation that is slow to open it once more may come when the question is asked, answered or over.
        is_not_open = Check(record_key(proposal.proposal_id), ABSENT)
        size = self._table.most_writes - len(opening)
        *chunks, last = [leases[start : start + size] for start in range(0, len(leases), size)]
        try:
            for chunk in chunks:
                self._table.commit(*chunk, is_not_open)
            self._table.commit(*last, *opening)
        except ConditionFailed:
            if self.records([proposal.proposal_id]):
                return True
            # Not what another invocation has leased for it: that one may be about to write the record.
            self.tasks.release(proposal, taken_at=now)
            return False
        return True

    def _advance(
        self,
        proposal_id: str,
        step: Step,
        values: Item,
        *,
        event: Mapping[str, Any],
        only_from: tuple[Status, ...],
        remove: tuple[str, ...] = (),
        also: tuple[Put | Delete, ...] = (),
        decision: Decision | None = None,
    ) -> StoredRecord:
        """Moves the record on with its event, its run's row and its entry under OPEN, unless it is past `only_from`.

        `decision` is kept in record and event, as far as the record can vouch for it.
        """
        while True:
            item = self._raw(proposal_id)
            status, record = Status.read(str(item[Attribute.STATUS])), record_of(proposal_id, item)
            if status not in only_from:
                return record
            approval = record.approval
            proposal = approval.proposal
            if decision:
                decision = attributed(decision, approval)
                values, event = {**values, Attribute.DECISION: codec.dumps(decision)}, {**event, "decision": decision}
            unmoved = Condition("#status = :before", {":before": status})
            following: list[Put] = []
            if Attribute.OUTCOME in values:
                if Attribute.OUTCOME in item:  # what a restart came to, stored meanwhile: the first result stays
                    given = codec.loads(Outcome, str(values[Attribute.OUTCOME]))
                    first = codec.loads(Outcome, str(item[Attribute.OUTCOME]))
                    first = replace(first, at=first.at or given.at, decision=first.decision or given.decision)
                    values = {**values, Attribute.STATUS: first.status, Attribute.OUTCOME: codec.dumps(first)}
                    event = {**event, "outcome": first}
                else:
                    unmoved = replace(unmoved, text=f"{unmoved.text} AND attribute_not_exists(#{Attribute.OUTCOME})")
                    outcome = codec.loads(Outcome, str(values[Attribute.OUTCOME]))
                    following = follow_ups.opening(proposal_id, outcome, self._clock())
            now = codec.format_time(self._clock())
            writes = [
                Update(record_key(proposal_id), {**values, Attribute.UPDATED_AT: now}, remove, unmoved),
                entries.event(self._clock(), proposal_id, step, event),
                entries.still_open(self._clock(), proposal, Status.read(str(values[Attribute.STATUS]))),
                *also,
                *following,
            ]
            row = self.runs.moved(replace(approval, decision=decision or approval.decision), values)
            try:
                self._table.commit(*writes, *([row] if row else []))
            except ConditionFailed as exc:
                if 0 not in exc.positions:
                    raise  # an event of this step is there and the record has not moved yet: a retry reads afresh
                continue  # another invocation moved it; where it stands now decides
            return self.record(proposal_id)

    def _finish(self, record: StoredRecord, quiet_after_denial: int, *, stays_listed: bool = False) -> None:
        closed = record.approval
        last = [Delete((keys.token_partition(closed.approval_id), keys.TOKEN))]
        if not stays_listed:
            # What says that it is open goes last: whoever finds it there finishes what was left undone.
            last.append(Delete((keys.OPEN_PARTITION, closed.approval_id)))
        if record.is_forged:
            # The tasks that it names now are not those that it was about: nothing of it goes to their history, keeps
            # them quiet, or counts for their kind. The lease of the real one is freed by the next run.
            self.tasks.release(closed.proposal)
            self._table.commit_each(*last)
            return
        earlier_results.count(self._table, closed, self._clock())
        if not follow_ups.came_up(closed.outcome):
            self.tasks.end(closed, quiet_after_denial, *last)
            return
        self.tasks.end(closed, quiet_after_denial)
        # A run keeps on the record that a task fell over, then marks its line. If the line was not there yet, we do.
        now = self.record(closed.approval_id).approval
        self.follow_ups.mark_fallen(now, now.lasting.fallen if now.lasting else ())
        self._table.commit_each(*last)

    def _items(self, proposal_ids: Sequence[str]) -> Iterator[tuple[str, Item]]:
        wanted = {proposal_id: record_key(proposal_id) for proposal_id in proposal_ids}
        items = self._table.get_many(wanted.values())
        return ((proposal_id, items[key]) for proposal_id, key in wanted.items() if key in items)

    def _raw(self, proposal_id: str) -> Item:
        item = self._table.get(record_key(proposal_id))
        if item is None:
            raise NotFound(f"there is no proposal {proposal_id}")
        return item

    def _keep_token(self, proposal_id: str, token: str, row: InboxRow, attempt: int, received_at: datetime) -> None:
        turn: Item = {Attribute.ATTEMPT: attempt, Attribute.AT: codec.format_time(received_at)}
        item: Item = {
            **key_of(keys.token_partition(proposal_id), keys.TOKEN),
            Attribute.TOKEN: token,
            Attribute.PROPOSAL_ID: proposal_id,
            # An earlier version, to which a deployment may go back, compares that first.
            Attribute.REQUESTED_AT: codec.format_time(row.requested_at),
            **turn,
            keys.TTL: int(row.deadline.timestamp()) + 86400,
        }
        newest = Condition(_NEWEST_TOKEN, {f":{name}": value for name, value in turn.items()})
        # A write that was slow to arrive finds the proposal answered: a token now would be left behind.
        with suppress(ConditionFailed):
            self._table.commit(Put(item, newest), still_unanswered(proposal_id))


def _open_proposal(proposal_id: str, item: Item, since: str | int) -> OpenProposal:
    return OpenProposal(
        proposal_id=proposal_id,
        execution_arn=str(item[Attribute.EXECUTION_ARN]),
        since=codec.parse_time(str(since)),
        status=Status.read(str(item[Attribute.STATUS])),
    )
