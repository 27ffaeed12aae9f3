from __future__ import annotations

import json
from datetime import timedelta

import pytest

from qlikops.domain.encoding import codec
from qlikops.domain.ledger import INBOX_SORT, Attribute
from qlikops.domain.proposals.approval import Claim, Status, digest_of
from qlikops.domain.proposals.proposal import RECORD_VERSION
from qlikops.domain.proposals.record import read_record, stored_digest
from tests.unit.presentation import samples

RECORD = samples.approval()
ITEM: dict[str, str | int] = {
    Attribute.VERSION: RECORD_VERSION,
    Attribute.STATUS: "waiting",
    Attribute.UPDATED_AT: codec.format_time(samples.NOW),
    Attribute.REQUESTED_AT: codec.format_time(samples.NOW),
    INBOX_SORT: int((samples.NOW + timedelta(hours=4)).timestamp()),
    Attribute.PROPOSAL: codec.dumps(RECORD.proposal),
    Attribute.EVALUATION: codec.dumps(RECORD.evaluation),
    Attribute.POLICY: codec.dumps(RECORD.policy),
    Attribute.DIGEST: RECORD.digest,
    Attribute.CLAIM: codec.dumps(Claim("ben", samples.NOW)),
}


def test_a_record_is_read_with_all_that_its_item_holds() -> None:
    found = read_record(ITEM)

    assert (found.proposal, found.evaluation, found.policy) == (RECORD.proposal, RECORD.evaluation, RECORD.policy)
    assert (found.status, found.digest, found.decision) == (Status.WAITING, RECORD.digest, None)
    assert (found.requested_at, found.deadline) == (samples.NOW, samples.NOW + timedelta(hours=4))
    assert found.claim == Claim("ben", samples.NOW)


def test_a_claim_that_cannot_be_read_takes_nothing_else_with_it() -> None:
    found = read_record({**ITEM, Attribute.CLAIM: '{"by": 7}'})

    assert found.claim is None
    assert found.proposal == RECORD.proposal


def test_a_record_of_a_newer_version_is_not_read() -> None:
    with pytest.raises(codec.NewerVersion):
        read_record({Attribute.VERSION: RECORD_VERSION + 1})
    with pytest.raises(codec.NewerVersion):
        read_record({**ITEM, Attribute.EVALUATION: json.dumps({"version": 99})})


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({Attribute.PROPOSAL: ""}, "no proposal"),
        ({Attribute.EVALUATION: "{"}, "^evaluation: not JSON"),
        ({Attribute.STATUS: ""}, "Status"),
        ({Attribute.UPDATED_AT: "yesterday"}, "yesterday"),
        ({Attribute.REQUESTED_AT: "yesterday"}, "yesterday"),
    ],
)
def test_what_cannot_be_read_is_named(changed: dict[str, str], why: str) -> None:
    with pytest.raises(codec.CodecError, match=why):
        read_record({**ITEM, **changed})


def test_the_stored_digest_covers_fields_that_this_version_does_not_know() -> None:
    assert stored_digest(ITEM) == RECORD.digest

    written = {**json.loads(str(ITEM[Attribute.EVALUATION])), "of_tomorrow": 1}
    changed = stored_digest({**ITEM, Attribute.EVALUATION: json.dumps(written)})

    proposal, policy = (json.loads(str(ITEM[name])) for name in (Attribute.PROPOSAL, Attribute.POLICY))
    assert changed == digest_of(proposal, written, policy) != RECORD.digest
