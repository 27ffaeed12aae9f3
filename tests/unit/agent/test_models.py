"""What can be set of a model, and what is said of a wrong setting."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode.cfn_yaml import loads as load_template

from qlikops.agent.config import AgentConfig
from qlikops.agent.evaluate import make_evaluator
from qlikops.agent.evaluate.causes import TRANSIENT, Cause
from qlikops.agent.models import (
    EVALUATION_TIMEOUT_SECONDS,
    BedrockSettings,
    EvaluatorName,
    Models,
    OpenAiSettings,
    Structured,
    TokenLimit,
)
from qlikops.domain.encoding.settings import ConfigError
from qlikops.resources import resource
from tests.unit.agent.fleet import CONFIG, NOW
from tests.unit.agent.test_config import read

MODEL = "eu.anthropic.claude-haiku-4-5-20251001-v1:0"
PROFILE = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/abc123"
GUARDRAIL = "arn:aws:bedrock:eu-central-1:123456789012:guardrail/abc123"


def read_bedrock(**settings: Any) -> BedrockSettings:
    return read({"evaluator": "bedrock", "bedrock": {"model_id": MODEL, **settings}}).bedrock


def test_a_model_is_all_that_must_be_named() -> None:
    config = read({"evaluator": "bedrock", "bedrock": {"model_id": MODEL}})
    assert config.evaluator is EvaluatorName.BEDROCK
    assert config.bedrock == BedrockSettings(model_id=MODEL)
    assert config.bedrock.longest_seconds < EVALUATION_TIMEOUT_SECONDS


def test_everything_can_be_set() -> None:
    settings: dict[str, Any] = {
        "model_id": PROFILE,
        "region": "us-gov-west-1",
        "structured": "tool",
        "temperature": 1,
        "max_tokens": 500,
        "guardrail_id": GUARDRAIL,
        "guardrail_version": "DRAFT",
        "read_timeout_seconds": 10.5,
        "attempts": 3,
    }
    assert read_bedrock(**settings) == BedrockSettings(**{**settings, "structured": Structured.TOOL})


def test_the_temperature_can_be_left_to_the_model() -> None:
    assert read_bedrock(temperature=None).temperature is None


@pytest.mark.parametrize("model", ["llama3.2:3b", "hf.co/org/some-model_GGUF:Q4_K_M", "/models/some.gguf", PROFILE])
def test_ids_of_all_kinds_are_accepted(model: str) -> None:
    assert read_bedrock(model_id=model).model_id == model


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model_id": ""}, "bedrock.model_id = '': must be set for the evaluator bedrock"),
        ({"model_id": "a b"}, "bedrock.model_id = 'a b': must be a model's"),
        ({"model_id": "m\n"}, "bedrock.model_id"),
        ({"model_id": "m?x"}, "bedrock.model_id"),
        ({"model_id": 7}, "bedrock.model_id = 7: must be a text"),
        ({"region": "Frankfurt"}, "bedrock.region = 'Frankfurt': must be an AWS Region"),
        ({"structured": "json"}, "bedrock.structured = 'json': must be one of strict_tool, tool, prompt"),
        ({"temperature": 1.1}, "bedrock.temperature = 1.1: must be between 0 and 1, or null"),
        ({"temperature": "0"}, "bedrock.temperature = '0': must be a number"),
        ({"temperature": True}, "must be a number"),
        ({"max_tokens": None}, "bedrock.max_tokens = None: must be a whole number"),
        ({"max_tokens": 100}, "bedrock.max_tokens = 100: must be between 256 and 16000"),
        ({"max_tokens": 300.5}, "must be a whole number"),
        ({"guardrail_id": "gr1"}, "bedrock.guardrail_version = '': guardrail_id and guardrail_version go together"),
        ({"guardrail_version": "1"}, "bedrock.guardrail_id = ''"),
        ({"guardrail_id": "GR 1", "guardrail_version": "1"}, "must be a guardrail's ID or ARN"),
        ({"guardrail_id": "gr1", "guardrail_version": "newest"}, "must be a number or DRAFT"),
        ({"attempts": 0}, "bedrock.attempts = 0: must be between 1 and 5"),
        ({"read_timeout_seconds": 0}, "must be between 0.1 and 120"),
        ({"read_timeout_seconds": 120, "attempts": 1}, "1 attempts could take 125 seconds"),
        ({"read_timeout_seconds": 60, "attempts": 2}, "2 attempts could take 131 seconds .* they may take 105"),
        ({"read_timeout_seconds": 40, "attempts": 3}, "3 attempts could take 138 seconds"),
        ({"endpoint": "http://127.0.0.1"}, "bedrock.endpoint: no such setting; there are attempts, guardrail_id"),
    ],
)
def test_a_wrong_setting_says_key_value_and_what_is_allowed(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_bedrock(**settings)


OPENAI: dict[str, Any] = {"model_id": "gpt-x", "url": "https://models.example/v1"}
KEY = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:model-key-AbCdEf"


def test_an_openai_style_model_needs_a_name_and_an_address() -> None:
    chosen = {**OPENAI, "key_secret_arn": KEY, "in_vpc": True, "token_limit": "max_completion_tokens"}
    config = read({"evaluator": "openai", "openai": chosen})
    assert config.model == OpenAiSettings(**{**chosen, "token_limit": TokenLimit.MAX_COMPLETION_TOKENS})
    assert read({"evaluator": "openai", "openai": {**OPENAI, "url": "http://10.0.0.5:8000/v1"}}).openai.in_vpc is False


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"url": ""}, "openai.url = '': must be set for the evaluator openai"),
        ({"model_id": ""}, "openai.model_id = '': must be set for the evaluator openai"),
        ({"url": "models.example"}, "openai.url = 'models.example': must be an address, such as https://"),
        ({"url": "https://me:hunter2@models.example/v1"}, r"^openai.url: may hold no account"),
        ({"url": "https://models.example/v1?key=hunter2"}, r"^openai.url: may hold no account, query"),
        ({"url": "http://10.0.0.5/v1", "key_secret_arn": KEY}, "openai.url = .* must begin with https:// if a key"),
        ({"url": "https://me:hunter2@models.example:70000/v1"}, r"^openai.url: must be an address"),
        ({"url": "https://me:hunter2/x@models.example/v1"}, r"^openai.url: must be an address"),
        ({"key_secret_arn": "sk-hunter2"}, r"^openai.key_secret_arn: must be the ARN of a Secrets Manager secret"),
        ({"key_secret_arn": f"{KEY[:-3]}*"}, r"^openai.key_secret_arn: must be the ARN of a Secrets Manager secret"),
        ({"in_vpc": "yes"}, "openai.in_vpc = 'yes': must be true or false"),
        ({"attempts": 3}, "openai.read_timeout_seconds = 40: 3 attempts could take 138 seconds"),
        ({"guardrail_id": "gr1"}, "openai.guardrail_id: no such setting"),
    ],
)
def test_a_wrong_setting_of_an_openai_style_model_is_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        read({"evaluator": "openai", "openai": {**OPENAI, **settings}})
    assert "hunter2" not in str(caught.value)


def test_they_must_be_an_object_and_are_checked_for_every_evaluator() -> None:
    with pytest.raises(ConfigError, match="bedrock: must be an object"):
        read({"bedrock": "x"})
    with pytest.raises(ConfigError, match=r"bedrock\.attempts = 9"):
        read({"evaluator": "rules", "bedrock": {"attempts": 9}})


def test_the_lambda_has_the_time_that_the_settings_are_checked_against() -> None:
    template = resource("deploy", "template.yaml").read_text(encoding="utf-8")
    found = re.search(r"FunctionName: QlikMonitor-EvaluateProposal\n(?:.*\n)*?      Timeout: (\d+)", template)
    assert found
    assert int(found[1]) == EVALUATION_TIMEOUT_SECONDS


def test_the_documentation_knows_every_cause() -> None:
    text = (Path(__file__).parents[3] / "docs" / "reference" / "evaluation.md").read_text(encoding="utf-8")
    assert [cause for cause in Cause if f"| `{cause}` |" not in text] == []
    retried = set(re.findall(r"^\| `(.+?)` .* yes \|$", text, re.MULTILINE))
    assert retried == set(TRANSIENT)


def choosing(name: EvaluatorName) -> AgentConfig:
    """A configuration with that evaluator, and what it must be told."""
    settings = getattr(Models(), name)
    told = {"url": "https://models.example/v1", "key_secret_arn": KEY}
    required = {each: told.get(each, "some") for each in settings.REQUIRED}
    return replace(CONFIG, evaluator=name, **{name: replace(settings, **required)})


@pytest.mark.parametrize("name", [each for each in EvaluatorName if each is not EvaluatorName.RULES])
def test_an_evaluator_is_whole(name: EvaluatorName) -> None:
    """The recipe "To add an evaluator" in CONTRIBUTING.md, step by step."""
    text = (Path(__file__).parents[3] / "docs" / "reference" / "evaluation.md").read_text(encoding="utf-8")
    named = {each.name: each for each in fields(Models)}
    assert name in named, f"agent/models.py: Models has no field {name}"
    settings = getattr(Models(), name)
    try:
        model = vars(make_evaluator(choosing(name), lambda: NOW, lambda service: pytest.fail(service)))["model"]
    except AssertionError:
        pytest.fail(f"agent/evaluate/__init__.py: make_evaluator does not make {name}")
    assert type(model).__module__ == f"qlikops.agent.evaluate.{name}", "the model that make_evaluator gives it"
    tests = Path(__file__).parent / "evaluate" / f"test_{name}.py"
    assert tests.exists(), f"no tests/unit/agent/evaluate/test_{name}.py"
    parameters = load_template(resource("deploy", "template.yaml").read_text())["Parameters"]
    for parameter in settings.parameters():
        assert parameters.get(parameter, {}).get("Default") == "", f"deploy/template.yaml: no parameter {parameter}"
    assert f"| `{name}` |" in text, f"docs/reference/evaluation.md: the table of evaluators has no {name}"
    for each in fields(settings):
        assert f"`{each.name}`" in text, f"docs/reference/evaluation.md: no word of {name}.{each.name}"
