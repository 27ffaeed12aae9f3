"""What a known failure becomes: the kind follows from its class and certainty, the words from its entry."""

from __future__ import annotations

from collections import Counter

import pytest

from qlikops.agent.diagnosis.engines import EVERYWHERE
from qlikops.agent.diagnosis.entry import HARMLESS, Failure
from qlikops.agent.diagnosis.library import built_in
from qlikops.agent.diagnosis.messages import is_proof, judge
from qlikops.agent.diagnosis.ranking import explain
from qlikops.domain.anomaly import AnomalyKind
from qlikops.domain.diagnosis import Certainty, FailureClass
from qlikops.domain.evaluation import Verdict
from qlikops.domain.proposal import Proposal
from qlikops.domain.task import TaskFacts
from tests.unit.agent.evaluate.test_rules import evaluate
from tests.unit.agent.fleet import failed, poll_twice
from tests.unit.agent.propose.test_correlation import only_proposal

HARMLESS_EXAMPLES = [
    (failure, example)
    for entries in built_in()
    for failure in entries.failures
    if failure.failure_class in HARMLESS
    for example in failure.examples
]
DEADLOCK = "ORA-00060: deadlock detected while waiting for resource"
LIKELY = f"{DEADLOCK}; the frobnicator is gone"


def failed_with(failure: Failure, message: str) -> TaskFacts:
    engine = "" if failure.engine in EVERYWHERE else failure.engine
    return failed(message=message, source_type=engine, target_type="")


def recognised(proposal: Proposal) -> list[str]:
    return [item.value for item in proposal.evidence if item.label == "message recognised as"]


def test_what_a_resume_mends_is_of_the_kind_that_says_so_and_nothing_else_is() -> None:
    kinds = Counter[tuple[FailureClass, bool]]()
    for failure, example in HARMLESS_EXAMPLES:
        facts = failed_with(failure, example)
        proposal = only_proposal(poll_twice(facts))
        passes = judge(facts).diagnosis.automatic
        expected = AnomalyKind.FATAL_TRANSIENT if passes else AnomalyKind.FATAL_UNKNOWN
        assert proposal.kind is expected, example
        assert all(map(is_proof, recognised(proposal))) is passes, example
        kinds[failure.failure_class, passes] += 1
    assert min(kinds[each, True] for each in HARMLESS) > 50


def test_words_come_from_the_entry() -> None:
    proposal = only_proposal(poll_twice(failed(message=DEADLOCK)))
    found = explain(DEADLOCK).diagnosis
    assert proposal.title == f"sales-orders: {found.headline}"
    assert proposal.reason.startswith(f"{found.says} Replicate has stopped retrying; a plain resume works.")
    assert recognised(proposal) == ["retry_now (oracle-deadlock)"]
    assert evaluate(proposal).verdict is Verdict.APPROVE


def test_what_is_only_likely_is_shown_and_gated() -> None:
    proposal = only_proposal(poll_twice(failed(message=LIKELY)))
    found = proposal.diagnosis
    assert found is not None
    assert (found.failure_class, found.certainty) == (FailureClass.RETRY_NOW, Certainty.LIKELY)
    assert proposal.kind is AnomalyKind.FATAL_UNKNOWN
    assert proposal.title == f"sales-orders: Oracle, probably: {found.says.rstrip('.')}"
    assert found.says in proposal.reason
    (words,) = recognised(proposal)
    assert words.startswith("probably retry_now (oracle-deadlock): it may pass by itself, but it also says “")
    assert not is_proof(words)
    evaluation = evaluate(proposal)
    assert evaluation.verdict is Verdict.CAUTION
    assert found.says.rstrip(".") in evaluation.rationale


@pytest.mark.parametrize("words", ["retry_now (oracle-no-listener)", "connectivity (oracle-deadlock)", "retry_now (x)"])
def test_words_of_another_class_prove_nothing(words: str) -> None:
    assert not is_proof(words)
