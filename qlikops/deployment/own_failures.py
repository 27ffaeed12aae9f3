"""A team's own known failures in the stack's data bucket, as who deploys changes them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from qlikops.agent.diagnosis.own_failures import Kept
from qlikops.agent.remember import objects
from qlikops.deployment.errors import DeploymentError
from qlikops.domain.ledger import OWN_FAILURES, earlier_failures_key

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

_JSON = "application/json"


class OwnFailuresStore:
    """The known failures of your own in one bucket. Raises what botocore raises."""

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._document = ""
        self._etag = ""

    @property
    def place(self) -> str:
        """Where they are, for people."""
        return f"s3://{self._bucket}/{OWN_FAILURES}"

    def read(self) -> Kept:
        """The entries that are kept; InvalidEntries if it is not possible to say which, and `replace` then replaces
        them.
        """
        body, self._etag = objects.read(self._s3, self._bucket, OWN_FAILURES)
        self._document = (body or b"").decode("utf-8", "replace")
        return Kept.of(self._document, self.place)

    def replace(self, kept: Kept, now: datetime) -> str:
        """Keeps these instead of what was read, and that as earlier ones; the earlier ones' key, empty for none.

        Raises DeploymentError if they were changed since they were read.
        """
        earlier = earlier_failures_key(now) if self._document else ""
        if earlier:
            self._s3.put_object(Bucket=self._bucket, Key=earlier, Body=self._document.encode(), ContentType=_JSON)
        body = kept.document().encode()
        try:
            objects.write_over(self._s3, self._bucket, OWN_FAILURES, body, self._etag, ContentType=_JSON)
        except objects.ObjectChanged as exc:
            raise DeploymentError(
                "Somebody else changed the own known failures at the same time; nothing was written.",
                "Run the command again: it shows what has changed.",
            ) from exc
        return earlier
