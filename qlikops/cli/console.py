"""tui."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from qlikops.cli.context import ContextsOption, Invocation, invocation, switch
from qlikops.cli.interrupts import ending_interrupts
from qlikops.config import LOCAL, Context, data_dir
from qlikops.domain.errors import CredentialsProblem, UsageError
from qlikops.tui.opening import opening

if TYPE_CHECKING:
    from qlikops.domain.fleet.diagnosis import Diagnosis
    from qlikops.domain.ports import ContextServices
    from qlikops.tui.model.context import ContextSource


def tui(
    ctx: typer.Context,
    context: ContextsOption = None,
    read_only: Annotated[bool, switch("Without the keys that write.", "--read-only")] = False,
    no_mouse: Annotated[bool, switch("Leave the mouse to the terminal, to select text with.", "--no-mouse")] = False,
) -> None:
    """Open the console."""
    here = invocation(ctx)
    # Settled before the screen is taken over, so that a wrong name is said in plain words.
    raise typer.Exit(open_console(here, here.contexts(context or (), read_only=read_only), mouse=not no_mouse))


def open_console(here: Invocation, contexts: Sequence[Context], *, mouse: bool = True, coach: bool = False) -> int:
    """The console on `contexts`, with their settings, until it is quit; the exit code. `coach` shows first steps.

    What is one for the whole console comes from the first. Raises UsageError for keys and a theme that are none, and
    where there is no terminal.
    """
    if not here.is_terminal():
        raise UsageError(
            "The console needs a terminal: it reads keys from stdin and draws on stderr, and one of them is none.",
            "Start it without a redirection; `qlikops approvals --watch` prints what waits.",
        )
    first = contexts[0]
    # Of one context only: a process for each of several would fight over the machine with this one.
    ahead = here.open_environment(first) if first.name != LOCAL or first.local is not None else None
    if ahead is not None:
        ahead.ask_ahead()
    opened = _signed_in(here, contexts, ahead)
    # Textual draws on stderr.
    with ending_interrupts(), opening([context.name for context in contexts], sys.stderr):
        from qlikops.tui.keys import filter_keys, keymap, own_keys
        from qlikops.tui.preferences import FILE
        from qlikops.tui.start import run_console

        moved = keymap(first.keys)
        own = own_keys(first.commands, moved)
        return run_console(
            [_source(here, context, opened.get(context.name)) for context in contexts],
            keymap=moved,
            own_commands=own,
            filters=filter_keys(first.filters, moved, own),
            preferences=data_dir(here.environ) / FILE,
            mouse=mouse and first.settings.mouse,
            known_failures=_known_failures,
            coach=coach,
        )


def _known_failures(environment: ContextServices) -> Sequence[Diagnosis]:
    """The library of failures, for the finder; read when it first opens."""
    from qlikops.cli.known import entries

    return entries(environment)


def _signed_in(
    here: Invocation, contexts: Sequence[Context], first: ContextServices | None
) -> dict[str, ContextServices]:
    """The environments of the contexts by name, signed in to wherever that may ask: later, the console has the keys.

    One of several that cannot be signed in to keeps none of the others closed; the console says what is wrong with it.
    """
    opened: dict[str, ContextServices] = {}
    for context in contexts:
        if context.name == LOCAL:
            if first is not None and context is contexts[0]:
                opened[context.name] = first
            continue
        environment = first if first is not None and context is contexts[0] else here.open_environment(context)
        try:
            environment.sign_in()
        except CredentialsProblem:
            if len(contexts) == 1:
                raise
            continue
        opened[context.name] = environment
    return opened


def _source(here: Invocation, context: Context, opened: ContextServices | None) -> ContextSource:
    """`opened` is used once; after that, and without it, the environment is opened anew whenever that is wanted."""
    from qlikops.presentation.alert import Alerts
    from qlikops.tui.model.context import ContextSource
    from qlikops.tui.themes import check_theme

    unused = [opened] if opened is not None else []
    settings = context.settings
    return ContextSource(
        context.name,
        lambda: unused.pop() if unused else here.reopened(context),
        read_only=settings.read_only,
        hold_seconds=settings.hold_seconds,
        alerts=Alerts(settings.bell, settings.notices, settings.notify_from, settings.notify_command),
        theme=check_theme(settings.theme),
    )
