"""A Lambda runtime may bring a botocore that is older than strict tools: the model is asked all the same."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.loaders import Loader

from qlikops.agent.evaluate import EvaluationInput
from qlikops.agent.evaluate.bedrock import BedrockModel, bedrock_client
from qlikops.agent.evaluate.model import ModelEvaluator
from qlikops.agent.models import BedrockSettings
from qlikops.domain.proposals.evaluation import Verdict
from tests.converse import ConverseServer, answered
from tests.unit.agent.decide.test_policy import OPEN
from tests.unit.agent.evaluate.test_bedrock import MODEL
from tests.unit.agent.fleet import NOW


class OlderLoader(Loader):
    """The service model as it was before one parameter of Converse."""

    def __init__(self, shape: str, parameter: str) -> None:
        super().__init__(extra_search_paths=[str(Loader.BUILTIN_DATA_PATH)])
        self._shape, self._parameter = shape, parameter

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        model: Any = super().load_service_model(service_name, type_name, api_version)
        if type_name != "service-2":
            return model
        older = copy.deepcopy(model)
        del older["shapes"][self._shape]["members"][self._parameter]
        return older


@pytest.fixture
def server() -> Iterator[ConverseServer]:
    with ConverseServer() as running:
        yield running


def evaluator(server: ConverseServer, shape: str, parameter: str, **settings: Any) -> ModelEvaluator:
    core = botocore.session.Session()
    core.register_component("data_loader", OlderLoader(shape, parameter))
    session = boto3.Session("test", "test", region_name="eu-central-1", botocore_session=core)
    chosen = BedrockSettings(model_id=MODEL, attempts=1, **settings)
    model = BedrockModel(chosen, lambda: bedrock_client(chosen, endpoint_url=server.url, session=session))
    return ModelEvaluator("bedrock", chosen, model, lambda: NOW)


def test_without_strict_tools_the_model_is_asked_with_a_tool(server: ConverseServer) -> None:
    older = evaluator(server, "ToolSpecification", "strict")
    server.script.extend([answered(), answered()])

    evaluations = [older.evaluate(OPEN, EvaluationInput()) for _ in range(2)]

    assert [each.verdict for each in evaluations] == [Verdict.APPROVE] * 2
    # The record says how it was asked, not how it should have been.
    assert {each.evaluator_version for each in evaluations} == {f"v3 tool {MODEL}"}
    tools = [request.body["toolConfig"]["tools"][0]["toolSpec"] for request in server.requests]
    assert ["strict" in tool for tool in tools] == [False, False]


def test_another_wrong_parameter_is_no_reason_to_ask_otherwise(server: ConverseServer) -> None:
    older = evaluator(server, "InferenceConfiguration", "temperature")
    evaluation = older.evaluate(OPEN, EvaluationInput())
    assert (evaluation.verdict, evaluation.evaluator_version) == (Verdict.UNAVAILABLE, f"v3 strict_tool {MODEL}")
    assert evaluation.unavailable_because == "request rejected: ParamValidationError"
    assert server.requests == []
