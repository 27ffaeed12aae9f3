"""Ledger items to domain values: what is damaged or newer is named, and hides nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from qlikops.aws import records
from qlikops.domain.encoding import codec
from qlikops.domain.errors import QlikopsError, RecordTooNew
from qlikops.domain.ledger import INBOX_SORT, RECORD, Attribute, approval_partition
from qlikops.domain.proposals.approval import Claim, EarlierResults, InboxRow, digest_of
from qlikops.domain.proposals.evaluation import Verdict
from tests.unit.domain.samples import EVALUATION, NOON, POLICY, PROPOSAL

ITEM: dict[str, Any] = {
    **records.key(approval_partition(PROPOSAL.proposal_id), RECORD),
    Attribute.VERSION: {"N": "1"},
    Attribute.STATUS: {"S": "waiting"},
    Attribute.UPDATED_AT: {"S": codec.format_time(NOON)},
    Attribute.PROPOSAL: {"S": codec.dumps(PROPOSAL)},
    Attribute.EVALUATION: {"S": codec.dumps(EVALUATION)},
    Attribute.POLICY: {"S": codec.dumps(POLICY)},
    Attribute.CLAIM: {"S": codec.dumps(Claim("ben", NOON + timedelta(minutes=5)))},
    INBOX_SORT: {"N": str(NOON.timestamp())},
}
ROW = InboxRow("0123456789ab", "s/t", "t", "k", "info", "a", "v", "r", None, "rules", 1, NOON, NOON, "d")


def test_a_record_is_read_with_its_claim_until_that_runs_out() -> None:
    found = records.approval(ITEM, NOON)
    assert (found.proposal, found.deadline, found.claim) == (PROPOSAL, NOON, Claim("ben", NOON + timedelta(minutes=5)))
    assert records.approval(ITEM, NOON + timedelta(minutes=5)).claim is None
    assert records.digest(ITEM) == digest_of(PROPOSAL, EVALUATION, POLICY)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({Attribute.PROPOSAL: {"S": ""}}, "APPROVAL#0123456789ab cannot be read: it holds no proposal"),
        ({Attribute.STATUS: {"S": ""}}, "APPROVAL#0123456789ab cannot be read"),
        (records.key(approval_partition("ffffffffffff"), RECORD), "holds another's proposal, 0123456789ab"),
    ],
)
def test_a_damaged_record_is_named(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(QlikopsError, match=said):
        records.approval({**ITEM, **changed}, NOON)


def test_a_newer_record_asks_for_an_update() -> None:
    with pytest.raises(RecordTooNew) as caught:
        records.approval({**ITEM, Attribute.VERSION: {"N": "99"}}, NOON)
    assert caught.value.hint == "Update qlikops."


@pytest.mark.parametrize(
    ("row", "label"),
    [
        (codec.dumps(ROW), "s/t"),
        ("{", "cannot be read: 0123456789ab"),
        ("", "cannot be read: 0123456789ab"),
        ('{"version": 99}', "of a newer qlikops, update this one: 0123456789ab"),
    ],
)
def test_a_row_that_cannot_be_read_waits_all_the_same(row: str, label: str) -> None:
    found = records.inbox_row({**ITEM, Attribute.ROW: {"S": row}, Attribute.CLAIM: {"S": "{"}}, NOON)
    assert (found.approval_id, found.label, found.deadline, found.claim) == ("0123456789ab", label, NOON, None)


def test_earlier_results_are_counts_by_evaluator_and_verdict() -> None:
    item = {**records.key("TRACK#x/resume", "rules/approve"), Attribute.TRIED: {"N": "3"}, Attribute.DENIED: {"N": "1"}}
    assert records.track_record(item) == EarlierResults("rules", Verdict.APPROVE, 3, 0, 1)
    with pytest.raises(QlikopsError, match="TRACK#x/resume cannot be read"):
        records.track_record({**item, **records.key("TRACK#x/resume", "rules/")})
