"""tasks, report."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from qlikops.cli import output
from qlikops.cli.context import ContextOption, JsonOption, invocation
from qlikops.domain.errors import UsageError
from qlikops.domain.task import TaskState


def tasks(
    ctx: typer.Context,
    server: Annotated[str, typer.Option(metavar="NAME", help="Only this server's.", show_default=False)] = "",
    state: Annotated[
        TaskState | None, typer.Option(case_sensitive=False, help="Only in this state.", show_default=False)
    ] = None,
    context: ContextOption = None,
    as_json: JsonOption = False,
) -> None:
    """List every task as the last run saw it, those with something wrong first."""
    here = invocation(ctx)
    snapshot = here.environment(context).fleet.snapshot()
    chosen = tuple(
        task
        for task in snapshot.tasks
        if (not server or task.facts.key.server == server) and (state is None or task.facts.state is state)
    )
    if as_json:
        output.write_json(replace(snapshot, tasks=chosen))
        return
    from qlikops.presentation import fleet

    for line in fleet.summary(snapshot, here.now()):
        output.say(f"{line.label}: {line.text}")
    width = output.terminal_width()
    columns = fleet.COLUMNS if width is None else fleet.columns(width)
    output.write_table(columns, [fleet.cells(task) for task in fleet.worst_first(replace(snapshot, tasks=chosen))])


def report(
    ctx: typer.Context,
    execution: Annotated[
        str | None,
        typer.Argument(metavar="EXECUTION", help="The run; the newest where none is given.", show_default=False),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Names of the runs that have a report, newest first.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="The whole report as Markdown.")] = False,
    context: ContextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a run's report."""
    if list_ and (execution or markdown):
        raise UsageError("--list goes with no other choice than --json.")
    role = invocation(ctx).environment(context).fleet
    if list_:
        names = role.reports()
        if as_json:
            output.write_json(names)
        else:
            output.write("\n".join(names)) if names else output.say("No run has written a report yet.")
        return
    if as_json:
        output.write_json(role.report(execution))
    elif markdown:
        output.write(role.report_markdown(execution))
    else:
        from qlikops.presentation import report as presented

        output.write_sections(presented.sections(role.report(execution)))
