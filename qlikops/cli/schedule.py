"""schedule."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from qlikops.cli import output
from qlikops.cli.context import ContextOption, Invocation, JsonOption, invocation
from qlikops.cli.durations import duration
from qlikops.domain import codec
from qlikops.domain.duration import format_duration
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
    for_: Annotated[
        str, typer.Option("--for", metavar="T", help="With --pause: only for so long, such as 2h.", show_default=False)
    ] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Run again as before.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the schedule.")] = False,
    context: ContextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set when the monitoring runs; without options, show that with the last run and about the next."""
    from qlikops.deployment.schedule import cron_expression, rate_expression

    if sum(map(bool, (rate, cron, pause, resume, remove))) > 1:
        raise UsageError("--rate, --cron, --pause, --resume and --remove exclude each other")
    if timezone and not cron:
        raise UsageError("--timezone goes with --cron", "A rate knows no time of day.")
    if for_ and not pause:
        raise UsageError("--for goes with --pause", "Such as --pause --for 2h.")
    # Before any call: a wrong rate needs no credentials to be told.
    expression = rate_expression(rate) if rate else cron_expression(cron) if cron else ""
    pause_for = duration("--for", for_) if for_ else None
    here = invocation(ctx)
    chosen = here.context(context)
    writes = bool(expression or pause or resume or remove)
    if writes and chosen.settings.read_only:
        raise AccessDenied("This context is read-only.", "Use a context that may write.")
    from qlikops.aws.errors import aws_errors

    with aws_errors("change the schedule" if writes else "read the schedule"):
        scheduler, connection = _scheduler(here, chosen)
        if remove:
            scheduler.remove()
            output.say("Removed. Nothing runs by itself any more.")
            return
        if expression:
            found = _set(scheduler, connection, chosen, expression, timezone)
        else:
            found = scheduler.pause(pause_for) if pause else scheduler.resume() if resume else scheduler.show()
        last = _last_run(connection, found)
    _show(found, last, here.now(), as_json=as_json)


def _show(found: Schedule, last: datetime | None, now: datetime, *, as_json: bool) -> None:
    from qlikops.deployment.occurrence import next_run

    upcoming = None
    if found.enabled:
        upcoming = next_run(found.expression, found.timezone, max(now, found.paused_until or now), last)
        if found.paused_until and found.expression.startswith("rate"):
            upcoming = found.paused_until
    if as_json:
        output.write_json({**codec.encode(found), "last_run": codec.encode(last), "next_run": codec.encode(upcoming)})
        return
    state = "on"
    if not found.enabled:
        state = "paused; `qlikops schedule --resume` goes on"
    elif found.paused_until:
        state = f"paused until {found.paused_until:%Y-%m-%d %H:%M} UTC"
    output.write(f"{found.name}: {found.expression}, {found.timezone}, {state}")
    ago = f"{last:%Y-%m-%d %H:%M} UTC, {format_duration(now - last)} ago" if last else "none yet"
    output.write(f"last run: {ago}")
    output.write(f"next run: {f'about {upcoming:%Y-%m-%d %H:%M} UTC' if upcoming else 'none'}")


def _last_run(connection: AwsConnection, found: Schedule) -> datetime | None:
    """When the newest run started, whoever started it."""
    newest = connection.stepfunctions.list_executions(stateMachineArn=found.target_arn, maxResults=1)["executions"]
    return newest[0]["startDate"].astimezone(UTC) if newest else None


def _scheduler(here: Invocation, context: Context) -> tuple[Scheduler, AwsConnection]:
    from qlikops.aws.session import AwsConnection
    from qlikops.deployment.schedule import Scheduler

    connection = AwsConnection(context)
    return Scheduler(connection.scheduler, now=here.now), connection


def _set(scheduler: Scheduler, connection: AwsConnection, context: Context, expression: str, timezone: str) -> Schedule:
    from qlikops.deployment.occurrence import period
    from qlikops.deployment.stack import Stack

    outputs = Stack(connection.cloudformation, context.settings.stack).outputs()
    every = period(expression)
    if every and every.total_seconds() != outputs.run_every_seconds:
        output.say(
            f"The alarm for silence expects a run every {format_duration(outputs.run_every_seconds)}; "
            f"`qlikops deploy --run-every {int(every.total_seconds() // 60)}m` tells it."
        )
    return scheduler.set(
        expression,
        target_arn=outputs.state_machine_arn,
        role_arn=outputs.schedule_role_arn,
        dead_letter_arn=outputs.dead_letter_queue_arn,
        timezone=timezone,
    )
