"""The statements of the policies in a resource's properties, a line each: what a plan shows of permissions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_SHOWN_IN_ORDER = ("Effect", "Principal", "Action", "Resource", "Condition")


def statements_of(context: str) -> tuple[str, ...]:
    """What CloudFormation's `BeforeContext` or `AfterContext` grants; nothing where it is not said or not readable.

    `context` is JSON, the resource with its `Properties`.
    """
    try:
        resource = json.loads(context)
    except ValueError:
        return ()
    properties = resource.get("Properties", {}) if isinstance(resource, dict) else {}
    return tuple(map(_line, _statements(properties)))


def _statements(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, list):
        for each in node:
            yield from _statements(each)
    elif isinstance(node, dict) and "Statement" in node:
        yield from (each for each in _listed(node["Statement"]) if isinstance(each, dict))
    elif isinstance(node, dict):
        for each in node.values():
            yield from _statements(each)


def _line(statement: Mapping[str, Any]) -> str:
    """Effect, whom, actions, on what, if what; elements that are not known here follow by their names."""
    words = [str(statement.get("Effect", "?"))]
    if principal := statement.get("Principal"):
        words.append(f"to {_spelled(principal)}:")
    words.append(", ".join(map(_spelled, _listed(statement.get("Action", [])))))
    if resource := statement.get("Resource"):
        words += ["on", ", ".join(map(_spelled, _listed(resource)))]
    if condition := statement.get("Condition"):
        words += ["if", _spelled(condition)]
    others = statement.keys() - {"Sid", *_SHOWN_IN_ORDER}
    words += [f"{key} {_spelled(statement[key])}" for key in sorted(others)]
    return " ".join(filter(None, words))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _spelled(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
