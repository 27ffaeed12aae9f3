"""Brings one release of qlikops into one stack: the same code for AWS and for the embedded one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from qlikops import __version__
from qlikops.deployment.artifact import Artifact
from qlikops.deployment.bundle import build_bundle
from qlikops.deployment.definition import definition_artifact
from qlikops.deployment.plan import Plan
from qlikops.deployment.stack import Stack, StackEvent, StackOutputs
from qlikops.deployment.store import ArtifactStore
from qlikops.resources import resource

DEFAULT_STACK = "qlikops"


@dataclass(frozen=True, slots=True)
class Release:
    """What is to run."""

    bundle: Artifact
    definition: Artifact
    template: str = field(repr=False)
    parameters: Mapping[str, str]
    """The template's, without those that name the artifacts; one that is left out keeps the stack's value."""
    tags: Mapping[str, str] | None = None
    """The stack's; None keeps them."""


def build_release(
    parameters: Mapping[str, str],
    *,
    approval_timeout_seconds: int | None = None,
    tags: Mapping[str, str] | None = None,
) -> Release:
    """The release that this installation of qlikops makes.

    Raises UsageError for an approval timeout that is none.
    """
    if approval_timeout_seconds is not None:
        parameters = {**parameters, "ApprovalTimeoutSeconds": str(approval_timeout_seconds)}
    return Release(
        bundle=build_bundle(),
        definition=definition_artifact(approval_timeout_seconds),
        template=resource("deploy", "template.yaml").read_text(encoding="utf-8"),
        parameters={**parameters, "Version": __version__},
        tags=tags,
    )


class Deployer:
    """Plans a release, then applies or discards it."""

    def __init__(self, stack: Stack, store: ArtifactStore) -> None:
        self._stack = stack
        self._store = store

    def plan(self, release: Release) -> Plan:
        """What `release` would change. Uploads nothing: the keys are known without."""
        return self._stack.plan(
            release.template,
            {
                **release.parameters,
                "CodeBucket": self._store.bucket,
                "BundleKey": release.bundle.key,
                "DefinitionKey": release.definition.key,
            },
            release.tags,
        )

    def apply(self, plan: Plan, release: Release) -> Iterator[StackEvent]:
        """Uploads and executes; yields CloudFormation's events. Raises DeploymentFailed where that rolled back."""
        if plan.is_empty:
            return
        self._store.ensure()
        self._store.put(release.bundle)
        self._store.put(release.definition)
        yield from self._stack.apply(plan)

    def discard(self, plan: Plan) -> None:
        """Forgets a plan that is not applied."""
        self._stack.discard(plan)

    def outputs(self) -> StackOutputs:
        """What the stack has. Raises NotFound where it was never deployed."""
        return self._stack.outputs()
