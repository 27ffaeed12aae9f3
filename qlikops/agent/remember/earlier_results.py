"""The track record: what came of proposals, counted by failure, action, evaluator and verdict.

A proposal on a failure that is known for certain counts for that failure, any other one for its kind.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from qlikops.agent.remember.table import Condition, ConditionFailed, Table, Update
from qlikops.domain import ledger as keys
from qlikops.domain.approval import ProposalRecord, Status
from qlikops.domain.encoding import codec
from qlikops.domain.evaluation import Verdict
from qlikops.domain.ledger import Attribute

TRACK_DAYS = 365
"""How long after its last entry a track record is forgotten."""
_UNCOUNTED = Condition(f"attribute_exists(#{keys.PARTITION}) AND attribute_not_exists(#{Attribute.COUNTED})")


def count(table: Table, approval: ProposalRecord, now: datetime) -> None:
    """Counts a closed proposal, once however often it is asked for; what says nothing of the evaluator is left out.

    A transaction of its own, after the record is final: closing must not wait for a number that many close at once.
    """
    amounts = _amounts(approval)
    if not amounts:
        return
    evaluation = approval.evaluation
    said = (evaluation.evaluator, evaluation.verdict) if evaluation else ("", Verdict.UNAVAILABLE)
    partition = keys.track_partition(approval.proposal.counted_as, approval.chosen.action)
    forgotten_at = int((now + timedelta(days=TRACK_DAYS)).timestamp())
    record = (keys.approval_partition(approval.approval_id), keys.RECORD)
    try:
        table.commit(
            Update(record, {Attribute.COUNTED: codec.format_time(now)}, condition=_UNCOUNTED),
            Update((partition, keys.track_sort(*said)), {keys.TTL: forgotten_at}, add=amounts),
        )
    except ConditionFailed:
        return


def _amounts(approval: ProposalRecord) -> dict[str, int]:
    """What a closed proposal adds; nothing where neither a person nor the task said whether it was right."""
    status, outcome = approval.status, approval.outcome
    if status is Status.DENIED:
        return {Attribute.DENIED: 1}
    if outcome.was_sent if outcome else status.was_sent:
        return {Attribute.TRIED: 1, Attribute.RECOVERED: int(status is Status.RESTARTED)}
    return {}
