"""The tree of errors is the one that its module draws, and each says what happened and what to do."""

from __future__ import annotations

import re

import pytest

from qlikops.domain import errors
from qlikops.domain.errors import AlreadyDecided, ApprovalGone, QlikopsError
from qlikops.domain.proposals.approval import Decision, Status


def drawn() -> dict[str, str]:
    """Each error in the docstring's tree, with the one that it hangs below."""
    above: list[str] = []
    found: dict[str, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"([│├└ ─]*)([A-Z]\w+)(?:\s{2,}.*)?$", line):
            depth = len(match[1]) // 4
            above[depth:] = [match[2]]
            found[match[2]] = above[depth - 1] if depth else "Exception"
    return found


def test_the_tree_is_as_it_is_drawn() -> None:
    classes = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Exception)]
    assert {each.__name__: each.__bases__[0].__name__ for each in classes} == drawn()


@pytest.mark.parametrize(
    "error",
    [
        QlikopsError("It failed.", "Try again."),
        AlreadyDecided("It failed.", "Try again.", decision=Decision(True), status=Status.RESTARTING),
    ],
)
def test_the_hint_is_beside_the_message_and_not_in_it(error: QlikopsError) -> None:
    assert (str(error), error.message, error.hint) == ("It failed.", "It failed.", "Try again.")


def test_who_was_faster_travels_with_the_error() -> None:
    error = AlreadyDecided("It is approved.", decision=Decision(True, by="anna"), status=Status.RESTARTING)
    assert error.decision == Decision(True, by="anna")
    assert error.status is Status.RESTARTING


def test_one_that_is_gone_is_named_and_said_not_to_have_been_answered() -> None:
    gone = ApprovalGone("0123456789ab")
    assert "0123456789ab" in gone.message
    assert "Nothing was sent" in gone.hint
