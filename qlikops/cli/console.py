"""tui."""

from __future__ import annotations

from typing import Annotated

import typer

from qlikops.cli.context import ContextOption, Invocation, invocation
from qlikops.config import Context, data_dir


def tui(
    ctx: typer.Context,
    context: ContextOption = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Without the keys that write.")] = False,
    no_mouse: Annotated[
        bool, typer.Option("--no-mouse", help="Leave the mouse to the terminal, to select text with.")
    ] = False,
) -> None:
    """Open the console."""
    here = invocation(ctx)
    # Settled before the screen is taken over, so that a wrong name is said in plain words.
    raise typer.Exit(open_console(here, here.context(context, read_only=read_only), mouse=not no_mouse))


def open_console(here: Invocation, context: Context, *, mouse: bool = True) -> int:
    """The console on one context, with its settings, until it is quit; the exit code.

    Raises UsageError for keys and a theme that are none.
    """
    from qlikops.tui.app import run_console
    from qlikops.tui.context import ContextSource
    from qlikops.tui.keys import keymap
    from qlikops.tui.preferences import FILE
    from qlikops.tui.themes import check_theme

    settings = context.settings
    source = ContextSource(
        context.name,
        lambda: here.open_environment(context),
        read_only=settings.read_only,
        hold_seconds=settings.hold_seconds,
        bell=settings.bell,
        theme=check_theme(settings.theme),
    )
    return run_console(
        [source],
        keymap=keymap(context.keys),
        preferences=data_dir(here.environ) / FILE,
        mouse=mouse and settings.mouse,
    )
