"""tui."""

from __future__ import annotations

from typing import Annotated

import typer

from qlikops.cli.context import ContextOption, Invocation, invocation
from qlikops.config import Context


def tui(
    ctx: typer.Context,
    context: ContextOption = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Without the keys that write.")] = False,
) -> None:
    """Open the console."""
    here = invocation(ctx)
    # Settled before the screen is taken over, so that a wrong name is said in plain words.
    raise typer.Exit(open_console(here, here.context(context, read_only=read_only)))


def open_console(here: Invocation, context: Context) -> int:
    """The console on one context, with its settings, until it is quit; the exit code."""
    from qlikops.tui.app import run_console
    from qlikops.tui.context import ContextSource

    settings = context.settings
    source = ContextSource(
        context.name,
        lambda: here.open_environment(context),
        read_only=settings.read_only,
        hold_seconds=settings.hold_seconds,
        bell=settings.bell,
    )
    return run_console([source])
