"""Takes qlikops out of an account: the schedule first, the stack last; data only where that was asked for.

Every step is repeatable: what is gone already is skipped, so an interrupted run is taken up by the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qlikops.deployment.schedule import Scheduler
from qlikops.deployment.stack import Stack, StackEvent
from qlikops.domain.errors import NotFound
from qlikops.domain.ledger import INBOX_INDEX, INBOX_PARTITION, INBOX_WAITING

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_s3.client import S3Client

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Leaving:
    """What a destruction takes and what it leaves."""

    stack: str
    goes: tuple[str, ...]
    """What is removed, in words."""
    stays: tuple[str, ...]
    """What is kept, in words."""
    waiting: int
    """Approvals that nobody could answer any more."""
    table: str = ""
    buckets: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to remove."""
        return not self.goes


class Destroyer:
    """Looks first, then removes."""

    def __init__(
        self, stack: Stack, scheduler: Scheduler, dynamodb: DynamoDBClient, s3: S3Client, artifact_bucket: str
    ) -> None:
        self._stack = stack
        self._scheduler = scheduler
        self._dynamodb = dynamodb
        self._s3 = s3
        self._artifact_bucket = artifact_bucket

    def look(self, *, delete_data: bool) -> Leaving:
        """What would go and what would stay. Changes nothing."""
        found = self._stack.resources()
        resources = found or {}
        goes: list[str] = []
        stays: list[str] = []
        if self._has_schedule():
            goes.append("the schedule")
        if found is not None:
            goes.append(f"the stack {self._stack.name} with {len(resources)} resources; what runs is aborted")
            if "QlikSecret" in resources:
                goes.append("the secret with the Qlik accounts")
        table, bucket = resources.get("Table", ""), resources.get("DataBucket", "")
        data = [f"the ledger {table}"] if table else []
        data += [f"snapshots and reports in {bucket}"] if bucket else []
        if delete_data and self._bucket_exists(self._artifact_bucket):
            data.append(f"bundles and definitions in {self._artifact_bucket}")
        (goes if delete_data else stays).extend(data)
        return Leaving(
            stack=self._stack.name,
            goes=tuple(goes),
            stays=tuple(stays),
            waiting=self._waiting(table) if table else 0,
            table=table if delete_data else "",
            buckets=tuple(filter(None, (bucket, self._artifact_bucket))) if delete_data else (),
        )

    def destroy(self, leaving: Leaving, progress: Progress) -> Iterator[StackEvent]:
        """Does what `look` said. Yields CloudFormation's events. Raises DeploymentFailed."""
        if self._has_schedule():
            self._scheduler.remove()
            progress("Removed the schedule.")
        # Data before the stack: once that is gone, nothing says any more which table and bucket were its own.
        if leaving.table and self._delete_table(leaving.table):
            progress(f"Deleted the table {leaving.table}.")
        for bucket in leaving.buckets:
            if self._bucket_exists(bucket):
                self._empty(bucket)
                self._s3.delete_bucket(Bucket=bucket)
                progress(f"Emptied and deleted the bucket {bucket}.")
        yield from self._stack.delete()

    def _has_schedule(self) -> bool:
        try:
            self._scheduler.show()
        except NotFound:
            return False
        return True

    def _waiting(self, table: str) -> int:
        try:
            return self._dynamodb.query(
                TableName=table,
                IndexName=INBOX_INDEX,
                KeyConditionExpression="#inbox = :waiting",
                ExpressionAttributeNames={"#inbox": INBOX_PARTITION},
                ExpressionAttributeValues={":waiting": {"S": INBOX_WAITING}},
                Select="COUNT",
            )["Count"]
        except self._dynamodb.exceptions.ResourceNotFoundException:
            return 0

    def _delete_table(self, table: str) -> bool:
        try:
            self._dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
            self._dynamodb.delete_table(TableName=table)
        except self._dynamodb.exceptions.ResourceNotFoundException:
            return False
        return True

    def _bucket_exists(self, bucket: str) -> bool:
        from botocore.exceptions import ClientError

        try:
            self._s3.head_bucket(Bucket=bucket)
        except ClientError as exc:
            if exc.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return False
            raise
        return True

    def _empty(self, bucket: str) -> None:
        """Every version of every object: a bucket that holds any cannot be deleted."""
        for page in self._s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            listed: list[Any] = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            if listed:
                keys = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in listed]
                self._s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})  # type: ignore[typeddict-item]
