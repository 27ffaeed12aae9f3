"""One deed on several things: what is said if it ends in the middle."""

from __future__ import annotations

import pytest

from qlikops.cli.one_by_one import one_by_one


@pytest.mark.parametrize("ended_by", [KeyboardInterrupt(), RuntimeError("a fault of ours")])
def test_what_ends_in_the_middle_says_how_far_it_came(
    capsys: pytest.CaptureFixture[str], ended_by: BaseException
) -> None:
    def deed(name: str) -> None:
        if name == "second":
            raise ended_by

    with pytest.raises(type(ended_by)):
        one_by_one(("first", "second", "third"), deed)
    assert capsys.readouterr().err.splitlines() == [
        "Sent before: first. second may have been sent or not.",
        "Not sent: third.",
    ]


def test_one_alone_that_is_interrupted_says_nothing_of_others(capsys: pytest.CaptureFixture[str]) -> None:
    def deed(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        one_by_one(("first", "first"), deed)
    assert not capsys.readouterr().err
