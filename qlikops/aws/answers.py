"""The one place where the shape of AWS's answers is checked: what passes here may be read without asking again.

A proxy, a captive portal or a stand-in for AWS may answer 200 with a page, with `{}`, or with a text where there should
be a number. botocore takes all of that for an answer, and so the fault would show far away, as a KeyError.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

from qlikops.domain.errors import QlikopsError, Unreachable, UsageError
from qlikops.domain.words.text import harmless

if TYPE_CHECKING:
    import botocore.session
    from botocore.model import OperationModel, Shape

_NEEDED: Mapping[str, tuple[str, ...]] = {
    "BatchGetItem": ("Responses",),
    "CreateChangeSet": ("Id",),
    "DescribeChangeSet": ("Status",),
    "DescribeContinuousBackups": ("ContinuousBackupsDescription",),
    "DescribeSecret": ("Name",),
    "DescribeStackEvents": ("StackEvents",),
    "DescribeStacks": ("Stacks",),
    "DescribeTable": ("Table",),
    "GetAccountSettings": ("AccountLimit",),
    "GetCallerIdentity": ("Arn",),
    "GetObject": ("Body", "ETag"),
    "GetSchedule": ("Name", "ScheduleExpression", "Target"),
    "GetSecretValue": ("SecretString",),
    "GetSessionToken": ("Credentials",),
    "GetTemplateSummary": ("Parameters",),
    "ListChangeSets": ("Summaries",),
    "ListStackResources": ("StackResourceSummaries",),
    "Query": ("Items",),  # or its count alone, where only that was asked for
    "SimulatePrincipalPolicy": ("EvaluationResults",),
}
"""Operation -> what of its answer is read without asking whether it is there, and AWS's own model does not promise."""
_NEVER_EMPTY = frozenset({"Stacks"})
_READ = frozenset(
    {
        *("AccessKeyId", "Arn", "Body", "ChangeSetId", "ChangeSetName", "Changes", "CommonPrefixes", "Contents"),
        *("ContinuousBackupsDescription", "Count", "CreationTime", "Credentials", "DeleteMarkers", "DeletedDate"),
        *("DeletionProtectionEnabled", "Details", "DetectionStatus", "DetectionStatusReason", "ETag", "EndDate"),
        *("EvalActionName", "EvalDecision", "EvaluationResults", "EventId", "Expiration", "Id", "Item", "Items", "Key"),
        *("Keys", "LastChangedDate", "LastModified", "LogicalResourceId", "Name", "NextToken", "OutputKey"),
        *("OutputValue", "Outputs", "ParameterKey", "ParameterValue", "Parameters", "PhysicalResourceId"),
        *("PointInTimeRecoveryDescription", "PointInTimeRecoveryStatus", "PolicyAction", "Prefix"),
        *("PropertyDifferences", "PropertyPath", "Replacement", "ResourceChange", "ResourceStatus"),
        *("ResourceStatusReason", "ResourceType", "Responses", "Role", "ScheduleExpression"),
        *("ScheduleExpressionTimezone", "SecretAccessKey", "SecretString", "SessionToken", "StackDriftDetectionId"),
        *("StackEvents", "StackId", "StackResourceDriftStatus", "StackResourceDrifts", "StackResourceSummaries"),
        *("StackStatus", "Stacks", "StartDate", "State", "Status", "StatusReason", "Summaries", "Table", "TableStatus"),
        *("Tags", "Target", "Timestamp", "UnprocessedKeys", "VersionId", "Versions", "cause", "definition", "error"),
        *("events", "executionArn", "executions", "id", "input", "name", "nextToken", "output", "redriveCount"),
        *("redriveStatus", "redriveStatusReason", "startDate", "status", "stopDate", "DeadLetterConfig", "Action"),
        *("Attribute", "AfterValue", "BeforeValue", "CausingEntity", "Errors", "Evaluation", "Path", "StackName"),
        *("TableArn",),
    }
)
"""Members of AWS's answers that are read, at whatever depth; a test finds them in the source. A stand-in for AWS may
leave out the others, or spell them in another way.
"""
_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "character": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (datetime.datetime,),
}
"""What a value of each type is in Python. A boolean may be anything: nothing breaks on it."""
_START = 200
"""Bytes of a reply that tell whether it is a page."""
_OPAQUE = frozenset({"AttributeValue", "policyDocumentType"})
"""Shapes that are not looked into: what lies in an item of DynamoDB's is the ledger's to say, and there are thousands
of them in one answer; a policy document of IAM's has been decoded by botocore before this sees it.
"""
_HINT = (
    "Something between here and AWS answers in its place: a proxy, a network that wants a login first, a wrong "
    "endpoint_url (`qlikops config` shows it)."
)


class NoAnswer(Unreachable):
    """What came back is no answer of AWS's; whether the request counted, nobody can say."""


def check_answers(session: botocore.session.Session) -> None:
    """Lets every client of `session` raise NoAnswer for a reply that no service gave, or of another shape than its
    operation's.
    """
    session.get_component("event_emitter").register("after-call", _check)


def foreign(error: Exception, doing: str) -> QlikopsError | None:
    """The error for what botocore let through of the libraries below it and of what it was configured with; None where
    `error` did not come through botocore. `doing` completes "Could not …".
    """
    modules = [str(frame.f_globals.get("__name__", "")) for frame, _ in walk_tb(error.__traceback__)]
    why = harmless(f"{type(error).__name__}: {error}", 200)
    if any(name.startswith(("botocore.parsers", "botocore.response")) for name in modules):
        return NoAnswer(f"Could not {doing}: the reply is no answer of AWS's ({why}).", _HINT)
    if any(name.partition(".")[0] in ("botocore", "boto3") for name in modules):
        return UsageError(
            f"Could not {doing}: {why}.",
            "See endpoint_url in `qlikops config`, the AWS_* variables, and the AWS configuration (~/.aws/config).",
        )
    return None


def part_of_arn(arn: str, index: int) -> str:
    """One of the parts of `arn` between its colons: 1 the partition, 3 the Region, 4 the account. Raises NoAnswer."""
    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn":
        raise NoAnswer(f"{harmless(arn, 80)!r} is no ARN, and AWS would have given one.", _HINT)
    return parts[index]


def _check(http_response: Any, parsed: Any, model: OperationModel, **_: Any) -> None:
    if what := _stranger(http_response, parsed, model):
        status = http_response.status_code
        raise NoAnswer(f"The reply to {model.name} is no answer of AWS's but {what} (status {status}).", _HINT)
    if not isinstance(parsed, Mapping) or parsed.get("ResponseMetadata", {}).get("HTTPStatusCode", 200) >= 300:
        return
    shape = model.output_shape
    needed = _NEEDED.get(model.name, ())
    if model.name == "Query" and "Count" in parsed:
        needed = ("Count",)
    lacking = (name for name in needed if parsed.get(name) is None or (name in _NEVER_EMPTY and not parsed[name]))
    problem = next((f"{name} is missing" for name in lacking), "")
    problem = problem or (_misfit(shape, parsed, "") if shape is not None else "")
    if problem:
        raise NoAnswer(f"The reply to {model.name} is no answer of AWS's: {problem}.", _HINT)


def _stranger(http_response: Any, parsed: Any, model: OperationModel) -> str:
    """What the reply is where it is none of a service: of a page botocore makes an answer in which nothing is said, or
    an error that has the status for its name. Empty where it may be one.
    """
    if "html" in http_response.headers.get("content-type", ""):
        return "a page"
    # Reading a stream here would be reading all of it, and a scripted reply has nothing to read.
    if model.has_streaming_output or http_response.raw is None:
        return ""
    body = http_response.content
    if not model.service_model.protocol.endswith("json"):
        return "a page" if body[:_START].lstrip().lower().startswith((b"<!doctype html", b"<html")) else ""
    if not body and model.service_model.protocol == "rest-json":  # all that is said may be said in the head
        return ""
    members: Mapping[str, Any] = model.output_shape.members if model.output_shape is not None else {}
    if isinstance(parsed, Mapping) and not members.keys().isdisjoint(parsed):
        return ""
    try:
        is_object = isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        is_object = False
    return "" if is_object else "a page or part of one"


def _misfit(shape: Shape, value: Any, path: str) -> str:
    """What of `value` does not fit `shape`; empty where all does."""
    if shape.name in _OPAQUE:
        return ""
    if kinds := _KINDS.get(shape.type_name):
        fits = isinstance(value, kinds) and not isinstance(value, bool)
        return "" if fits else f"{path} is a {type(value).__name__}"
    inner: list[tuple[Shape, Any, str]] = []
    if shape.type_name == "structure" and isinstance(value, Mapping):
        members: Mapping[str, Shape] = shape.members  # type: ignore[attr-defined]
        required: list[str] = shape.required_members
        if missing := next((name for name in required if name in _READ and value.get(name) is None), ""):
            return f"{path}.{missing} is missing".lstrip(".")
        found = [name for name in members if name in value and name in _READ]
        inner = [(members[name], value[name], f"{path}.{name}".lstrip(".")) for name in found]
    elif shape.type_name == "list" and isinstance(value, list):
        inner = [(shape.member, each, f"{path}[{index}]") for index, each in enumerate(value)]  # type: ignore[attr-defined]
    elif shape.type_name == "map" and isinstance(value, Mapping):
        inner = [(shape.value, each, f"{path}.{key}") for key, each in value.items()]  # type: ignore[attr-defined]
    return next((problem for each in inner if each[1] is not None and (problem := _misfit(*each))), "")
