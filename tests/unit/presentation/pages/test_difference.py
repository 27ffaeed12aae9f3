"""What changed since somebody looked, field by field."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.domain.fleet.task import Action
from qlikops.domain.proposals.approval import ProposalRecord, digest_of
from qlikops.domain.proposals.evaluation import Finding, Risk, Verdict
from qlikops.presentation.pages.difference import differences
from tests.unit.presentation import samples

OLD = samples.approval()


def said(new: ProposalRecord) -> list[str]:
    return [f"{entry.label}: {entry.text}" for entry in differences(OLD, new)]


def test_the_same_record_has_none_even_if_somebody_claims_it() -> None:
    assert said(replace(OLD, updated_at=samples.NOW + timedelta(minutes=1))) == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"action": Action.RELOAD}, "resume: resume from where it stopped (RESUME_PROCESSING) -> nothing"),
        ({"tasks": ("sales-orders", "stock")}, "Tasks 3: nothing -> 2 tasks, 84 tables"),
        ({"message": "ORA-00308"}, "e1: message: ORA-12541: TNS: no listener -> message: ORA-00308"),
        ({"cause": "source ORA"}, "Cause: nothing -> source ORA"),
    ],
)
def test_a_changed_proposal(changed: dict[str, Any], expected: str) -> None:
    assert any(entry.startswith(expected) for entry in said(samples.approval(samples.proposal(**changed))))


def test_a_changed_evaluation() -> None:
    new = samples.evaluation(Verdict.DENY, Risk.HIGH, findings=(Finding("It was dropped on purpose.", ("e2",)),))
    changed = said(samples.approval(assessed=new))
    assert "So the AI: would approve, 92% sure, risk low -> would deny, 92% sure, risk HIGH" in changed
    assert any(entry.endswith("-> It was dropped on purpose. [e2 state]") for entry in changed)


def test_a_changed_deadline_alone() -> None:
    (changed,) = said(replace(OLD, deadline=samples.NOW))
    assert changed == "deadline: 2026-03-07 15:08:00 UTC -> 2026-03-07 11:20:00 UTC"


def test_a_change_that_is_not_shown_is_still_a_change() -> None:
    assert OLD.evaluation is not None
    assessed = replace(OLD.evaluation, evaluated_at=samples.NOW + timedelta(seconds=7))
    digest = digest_of(OLD.proposal, assessed, OLD.policy)  # type: ignore[arg-type]
    first, second = said(replace(OLD, evaluation=assessed, digest=digest))
    assert "nothing that is shown reads differently" in first
    assert second == f"digest: {OLD.digest[:12]} -> {digest[:12]}"


def test_hostile_text_on_either_side_is_only_text() -> None:
    changed = said(samples.approval(samples.proposal(title=samples.HOSTILE, message=samples.HOSTILE)))
    assert changed
    assert all(char.isprintable() for entry in changed for char in entry)
