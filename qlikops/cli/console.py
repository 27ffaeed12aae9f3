"""tui."""

from __future__ import annotations

from typing import Annotated

import typer

from qlikops.cli.context import ContextOption, invocation


def tui(
    ctx: typer.Context,
    context: ContextOption = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Without the keys that write.")] = False,
) -> None:
    """Open the console."""
    from qlikops.tui.app import run_console

    here = invocation(ctx)
    # Settled before the screen is taken over, so that a wrong name is said in plain words.
    chosen = here.context(context, read_only=read_only)
    settings = chosen.settings
    raise typer.Exit(
        run_console(
            lambda: here.open_environment(chosen),
            read_only=settings.read_only,
            hold_seconds=settings.hold_seconds,
            bell=settings.bell,
        )
    )
