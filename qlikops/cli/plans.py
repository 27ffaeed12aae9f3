"""How a deployment's plan, events and drift are printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from qlikops.cli import output
from qlikops.deployment.changes import DeploymentPlan, PlannedChange
from qlikops.deployment.deployer import Uploads
from qlikops.deployment.obstacles import Obstacle
from qlikops.deployment.stack import Drift, StackEvent
from qlikops.domain.words.text import harmless

_SIGNS = {"add": "+", "change": "~", "may_replace": "±", "replace": "±", "remove": "-", "import": "<", "unknown": "?"}
_VALUE_CAP = 200
"""Characters shown of one value; --json has all of it."""


def show_plan(
    plan: DeploymentPlan,
    uploads: Uploads,
    secret: Mapping[str, tuple[str, ...]],
    obstacles: Sequence[Obstacle],
    *,
    as_json: bool,
) -> None:
    """Every change with its values and statements, those of permissions counted, those of data called out; then what
    else a deployment does. `secret` is Qlik instance -> names of the keys that change in the stack's secret.
    """
    if as_json:
        output.write_json(
            {
                "stack": plan.stack,
                "creates_stack": plan.creates_stack,
                "changes": [_as_json(change) for change in plan.changes],
                "secret": secret,
                "uploads": uploads,
                "obstacles": obstacles,
            }
        )
        return
    _show_changes(plan)
    if secret:
        output.write("The Qlik accounts in the stack's secret:")
        _show_secret(secret)
    if not plan.is_empty:
        creates = ", which is created" if uploads.creates_bucket else ""
        output.write(f"Uploaded before, to the bucket {uploads.bucket}{creates}: {', '.join(uploads.keys)}")
    for each in obstacles:
        output.write(f"{'Cannot work' if each.blocks else 'Beware'}: {each.text}.")
        if not each.blocks:
            output.write(f"  {each.hint}")


def _as_json(change: PlannedChange) -> dict[str, Any]:
    return {
        "change": change.kind,
        "logical_id": change.logical_id,
        "type": change.resource_type,
        "physical_id": change.physical_id or None,
        "properties": change.properties,
        "values": change.values,
        "granted": change.granted,
        "withdrawn": change.withdrawn,
        "iam": change.is_iam,
        "evaluated_again": change.evaluated_again,
        "endangers_data": change.endangers_data,
        "retained": change.retained,
    }


def _show_changes(plan: DeploymentPlan) -> None:
    if plan.is_empty:
        output.write(f"{plan.stack}: nothing to change.")
        return
    output.write(f"{plan.stack}: {'a new stack, ' if plan.creates_stack else ''}{len(plan.changes)} changes")
    for change in plan.changes:
        output.write(_line(change))
        for value in change.values:
            output.write(f"      {harmless(value.path)}: {_shown(value.before)} -> {_shown(value.after)}")
        for sign, statements in (("-", change.withdrawn), ("+", change.granted)):
            for statement in statements:
                output.write(f"      {sign} {harmless(statement)}")
    if iam := sum(change.is_iam for change in plan.changes):
        output.write(f"{iam} of them change permissions (IAM).")


def _shown(value: str) -> str:
    return harmless(value, _VALUE_CAP) or "nothing"


def _line(change: PlannedChange) -> str:
    notes = [change.kind.value.replace("_", " ")]
    if change.properties:
        notes.append(", ".join(change.properties))
    if change.is_iam:
        notes.append("IAM")
    if change.evaluated_again:
        notes.append("only evaluated again")
    if change.endangers_data:
        notes.append("HOLDS DATA")
    if change.retained:
        notes.append("kept in the account")
    return f"  {_SIGNS[change.kind]} {change.logical_id:<26} {change.resource_type:<34} {'; '.join(notes)}"


def show_events(events: Iterable[StackEvent]) -> int:
    """Each on stderr as it comes; how many there were."""
    shown = 0
    for event in events:
        shown += 1
        reason = harmless(event.reason, 1000)
        output.say(f"{event.at:%H:%M:%S}  {event.status:<28} {event.logical_id:<26} {reason}".rstrip())
    return shown


def show_rotation(stack: str, changes: Mapping[str, tuple[str, ...]], *, as_json: bool) -> None:
    """Which keys of which instances differ; never a value."""
    if as_json:
        output.write_json({"stack": stack, "secret": changes})
        return
    if not changes:
        output.write(f"{stack}: the secret has these accounts already.")
    _show_secret(changes)


def _show_secret(changes: Mapping[str, tuple[str, ...]]) -> None:
    for name, keys in changes.items():
        output.write(f"  ~ {harmless(name, 100):<26} {', '.join(map(harmless, keys))}")


def show_drift(stack: str, drifts: tuple[Drift, ...], *, as_json: bool) -> None:
    """What differs from the stack's template."""
    if as_json:
        output.write_json({"stack": stack, "drift": drifts})
        return
    if not drifts:
        output.write(f"{stack}: everything is as it was deployed.")
    for drift in drifts:
        output.write(
            f"  ! {drift.logical_id:<26} {drift.resource_type:<34} {drift.status} {', '.join(drift.properties)}"
        )
