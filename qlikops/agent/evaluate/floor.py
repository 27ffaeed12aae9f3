"""What a known failure demands of an evaluation, whatever a model thinks: it may add and tighten, never loosen."""

from __future__ import annotations

from dataclasses import replace

from qlikops.agent.decide.policy import NEEDS_HUMAN
from qlikops.agent.evaluate.answer import CAUTION_CAP, RATIONALE_CAP
from qlikops.domain.fleet.diagnosis import Diagnosis, FailureClass
from qlikops.domain.proposals.evaluation import Evaluation, Risk, Verdict
from qlikops.domain.words.text import harmless

_HIGH = frozenset({FailureClass.POSITION_LOST, FailureClass.ACCESS})
"""Classes in which acting wrongly loses data or locks an account."""


def held_to_class(said: Evaluation, diagnosis: Diagnosis | None) -> Evaluation:
    """`said`, no milder than the failure's class, certain or only likely, allows.

    If the policy never lets the class pass by itself, an approval becomes a caution that names what to look at first,
    and the risk is at least medium.
    """
    if diagnosis is None or not diagnosis.failure or diagnosis.failure_class not in NEEDS_HUMAN:
        return said
    least = Risk.HIGH if diagnosis.failure_class in _HIGH else Risk.MEDIUM
    held = replace(said, risk=least) if said.risk not in (least, Risk.HIGH) else said
    if said.verdict is not Verdict.APPROVE:
        return held
    why = f"The model said approve. Held to caution: {NEEDS_HUMAN[diagnosis.failure_class]} ({diagnosis.failure})."
    first = tuple(harmless(words, CAUTION_CAP) for words in (*diagnosis.checks, diagnosis.never) if words)
    return replace(
        held,
        verdict=Verdict.CAUTION,
        rationale=harmless(f"{why} {said.rationale}", RATIONALE_CAP),
        cautions=(*first, *said.cautions),
    )
