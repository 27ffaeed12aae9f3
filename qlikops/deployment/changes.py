"""What a deployment would change, as data: printed by `--plan`, executed otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from qlikops.dataclass import dataclass
from qlikops.deployment.statements import statements_of


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


_COMES_AND_GOES = frozenset({ChangeKind.ADD, ChangeKind.MAY_REPLACE, ChangeKind.REPLACE, ChangeKind.REMOVE})
_ACCOUNTS_TYPE = "AWS::SecretsManager::Secret"
_DATA = frozenset({"AWS::DynamoDB::Table", "AWS::S3::Bucket", _ACCOUNTS_TYPE})
_REPLACEMENT = {"True": ChangeKind.REPLACE, "Conditional": ChangeKind.MAY_REPLACE}
_ACTION = {"Add": ChangeKind.ADD, "Remove": ChangeKind.REMOVE, "Import": ChangeKind.IMPORT}


@dataclass(frozen=True, slots=True)
class ChangedValue:
    """One value of a resource that differs, as far as CloudFormation says it before it runs."""

    path: str
    """Place in the resource, such as Properties/Environment/Variables/QLIKOPS_SETTINGS."""
    before: str
    """Empty where there was none, or where it is not said."""
    after: str


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
    values: tuple[ChangedValue, ...] = ()
    """What differs in them, by path."""
    granted: tuple[str, ...] = ()
    """Statements of its policies that are new, each as a line."""
    withdrawn: tuple[str, ...] = ()
    """Statements of its policies that go."""
    evaluated_again: bool = False
    """CloudFormation only looks again at values that come from resources which stay what they are."""

    @property
    def is_iam(self) -> bool:
        """Whether it changes who may do what."""
        return self.resource_type.startswith("AWS::IAM::") and not self.evaluated_again

    @property
    def endangers_data(self) -> bool:
        """Whether it takes a resource out of use that holds data.

        A secret is replaced when its name changes and never else, and the template leaves the name to CloudFormation.
        """
        gone = {ChangeKind.REPLACE, ChangeKind.REMOVE}
        if self.resource_type != _ACCOUNTS_TYPE:
            gone.add(ChangeKind.MAY_REPLACE)
        return self.kind in gone and self.resource_type in _DATA


@dataclass(frozen=True, slots=True)
class DeploymentPlan:
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
        """Whether CloudFormation touches a secret that is there already."""
        return any(
            change.resource_type == _ACCOUNTS_TYPE and change.kind in {ChangeKind.CHANGE, ChangeKind.MAY_REPLACE}
            for change in self.changes
        )


def parse_changes(changes: Iterable[Mapping[str, Any]]) -> tuple[PlannedChange, ...]:
    """The `Changes` of DescribeChangeSet, all its pages, in CloudFormation's order.

    Values and statements are there where it was asked for with IncludePropertyValues.
    """
    raw = [change["ResourceChange"] for change in changes if "ResourceChange" in change]
    parsed = [_parse_change(each) for each in raw]
    unsteady = {each.logical_id for each in parsed if each.kind in _COMES_AND_GOES}
    return tuple(
        replace(change, evaluated_again=True, granted=(), withdrawn=())
        if _is_evaluated_again(change, each.get("Details", []), unsteady)
        else change
        for change, each in zip(parsed, raw, strict=True)
    )


def _parse_change(change: Mapping[str, Any]) -> PlannedChange:
    action, resource_type = change.get("Action", ""), change["ResourceType"]
    if action == "Modify":
        kind = _REPLACEMENT.get(change.get("Replacement", ""), ChangeKind.CHANGE)
    else:
        kind = _ACTION.get(action, ChangeKind.UNKNOWN)
    targets = [detail.get("Target", {}) for detail in change.get("Details", [])]
    before, after = (statements_of(change.get(name, "")) for name in ("BeforeContext", "AfterContext"))
    return PlannedChange(
        kind=kind,
        logical_id=change["LogicalResourceId"],
        resource_type=resource_type,
        physical_id=change.get("PhysicalResourceId", ""),
        properties=tuple(sorted({target.get("Name") or target.get("Attribute", "") for target in targets} - {""})),
        retained=change.get("PolicyAction") in {"Retain", "ReplaceAndRetain"},
        values=() if resource_type == _ACCOUNTS_TYPE else _values(targets),
        granted=tuple(line for line in after if line not in before),
        withdrawn=tuple(line for line in before if line not in after),
    )


def _is_evaluated_again(change: PlannedChange, details: list[Mapping[str, Any]], unsteady: set[str]) -> bool:
    """Whether all that CloudFormation has against `change` is that it does not know yet what a reference comes to."""
    return (
        change.kind in {ChangeKind.CHANGE, ChangeKind.MAY_REPLACE}
        and bool(details)
        and all(detail.get("Evaluation") == "Dynamic" for detail in details)
        and not any(detail.get("CausingEntity", "").partition(".")[0] in unsteady for detail in details)
    )


def _values(targets: Iterable[Mapping[str, Any]]) -> tuple[ChangedValue, ...]:
    said = [target for target in targets if "BeforeValue" in target or "AfterValue" in target]
    found = {
        ChangedValue(
            target.get("Path", target.get("Name", "")).strip("/"),
            target.get("BeforeValue", ""),
            target.get("AfterValue", ""),
        )
        for target in said
    }
    return tuple(sorted((each for each in found if each.before != each.after), key=lambda each: each.path))
