"""tasks, task, reports, report."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Annotated

from qlikops.cli import output
from qlikops.cli.context import Invocation, JsonListOption, JsonOption, argument, choice, switch, takes
from qlikops.cli.durations import duration
from qlikops.cli.remembering import remember
from qlikops.domain.errors import UsageError
from qlikops.domain.fleet.task import TaskState
from qlikops.domain.gathered.decisions import gather
from qlikops.domain.gathered.lookup import look_up, look_up_name
from qlikops.domain.gathered.since import read_fleet
from qlikops.domain.runs.snapshot import FleetSnapshot
from qlikops.presentation.filter import parse
from qlikops.presentation.lists import fleet
from qlikops.presentation.lists.fleet import FleetSort
from qlikops.presentation.pages import decisions as presented
from qlikops.presentation.pages import report as run_report
from qlikops.presentation.pages import task as one_task


def tasks(
    here: Invocation,
    server: Annotated[str, takes("SERVER", "Only this server's; the beginning of its name will do.")] = "",
    state: Annotated[TaskState | None, choice("Only in this state.")] = None,
    filter_: Annotated[str, takes("F", "As in the console: 'server:eu !state:running tag:gold'.", "--filter")] = "",
    sort: Annotated[FleetSort, choice("What comes first; the name of a column, or the worst.")] = FleetSort.WORST,
    as_json: JsonListOption = False,
) -> None:
    """List every task as the last run saw it, those with something wrong first."""
    wanted = parse(filter_, fleet.TABLE.fields)
    if wanted.problem:
        raise UsageError(f"--filter: {wanted.problem}")
    environment = here.environment()
    found = read_fleet(environment)
    snapshot = found.snapshot
    _remember(here, environment.name, snapshot)
    now, order = here.now(), fleet.TABLE.order_called(sort)
    if server:
        names = (*(each.name for each in snapshot.servers), *(each.facts.key.server for each in snapshot.tasks))
        server = look_up_name(server, names, "server")
    chosen = [
        each
        for each in fleet.TABLE.sorted(fleet.listed(snapshot, now, found.deeds), order)
        if (not server or each.facts.key.server == server)
        and (state is None or each.facts.state is state)
        and wanted.matches(each)
    ]
    if as_json:
        output.write_json(replace(snapshot, tasks=tuple(each.task for each in chosen)))
        return
    for line in fleet.summary(snapshot, now):
        output.say(f"{line.label}: {line.text}")
    output.say(f"Shown: {fleet.shown(len(chosen), snapshot, order).text}.")
    output.write_rows(fleet.TABLE, chosen)


def _remember(here: Invocation, context: str, snapshot: FleetSnapshot) -> None:
    """Keeps the names for completion: of tasks that have the same name, with their servers."""
    keys = [each.facts.key for each in snapshot.tasks]
    often = Counter(key.task for key in keys)
    names = {key.task if often[key.task] == 1 else f"{key.server}/{key.task}": f"on {key.server}" for key in keys}
    remember(here, context, "tasks", names)
    remember(here, context, "servers", {each.name: "" for each in snapshot.servers})


def task(
    here: Invocation,
    name: Annotated[str, argument("TASK", "TASK, SERVER/TASK or INSTANCE/SERVER/TASK, or a part of it.")],
    as_json: JsonOption = False,
) -> None:
    """Show one task: how it is, what is wrong, why it is muted, its latency, what was decided earlier."""
    found = look_up(here.environment(), name)
    output.write_either(found, one_task.sections(found, here.now()), as_json=as_json)


def reports(
    here: Invocation,
    limit: Annotated[int, takes("N", "How many at most.", min=1, max=100)] = 50,
    as_json: JsonListOption = False,
) -> None:
    """List the runs that have a report, newest first, with what each found and came to."""
    environment = here.environment()
    found = environment.fleet.reports(limit)
    remember(here, environment.name, "runs", {each.execution_name: "" for each in found})
    if as_json:
        output.write_json(found)
        return
    if not found:
        output.say("No run has written a report yet.")
        return
    output.write_table(run_report.columns(output.terminal_width()), map(run_report.cells, found))


def report(
    here: Invocation,
    execution: Annotated[str | None, argument("EXECUTION", "The run; the newest where none is given.")] = None,
    markdown: Annotated[bool, switch("As Markdown, for a ticket or a chat.", "--markdown")] = False,
    decisions: Annotated[
        bool, switch("What was decided since a time, 30d if not given, in numbers, and what came of it.", "--decisions")
    ] = False,
    since: Annotated[str | None, takes("T", "How far back to look.")] = None,
    mine: Annotated[bool, switch("With --decisions: only what you decided.", "--mine")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show a run's report, or what was decided over weeks."""
    if decisions:
        if execution or markdown:
            raise UsageError("--decisions is about all runs since a time: leave out EXECUTION and --markdown.")
        now = here.now()
        found = gather(here.environment(), now - duration("--since", since or "30d"), now, mine=mine)
        if as_json:
            output.write_json(found)
        else:
            output.write_sections(presented.sections(found, mine=mine))
        return
    if since or mine:
        raise UsageError("--since and --mine are about decisions: add --decisions, or leave them out.")
    role = here.environment().fleet
    if as_json:
        output.write_json(role.report(execution))
    elif markdown:
        output.write(role.report_markdown(execution))
    else:
        output.write_sections(run_report.sections(role.report(execution)))
