"""`dataclass`, as the standard library's and made in a third of its time.

The standard library writes the source of up to nine methods for each class and compiles it: 0.5 ms on Python 3.11, and
half of what importing a function's handler took beyond boto3. Here only `__init__` is compiled, when a class has its
first object: most classes that a run imports never have one. The other methods differ from class to class in nothing
but the names of the fields, so they are closures over these.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

_LEFT_OUT: Any = object()
"""The argument of `__init__` for a field with a factory that the caller did not give."""
_ORDER = {"__lt__": operator.lt, "__le__": operator.le, "__gt__": operator.gt, "__ge__": operator.ge}


def _dataclass(
    cls: type | None = None, /, *, frozen: bool = False, eq: bool = True, order: bool = False, **shape: bool
) -> Any:
    """`cls` as a dataclass, or a decorator that makes one.

    The options are those of `dataclasses.dataclass`; `shape` is `slots` and `kw_only`. Fields may have a default or a
    factory, be `KW_ONLY`, and be left out of `__init__`, `__repr__` and comparisons. What `cls` defines itself stays.
    """

    def decorated(cls: type) -> Any:
        # Else its signature is made for one: 5 ms for the first class, as that compiles what splits Python into tokens.
        cls.__doc__ = cls.__doc__ or cls.__name__
        made: Any = dataclasses.dataclass(cls, init=False, repr=False, eq=False, **shape)
        fields = dataclasses.fields(made)
        methods: dict[str, Any] = {
            "__init__": _init(made, fields, frozen=frozen),
            "__repr__": _repr([field.name for field in fields if field.repr]),
        }
        compared = _values([field.name for field in fields if field.compare])
        if frozen:
            methods |= {"__setattr__": _refuse_setting, "__delattr__": _refuse_deleting}
            methods |= _stored([field.name for field in fields])
        if eq:
            methods["__eq__"] = _comparing(operator.eq, compared)
            methods["__hash__"] = (lambda self: hash(compared(self))) if frozen else None
        if order:
            methods |= {name: _comparing(compare, compared) for name, compare in _ORDER.items()}
        for name, method in methods.items():
            if name not in vars(cls):
                setattr(made, name, method)
        return made

    return decorated if cls is None else decorated(cls)


def _init(cls: Any, fields: Iterable[dataclasses.Field[Any]], *, frozen: bool) -> Callable[..., None]:
    def first(self: Any, /, *values: Any, **named: Any) -> None:
        cls.__init__ = _compiled_init(cls, fields, frozen=frozen)
        cls.__init__(self, *values, **named)

    return first


def _compiled_init(cls: Any, fields: Iterable[dataclasses.Field[Any]], *, frozen: bool) -> Callable[..., None]:
    names: dict[str, Any] = {"_LEFT_OUT": _LEFT_OUT, "_set": object.__setattr__}
    positional, by_name, body = ["self"], ["*"], []
    for field in fields:
        parameter = value = field.name
        if field.default is not dataclasses.MISSING:
            default = f"_{field.name}_default"
            names[default] = field.default
            parameter, value = f"{field.name}={default}", field.name if field.init else default
        elif field.default_factory is not dataclasses.MISSING:
            factory = f"_{field.name}_factory"
            names[factory] = field.default_factory
            parameter = f"{field.name}=_LEFT_OUT"
            value = f"{factory}() if {field.name} is _LEFT_OUT else {field.name}" if field.init else f"{factory}()"
        if field.init:
            (by_name if field.kw_only else positional).append(parameter)
        body.append(f"_set(self, {field.name!r}, {value})" if frozen else f"self.{field.name} = {value}")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    parameters = ", ".join(positional + (by_name if len(by_name) > 1 else []))
    source = "\n ".join([f"def __init__({parameters}):", *(body or ["pass"])])
    exec(source, names)  # noqa: S102 - all of it is names of fields, which are Python's
    init: Callable[..., None] = names["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


def _values(names: list[str]) -> Callable[[Any], Any]:
    return operator.attrgetter(*names) if names else lambda _: ()


def _comparing(compare: Callable[[Any, Any], Any], values: Callable[[Any], Any]) -> Callable[[Any, object], Any]:
    def comparing(self: Any, other: object) -> Any:
        return compare(values(self), values(other)) if other.__class__ is self.__class__ else NotImplemented

    return comparing


def _repr(names: list[str]) -> Callable[[Any], str]:
    def shown(self: Any) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    return shown


def _stored(names: list[str]) -> dict[str, Callable[..., Any]]:
    """What pickle and copy ask; without it they would set one attribute after the other where there are slots."""

    def taken(self: Any) -> list[Any]:
        return [getattr(self, name) for name in names]

    def given(self: Any, state: list[Any]) -> None:
        for name, value in zip(names, state, strict=True):
            object.__setattr__(self, name, value)

    return {"__getstate__": taken, "__setstate__": given}


def _refuse_setting(_self: object, name: str, _value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deleting(_self: object, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


if TYPE_CHECKING:
    # Type checkers know a dataclass by this name.
    from dataclasses import dataclass as dataclass
else:
    dataclass = _dataclass
