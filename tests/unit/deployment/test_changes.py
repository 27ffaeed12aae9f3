"""Change sets as CloudFormation describes them, and the plan that we make of them."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from qlikops.deployment.changes import ChangedValue, ChangeKind, DeploymentPlan, parse_changes


def change(action: str, resource_type: str, **more: object) -> dict[str, object]:
    return {
        "Type": "Resource",
        "ResourceChange": {"Action": action, "LogicalResourceId": "X", "ResourceType": resource_type, **more},
    }


def test_every_kind_of_change_is_told_apart() -> None:
    parsed = parse_changes(
        [
            change("Add", "AWS::SNS::Topic"),
            change("Modify", "AWS::Lambda::Function", Replacement="False"),
            change("Modify", "AWS::Lambda::Function", Replacement="Conditional"),
            change("Modify", "AWS::Lambda::Function", Replacement="True"),
            change("Remove", "AWS::SNS::Topic"),
            change("Import", "AWS::SNS::Topic"),
            change("Dynamic", "AWS::CloudFormation::Stack"),
        ]
    )
    assert [item.kind for item in parsed] == [
        ChangeKind.ADD,
        ChangeKind.CHANGE,
        ChangeKind.MAY_REPLACE,
        ChangeKind.REPLACE,
        ChangeKind.REMOVE,
        ChangeKind.IMPORT,
        ChangeKind.UNKNOWN,
    ]


def test_what_differs_is_named_once() -> None:
    details = [
        {"Target": {"Attribute": "Properties", "Name": "Environment"}},
        {"Target": {"Attribute": "Properties", "Name": "Code"}},
        {"Target": {"Attribute": "Properties", "Name": "Environment"}},
        {"Target": {"Attribute": "Tags"}},
    ]
    (parsed,) = parse_changes([change("Modify", "AWS::Lambda::Function", Details=details)])
    assert parsed.properties == ("Code", "Environment", "Tags")


def test_permissions_are_called_out() -> None:
    role, function = parse_changes([change("Add", "AWS::IAM::Role"), change("Add", "AWS::Lambda::Function")])
    assert (role.is_iam, function.is_iam) == (True, False)


def test_losing_data_is_called_out() -> None:
    replaced, changed, removed, harmless = parse_changes(
        [
            change("Modify", "AWS::DynamoDB::Table", Replacement="True"),
            change("Modify", "AWS::DynamoDB::Table", Replacement="False"),
            change("Remove", "AWS::S3::Bucket", PolicyAction="Retain"),
            change("Remove", "AWS::SNS::Topic"),
        ]
    )
    assert [item.endangers_data for item in (replaced, changed, removed, harmless)] == [True, False, True, False]
    assert removed.retained


def test_other_things_than_resources_are_passed_over() -> None:
    assert parse_changes([{"Type": "Hook"}]) == ()


def test_a_plan_without_a_change_set_is_empty() -> None:
    assert DeploymentPlan("s", creates_stack=False).is_empty
    assert not DeploymentPlan("s", creates_stack=False, change_set="arn:x").is_empty


def detail(evaluation: str, name: str = "Policies", **more: object) -> dict[str, object]:
    return {"Target": {"Attribute": "Properties", "Name": name}, "Evaluation": evaluation, **more}


def named(logical_id: str, planned: dict[str, object]) -> dict[str, object]:
    resource = planned["ResourceChange"]
    assert isinstance(resource, dict)
    return {**planned, "ResourceChange": {**resource, "LogicalResourceId": logical_id}}


OF_CODE = detail("Dynamic", ChangeSource="ResourceAttribute", CausingEntity="MonitorTasks.Arn")


@pytest.mark.parametrize(
    ("role", "function", "again"),
    [
        ([OF_CODE], "False", True),
        ([OF_CODE, OF_CODE], "False", True),
        ([OF_CODE, detail("Static", ChangeSource="DirectModification")], "False", False),
        # What it refers to is another one afterwards, or may be.
        ([OF_CODE], "True", False),
        ([OF_CODE], "Conditional", False),
        ([], "False", False),
    ],
)
def test_looking_again_at_what_stays_is_no_change_of_permissions(
    role: list[dict[str, object]], function: str, again: bool
) -> None:
    _, parsed = parse_changes(
        [
            named("MonitorTasks", change("Modify", "AWS::Lambda::Function", Replacement=function)),
            named("StateMachineRole", change("Modify", "AWS::IAM::Role", Replacement="False", Details=role)),
        ]
    )
    assert (parsed.evaluated_again, parsed.is_iam) == (again, not again)


def test_values_are_there_where_cloudformation_says_them_and_those_of_the_secret_never() -> None:
    path = "/Properties/Environment/Variables/QLIKOPS_SETTINGS"
    target = {"Attribute": "Properties", "Name": "Environment", "Path": path, "BeforeValue": "{}", "AfterValue": "{1}"}
    same = {**target, "Path": "/Properties/Other", "AfterValue": "{}"}
    details = [{"Target": each, "Evaluation": "Static"} for each in (target, target, same)]
    function, accounts = parse_changes(
        [change("Modify", kind, Details=details) for kind in ("AWS::Lambda::Function", "AWS::SecretsManager::Secret")]
    )
    assert function.values == (ChangedValue(path[1:], "{}", "{1}"),)
    assert accounts.values == ()


def context(*statements: Mapping[str, object]) -> str:
    policy = {"PolicyName": "P", "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}}
    return json.dumps({"Properties": {"Policies": [policy]}})


READ = {"Sid": "R", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:b/*"}
WRITE = {"Effect": "Allow", "Action": ["s3:PutObject", "s3:DeleteObject"], "Resource": ["a", "b"], "NotAction": "x"}
BOUND = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {"k": "false"}}}


def test_statements_that_come_and_go_are_told_as_lines() -> None:
    (parsed,) = parse_changes(
        [
            change(
                "Modify", "AWS::IAM::Role", BeforeContext=context(READ, BOUND), AfterContext=context(READ, WRITE),
                Details=[detail("Static")],
            )
        ]
    )  # fmt: skip
    assert parsed.granted == ("Allow s3:PutObject, s3:DeleteObject on a, b NotAction x",)
    assert parsed.withdrawn == ('Deny * on * if {"Bool": {"k": "false"}}',)
    assert parsed.is_iam


def test_a_new_role_tells_whom_it_trusts_and_a_context_that_is_none_tells_nothing() -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    whole = json.dumps({"Properties": {"AssumeRolePolicyDocument": {"Statement": trust}}})
    role, *others = parse_changes(
        [change("Add", "AWS::IAM::Role", AfterContext=each) for each in (whole, "", "{", "[]", '"x"')]
    )
    assert role.granted == ('Allow to {"Service": "lambda.amazonaws.com"}: sts:AssumeRole',)
    assert {each.granted for each in others} == {()}
