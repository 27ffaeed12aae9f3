"""Who asks a model, what stands where an evaluator gave no answer, and which risk is worse."""

from __future__ import annotations

import pytest

from qlikops.domain.proposals.evaluation import Evaluation, Risk, Verdict, is_ai
from tests.unit.domain.samples import NOON


@pytest.mark.parametrize(
    ("evaluator", "asks"), [("", False), ("rules", False), ("bedrock", True), ("openai", True), ("of tomorrow", True)]
)
def test_all_but_the_rules_ask_a_model(evaluator: str, asks: bool) -> None:
    assert is_ai(evaluator) is asks


def test_no_answer_is_no_opinion_and_never_a_low_risk() -> None:
    evaluation = Evaluation.unavailable("no answer in 30 s", "bedrock", "prompt 3", NOON)
    assert (evaluation.verdict, evaluation.risk, evaluation.confidence) == (Verdict.UNAVAILABLE, Risk.UNKNOWN, None)
    assert evaluation.unavailable_because == "no answer in 30 s"
    assert (evaluation.evaluator, evaluation.evaluator_version, evaluation.evaluated_at) == (
        "bedrock",
        "prompt 3",
        NOON,
    )


def test_a_risk_that_was_not_judged_ranks_below_high_alone_and_one_that_is_not_known_above_all() -> None:
    worse = (Risk.LOW, Risk.MEDIUM, Risk.UNKNOWN, Risk.HIGH, Risk.read("dire"))
    assert {*Risk} < {*worse}
    ranks = [risk.rank for risk in worse]
    assert ranks == sorted(set(ranks))
    assert Risk.rank_of("") == ranks[-1]
