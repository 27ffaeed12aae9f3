"""Reads an object of S3, or learns that there is none, or none but the one that is known."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

_MISSING = ("NoSuchKey", "404")
_NOT_MODIFIED = ("304", "NotModified")


class NotModified(Exception):
    """The object is still the one that was named by its ETag."""


def read(client: Any, bucket: str, key: str, known: str = "") -> tuple[bytes | None, str]:
    """The content of `key` and its ETag; None and no ETag if there is no such object. One GetObject.

    With `known`, an ETag that was read before, S3 answers without a body while the object is the same: NotModified.
    Raises ClientError for every other refusal, and BotoCoreError.
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
