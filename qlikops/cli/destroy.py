"""destroy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from qlikops.aws.answers import part_of_arn
from qlikops.aws.errors import aws_errors
from qlikops.aws.session import AwsConnection
from qlikops.cli import output
from qlikops.cli.context import Invocation, JsonOption, YesOption, switch
from qlikops.cli.exit_codes import ExitCode
from qlikops.cli.plans import show_events
from qlikops.deployment.artifact_bucket import ArtifactStore
from qlikops.deployment.data import DataStore, DataStores
from qlikops.deployment.destroy import Destroyer
from qlikops.deployment.executions import RunningExecutions
from qlikops.deployment.schedule import Scheduler
from qlikops.deployment.settling import Patience
from qlikops.deployment.stack import Stack
from qlikops.domain.errors import AccessDenied, UsageError
from qlikops.domain.words.duration import format_duration


def destroy(
    here: Invocation,
    plan_only: Annotated[bool, switch("Only show what would change.", "--plan")] = False,
    delete_data: Annotated[
        bool, switch("The ledger, the reports and the bundles too, for good.", "--delete-data")
    ] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Take qlikops out of the account: the schedule first, then what runs, then the stack.

    The ledger and the reports stay, unless --delete-data is given, which also finds what an earlier `destroy` left.
    Run it again if it was interrupted.
    """
    target = here.context()
    if target.settings.read_only and not plan_only:
        raise AccessDenied("This context is read-only.", "Use a context that may write, or only look with --plan.")
    began = here.monotonic()
    connection = AwsConnection(target)
    with aws_errors(f"remove the stack {target.settings.stack}"):
        region = connection.s3.meta.region_name
        again = f"qlikops --context {target.name} --stack {target.settings.stack} destroy --delete-data"
        account = part_of_arn(connection.caller(), 4)
        store = ArtifactStore(connection.s3, account=account, region=region)
        patience = Patience(here.sleep, here.monotonic, output.say)
        destroyer = Destroyer(
            Stack(connection.cloudformation, target.settings.stack, sleep=here.sleep),
            Scheduler(connection.scheduler),
            RunningExecutions(connection.stepfunctions, patience),
            DataStores(
                connection.dynamodb,
                connection.s3,
                connection.client("resourcegroupstaggingapi"),
                stack=target.settings.stack,
                artifact_bucket=store.bucket,
                patience=patience,
            ),
            connection.dynamodb,
        )
        leaving = destroyer.look(delete_data=delete_data)
        if as_json:
            output.write_json(
                {
                    "stack": leaving.stack,
                    "goes": leaving.goes,
                    "stays": [str(each) for each in leaving.stays],
                    "waiting": leaving.waiting,
                    "running": leaving.running,
                    "commands": [command for each in leaving.stays for command in each.commands(region)],
                }
            )
        else:
            _show("goes", leaving.goes)
            _show("stays", tuple(map(str, leaving.stays)))
        if leaving.waiting:
            output.say(f"{leaving.waiting} approvals wait; nobody could answer them any more, nothing is restarted.")
        if plan_only or leaving.is_empty:
            if not as_json:
                _say_how(leaving.stays, again, region)
            return
        if leaving.running:
            output.say("Stopping what runs takes up to a minute, the stack a few minutes, longer in a VPC.")
        if not yes:
            if not here.is_terminal():
                raise UsageError("There is no terminal to confirm it.", "Add --yes.")
            if typer.prompt(f"Type the stack's name, {leaving.stack}, to remove it", err=True) != leaving.stack:
                output.say("Nothing was removed.")
                raise typer.Exit(ExitCode.FAILURE)
        show_events(destroyer.destroy(leaving, output.say))
        output.say(f"Removed, in {format_duration(here.monotonic() - began)}.")
        left = destroyer.left(leaving)
    for each in left:
        output.say(f"Stays: {each}")
    _say_how(left, again, region)


def _say_how(stays: Sequence[DataStore], again: str, region: str) -> None:
    """The commands that remove what stays."""
    if not stays:
        return
    output.say(f"`{again}` finds what stays and removes it for good; so do these:")
    for each in stays:
        for command in each.commands(region):
            output.say(f"  {command}")


def _show(what: str, lines: tuple[str, ...]) -> None:
    if not lines:
        output.write(f"{what}: nothing")
    for line in lines:
        output.write(f"{what}: {line}")
