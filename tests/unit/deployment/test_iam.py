"""The policies linted, with everything that can be chosen and with nothing.

Beside cfn-lint, which knows the shape of a policy. Of the linters for IAM there was none to add: parliament's last
release is of April 2025, needs json-cfg (2018) and calls `states:SendTask*` on a state machine wrong; others ask AWS
over the network. So the rules stand here, with botocore's service models as the list of what there is.
"""

from __future__ import annotations

import json

import boto3
import pytest

from tests.unit.deployment.iam import ACCOUNT, REGION, Request, Statement, Template, is_allowed

EVERYTHING = {
    "KmsKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/ours",
    "SubnetIds": "subnet-1,subnet-2",
    "SecurityGroupIds": "sg-1",
    "PermissionsBoundaryArn": f"arn:aws:iam::{ACCOUNT}:policy/boundary",
    "EvaluatorModel": "eu.anthropic.model-v1:0",
    "EvaluatorGuardrail": "abc123",
    "EvaluatorSecretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:model-key",
    "EvaluatorInVpc": "true",
    "EscalationTopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:escalation",
    "NotificationTopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:ours",
    "QlikSecretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:ours",
}
VARIANTS = {"nothing chosen": Template(), "everything chosen": Template(EVERYTHING)}

CLIENTS = {"states": "stepfunctions", "bedrock": "bedrock-runtime"}
"""IAM's name of a service, where botocore's is another."""
NO_OPERATIONS = {
    "dynamodb:ConditionCheckItem": "is what a condition alone in a transaction takes",
    "s3:ListBucket": "is what ListObjectsV2 and missing objects take",
    "lambda:InvokeFunction": "is what Invoke takes",
    "iam:PassRole": "is what handing a role to a service takes",
}
EVERYWHERE = {
    "Metrics": "PutMetricData knows no resources; the namespace is a condition",
    "Vpc": "interfaces that do not exist yet cannot be named",
    "VpcNotByCode": "a Deny, as wide as what it takes back",
}
"""Statements that say `*` as a resource, and why."""
ESCALATES = (
    "iam:", "sts:", "organizations:", "lambda:Update", "lambda:Create", "lambda:Add", "states:Create", "states:Update",
    "states:Delete", "cloudformation:Create", "cloudformation:Update", "cloudformation:Execute",
    "cloudformation:Delete", "scheduler:Create", "scheduler:Update", "events:Put", "kms:Put", "kms:CreateGrant",
    "s3:PutBucket", "s3:Delete", "secretsmanager:Put", "secretsmanager:Update", "dynamodb:UpdateTable",
    "dynamodb:DeleteTable", "dynamodb:Scan", "dynamodb:PartiQL", "logs:Delete", "cloudwatch:Delete",
    "cloudwatch:Disable",
)  # fmt: skip
"""Beginnings of actions that lead to other rights than the written ones, around a condition, or out of sight."""
TO_OTHER_RIGHTS = {
    "Events": "of qlikops' own source, which no rule of AWS itself goes by",
    "PauseSchedule": "of one schedule, which may only be given the role below",
    "RoleOfTheSchedule": "of one role, to the Scheduler alone; it may start this state machine, as operators may",
}
"""Statements that say such an action all the same, and why."""
CONDITION_KEYS = {
    # Service Authorization Reference: the actions that put the key into a request.
    "dynamodb:LeadingKeys": {
        "dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
    },
    "dynamodb:Attributes": {
        "dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
    },
    "dynamodb:ReturnValues": {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"},
    "cloudwatch:namespace": {"cloudwatch:PutMetricData"},
    "events:source": {"events:PutEvents"},
    "kms:ViaService": {"kms:Decrypt", "kms:GenerateDataKey"},
    "bedrock:InferenceProfileArn": {"bedrock:InvokeModel"},
    "iam:PassedToService": {"iam:PassRole"},
    "lambda:SourceFunctionArn": None,
    "aws:SourceAccount": None,
    "aws:SourceArn": None,
    "aws:SecureTransport": None,
}  # fmt: skip
"""None: part of every request that fits."""

pytestmark = pytest.mark.parametrize("template", VARIANTS.values(), ids=VARIANTS)


def allowed(template: Template) -> list[tuple[str, Statement]]:
    given = template.identity_policies().items()
    return [(name, each) for name, statements in given for each in statements if each.effect == "Allow"]


def everything(template: Template) -> list[tuple[str, Statement]]:
    kinds = (template.identity_policies(), template.trust_policies(), template.resource_policies())
    return [(name, each) for kind in kinds for name, statements in kind.items() for each in statements]


def dumped(document: object) -> str:
    return json.dumps(document, separators=(",", ":"))


def operations(service: str) -> set[str]:
    client = boto3.client(  # type: ignore[call-overload]
        CLIENTS.get(service, service), region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x"
    )
    return set(client.meta.service_model.operation_names)


def test_every_action_is_one_that_aws_has(template: Template) -> None:
    actions = {action for _, each in everything(template) for action in each.actions if "*" not in action}
    assert "states:SendTaskSuccess" in actions
    known = {service: operations(service) for service in {action.partition(":")[0] for action in actions}}
    wrong = {
        action
        for action in actions - NO_OPERATIONS.keys()
        if action.partition(":")[2] not in known[action.partition(":")[0]]
    }
    assert wrong == set()


def test_no_statement_says_more_than_it_names(template: Template) -> None:
    for name, each in everything(template):
        assert each.unknown == (), (name, each.sid, "NotAction, NotResource and the like allow what nobody thought of")
        assert each.actions, (name, each.sid)
    for name, each in allowed(template):
        assert not [action for action in each.actions if "*" in action or "?" in action], (name, each.sid)
        assert each.resources, (name, each.sid)
        if "*" in each.resources:
            assert each.sid in EVERYWHERE, (name, each.sid)
    denied = {each.sid for _, each in everything(template) if each.effect == "Deny" and "*" in each.resources}
    assert denied <= EVERYWHERE.keys()


def test_nothing_leads_to_other_rights(template: Template) -> None:
    for name, each in allowed(template):
        found = [action for action in each.actions if action.startswith(ESCALATES)]
        assert not found or each.sid in TO_OTHER_RIGHTS, (name, each.sid)


def test_the_only_role_that_people_may_pass_starts_runs_and_nothing_else(template: Template) -> None:
    role = template.arn("ScheduleRole")
    operator = template.identity_policies()["OperatorPolicy"]
    to_scheduler, to_lambda = (
        Request("iam:PassRole", role, {"iam:PassedToService": (f"{service}.amazonaws.com",)})
        for service in ("scheduler", "lambda")
    )
    assert is_allowed(operator, to_scheduler)
    assert not is_allowed(operator, to_lambda)
    assert not is_allowed(
        operator, Request(to_scheduler.action, template.arn("MonitorTasksRole"), to_scheduler.context)
    )
    given = [each for each in template.identity_policies()["ScheduleRole"] if each.effect == "Allow"]
    assert {action for each in given for action in each.actions} <= {"states:StartExecution", "sqs:SendMessage"}


def test_every_condition_is_on_a_key_that_its_actions_have(template: Template) -> None:
    for name, each in everything(template):
        for operator, keys in each.conditions.items():
            for key in keys:
                supported = CONDITION_KEYS[key]
                assert supported is None or set(each.actions) <= supported, (name, each.sid, key)
                if operator.startswith("ForAllValues:") and each.effect == "Allow":
                    # True of a request that has none of the key, unless that is ruled out.
                    assert each.conditions["Null"][key] == ("false",), (name, each.sid, key)


def test_anybody_is_only_ever_denied_and_services_act_for_this_account(template: Template) -> None:
    for name, each in everything(template):
        if "*" in each.principals:
            assert each.effect == "Deny", (name, each.sid)
        services = [one for one in each.principals if one.endswith(".amazonaws.com")]
        # Lambda says nothing of the source; to give one of these roles to a function takes iam:PassRole here.
        if services and services != ["lambda.amazonaws.com"]:
            assert each.conditions["StringEquals"]["aws:SourceAccount"] == (ACCOUNT,), (name, each.sid)


def test_every_resource_is_of_this_account(template: Template) -> None:
    for name, each in allowed(template):
        for arn in set(each.resources) - {"*"}:
            account = arn.split(":")[4]
            of_nobody = arn.startswith(("arn:aws:s3:::", "arn:aws:bedrock:*::foundation-model/"))
            assert account == ACCOUNT or of_nobody, (name, each.sid, arn)


def test_every_policy_fits_what_iam_takes(template: Template) -> None:
    """10,240 characters for all inline policies of a role, 6,144 for a managed one; white space does not count."""
    for properties in template.of_type("AWS::IAM::Role").values():
        assert sum(len(dumped(each["PolicyDocument"])) for each in properties["Policies"]) <= 10_240
    for properties in template.of_type("AWS::IAM::ManagedPolicy").values():
        assert len(dumped(properties["PolicyDocument"])) <= 6_144


def test_callbacks_go_to_this_state_machine_only(template: Template) -> None:
    """The Service Authorization Reference lists no resource for SendTask*; Step Functions checks the state machine."""
    operator = template.identity_policies()["OperatorPolicy"]
    machine = template.arn("StateMachine")
    for action in ("states:SendTaskSuccess", "states:SendTaskFailure", "states:StartExecution"):
        assert is_allowed(operator, Request(action, machine))
        assert not is_allowed(operator, Request(action, machine.replace("QlikMonitoringAgent", "Payroll")))
    execution = machine.replace("stateMachine", "execution")
    assert is_allowed(operator, Request("states:StopExecution", f"{execution}:run-1"))
    assert not is_allowed(operator, Request("states:StopExecution", f"{execution}Other:run-1"))


def test_the_code_in_a_function_may_not_touch_the_network(template: Template) -> None:
    for name in ("MonitorTasks", "EvaluateProposal", "ExecuteRestart"):
        policies = template.identity_policies()[f"{name}Role"]
        by_lambda = Request("ec2:CreateNetworkInterface", "*")
        by_code = Request(by_lambda.action, "*", {"lambda:SourceFunctionArn": (template.arn(name),)})
        assert is_allowed(policies, by_lambda) is (template is VARIANTS["everything chosen"])
        assert not is_allowed(policies, by_code)
