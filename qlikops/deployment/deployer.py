"""Brings one release of qlikops into one stack: the same code for AWS and for the embedded one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from qlikops import __version__
from qlikops.dataclass import dataclass
from qlikops.deployment.artifact import Artifact
from qlikops.deployment.artifact_bucket import ArtifactStore
from qlikops.deployment.bundle import build_bundle
from qlikops.deployment.changes import DeploymentPlan
from qlikops.deployment.definition import definition_artifact
from qlikops.deployment.stack import Stack, StackEvent, Template
from qlikops.resources import resource

DEFAULT_STACK = "qlikops"
INLINE_BYTES = 51_200
"""The largest template that CloudFormation takes in a request; a larger one it reads from S3."""
EMULATED_ACCOUNT = "000000000000"
"""Nobody's on AWS."""
NO_METRIC_MATH = {"MetricMath": "false"}


@dataclass(frozen=True, slots=True)
class Uploads:
    """What a deployment uploads before CloudFormation is told of it."""

    bucket: str
    """The artifact bucket; `destroy` leaves it unless data is deleted too."""
    creates_bucket: bool
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """What is to run."""

    bundle: Artifact
    definition: Artifact
    template: Artifact = field(repr=False)
    parameters: Mapping[str, str]
    """The template's, without those that name the artifacts; one that is left out keeps the stack's value."""
    tags: Mapping[str, str] | None = None
    """The stack's; None keeps them."""


def build_release(
    parameters: Mapping[str, str],
    *,
    approval_timeout_seconds: int | None = None,
    tags: Mapping[str, str] | None = None,
    partition: str = "aws",
) -> Release:
    """The release that this installation of qlikops makes, for a stack in `partition`.

    Raises UsageError for an approval timeout that is none.
    """
    if approval_timeout_seconds is not None:
        parameters = {**parameters, "ApprovalTimeoutSeconds": str(approval_timeout_seconds)}
    return Release(
        bundle=build_bundle(),
        definition=definition_artifact(approval_timeout_seconds, partition),
        template=Artifact("template", ".yaml", "application/yaml", resource("deploy", "template.yaml").read_bytes()),
        parameters={**parameters, "Version": __version__},
        tags=tags,
    )


@dataclass(frozen=True)
class Deployer:
    """Plans a release, then applies it; what is not applied, its stack discards."""

    stack: Stack
    store: ArtifactStore
    inline_bytes: int = INLINE_BYTES

    def plan(self, release: Release) -> DeploymentPlan:
        """What `release` would change. Uploads nothing but a template that is too large for the request."""
        return self.stack.plan(
            self._template(release.template),
            {
                **release.parameters,
                "CodeBucket": self.store.bucket,
                "BundleKey": release.bundle.key,
                "DefinitionKey": release.definition.key,
                **(NO_METRIC_MATH if self.store.account == EMULATED_ACCOUNT else {}),
            },
            release.tags,
        )

    def uploads(self, release: Release) -> Uploads:
        """What applying `release` would upload, there already or not."""
        return Uploads(self.store.bucket, not self.store.exists, (release.bundle.key, release.definition.key))

    def apply(self, plan: DeploymentPlan, release: Release) -> Iterator[StackEvent]:
        """Uploads and executes; yields CloudFormation's events. Raises DeploymentError where that rolled back."""
        if plan.is_empty:
            return
        try:
            self.store.ensure()
            self.store.put(release.bundle)
            self.store.put(release.definition)
        except BaseException:
            self.stack.abandon(plan)
            raise
        yield from self.stack.apply(plan)

    def _template(self, template: Artifact) -> Template:
        body = template.data.decode()
        if len(template.data) <= self.inline_bytes:
            return Template(body)
        self.store.ensure()
        self.store.put(template)
        return Template(body, self.store.url(template))
