"""Dataclasses to plain JSON values and back, tolerant of fields it does not know.

Every record that crosses a process border (ledger items, Lambda payloads, `--json`) goes through here, so a value
has one spelling everywhere: enums by value, times as ISO 8601 UTC ending in `Z`, tuples as arrays, absent as null.
A document says in `version` which version of qlikops' records it is; a newer one is refused before it is decoded. One
of our own version may still hold an enum's value that we do not know: see `qlikops.domain.encoding.stored`.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, TypeGuard, TypeVar

from qlikops.domain.encoding.settings import UNQUOTED, ConfigError, no_such_setting
from qlikops.domain.encoding.stored import StoredEnum
from qlikops.domain.words.duration import LONGEST, parse_duration

VERSION = 1
"""Version of what is in the ledger, the bucket and Step Functions payloads: a newer one is refused, an older read."""

T = TypeVar("T")

Json = dict[str, Any]
"""A JSON object. Values are what `json.loads` returns."""


class CodecError(ValueError):
    """A value does not have the shape its type asks for; the message names the path."""


class NewerVersion(CodecError):
    """A document was written by a newer qlikops than this one, so nothing in it can be relied on."""

    def __init__(self, version: int) -> None:
        super().__init__(f"written by a newer qlikops (record version {version}, this one reads {VERSION})")
        self.version = version


# A poll's time stands in every task's record of it: few times, each of them many times over.
@functools.lru_cache(maxsize=1024)
def format_time(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, ending in `Z`; sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@functools.lru_cache(maxsize=1024)
def parse_time(text: str) -> datetime:
    """The aware UTC time that ISO 8601 `text` names; a time without a zone is taken as UTC.

    Raises CodecError where the text is no time.
    """
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as exc:  # the first and last hours there are may be none in UTC
        raise CodecError(f"{text!r} is not an ISO 8601 time") from exc


def encode(value: Any) -> Any:
    """`value` as JSON types. Raises CodecError for a type that has no JSON spelling."""
    kind: Any = type(value)
    return _encoder(kind)(value)


def decode(cls: type[T], data: Any, path: str = "$") -> T:
    """`data` as a `cls`. Unknown keys are ignored, missing ones take the field's default.

    Raises NewerVersion for a document that says a version after ours, whatever else is in it; CodecError, naming the
    path, for a missing required field or a wrong type.
    """
    if isinstance(data, Mapping) and _is_newer(version := data.get("version")):
        raise NewerVersion(version)
    try:
        hint: Any = cls
        return typing.cast("T", _decoder(hint)(data))
    except _Misfit as exc:
        raise CodecError(f"{path}{''.join(reversed(exc.steps))}: {exc.problem}") from exc.__cause__


def read_settings(cls: type[T], data: Any, **given: Any) -> T:
    """`data`, which people wrote, as a `cls`: unknown keys are refused, and so are values that its fields cannot hold.

    `given` are fields that `data` may not have. Raises ConfigError, by the path of the key, also for one that `cls`
    raises when it is made.
    """
    hint: Any = cls
    try:
        return typing.cast("T", _read_dataclass(hint, _fields_of(hint, strict=True), data, given))
    except _Misfit as exc:
        raise ConfigError("".join(reversed(exc.steps)).removeprefix("."), exc.value, exc.problem) from exc.__cause__


def _is_newer(version: object) -> TypeGuard[int]:
    return isinstance(version, int) and not isinstance(version, bool) and version > VERSION


def dumps(value: Any) -> str:
    """Canonical JSON of `value`: sorted keys, no spaces, non-ASCII kept. Equal values give equal text."""
    # Piece by piece on the way: a fleet's worth of dicts at once would take more memory than the fleet itself.
    return _CANONICAL.encode(value)


def loads(cls: type[T], text: str, *, numerous: type | None = None) -> T:
    """The `cls` in JSON `text`; raises CodecError for broken JSON as for a wrong shape.

    Whatever has exactly the fields of `numerous` becomes one while the text is still being parsed: of a dataclass
    that there are hundreds of thousands of, the dicts would take more memory than all the rest.
    """
    try:
        data = json.loads(text, object_hook=_replacing(numerous) if numerous else None)
    except (ValueError, RecursionError) as exc:
        raise CodecError(f"not JSON: {exc}") from exc
    return decode(cls, data)


def _replacing(cls: type) -> Callable[[Json], Any]:
    names, decoder = {field.name for field in dataclasses.fields(cls)}, _decoder(cls)

    def replacing(data: Json) -> Any:
        try:
            return decoder(data) if data.keys() == names else data
        except _Misfit:
            # Another version's, or a wrong shape: decoding the whole document says which, and where.
            return data

    return replacing


class _Misfit(Exception):
    """A CodecError or ConfigError whose path is still being gathered, innermost step first."""

    def __init__(self, problem: str, value: Any = UNQUOTED) -> None:
        super().__init__(problem)
        self.problem = problem
        self.value = value
        self.steps: list[str] = []

    def under(self, step: str) -> _Misfit:
        """The error with its path one step further out."""
        self.steps.append(step)
        return self


@functools.cache
def _encoder(kind: Any) -> Callable[[Any], Any]:
    """How values of exactly this type become JSON types."""
    if issubclass(kind, Enum):
        return lambda value: value.value
    if kind is type(None) or issubclass(kind, bool | int | float | str):
        return lambda value: value
    if issubclass(kind, datetime):
        return format_time
    if issubclass(kind, Mapping):
        return lambda value: {str(encode(key)): encode(item) for key, item in value.items()}
    if issubclass(kind, list | tuple | set | frozenset):
        return lambda value: [encode(item) for item in value]
    if dataclasses.is_dataclass(kind):
        shallow = _shallow(typing.cast("Any", kind))
        return lambda value: {name: encode(item) for name, item in shallow(value).items()}
    raise CodecError(f"{kind.__name__} has no JSON spelling")


@functools.cache
def _shallow(kind: Any) -> Callable[[Any], dict[str, Any]]:
    """A dataclass's fields by name, as they are."""
    names = tuple(field.name for field in dataclasses.fields(kind))
    return lambda value: {name: getattr(value, name) for name in names}


def _spelt(value: Any) -> Any:
    """What the JSON encoder does not know itself."""
    kind: Any = type(value)
    return _speller(kind)(value)


@functools.cache
def _speller(kind: Any) -> Callable[[Any], Any]:
    """How a value of this type becomes something that the JSON encoder goes on with."""
    return _shallow(typing.cast("Any", kind)) if dataclasses.is_dataclass(kind) else _encoder(kind)


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_spelt)


@functools.cache
def _decoder(hint: Any, *, strict: bool = False) -> Callable[[Any], Any]:
    """How JSON types become a value of this type; raises _Misfit where they don't.

    Documents are read as they are; `strict` is for settings, which people wrote.
    """
    origin = typing.get_origin(hint)
    if hint is Any:
        return lambda data: data
    if origin in (typing.Union, types.UnionType):
        (inner,) = (_decoder(arm, strict=strict) for arm in typing.get_args(hint) if arm is not type(None))
        return lambda data: None if data is None else inner(data)
    if origin in (tuple, list):
        return functools.partial(_decode_array, origin, _decoder(typing.get_args(hint)[0], strict=strict))
    if origin in (dict, Mapping):
        return functools.partial(_decode_mapping, _decoder(typing.get_args(hint)[1], strict=strict))
    if dataclasses.is_dataclass(hint):
        cls: Any = hint
        return functools.partial(_read_dataclass if strict else _decode_dataclass, cls, _fields_of(cls, strict=strict))
    return _strict_leaf(hint) if strict else _leaf(hint)


def _leaf(hint: Any) -> Callable[[Any], Any]:
    if hint is datetime:
        return _decode_time
    if isinstance(hint, type) and issubclass(hint, StoredEnum):
        return functools.partial(_decode_enum, hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        raise TypeError(f"{hint.__name__} is read from documents, so it must be a StoredEnum")
    if hint is float:
        return _decode_float
    return lambda data: data if type(data) is hint else _decode_scalar(hint, data)


_FORMS: Mapping[Any, str] = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
"""What people are told that a setting must be."""


def _strict_leaf(hint: Any) -> Callable[[Any], Any]:
    if issubclass(hint, Enum):
        members = {member.value: member for member in hint}
        return lambda data: _chosen(members, data)
    if hint is timedelta:
        return _read_duration
    return functools.partial(_read_scalar, hint)


def _chosen(members: Mapping[str, Enum], data: Any) -> Enum:
    if not isinstance(data, str) or data not in members:
        raise _Misfit(f"must be one of {', '.join(members)}", data)
    return members[data]


def _read_duration(data: Any) -> timedelta:
    if not isinstance(data, str):
        raise _Misfit("must be a duration such as 90s, 5m, 1h30m or 2d", data)
    try:
        return parse_duration(data)
    except ValueError as exc:
        raise _Misfit(f"must be a duration such as 90s, 5m, 1h30m or 2d, {LONGEST.days:,} days at most", data) from exc


def _read_scalar(hint: type, data: Any) -> Any:
    fitting: Any = int | float if hint is float else hint
    is_bool = isinstance(data, bool)
    # Not isinstance alone: true is an int too, and NaN is a float that no range holds.
    if not isinstance(data, fitting) or is_bool is not (hint is bool) or (hint is float and not _is_finite(data)):
        raise _Misfit(f"must be {_FORMS[hint]}", data)
    return data


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number that no float holds
        return False


def _read_dataclass(
    cls: type, specs: list[tuple[str, Callable[[Any], Any], bool]], data: Any, given: Mapping[str, Any] | None = None
) -> Any:
    if not isinstance(data, Mapping):
        raise _Misfit(f"must be an object (a table in TOML), not {type(data).__name__}")
    allowed = {name for name, *_ in specs} - (given or {}).keys()
    for key in data:
        if key not in allowed:
            raise _Misfit(no_such_setting(str(key), allowed)).under(f".{key}")
    values = _decode_fields(specs, {**(given or {}), **{key: data[key] for key in allowed & data.keys()}})
    try:
        return cls(**values)
    except ConfigError as exc:
        raise _Misfit(exc.allowed, exc.value).under(f".{exc.key}") from exc.__cause__


def _fields_of(cls: type, *, strict: bool = False) -> list[tuple[str, Callable[[Any], Any], bool]]:
    """Name, decoder and whether it must be there, of each field."""
    hints = typing.get_type_hints(cls)
    return [
        (
            field.name,
            _decoder(hints[field.name], strict=strict),
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
        )
        for field in dataclasses.fields(cls)
    ]


def _decode_dataclass(cls: type, fields: list[tuple[str, Callable[[Any], Any], bool]], data: Any) -> Any:
    if type(data) is cls:
        return data
    if not isinstance(data, dict | Mapping):
        raise _Misfit(f"expected an object for {cls.__name__}, got {type(data).__name__}", data)
    return cls(**_decode_fields(fields, data))


def _decode_fields(fields: list[tuple[str, Callable[[Any], Any], bool]], data: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    name = ""
    try:
        for name, inner, is_required in fields:
            if name in data:
                values[name] = inner(data[name])
            elif is_required:
                raise _Misfit("missing")
    except _Misfit as exc:
        raise exc.under(f".{name}") from exc.__cause__
    return values


def _decode_array(kind: type, inner: Callable[[Any], Any], data: Any) -> Any:
    if not isinstance(data, list | tuple):
        raise _Misfit(f"must be an array, not {type(data).__name__}")
    items: list[Any] = []
    try:
        for item in data:
            items.append(inner(item))  # noqa: PERF401 - its length says which one did not fit
    except _Misfit as exc:
        raise exc.under(f"[{len(items)}]") from exc.__cause__
    return kind(items)


def _decode_mapping(inner: Callable[[Any], Any], data: Any) -> dict[str, Any]:
    if not isinstance(data, Mapping):
        raise _Misfit(f"must be an object (a table in TOML), not {type(data).__name__}")
    items: dict[str, Any] = {}
    key: Any = ""
    try:
        for key, item in data.items():
            items[str(key)] = inner(item)
    except _Misfit as exc:
        raise exc.under(f".{key}") from exc.__cause__
    return items


def _decode_time(data: Any) -> datetime:
    if not isinstance(data, str):
        raise _Misfit(f"expected a time, got {type(data).__name__}")
    try:
        return parse_time(data)
    except CodecError as exc:
        raise _Misfit(str(exc)) from exc


def _decode_enum(hint: type[StoredEnum], data: Any) -> StoredEnum:
    if not isinstance(data, str):
        raise _Misfit(f"expected text for {hint.__name__}, got {type(data).__name__}")
    try:
        return hint.read(data)
    except ValueError as exc:
        raise _Misfit(str(exc)) from exc


def _decode_float(data: Any) -> float:
    if isinstance(data, bool) or not isinstance(data, int | float):
        raise _Misfit(f"expected float, got {type(data).__name__}")
    try:
        return float(data)
    except OverflowError as exc:
        raise _Misfit("a number that is too large") from exc


def _decode_scalar(hint: type, data: Any) -> Any:
    if not isinstance(data, hint) or (isinstance(data, bool) and hint is not bool):
        raise _Misfit(f"expected {hint.__name__}, got {type(data).__name__}")
    return data
