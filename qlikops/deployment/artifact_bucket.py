"""The artifact bucket: bundles and definitions under content-hash keys, so that a rollback finds the old ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from qlikops.deployment.artifact import Artifact
from qlikops.deployment.errors import DeploymentError

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client


class ArtifactStore:
    """One bucket for an account and Region, made by the first deployment there."""

    def __init__(self, s3: S3Client, *, account: str, region: str) -> None:
        self._s3 = s3
        self._account = account
        self._region = region

    @property
    def account(self) -> str:
        """The number of the account that it is in."""
        return self._account

    @property
    def bucket(self) -> str:
        """The bucket's name, known before the bucket exists."""
        return f"qlikops-artifacts-{self._account}-{self._region}"

    @property
    def exists(self) -> bool:
        """Whether the bucket is there; who may not look is told that it is."""
        return self._head_bucket() != 404

    def ensure(self) -> None:
        """Makes the bucket if it is missing; its settings are corrected either way.

        Raises DeploymentError if the name is taken by another account: names are global and ours can be guessed, so
        what lies in somebody else's bucket is never run.
        """
        status = self._head_bucket()
        if status not in {200, 404}:
            raise DeploymentError(
                f"The bucket {self.bucket} cannot be used (HTTP {status}).",
                "It belongs to another account, or this identity may not use it.",
            )
        if status == 404:
            # us-east-1 is the one Region that must not be named.
            if self._region == "us-east-1":
                self._s3.create_bucket(Bucket=self.bucket)
            else:
                self._s3.create_bucket(
                    Bucket=self.bucket,
                    CreateBucketConfiguration={"LocationConstraint": self._region},  # type: ignore[typeddict-item]
                )
        self._secure()

    def put(self, artifact: Artifact) -> None:
        """Uploads `artifact`, unless it is there already: the key is its hash."""
        try:
            self._s3.head_object(Bucket=self.bucket, Key=artifact.key, ExpectedBucketOwner=self._account)
        except ClientError as exc:
            if exc.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
        else:
            return
        self._s3.put_object(
            Bucket=self.bucket,
            Key=artifact.key,
            Body=artifact.data,
            ContentType=artifact.content_type,
            ExpectedBucketOwner=self._account,
        )

    def url(self, artifact: Artifact) -> str:
        """Where CloudFormation finds it."""
        return f"{self._s3.meta.endpoint_url}/{self.bucket}/{artifact.key}"

    def _head_bucket(self) -> int:
        try:
            self._s3.head_bucket(Bucket=self.bucket, ExpectedBucketOwner=self._account)
        except ClientError as exc:
            return exc.response["ResponseMetadata"]["HTTPStatusCode"]
        return 200

    def _secure(self) -> None:
        bucket, owner = self.bucket, self._account
        self._s3.put_public_access_block(
            Bucket=bucket,
            ExpectedBucketOwner=owner,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
        )
        self._s3.put_bucket_encryption(
            Bucket=bucket,
            ExpectedBucketOwner=owner,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
        )
        self._s3.put_bucket_versioning(
            Bucket=bucket, ExpectedBucketOwner=owner, VersioningConfiguration={"Status": "Enabled"}
        )
        everything = f"arn:{self._s3.meta.partition}:s3:::{bucket}"
        tls_only = {
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [everything, f"{everything}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        policy = {"Version": "2012-10-17", "Statement": [tls_only]}
        self._s3.put_bucket_policy(Bucket=bucket, ExpectedBucketOwner=owner, Policy=json.dumps(policy))
