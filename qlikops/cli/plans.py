"""How a deployment's plan, events and drift are printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from qlikops.cli import output
from qlikops.domain.text import harmless

if TYPE_CHECKING:
    from qlikops.deployment.plan import Plan, PlannedChange
    from qlikops.deployment.stack import Drift, StackEvent

_SIGNS = {"add": "+", "change": "~", "may_replace": "±", "replace": "±", "remove": "-", "import": "<", "unknown": "?"}


def show_plan(plan: Plan, *, as_json: bool) -> None:
    """Every change, those of permissions counted, those of data called out."""
    if as_json:
        output.write_json(
            {
                "stack": plan.stack,
                "creates_stack": plan.creates_stack,
                "changes": [
                    {
                        "change": change.kind,
                        "logical_id": change.logical_id,
                        "type": change.resource_type,
                        "physical_id": change.physical_id or None,
                        "properties": change.properties,
                        "iam": change.is_iam,
                        "endangers_data": change.endangers_data,
                        "retained": change.retained,
                    }
                    for change in plan.changes
                ],
            }
        )
        return
    if plan.is_empty:
        output.write(f"{plan.stack}: nothing to change.")
        return
    output.write(f"{plan.stack}: {'a new stack, ' if plan.creates_stack else ''}{len(plan.changes)} changes")
    for change in plan.changes:
        output.write(_line(change))
    if iam := sum(change.is_iam for change in plan.changes):
        output.write(f"{iam} of them change permissions (IAM).")


def _line(change: PlannedChange) -> str:
    notes = [change.kind.value.replace("_", " ")]
    if change.properties:
        notes.append(", ".join(change.properties))
    if change.is_iam:
        notes.append("IAM")
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
