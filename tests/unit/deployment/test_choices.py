"""What can be chosen of a deployment, and which of two choices wins."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from qlikops.deployment.choices import PARAMETERS, Choices, read_choices, with_authorities
from qlikops.deployment.definition import approval_timeout, read_definition
from qlikops.domain.errors import UsageError
from qlikops.resources import resource
from tests.documents import deploy_schema

WHOLE = """
approval_timeout = "2h"
run_every = "10m"
log_retention = 30
notification_email = "oncall@example.com"
subnets = ["subnet-1", "subnet-2"]
security_groups = ["sg-1"]
permissions_boundary = "arn:aws:iam::123456789012:policy/boundary"
kms_key = "arn:aws:kms:eu-west-1:123456789012:key/1"
ca_bundle = "authority.pem"

[tags]
team = "data"

[agent]
approval_mode = "policy"

[[qlik]]
name = "default"
base_url = "https://qem.example.com/attunityenterprisemanager/api/v1"
username = "monitor"
"""

NO_PARAMETER = {
    "approval_timeout": "rendered by build_release, into the definition and a parameter",
    "tags": "given to CloudFormation beside the template",
    "ca_bundle": "put into the secret by with_authorities",
    "qlik": "put into the secret by Logins.secret",
}
"""Fields of Choices that are applied otherwise than as a parameter of their own."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "qlikops.deploy.toml"
    path.write_text(WHOLE)
    return path


def test_a_whole_file_is_parameters_tags_and_a_timeout(file: Path) -> None:
    choices = read_choices(file)
    assert choices.parameters() == {
        "RunEverySeconds": "600",
        "LogRetentionDays": "30",
        "NotificationEmail": "oncall@example.com",
        "SubnetIds": "subnet-1,subnet-2",
        "SecurityGroupIds": "sg-1",
        "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary",
        "KmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/1",
        "AgentSettings": '{"approval_mode": "policy"}',
        "EvaluatorModel": "",
        "EvaluatorGuardrail": "",
        "EvaluatorSecretArn": "",
        "EvaluatorInVpc": "",
        "EscalationTopicArn": "",
    }
    assert choices.tags == {"team": "data"}
    assert choices.approval_timeout_seconds({"ApprovalTimeoutSeconds": "60"}) == 7200
    assert choices.ca_bundle == str(file.parent / "authority.pem")


@pytest.mark.parametrize("name", [each.name for each in fields(Choices)])
def test_a_choice_is_applied(name: str) -> None:
    assert (name in PARAMETERS) is not (name in NO_PARAMETER), "its parameter stands in PARAMETERS of choices.py"
    if name in PARAMETERS:
        template = resource("deploy", "template.yaml").read_text()
        parameter, _ = PARAMETERS[name]
        assert f"\n  {parameter}:\n" in template.partition("\nResources:")[0], f"{parameter} is not in the template"


def test_what_is_not_chosen_is_not_sent_and_empty_takes_back(tmp_path: Path) -> None:
    assert Choices().parameters() == {}
    path = tmp_path / "f.toml"
    path.write_text('subnets = []\nsecurity_groups = []\nkms_key = ""\n')
    assert read_choices(path).parameters() == {"SubnetIds": "", "SecurityGroupIds": "", "KmsKeyArn": ""}


def test_options_win_and_agent_and_tags_are_merged(file: Path) -> None:
    options = Choices(run_every="1h", agent={"evaluator": "rules"}, tags={"stage": "prod"})
    whole = options.over(read_choices(file))
    assert whole.parameters()["RunEverySeconds"] == "3600"
    assert json.loads(whole.parameters()["AgentSettings"]) == {"approval_mode": "policy", "evaluator": "rules"}
    assert whole.tags == {"team": "data", "stage": "prod"}
    assert whole.log_retention == 30


def test_a_model_by_option_joins_the_files_other_settings_of_it() -> None:
    file = Choices(agent={"evaluator": "bedrock", "bedrock": {"model_id": "old", "attempts": 1}})
    whole = Choices(agent={"bedrock": {"model_id": "new"}}).over(file)
    assert json.loads(whole.parameters()["AgentSettings"])["bedrock"] == {"model_id": "new", "attempts": 1}
    assert whole.parameters()["EvaluatorModel"] == "new"


def test_the_timeout_is_the_stacks_where_none_is_chosen_and_the_definitions_at_first() -> None:
    assert Choices().approval_timeout_seconds({"ApprovalTimeoutSeconds": "90"}) == 90
    assert Choices().approval_timeout_seconds({}) == approval_timeout(read_definition())


def test_the_templates_own_timeout_is_the_definitions() -> None:
    template = resource("deploy", "template.yaml").read_text()
    declared = template[template.index("  ApprovalTimeoutSeconds:") :]
    assert f"Default: {approval_timeout(read_definition())}\n" in declared[:200]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour = 3", "colour: no such setting; there are agent, approval_timeout"),
        ("log_retention = true", "whole number"),
        ('subnets = "subnet-1"', "subnets: must be an array, not str"),
        ("subnets = [1]", r"subnets\[0\] = 1: must be a text"),
        ("tags = { a = 1 }", "tags.a = 1: must be a text"),
        ("agent = 1", "agent: must be an object .a table in TOML., not int"),
        ("qlik = 1", "qlik: must be an array, not int"),
        ("kms_key = 1", "must be a text"),
        ('[[qlik]]\npassword = "x"', "qlik.password: does not belong here"),
        ('[[qlik]]\nproxy = "http://me:hidden@proxy:3128"', "qlik.proxy: names an account"),
        ('[[qlik]]\nbase_url = "https://me:hidden@qem/api"', "qlik.base_url: names an account"),
        ("x = = 1", "cannot be read"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_accepted(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "f.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=said) as caught:
        read_choices(path)
    assert str(path) in caught.value.message
    assert "hidden" not in caught.value.message


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        (Choices(subnets=("subnet-1",)), "go together"),
        (Choices(subnets=("subnet-1",), security_groups=()), "go together"),
        (Choices(notification_email="a@b", notification_topic="arn:aws:sns:x"), "existing"),
        (Choices(run_every="90s"), "whole number of minutes"),
        (Choices(run_every="2d"), "whole number of minutes"),
        (Choices(run_every="soon"), "run_every"),
        (Choices(agent={"approval_mode": "sometimes"}), "approval_mode"),
        (Choices(agent={"colour": 1}), "colour"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_call(choices: Choices, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        choices.parameters()


def test_the_schema_takes_what_the_code_takes() -> None:
    properties: dict[str, Any] = deploy_schema()["properties"]
    assert "thresholds" in properties["agent"]["properties"]
    assert "table" not in properties["agent"]["properties"]
    assert "password" not in properties["qlik"]["items"]["properties"]


def test_authorities_go_to_each_instance_that_has_none(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n")
    secret = {"instances": [{"name": "a"}, {"name": "b", "ca_bundle": "mine"}]}
    first, second = with_authorities(secret, str(bundle))["instances"]
    assert first["ca_bundle"] == bundle.read_text()
    assert second["ca_bundle"] == "mine"
    assert with_authorities(secret, None) == secret
    for path, text in ((tmp_path / "none.pem", None), (tmp_path / "empty.pem", "nothing")):
        if text:
            path.write_text(text)
        with pytest.raises(UsageError, match=path.name):
            with_authorities(secret, str(path))
