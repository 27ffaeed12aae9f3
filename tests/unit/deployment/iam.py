"""The template's policies as IAM will have them, and IAM's decision on a request, as far as these policies need it.

Small on purpose, and strict: an intrinsic function, a condition operator or a shape that is not known here is an
error, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cfnlint.decode.cfn_yaml import loads as load_template

from qlikops.resources import resource

REGION, ACCOUNT = "eu-west-1", "000000000000"
OURS = {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::Partition": "aws", "AWS::StackName": "qlikops"}
_NO_VALUE = object()
_SUBSTITUTED = re.compile(r"\$\{([\w:.]+)\}")
_ARNS = {
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{{}}",
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::SNS::Topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:{{}}",
    "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{{}}",
    "AWS::KMS::Key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{{}}",
    "AWS::Lambda::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{}}:*",
    "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{{}}",
    "AWS::SecretsManager::Secret": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{{}}",
    "AWS::StepFunctions::StateMachine": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{{}}",
}
_NAMES = ("FunctionName", "StateMachineName", "LogGroupName")
_REF_IS_ARN = {"AWS::SNS::Topic", "AWS::SecretsManager::Secret", "AWS::StepFunctions::StateMachine"}


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy, every value a text."""

    sid: str
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, tuple[str, ...]]]
    """Operator -> key -> values."""
    principals: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    """Elements that nobody here knows, such as NotAction."""


@dataclass(frozen=True, slots=True)
class Request:
    """What IAM is asked. A context key that is not there is not part of the request."""

    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Template:
    """deploy/template.yaml with these parameters; `names` gives resources other physical names."""

    def __init__(self, parameters: Mapping[str, str] | None = None, names: Mapping[str, str] | None = None) -> None:
        document = load_template(resource("deploy", "template.yaml").read_text())
        self._conditions = document["Conditions"]
        self._defaults = {name: str(each.get("Default", name)) for name, each in document["Parameters"].items()}
        self._parameters = {**self._defaults, **(parameters or {})}
        self._names = dict(names or {})
        self._all = document["Resources"]

    @cached_property
    def resources(self) -> dict[str, dict[str, Any]]:
        """Those that these parameters make."""
        return {
            name: each for name, each in self._all.items() if "Condition" not in each or self._holds(each["Condition"])
        }

    def of_type(self, *types: str) -> dict[str, dict[str, Any]]:
        """Logical id -> properties, resolved."""
        return {name: self.value(each["Properties"]) for name, each in self.resources.items() if each["Type"] in types}

    def identity_policies(self) -> dict[str, tuple[Statement, ...]]:
        """What each role, with what is attached to it, and each policy allows."""
        found = {
            name: tuple(statements(each["PolicyDocument"]))
            for name, each in self.of_type("AWS::IAM::ManagedPolicy").items()
        }
        for name, role in self.of_type("AWS::IAM::Role").items():
            own = [statement for each in role["Policies"] for statement in statements(each["PolicyDocument"])]
            attached = [statement for each in self._attached(name) for statement in found[each]]
            found[name] = (*own, *attached)
        return found

    def _attached(self, role: str) -> list[str]:
        """The logical ids of the policies that are attached to a role."""
        return [each["Ref"] for each in self._all[role]["Properties"].get("ManagedPolicyArns", ())]

    def trust_policies(self) -> dict[str, tuple[Statement, ...]]:
        """Who may be each role."""
        roles = self.of_type("AWS::IAM::Role").items()
        return {name: tuple(statements(role["AssumeRolePolicyDocument"])) for name, role in roles}

    def resource_policies(self) -> dict[str, tuple[Statement, ...]]:
        """Of buckets, queues, topics and keys."""
        found = {}
        types = ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::KMS::Key")
        for name, properties in self.of_type(*types).items():
            found[name] = tuple(statements(properties.get("PolicyDocument") or properties["KeyPolicy"]))
        return found

    def arn(self, name: str) -> str:
        """Of a resource, by its logical id."""
        each = self._all[name]
        properties = each["Properties"]
        own = next((str(properties[key]) for key in _NAMES if key in properties), name)
        return _ARNS[each["Type"]].format(self._names.get(name, own))

    def value(self, node: Any) -> Any:
        """`node` with its functions resolved; AWS::NoValue takes the entry away."""
        if isinstance(node, list):
            return [value for value in map(self.value, node) if value is not _NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((key, argument),) = node.items()
            if key == "Ref" or key.startswith("Fn::"):
                return self._function(key, argument)
        values = {key: self.value(each) for key, each in node.items()}
        return {key: each for key, each in values.items() if each is not _NO_VALUE}

    def _function(self, name: str, argument: Any) -> Any:
        match name:
            case "Ref":
                return self._ref(argument)
            case "Fn::GetAtt":
                return self._attribute(argument if isinstance(argument, str) else ".".join(argument))
            case "Fn::Sub":
                return _SUBSTITUTED.sub(lambda match: self._named(match[1]), argument)
            case "Fn::If":
                return self.value(argument[1] if self._holds(argument[0]) else argument[2])
            case "Fn::Join":
                return argument[0].join(self.value(argument[1]))
        raise NotImplementedError(name)

    def _named(self, name: str) -> str:
        return self._attribute(name) if "." in name else str(self._ref(name))

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        if name in OURS:
            return OURS[name]
        if name in self._parameters:
            text = self._parameters[name]
            return text.split(",") if name in {"SubnetIds", "SecurityGroupIds"} else text
        is_arn = self._all[name]["Type"] in _REF_IS_ARN
        return self.arn(name) if is_arn else self._names.get(name, name)

    def _attribute(self, path: str) -> str:
        name, _, attribute = path.partition(".")
        return self.arn(name) if attribute == "Arn" else f"{name}.{attribute}"

    def _holds(self, condition: str | dict[str, Any]) -> bool:
        if isinstance(condition, str):
            return self._holds(self._conditions[condition])
        ((name, argument),) = condition.items()
        match name:
            case "Condition":
                return self._holds(str(argument))
            case "Fn::Equals":
                return bool(self.value(argument[0]) == self.value(argument[1]))
            case "Fn::Not":
                return not self._holds(argument[0])
            case "Fn::And":
                return all(map(self._holds, argument))
            case "Fn::Or":
                return any(map(self._holds, argument))
        raise NotImplementedError(name)


def statements(document: Mapping[str, Any]) -> Iterator[Statement]:
    """The statements of a resolved policy document."""
    for each in document["Statement"]:
        principal = each.get("Principal", {})
        principals = (
            [principal] if isinstance(principal, str) else [one for many in principal.values() for one in _texts(many)]
        )
        known = {"Sid", "Effect", "Action", "Resource", "Condition", "Principal"}
        yield Statement(
            sid=str(each.get("Sid", "")),
            effect=str(each["Effect"]),
            actions=_texts(each.get("Action", [])),
            resources=_texts(each.get("Resource", [])),
            conditions={
                operator: {key: _texts(values) for key, values in keys.items()}
                for operator, keys in each.get("Condition", {}).items()
            },
            principals=tuple(map(str, principals)),
            unknown=tuple(sorted(set(each) - known)),
        )


def is_allowed(policies: Iterable[Statement], request: Request) -> bool:
    """IAM's decision for an identity with these policies: a Deny that applies wins, and without an Allow it is no."""
    applying = [each.effect for each in policies if _applies(each, request)]
    return "Allow" in applying and "Deny" not in applying


def _applies(statement: Statement, request: Request) -> bool:
    return (
        any(_like(request.action.lower(), each.lower()) for each in statement.actions)
        and any(_like(request.resource, each) for each in statement.resources)
        and all(
            _holds(operator, request.context.get(key), values)
            for operator, keys in statement.conditions.items()
            for key, values in keys.items()
        )
    )


def _holds(operator: str, actual: tuple[str, ...] | None, wanted: tuple[str, ...]) -> bool:
    quantifier, _, comparison = operator.rpartition(":")
    if comparison == "Null":
        return (actual is None) == (wanted == ("true",))
    name = comparison.removesuffix("IfExists")
    if actual is None:
        # Of nothing, everything is true: that is why each ForAllValues stands beside a Null.
        return comparison != name or quantifier == "ForAllValues"
    compare = {"StringEquals": str.__eq__, "StringLike": _like, "ArnEquals": _like, "ArnLike": _like}.get(name)
    if compare is None or quantifier not in {"", "ForAllValues", "ForAnyValue"}:
        raise NotImplementedError(operator)
    matches = [any(compare(value, pattern) for pattern in wanted) for value in actual]
    return any(matches) if quantifier == "ForAnyValue" else all(matches)


def _like(value: str, pattern: str) -> bool:
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", pattern))
    return re.fullmatch("".join(parts), value, re.DOTALL) is not None


def _texts(value: Any) -> tuple[str, ...]:
    each = value if isinstance(value, list | tuple) else [value]
    return tuple(str(one).lower() if isinstance(one, bool) else str(one) for one in each)
