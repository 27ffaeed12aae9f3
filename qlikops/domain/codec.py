"""Dataclasses to plain JSON values and back, tolerant of fields it does not know.

Every record that crosses a process border (ledger items, Lambda payloads, `--json`) goes through here, so a value
has one spelling everywhere: enums by value, times as ISO 8601 UTC ending in `Z`, tuples as arrays, absent as null.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import types
import typing
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any, TypeVar

T = TypeVar("T")

Json = dict[str, Any]
"""A JSON object. Values are what `json.loads` returns."""


class CodecError(ValueError):
    """A value does not have the shape its type asks for; the message names the path."""


def format_time(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, ending in `Z`; sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """The aware UTC time that ISO 8601 `text` names; a time without a zone is taken as UTC.

    Raises CodecError where the text is no time.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise CodecError(f"{text!r} is not an ISO 8601 time") from exc
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def encode(value: Any) -> Any:
    """`value` as JSON types. Raises CodecError for a type that has no JSON spelling."""
    match value:
        case None | bool() | int() | float():
            return value
        case Enum():
            return value.value
        case str():
            return value
        case datetime():
            return format_time(value)
        case Mapping():
            return {str(encode(key)): encode(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [encode(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: encode(getattr(value, field.name)) for field in dataclasses.fields(value)}
    raise CodecError(f"{type(value).__name__} has no JSON spelling")


def decode(cls: type[T], data: Any, path: str = "$") -> T:
    """`data` as a `cls`. Unknown keys are ignored, missing ones take the field's default.

    Raises CodecError, naming the path, for a missing required field or a wrong type.
    """
    return typing.cast("T", _decode(cls, data, path))


def dumps(value: Any) -> str:
    """Canonical JSON of `value`: sorted keys, no spaces, non-ASCII kept. Equal values give equal text."""
    return json.dumps(encode(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def loads(cls: type[T], text: str) -> T:
    """The `cls` in JSON `text`; raises CodecError for broken JSON as for a wrong shape."""
    try:
        data = json.loads(text)
    except ValueError as exc:
        raise CodecError(f"not JSON: {exc}") from exc
    return decode(cls, data)


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _decode(hint: Any, data: Any, path: str) -> Any:
    origin = typing.get_origin(hint)
    if hint is Any:
        return data
    if origin in (typing.Union, types.UnionType):
        arms = typing.get_args(hint)
        if data is None and type(None) in arms:
            return None
        (inner,) = (arm for arm in arms if arm is not type(None))
        return _decode(inner, data, path)
    if origin in (tuple, list):
        (inner, *_) = typing.get_args(hint)
        if not isinstance(data, list | tuple):
            raise CodecError(f"{path}: expected an array, got {type(data).__name__}")
        items = [_decode(inner, item, f"{path}[{index}]") for index, item in enumerate(data)]
        return tuple(items) if origin is tuple else items
    if origin in (dict, Mapping):
        _, inner = typing.get_args(hint)
        if not isinstance(data, Mapping):
            raise CodecError(f"{path}: expected an object, got {type(data).__name__}")
        return {str(key): _decode(inner, item, f"{path}.{key}") for key, item in data.items()}
    if dataclasses.is_dataclass(hint):
        return _decode_dataclass(typing.cast("type", hint), data, path)
    return _decode_scalar(hint, data, path)


def _decode_dataclass(cls: type, data: Any, path: str) -> Any:
    if not isinstance(data, Mapping):
        raise CodecError(f"{path}: expected an object for {cls.__name__}, got {type(data).__name__}")
    hints = _hints(cls)
    values: dict[str, Any] = {}
    for field in dataclasses.fields(cls):
        if field.name in data:
            values[field.name] = _decode(hints[field.name], data[field.name], f"{path}.{field.name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise CodecError(f"{path}.{field.name}: missing")
    return cls(**values)


def _decode_scalar(hint: Any, data: Any, path: str) -> Any:
    if hint is datetime:
        if not isinstance(data, str):
            raise CodecError(f"{path}: expected a time, got {type(data).__name__}")
        return parse_time(data)
    if isinstance(hint, type) and issubclass(hint, Enum):
        try:
            return hint(data)
        except ValueError as exc:
            raise CodecError(f"{path}: {data!r} is not a {hint.__name__}") from exc
    if hint is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if not isinstance(data, hint) or (isinstance(data, bool) and hint is not bool):
        raise CodecError(f"{path}: expected {hint.__name__}, got {type(data).__name__}")
    return data
