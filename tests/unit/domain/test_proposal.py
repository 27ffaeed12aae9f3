"""What a proposal is called, and the card of it that travels through the state machine."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from qlikops.domain.diagnosis import Certainty, Diagnosis, FailureClass
from qlikops.domain.encoding import codec
from qlikops.domain.proposal import ProposalSummary
from qlikops.domain.task import TaskKey
from tests.unit.domain.samples import PROPOSAL


def test_the_card_of_a_large_proposal_stays_small() -> None:
    card = codec.dumps(ProposalSummary.of(PROPOSAL))

    assert json.loads(card)["tasks"] == ["replicate-eu-1/sales-orders"]
    assert codec.parse_time("2026-01-01T00:00:00Z") == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("name", ["x" * 500, "\u8ba2\u5355" * 250, "\U0001f600" * 100])
def test_the_card_travels_in_4_kb_whatever_script_its_names_are_in(name: str) -> None:
    target = replace(PROPOSAL.targets[0], key=TaskKey("default", name, name))
    card = ProposalSummary.of(replace(PROPOSAL, title=name, reason=name * 4, targets=(target,) * 500))
    assert len(json.dumps(codec.encode(card))) <= 4096
    assert (card.task_count, len(card.tasks)) == (500, 10)


def test_one_task_is_called_by_its_name_and_several_by_what_they_have_in_common() -> None:
    assert PROPOSAL.label == "replicate-eu-1/sales-orders"
    several = replace(PROPOSAL, targets=PROPOSAL.targets * 2, cause="source ORA-PROD on replicate-eu-1")
    assert several.label == "2 tasks: source ORA-PROD on replicate-eu-1"


@pytest.mark.parametrize(
    ("diagnosis", "is_explained"),
    [
        (None, False),
        (Diagnosis(), False),
        (Diagnosis("lost", failure_class=FailureClass.TRANSIENT, certainty=Certainty.LIKELY), False),
        (Diagnosis("lost", failure_class=FailureClass.TRANSIENT, certainty=Certainty.KNOWN), True),
    ],
)
def test_it_is_explained_only_if_that_is_certain(diagnosis: Diagnosis | None, is_explained: bool) -> None:
    assert replace(PROPOSAL, diagnosis=diagnosis).is_explained is is_explained
