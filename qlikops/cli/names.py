"""Names on a command line: the beginning of one will do where nothing but reading follows from it."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from qlikops.cli.coercion import WithPlainValues
from qlikops.cli.pager import PAGED
from qlikops.domain.errors import UsageError
from qlikops.domain.words.naming import begun, did_you_mean
from qlikops.domain.words.text import harmless

READING = PAGED | {"tui", "test", "draft", "local", "status", "env", "path", "schema"}
"""Commands that change nothing. Any other one is run by its whole name only: in a script, the beginning of it could
be the beginning of another one after an update.
"""


def of_parser(error: Any) -> tuple[str, str]:
    """What is wrong with the command line and what to do, in the words that all other errors have.

    `error` is of the parser's own class, which Typer does not name.
    """
    ctx = getattr(error, "ctx", None)
    command = ctx.command_path if ctx is not None else "qlikops"
    hint = f"`{command} --help` says what it takes."
    if (option := getattr(error, "option_name", "")) and ctx is not None and not error.message.startswith("Option "):
        known = [name for param in ctx.command.get_params(ctx) for name in param.opts if name.startswith("--")]
        return f"There is no option {harmless(option, 40)}.", did_you_mean(option, known) or hint
    text = harmless(error.format_message(), 400).rstrip(".")
    return f"{text}.", hint


def group(words: str) -> typer.Typer:
    """A group of commands whose help these words are; without one of them, its callback runs."""
    return typer.Typer(
        cls=CommandGroup, help=words, add_completion=False, invoke_without_command=True, rich_markup_mode=None
    )


class CommandGroup(WithPlainValues, TyperGroup):
    """A group of commands that takes beginnings of their names, and says what may have been meant."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that `args` begin with. Raises UsageError."""
        given, *rest = args
        if given not in self.commands and not given.startswith("-") and not ctx.resilient_parsing:
            meant = begun(given, self.commands)
            if meant not in READING:
                hint = did_you_mean(given, self.commands) or f"`{ctx.command_path} --help` lists what there is."
                raise UsageError(f"There is no command {harmless(given, 40)!r}.", hint)
            args = [meant, *rest]
        return super().resolve_command(ctx, args)
