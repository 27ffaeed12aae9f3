"""schedule."""

from __future__ import annotations

from typing import Annotated

from qlikops.aws.errors import aws_errors
from qlikops.aws.schedule import StackSchedules
from qlikops.aws.session import AwsConnection, refuse_writing
from qlikops.cli import output
from qlikops.cli.context import Invocation, JsonOption, switch, takes
from qlikops.cli.durations import duration
from qlikops.config import Context
from qlikops.deployment.schedule import Scheduler, cron_expression, rate_expression
from qlikops.deployment.stack import Stack
from qlikops.domain.encoding import codec
from qlikops.domain.errors import UsageError
from qlikops.domain.runs.occurrence import period
from qlikops.domain.runs.schedule import Schedule, ScheduleStatus
from qlikops.domain.words.duration import format_duration
from qlikops.presentation.pages import schedule as presented


def schedule(
    here: Invocation,
    rate: Annotated[str, takes("R", "How often the monitoring runs: 5m, 1h, 1d.")] = "",
    cron: Annotated[str, takes("C", "Run by six cron fields: '0/10 6-20 ? * MON-FRI *'.")] = "",
    timezone: Annotated[str, takes("TZ", "Of --cron, such as Europe/Berlin.")] = "",
    pause: Annotated[bool, switch("Run no more until --resume.", "--pause")] = False,
    for_: Annotated[str, takes("T", "With --pause: only for so long, such as 2h.", "--for")] = "",
    resume: Annotated[bool, switch("Run again as before.", "--resume")] = False,
    remove: Annotated[bool, switch("Remove the schedule.", "--remove")] = False,
    as_json: JsonOption = False,
) -> None:
    """Set when the monitoring runs; without options, show that with the last run and about the next."""
    if sum(map(bool, (rate, cron, pause, resume, remove))) > 1:
        raise UsageError("--rate, --cron, --pause, --resume and --remove exclude each other.")
    if timezone and not cron:
        raise UsageError("--timezone goes with --cron.", "A rate knows no time of day.")
    if for_ and not pause:
        raise UsageError("--for goes with --pause.", "Such as --pause --for 2h.")
    # Before any call: a wrong rate needs no credentials to be told.
    expression = rate_expression(rate) if rate else cron_expression(cron) if cron else ""
    pause_for = duration("--for", for_) if for_ else None
    if expression or remove:
        _deploy(here, here.context(), expression, timezone, as_json=as_json)
        return
    role = here.environment().schedules
    found = role.pause(pause_for) if pause else role.resume() if resume else role.status()
    _show(here, found, as_json=as_json)


def _show(here: Invocation, found: ScheduleStatus, *, as_json: bool) -> None:
    times = {"last_run": codec.encode(found.last_run), "next_run": codec.encode(found.next_run)}
    data = {**codec.encode(found.schedule), **times}
    output.write_either(data, presented.sections(found, here.now()), as_json=as_json)


def _deploy(here: Invocation, context: Context, expression: str, timezone: str, *, as_json: bool) -> None:
    """Sets the schedule, or removes it where there is no expression."""
    connection = AwsConnection(context)
    refuse_writing(connection)
    with aws_errors("change the schedule"):
        scheduler = Scheduler(connection.scheduler, now=here.now)
        if not expression:
            scheduler.remove()
            output.say("Removed. Nothing runs by itself any more.")
            return
        found = _set(scheduler, connection, context, expression, timezone)
    _show(here, StackSchedules(connection, here.now).status_of(found), as_json=as_json)


def _set(scheduler: Scheduler, connection: AwsConnection, context: Context, expression: str, timezone: str) -> Schedule:
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
