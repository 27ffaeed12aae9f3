"""decisions."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from qlikops.cli import output
from qlikops.cli.context import ContextOption, JsonOption, invocation
from qlikops.cli.durations import duration
from qlikops.domain.shift import gather_shift
from qlikops.domain.shift_entry import ME, fits
from qlikops.presentation import shift as presented


def decisions(
    ctx: typer.Context,
    since: Annotated[str, typer.Option(metavar="T", help="How far back to look.")] = "12h",
    by: Annotated[str, typer.Option(metavar="NAME", help="Only what NAME decided; `me` for yourself.")] = "",
    task: Annotated[str, typer.Option(metavar="TASK", help="Only proposals on this task, or on one like it.")] = "",
    failure: Annotated[
        str, typer.Option(metavar="FAILURE", help="Only of this known failure, or kind of anomaly, or its beginning.")
    ] = "",
    context: ContextOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the proposals of a shift: what waits, who decided what, how it ended, whether it lasted, until when its
    tasks are muted.

    The ledger keeps them for 90 days.
    """
    length = duration("--since", since)
    here = invocation(ctx)
    environment = here.environment(context)
    now = here.now()
    found = gather_shift(environment, now - length, now)
    caller = environment.caller() if by == ME else ""
    entries = tuple(entry for entry in found.entries if fits(entry, by=by, task=task, failure=failure, caller=caller))
    found = replace(found, entries=entries)
    if as_json:
        output.write_json(entries)
        return
    output.say(presented.summary(found))
    if entries:
        columns = presented.columns(output.terminal_width())
        output.write_table(columns, [presented.cells(entry, now) for entry in entries])
