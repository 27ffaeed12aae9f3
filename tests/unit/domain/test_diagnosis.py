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


@pytest.mark.parametrize(
    ("failure_class", "certainty", "headline"),
    [
        (FailureClass.TRANSIENT, Certainty.KNOWN, "The listener was away"),
        (FailureClass.TRANSIENT, Certainty.LIKELY, "probably: The listener was away"),
        (FailureClass.UNKNOWN, Certainty.UNKNOWN, ""),
    ],
)
def test_a_list_says_what_is_explained_and_whether_it_is_certain(
    failure_class: FailureClass, certainty: Certainty, headline: str
) -> None:
    diagnosis = Diagnosis("lost", "oracle", failure_class, certainty, "The listener was away.")
    assert diagnosis.is_known is (certainty is Certainty.KNOWN)
    assert diagnosis.headline == headline
