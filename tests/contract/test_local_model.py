"""What the embedded AWS's Bedrock passes on to an OpenAI-style server, and what becomes of what it brings back.

These hold the facts that qlikops/local/model.py builds on; a newer embedded AWS may change them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from qlikops.agent.evaluate import EvaluationInput, make_evaluator
from qlikops.domain.evaluation import Evaluation, Verdict
from qlikops.local import services
from qlikops.local.model import LocalModel, find_model
from qlikops.local.processes import stop
from qlikops.local.state import LocalState
from tests.converse import ANSWER
from tests.openai import OpenAiServer, Tools
from tests.unit.agent.decide.test_policy import OPEN
from tests.unit.agent.test_config import read

MODEL = "org/model:7b"


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAiServer]:
    with OpenAiServer(models=(MODEL,)) as running:
        yield running


@pytest.fixture(scope="module")
def endpoint(server: OpenAiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    state = LocalState(Path(tmp_path_factory.mktemp("aws")))
    try:
        yield services.start_aws(state, model=LocalModel(server.url, MODEL, True))[0]
    finally:
        stop(state.folder)


@pytest.fixture(autouse=True)
def _fresh(server: OpenAiServer) -> Iterator[None]:
    before = server.answer
    yield
    server.tools, server.broken, server.answer = Tools.CALLED, False, before
    server.requests.clear()


def evaluate(endpoint: str, **settings: Any) -> Evaluation:
    config = read({"evaluator": "bedrock", "bedrock": {"model_id": MODEL, "attempts": 1, **settings}})
    evaluator = make_evaluator(
        config, lambda: datetime(2026, 1, 1, tzinfo=UTC), lambda service: services.client(service, endpoint)
    )
    return evaluator.evaluate(OPEN, EvaluationInput())


@pytest.mark.parametrize("tools", Tools)
def test_a_local_model_evaluates_whatever_it_makes_of_tools(server: OpenAiServer, endpoint: str, tools: Tools) -> None:
    server.tools = tools
    found = find_model(server.url).agent_settings["bedrock"]
    assert isinstance(found, dict)
    evaluation = evaluate(endpoint, **found)
    assert (evaluation.verdict, evaluation.rationale) == (Verdict.APPROVE, ANSWER["rationale"])
    assert evaluation.evaluator_version == f"v1 {'tool' if tools is Tools.CALLED else 'prompt'} {MODEL}"
    assert (evaluation.input_tokens, evaluation.output_tokens) == (900, 80)


def test_the_tool_its_schema_and_the_choice_get_through_and_strictness_does_not(
    server: OpenAiServer, endpoint: str
) -> None:
    evaluate(endpoint, structured="strict_tool", max_tokens=333, temperature=0.5)
    (request,) = server.requests
    assert (request["model"], request["max_tokens"], request["temperature"]) == (MODEL, 333, 0.5)
    (tool,) = request["tools"]
    assert tool["function"]["parameters"]["required"] == list(ANSWER)
    assert "strict" not in str(tool)
    assert request["tool_choice"] == {"type": "function", "function": {"name": tool["function"]["name"]}}
    assert [message["role"] for message in request["messages"]] == ["system", "user"]
    assert "<data-" in request["messages"][1]["content"]


def test_an_answer_in_text_where_a_call_was_asked_for_is_none(server: OpenAiServer, endpoint: str) -> None:
    server.tools = Tools.IGNORED
    evaluation = evaluate(endpoint, structured="tool")
    assert evaluation.unavailable_because == "no answer: the model did not call the tool"


@pytest.mark.parametrize(
    ("structured", "because"), [("tool", "no answer: the model did not"), ("prompt", "invalid JSON")]
)
def test_the_text_that_stands_in_for_a_failing_server_is_no_answer(
    server: OpenAiServer, endpoint: str, structured: str, because: str
) -> None:
    server.broken = True
    assert evaluate(endpoint, structured=structured).unavailable_because.startswith(because)


def test_a_cut_off_call_is_no_answer(server: OpenAiServer, endpoint: str) -> None:
    server.answer = server.answer[:-30]
    assert evaluate(endpoint, structured="tool").unavailable_because.startswith("malformed model output")


def test_the_proxy_drops_the_other_way_to_ask_for_a_form(server: OpenAiServer, endpoint: str) -> None:
    services.client("bedrock-runtime", endpoint).converse(
        modelId=MODEL,
        messages=[{"role": "user", "content": [{"text": "hello"}]}],
        outputConfig={
            "textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{}", "name": "n"}}}
        },
    )
    assert server.requests[-1].keys() == {"model", "messages", "stream"}
