"""Change sets as CloudFormation describes them, and the plan that we make of them."""

from __future__ import annotations

from qlikops.deployment.plan import ChangeKind, Plan, parse_changes


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
    assert Plan("s", creates_stack=False).is_empty
    assert not Plan("s", creates_stack=False, change_set="arn:x").is_empty
