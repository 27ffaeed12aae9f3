"""A proposal's record as it lies in the ledger, read back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from qlikops.agent.table import Item
from qlikops.domain import codec
from qlikops.domain import ledger as keys
from qlikops.domain.approval import Approval, Claim, Decision, Outcome, Status, digest_of
from qlikops.domain.errors import RecordTooNew
from qlikops.domain.evaluation import Evaluation, PolicyResult
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposal import RECORD_VERSION, Proposal

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Record:
    """A proposal's record, and whether what is stored is still what its digest was taken over."""

    approval: Approval
    intact: bool
    """The digest over the stored JSON is the stored digest; false where there is none yet."""


def record_of(proposal_id: str, item: Item) -> Record:
    """The record in `item`. Raises RecordTooNew for one that a newer version wrote."""
    if int(item[Attribute.VERSION]) > RECORD_VERSION:
        raise RecordTooNew(
            f"{proposal_id} was written by a newer qlikops (record version {item[Attribute.VERSION]})",
            "Deploy that version, or wait until its proposals are closed.",
        )
    moment = item.get(keys.INBOX_SORT)
    approval = Approval(
        proposal=codec.loads(Proposal, str(item[Attribute.PROPOSAL])),
        status=Status(str(item[Attribute.STATUS])),
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
    return Record(approval, intact=bool(approval.digest) and approval.digest == _stored_digest(item))


def _stored_digest(item: Item) -> str:
    parts = (json.loads(str(item[name])) for name in (Attribute.PROPOSAL, Attribute.EVALUATION, Attribute.POLICY))
    return digest_of(*parts)


def _optional(cls: type[T], item: Item, name: str) -> T | None:
    return codec.loads(cls, str(item[name])) if name in item else None
