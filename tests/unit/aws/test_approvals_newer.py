"""An older console beside what a newer agent wrote: it says so, and approves nothing that it does not understand."""

from __future__ import annotations

import json

import pytest

from qlikops.agent.remember.ledger import Ledger
from qlikops.aws.approvals import LedgerApprovals
from qlikops.domain.encoding import codec
from qlikops.domain.errors import QlikopsError, RecordTooNew
from qlikops.domain.ports import Approve, Deny
from qlikops.domain.proposals.approval import Status, digest_of
from tests.unit.aws.conftest import ID, FakeConnection, Workflow, wait_for_approval
from tests.unit.aws.test_approvals_deciding import set_attribute


@pytest.fixture
def digest(ledger: Ledger) -> str:
    return wait_for_approval(ledger)


@pytest.mark.parametrize("attribute", ["proposal", "evaluation", "policy"])
def test_what_this_version_does_not_understand_can_be_denied_and_not_approved(
    approvals: LedgerApprovals, connection: FakeConnection, workflow: Workflow, digest: str, attribute: str
) -> None:
    key = {"pk": {"S": f"APPROVAL#{ID}"}, "sk": {"S": "RECORD"}}
    item = connection.dynamodb.get_item(TableName=connection.resources.table, Key=key)["Item"]
    parts = {name: json.loads(item[name]["S"]) for name in ("proposal", "evaluation", "policy")}
    parts[attribute][{"proposal": "action", "evaluation": "verdict", "policy": "mode"}[attribute]] = "rewind"
    for name, part in parts.items():
        set_attribute(connection, name, {"S": codec.dumps(part)})
    digest = digest_of(parts["proposal"], parts["evaluation"], parts["policy"])
    set_attribute(connection, "digest", {"S": digest})

    with pytest.raises(RecordTooNew, match="rewind") as failure:
        approvals.decide(ID, Approve(digest))
    assert "Update qlikops" in failure.value.hint
    assert workflow.sent == []

    assert approvals.decide(ID, Deny(digest, "not understood")).status is Status.DENIED


@pytest.mark.parametrize("approved", [True, False])
def test_what_stands_in_a_way_that_nobody_knows_here_cannot_be_decided(
    approvals: LedgerApprovals, connection: FakeConnection, workflow: Workflow, digest: str, approved: bool
) -> None:
    set_attribute(connection, "status", {"S": "second_opinion"})

    with pytest.raises(QlikopsError, match="second_opinion"):
        approvals.decide(ID, (Approve if approved else Deny)(digest, "no"))
    assert workflow.sent == []


@pytest.mark.usefixtures("digest")
@pytest.mark.parametrize("attribute", ["proposal", "evaluation", "policy", "decision", "outcome"])
def test_a_newer_document_in_a_record_asks_for_an_update_whatever_is_in_it(
    approvals: LedgerApprovals, connection: FakeConnection, attribute: str
) -> None:
    set_attribute(connection, attribute, {"S": '{"version": 2, "kind": {"of": "the future"}}'})

    with pytest.raises(RecordTooNew) as failure:
        approvals.approval(ID)
    assert failure.value.hint == "Update qlikops."


@pytest.mark.usefixtures("digest")
def test_a_newer_row_waits_in_the_inbox_and_says_what_to_do(
    approvals: LedgerApprovals, connection: FakeConnection
) -> None:
    set_attribute(connection, "row", {"S": '{"version": 2, "task_count": {"of": "the future"}}'})

    (row,) = approvals.waiting()
    assert row.approval_id == ID
    assert "newer qlikops" in row.label
