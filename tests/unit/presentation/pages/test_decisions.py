"""Weeks of decisions in numbers, without a name."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from qlikops.domain.gathered.decisions import ByVerdict, Decisions, Shadow
from qlikops.domain.proposals.evaluation import Verdict
from qlikops.presentation.pages import decisions
from qlikops.presentation.tone import as_text
from tests.unit.presentation.samples import NOW

FOUND = Decisions(
    since=NOW - timedelta(days=30),
    until=NOW,
    closed=40,
    verdicts=(ByVerdict("rules", Verdict.APPROVE, 30, 1, 3),),
    median_seconds=240,
    longest_seconds=3600,
    approved=34,
    automatic=2,
    automatic_fell_over=(("cdef01234567", "eu/stock: fell over after 3 min"),),
    came_up=33,
    lasted=30,
    fell_over=(("0123456789ab", "eu/orders: fell over after 7 min"),),
    denied=3,
    denied_right=1,
    denied_restarted=2,
    shadow=(Shadow("oracle-no-listener", 34, 31, ()), Shadow("FATAL_UNKNOWN", 2, 1, ("ba9876543210",))),
)


def test_it_says_what_was_decided_what_came_of_it_and_what_the_policy_would_have_done() -> None:
    text = as_text(decisions.sections(FOUND))
    for words in (
        "40 that ended: 34 approved, 3 denied, 2 restarted by the policy",
        "4m00s (median), at most 1h00m",
        "30 approved, 1 denied, 3 not decided",
        "came up 33, lasted 30, fell over 1",
        "restarted 2, fell over 1",
        "0123456789ab eu/orders: fell over after 7 min",
        "cdef01234567 eu/stock: fell over after 3 min",
        "3; of 2 restarted within a day after all, 1 did not last",
        "would have restarted 32 of 36 by itself, 1 wrongly",
        "would have restarted 31 of 34 by itself, 0 wrongly",
        "denied, failed or fell over: ba9876543210",
    ):
        assert words in text


def test_nothing_is_said_of_what_there_was_none_of() -> None:
    none = replace(
        FOUND,
        closed=0,
        verdicts=(),
        median_seconds=None,
        longest_seconds=None,
        approved=0,
        automatic=0,
        automatic_fell_over=(),
        fell_over=(),
        denied=0,
        shadow=(),
        is_complete=False,
    )
    text = as_text(decisions.sections(none, mine=True))
    assert "0 that you decided" in text
    assert "the oldest are missing" in text
    assert "restarted" not in text


def test_what_a_newer_version_wrote_is_left_out_and_named() -> None:
    text = as_text(decisions.sections(replace(FOUND, too_new=("aaaa01234567",))))
    assert "aaaa01234567: a newer qlikops wrote them; update this one to count them" in text
