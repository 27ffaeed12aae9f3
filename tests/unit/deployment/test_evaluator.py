"""The settings' model, and no other, is what the evaluating function may ask."""

from __future__ import annotations

from typing import Any

import pytest
from cfnlint.decode.cfn_yaml import loads as load_template

from qlikops.deployment.evaluator import agent_parameters
from qlikops.deployment.fitness import StackLocation, check_fitness
from qlikops.domain.errors import UsageError
from qlikops.resources import resource

PROFILE = "eu.anthropic.claude-haiku-4-5-20251001-v1:0"
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:model-key-AbCdEf"
GUARDRAIL = {"guardrail_id": "gr1", "guardrail_version": "1"}
NOTHING = dict.fromkeys(
    ("EvaluatorModel", "EvaluatorGuardrail", "EvaluatorSecretArn", "EvaluatorInVpc", "EscalationTopicArn"), ""
)
ARN = "arn:aws:bedrock:eu-central-1:123456789012"


@pytest.mark.parametrize(
    ("settings", "model", "guardrail"),
    [
        ({}, "", ""),
        ({"evaluator": "rules", "bedrock": {"model_id": PROFILE}}, "", ""),
        ({"evaluator": "bedrock", "bedrock": {"model_id": PROFILE}}, PROFILE, ""),
        ({"evaluator": "bedrock", "bedrock": {"model_id": f"{ARN}:inference-profile/{PROFILE}"}}, PROFILE, ""),
        (
            {
                "evaluator": "bedrock",
                "bedrock": {
                    "model_id": f"{ARN}:application-inference-profile/abc123",
                    "guardrail_id": f"{ARN}:guardrail/gr1",
                    "guardrail_version": "1",
                },
            },
            "abc123",
            "gr1",
        ),
        (
            {"evaluator": "bedrock", "bedrock": {"model_id": PROFILE, "guardrail_id": "gr1", "guardrail_version": "1"}},
            PROFILE,
            "gr1",
        ),
    ],
)
def test_settings_become_parameters(settings: dict[str, Any], model: str, guardrail: str) -> None:
    assert agent_parameters(settings) == {**NOTHING, "EvaluatorModel": model, "EvaluatorGuardrail": guardrail}


def test_a_key_and_a_place_in_the_vpc_become_parameters() -> None:
    settings = {"model_id": "gpt-x", "url": "https://models.example/v1", "key_secret_arn": SECRET, "in_vpc": True}
    given = {**NOTHING, "EvaluatorSecretArn": SECRET, "EvaluatorInVpc": "true"}
    assert agent_parameters({"evaluator": "openai", "openai": settings}) == given
    assert agent_parameters({"evaluator": "rules", "openai": settings}) == NOTHING


def test_a_place_in_the_vpc_wants_subnets() -> None:
    place = StackLocation("aws", "eu-central-1", "123456789012", "qlikops")
    check_fitness({"EvaluatorInVpc": "true", "SubnetIds": "subnet-1"}, place)
    with pytest.raises(UsageError, match="in_vpc of the evaluator wants the stack's subnets"):
        check_fitness({"EvaluatorInVpc": "true", "SubnetIds": ""}, place)


def test_the_template_knows_the_parameters_and_grants_to_one_function_only() -> None:
    text = resource("deploy", "template.yaml").read_text(encoding="utf-8")
    template = load_template(text)
    assert agent_parameters({}).keys() <= template["Parameters"].keys()
    granted = [name for name, each in template["Resources"].items() if "bedrock:" in str(each)]
    assert granted == ["EvaluateProposalRole"]
    statements = template["Resources"]["EvaluateProposalRole"]["Properties"]["Policies"][0]["PolicyDocument"][
        "Statement"
    ]
    conditions = {each["Fn::If"][1]["Sid"]: each["Fn::If"][0] for each in statements if "Fn::If" in each}
    expected = {"Model": "HasModel", "ModelsOfTheProfile": "HasModel", "Guardrail": "HasGuardrail"}
    expected["ModelKey"] = "HasEvaluatorSecret"
    assert expected.items() <= conditions.items()
