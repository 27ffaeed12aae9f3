"""The inbox and decisions, over the ledger and Step Functions' callbacks.

A decision is sent once. Whatever the reply was, what counts is what the ledger says afterwards: the workflow writes
the decision there, and the sender knows its own by the decision id.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from qlikops.aws import records
from qlikops.aws.claims import brake_of, remove_claim, write_claim
from qlikops.aws.errors import Sent, aws_errors, callback_failed
from qlikops.aws.session import Connection, refuse_writing
from qlikops.dataclass import dataclass
from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.errors import (
    AlreadyDecided,
    ApprovalChanged,
    ApprovalExpired,
    ApprovalGone,
    DecisionUnknown,
    NotFound,
    QlikopsError,
    RecordTooNew,
    UsageError,
)
from qlikops.domain.fleet.task import Action, TaskKey
from qlikops.domain.gathered.advice import check_reason
from qlikops.domain.ledger import Attribute
from qlikops.domain.ports import Approve, DecisionReceipt, DecisionRequest, EarlierResults, HistoryLine
from qlikops.domain.proposals.approval import (
    Claim,
    Decision,
    InboxRow,
    ProposalRecord,
    Status,
    new_decision_id,
    terms_of,
)
from qlikops.domain.proposals.callback import APPROVAL_DENIED, DECISION_TEXT_CAP, parse_decision
from qlikops.domain.proposals.proposal import NotOffered
from qlikops.domain.words.naming import did_you_mean, named, shown
from qlikops.domain.words.text import harmless

ID_DIGITS = 12
SETTLE_SECONDS = 15.0
"""How long the workflow may take to record a decision before it counts as not known."""
_WHY_CAP = 300
"""Characters of why a record was not read; it may be a whole page of a proxy's."""
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 2.0


@dataclass(frozen=True, slots=True)
class Timing:
    """The clocks and the sleep, so that tests need no time."""

    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class LedgerApprovals:
    """Implements `ports.Approvals`."""

    def __init__(
        self,
        connection: Connection,
        timing: Timing = Timing(),
        first: Callable[[], Sequence[InboxRow] | None] = lambda: None,
    ) -> None:
        """`first` may already know what waits; it is asked whenever the table would be."""
        self._aws = connection
        self._timing = timing
        self._first = first

    def waiting(self) -> Sequence[InboxRow]:
        """Returns the rows of the inbox that wait for an answer."""
        return [row for row in self.inbox() if row.waits is None]

    def inbox(self) -> Sequence[InboxRow]:
        """All that waits for an answer or for its endpoint, what expires first first. One Query a page of 1 MB."""
        if (known := self._first()) is not None:
            return known
        now = self._timing.now()
        items = self._query(
            IndexName=keys.INBOX_INDEX,
            KeyConditionExpression="#inbox = :waiting",
            ExpressionAttributeNames={"#inbox": keys.INBOX_PARTITION},
            ExpressionAttributeValues={":waiting": {"S": keys.INBOX_WAITING}},
        )
        return [records.inbox_row(item, now) for item in items]

    def approval(self, approval_id: str) -> ProposalRecord:
        """The whole record, read consistently. Raises NotFound; an unambiguous prefix of a waiting one's id will do."""
        return self._approval(self._item(self._full_id(approval_id)))

    def decide(self, approval_id: str, request: DecisionRequest) -> DecisionReceipt:
        """Sends the callback once and returns when the ledger holds this decision."""
        refuse_writing(self._aws)
        if len(request.reason) > DECISION_TEXT_CAP:
            raise UsageError(f"The reason has {len(request.reason)} characters; {DECISION_TEXT_CAP} are allowed.")
        approval_id = self._full_id(approval_id)
        try:
            self._check_decidable(self._item(approval_id), request)
            token = self._token(approval_id)
        except NotFound as exc:
            raise ApprovalGone(approval_id) from exc
        decision = replace(
            request.decision(),
            decision_id=request.decision_id or new_decision_id(),
            by=self._aws.caller(),
            at=self._timing.now(),
        )
        _check_size(decision)
        sent = self._send(token, decision)
        return self._settle(approval_id, decision, sent)

    def outcome(self, approval_id: str, timeout: timedelta) -> ProposalRecord:
        """The record once its status is final or it waits for its endpoint, or as it stands when `timeout` is over;
        raises why it could not be read where that is the last that was heard.
        """
        for reading in self._readings(self._full_id(approval_id), timeout.total_seconds()):
            if isinstance(reading, ProposalRecord) and (reading.status.is_final or reading.waits):
                break
        if isinstance(reading, Exception):
            raise reading
        return reading

    def claim(self, approval_id: str, duration: timedelta) -> Claim:
        """Says "I am looking at it" until `duration` from now. Whoever claimed it before is overruled, but for one who
        pulled the brake: a claim in its place would let go of it.
        """
        refuse_writing(self._aws)
        approval_id = self._full_id(approval_id)
        claim = Claim(by=self._aws.caller(), until=self._timing.now() + duration)
        with aws_errors("claim the approval"):
            is_written = write_claim(self._aws, approval_id, claim, self._timing.sleep)
        if not is_written:
            approval = self._approval(self._item(approval_id))
            raise _not_waiting(approval) if approval.status is not Status.WAITING else _stopped(approval)
        return claim

    def release(self, approval_id: str) -> None:
        """Takes the caller's claim back. Raises UsageError where there is none of theirs."""
        refuse_writing(self._aws)
        approval_id, caller = self._full_id(approval_id), self._aws.caller()
        claim = self._approval(self._item(approval_id)).claim
        if claim is None or claim.brake or claim.by != caller:
            raise UsageError(f"There is no claim of yours on {approval_id}, so there is nothing to release.")
        with aws_errors("release the approval"):
            remove_claim(self._aws, approval_id, caller, self._timing.sleep)

    def stop_waiting(self, approval_id: str) -> Claim:
        """Pulls the brake of an approved restart that waits for its endpoint. Raises UsageError if it does not."""
        refuse_writing(self._aws)
        approval_id = self._full_id(approval_id)
        approval = self._approval(self._item(approval_id))
        if approval.waits is None or approval.status is not Status.RESTARTING:
            raise UsageError(f"{approval_id} does not wait for its endpoint: it is {approval.status}.")
        brake = brake_of(self._aws.caller(), self._timing.now())
        with aws_errors("stop what waits"):
            write_claim(self._aws, approval_id, brake, self._timing.sleep)
        return brake

    def history(self, key: TaskKey, limit: int = 20) -> Sequence[HistoryLine]:
        """How earlier proposals on this task ended, newest first."""
        with aws_errors("read the task's history"):
            items = self._aws.dynamodb.query(
                TableName=self._aws.resources.table,
                KeyConditionExpression="#pk = :task AND begins_with(#sk, :history)",
                ExpressionAttributeNames={"#pk": keys.PARTITION, "#sk": keys.SORT},
                ExpressionAttributeValues={
                    ":task": {"S": keys.task_partition(key)},
                    ":history": {"S": keys.HISTORY_PREFIX},
                },
                ScanIndexForward=False,
                Limit=limit,
            )["Items"]
        return [line for item in items if (line := records.history_line(item))]

    def track_record(self, counted_as: str, action: Action) -> Sequence[EarlierResults]:
        """What came of proposals on this failure, or of this kind, with this action: one entry for each evaluator's
        each verdict.
        """
        with aws_errors("read the track record"):
            items = self._aws.dynamodb.query(
                TableName=self._aws.resources.table,
                KeyConditionExpression="#pk = :track",
                ExpressionAttributeNames={"#pk": keys.PARTITION},
                ExpressionAttributeValues={":track": {"S": keys.track_partition(counted_as, action)}},
            )["Items"]
        return [records.track_record(item) for item in items]

    def _check_decidable(self, item: records.WireItem, request: DecisionRequest) -> None:
        approval = self._approval(item)
        if approval.status is not Status.WAITING:
            raise _not_waiting(approval)
        if request.approved and approval.claim and approval.claim.brake:
            raise _stopped(approval)
        if request.approved and approval.unknown:
            raise RecordTooNew(
                f"{approval.approval_id} says what this version does not know: {', '.join(approval.unknown)}.",
                "Nothing was sent. Update qlikops to approve it.",
            )
        if request.digest != approval.digest:
            raise ApprovalChanged(
                f"{approval.approval_id} is no longer what was reviewed: its digest is {approval.digest[:ID_DIGITS]}, "
                f"not {request.digest[:ID_DIGITS] or 'empty'}.",
            )
        if records.digest(item) != approval.digest:
            raise ApprovalChanged(
                f"The record of {approval.approval_id} does not agree with its own digest.",
                "Somebody changed it after it was evaluated: do not approve it, and find out who did.",
            )
        if isinstance(request, Approve):
            try:
                approval.proposal.choose(request.option, request.tasks)
            except NotOffered as exc:
                look = f"`qlikops show {approval.approval_id}` lists its options and tasks."
                raise UsageError(f"Nothing was sent to {approval.approval_id}: {exc}.", look) from exc
        check_reason(request, approval)
        if approval.deadline is not None and approval.deadline <= self._timing.now():
            raise ApprovalExpired(f"{approval.approval_id} expired at {codec.format_time(approval.deadline)}.")

    def _send(self, token: str, decision: Decision) -> Sent:
        doing = "send the decision"
        # What it does not say is left out: no tasks at all would mean none of them.
        said = {name: value for name, value in codec.encode(decision).items() if value or name == "approved"}
        payload = codec.dumps(said)
        client = self._aws.sender(decision.decision_id)
        try:
            if decision.approved:
                client.send_task_success(taskToken=token, output=payload)
            else:
                client.send_task_failure(taskToken=token, error=APPROVAL_DENIED, cause=payload)
        except Exception as exc:  # whatever it was, the answer may have gone out
            return callback_failed(exc, doing)
        return Sent.ACCEPTED

    def _settle(self, approval_id: str, decision: Decision, sent: Sent) -> DecisionReceipt:
        """What the ledger says of `decision` once it says anything.

        Raises DecisionUnknown for whatever else happens: by now the answer is out, and only a record that was read
        says whether it counts.
        """
        failed: Exception | None = None
        for reading in self._readings(approval_id, SETTLE_SECONDS):
            if isinstance(reading, Exception):
                failed = reading
                continue
            recorded = reading.decision
            if recorded is not None and recorded.decision_id == decision.decision_id:
                terms = terms_of(recorded, reading.proposal)
                return DecisionReceipt(approval_id, recorded, reading.status, reading.outcome, terms)
            if recorded is not None or reading.status.is_final:
                raise _not_waiting(reading)
        raise _unknown(approval_id, decision, sent, failed) from failed

    def _readings(self, approval_id: str, seconds: float) -> Iterator[ProposalRecord | Exception]:
        """The record or why it could not be read, again and again until `seconds` are over; at least once."""
        end = self._timing.monotonic() + seconds
        pause = _FIRST_PAUSE
        while True:
            left = end - self._timing.monotonic()
            try:
                yield self._approval(self._item(approval_id))
            except Exception as exc:  # whatever it is, the next reading may be better
                yield exc
            if left <= 0:
                return
            self._timing.sleep(min(pause, left))
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _approval(self, item: records.WireItem) -> ProposalRecord:
        return records.approval(item, self._timing.now())

    def _item(self, approval_id: str) -> records.WireItem:
        with aws_errors("read the approval"):
            reply = self._aws.dynamodb.get_item(
                TableName=self._aws.resources.table,
                Key=records.key(keys.approval_partition(approval_id), keys.RECORD),
                ConsistentRead=True,
            )
        if "Item" not in reply:
            raise NotFound(f"There is no approval {approval_id}.", "`qlikops approvals` lists what waits.")
        return reply["Item"]

    def _token(self, approval_id: str) -> str:
        with aws_errors("read the task token"):
            reply = self._aws.dynamodb.get_item(
                TableName=self._aws.resources.table,
                Key=records.key(keys.token_partition(approval_id), keys.TOKEN),
                ConsistentRead=True,
            )
        token = records.text(reply.get("Item", {}), Attribute.TOKEN)
        if token:
            return token
        # Closing a record takes its token away: somebody may have decided since the record was read.
        approval = self._approval(self._item(approval_id))
        if approval.status is not Status.WAITING:
            raise _not_waiting(approval)
        raise QlikopsError(f"{approval_id} waits, but the ledger has no task token for it; nothing was sent.")

    def _full_id(self, approval_id: str) -> str:
        """The id that `approval_id` begins, among those that wait."""
        approval_id = shown(approval_id)
        if len(approval_id) >= ID_DIGITS:
            return approval_id
        if not approval_id:
            raise UsageError("An approval has an id of 12 digits; none was given.")
        waiting = [row.approval_id for row in self.inbox()]
        matching = named(approval_id, waiting, str, parts=False)
        if len(matching) > 1:
            raise UsageError(f"{approval_id} begins several ids: {', '.join(matching[:5])}.", "Give more digits.")
        if not matching:
            raise NotFound(
                f"Nothing that waits has an id beginning with {approval_id}.",
                did_you_mean(approval_id, waiting) or "One that no longer waits needs its whole id.",
            )
        return matching[0]

    def _query(self, **request: Any) -> list[Any]:
        items: list[Any] = []
        with aws_errors("read the inbox"):
            paginator = self._aws.dynamodb.get_paginator("query")
            for page in paginator.paginate(TableName=self._aws.resources.table, **request):
                items.extend(page["Items"])
        return items


def _check_size(decision: Decision) -> None:
    """Raises UsageError for one that the workflow would not take as it is said here."""
    taken = parse_decision(codec.encode(decision)) if decision.tasks else decision
    if set(taken.tasks) != set(decision.tasks):
        raise UsageError(
            f"The names of the {len(decision.tasks)} tasks that are left take more room than an answer has.",
            "Nothing was sent. Leave out more of them, or none.",
        )


def _unknown(approval_id: str, decision: Decision, sent: Sent, failed: Exception | None) -> DecisionUnknown:
    """What is known of a decision that the ledger has said nothing about; `failed` is why it was not read last."""
    name = decision.decision_id
    said = {
        Sent.ACCEPTED: f"Step Functions took decision {name}, but it is not known to be recorded yet.",
        Sent.TOKEN_GONE: f"Decision {name} came too late: {approval_id} was answered, timed out or stopped, and the "
        "ledger does not say which yet.",
        Sent.MAYBE: f"Step Functions' reply to decision {name} was lost, and it is not known to be recorded yet.",
    }[sent]
    if failed is not None:
        why = failed.message if isinstance(failed, QlikopsError) else repr(failed)
        said += f" Its record could not be read: {harmless(why, _WHY_CAP)}"
    return DecisionUnknown(said, f"Look again with `qlikops show {approval_id}` before you do anything else.")


def _stopped(approval: ProposalRecord) -> QlikopsError:
    """Why a proposal that waits takes no claim and no approval any more: its brake is pulled."""
    why = approval.claim.stops_because if approval.claim else ""
    return UsageError(
        f"{approval.approval_id} was {why or 'stopped'}: no task of it would be started, even if it were approved.",
        "Deny it, or leave it to the next run, which closes it and proposes anew what is still down.",
    )


def _not_waiting(approval: ProposalRecord) -> QlikopsError:
    """Why `approval` cannot be decided (any more)."""
    name, decision = approval.approval_id, approval.decision
    if decision is not None:
        word = "approved" if decision.approved else "denied"
        when = f" at {codec.format_time(decision.at)}" if decision.at else ""
        said = f"{name} was already {word} by {decision.who()}{when}."
        return AlreadyDecided(said, decision=decision, status=approval.status)
    if approval.status is Status.EXPIRED:
        return ApprovalExpired(f"{name} has expired.")
    if approval.status.is_final:
        return AlreadyDecided(f"{name} is closed: {approval.status}.", decision=None, status=approval.status)
    return UsageError(f"{name} does not wait for a decision: it is {approval.status}.")
