"""An object of S3 is read once for as long as it stays the same."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from qlikops.agent.remember.objects import NotModified, ObjectChanged, read, write_over
from tests.simulation.account import ModelledAws

BUCKET, KEY = "qlikops", "known/entries.json"


@pytest.fixture
def client() -> Any:
    s3 = ModelledAws(lambda: datetime(2026, 3, 7, tzinfo=UTC)).client("s3")
    s3.create_bucket(Bucket=BUCKET)
    return s3


def test_there_may_be_none(client: Any) -> None:
    assert read(client, BUCKET, KEY) == (None, "")
    assert read(client, BUCKET, KEY, '"an-etag"') == (None, "")


def test_it_is_read_again_only_once_it_is_another_one(client: Any) -> None:
    client.put_object(Bucket=BUCKET, Key=KEY, Body=b"one")
    content, etag = read(client, BUCKET, KEY)
    assert content == b"one"
    with pytest.raises(NotModified):
        read(client, BUCKET, KEY, etag)
    client.put_object(Bucket=BUCKET, Key=KEY, Body=b"two")
    assert read(client, BUCKET, KEY, etag)[0] == b"two"


def test_it_is_written_over_only_while_it_is_the_one_that_was_read(client: Any) -> None:
    write_over(client, BUCKET, KEY, b"one", "", ContentType="text/plain")
    with pytest.raises(ObjectChanged):
        write_over(client, BUCKET, KEY, b"another first one", "")
    content, etag = read(client, BUCKET, KEY)
    assert content == b"one"
    write_over(client, BUCKET, KEY, b"two", etag)
    with pytest.raises(ObjectChanged):
        write_over(client, BUCKET, KEY, b"two at once", etag)
    assert read(client, BUCKET, KEY)[0] == b"two"


class Older:
    """A client of a botocore that knows no If-Match, such as the first that Lambda's python3.13 came with."""

    def __init__(self, newer: Any) -> None:
        self._newer = newer

    def put_object(self, **request: Any) -> Any:
        if "IfMatch" in request:
            raise ParamValidationError(report='Unknown parameter in input: "IfMatch"')
        return self._newer.put_object(**request)


def test_it_is_written_over_by_a_botocore_that_cannot_ask_which_one_is_there(client: Any) -> None:
    client.put_object(Bucket=BUCKET, Key=KEY, Body=b"one")
    write_over(Older(client), BUCKET, KEY, b"two", '"an-etag"', ContentType="text/plain")
    assert read(client, BUCKET, KEY)[0] == b"two"


class Refusing:
    def get_object(self, **_: str) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "GetObject")

    def put_object(self, **_: str) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "PutObject")


def test_any_other_refusal_is_the_callers() -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        read(Refusing(), BUCKET, KEY, '"an-etag"')
    with pytest.raises(ClientError, match="AccessDenied"):
        write_over(Refusing(), BUCKET, KEY, b"", '"an-etag"')
