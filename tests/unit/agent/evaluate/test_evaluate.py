"""Which evaluator the configuration names, and which cited evidence there is."""

from __future__ import annotations

import pytest

from qlikops.agent.evaluate import make_evaluator, mark_unsupported
from qlikops.agent.evaluate.rules import RulesEvaluator
from qlikops.domain.proposals.evaluation import Finding
from tests.unit.agent.fleet import CONFIG, NOW
from tests.unit.domain.samples import PROPOSAL


def test_the_rules_are_asked_unless_a_model_is_named() -> None:
    evaluator = make_evaluator(CONFIG, lambda: NOW, lambda service: pytest.fail(service))
    assert type(evaluator) is RulesEvaluator


def test_evidence_that_is_cited_and_not_there_is_marked() -> None:
    finding = Finding("x", ("e1", "e9", "E1"))
    assert mark_unsupported(finding, PROPOSAL).unsupported == ("e9", "E1")
    assert mark_unsupported(Finding("x"), PROPOSAL).unsupported == ()
