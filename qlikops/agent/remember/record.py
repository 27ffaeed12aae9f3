"""A proposal's record as it lies in the ledger: read back, and kept within what one item may hold."""

from __future__ import annotations

from dataclasses import field, replace

from qlikops.agent.remember.table import Item
from qlikops.dataclass import dataclass
from qlikops.domain.encoding import codec
from qlikops.domain.errors import RecordTooNew
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.approval import Outcome, ProposalRecord
from qlikops.domain.proposals.record import read_record, stored_digest
from qlikops.domain.words.text import harmless

OUTCOME_BYTES = 120_000
"""Bytes of an outcome as JSON. A DynamoDB item has 400 KB, and the proposal, whose tasks it names again, shares it."""
_DETAIL_CAPS = (300, 100, 40)
"""Characters that are kept of what is said of each task, tried one after another."""


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A proposal's record, and whether what is stored is still what its digest was taken over."""

    approval: ProposalRecord
    intact: bool
    """The digest over the stored JSON is the stored digest; false where there is none yet."""
    starts: int = 0
    """How often the start of one of its tasks has been marked."""
    is_counted: bool = field(default=False, compare=False)
    """Whether the earlier results have what came of it; whether it lasted goes there with that, or after it."""

    @property
    def is_forged(self) -> bool:
        """Whether it was changed after it was evaluated: then it says nothing of the tasks that it names."""
        return not self.intact and (bool(self.approval.digest) or self.approval.evaluation is not None)


def record_of(proposal_id: str, item: Item) -> StoredRecord:
    """The record in `item`. Raises RecordTooNew for one that a newer version wrote."""
    try:
        approval = read_record(item)
    except codec.NewerVersion as exc:
        raise RecordTooNew(
            f"{proposal_id} was written by a newer qlikops (record version {exc.version})",
            "Deploy that version, or wait until its proposals are closed.",
        ) from exc
    is_intact = bool(approval.digest) and approval.digest == stored_digest(item)
    return StoredRecord(approval, is_intact, int(item.get(Attribute.STARTS, 0)), Attribute.COUNTED in item)


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
