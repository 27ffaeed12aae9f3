"""The simulator's models beside the embedded AWS and what AWS itself recorded: the same programs, the same answers.

A model that is kinder than AWS proves nothing. Each program is a list of calls; what counts is each call's answer, or
its error's code.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.beside import HISTORIES
from tests.embedded import REGION, EmbeddedAws
from tests.simulation.account import plain_kernel
from tests.simulation.dynamodb import DynamoDb
from tests.simulation.services import SimulatedS3
from tests.simulation.stepfunctions import StepFunctions
from tests.unit.agent.fakes import create_table

TABLE = BUCKET = "programs"
ARN = "arn:aws:states:eu-west-1:000000000000:stateMachine:programs"
START = datetime(2026, 3, 7, tzinfo=UTC)


@pytest.fixture
def table(embedded_aws: EmbeddedAws) -> Iterator[Any]:
    client = embedded_aws.client("dynamodb")
    create_table(client, TABLE)
    yield client
    client.delete_table(TableName=TABLE)


def item(pk: str, sk: str, **attributes: str | int) -> dict[str, dict[str, str]]:
    wire = {name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in attributes.items()}
    return {"pk": {"S": pk}, "sk": {"S": sk}, **wire}


def put(wire: dict[str, Any], condition: str = "", **values: str | int) -> dict[str, Any]:
    return {"Put": {"TableName": TABLE, "Item": wire, **_conditioned(condition, values)}}


def _conditioned(condition: str, values: dict[str, str | int]) -> dict[str, Any]:
    if not condition:
        return {}
    names = {word.strip("()"): word.strip("#()") for word in condition.replace("(", " ").split() if word[0] == "#"}
    said: dict[str, Any] = {"ConditionExpression": condition, "ExpressionAttributeNames": names}
    if values:
        said["ExpressionAttributeValues"] = {f":{name}": wire for name, wire in item("", "", **values).items()}
        said["ExpressionAttributeValues"] = {
            name: value for name, value in said["ExpressionAttributeValues"].items() if name not in (":pk", ":sk")
        }
    return said


def transact(*actions: dict[str, Any], token: str = "") -> tuple[str, dict[str, Any]]:
    return "transact_write_items", {"TransactItems": list(actions), **({"ClientRequestToken": token} if token else {})}


def get(pk: str, sk: str) -> tuple[str, dict[str, Any]]:
    key = {"pk": {"S": pk}, "sk": {"S": sk}}
    return "get_item", {"TableName": TABLE, "Key": key, "ConsistentRead": True}


def query(**request: Any) -> tuple[str, dict[str, Any]]:
    return "query", {"TableName": TABLE, **request}


def _with_placeholders(names: dict[str, str], values: dict[str, int]) -> tuple[str, dict[str, Any]]:
    """An update whose condition uses #n and :n."""
    given = {
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": {name: {"N": str(value)} for name, value in values.items()},
    }
    key = {"pk": {"S": "a"}, "sk": {"S": "1"}}
    condition = {"UpdateExpression": "SET #n = :n", "ConditionExpression": "#n = :n"}
    return "update_item", {"TableName": TABLE, "Key": key, **condition, **{k: v for k, v in given.items() if v}}


def _update(expression: str, names: dict[str, str], **values: str | int) -> tuple[str, dict[str, Any]]:
    key = {"pk": {"S": "a"}, "sk": {"S": "1"}}
    given = {f":{name}": wire for name, wire in item("", "", **values).items() if name in values}
    spelt = {"ExpressionAttributeNames": names, "ExpressionAttributeValues": given}
    return "update_item", {"TableName": TABLE, "Key": key, "UpdateExpression": expression, **spelt}


NEWER = "attribute_not_exists(#n) OR #n < :n OR ( #n = :n AND ( #t < :t OR #t = :t ) )"
PROGRAMS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "a condition on what is absent holds once": [
        transact(put(item("a", "1", n=1), "attribute_not_exists(#pk)")),
        transact(put(item("a", "1", n=2), "attribute_not_exists(#pk)")),
        get("a", "1"),
    ],
    "a transaction is all or nothing, and says which condition failed": [
        transact(put(item("a", "1"))),
        transact(put(item("b", "1")), put(item("a", "1", n=2), "attribute_not_exists(#pk)")),
        get("b", "1"),
        get("a", "1"),
    ],
    "nested conditions compare text and numbers each in their way": [
        transact(put(item("a", "1", n=9, t="b"))),
        transact(put(item("a", "1", n=10, t="a"), NEWER, n=10, t="a")),
        transact(put(item("a", "1", n=10, t="0"), NEWER, n=10, t="0")),
        transact(put(item("a", "1", n=2, t="z"), NEWER, n=2, t="z")),
        get("a", "1"),
    ],
    "a comparison with what is absent fails, whatever it says": [
        transact(put(item("a", "1"))),
        transact(put(item("a", "1", x=1), "#n < :n", n=5)),
        transact(put(item("a", "1", x=2), "#n <> :n", n=5)),
        transact(put(item("a", "1", x=3), "#n IN (:n)", n=5)),
        get("a", "1"),
    ],
    "a text contains another, and what is absent contains none": [
        transact(put(item("a", "1", t="a b c"))),
        transact(put(item("a", "1", t="a b c", n=1), "NOT contains(#t , :t)", t="b")),
        transact(put(item("a", "1", t="a b c", n=2), "NOT contains(#t , :t)", t="d")),
        transact(put(item("a", "1", t="a b c", n=3), "contains(#x , :t)", t="b")),
        transact(put(item("a", "1", t="a b c", n=4), "NOT contains(#x , :t)", t="b")),
        get("a", "1"),
    ],
    "the same request token makes the same transaction, and no other": [
        transact(put(item("a", "1", n=1), "attribute_not_exists(#pk)"), token="t1"),
        transact(put(item("a", "1", n=1), "attribute_not_exists(#pk)"), token="t1"),
        transact(put(item("a", "1", n=2)), token="t1"),
        get("a", "1"),
    ],
    "what an expression uses is given, and what is given is used": [
        transact(put(item("a", "1", n=1))),
        _with_placeholders({"#n": "n"}, {":n": 1}),
        _with_placeholders({"#n": "n"}, {}),
        _with_placeholders({}, {":n": 1}),
        _with_placeholders({"#n": "n", "#m": "m"}, {":n": 1}),
        _with_placeholders({"#n": "n"}, {":n": 1, ":m": 2}),
        get("a", "1"),
    ],
    "an update changes no key": [transact(put(item("a", "1"))), _update("SET #sk = :n", {"#sk": "sk"}, n=2)],
    "keys are text that is there and not too long, and those of the index have its types": [
        transact(put(item("", "1"))),
        transact(put(item("a", ""))),
        transact(put(item("a" * 2049, "1"))),
        transact(put(item("a", "1" * 1025))),
        transact(put(item("a" * 2048, "1" * 1024))),
        transact(put(item("a", "1", inbox="WAITING", deadline="20"))),
        transact(put(item("a", "1", inbox=1, deadline=20))),
    ],
    "who asks for as many as there are is told that there may be more": [
        transact(*(put(item("a", f"x{number}")) for number in (1, 2, 3))),
        *(
            query(
                KeyConditionExpression="#pk = :pk",
                ExpressionAttributeNames={"#pk": "pk"},
                ExpressionAttributeValues={":pk": {"S": "a"}},
                ConsistentRead=True,
                Limit=limit,
            )
            for limit in (2, 3, 4)
        ),
    ],
    "no item twice in one transaction": [transact(put(item("a", "1")), put(item("a", "1", n=2)))],
    "an update makes, sets, removes and adds": [
        (
            "update_item",
            {
                "TableName": TABLE,
                "Key": {"pk": {"S": "a"}, "sk": {"S": "1"}},
                "UpdateExpression": "SET #x = :x REMOVE #y ADD #n :n",
                "ExpressionAttributeNames": {"#x": "x", "#y": "y", "#n": "n"},
                "ExpressionAttributeValues": {":x": {"S": "new"}, ":n": {"N": "2"}},
            },
        ),
        get("a", "1"),
    ],
    "a delete of what is absent is no failure, where the condition allows it": [
        transact({"Delete": {"TableName": TABLE, "Key": {"pk": {"S": "a"}, "sk": {"S": "1"}}}}),
        transact(
            {
                "Delete": {
                    "TableName": TABLE,
                    "Key": {"pk": {"S": "a"}, "sk": {"S": "1"}},
                    **_conditioned("attribute_exists(#pk)", {}),
                }
            }
        ),
    ],
    "a query has the partition in order, by prefix, backwards and by pages": [
        transact(
            *(put(item("a", f"x{number}", n=number)) for number in (3, 1, 2)), put(item("a", "y")), put(item("b", "x1"))
        ),
        query(
            KeyConditionExpression="#pk = :pk AND begins_with(#sk, :sk)",
            ExpressionAttributeNames={"#pk": "pk", "#sk": "sk"},
            ExpressionAttributeValues={":pk": {"S": "a"}, ":sk": {"S": "x"}},
            ConsistentRead=True,
            ScanIndexForward=False,
            Limit=2,
        ),
        query(
            KeyConditionExpression="#pk = :pk",
            FilterExpression="#n >= :n",
            ExpressionAttributeNames={"#pk": "pk", "#n": "n"},
            ExpressionAttributeValues={":pk": {"S": "a"}, ":n": {"N": "2"}},
            ConsistentRead=True,
        ),
    ],
    "a sparse index holds what has its key, in its order, with what it projects": [
        transact(
            put(item("a", "1", inbox="WAITING", deadline=20, row="late", other="x")),
            put(item("b", "1", inbox="WAITING", deadline=3, row="soon")),
            put(item("c", "1", deadline=1, row="never")),
        ),
        query(
            IndexName="inbox",
            KeyConditionExpression="#inbox = :inbox",
            ExpressionAttributeNames={"#inbox": "inbox"},
            ExpressionAttributeValues={":inbox": {"S": "WAITING"}},
        ),
    ],
    "no other table, no consistent read of an index": [
        ("get_item", {"TableName": "other", "Key": {"pk": {"S": "a"}, "sk": {"S": "1"}}}),
        query(
            IndexName="inbox",
            KeyConditionExpression="#inbox = :inbox",
            ExpressionAttributeNames={"#inbox": "inbox"},
            ExpressionAttributeValues={":inbox": {"S": "WAITING"}},
            ConsistentRead=True,
        ),
    ],
}


def answers(client: Any, program: list[tuple[str, dict[str, Any]]]) -> list[Any]:
    said: list[Any] = []
    for operation, request in program:
        try:
            answer = getattr(client, operation)(**request)
        except ClientError as exc:
            reasons = [reason["Code"] for reason in exc.response.get("CancellationReasons", [])]
            said.append((exc.response["Error"]["Code"], reasons))
        else:
            said.append(
                {name: answer[name] for name in ("Item", "Items", "Count", "LastEvaluatedKey") if name in answer}
            )
    return said


@pytest.mark.parametrize("name", PROGRAMS)
def test_dynamodb_answers_as_the_embedded_one(table: Any, name: str) -> None:
    model = DynamoDb(plain_kernel(), TABLE, longest_lag=0.0)
    assert answers(model, PROGRAMS[name]) == answers(table, PROGRAMS[name])


LISTINGS: list[dict[str, Any]] = [
    {},
    {"Prefix": "none"},
    {"Delimiter": "/"},
    {"Prefix": "a/", "Delimiter": "/"},
    {"MaxKeys": 2},
    {"MaxKeys": 1, "Delimiter": "/"},
]


def objects_in(client: Any) -> list[Any]:
    """What listings and conditional writes come to, page by page."""
    said: list[Any] = []
    for key in ("b", "a/2", "a/1/x", "ä", "c/1"):
        client.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
    for request in LISTINGS:
        more: dict[str, str] = {}
        while True:
            page = client.list_objects_v2(Bucket=BUCKET, **request, **more)
            found = (
                ([each["Key"] for each in page["Contents"]] if "Contents" in page else None),
                [each["Prefix"] for each in page.get("CommonPrefixes", [])],
            )
            said.append((*found, page["KeyCount"], page["IsTruncated"]))
            if not page["IsTruncated"]:
                break
            more = {"ContinuationToken": page["NextContinuationToken"]}
    etag = client.get_object(Bucket=BUCKET, Key="b")["ETag"]
    conditions = (("b", {"IfMatch": etag}), ("b", {"IfMatch": '"x"'}), ("b", {"IfNoneMatch": "*"}))
    for key, condition in (*conditions, ("none", {"IfMatch": etag}), ("none", {"IfNoneMatch": "*"})):
        try:
            said.append(client.put_object(Bucket=BUCKET, Key=key, Body=b"", **condition)["ETag"])
        except ClientError as exc:
            said.append((exc.response["Error"]["Code"], exc.response["ResponseMetadata"]["HTTPStatusCode"]))
    return said


def test_s3_lists_and_compares_as_the_embedded_one(embedded_aws: EmbeddedAws) -> None:
    client = embedded_aws.client("s3")
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    try:
        assert objects_in(SimulatedS3(plain_kernel())) == objects_in(client)
    finally:
        for each in client.list_objects_v2(Bucket=BUCKET)["Contents"]:
            client.delete_object(Bucket=BUCKET, Key=each["Key"])
        client.delete_bucket(Bucket=BUCKET)


def recorded(name: str) -> list[dict[str, Any]]:
    path = HISTORIES / f"{name}.json"
    if not path.exists():
        pytest.skip(f"there is no {path}")
    events: list[dict[str, Any]] = json.loads(path.read_text())["events"]
    return events


def shape(events: list[dict[str, Any]]) -> list[tuple[str, int, int, str]]:
    """Kind, number, predecessor and state of each event."""
    names = ((event.get("stateEnteredEventDetails") or event.get("stateExitedEventDetails") or {}) for event in events)
    return [
        (event["type"], event["id"], event["previousEventId"], name.get("name", ""))
        for event, name in zip(events, names, strict=True)
    ]


def machine(
    definition: dict[str, Any],
    act: Callable[[StepFunctions, str], None] = lambda *_: None,
    given: str = "{}",
    stopped_after: float | None = None,
) -> list[dict[str, Any]]:
    """The history of an execution whose functions all fail, and whose tokens `act` answers.

    After `stopped_after` seconds, somebody stops it.
    """
    kernel = plain_kernel()

    def invoke(_: str, payload: Any, answered: Callable[[Any], None], failed: Callable[[str, str], None]) -> None:
        if "token" in payload:
            kernel.after(1, lambda: answered(None))
            kernel.after(2, lambda: act(states, payload["token"]))
        else:
            kernel.after(1, lambda: failed("Exception", "{}"))

    states = StepFunctions(kernel, json.dumps(definition), invoke, ARN)
    arn = states.start_execution(ARN, "one", given)["executionArn"]
    if stopped_after is not None:
        kernel.run(kernel.now + stopped_after)
        states.stop_execution(arn)
    kernel.run(kernel.now + 3600)
    kernel.close()
    history: list[dict[str, Any]] = states.get_execution_history(arn, maxResults=1000)["events"]
    return history


def state_names(events: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for *_, name in shape(events) if name))


def test_a_retried_and_caught_task_leaves_the_history_that_aws_recorded() -> None:
    events = recorded("lambda_service_invoke_with_retry_extended_input")
    task, caught = state_names(events)
    definition = {
        "StartAt": task,
        "States": {
            task: {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": "f", "Payload": {}},
                "Retry": [{"ErrorEquals": ["Exception"], "IntervalSeconds": 3, "MaxAttempts": 3, "BackoffRate": 1}],
                "Catch": [{"ErrorEquals": ["Exception"], "Next": caught}],
                "End": True,
            },
            caught: {"Type": "Pass", "End": True},
        },
    }
    assert shape(machine(definition)) == shape(events)


@pytest.mark.parametrize(
    ("name", "act"),
    [
        ("sqs_wait_for_task_token_timeout", lambda *_: None),
        ("sqs_wait_for_task_token", lambda states, token: states.send_task_success(token, "{}")),
        ("sqs_failure_in_wait_for_task_token", lambda states, token: states.send_task_failure(token, "Failed error")),
    ],
)
def test_a_wait_for_a_token_leaves_the_history_that_aws_recorded(
    name: str, act: Callable[[StepFunctions, str], None]
) -> None:
    events = recorded(name)
    first, *others = state_names(events)
    definition = {
        "StartAt": first,
        "States": {
            first: {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
                "Parameters": {"FunctionName": "f", "Payload": {"token.$": "$$.Task.Token"}},
                "TimeoutSeconds": 5,
                **({"Next": others[0]} if others else {"End": True}),
            },
            **{other: {"Type": "Pass", "End": True} for other in others[:1]},
        },
    }
    if name == "sqs_failure_in_wait_for_task_token" and others:
        definition["States"][first]["Catch"] = [{"ErrorEquals": ["States.ALL"], "Next": others[0]}]  # type: ignore[index]
    assert shape(machine(definition, act)) == shape(events)


def test_an_execution_that_is_stopped_as_it_waits_leaves_the_history_that_aws_recorded() -> None:
    events = recorded("stop_execution")
    (name,) = state_names(events)
    definition = {"StartAt": name, "States": {name: {"Type": "Wait", "Seconds": 60, "End": True}}}
    assert shape(machine(definition, stopped_after=0.3)) == shape(events)


def test_a_map_that_fails_aborts_its_other_iterations_as_aws_recorded() -> None:
    events = recorded("service_lambda_map_timeout")
    outer, leaf = state_names(events)
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "f", "Payload": {}},
        "End": True,
    }
    iterator = {"StartAt": leaf, "States": {leaf: task}}
    definition = {"StartAt": outer, "States": {outer: {"Type": "Map", "ItemProcessor": iterator, "End": True}}}

    def end(history: list[dict[str, Any]]) -> list[tuple[str, int]]:
        """What follows from the failure, and how far behind it its predecessor is."""
        failed = next(event for event in history if event["type"] == "MapIterationFailed")
        follows = [
            event for event in history if event["type"].endswith(("IterationFailed", "Aborted", "MapStateFailed"))
        ]
        return [(event["type"], failed["previousEventId"] - event["previousEventId"]) for event in follows]

    assert end(machine(definition, given="[1, 2, 3, 4]")) == end(events)


def test_maps_in_a_map_leave_the_history_that_aws_recorded() -> None:
    events = recorded("map_state_nested")
    outer, inner, leaf = state_names(events)

    def over(states: dict[str, Any], name: str, items: list[Any]) -> dict[str, Any]:
        return {
            "Type": "Map",
            "ItemsPath": "$.items",
            "Parameters": {"items": items},
            "MaxConcurrency": 1,
            "ItemProcessor": {"StartAt": name, "States": states},
            "End": True,
        }

    lengths = [event["mapStateStartedEventDetails"]["length"] for event in events if event["type"] == "MapStateStarted"]
    leaves = {leaf: {"Type": "Pass", "End": True}}
    # The model takes a Map's items from its input: the outer input holds them all.
    inner_map = {**over(leaves, leaf, []), "ItemsPath": "$"}
    outer_map = {**over({inner: inner_map}, inner, []), "ItemsPath": "$"}
    del inner_map["Parameters"], outer_map["Parameters"]
    kernel = plain_kernel()
    states = StepFunctions(kernel, json.dumps({"StartAt": outer, "States": {outer: outer_map}}), lambda *_: None, ARN)
    given = json.dumps([[0] * length for length in lengths[1:]])
    arn = states.start_execution(ARN, "one", given)["executionArn"]
    kernel.run(kernel.now + 60)
    kernel.close()
    history = states.get_execution_history(arn, maxResults=1000)["events"]
    # The recording ends with the Map.
    assert shape(history)[: len(events)] == shape(events)


PATHS: dict[str, dict[str, Any]] = {
    "ResultPath beside the input": {"Type": "Pass", "Result": {"b": 2}, "ResultPath": "$.found.here"},
    "ResultPath null": {"Type": "Pass", "Result": {"b": 2}, "ResultPath": None},
    "Parameters with paths": {"Type": "Pass", "Parameters": {"x.$": "$.a", "y": {"z.$": "$.deep.er"}}},
    "InputPath and OutputPath": {"Type": "Pass", "InputPath": "$.deep", "OutputPath": "$.er"},
}


@pytest.mark.parametrize("name", PATHS)
def test_paths_lead_where_they_lead_in_the_embedded_step_functions(embedded_aws: EmbeddedAws, name: str) -> None:
    definition = json.dumps({"StartAt": "One", "States": {"One": {**PATHS[name], "End": True}}})
    given = json.dumps({"a": 1, "deep": {"er": {"x": [1]}}})
    client = embedded_aws.client("stepfunctions")
    arn = client.create_state_machine(
        name=f"paths-{list(PATHS).index(name)}", definition=definition, roleArn="arn:aws:iam::000000000000:role/r"
    )["stateMachineArn"]
    execution = client.start_execution(stateMachineArn=arn, input=given)["executionArn"]
    while (there := client.describe_execution(executionArn=execution))["status"] == "RUNNING":
        pass
    kernel = plain_kernel()
    states = StepFunctions(kernel, definition, lambda *_: None, ARN)
    here_arn = states.start_execution(ARN, "one", given)["executionArn"]
    kernel.run(kernel.now + 60)
    kernel.close()
    here = states.executions[here_arn]
    assert (here.status, json.loads(here.output or "null")) == (
        there["status"],
        json.loads(there.get("output", "null")),
    )


def test_a_path_that_is_not_there_ends_an_execution_whatever_is_caught() -> None:
    """States.Runtime in "Handling errors in Step Functions workflows". The embedded one goes on with null."""
    absent = {"Type": "Pass", "Parameters": {"x.$": "$.nowhere"}, "End": True}
    block = {"StartAt": "Absent", "States": {"Absent": absent}}
    definition = {
        "StartAt": "One",
        "States": {
            "One": {
                "Type": "Map",
                "ItemsPath": "$",
                "ItemProcessor": block,
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
                "End": True,
            },
            "Caught": {"Type": "Pass", "End": True},
        },
    }
    history = machine(definition, given="[1]")
    assert history[-1]["executionFailedEventDetails"]["error"] == "States.Runtime"
    assert state_names(history) == ["One", "Absent"]
