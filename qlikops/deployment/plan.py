"""What a deployment would change, as data: printed by `--plan`, executed otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ChangeKind(StrEnum):
    """What happens to one resource."""

    ADD = "add"
    CHANGE = "change"
    MAY_REPLACE = "may_replace"
    """CloudFormation knows only while it runs."""
    REPLACE = "replace"
    """A new one takes its place, and the old one goes."""
    REMOVE = "remove"
    IMPORT = "import"
    UNKNOWN = "unknown"
    """An action that this version does not know."""


_DATA = frozenset({"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SecretsManager::Secret"})
_REPLACEMENT = {"True": ChangeKind.REPLACE, "Conditional": ChangeKind.MAY_REPLACE}
_ACTION = {"Add": ChangeKind.ADD, "Remove": ChangeKind.REMOVE, "Import": ChangeKind.IMPORT}


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """What happens to one resource, and because of which of its properties."""

    kind: ChangeKind
    logical_id: str
    resource_type: str
    physical_id: str = ""
    properties: tuple[str, ...] = ()
    """Names of the properties that differ, sorted."""
    retained: bool = False
    """Removed from the stack, kept in the account."""

    @property
    def is_iam(self) -> bool:
        """Whether it changes who may do what."""
        return self.resource_type.startswith("AWS::IAM::")

    @property
    def endangers_data(self) -> bool:
        """Whether it takes a resource out of use that holds data."""
        gone = self.kind in {ChangeKind.REPLACE, ChangeKind.MAY_REPLACE, ChangeKind.REMOVE}
        return gone and self.resource_type in _DATA


@dataclass(frozen=True, slots=True)
class Plan:
    """One change set, or the finding that nothing would change."""

    stack: str
    creates_stack: bool
    changes: tuple[PlannedChange, ...] = ()
    change_set: str = ""
    """ARN of the change set that would do it; empty where nothing changes."""

    @property
    def is_empty(self) -> bool:
        """Whether what runs is what would be deployed."""
        return not self.change_set

    @property
    def changes_secret(self) -> bool:
        """Whether a secret that is there already is touched, and so its value written anew."""
        return any(
            change.resource_type == "AWS::SecretsManager::Secret"
            and change.kind in {ChangeKind.CHANGE, ChangeKind.MAY_REPLACE}
            for change in self.changes
        )


def parse_changes(changes: Iterable[Mapping[str, Any]]) -> tuple[PlannedChange, ...]:
    """The `Changes` of DescribeChangeSet, all its pages, in CloudFormation's order."""
    return tuple(_parse_change(change["ResourceChange"]) for change in changes if "ResourceChange" in change)


def _parse_change(change: Mapping[str, Any]) -> PlannedChange:
    action = change.get("Action", "")
    if action == "Modify":
        kind = _REPLACEMENT.get(change.get("Replacement", ""), ChangeKind.CHANGE)
    else:
        kind = _ACTION.get(action, ChangeKind.UNKNOWN)
    targets = [detail.get("Target", {}) for detail in change.get("Details", [])]
    return PlannedChange(
        kind=kind,
        logical_id=change["LogicalResourceId"],
        resource_type=change["ResourceType"],
        physical_id=change.get("PhysicalResourceId", ""),
        properties=tuple(sorted({target.get("Name") or target.get("Attribute", "") for target in targets} - {""})),
        retained=change.get("PolicyAction") in {"Retain", "ReplaceAndRetain"},
    )
