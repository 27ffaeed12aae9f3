"""The JSON schemas of what is told, made from its types, each with an example; and a check of a value by its schema."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import textwrap
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from qlikops.agent.remember.run import Run
from qlikops.agent.tell import events as told
from qlikops.agent.tell.event import VERSION, Event
from qlikops.domain.fleet.anomaly import Anomaly, AnomalyKind, Severity
from qlikops.domain.proposals.approval import Outcome, ProposalRecord, Status
from qlikops.domain.proposals.lasting import FellOver, Lasting, TaskLasting
from qlikops.domain.runs.plan import Plan, Scope
from qlikops.domain.runs.snapshot import Notified
from tests.unit.agent.fakes import ARN, EVALUATION, ORDERS, START, proposal

_TYPES: Mapping[type, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time"},
}
_RUN = Run(ARN, "run-1", "2026-03-07T03:00:00.000Z")


def examples() -> dict[str, Event]:
    """One of each event, made as the agent makes it."""
    hour = timedelta(hours=1)
    made = replace(proposal(), tags=("gold", "prod"))
    waiting = ProposalRecord(
        made, Status.WAITING, START, EVALUATION, requested_at=START, deadline=START + 4 * hour, digest="f" * 64
    )
    ends = START + 2 * hour
    over = replace(waiting, status=Status.RESTARTED, outcome=Outcome(Status.RESTARTED, "it runs again", at=ends))
    failed = replace(
        over, status=Status.FAILED, requested_at=None, outcome=Outcome(Status.FAILED, "it failed", at=ends)
    )
    slow = Anomaly(AnomalyKind.SOURCE_LATENCY, Severity.WARNING, ORDERS, "source latency 400 s, over 300 s")
    fell = TaskLasting(ORDERS, Lasting.FELL_OVER, 420, START)
    by = "arn:aws:sts::000000000000:assumed-role/ops/anna"
    scope = Scope(servers=(ORDERS.server,))
    work = Plan("plan-0123456789", scope, START, START + 48 * hour, "CHG123: a new disk", by, "run-1", START)
    made_of_each = (
        told.ApprovalRequested.of(waiting, START),
        told.ApprovalReminder.of(waiting, told.Reason.HALF, START + 2 * hour, is_claimed=False),
        *told.ended(over),
        *told.ended(failed),
        told.RestartFellOver.of(_RUN, FellOver(made.proposal_id, made.label, (fell,), 1), START),
        told.FindingOpened.of(_RUN, slow, made.tags, START),
        told.FindingClosed.of(_RUN, Notified(ORDERS, slow.kind, slow.severity, START, made.tags), START + hour),
        told.MonitoringFailed.of(_RUN, "QemUnreachable: no answer", was_read=False),
        told.MonitoringRecovered.of(_RUN),
        told.LongWorkPlanned.of(_RUN, work),
    )
    return {event.name: event for event in made_of_each}


def schema_of(event: Event) -> dict[str, Any]:
    """The schema of the details of events like this one, which is the example."""
    cls = type(event)
    hints, words = typing.get_type_hints(cls), words_of(cls)
    fields = {field.name: described(hints[field.name], words.get(field.name)) for field in dataclasses.fields(cls)}
    constants = {"version": VERSION, "event": event.name, "state": event.STATE.value}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": event.name,
        "description": " ".join((cls.__doc__ or "").split()),
        "type": "object",
        "properties": {**{name: {"const": value} for name, value in constants.items()}, **fields},
        "required": [*constants, *fields],
        "examples": [event.detail()],
    }


def schema_text(event: Event) -> str:
    """The same as a file."""
    return json.dumps(schema_of(event), indent=2, ensure_ascii=False) + "\n"


def faults(schema: Mapping[str, Any], value: Any, path: str = "$") -> Iterator[str]:
    """What of `value` its schema forbids, as far as the schemas here go."""
    if "const" in schema and value != schema["const"]:
        yield f"{path} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path} is none of {schema['enum']}"
    kinds = schema.get("type", [])
    checks = {"string": str, "integer": int, "boolean": bool, "object": dict, "array": list, "null": type(None)}
    allowed = tuple(checks[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds))
    if allowed and not isinstance(value, allowed):
        yield f"{path} is no {kinds}"
    elif isinstance(value, dict):
        yield from (f"{path} has no {name}" for name in schema.get("required", ()) if name not in value)
        yield from (f"{path} has {name}" for name in value.keys() - schema.get("properties", value).keys())
        for name, each in value.items():
            inner = schema.get("properties", {}).get(name) or schema.get("additionalProperties") or {}
            yield from faults(inner, each, f"{path}.{name}")
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from faults(schema.get("items", {}), each, f"{path}[{number}]")


def described(hint: Any, words: str | None) -> dict[str, Any]:
    """The schema of a value of this type, with what it is for."""
    return {**_schema(hint), **({"description": words} if words else {})}


def _schema(hint: Any) -> dict[str, Any]:
    arguments = typing.get_args(hint)
    if isinstance(hint, types.UnionType):
        (other,) = (each for each in arguments if each is not type(None))
        plain = _schema(other)
        return {**plain, "type": [plain["type"], "null"]}
    if typing.get_origin(hint) is Mapping:
        return {"type": "object", "additionalProperties": _schema(arguments[1])}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return settings_schema(hint)
    if typing.get_origin(hint) is tuple:
        return {"type": "array", "items": _schema(arguments[0])}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"type": "string", "enum": [member.value for member in hint]}
    return dict(_TYPES[hint])


def settings_schema(cls: type) -> dict[str, Any]:
    """The schema of what people write for a dataclass of settings: nothing but its fields, with their ranges."""
    hints, words = typing.get_type_hints(cls), words_of(cls)
    made: dict[str, dict[str, Any]] = {}
    for field in dataclasses.fields(cls):
        low, high = field.metadata.get("range", (None, None))
        choices = field.metadata.get("choices")
        made[field.name] = described(hints[field.name], words.get(field.name))
        made[field.name] |= {} if low is None else {"minimum": low, "maximum": high}
        made[field.name] |= {} if choices is None else {"enum": list(choices)}
        if isinstance(field.default, str | int):
            made[field.name]["default"] = field.default
    needed = [
        field.name
        for field in dataclasses.fields(cls)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    required = {"required": needed} if needed else {}
    return {"type": "object", "properties": made, "additionalProperties": False, **required}


def words_of(cls: type) -> dict[str, str]:
    """The line under each field of a class and those before it."""
    found: dict[str, str] = {}
    for each in reversed(cls.__mro__[:-1]):
        (body,) = ast.parse(textwrap.dedent(inspect.getsource(each))).body
        assert isinstance(body, ast.ClassDef)
        for field, line in zip(body.body, body.body[1:], strict=False):
            if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
                continue
            if isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant):
                found[field.target.id] = " ".join(str(line.value.value).split())
    return found
