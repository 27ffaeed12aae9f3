"""No model talks a known failure's class down: for each class, whatever it says."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from qlikops.agent.decide.policy import NEEDS_HUMAN
from qlikops.agent.evaluate.answer import RATIONALE_CAP
from qlikops.agent.evaluate.floor import held_to_class
from qlikops.domain.fleet.diagnosis import Certainty, Diagnosis, FailureClass
from qlikops.domain.proposals.evaluation import Risk, Verdict
from tests.unit.agent.decide.test_policy import GOOD

_MILD_FIRST = (Risk.LOW, Risk.MEDIUM, Risk.HIGH)
_VERDICTS = (Verdict.APPROVE, Verdict.CAUTION, Verdict.DENY)


def known(kind: FailureClass, certainty: Certainty = Certainty.KNOWN) -> Diagnosis:
    return Diagnosis("some-failure", "oracle", kind, certainty, "It broke.", ("Mend it.", "Look."), never="A reload.")


@pytest.mark.parametrize("kind", FailureClass)
def test_an_answer_is_never_milder_than_the_class_and_never_than_itself(kind: FailureClass) -> None:
    least = Risk.HIGH if kind in (FailureClass.POSITION_LOST, FailureClass.ACCESS) else Risk.MEDIUM
    for certainty, verdict, risk in itertools.product((Certainty.KNOWN, Certainty.LIKELY), _VERDICTS, _MILD_FIRST):
        said = replace(GOOD, verdict=verdict, risk=risk)
        held = held_to_class(said, known(kind, certainty))
        if kind in NEEDS_HUMAN:
            assert held.verdict is (Verdict.CAUTION if verdict is Verdict.APPROVE else verdict)
            assert held.risk is max(risk, least, key=_MILD_FIRST.index)
        else:
            assert held == said


def test_a_withdrawn_approval_says_why_and_what_to_look_at_first() -> None:
    said = replace(GOOD, rationale="It is fine. " * 200, cautions=("Watch it.",))
    held = held_to_class(said, known(FailureClass.FIX_FIRST))
    assert held.rationale.startswith("The model said approve. Held to caution: a resume alone fails again")
    assert "(some-failure)" in held.rationale
    assert len(held.rationale) <= RATIONALE_CAP
    assert held.cautions == ("Mend it.", "Look.", "A reload.", "Watch it.")


@pytest.mark.parametrize("diagnosis", [None, Diagnosis(), Diagnosis(runners_up=("some-failure",))])
def test_what_nobody_knows_is_left_to_the_model(diagnosis: Diagnosis | None) -> None:
    assert held_to_class(GOOD, diagnosis) == GOOD
