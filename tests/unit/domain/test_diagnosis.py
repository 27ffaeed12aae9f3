"""What of a diagnosis may be relied on and said as a fact."""

from __future__ import annotations

import pytest

from qlikops.domain.diagnosis import Certainty, Diagnosis, FailureClass


def test_the_strictest_class_ranks_first_and_the_unexplained_last() -> None:
    ranks = {kind: kind.rank for kind in FailureClass}
    assert min(ranks, key=ranks.__getitem__) is FailureClass.POSITION_LOST
    assert max(ranks, key=ranks.__getitem__) is FailureClass.UNKNOWN
    assert ranks[FailureClass.ACCESS] < ranks[FailureClass.TRANSIENT], "a login that is refused is not tried again"
    assert [kind for kind in FailureClass if not kind.is_explained] == [FailureClass.UNKNOWN]


@pytest.mark.parametrize("failure_class", [FailureClass.TRANSIENT, FailureClass.UNKNOWN])
@pytest.mark.parametrize("certainty", Certainty)
def test_only_what_is_certain_and_explained_is_said_in_a_list(
    failure_class: FailureClass, certainty: Certainty
) -> None:
    diagnosis = Diagnosis("lost", "oracle", failure_class, certainty, "The listener was away.")
    is_known = certainty is Certainty.KNOWN and failure_class is FailureClass.TRANSIENT
    assert diagnosis.is_known is is_known
    assert diagnosis.headline == ("The listener was away" if is_known else "")
