"""The evaluator `openai` over real HTTP, against a server that answers in every way it should not."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qlikops.agent.evaluate import EvaluationInput, make_evaluator
from qlikops.agent.evaluate.http import REPLY_CAP
from qlikops.agent.evaluate.model import ModelEvaluator
from qlikops.agent.evaluate.openai import OpenAiModel
from qlikops.agent.evaluate.prompt import TOOL_NAME, bare_instructions, instructions, schema, task_text
from qlikops.agent.models import EvaluatorName, OpenAiSettings, Structured, TokenLimit
from qlikops.domain.fleet.diagnosis import Certainty, Diagnosis, FailureClass
from qlikops.domain.proposals.evaluation import Evaluation, Finding, Verdict
from qlikops.domain.proposals.proposal import Proposal
from tests.converse import ANSWER, ConverseServer, Hangup, Reply, Scripted, Silence, Trickle
from tests.unit.agent.decide.test_policy import OPEN
from tests.unit.agent.evaluate.test_bedrock import ANSWERS, JSON_VALUES
from tests.unit.agent.evaluate.test_http import ARN, stubbed
from tests.unit.agent.fleet import CONFIG, NOW

SETTINGS = OpenAiSettings(model_id="org/model:7b", attempts=1)


def call(arguments: Any, name: Any = TOOL_NAME) -> Any:
    return {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}


def completion(message: Any, finish: Any = "stop", **changes: Any) -> Reply:
    usage = {"prompt_tokens": 900, "completion_tokens": 80, "total_tokens": 980}
    body = {"object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": finish}]}
    return Reply(json.dumps({**body, "usage": usage, **changes}).encode())


def called(arguments: Any = None, finish: Any = "tool_calls", **message: Any) -> Reply:
    written = json.dumps(ANSWER) if arguments is None else arguments
    return completion({"role": "assistant", "content": None, "tool_calls": [call(written)], **message}, finish)


def said(text: Any, finish: Any = "stop") -> Reply:
    return completion({"role": "assistant", "content": text}, finish)


def evaluate(
    server: ConverseServer, *script: Scripted, clients: Any = None, proposal: Proposal = OPEN, **changes: Any
) -> Evaluation:
    server.script.extend(script)
    chosen = replace(SETTINGS, **{"url": f"{server.url}/v1", **changes})
    model = OpenAiModel(chosen, clients or (lambda service: pytest.fail(f"asked for {service}")))
    evaluator = ModelEvaluator("openai", chosen, model, lambda: NOW, sleep=lambda _: None, mark=lambda: "mark")
    return evaluator.evaluate(proposal, EvaluationInput())


@pytest.mark.parametrize("finish", ["tool_calls", "stop"])
@pytest.mark.parametrize("content", [None, "", " \n"])
def test_a_complete_answer_becomes_the_evaluation(server: ConverseServer, finish: str, content: str | None) -> None:
    evaluation = evaluate(server, called(finish=finish, content=content))
    assert evaluation == Evaluation(
        **{name: getattr(evaluation, name) for name in ("verdict", "risk", "duration_ms")},
        confidence=0.92,
        rationale="The source was unreachable and answers again.",
        evaluator="openai",
        evaluator_version="v3 strict_tool org/model:7b",
        evaluated_at=NOW,
        findings=(Finding("The message is that of a lost connection.", ("e1",)),),
        cautions=("Watch the latency for a while.",),
        input_tokens=900,
        output_tokens=80,
    )
    assert (evaluation.verdict, evaluation.risk) == ("approve", "low")


def test_the_configuration_names_the_evaluator(server: ConverseServer) -> None:
    chosen = replace(SETTINGS, url=f"{server.url}/v1/")
    evaluator = make_evaluator(
        replace(CONFIG, evaluator=EvaluatorName.OPENAI, openai=chosen), lambda: NOW, lambda _: pytest.fail("no key")
    )
    server.script.append(called())
    assert evaluator.evaluate(OPEN, EvaluationInput()).verdict is Verdict.APPROVE
    assert server.requests[0].model == "/v1/chat/completions"


def test_an_approval_of_what_must_be_put_right_first_does_not_count(server: ConverseServer) -> None:
    found = Diagnosis("oracle-x", "oracle", FailureClass.FIX_FIRST, Certainty.KNOWN, "Full.", ("Make room.",))
    cited = json.dumps({**ANSWER, "findings": [{"text": "Full.", "evidence_ids": ["k1", "k2", "e1"]}]})
    evaluation = evaluate(server, called(cited), proposal=replace(OPEN, diagnosis=found))
    assert (evaluation.verdict, evaluation.risk) == ("caution", "medium")
    assert evaluation.cautions[0] == "Make room."
    assert evaluation.findings[0].unsupported == ("k2",)


@pytest.mark.parametrize("structured", [Structured.STRICT_TOOL, Structured.TOOL])
def test_the_question_is_the_prompt_the_data_and_one_tool(server: ConverseServer, structured: Structured) -> None:
    evaluate(server, called(), structured=structured, temperature=0.3, max_tokens=700)
    (request,) = server.requests
    assert request.body.keys() == {"model", "messages", "max_tokens", "temperature", "tools", "tool_choice"}
    assert (request.body["model"], request.body["max_tokens"], request.body["temperature"]) == (
        "org/model:7b",
        700,
        0.3,
    )
    system, user = request.body["messages"]
    assert system == {"role": "system", "content": instructions()}
    assert user["content"].startswith("<data-mark>\n{")
    assert user["content"].endswith(f"</data-mark>\n\n{task_text(OPEN, 'mark')}")
    (tool,) = request.body["tools"]
    assert tool["function"].pop("strict", False) is (structured is Structured.STRICT_TOOL)
    assert tool["function"] == {"name": TOOL_NAME, "description": schema()["description"], "parameters": schema()}
    assert request.body["tool_choice"] == {"type": "function", "function": {"name": TOOL_NAME}}
    assert "Authorization" not in request.headers


def test_bare_json_is_asked_for_and_taken_from_a_model_without_tools(server: ConverseServer) -> None:
    changes: dict[str, Any] = {
        "structured": Structured.PROMPT,
        "temperature": None,
        "token_limit": TokenLimit.MAX_COMPLETION_TOKENS,
    }
    evaluation = evaluate(server, said(f"```json\n{json.dumps(ANSWER)}\n```"), **changes)
    assert evaluation.verdict is Verdict.APPROVE
    (request,) = server.requests
    assert request.body.keys() == {"model", "messages", "max_completion_tokens"}
    assert request.body["messages"][0]["content"] == f"{instructions()}\n\n{bare_instructions()}"


NO_ANSWERS: dict[str, Scripted] = {
    "no answer: the model did not call the tool": said(json.dumps(ANSWER)),
    "no answer: no text": called(arguments={"verdict": "approve"}),
    "wrong tool": completion({"tool_calls": [call("{}", "rm_rf")]}),
    "more than the answer: 2 blocks": called(content="Sure, I approve."),
    "invalid JSON: JSONDecodeError": called(arguments='{"verdict": '),
    "invalid answer: answer has no verdict": called(arguments="{}"),
    "answer cut off: max_tokens": called(arguments='{"verdict": ', finish="length"),
    "content filtered: content_filtered": said("", finish="content_filter"),
    "unexpected stop reason: insufficient_system_resource": said("", finish="insufficient_system_resource"),
    "unreadable reply: no stop reason": called(finish=None),
    "unreadable reply: no chat completion": completion("text"),
    "unreadable reply: too long": Reply(b" " * (REPLY_CAP + 1)),
    "request rejected: HTTP 302": Reply(b"", 302),
    "access denied: HTTP 401": Reply(b'{"error": {"message": "sk-secret is wrong"}}', 401),
    "model not found: model_not_found": Reply(b'{"error": {"code": "model_not_found"}}', 404),
    "request rejected: unsupported_parameter": Reply(b'{"error": {"code": "unsupported_parameter"}}', 400),
    "throttled: insufficient_quota": Reply(b'{"error": {"code": "insufficient_quota"}}', 429),
    "model failed: HTTP 503": Reply(b"<html>", 503),
    "model failed: HTTP 500": Reply(b"[" * 100_000, 500),
    "model not reachable: ProtocolError": Hangup(),
    "model not reachable": Reply(b"{}", promised=100),
}


@pytest.mark.parametrize("because", NO_ANSWERS)
def test_whatever_is_no_answer_is_no_evaluation_with_its_cause(server: ConverseServer, because: str) -> None:
    evaluation = evaluate(server, NO_ANSWERS[because])
    assert (evaluation.verdict, evaluation.evaluator) == (Verdict.UNAVAILABLE, "openai")
    assert evaluation.unavailable_because.startswith(because)
    assert len(server.requests) == 1


def test_a_refusal_two_choices_and_a_compressed_reply_are_no_answers(server: ConverseServer) -> None:
    refused = called(refusal="I cannot help with that.")
    twice = completion(None, choices=[json.loads(called().body)["choices"][0]] * 2)
    zipped = Reply(gzip.compress(called().body))
    found = [evaluate(server, each).unavailable_because for each in (refused, twice, zipped)]
    assert found == ["content filtered: content_filtered", *["unreadable reply: no chat completion"] * 2]


@pytest.mark.parametrize("slow", [Silence(), Trickle()])
def test_slowness_is_a_time_out(server: ConverseServer, slow: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qlikops.agent.models.CONNECT_TIMEOUT_SECONDS", 0.1)
    assert evaluate(server, slow, read_timeout_seconds=0.1).unavailable_because.startswith("timed out: ")


def test_nobody_listening_is_named() -> None:
    with ConverseServer() as gone:
        pass
    assert evaluate(gone).unavailable_because == "model not reachable: NewConnectionError"


@pytest.mark.parametrize("first", [Reply(b"", 429), Reply(b"", 502), Hangup()])
def test_what_passes_is_tried_again(server: ConverseServer, first: Scripted) -> None:
    assert evaluate(server, first, called(), attempts=2).verdict is Verdict.APPROVE
    assert len(server.requests) == 2


def test_the_key_goes_into_the_header_only(server: ConverseServer) -> None:
    chosen = replace(SETTINGS, url="https://model.example/v1", key_secret_arn=ARN)
    object.__setattr__(chosen, "url", server.url)  # without TLS, which the settings refuse
    server.script.append(called())
    model = OpenAiModel(chosen, stubbed({"SecretString": "sk-one"}))
    evaluator = ModelEvaluator("openai", chosen, model, lambda: NOW)
    assert evaluator.evaluate(OPEN, EvaluationInput()).verdict is Verdict.APPROVE
    (request,) = server.requests
    assert request.headers["Authorization"] == "Bearer sk-one"
    assert "sk-one" not in json.dumps(request.body)


MESSAGES = JSON_VALUES | st.builds(
    lambda content, calls, refusal: {"content": content, "tool_calls": calls, "refusal": refusal},
    st.none() | st.text() | JSON_VALUES,
    st.none() | st.lists(st.builds(lambda value: call(json.dumps(value)), ANSWERS) | JSON_VALUES, max_size=2),
    st.none() | st.text(max_size=5),
)
FINISHES = st.sampled_from(["stop", "tool_calls", "length", "content_filter"]) | JSON_VALUES
REPLIES = (
    st.builds(completion, MESSAGES, FINISHES)
    | st.builds(lambda value: called(json.dumps(value)), ANSWERS)
    | st.builds(
        lambda value, status: Reply(json.dumps(value).encode(), status), JSON_VALUES, st.sampled_from([200, 400])
    )
    | st.builds(Reply, st.binary(max_size=50), st.sampled_from([200, 302, 403, 500]))
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scripted=REPLIES, structured=st.sampled_from(Structured))
def test_no_answer_whatever_raises_or_is_half_an_evaluation(
    server: ConverseServer, scripted: Reply, structured: Structured
) -> None:
    server.script.clear()
    evaluation = evaluate(server, scripted, structured=structured)
    assert bool(evaluation.unavailable_because) == (evaluation.verdict is Verdict.UNAVAILABLE)
    assert not evaluation.unavailable_because.startswith("evaluator failed")
    assert (evaluation.confidence is None) == (evaluation.verdict is Verdict.UNAVAILABLE)
    for text in (evaluation.rationale, evaluation.unavailable_because, *evaluation.cautions):
        assert text.isprintable()
