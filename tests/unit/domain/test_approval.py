from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlikops.domain.approval import Decision, Status, parse_decision, parse_denial
from tests.unit.domain.samples import NOON

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
)


def test_the_plain_aws_cli_approves_without_a_digest() -> None:
    decision = parse_decision({"approved": True})

    assert decision == Decision(approved=True)
    assert not decision.is_bound


def test_our_own_approval_keeps_every_field() -> None:
    decision = parse_decision(
        {
            "approved": True,
            "decision_id": "d1",
            "by": "arn:aws:sts::111111111111:assumed-role/OnCall/anna",
            "at": "2026-03-07T12:00:00Z",
            "reason": "source is back",
            "digest": "ab" * 32,
            "via": "tui",
        }
    )

    assert decision.at == NOON
    assert decision.who() == "anna"
    assert decision.is_bound


@pytest.mark.parametrize("output", [{"approved": False}, {"approved": "true"}, {"approved": 1}, {}, "yes", True, None])
def test_only_a_literal_true_approves(output: Any) -> None:
    assert parse_decision(output).approved is False


def test_wrong_types_in_a_foreign_answer_are_dropped() -> None:
    decision = parse_decision({"approved": True, "by": 7, "at": "soon", "snooze_seconds": "1h", "reason": ["x"]})

    assert decision == Decision(approved=True)


def test_a_denial_carries_our_json_or_plain_text() -> None:
    ours = parse_denial("ApprovalDenied", json.dumps({"reason": "maintenance", "snooze_seconds": 3600}))
    plain = parse_denial("ApprovalDenied", "not tonight")

    assert (ours.reason, ours.snooze_seconds, ours.approved) == ("maintenance", 3600, False)
    assert (plain.reason, plain.error) == ("not tonight", "")


def test_a_denial_that_claims_to_approve_is_a_denial() -> None:
    assert parse_denial("ApprovalDenied", '{"approved": true}').approved is False


def test_a_failure_without_error_and_cause_is_a_denial_without_a_reason() -> None:
    assert parse_denial(None, None) == Decision(approved=False)


@given(json_values)
def test_no_output_whatever_breaks_the_reading(output: Any) -> None:
    decision = parse_decision(output)

    assert decision.approved is (isinstance(output, dict) and output.get("approved") is True)


def test_what_can_still_change_is_not_final() -> None:
    assert [status for status in Status if not status.is_final] == [
        Status.PROPOSED,
        Status.EVALUATED,
        Status.WAITING,
        Status.RESTARTING,
    ]
