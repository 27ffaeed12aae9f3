"""Every function names what may pass by itself the same, whatever AWS called it: a Retry goes by that name."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import exceptions as boto
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from botocore.stub import Stubber

from qlikops import agent
from qlikops.agent.handlers.payload import error_text
from qlikops.agent.remember.ledger import RecordClosed
from qlikops.agent.remember.tasks import LeaseLost
from qlikops.agent.transient import BUSY_CODES, TransientError
from qlikops.domain.errors import Throttled
from tests.cases import for_all
from tests.unit.agent.machine import MACHINE, Context
from tests.unit.agent.remember.test_table import LASTING, PASSING

URL = "https://dynamodb.eu-west-1.amazonaws.com"
RUN = {"execution_arn": f"{MACHINE}:run-1", "execution_name": "run-1", "started_at": "2026-03-07T03:00:00Z"}
WAIT = {"task_token": "t", "entered_at": "2026-03-07T03:00:00Z", "timeout_seconds": 14400, "retries_transient": True}
EVENTS: dict[str, dict[str, Any]] = {
    "monitor_tasks": RUN,
    "evaluate_proposal": {},
    "request_approval": WAIT,
    "execute_restart": {"decision": {"approved": True}},
    "record_outcome": {"outcome": {"status": "held"}},
    "generate_report": {},
}
"""The payload of each function, besides the run and the proposal."""
CLIENT = boto3.client("dynamodb", "eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")


class Failing:
    """Services of which nothing can be used: whatever is asked of them first fails with `error`."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        raise self._error


def raised(handler: str, error: Exception, **event: Any) -> Exception:
    """What that function raises where AWS says `error`."""
    function: Callable[..., Any] = import_module(f"qlikops.agent.handlers.{handler}").handler
    payload = {"run": RUN, "proposal": {"proposal_id": "0123456789ab"}, **EVENTS[handler], **event}
    with pytest.raises(Exception, match=r".") as caught:
        function(payload, Context(), Failing(error))
    return caught.value


def answered(code: str, status: int = 400) -> ClientError:
    """What boto3 raises for that answer of DynamoDB's: of the codes that it models, a class of their name."""
    stubber = Stubber(CLIENT)
    stubber.add_client_error("get_item", code, "not now", status)
    with stubber, pytest.raises(ClientError) as caught:
        CLIENT.get_item(TableName="t", Key={})
    return caught.value


BUSY = [*map(answered, sorted(BUSY_CODES)), answered("NeverHeardOf", 503), answered("NeverHeardOf", 429), *PASSING]
NETWORK = [
    boto.ConnectionClosedError(endpoint_url=URL),
    boto.ConnectTimeoutError(endpoint_url=URL),
    boto.EndpointConnectionError(endpoint_url=URL),
    boto.HTTPClientError(error=OSError("reset")),
    boto.IncompleteReadError(actual_bytes=1, expected_bytes=2),
    boto.ProxyConnectionError(proxy_url=URL),
    boto.ReadTimeoutError(endpoint_url=URL),
    boto.ResponseStreamingError(error=OSError("reset")),
    boto.SSLError(endpoint_url=URL, error=OSError("eof")),
    ResponseParserError("half"),
    Throttled("the ledger gave out none"),
]
NOT_PASSING = [
    *LASTING,
    answered("ResourceNotFoundException"),
    LeaseLost("taken"),
    RecordClosed("closed"),
    KeyError("a"),
]


@for_all(EVENTS, [*BUSY, *NETWORK])
def test_what_may_pass_has_one_name(handler: str, error: Exception) -> None:
    named = raised(handler, error)
    assert type(named) is TransientError
    assert str(named) == f"{type(error).__name__}: {error}"
    assert named.__cause__ is error


@for_all(EVENTS, NOT_PASSING)
def test_what_does_not_pass_keeps_its_own(handler: str, error: Exception) -> None:
    assert raised(handler, error) is error


def test_a_wait_of_an_older_definition_gets_the_names_that_it_retries_by() -> None:
    error = answered("ThrottlingException")
    assert raised("request_approval", error, retries_transient=None) is error


def test_people_read_what_it_was() -> None:
    cause = '{"errorType": "TransientError", "errorMessage": "ReadTimeoutError: no answer in 20 s", "stackTrace": []}'
    assert error_text({"Error": "TransientError", "Cause": cause}) == "ReadTimeoutError: no answer in 20 s"
    assert error_text({"Error": "TransientError"}) == "TransientError"


def test_what_a_call_to_aws_raises_is_named_in_one_place() -> None:
    """Who catches botocore's two classes lets the third one through: that of an answer that cannot be read."""
    naming = [
        path.name
        for path in Path(agent.__file__).parent.rglob("*.py")
        if "BotoCoreError" in path.read_text(encoding="utf-8")
    ]
    assert naming == ["transient.py"]
