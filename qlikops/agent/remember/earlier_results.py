"""Earlier results: what came of proposals, counted by failure, action, evaluator and verdict.

A proposal on a failure that is known for certain counts for that failure, any other one for its kind.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from qlikops.agent.remember.entries import record_key
from qlikops.agent.remember.record import StoredRecord
from qlikops.agent.remember.table import Condition, ConditionFailed, Key, Table, Update
from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import EarlierResults, ProposalRecord, Status
from qlikops.domain.proposals.evaluation import Verdict
from qlikops.domain.proposals.lasting import Aftermath
from qlikops.domain.proposals.proposal import Proposal

TRACK_DAYS = 365
"""How long after its last entry a row of earlier results is forgotten."""
_UNCOUNTED = Condition(f"attribute_exists(#{keys.PARTITION}) AND attribute_not_exists(#{Attribute.COUNTED})")


def count(table: Table, approval: ProposalRecord, now: datetime) -> None:
    """Counts a closed proposal, once however often it is asked for; what says nothing of the evaluator is left out.

    A transaction of its own, after the record is final: closing must not wait for a number that many close at once.
    """
    amounts = _amounts(approval)
    key = record_key(approval.approval_id)
    while amounts and (item := table.get(key)) and Attribute.COUNTED not in item:
        known = str(item.get(Attribute.LASTING, ""))
        # A restart may be closed long after it came up: whether it lasted may be known, or become known right now.
        lasted = _lasted(approval, codec.loads(Aftermath, known)) if known else {}
        same = f"#{Attribute.LASTING} = :known" if known else f"attribute_not_exists(#{Attribute.LASTING})"
        unmoved = Condition(f"{_UNCOUNTED.text} AND {same}", {":known": known} if known else {})
        with suppress(ConditionFailed):
            table.commit(
                Update(key, {Attribute.COUNTED: codec.format_time(now)}, condition=unmoved),
                _adding(approval, {**amounts, **lasted}, now),
            )
            return


def of(table: Table, proposal: Proposal) -> EarlierResults:
    """What came of earlier proposals on the same failure with the same action, whatever the evaluation said."""
    items = table.query(keys.track_partition(proposal.counted_as, proposal.action))
    names = (Attribute.TRIED, Attribute.RECOVERED, Attribute.DENIED, Attribute.LASTED, Attribute.FELL_OVER)
    totals = (sum(int(item.get(name, 0)) for item in items) for name in names)
    return EarlierResults("", Verdict.UNAVAILABLE, *totals)


def lasting(record: StoredRecord, aftermath: Aftermath, now: datetime) -> list[Update]:
    """What counts whether a counted restart lasted; of one that is not counted yet, `count` does.

    The caller writes it once, with what ends the follow-up, and only if the record is still counted or not, as read.
    """
    amounts = _lasted(record.approval, aftermath)
    return [_adding(record.approval, amounts, now)] if amounts and record.is_counted and not record.is_forged else []


def _lasted(approval: ProposalRecord, aftermath: Aftermath) -> dict[str, int]:
    """What a restart adds of which every task had come up; nothing if it cannot be said yet whether they lasted."""
    if approval.status is not Status.RESTARTED or not aftermath.is_over:
        return {}
    if aftermath.fell_over:
        return {Attribute.FELL_OVER: 1}
    return {} if aftermath.unclear else {Attribute.LASTED: 1}


def _adding(approval: ProposalRecord, amounts: dict[str, int], now: datetime) -> Update:
    forgotten_at = int((now + timedelta(days=TRACK_DAYS)).timestamp())
    return Update(_key(approval), {keys.TTL: forgotten_at}, add=amounts)


def _key(approval: ProposalRecord) -> Key:
    evaluation = approval.evaluation
    said = (evaluation.evaluator, evaluation.verdict) if evaluation else ("", Verdict.UNAVAILABLE)
    return keys.track_partition(approval.proposal.counted_as, approval.chosen.action), keys.track_sort(*said)


def _amounts(approval: ProposalRecord) -> dict[str, int]:
    """What a closed proposal adds; nothing where neither a person nor the task said whether it was right."""
    status, outcome = approval.status, approval.outcome
    if status is Status.DENIED:
        return {Attribute.DENIED: 1}
    if outcome.was_sent if outcome else status.was_sent:
        return {Attribute.TRIED: 1, Attribute.RECOVERED: int(status is Status.RESTARTED)}
    return {}
