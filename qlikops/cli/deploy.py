"""deploy."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qlikops.cli import output
from qlikops.cli.context import ContextOption, Invocation, JsonOption, invocation
from qlikops.cli.durations import duration
from qlikops.cli.exit_codes import ExitCode
from qlikops.domain.errors import AccessDenied, UsageError

if TYPE_CHECKING:
    from qlikops.deployment.plan import Plan, PlannedChange

_SIGNS = {"add": "+", "change": "~", "may_replace": "±", "replace": "±", "remove": "-", "import": "<", "unknown": "?"}


def deploy(
    ctx: typer.Context,
    plan_only: Annotated[bool, typer.Option("--plan", help="Only show what would change.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    replace_data: Annotated[
        bool, typer.Option("--replace-data", help="Allow a change that takes the table, bucket or secret out of use.")
    ] = False,
    approval_timeout: Annotated[
        str, typer.Option(metavar="T", help="How long an approval waits; 4h as shipped.", show_default=False)
    ] = "",
    settings: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The agent's settings, a JSON object.", exists=True, dir_okay=False),
    ] = None,
    qlik: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help='The Qlik instances for Secrets Manager, as {"instances": [...]}; - reads them from stdin.',
            allow_dash=True,
        ),
    ] = None,
    qlik_secret_arn: Annotated[
        str, typer.Option(metavar="ARN", help="Use this existing secret instead.", show_default=False)
    ] = "",
    log_retention: Annotated[
        int, typer.Option(metavar="DAYS", help="How long logs are kept; 90 at first.", show_default=False)
    ] = 0,
    context: ContextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Deploy to AWS, or update what is deployed: shows what changes, asks, then does it.

    What is not given keeps the value that the stack has.
    """
    from qlikops.aws.errors import aws_errors
    from qlikops.aws.session import AwsConnection
    from qlikops.deployment.deployer import Deployer, build_release, deployed_approval_timeout
    from qlikops.deployment.stack import Stack
    from qlikops.deployment.store import ArtifactStore

    seconds = int(duration("--approval-timeout", approval_timeout).total_seconds()) if approval_timeout else None
    parameters = _parameters(settings, qlik, qlik_secret_arn, log_retention)
    here = invocation(ctx)
    chosen = here.context(context)
    if chosen.settings.read_only:
        raise AccessDenied("This context is read-only.", "Use a context that may write.")
    with aws_errors(f"deploy the stack {chosen.settings.stack}"):
        output.say(f"Comparing with the stack {chosen.settings.stack} …")
        connection = AwsConnection(chosen)
        stack = Stack(connection.cloudformation, chosen.settings.stack)
        account, region = connection.caller().split(":")[4], connection.s3.meta.region_name
        deployer = Deployer(stack, ArtifactStore(connection.s3, account=account, region=region))
        release = build_release(
            parameters,
            approval_timeout_seconds=seconds or deployed_approval_timeout(stack, connection.stepfunctions),
        )
        plan = deployer.plan(release)
        try:
            _show(plan, as_json=as_json)
            wanted = not plan.is_empty and not plan_only and _may_apply(here, plan, yes=yes, replace_data=replace_data)
        except BaseException:
            deployer.discard(plan)
            raise
        if not wanted:
            deployer.discard(plan)
            raise typer.Exit(ExitCode.OK if plan_only or plan.is_empty else ExitCode.FAILURE)
        for event in deployer.apply(plan, release):
            output.say(f"{event.at:%H:%M:%S}  {event.status:<28} {event.logical_id:<26} {event.reason}".rstrip())
        outputs = deployer.outputs()
    output.say(f"Deployed. State machine: {outputs.state_machine_arn}")
    output.say("Next: `qlikops schedule --rate 5m` runs it every five minutes.")


def _parameters(settings: Path | None, qlik: Path | None, secret_arn: str, log_retention: int) -> dict[str, str]:
    """The template's parameters that the options name. Raises UsageError for a file that makes no sense."""
    from qlikops.deployment.evaluator import evaluator_parameters

    if qlik and secret_arn:
        raise UsageError("--qlik and --qlik-secret-arn exclude each other.")
    parameters = {"QlikSecretArn": secret_arn} if secret_arn else {}
    if settings:
        text = settings.read_text(encoding="utf-8")
        _check_settings(text, settings)
        parameters["AgentSettings"] = text
        parameters |= evaluator_parameters(json.loads(text))
    if qlik:
        text = sys.stdin.read() if str(qlik) == "-" else qlik.read_text(encoding="utf-8")
        _check_qlik(text, qlik)
        parameters["QlikSecretValue"] = text
    if log_retention:
        parameters["LogRetentionDays"] = str(log_retention)
    return parameters


def _check_settings(text: str, path: Path) -> None:
    """Asks the agent itself: a setting that it refuses would end every run."""
    from qlikops.agent.config import PLACE_VARIABLES, SETTINGS_VARIABLE, AgentConfig, ConfigError

    try:
        AgentConfig.from_environment({**dict.fromkeys(PLACE_VARIABLES.values(), "-"), SETTINGS_VARIABLE: text})
    except ConfigError as exc:
        raise UsageError(f"{path}: {exc}.") from exc


def _check_qlik(text: str, path: Path) -> None:
    from qlikops.qlik.config import parse_instances
    from qlikops.qlik.errors import QemMisconfigured

    try:
        parse_instances(text)
    except QemMisconfigured as exc:
        raise UsageError(f"{path}: {exc}.") from exc


def _show(plan: Plan, *, as_json: bool) -> None:
    if as_json:
        output.write_json(
            {
                "stack": plan.stack,
                "creates_stack": plan.creates_stack,
                "changes": [
                    {
                        "change": change.kind,
                        "logical_id": change.logical_id,
                        "type": change.resource_type,
                        "physical_id": change.physical_id or None,
                        "properties": change.properties,
                        "iam": change.is_iam,
                        "endangers_data": change.endangers_data,
                        "retained": change.retained,
                    }
                    for change in plan.changes
                ],
            }
        )
        return
    if plan.is_empty:
        output.write(f"{plan.stack}: nothing to change.")
        return
    count = f"{len(plan.changes)} change{'s' if len(plan.changes) != 1 else ''}"
    output.write(f"{plan.stack}: {'a new stack, ' if plan.creates_stack else ''}{count}")
    for change in plan.changes:
        output.write(_line(change))
    if iam := sum(change.is_iam for change in plan.changes):
        output.write(f"{iam} of them change permissions (IAM).")


def _line(change: PlannedChange) -> str:
    notes = [change.kind.value.replace("_", " ")]
    if change.properties:
        notes.append(", ".join(change.properties))
    if change.is_iam:
        notes.append("IAM")
    if change.endangers_data:
        notes.append("HOLDS DATA")
    if change.retained:
        notes.append("kept in the account")
    return f"  {_SIGNS[change.kind]} {change.logical_id:<26} {change.resource_type:<34} {'; '.join(notes)}"


def _may_apply(here: Invocation, plan: Plan, *, yes: bool, replace_data: bool) -> bool:
    endangered = [change.logical_id for change in plan.changes if change.endangers_data]
    if endangered and not replace_data:
        raise UsageError(
            f"This would take {', '.join(endangered)} out of use, with the data in it.",
            "Add --replace-data if that is what you want.",
        )
    if yes:
        return True
    if not here.is_terminal():
        raise UsageError("Nobody is here to confirm it.", "Add --yes.")
    return typer.confirm("Apply this?", err=True)
