"""What holds data and outlives the stack: found in the stack or by its tag, named, and removed if that is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import KW_ONLY
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from qlikops.aws.errors import aws_errors
from qlikops.dataclass import dataclass
from qlikops.deployment.errors import DeploymentError
from qlikops.deployment.settling import Patience
from qlikops.domain.errors import AccessDenied, QlikopsError

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_s3.client import S3Client

STACK_TAG = "qlikops:stack"
"""On table and data bucket, in deploy/template.yaml: the name of the stack that made them."""


class StoreKind(StrEnum):
    """What a store is, in people's words."""

    LEDGER = "the ledger"
    DATA = "snapshots and reports in"
    ARTIFACTS = "bundles and definitions in"


@dataclass(frozen=True, slots=True)
class DataStore:
    """One table or bucket."""

    kind: StoreKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    def commands(self, region: str) -> tuple[str, ...]:
        """What removes it for good, with the plain AWS CLI."""
        if self.kind is StoreKind.LEDGER:
            table = f"--region {region} --table-name {self.name}"
            return (
                f"aws dynamodb update-table {table} --no-deletion-protection-enabled",
                f"aws dynamodb wait table-exists {table}",
                f"aws dynamodb delete-table {table}",
            )
        bucket = f"--region {region} --bucket {self.name}"
        versions = "--query '{Objects: [Versions, DeleteMarkers][].{Key: Key, VersionId: VersionId}}' --output json"
        listed = f"aws s3api list-object-versions {bucket} --max-items 1000 {versions}"
        deleted = f'aws s3api delete-objects {bucket} --delete "$({listed})" >/dev/null'
        # A thousand versions at a time; AWS refuses an empty list, so that it ends whatever is in the way.
        return (f"until aws s3api delete-bucket {bucket} 2>/dev/null; do {deleted} || break; done",)


@dataclass(frozen=True)
class DataStores:
    """The stores of one stack."""

    dynamodb: DynamoDBClient
    s3: S3Client
    tagging: Any
    """A client of the Resource Groups Tagging API."""
    _: KW_ONLY
    stack: str
    artifact_bucket: str
    patience: Patience

    def find(self, resources: Mapping[str, str], known: Iterable[DataStore] = ()) -> tuple[DataStore, ...]:
        """The data stores that are there: of the stack's `resources` (logical id -> physical id), by tag, and those
        `known`.
        """
        named = {
            StoreKind.LEDGER: [resources.get("Table", "")],
            StoreKind.DATA: [resources.get("DataBucket", "")],
            StoreKind.ARTIFACTS: [self.artifact_bucket],
        }
        stores = [DataStore(kind, name) for kind, names in named.items() for name in names if name]
        found = dict.fromkeys([*stores, *known, *self._tagged()])
        return tuple(sorted(filter(self._is_there, found), key=lambda each: list(StoreKind).index(each.kind)))

    def mark(self, stores: Iterable[DataStore]) -> None:
        """Tags what stays, because a stack of an earlier version did not."""
        arns = [arn for each in stores if (arn := self._arn(each))]
        if not arns:
            return
        try:
            with aws_errors("tag what stays"):
                reply = self.tagging.tag_resources(ResourceARNList=arns, Tags={STACK_TAG: self.stack})
        except QlikopsError as exc:
            self.patience.progress(f"{exc.message}. Note its name: a later `destroy` may not find it.")
            return
        for arn in reply.get("FailedResourcesMap", {}):
            self.patience.progress(f"{arn} takes no tag. Note its name: a later `destroy` may not find it.")

    def _arn(self, store: DataStore) -> str:
        """Empty for what is found by its name."""
        if store.kind is StoreKind.LEDGER:
            return self.dynamodb.describe_table(TableName=store.name)["Table"]["TableArn"]
        return f"arn:{self.s3.meta.partition}:s3:::{store.name}" if store.kind is StoreKind.DATA else ""

    def remove(self, store: DataStore) -> None:
        """Removes it with all that is in it."""
        took = self._remove_table(store.name) if store.kind is StoreKind.LEDGER else self._remove_bucket(store.name)
        what = "the table" if store.kind is StoreKind.LEDGER else "the bucket"
        self.patience.progress(f"Deleted {what} {store.name} in {took}.")

    def _tagged(self) -> Iterator[DataStore]:
        """What a stack of this name made, however long it has been gone."""
        pages = self.tagging.get_paginator("get_resources").paginate(
            TagFilters=[{"Key": STACK_TAG, "Values": [self.stack]}], ResourceTypeFilters=["dynamodb:table", "s3"]
        )
        try:
            with aws_errors("look for what other stacks of this name left"):
                arns = [each["ResourceARN"] for page in pages for each in page["ResourceTagMappingList"]]
        except AccessDenied as exc:
            self.patience.progress(f"{exc.message}. What earlier stacks left is not looked for.")
            return
        for arn in arns:
            _, _, service, _, _, name = arn.split(":", 5)
            if service == "dynamodb":
                yield DataStore(StoreKind.LEDGER, name.removeprefix("table/"))
            else:
                yield DataStore(StoreKind.DATA, name)

    def _is_there(self, store: DataStore) -> bool:
        if store.kind is StoreKind.LEDGER:
            return self._table_status(store.name)[0] not in {"", "DELETING"}
        return self._bucket_exists(store.name)

    def _table_status(self, table: str) -> tuple[str, bool]:
        """Returns the table's status (empty: gone), and whether it is protected."""
        try:
            found = self.dynamodb.describe_table(TableName=table)["Table"]
        except self.dynamodb.exceptions.ResourceNotFoundException:
            return "", False
        return found["TableStatus"], found.get("DeletionProtectionEnabled", False)

    def _remove_table(self, table: str) -> str:
        """Lets go of the protection, which takes a while, deletes the table, and waits until it is gone."""
        asked = False

        def left() -> str:
            nonlocal asked
            status, protected = self._table_status(table)
            if status == "ACTIVE" and not asked:
                try:
                    if protected:
                        self.dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
                    else:
                        self.dynamodb.delete_table(TableName=table)
                        asked = True
                except self.dynamodb.exceptions.ResourceInUseException:
                    pass  # it has begun to change since
                except self.dynamodb.exceptions.ResourceNotFoundException:
                    return ""
                status = "ACTIVE, and asked to change"
            return f"the table {table} is {status}" if status else ""

        return self.patience.until(left)

    def _remove_bucket(self, bucket: str) -> str:
        """A function that still runs may write while the bucket is emptied: again, then."""

        def left() -> str:
            if not self._bucket_exists(bucket):
                return ""
            self._empty(bucket)
            try:
                self.s3.delete_bucket(Bucket=bucket)
            except ClientError as exc:
                if exc.response["Error"]["Code"] not in {"BucketNotEmpty", "OperationAborted"}:
                    raise
                return f"the bucket {bucket} is written to"
            return ""

        return self.patience.until(left)

    def _bucket_exists(self, bucket: str) -> bool:
        try:
            self.s3.head_bucket(Bucket=bucket)
        except ClientError as exc:
            if exc.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return False
            raise
        return True

    def _empty(self, bucket: str) -> None:
        """Every version of every object: a bucket that holds any cannot be deleted."""
        for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            listed: list[Any] = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            if listed:
                keys = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in listed]
                reply = self.s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})  # type: ignore[typeddict-item]
                for error in reply.get("Errors", []):
                    raise DeploymentError(
                        f"{error.get('Key')} in the bucket {bucket} cannot be deleted: "
                        f"{error.get('Code')}, {error.get('Message')}"
                    )
