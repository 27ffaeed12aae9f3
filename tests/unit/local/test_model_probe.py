"""Finding out what a model server can do, before anything relies on it."""

from __future__ import annotations

import json

import pytest

from qlikops.agent.models import Structured
from qlikops.deployment.deployer import build_release
from qlikops.domain.errors import Unreachable, UsageError
from qlikops.local.environment import one_evaluation_at_a_time
from qlikops.local.model_probe import LocalModel, find_model
from tests.converse import ConverseServer, Hangup, Reply
from tests.openai import OpenAiServer, Tools
from tests.unit.agent.test_config import read


def test_the_only_model_is_taken_and_asked_a_question_as_long_as_a_runs() -> None:
    with OpenAiServer() as server:
        found = find_model(f"{server.url}/v1/")
        loading, question = server.requests
    assert (found.settings.url, found.settings.model_id) == (f"{server.url}/v1", "llama3.2:3b")
    assert str(found) == f"llama3.2:3b at {server.url}/v1"
    assert found.settings.structured is Structured.TOOL
    assert found.seconds < 95
    assert "tools" not in loading
    # The instructions alone take 2,600 characters; a message, evidence and history come with them.
    assert len(json.dumps(question)) > 6_000
    assert "ORA-12541" in question["messages"][1]["content"]


@pytest.mark.parametrize("tools", [Tools.IGNORED, Tools.REFUSED])
def test_a_model_that_calls_no_tool_is_asked_for_bare_json(tools: Tools) -> None:
    with OpenAiServer(tools) as server:
        found = find_model(server.url)
    assert (found.settings.structured, found.doubt) == (Structured.PROMPT, "")
    assert [("tools" in request) for request in server.requests] == [False, True, False]


def test_what_is_no_evaluation_is_told_and_no_obstacle() -> None:
    with OpenAiServer() as server:
        server.answer = '{"verdict": "yes"}'
        found = find_model(server.url)
    assert found.doubt.startswith("invalid answer: ")
    assert found.settings.structured is Structured.TOOL


def test_of_several_models_one_must_be_chosen() -> None:
    with OpenAiServer(models=("b", "a\x1b[31m")) as server:
        with pytest.raises(UsageError, match="has a, b") as caught:
            find_model(server.url)
        assert "--model" in caught.value.hint
        assert find_model(server.url, "b").settings.model_id == "b"


def test_no_models_no_such_model_and_a_name_that_cannot_be_set_are_said() -> None:
    with OpenAiServer(models=("a b",)) as server:
        with pytest.raises(UsageError, match="--model a b cannot be used: must be a model's ID"):
            find_model(server.url)
        with pytest.raises(Unreachable, match=r"answered 400: .*model phi9 not found"):
            find_model(server.url, "phi9")
        server.models = ()
        with pytest.raises(UsageError, match="has no models"):
            find_model(server.url)


def test_a_server_without_a_list_of_models_takes_any_name() -> None:
    with OpenAiServer(models=("default",)) as server:
        server.lists_models = False
        assert find_model(server.url).settings.model_id == "default"


def test_a_server_that_fails_is_quoted() -> None:
    with OpenAiServer() as server:
        server.broken = True
        with pytest.raises(Unreachable, match=r"answered 500: .*out of memory"):
            find_model(server.url)


def test_a_server_that_breaks_over_a_long_question_is_named() -> None:
    loaded = Reply(b'{"choices": [{}]}')
    with ConverseServer(loaded, Hangup(), Hangup()) as server:
        with pytest.raises(Unreachable, match="does not answer a question as long as a run's: model not") as caught:
            find_model(server.url, "m")
        assert "smaller model" in caught.value.hint


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"choices": []}', b'{"choices": "x"}', b"[" * 100_000])
def test_another_kind_of_server_is_named(body: bytes) -> None:
    with ConverseServer(Reply(body)) as server, pytest.raises(Unreachable, match="OpenAI-style"):
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


def test_the_agent_accepts_the_settings() -> None:
    with OpenAiServer(Tools.IGNORED) as server:
        found: LocalModel = find_model(server.url)
    config = read(json.loads(json.dumps(found.agent_settings)))
    assert config.model == found.settings


def test_a_proposal_that_finds_another_one_being_evaluated_waits() -> None:
    shipped = build_release({})
    waiting = one_evaluation_at_a_time(shipped)
    before, after = (json.loads(each.definition.data) for each in (shipped, waiting))
    retry = after["States"]["ProcessProposals"]["ItemProcessor"]["States"]["EvaluateProposal"]["Retry"]
    busy = retry.pop(0)
    assert (busy["ErrorEquals"], after) == (["Lambda.Unknown"], before)
    assert waiting.definition.key != shipped.definition.key
