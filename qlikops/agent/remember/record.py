"""A proposal's record as it lies in the ledger: read back, and kept within what one item may hold."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from qlikops.agent.remember.table import Item
from qlikops.domain import ledger as keys
from qlikops.domain.approval import Claim, Decision, Outcome, ProposalRecord, Status, digest_of
from qlikops.domain.encoding import codec
from qlikops.domain.errors import RecordTooNew
from qlikops.domain.evaluation import Evaluation, PolicyResult
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposal import RECORD_VERSION, Proposal
from qlikops.domain.text import harmless

T = TypeVar("T")

OUTCOME_BYTES = 120_000
"""Of an outcome as JSON. A DynamoDB item has 400 KB, and the proposal, whose tasks it names again, shares it."""
_DETAIL_CAPS = (300, 100, 40)
"""Characters that are kept of what is said of each task, tried one after another."""


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A proposal's record, and whether what is stored is still what its digest was taken over."""

    approval: ProposalRecord
    intact: bool
    """The digest over the stored JSON is the stored digest; false where there is none yet."""

    @property
    def is_forged(self) -> bool:
        """Whether somebody changed it after it was evaluated: then it says nothing of the tasks that it names."""
        return not self.intact and (bool(self.approval.digest) or self.approval.evaluation is not None)


def record_of(proposal_id: str, item: Item) -> StoredRecord:
    """The record in `item`. Raises RecordTooNew for one that a newer version wrote."""
    if int(item[Attribute.VERSION]) > RECORD_VERSION:
        raise _too_new(proposal_id, int(item[Attribute.VERSION]))
    try:
        return _read(item)
    except codec.NewerVersion as exc:
        raise _too_new(proposal_id, exc.version) from exc


def _too_new(proposal_id: str, version: int) -> RecordTooNew:
    return RecordTooNew(
        f"{proposal_id} was written by a newer qlikops (record version {version})",
        "Deploy that version, or wait until its proposals are closed.",
    )


def _read(item: Item) -> StoredRecord:
    moment = item.get(keys.INBOX_SORT)
    approval = ProposalRecord(
        proposal=codec.loads(Proposal, str(item[Attribute.PROPOSAL])),
        status=Status.read(str(item[Attribute.STATUS])),
        updated_at=codec.parse_time(str(item[Attribute.UPDATED_AT])),
        evaluation=_optional(Evaluation, item, Attribute.EVALUATION),
        policy=_optional(PolicyResult, item, Attribute.POLICY),
        digest=str(item.get(Attribute.DIGEST, "")),
        requested_at=codec.parse_time(str(item[Attribute.REQUESTED_AT])) if Attribute.REQUESTED_AT in item else None,
        deadline=datetime.fromtimestamp(int(moment), UTC) if moment is not None else None,
        decision=_optional(Decision, item, Attribute.DECISION),
        outcome=_optional(Outcome, item, Attribute.OUTCOME),
        claim=_optional(Claim, item, Attribute.CLAIM),
        version=int(item[Attribute.VERSION]),
    )
    return StoredRecord(approval, intact=bool(approval.digest) and approval.digest == _stored_digest(item))


def bounded(outcome: Outcome) -> Outcome:
    """`outcome` with as much of what is said of each task as fits; who and how it ended always stay."""
    for cap in _DETAIL_CAPS:
        if _fits(outcome):
            return outcome
        cut = (replace(target, detail=harmless(target.detail, cap)) for target in outcome.targets)
        outcome = replace(outcome, targets=tuple(cut))
    if _fits(outcome):
        return outcome
    bare = (replace(target, detail="", before="", after="") for target in outcome.targets)
    return replace(outcome, targets=tuple(bare))


def _fits(outcome: Outcome) -> bool:
    return len(codec.dumps(outcome).encode("utf-8", "surrogatepass")) <= OUTCOME_BYTES


def _stored_digest(item: Item) -> str:
    parts = (json.loads(str(item[name])) for name in (Attribute.PROPOSAL, Attribute.EVALUATION, Attribute.POLICY))
    return digest_of(*parts)


def _optional(cls: type[T], item: Item, name: str) -> T | None:
    return codec.loads(cls, str(item[name])) if name in item else None
