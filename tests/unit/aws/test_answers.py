"""What of AWS's answers is read, is checked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.parsers import create_parser

from qlikops.aws import answers
from qlikops.aws.answers import NoAnswer, check_answers, foreign, part_of_arn
from qlikops.domain.errors import UsageError
from qlikops.qlik.simulator.loopback import LoopbackHandler, LoopbackServer

ROOT = Path(__file__).parents[3]
SERVICES = ("stepfunctions", "dynamodb", "s3", "sts", "cloudformation", "scheduler", "secretsmanager", "iam")
READ = re.compile(r"""(?:\[|\.get\()"([A-Za-z]+)["]""")


def members(shape: Any, seen: set[str]) -> Iterator[str]:
    """The names in a shape, at any depth."""
    if shape is None or shape.name in seen:
        return
    seen.add(shape.name)
    if shape.type_name == "structure":
        for name, inner in shape.members.items():
            yield name
            yield from members(inner, seen)
    elif shape.type_name in ("list", "map"):
        yield from members(shape.member if shape.type_name == "list" else shape.value, seen)


def test_whatever_is_read_of_an_answer_is_checked() -> None:
    session = botocore.session.Session()
    asked = set(re.findall(r"\.([a-z]+(?:_[a-z]+)+)\(|paginator\(\"([a-z_]+)\"\)", source()))
    operations = {"".join(word.title() for word in name.split("_")) for pair in asked for name in pair if name}
    known: set[str] = set()
    for service in SERVICES:
        model = session.get_service_model(service)
        for name in set(model.operation_names) & operations:
            known |= set(members(model.operation_model(name).output_shape, set(answers._OPAQUE)))
    # Of an error's, of a request's, and of our own stack's outputs there are the same names.
    read = (set(READ.findall(source())) & known) - {"Code", "Message", "TableName", "Version"}
    assert len(read) > 40
    assert read <= answers._READ


def source() -> str:
    folders = (ROOT / "qlikops" / "aws", ROOT / "qlikops" / "deployment")
    return "\n".join(path.read_text(encoding="utf-8") for folder in folders for path in folder.glob("*.py"))


@pytest.mark.parametrize("text", ["", "x", "arn", "arn:aws", "a:b:c:d:e:f", "arn:aws:sts::1"])
def test_what_is_no_arn_has_no_account(text: str) -> None:
    with pytest.raises(NoAnswer, match="is no ARN"):
        part_of_arn(text, 4)
    assert part_of_arn("arn:aws:sts::111111111111:assumed-role/x:y/z", 4) == "111111111111"


PAGE = b"<!DOCTYPE html><html>Sign in to this network</html>"
ARN = "arn:aws:sts::111122223333:assumed-role/oncall/anna"
LISTED = {"executionArn": "arn:x", "stateMachineArn": "arn:m", "name": "x", "status": "FAILED", "startDate": 1e9}
QUERY = {"TableName": "t", "KeyConditionExpression": "#a = :a"}
GET = {"Bucket": "b", "Key": "k"}


def caller(inner: str) -> bytes:
    result = f"<GetCallerIdentityResult>{inner}</GetCallerIdentityResult>"
    return f"<GetCallerIdentityResponse>{result}</GetCallerIdentityResponse>".encode()


@pytest.fixture(scope="module")
def stand_in() -> Iterator[StandIn]:
    class Handler(LoopbackHandler):
        server: StandIn

        def respond(self) -> None:
            self.body()
            self.write(self.server.status, self.server.reply, self.server.content_type)

    with StandIn(Handler) as server:
        yield server


class StandIn(LoopbackServer):
    """Answers everything with `reply`."""

    reply = b""
    status = 200
    content_type = ""

    def ask(self, service: str, operation: str, request: dict[str, Any]) -> Any:
        session = botocore.session.Session()
        check_answers(session)
        config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, proxies={})
        made = boto3.Session("x", "x", region_name="eu-west-1", botocore_session=session)
        client = made.client(service, endpoint_url=self.url, config=config)  # type: ignore[call-overload]
        return getattr(client, operation)(**request)


STATES, STS, DYNAMODB = ("stepfunctions", "list_executions"), ("sts", "get_caller_identity"), ("dynamodb", "query")


@pytest.mark.parametrize(
    ("asked", "request_", "reply", "problem"),
    [
        (STATES, {"stateMachineArn": "arn:m"}, {"executions": [LISTED]}, ""),
        (STATES, {"stateMachineArn": "arn:m"}, PAGE, "is no answer of AWS's but a page"),
        (STATES, {"stateMachineArn": "arn:m"}, b"hello", "no answer of AWS's but a page or part of one"),
        (STATES, {"stateMachineArn": "arn:m"}, {}, "executions is missing"),
        (
            STATES,
            {"stateMachineArn": "arn:m"},
            {"executions": [{**LISTED, "name": 7}]},
            r"executions\[0\].name is a int",
        ),
        (STS, {}, caller(f"<Arn>{ARN}</Arn>"), ""),
        (STS, {}, caller("<UserId>x</UserId>"), "Arn is missing"),
        (("s3", "list_objects_v2"), {"Bucket": "b"}, b"<html></html>", "but a page"),
        (DYNAMODB, {**QUERY, "Select": "COUNT"}, {"Count": 3}, ""),
        (DYNAMODB, QUERY, {"Items": [{"pk": {"S": "x"}}]}, ""),
        (DYNAMODB, QUERY, {"ScannedCount": 0}, "Items is missing"),
        (
            ("dynamodb", "batch_get_item"),
            {"RequestItems": {"t": {"Keys": [{"pk": {"S": "x"}}]}}},
            {"Responses": {"t": [{"pk": {"S": "x"}}]}, "UnprocessedKeys": {"t": {"Keys": [{}], "ConsistentRead": 1}}},
            "",
        ),
        (("s3", "get_object"), GET, b"anything", "ETag is missing"),
        (("scheduler", "delete_schedule"), {"Name": "x"}, b"", ""),
    ],
    ids=str,
)
def test_an_answer_has_the_shape_that_its_operation_gives(
    stand_in: StandIn, asked: tuple[str, str], request_: dict[str, Any], reply: object, problem: str
) -> None:
    stand_in.reply = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
    if problem:
        with pytest.raises(NoAnswer, match=problem):
            stand_in.ask(*asked, request_)
    else:
        stand_in.ask(*asked, request_)


def test_a_refusal_is_no_answer_to_be_measured(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stand_in, "status", 400)
    stand_in.reply = b'{"__type": "AccessDeniedException"}'
    with pytest.raises(ClientError):
        stand_in.ask(*STATES, {"stateMachineArn": "arn:m"})
    monkeypatch.setattr(stand_in, "content_type", "text/html")
    with pytest.raises(NoAnswer, match="status 400"):
        stand_in.ask(*STATES, {"stateMachineArn": "arn:m"})


def test_what_botocore_lets_through_is_named_and_a_fault_of_ours_is_not() -> None:
    half: Any = {"headers": {}, "status_code": 200, "body": None}
    assert isinstance(foreign(raised(lambda: create_parser("json").parse(half, half)), "ask"), NoAnswer)
    odd: Any = {"profile": 7}
    assert isinstance(foreign(raised(lambda: botocore.session.Session(odd).profile), "ask"), UsageError)
    assert foreign(raised(lambda: 1 / 0), "ask") is None


def raised(call: Callable[[], object]) -> Exception:
    try:
        call()
    except Exception as exc:
        return exc
    raise AssertionError("nothing was raised")
