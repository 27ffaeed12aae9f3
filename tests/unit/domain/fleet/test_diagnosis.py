"""What of a diagnosis may be relied on and said as a fact."""

from __future__ import annotations

import pytest

from qlikops.domain.fleet.diagnosis import Certainty, Diagnosis, FailureClass


def test_the_strictest_class_ranks_first_and_the_unexplained_last() -> None:
    ranks = {kind: kind.rank for kind in FailureClass}
    assert min(ranks, key=ranks.__getitem__) is FailureClass.POSITION_LOST
    assert max(ranks, key=ranks.__getitem__) is FailureClass.UNKNOWN
    assert ranks[FailureClass.ACCESS] < ranks[FailureClass.TRANSIENT], "a login that is refused is not tried again"
    assert [kind for kind in FailureClass if not kind.is_explained] == [FailureClass.UNKNOWN]


@pytest.mark.parametrize(
    ("failure_class", "certainty", "headline"),
    [
        (FailureClass.TRANSIENT, Certainty.KNOWN, "Oracle: The listener was away"),
        (FailureClass.TRANSIENT, Certainty.LIKELY, "Oracle, probably: The listener was away"),
        (FailureClass.UNKNOWN, Certainty.UNKNOWN, ""),
    ],
)
def test_a_list_says_what_is_explained_and_whether_it_is_certain(
    failure_class: FailureClass, certainty: Certainty, headline: str
) -> None:
    diagnosis = Diagnosis("lost", "oracle", failure_class, certainty, "The listener was away.")
    assert diagnosis.is_known is (certainty is Certainty.KNOWN)
    assert diagnosis.headline == headline


@pytest.mark.parametrize(
    ("engine", "says", "headline"),
    [
        ("snowflake", "No warehouse is chosen.", "Snowflake: No warehouse is chosen"),
        ("snowflake", "Snowflake has no warehouse.", "Snowflake has no warehouse"),
        ("network", "The name was not found.", "The name was not found"),
        ("ours", "The night batch holds it.", "The night batch holds it"),
    ],
)
def test_a_list_names_the_engine_once(engine: str, says: str, headline: str) -> None:
    assert Diagnosis("one", engine, FailureClass.FIX_FIRST, Certainty.KNOWN, says).headline == headline
