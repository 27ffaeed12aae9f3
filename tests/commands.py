"""Every command as Typer has it, for tests that look at all of them and for the page of commands."""

from __future__ import annotations

from functools import cache

import typer

from qlikops.cli.main import COMMANDS, app, command


@cache
def root() -> typer.core.TyperGroup:
    """The head with its commands, each of them made."""
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    group.commands = {name: command(name) for name in COMMANDS}
    return group
