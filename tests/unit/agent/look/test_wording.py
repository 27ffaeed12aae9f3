"""What a known failure becomes: the kind follows from its class and certainty, the words from its entry."""

from __future__ import annotations

from collections import Counter

import pytest

from qlikops.agent.diagnosis.engines import EVERYWHERE
from qlikops.agent.diagnosis.entry import HARMLESS, Failure
from qlikops.agent.diagnosis.library import built_in
from qlikops.agent.diagnosis.messages import is_proof, judge
from qlikops.agent.diagnosis.ranking import explain
from qlikops.agent.look import wording
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.diagnosis import Certainty, FailureClass
from qlikops.domain.fleet.task import TaskFacts
from qlikops.domain.proposals.evaluation import Verdict
from qlikops.domain.proposals.proposal import Proposal, ProposedTask
from tests.unit.agent.evaluate.test_rules import evaluate
from tests.unit.agent.fleet import CONNECTION_LOST, UNMATCHED, failed, poll_twice
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


def target(name: str, loaded: bool | None) -> ProposedTask:
    facts = failed(name)
    return ProposedTask(facts.key, facts.state, facts.stop_reason, full_load_completed=loaded)


@pytest.mark.parametrize(
    ("loaded", "words"),
    [
        ((True,), "Full load is complete, so resuming goes on where it stopped."),
        ((None,), "Whether full load is complete isn't known; if it isn't, resuming reloads tables."),
        ((False,), "Full load is not complete, so resuming reloads tables."),
        (
            (True, False, None),
            "1 complete, 1 not complete, 1 unknown; where it isn't complete, resuming reloads tables.",
        ),
    ],
)
def test_what_resuming_does_to_tables_follows_from_their_full_load(loaded: tuple[bool | None, ...], words: str) -> None:
    targets = [target(f"task-{number}", each) for number, each in enumerate(loaded)]
    assert wording.reason(AnomalyKind.FATAL_TRANSIENT, failed(), targets).endswith(words)


def test_a_message_is_told_by_what_it_was_recognised_as_or_by_its_words() -> None:
    assert wording.message(failed()) == f"a lost connection ({CONNECTION_LOST})"
    assert wording.message(failed(message=UNMATCHED)) == f"“{UNMATCHED}”"
    assert wording.message(failed(message="")) == wording.fault("") == "empty"
    assert wording.fault("connectivity") == "a lost connection"
    assert wording.fault("x" * 500) == f"“{'x' * 121}”"
