"""The values of a command line, made without the library that Typer asks.

Typer imports pydantic for the first value of any command: a fifth of the CPU that the console takes to its first frame.
Of most values there is nothing to make: an option that was not given, a default, and text.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from typer.core import TyperCommand


class _Plain:
    """Stands where a parameter keeps what makes its values, and gives way to Typer's for a value that needs it."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """`value` as Typer gives it to the command. Raises Typer's BadParameter."""
        is_many = param.multiple or param.nargs == -1
        if value is None:
            return () if is_many else None
        if isinstance(value, Enum):
            return value
        if param.type_descriptor.annotation in (str, list[str]):
            return list(value) if is_many else value
        param._runtime_param = None
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)


class WithPlainValues:
    """A command, or group of commands, whose values are made by pydantic only where they need it."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its own parameters and --help."""
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]  # Typer's, beside which it stands
        for param in params:
            if getattr(param, "_runtime_param", None) is None:
                param._runtime_param = _Plain()
        return params


class PlainCommand(WithPlainValues, TyperCommand):
    """A single command."""
