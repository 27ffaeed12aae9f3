"""destroy."""

from __future__ import annotations

from typing import Annotated

import typer

from qlikops.cli import output
from qlikops.cli.context import ContextOption, JsonOption, YesOption, invocation
from qlikops.cli.exit_codes import ExitCode
from qlikops.cli.plans import show_events
from qlikops.domain.errors import AccessDenied, UsageError


def destroy(
    ctx: typer.Context,
    plan_only: Annotated[bool, typer.Option("--plan", help="Only show what would change.")] = False,
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="The ledger, the reports and the bundles too, for good.")
    ] = False,
    yes: YesOption = False,
    context: ContextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take qlikops out of the account: the schedule first, then the stack.

    The ledger and the reports stay, unless --delete-data is given. Run it again if it was interrupted.
    """
    here = invocation(ctx)
    target = here.context(context)
    if target.settings.read_only and not plan_only:
        raise AccessDenied("This context is read-only.", "Use a context that may write, or only look with --plan.")
    from qlikops.aws.errors import aws_errors
    from qlikops.aws.session import AwsConnection
    from qlikops.deployment.destroy import Destroyer
    from qlikops.deployment.schedule import Scheduler
    from qlikops.deployment.stack import Stack
    from qlikops.deployment.store import ArtifactStore

    connection = AwsConnection(target)
    with aws_errors(f"remove the stack {target.settings.stack}"):
        account = connection.caller().split(":")[4]
        store = ArtifactStore(connection.s3, account=account, region=connection.s3.meta.region_name)
        destroyer = Destroyer(
            Stack(connection.cloudformation, target.settings.stack, sleep=here.sleep),
            Scheduler(connection.scheduler),
            connection.dynamodb,
            connection.s3,
            store.bucket,
        )
        leaving = destroyer.look(delete_data=delete_data)
        if as_json:
            output.write_json(
                {"stack": leaving.stack, "goes": leaving.goes, "stays": leaving.stays, "waiting": leaving.waiting}
            )
        else:
            _show("goes", leaving.goes)
            _show("stays", leaving.stays)
        if leaving.waiting:
            output.say(f"{leaving.waiting} approvals wait; nobody could answer them any more, nothing is restarted.")
        if plan_only or leaving.is_empty:
            return
        if not yes:
            if not here.is_terminal():
                raise UsageError("nobody is here to confirm it", "Add --yes.")
            if typer.prompt(f"Type the stack's name, {leaving.stack}, to remove it", err=True) != leaving.stack:
                output.say("Nothing was removed.")
                raise typer.Exit(ExitCode.FAILURE)
        show_events(destroyer.destroy(leaving, output.say))
    output.say("Removed.")


def _show(what: str, lines: tuple[str, ...]) -> None:
    if not lines:
        output.write(f"{what}: nothing")
    for line in lines:
        output.write(f"{what}: {line}")
