"""Reads an object of S3, or learns that there is none, or none but the one that is known; and writes over that one."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

_MISSING = ("NoSuchKey", "404")
_NOT_MODIFIED = ("304", "NotModified")
_CHANGED = ("PreconditionFailed", "ConditionalRequestConflict", "412", *_MISSING)


class NotModified(Exception):
    """The object is still the one that was named by its ETag."""


class ObjectChanged(Exception):
    """The object is no longer the one that was named by its ETag, so it was not written over."""


def read(client: Any, bucket: str, key: str, known: str = "") -> tuple[bytes | None, str]:
    """The content of `key` and its ETag; None and no ETag if there is no such object. One GetObject.

    With `known`, an ETag that was read before, S3 answers without a body while the object is the same: NotModified.
    Raises ClientError for every other refusal, and NO_ANSWER.
    """
    conditions = {"IfNoneMatch": known} if known else {}
    try:
        answer = client.get_object(Bucket=bucket, Key=key, **conditions)
    except ClientError as exc:
        code = exc.response["Error"]["Code"]
        if code in _MISSING:
            return None, ""
        if code in _NOT_MODIFIED:
            raise NotModified from exc
        raise
    return answer["Body"].read(), answer["ETag"]


def write_over(client: Any, bucket: str, key: str, body: bytes, known: str, **headers: str) -> None:
    """Puts `body` in the place of the object with the ETag `known`, or where there is none if that is empty.

    One PutObject. Raises Changed if there is another one by now, ClientError for every other refusal, and
    NO_ANSWER. A botocore older than 1.35.69 has no If-Match: what was written meanwhile is lost then.
    """
    condition = {"IfMatch": known} if known else {"IfNoneMatch": "*"}
    try:
        client.put_object(Bucket=bucket, Key=key, Body=body, **condition, **headers)
    except ParamValidationError:  # Lambda's python3.13 is older, and AWS does not say which Region has which botocore
        client.put_object(Bucket=bucket, Key=key, Body=body, **headers)
    except ClientError as exc:
        if exc.response["Error"]["Code"] in _CHANGED:
            raise ObjectChanged from exc
        raise
