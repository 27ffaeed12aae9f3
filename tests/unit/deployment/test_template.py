"""What the template says twice, once in YAML and once in code, and what no function may do."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from cfnlint.decode.cfn_yaml import loads as load_template

from qlikops.agent.config import PLACE_VARIABLES, SETTINGS_VARIABLE
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


def statements(role: dict[str, Any]) -> list[dict[str, Any]]:
    """All that a role may ever be allowed: conditional statements as if their condition held."""
    listed = [
        statement for policy in role["Properties"]["Policies"] for statement in policy["PolicyDocument"]["Statement"]
    ]
    return [statement["Fn::If"][1] if "Fn::If" in statement else statement for statement in listed]


def actions(statement: dict[str, Any]) -> list[str]:
    found = statement["Action"]
    return [found] if isinstance(found, str) else list(found)


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


def test_no_function_can_answer_an_approval(resources: dict[str, Any]) -> None:
    for name in functions(resources):
        allowed = {action for statement in statements(resources[f"{name}Role"]) for action in actions(statement)}
        assert not {action for action in allowed if action.startswith("states:")} - {"states:DescribeExecution"}


def test_only_what_talks_to_qlik_reads_its_password(resources: dict[str, Any]) -> None:
    readers = {
        name
        for name in functions(resources)
        for statement in statements(resources[f"{name}Role"])
        if "secretsmanager:GetSecretValue" in actions(statement)
    }
    assert readers == {"MonitorTasks", "ExecuteRestart"}


def test_what_holds_data_outlives_the_stack(resources: dict[str, Any]) -> None:
    assert resources["Table"]["DeletionPolicy"] == "Retain"
    assert resources["DataBucket"]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert {resources[name]["UpdateReplacePolicy"] for name in ("Table", "DataBucket")} == {"Retain"}
