from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from qlikops.agent.config import EVALUATION_TIMEOUT_SECONDS, BedrockSettings, ConfigError, EvaluatorName, Structured
from qlikops.agent.evaluate.causes import TRANSIENT, Cause
from qlikops.resources import resource
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
        ({"model_id": 7}, "bedrock.model_id = 7: must be a string"),
        ({"region": "Frankfurt"}, "bedrock.region = 'Frankfurt': must be an AWS Region"),
        ({"structured": "json"}, "bedrock.structured = 'json': must be one of strict_tool, tool, prompt"),
        ({"temperature": 1.1}, "bedrock.temperature = 1.1: must be between 0 and 1, or null"),
        ({"temperature": "0"}, "bedrock.temperature = '0': must be a number"),
        ({"temperature": True}, "must be a number"),
        ({"max_tokens": None}, "bedrock.max_tokens = None: must be a number"),
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
        ({"endpoint": "http://127.0.0.1"}, "bedrock.endpoint = .*no such setting; there are attempts, guardrail_id"),
    ],
)
def test_a_wrong_setting_says_key_value_and_what_is_allowed(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_bedrock(**settings)


def test_they_must_be_an_object_and_are_checked_for_every_evaluator() -> None:
    with pytest.raises(ConfigError, match="bedrock = 'x': must be an object"):
        read({"bedrock": "x"})
    with pytest.raises(ConfigError, match=r"bedrock\.attempts = 9"):
        read({"evaluator": "rules", "bedrock": {"attempts": 9}})


def test_the_lambda_has_the_time_that_the_settings_are_checked_against() -> None:
    template = resource("deploy", "template.yaml").read_text(encoding="utf-8")
    found = re.search(r"FunctionName: QlikMonitor-EvaluateProposal\n(?:.*\n)*?      Timeout: (\d+)", template)
    assert found
    assert int(found[1]) == EVALUATION_TIMEOUT_SECONDS


def test_the_documentation_knows_every_setting_and_every_cause() -> None:
    text = (Path(__file__).parents[4] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    assert [field.name for field in fields(BedrockSettings) if f"`{field.name}`" not in text] == []
    assert [cause for cause in Cause if f"| `{cause}` |" not in text] == []
    retried = set(re.findall(r"^\| `(.+?)` .* yes \|$", text, re.MULTILINE))
    assert retried == set(TRANSIENT)
