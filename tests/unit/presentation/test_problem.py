"""Errors in words: what happened, what did not, what to do."""

from __future__ import annotations

import pytest

from qlikops.domain.errors import (
    AlreadyDecided,
    ApprovalGone,
    Offline,
    QlikopsError,
    Unreachable,
    UsageError,
)
from qlikops.domain.proposals.approval import Decision, Status
from qlikops.presentation.problem import explain
from tests.unit.presentation.samples import NOW


class TestTrouble:
    def test_somebody_who_was_faster_is_named(self) -> None:
        faster = Decision(True, by="arn:aws:iam::1:user/bob", at=NOW, reason="on the phone")
        said = str(explain(AlreadyDecided("too late", decision=faster, status=Status.RESTARTING)))
        assert "approved by bob at 11:20:00 UTC: on the phone" in said

    def test_our_own_hint_comes_before_the_general_one(self) -> None:
        assert explain(Offline("x", "Start the VPN.")).hint == "Start the VPN."

    @pytest.mark.parametrize("error", [QlikopsError("what"), UsageError("what"), ValueError("what")])
    def test_every_error_has_words(self, error: Exception) -> None:
        assert "what" in str(explain(error))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            AlreadyDecided("It is closed.", decision=None, status=None),
            "Closed: It is closed. What you sent did not count. If the task is still broken, a later run asks again.",
        ),
        (ApprovalGone("0123456789ab"), "Gone: 0123456789ab has no record any more"),
        (QlikopsError("No full stop", "Do this."), "Failed: No full stop. Do this."),
        (QlikopsError("No hint"), "Failed: No hint"),
        (ValueError("\x1b[31mred"), "Fault: ValueError: red. Please report it."),
    ],
)
def test_an_error_says_what_happened_and_then_what_to_do(error: Exception, said: str) -> None:
    assert str(explain(error)).startswith(said)


@pytest.mark.parametrize(
    "kind", [each for each in Unreachable.__subclasses__() if each.__module__ == Unreachable.__module__]
)
def test_whatever_keeps_one_from_the_environment_has_a_title_and_a_remedy(kind: type[Unreachable]) -> None:
    assert explain(kind("x")).title != "Failed"
    assert explain(kind("x")).hint.endswith(".")
