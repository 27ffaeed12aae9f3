"""Names on a command line: the beginning of one will do where nothing but reading follows from it."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

from qlikops.cli.coercion import WithPlainValues
from qlikops.domain.errors import UsageError
from qlikops.domain.naming import begun, did_you_mean
from qlikops.domain.text import harmless

READING = frozenset(
    {
        *("tui", "approvals", "executions", "show", "tasks", "task", "reports", "report", "handover", "decisions"),
        *("known", "config", "doctor", "explain", "test", "draft", "local", "status", "env"),
    }
)
"""Commands that change nothing. Any other one is run by its whole name only: in a script, the beginning of it could
be the beginning of another one after an update.
"""


class Group(WithPlainValues, TyperGroup):
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
