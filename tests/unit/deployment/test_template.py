"""What the template says in YAML and the code says too. Permissions have tests of their own."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from cfnlint.decode.cfn_yaml import loads as load_template

from qlikops.agent.config import PLACE_VARIABLES, SETTINGS_VARIABLE
from qlikops.deployment.data import STACK_TAG
from qlikops.deployment.deployer import INLINE_BYTES
from qlikops.deployment.obstacles import fixed_names
from qlikops.domain import ledger
from qlikops.domain.ledger import Attribute
from qlikops.resources import resource


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    template = load_template(resource("deploy", "template.yaml").read_text())
    found: dict[str, Any] = template["Resources"]
    return found


def functions(resources: dict[str, Any]) -> dict[str, Any]:
    return {name: item["Properties"] for name, item in resources.items() if item["Type"] == "AWS::Lambda::Function"}


def test_every_handler_exists_and_is_told_everything(resources: dict[str, Any]) -> None:
    for name, function in functions(resources).items():
        module, _, handler = function["Handler"].rpartition(".")
        assert callable(getattr(importlib.import_module(module), handler)), name
        assert set(function["Environment"]["Variables"]) == {*PLACE_VARIABLES.values(), SETTINGS_VARIABLE}


def test_every_function_has_a_role_and_a_log_group_of_its_own(resources: dict[str, Any]) -> None:
    for name, function in functions(resources).items():
        assert function["Role"] == {"Fn::GetAtt": [f"{name}Role", "Arn"]}
        assert function["LoggingConfig"] == {"LogGroup": {"Ref": f"{name}LogGroup"}}
        assert "RetentionInDays" in resources[f"{name}LogGroup"]["Properties"]


def test_the_table_is_the_ledgers(resources: dict[str, Any]) -> None:
    table = resources["Table"]["Properties"]
    assert [key["AttributeName"] for key in table["KeySchema"]] == [ledger.PARTITION, ledger.SORT]
    (index,) = table["GlobalSecondaryIndexes"]
    assert index["IndexName"] == ledger.INBOX_INDEX
    assert [key["AttributeName"] for key in index["KeySchema"]] == [ledger.INBOX_PARTITION, ledger.INBOX_SORT]
    assert index["Projection"]["NonKeyAttributes"] == [Attribute.ROW, Attribute.CLAIM]
    assert table["TimeToLiveSpecification"]["AttributeName"] == ledger.TTL


def test_what_holds_data_outlives_the_stack(resources: dict[str, Any]) -> None:
    assert resources["Table"]["DeletionPolicy"] == "Retain"
    assert resources["DataBucket"]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert resources["DataBucketPolicy"]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert {resources[name]["UpdateReplacePolicy"] for name in ("Table", "DataBucket", "DataBucketPolicy")} == {
        "Retain"
    }
    for name in ("Table", "DataBucket"):
        assert resources[name]["Properties"]["Tags"] == [{"Key": STACK_TAG, "Value": {"Ref": "AWS::StackName"}}]


def test_a_request_takes_the_whole_template() -> None:
    assert len(resource("deploy", "template.yaml").read_bytes()) <= INLINE_BYTES


def test_no_parameter_carries_a_secret() -> None:
    template = load_template(resource("deploy", "template.yaml").read_text())
    assert not [name for name, each in template["Parameters"].items() if each.get("NoEcho")]
    properties = template["Resources"]["QlikSecret"]["Properties"]
    assert not properties.keys() & {"SecretString", "GenerateSecretString"}


def test_the_names_that_the_template_fixes_are_found_in_its_text(resources: dict[str, Any]) -> None:
    keys = {"FunctionName", "StateMachineName"}
    named = {
        name: each["Properties"][key]
        for name, each in resources.items()
        for key in keys & each.get("Properties", {}).keys()
        if each["Type"] in {"AWS::Lambda::Function", "AWS::StepFunctions::StateMachine"}
    }
    assert fixed_names(resource("deploy", "template.yaml").read_text()) == named
    assert len(named) == 7
