"""Evidence as it is numbered, cut and spelled."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlikops.agent.diagnosis.evidence import (
    EVIDENCE_CAP,
    VALUE_CAP,
    Label,
    numbered,
    shortened,
    state_text,
    with_evidence,
)
from qlikops.domain.fleet.task import StopReason, TaskState
from tests.unit.agent.fakes import proposal
from tests.unit.agent.fleet import failed, task


def test_evidence_is_numbered_without_gaps_made_harmless_and_bounded() -> None:
    found = numbered([("state", "ERROR"), ("message", ""), ("seen", "\x1b[31mred" + "x" * 999)])
    assert [(each.id, each.label) for each in found] == [("e1", "state"), ("e2", "seen")]
    assert found[1].value.startswith("redx")
    assert len(found[1].value) == VALUE_CAP
    assert len(numbered([("state", "x")] * 50)) == EVIDENCE_CAP
    assert len(numbered([("state", "x")] * 50, cap=2)) == 2


def test_one_more_piece_of_evidence_comes_last() -> None:
    before = proposal()
    after = with_evidence(before, Label.PROBE, "ORA takes logins")
    assert [each.value for each in after.evidence] == [*(each.value for each in before.evidence), "ORA takes logins"]
    assert after.evidence[-1].id == f"e{len(before.evidence) + 1}"


@given(st.text(max_size=90), st.integers(20, 60), st.text(max_size=50))
def test_what_is_shortened_fits(message: str, cap: int, passage: str) -> None:
    assert len(shortened(message, cap, passage)) <= cap


@pytest.mark.parametrize(
    ("message", "passage", "kept"),
    [
        ("short", "short", "short"),
        ("a" * 60, "", "a" * 29 + "…"),
        ("code " + "a" * 60, "code", "code " + "a" * 24 + "…"),
        ("a" * 60 + " ORA-1", "ORA-1", "a" * 20 + " … ORA-1 …"),
    ],
)
def test_the_telling_passage_is_kept(message: str, passage: str, kept: str) -> None:
    assert shortened(message, 30, passage) == kept


def test_a_state_that_is_not_known_here_is_spelled_as_enterprise_manager_does() -> None:
    assert state_text(failed()) == "ERROR (FATAL_ERROR)"
    assert state_text(task()) == "RUNNING"
    odd = replace(
        failed(),
        state=TaskState.UNKNOWN,
        raw_state="Warming",
        stop_reason=StopReason.UNKNOWN,
        raw_stop_reason="Moon phase",
    )
    assert state_text(odd) == "Warming (Moon phase)"
    assert state_text(replace(odd, raw_state="", raw_stop_reason="")) == "UNKNOWN (UNKNOWN)"
