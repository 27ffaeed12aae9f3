"""What comes back with a task token: an approval, a denial, or neither, and why not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlikops.domain.proposals.approval import Decision
from qlikops.domain.proposals.callback import HOW_TO_DECIDE, NoDecision, parse_decision, parse_denial
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
            "option": "reload",
            "tasks": ["eu-1/orders", "eu-1/a  b"],
            "checked": ["Restore the log\x00."],
        }
    )

    assert (decision.option, decision.tasks) == ("reload", ("eu-1/orders", "eu-1/a  b"))
    assert decision.checked == ("Restore the log.",)
    assert decision.at == NOON
    assert decision.who() == "anna"
    assert decision.is_bound


def test_a_literal_false_denies() -> None:
    assert parse_decision({"approved": False, "reason": "no"}) == Decision(approved=False, reason="no")


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ({"approved": "true"}, '`approved` was "true", not true or false'),
        ({"approved": "\x1b[31mtrue" + "e" * 9000}, '`approved` was "true'),
        ({"approved": 1}, "`approved` was 1, not"),
        ({"approved": 0}, "`approved` was 0, not"),
        ({"approved": 1.5}, "`approved` was 1.5, not"),
        ({"approved": 10**4000}, "`approved` was a large number, not"),
        ({"approved": None}, "`approved` was null, not"),
        ({"approved": {"approved": True}}, "`approved` was an object, not"),
        ({"approved": [True]}, "`approved` was a list, not"),
        ({"Approved": True}, "the output has no `approved`"),
        ({"decision": {"approved": True}}, "the output has no `approved`"),
        ({}, "the output has no `approved`"),
        ([True], "the output was a list, not an object"),
        ("yes", 'the output was "yes", not an object'),
        (True, "the output was true, not an object"),
        (None, "the output was null, not an object"),
        (7, "the output was 7, not an object"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_neither_true_nor_false_is_no_decision_and_says_what_to_send(output: Any, said: str) -> None:
    with pytest.raises(NoDecision) as caught:
        parse_decision(output)

    assert f"the answer was none: {said}" in str(caught.value)
    assert HOW_TO_DECIDE in str(caught.value)
    assert len(str(caught.value)) < 400
    assert str(caught.value).isprintable()


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
    said = output.get("approved") if isinstance(output, dict) else None
    try:
        assert parse_decision(output).approved is said
    except NoDecision:
        assert said is not True
        assert said is not False


@pytest.mark.parametrize(
    ("sent", "seconds"), [(7200.0, 7200), (0.5, 1), (float("nan"), 0), (float("inf"), 0), (True, 0)]
)
def test_a_snooze_may_be_spelled_with_a_fraction(sent: Any, seconds: int) -> None:
    assert parse_decision({"approved": False, "snooze_seconds": sent}).snooze == seconds


@given(st.booleans(), st.integers())
def test_only_a_denial_snoozes_and_not_for_ever(approved: bool, seconds: int) -> None:
    decision = parse_decision({"approved": approved, "snooze_seconds": seconds})

    assert decision.snooze == decision.snooze_seconds
    assert decision.snooze == (0 if approved else min(max(seconds, 0), 30 * 86400))


@pytest.mark.parametrize(
    ("output", "automatic"),
    [
        ({"approved": True, "automatic": True}, True),
        ({"approved": True, "automatic": "true"}, False),
        ({"approved": True, "automatic": 1}, False),
        ({"approved": False, "automatic": True}, False),
    ],
)
def test_only_an_approval_can_say_to_be_automatic(output: dict[str, Any], automatic: bool) -> None:
    assert parse_decision(output).automatic is automatic


@pytest.mark.parametrize(
    ("digest", "kept"), [("ab", "ab"), (7, "7"), ([], "a list"), (False, "false"), ("", ""), (None, "")]
)
def test_a_digest_that_is_none_is_not_the_same_as_no_digest(digest: Any, kept: str) -> None:
    """Else an approval with a broken one would count like the plain AWS CLI's, which is bound to nothing."""
    decision = parse_decision({"approved": True, "digest": digest})
    assert decision.digest == kept
    assert decision.is_bound is bool(kept)


@pytest.mark.parametrize(
    ("tasks", "kept"),
    [
        (None, ()),
        (["a", "b", "a"], ("a", "b")),
        ([], ("a list",)),
        ("orders", ('"orders"',)),
        (["orders", 7], ("a list",)),
        ({"orders": True}, ("an object",)),
        (False, ("false",)),
        (["x" * 20_000, "y" * 19_990], ("x" * 20_000, "y" * 19_990)),
        (["x" * 20_000, "y" * 20_000], ("a list",)),
        (["漢" * 7_000, "字" * 7_000], ("a list",)),
        (['"' * 20_001], ("a list",)),
        ([str(number) for number in range(9_000)], ("a list",)),
        ([""] * 200_000, ("",)),
        (["\ud800"], ("?",)),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_tasks_that_are_none_are_not_the_same_as_all_tasks(tasks: Any, kept: tuple[str, ...]) -> None:
    """Else an approval of a part with a slip in it would be one of the whole group."""
    assert parse_decision({"approved": True, "tasks": tasks}).tasks == kept


@pytest.mark.parametrize(
    ("tasks", "checked", "kept"),
    [
        (None, ["It is."] * 30_000, ("It is.",)),
        (None, [str(number) for number in range(9_000)], ()),
        (["x" * 20_000], [f"{number:02}{'y' * 1_000}" for number in range(15)], 15),
        (["x" * 20_000], [f"{number:02}{'y' * 1_000}" for number in range(20)], 0),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_checks_have_the_room_that_the_tasks_leave(tasks: Any, checked: list[str], kept: tuple[str, ...] | int) -> None:
    decision = parse_decision({"approved": True, "tasks": tasks, "checked": checked})

    assert decision.tasks == tuple(tasks or ())
    assert decision.checked == kept if isinstance(kept, tuple) else len(decision.checked) == kept


@pytest.mark.parametrize(
    ("option", "kept"), [("reload", "reload"), (7, "7"), ([], "a list"), (False, "false"), ("", ""), (None, "")]
)
def test_an_option_that_is_none_is_not_the_same_as_no_option(option: Any, kept: str) -> None:
    assert parse_decision({"approved": True, "option": option}).option == kept


def test_a_denial_is_for_the_whole_proposal() -> None:
    sent = {"approved": False, "option": "reload", "tasks": ["orders"], "checked": ["It is."]}
    assert parse_decision(sent) == Decision(approved=False)
