"""What AWS documents and the embedded AWS does not do, or does otherwise: the models have it all the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.simulation.account import plain_kernel
from tests.simulation.dynamodb import MOST_ITEM_BYTES, DynamoDb
from tests.simulation.kernel import Kernel
from tests.simulation.services import MOST_MESSAGE_BYTES, SimulatedCloudWatch, SimulatedS3, SimulatedSns
from tests.simulation.stepfunctions import (
    MOST_CAUSE,
    MOST_EVENTS,
    MOST_PAYLOAD_BYTES,
    MOST_REDRIVES,
    TOKEN_SECONDS,
    StepFunctions,
)

ARN = "arn:aws:states:eu-west-1:000000000000:stateMachine:models"
KEY = {"pk": {"S": "a"}, "sk": {"S": "1"}}


@pytest.fixture
def kernel() -> Kernel:
    return plain_kernel()


@pytest.fixture
def database(kernel: Kernel) -> DynamoDb:
    return DynamoDb(kernel, "t", longest_lag=0.0)


def put(**attributes: str) -> dict[str, Any]:
    return {"Put": {"TableName": "t", "Item": KEY | {name: {"S": value} for name, value in attributes.items()}}}


def update(**attributes: str) -> dict[str, Any]:
    return {
        "Update": {
            "TableName": "t",
            "Key": KEY,
            "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
            "ExpressionAttributeNames": {f"#{name}": name for name in attributes},
            "ExpressionAttributeValues": {f":{name}": {"S": value} for name, value in attributes.items()},
        }
    }


def test_a_transaction_beside_another_process_s_write_is_cancelled_and_succeeds_a_moment_later(
    kernel: Kernel, database: DynamoDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel.random, "random", lambda: 0.0)
    database.transact_write_items([put(x="1")])  # by the world itself

    def writes() -> list[Any]:
        other = {"Put": {"TableName": "t", "Item": {"pk": {"S": "b"}, "sk": {"S": "1"}}}}
        with pytest.raises(ClientError) as raised:
            database.transact_write_items([other, put(x="2")])
        kernel.sleep(1)
        database.transact_write_items([other, put(x="2")])
        return [reason["Code"] for reason in raised.value.response["CancellationReasons"]]

    process = kernel.spawn("one", writes)
    kernel.run(kernel.now + 2)

    assert process.error is None
    assert process.result == ["None", "TransactionConflict"]
    assert database.items["a", "1"]["x"] == {"S": "2"}


def test_an_item_that_an_update_makes_too_large_cancels_the_transaction(database: DynamoDb) -> None:
    half = "x" * (MOST_ITEM_BYTES // 2)
    database.transact_write_items([put(x=half)])

    with pytest.raises(ClientError) as raised:
        database.transact_write_items([update(y=half)])

    assert raised.value.response["CancellationReasons"] == [{"Code": "ValidationError"}]
    with pytest.raises(ClientError, match="ValidationException"):
        database.transact_write_items([put(x=half + half)])


def test_an_update_beside_another_process_s_write_conflicts_and_succeeds_a_moment_later(
    kernel: Kernel, database: DynamoDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    """UpdateItem's errors in the API reference."""
    monkeypatch.setattr(kernel.random, "random", lambda: 0.0)
    database.transact_write_items([put(x="1")])

    def writes() -> str:
        with pytest.raises(ClientError) as raised:
            database.update_item(**update(x="2")["Update"])
        kernel.sleep(1)
        database.update_item(**update(x="2")["Update"])
        return str(raised.value.response["Error"]["Code"])

    process = kernel.spawn("one", writes)
    kernel.run(kernel.now + 2)

    assert (process.error, process.result) == (None, "TransactionConflictException")
    assert database.items["a", "1"]["x"] == {"S": "2"}


@pytest.mark.parametrize("expression", ["SET #x = :x REMOVE #x", "SET #x = :x, #x = :x"])
def test_an_update_names_no_attribute_twice(database: DynamoDb, expression: str) -> None:
    """UpdateExpression in the API reference; the embedded DynamoDB takes it."""
    with pytest.raises(ClientError, match="ValidationException"):
        database.update_item(**update(x="1")["Update"] | {"UpdateExpression": expression})


def test_a_filter_names_no_key(database: DynamoDb) -> None:
    """FilterExpression of Query in the API reference; the embedded DynamoDB takes one."""
    spelt = {
        "ExpressionAttributeNames": {"#pk": "pk", "#sk": "sk"},
        "ExpressionAttributeValues": {":pk": KEY["pk"], ":sk": KEY["sk"]},
    }
    with pytest.raises(ClientError, match="ValidationException"):
        database.query("t", "#pk = :pk", FilterExpression="#sk > :sk", **spelt)


def test_an_object_that_is_gone_is_not_there_to_be_compared(kernel: Kernel) -> None:
    with pytest.raises(ClientError, match="NoSuchKey"):
        SimulatedS3(kernel).put_object("bucket", "key", b"", IfMatch='"etag"')


def test_a_conditional_write_beside_another_process_s_conflicts_and_succeeds_a_moment_later(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PutObject in the API reference, whose answer has the status 409."""
    s3 = SimulatedS3(kernel)
    monkeypatch.setattr(kernel.random, "random", lambda: 0.0)
    etag = s3.put_object("bucket", "key", b"one")["ETag"]

    def writes() -> int:
        with pytest.raises(ClientError, match="ConditionalRequestConflict") as raised:
            s3.put_object("bucket", "key", b"two", IfMatch=etag)
        kernel.sleep(1)
        s3.put_object("bucket", "key", b"two", IfMatch=etag)
        return int(raised.value.response["ResponseMetadata"]["HTTPStatusCode"])

    process = kernel.spawn("one", writes)
    kernel.run(kernel.now + 2)

    assert (process.error, process.result) == (None, 409)
    assert s3.get_object("bucket", "key")["Body"].read() == b"two"


def test_a_message_has_room_for_its_attributes_and_none_of_them_is_empty(kernel: Kernel) -> None:
    """Publish in the API reference."""
    kind = {"DataType": "String", "StringValue": "x" * 1000}
    sns = SimulatedSns(kernel)
    sns.publish(Message="x" * (MOST_MESSAGE_BYTES - 1010), MessageAttributes={"kind": kind})
    with pytest.raises(ClientError, match="InvalidParameter"):
        sns.publish(Message="x" * (MOST_MESSAGE_BYTES - 1009), MessageAttributes={"kind": kind})
    with pytest.raises(ClientError, match="ParameterValueInvalid"):
        sns.publish(Message="x", MessageAttributes={"kind": {"DataType": "String", "StringValue": ""}})


def test_a_metric_has_a_hundred_and_fifty_values_a_call() -> None:
    """PutMetricData in the API reference."""
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        SimulatedCloudWatch().put_metric_data("QlikOps", [{"MetricName": "Took", "Values": [1.0] * 151}])


@pytest.mark.parametrize("subject", ["", " x", "x\n", "é", "x" * 100])
def test_a_subject_that_sns_does_not_send(kernel: Kernel, subject: str) -> None:
    with pytest.raises(ClientError, match="InvalidParameter"):
        SimulatedSns(kernel).publish(Subject=subject, Message="text")


def test_what_has_ended_is_listed_by_when_it_did_and_what_runs_by_when_it_began(kernel: Kernel) -> None:
    """API reference of ListExecutions. The embedded Step Functions lists all by when they began."""
    wait = {"Type": "Wait", "SecondsPath": "$.seconds", "End": True}
    states = StepFunctions(kernel, json.dumps({"StartAt": "Wait", "States": {"Wait": wait}}), lambda *_: None, ARN)
    for name, seconds in (("long", 500), ("short", 10), ("runs", 900), ("stopped", 800)):
        states.start_execution(ARN, name, json.dumps({"seconds": seconds}))
        kernel.run(kernel.now + 100)
    kernel.run(kernel.now + 300)

    def listed() -> list[str]:
        return [each["name"] for each in states.list_executions(ARN)["executions"]]

    assert listed() == ["long", "stopped", "runs", "short"]
    stopped = f"{ARN.replace(':stateMachine:', ':execution:')}:stopped"
    states.stop_execution(stopped)
    kernel.run(kernel.now + 10)
    assert listed() == ["stopped", "long", "runs", "short"]
    states.redrive_execution(stopped)
    kernel.run(kernel.now + 10)
    assert listed()[0] == "stopped"
    kernel.close()


WAIT = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
    "Parameters": {"FunctionName": "f", "Payload": {"token.$": "$$.Task.Token"}},
    "TimeoutSeconds": 100,
    "Retry": [{"ErrorEquals": ["Again"], "MaxAttempts": 1}],
    "End": True,
}


def refusal(call: Callable[[], object]) -> str:
    """The code of the error that a call is answered with; empty if it is not refused."""
    try:
        call()
    except ClientError as exc:
        return exc.response["Error"]["Code"]
    return ""


@pytest.mark.parametrize("ends", ["answered", "failed", "timed out", "retried", "stopped"])
def test_a_token_is_good_once_and_as_long_as_its_attempt(kernel: Kernel, ends: str) -> None:
    """TaskTimedOut in the API reference. The embedded Step Functions takes one after a stop, and names other errors."""
    tokens: list[str] = []
    definition = json.dumps({"StartAt": "Wait", "States": {"Wait": WAIT}})
    states = StepFunctions(kernel, definition, lambda _, payload, *__: tokens.append(payload["token"]), ARN)
    arn = states.start_execution(ARN, "run")["executionArn"]
    kernel.run(kernel.now + 10)
    match ends:
        case "answered":
            states.send_task_success(tokens[0], "{}")
        case "failed" | "retried":
            states.send_task_failure(tokens[0], "Again" if ends == "retried" else "No")
        case "stopped":
            states.stop_execution(arn)
    kernel.run(kernel.now + (100 if ends == "timed out" else 10))

    assert refusal(lambda: states.send_task_success(tokens[0], "{}")) == "TaskTimedOut"
    assert refusal(lambda: states.send_task_failure(tokens[0])) == "TaskTimedOut"
    assert refusal(lambda: states.send_task_success("another", "{}")) == "InvalidToken"
    assert len(tokens) == (2 if ends == "retried" else 1)
    assert not tokens[1:] or states.send_task_success(tokens[1], "{}") == {}
    kernel.close()


@pytest.mark.parametrize(
    ("names", "pauses", "caught"),
    [
        (["Busy"] * 5, [2, 4, 5, 5], "All"),  # up to MaxDelaySeconds
        (["Busy", "Other", "Busy", "Other", "Other"], [2, 1, 4, 2], "All"),  # each Retry counts for itself
        (["States.Timeout"], [], "Named"),  # States.TaskFailed is every other error
        (["States.DataLimitExceeded"], [], ""),  # nor does States.ALL take it
        (["States.Runtime"], [], ""),
    ],
)
def test_retries_and_catches_go_by_the_names_of_errors(
    kernel: Kernel, names: list[str], pauses: list[int], caught: str
) -> None:
    """The page "Handling errors in Step Functions workflows" of the Developer Guide."""
    at: list[float] = []

    def invoke(_: str, __: object, ___: object, failed: Callable[[str, str], None]) -> None:
        at.append(kernel.now)
        failed(names.pop(0), "")

    busy = {"ErrorEquals": ["Busy"], "IntervalSeconds": 2, "BackoffRate": 2, "MaxDelaySeconds": 5, "MaxAttempts": 4}
    task = {
        "Type": "Task",
        "End": True,
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "f"},
        "Retry": [busy, {"ErrorEquals": ["States.TaskFailed"], "MaxAttempts": 2}],
        "Catch": [
            {"ErrorEquals": ["States.Timeout"], "Next": "Named"},
            {"ErrorEquals": ["States.ALL"], "Next": "All"},
        ],
    }
    ends = {name: {"Type": "Succeed"} for name in ("Named", "All")}
    states = StepFunctions(kernel, json.dumps({"StartAt": "Task", "States": {"Task": task, **ends}}), invoke, ARN)
    arn = states.start_execution(ARN, "run")["executionArn"]
    kernel.run(kernel.now + 100)

    assert [round(later - earlier) for earlier, later in pairwise(at)] == pauses
    entered = [
        each["stateEnteredEventDetails"]["name"] for each in states.executions[arn].history if "Entered" in each["type"]
    ]
    assert entered[1:] == ([caught] if caught else [])


def test_a_name_starts_one_execution_and_one_that_is_over_can_be_stopped_again(kernel: Kernel) -> None:
    """StartExecution and StopExecution in the API reference. The embedded Step Functions takes no name again."""
    definition = json.dumps({"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 50, "End": True}}})
    states = StepFunctions(kernel, definition, lambda *_: None, ARN)
    first = states.start_execution(ARN, "run", "{}")
    kernel.run(kernel.now + 10)
    assert states.start_execution(ARN, "run", "{}") == first
    assert refusal(lambda: states.start_execution(ARN, "run", '{"another": 1}')) == "ExecutionAlreadyExists"
    kernel.run(kernel.now + 50)
    assert refusal(lambda: states.start_execution(ARN, "run", "{}")) == "ExecutionAlreadyExists"
    ended = states.describe_execution(first["executionArn"])
    assert states.stop_execution(first["executionArn"]) == {"stopDate": ended["stopDate"]}
    assert states.describe_execution(first["executionArn"])["status"] == "SUCCEEDED"


def test_limits_of_step_functions(kernel: Kernel) -> None:
    definition = '{"StartAt": "Ends", "States": {"Ends": {"Type": "Fail", "Error": "no"}}}'
    states = StepFunctions(kernel, definition, lambda *_: None, ARN)
    arn = states.start_execution(ARN, "run")["executionArn"]
    kernel.run(kernel.now + 10)

    with pytest.raises(ClientError, match="ValidationException"):
        states.send_task_failure("token", "error", "x" * (MOST_CAUSE + 1))
    with pytest.raises(ClientError, match="ValidationException"):
        states.send_task_success("token", json.dumps("x" * MOST_PAYLOAD_BYTES))
    states.executions[arn].redrives = MOST_REDRIVES - 1
    states.redrive_execution(arn)
    kernel.run(kernel.now + 10)
    assert states.describe_execution(arn)["redriveStatus"] == "NOT_REDRIVABLE"
    with pytest.raises(ClientError, match="ExecutionNotRedrivable"):
        states.redrive_execution(arn)


WORK = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "Parameters": {
        "FunctionName": "f",
        "Payload": {
            "item.$": "$",
            "entered_at.$": "$$.State.EnteredTime",
            "attempt.$": "$$.State.RetryCount",
            "redrives.$": "$$.Execution.RedriveCount",
        },
    },
    "Retry": [{"ErrorEquals": ["Again"], "MaxAttempts": 1}],
    "End": True,
}
EACH = {
    "Type": "Map",
    "ItemsPath": "$",
    "MaxConcurrency": 1,
    "ItemProcessor": {"StartAt": "Work", "States": {"Work": WORK}},
    "End": True,
}


def test_a_redrive_goes_on_in_what_was_entered_and_not_exited(kernel: Kernel) -> None:
    """The page "Redriving Map Runs" of the Developer Guide: what has no Exited event is redriven. AWS records it so:
    the time of entry stays, attempts are counted from 0, and nothing is said again.
    """
    asked: list[tuple[str, str, int, int]] = []

    def invoke(_: str, given: Any, answered: Callable[[Any], None], failed: Callable[[str, str], None]) -> None:
        asked.append((given["item"], given["entered_at"], given["attempt"], given["redrives"]))
        fails = given["item"] == "b" and not given["redrives"]
        kernel.after(1.0, (lambda: failed("Again", "")) if fails else (lambda: answered({})))

    states = StepFunctions(kernel, json.dumps({"StartAt": "Map", "States": {"Map": EACH}}), invoke, ARN)
    arn = states.start_execution(ARN, "run", '["a", "b", "c"]')["executionArn"]
    kernel.run(kernel.now + 60)
    before = len(states.executions[arn].history)
    states.redrive_execution(arn)
    kernel.run(kernel.now + 60)

    assert [(item, attempt, redrives) for item, _, attempt, redrives in asked] == [
        *(("a", 0, 0), ("b", 0, 0), ("b", 1, 0)),
        *(("b", 0, 1), ("c", 0, 1)),
    ]
    assert len({entered_at for item, entered_at, *_ in asked if item == "b"}) == 1
    history = states.executions[arn].history
    entered = [each["id"] for each in history[:before] if each["type"] == "TaskStateEntered"][-1]
    assert [(each["type"], each["previousEventId"]) for each in history[before : before + 2]] == [
        ("ExecutionRedriven", before),
        ("TaskScheduled", entered),
    ]
    kinds = [each["type"] for each in history[before:]]
    assert [kinds.count(kind) for kind in ("MapStateEntered", "MapStateStarted", "MapIterationStarted")] == [0, 0, 1]
    assert kinds[-3:] == ["MapStateSucceeded", "MapStateExited", "ExecutionSucceeded"]
    kernel.close()


def test_a_client_token_of_a_redrive_is_known_for_fifteen_minutes(kernel: Kernel) -> None:
    """RedriveExecution in the API reference."""
    definition = '{"StartAt": "Ends", "States": {"Ends": {"Type": "Fail", "Error": "no"}}}'
    states = StepFunctions(kernel, definition, lambda *_: None, ARN)
    arn = states.start_execution(ARN, "run")["executionArn"]
    kernel.run(kernel.now + 10)
    first = states.redrive_execution(arn, "a")
    kernel.run(kernel.now + 10)
    states.redrive_execution(arn, "b")
    assert states.redrive_execution(arn, "a") == first
    kernel.run(kernel.now + TOKEN_SECONDS)
    assert states.redrive_execution(arn, "a") != first
    assert states.executions[arn].redrives == 3


def test_a_history_that_is_full_ends_the_execution(kernel: Kernel) -> None:
    """The page "Service quotas" of the Developer Guide: the execution fails."""
    definition = json.dumps({"StartAt": "Map", "States": {"Map": {**EACH, "MaxConcurrency": 40}}})
    states = StepFunctions(kernel, definition, lambda _, __, answered, ___: answered({}), ARN)
    arn = states.start_execution(ARN, "run", json.dumps(["item"] * (MOST_EVENTS // 6)))["executionArn"]
    kernel.run(kernel.now + 3600)
    ended = states.describe_execution(arn)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")
    assert len(states.executions[arn].history) == MOST_EVENTS


def test_a_map_that_fails_ends_the_waits_of_the_others(kernel: Kernel) -> None:
    """TaskTimedOut in the API reference: the task of the token has been closed."""
    tokens: list[str] = []
    both = {**EACH, "MaxConcurrency": 2, "ItemProcessor": {"StartAt": "Wait", "States": {"Wait": WAIT}}}
    both = {**both, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Later"}]}
    later = {"Type": "Wait", "Seconds": 900, "End": True}
    definition = json.dumps({"StartAt": "Map", "States": {"Map": both, "Later": later}})
    states = StepFunctions(kernel, definition, lambda _, payload, *__: tokens.append(payload["token"]), ARN)
    arn = states.start_execution(ARN, "run", "[1, 2]")["executionArn"]
    kernel.run(kernel.now + 10)
    states.send_task_failure(tokens[0], "No")
    kernel.run(kernel.now + 10)
    assert states.describe_execution(arn)["status"] == "RUNNING"
    assert refusal(lambda: states.send_task_success(tokens[1], "{}")) == "TaskTimedOut"
    kernel.close()


def test_the_end_of_a_wait_follows_its_own_submission(kernel: Kernel) -> None:
    tokens: list[str] = []
    waits = {**EACH, "MaxConcurrency": 2, "ItemProcessor": {"StartAt": "Wait", "States": {"Wait": WAIT}}}

    def invoke(_: str, payload: Any, answered: Callable[[Any], None], __: object) -> None:
        tokens.append(payload["token"])
        kernel.after(1.0, lambda: answered({}))

    states = StepFunctions(kernel, json.dumps({"StartAt": "Map", "States": {"Map": waits}}), invoke, ARN)
    arn = states.start_execution(ARN, "run", "[1, 2]")["executionArn"]
    kernel.run(kernel.now + 10)
    states.send_task_success(tokens[0], "{}")
    kernel.run(kernel.now + 10)
    history = states.executions[arn].history
    (ended,) = [each for each in history if each["type"] == "TaskSucceeded"]
    submitted = next(each for each in history if each["type"] == "TaskSubmitted")
    assert ended["previousEventId"] == submitted["id"] != history[-1]["id"]
    kernel.close()


def test_an_answer_of_a_function_that_is_too_large_ends_the_execution(kernel: Kernel) -> None:
    """States.DataLimitExceeded on the page "Handling errors in Step Functions workflows"."""
    task = {**WORK, "ResultSelector": {}, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Map"}]}
    large = "x" * MOST_PAYLOAD_BYTES
    states = StepFunctions(
        kernel, json.dumps({"StartAt": "Map", "States": {"Map": task}}), lambda _, __, done, ___: done(large), ARN
    )
    arn = states.start_execution(ARN, "run")["executionArn"]
    kernel.run(kernel.now + 10)
    assert states.describe_execution(arn)["error"] == "States.DataLimitExceeded"
