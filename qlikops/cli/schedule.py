"""schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from qlikops.cli import output
from qlikops.cli.context import ContextOption, JsonOption, invocation
from qlikops.domain.errors import AccessDenied, UsageError

if TYPE_CHECKING:
    from qlikops.aws.session import AwsConnection
    from qlikops.config import Context
    from qlikops.deployment.schedule import Schedule, Scheduler


def schedule(
    ctx: typer.Context,
    rate: Annotated[str, typer.Option(metavar="R", help="Run every R: 5m, 1h, 1d.", show_default=False)] = "",
    cron: Annotated[
        str, typer.Option(metavar="C", help="Run by six cron fields: '0/10 6-20 ? * MON-FRI *'.", show_default=False)
    ] = "",
    timezone: Annotated[str, typer.Option(metavar="TZ", help="Of --cron, such as Europe/Berlin.")] = "",
    pause: Annotated[bool, typer.Option("--pause", help="Run no more until --resume.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Run again as before.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the schedule.")] = False,
    context: ContextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set when the monitoring runs; without options, show it."""
    from qlikops.deployment.schedule import cron_expression, rate_expression

    if sum(map(bool, (rate, cron, pause, resume, remove))) > 1:
        raise UsageError("--rate, --cron, --pause, --resume and --remove exclude each other.")
    if timezone and not cron:
        raise UsageError("--timezone goes with --cron.", "A rate knows no time of day.")
    # Before any call: a wrong rate needs no credentials to be told.
    expression = rate_expression(rate) if rate else cron_expression(cron) if cron else ""
    chosen = invocation(ctx).context(context)
    writes = bool(expression or pause or resume or remove)
    if writes and chosen.settings.read_only:
        raise AccessDenied("This context is read-only.", "Use a context that may write.")
    from qlikops.aws.errors import aws_errors

    with aws_errors("change the schedule" if writes else "read the schedule"):
        scheduler, connection = _scheduler(chosen)
        if remove:
            scheduler.remove()
            output.say("Removed. Nothing runs by itself any more.")
            return
        if expression:
            found = _set(scheduler, connection, chosen, expression, timezone)
        else:
            found = scheduler.pause() if pause else scheduler.resume() if resume else scheduler.show()
    if as_json:
        output.write_json(found)
    else:
        state = "on" if found.enabled else "paused; `qlikops schedule --resume` goes on"
        output.write(f"{found.name}: {found.expression}, {found.timezone}, {state}")


def _scheduler(context: Context) -> tuple[Scheduler, AwsConnection]:
    from qlikops.aws.session import AwsConnection
    from qlikops.deployment.schedule import Scheduler

    connection = AwsConnection(context)
    return Scheduler(connection.scheduler), connection


def _set(scheduler: Scheduler, connection: AwsConnection, context: Context, expression: str, timezone: str) -> Schedule:
    from qlikops.deployment.stack import Stack

    outputs = Stack(connection.cloudformation, context.settings.stack).outputs()
    return scheduler.set(
        expression, target_arn=outputs.state_machine_arn, role_arn=outputs.schedule_role_arn, timezone=timezone
    )
