"""Which evaluator the configuration names, and which cited evidence there is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from qlikops.agent.evaluate import make_evaluator, mark_unsupported
from qlikops.agent.evaluate.bedrock import BedrockModel
from qlikops.agent.evaluate.model import ModelEvaluator
from qlikops.agent.evaluate.openai import OpenAiModel
from qlikops.agent.evaluate.rules import RulesEvaluator
from qlikops.agent.models import BedrockSettings, EvaluatorName, OpenAiSettings
from qlikops.domain.proposals.evaluation import Finding
from tests.unit.agent.fleet import CONFIG, NOW
from tests.unit.domain.samples import PROPOSAL

MODELS = replace(
    CONFIG,
    bedrock=BedrockSettings(model_id="model"),
    openai=OpenAiSettings(model_id="model", url="https://models.example/v1"),
)


def client(name: str) -> Any:
    pytest.fail(f"made a client of {name} before there is a question")


ASKED = {EvaluatorName.BEDROCK: BedrockModel, EvaluatorName.OPENAI: OpenAiModel}
"""The model that each evaluator asks that is none of rules."""


@pytest.mark.parametrize("name", EvaluatorName)
def test_every_name_has_its_evaluator(name: EvaluatorName) -> None:
    made = make_evaluator(replace(MODELS, evaluator=name), lambda: NOW, client)
    if name is EvaluatorName.RULES:
        assert type(made) is RulesEvaluator
    else:
        assert type(made) is ModelEvaluator
        assert type(vars(made)["model"]) is ASKED[name], "its model in ASKED"


def test_evidence_that_is_cited_and_not_there_is_marked() -> None:
    finding = Finding("x", ("e1", "e9", "E1"))
    assert mark_unsupported(finding, PROPOSAL).unsupported == ("e9", "E1")
    assert mark_unsupported(Finding("x"), PROPOSAL).unsupported == ()
