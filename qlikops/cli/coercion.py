"""The values of a command line, made without the library that Typer asks.

Typer imports pydantic for the first value of any command: a fifth of the CPU that the console takes to its first frame.
Of most values there is nothing to make: an option that was not given, a default, and text.
"""

from __future__ import annotations

from contextlib import nullcontext
from enum import Enum
from typing import Any

from typer.core import TyperCommand

from qlikops.cli.context import invocation
from qlikops.cli.pager import PAGED, paged
from qlikops.cli.shape import FLAG, with_value
from qlikops.domain.errors import UsageError
from qlikops.domain.words.naming import begun, did_you_mean
from qlikops.domain.words.text import harmless


class _Plain:
    """Stands where a parameter keeps what makes its values, and gives way to Typer's for a value that needs it."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """`value` as Typer gives it to the command. Raises UsageError, and Typer's BadParameter."""
        is_many = param.multiple or param.nargs == -1
        if value is None:
            return () if is_many else None
        if isinstance(value, Enum):
            return value
        kind = param.type_descriptor.annotation
        if kind in (str, list[str]):
            return list(value) if is_many else value
        if isinstance(kind, type) and issubclass(kind, Enum):
            return _member(kind, value, param)
        param._runtime_param = None
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)


def _member(kind: type[Enum], given: str, param: Any) -> Enum:
    """The member whose value `given` is or begins, case aside. Raises UsageError."""
    values = [str(member.value) for member in kind]
    if (found := begun(given, values)) is not None:
        return kind(found)
    hint = did_you_mean(given, values) or f"Choose one of {', '.join(values)}."
    raise UsageError(f"{param.opts[0]}: there is no {harmless(given, 40)!r}.", hint)


class WithPlainValues:
    """A command, or group of commands, whose values are made by pydantic only where they need it, and whose output is
    paged if it only reads.
    """

    params: list[Any]

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Reads its options, of which --json need not have a value."""
        if any(FLAG in param.opts for param in self.params):
            commands = getattr(self, "commands", ())
            # What stands behind a group's command is the command's own.
            end = next((place for place, word in enumerate(args) if word in commands), len(args))
            takes_words = bool(commands) or any(param.param_type_name == "argument" for param in self.params)
            args = [*with_value(args[:end], takes_words=takes_words), *args[end:]]
        return super().parse_args(ctx, args)  # type: ignore[misc]  # Typer's, beside which it stands

    def invoke(self, ctx: Any) -> Any:
        """Runs it."""
        here = invocation(ctx)
        is_paged = here.is_paged and ctx.info_name in PAGED
        with paged(here.environ) if is_paged else nullcontext():
            return super().invoke(ctx)  # type: ignore[misc]  # Typer's, beside which it stands

    def get_params(self, ctx: Any) -> list[Any]:
        """Returns the command's own parameters and --help."""
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]  # Typer's, beside which it stands
        for param in params:
            if getattr(param, "_runtime_param", None) is None:
                param._runtime_param = _Plain()
        return params


class PlainCommand(WithPlainValues, TyperCommand):
    """A single command."""
