"""Finding out what a model server can do, before anything relies on it."""

from __future__ import annotations

import json

import pytest

from qlikops.domain.errors import Unreachable, UsageError
from qlikops.local.model import PROXY_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS, LocalModel, find_model
from tests.converse import ConverseServer, Reply
from tests.openai import OpenAiServer, Tools
from tests.unit.agent.test_config import read


@pytest.mark.parametrize(
    ("tools", "calls_tools"), [(Tools.CALLED, True), (Tools.IGNORED, False), (Tools.REFUSED, False)]
)
def test_the_only_model_is_taken_and_asked_for_a_tool_call(tools: Tools, calls_tools: bool) -> None:
    with OpenAiServer(tools) as server:
        assert find_model(f"{server.url}/v1/") == LocalModel(server.url, "llama3.2:3b", calls_tools)
        assert server.requests[0]["tool_choice"]["type"] == "function"


def test_of_several_models_one_must_be_chosen() -> None:
    with OpenAiServer(models=("b", "a\x1b[31m")) as server:
        with pytest.raises(UsageError, match="has a, b") as caught:
            find_model(server.url)
        assert "--model" in caught.value.hint
        assert find_model(server.url, "b").name == "b"


def test_no_models_and_no_such_model_are_said() -> None:
    with OpenAiServer(models=()) as server:
        with pytest.raises(UsageError, match="has no models"):
            find_model(server.url)
        with pytest.raises(Unreachable, match=r"answered 400: .*model phi9 not found"):
            find_model(server.url, "phi9")


def test_a_server_without_a_list_of_models_takes_any_name() -> None:
    with OpenAiServer(models=("default",)) as server:
        server.lists_models = False
        assert find_model(server.url).name == "default"


def test_a_server_that_fails_is_quoted() -> None:
    with OpenAiServer() as server:
        server.broken = True
        with pytest.raises(Unreachable, match=r"answered 500: .*out of memory"):
            find_model(server.url)


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"choices": []}', b'{"choices": "x"}', b"[" * 100_000])
def test_another_kind_of_server_is_named(body: bytes) -> None:
    with ConverseServer(Reply(body), Reply(body)) as server, pytest.raises(Unreachable, match="OpenAI-style"):
        find_model(server.url, "m")


def test_nobody_there_is_named() -> None:
    with OpenAiServer() as gone:
        pass
    with pytest.raises(Unreachable, match="does not answer"):
        find_model(gone.url)


@pytest.mark.parametrize("url", ["", "localhost:11434", "file:///etc/passwd", "http://", "http://h/?q=1"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="--model-url"):
        find_model(url)


@pytest.mark.parametrize("calls_tools", [True, False])
def test_the_agent_accepts_the_settings(calls_tools: bool) -> None:
    settings = LocalModel("http://127.0.0.1:1", "org/model:7b", calls_tools).agent_settings
    config = read(json.loads(json.dumps(settings)))
    assert config.bedrock.model_id == "org/model:7b"
    assert config.bedrock.structured == ("tool" if calls_tools else "prompt")


def test_slowness_is_the_agents_to_notice() -> None:
    assert READ_TIMEOUT_SECONDS < PROXY_TIMEOUT_SECONDS
