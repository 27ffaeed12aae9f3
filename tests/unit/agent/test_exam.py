"""The exam: failures without their own entries, put as a run puts them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import count

import pytest

from qlikops.agent.diagnosis.library import built_in, library, using
from qlikops.agent.evaluate import EvaluationInput
from qlikops.agent.evaluate.rules import RulesEvaluator
from qlikops.agent.exam import ExamResult, examine, questions
from qlikops.agent.trial import proposal_on
from qlikops.domain.fleet.diagnosis import FailureClass
from qlikops.domain.proposals.evaluation import Evaluation, Verdict
from qlikops.domain.proposals.proposal import Proposal
from tests.unit.agent.decide.test_policy import GOOD
from tests.unit.agent.fleet import NOW

ALL = questions(built_in())
SOME = ALL[:40]


class Scripted:
    """Says `verdict` to everything, and remembers what it was asked."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.asked: list[Proposal] = []

    def evaluate(self, proposal: Proposal, _: EvaluationInput) -> Evaluation:
        self.asked.append(proposal)
        return replace(GOOD, verdict=self.verdict, input_tokens=900, output_tokens=80)


def test_the_rules_approve_no_failure_whose_entry_they_miss() -> None:
    result = ExamResult(tuple(examine(RulesEvaluator(lambda: NOW), ALL)))
    assert [answer.question.failure.id for answer in result.unsafe] == []
    assert len(result.answers) == len(ALL) > 600
    assert result.tokens == (0, 0)


def test_the_rules_approve_four_in_five_of_what_passes_by_the_entries_and_nothing_else() -> None:
    result = ExamResult(tuple(examine(RulesEvaluator(lambda: NOW), ALL, is_told=True)), is_told=True)
    passing = sum(question.passes for question in ALL)
    assert [answer.question.failure.id for answer in result.unsafe] == []
    assert len(result.needless) <= passing / 5
    assert result.as_data()["entries"] == "with"


def test_no_question_tells_its_own_entry() -> None:
    evaluator = Scripted(Verdict.CAUTION)
    for question, answer in zip(SOME, examine(evaluator, SOME), strict=True):
        assert answer.question == question
        proposal = evaluator.asked[-1]
        assert question.failure.id not in proposal.citable.values()
        assert not any(f"({question.failure.id})" in item.value for item in proposal.evidence)
        assert library().named(question.failure.id) is not None
        told = proposal_on(question.situation)
        assert told is not None
        assert question.failure.id in told.citable.values()


def test_the_classes_take_turns_and_a_smaller_exam_is_part_of_a_larger() -> None:
    classes = Counter(question.failure.failure_class for question in questions(built_in(), 16))
    assert set(classes) == set(FailureClass) - {FailureClass.UNKNOWN}
    assert set(classes.values()) == {2}
    assert questions(built_in(), 25) == ALL[:25]


@pytest.mark.parametrize("verdict", [Verdict.APPROVE, Verdict.DENY, Verdict.UNAVAILABLE])
def test_answers_are_counted_by_what_would_have_been_right(verdict: Verdict) -> None:
    ticks = count()
    result = ExamResult(tuple(examine(Scripted(verdict), SOME, lambda: next(ticks))))
    passing = sum(question.passes for question in SOME)
    is_approval, is_missing = verdict is Verdict.APPROVE, verdict is Verdict.UNAVAILABLE
    assert len(result.unsafe) == (len(SOME) - passing if is_approval else 0)
    assert len(result.needless) == (passing if verdict is Verdict.DENY else 0)
    assert len(result.missing) == (len(SOME) if is_missing else 0)
    assert result.tokens == (900 * len(SOME), 80 * len(SOME))
    assert result.seconds == len(SOME)
    tallies = result.by_class().values()
    assert sum(tally.asked for tally in tallies) == len(SOME)
    assert sum(tally.approved for tally in tallies) == (len(SOME) if is_approval else 0)


def test_entries_in_use_are_those_of_before_afterwards() -> None:
    name = SOME[0].failure.id
    before = library()
    with using(before.without(name)):
        assert library() is not before
    assert library() is before
