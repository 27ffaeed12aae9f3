"""deploy."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qlikops.cli import output
from qlikops.cli.context import ContextOption, Invocation, JsonOption, YesOption, invocation
from qlikops.cli.exit_codes import ExitCode
from qlikops.cli.plans import show_drift, show_events, show_plan, show_rotation
from qlikops.domain.errors import AccessDenied, NotFound, UsageError

if TYPE_CHECKING:
    from qlikops.aws.session import AwsConnection
    from qlikops.deployment.choices import Choices
    from qlikops.deployment.deployer import Release
    from qlikops.deployment.plan import Plan
    from qlikops.deployment.secret import QlikSecret, Rotation
    from qlikops.deployment.stack import Stack


def _text(metavar: str, help_: str) -> Any:
    return typer.Option(metavar=metavar, help=help_, show_default=False)


def deploy(
    ctx: typer.Context,
    plan_only: Annotated[bool, typer.Option("--plan", help="Only show what would change.")] = False,
    yes: YesOption = False,
    follow: Annotated[bool, typer.Option("--follow", help="Only show the change that runs now, to its end.")] = False,
    drift: Annotated[bool, typer.Option("--drift", help="Only show what was changed past CloudFormation.")] = False,
    replace_data: Annotated[
        bool, typer.Option("--replace-data", help="Allow a change that takes the table, bucket or secret out of use.")
    ] = False,
    file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What is chosen, as TOML; options win over it.", exists=True, dir_okay=False),
    ] = None,
    approval_timeout: Annotated[str, _text("T", "How long an approval waits for its decision; 4h at first.")] = "",
    run_every: Annotated[str, _text("T", "How often the schedule runs, for the alarm for silence; 5m at first.")] = "",
    approval_mode: Annotated[
        str, _text("MODE", "Whom a restart needs: always a human, policy, never; always at first.")
    ] = "",
    evaluator: Annotated[str, _text("NAME", "Who evaluates proposals.")] = "",
    model: Annotated[str, _text("ID", "The model, or inference profile, that the evaluator bedrock asks.")] = "",
    settings: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="All of the agent's settings, a JSON object.", exists=True, dir_okay=False),
    ] = None,
    qlik: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help='The Qlik instances for Secrets Manager, as {"instances": [...]}; - reads them from stdin.',
            allow_dash=True,
        ),
    ] = None,
    qlik_login: Annotated[
        bool, typer.Option("--qlik-login", help="Take the Qlik accounts from `qlikops login`.")
    ] = False,
    rotate_secret: Annotated[
        bool, typer.Option("--rotate-secret", help="Only put the Qlik accounts into the stack's secret.")
    ] = False,
    qlik_secret_arn: Annotated[str, _text("ARN", "Use this existing secret instead.")] = "",
    ca_bundle: Annotated[str, _text("FILE", "The authorities behind the Qlik instances' certificates, PEM.")] = "",
    subnet: Annotated[list[str] | None, _text("ID", "Where the functions that talk to Qlik run; repeatable.")] = None,
    security_group: Annotated[list[str] | None, _text("ID", "Of those functions; repeatable.")] = None,
    notification_email: Annotated[str, _text("ADDRESS", "Hears of approvals and alarms.")] = "",
    notification_topic: Annotated[str, _text("ARN", "An existing topic instead of one that is created.")] = "",
    permissions_boundary: Annotated[str, _text("ARN", "The boundary of every role.")] = "",
    kms_key: Annotated[str, _text("ARN", "A key of yours for table, bucket, secret and topic.")] = "",
    tag: Annotated[list[str] | None, _text("KEY=VALUE", "Of everything; repeatable.")] = None,
    log_retention: Annotated[int, _text("DAYS", "How long logs are kept; 90 at first.")] = 0,
    context: ContextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Deploy to AWS, or update what is deployed: shows what changes, asks, then does it.

    What is chosen neither here nor in --file keeps the value that the stack has.
    """
    from qlikops.deployment.choices import Choices, with_authorities

    agent = {
        "approval_mode": approval_mode,
        "evaluator": evaluator or ("bedrock" if model else ""),
        "bedrock": {"model_id": model} if model else {},
    }
    chosen = Choices(
        approval_timeout=approval_timeout or None,
        run_every=run_every or None,
        log_retention=log_retention or None,
        notification_email=notification_email or None,
        notification_topic=notification_topic or None,
        subnets=tuple(subnet) if subnet else None,
        security_groups=tuple(security_group) if security_group else None,
        permissions_boundary=permissions_boundary or None,
        kms_key=kms_key or None,
        qlik_secret_arn=qlik_secret_arn or None,
        ca_bundle=ca_bundle or None,
        tags=_tags(tag) if tag else None,
        agent={name: value for name, value in agent.items() if value} or None,
    )
    base = _base(file, settings)
    if sum((qlik is not None, qlik_login, bool(qlik_secret_arn))) > 1:
        raise UsageError("--qlik, --qlik-login and --qlik-secret-arn exclude each other")
    if rotate_secret and not (qlik or qlik_login):
        raise UsageError("--rotate-secret needs the accounts", "Add --qlik-login or --qlik FILE.")
    if rotate_secret and chosen != Choices(ca_bundle=chosen.ca_bundle):
        raise UsageError("--rotate-secret deploys nothing else", "Choose the rest in a deployment of its own.")
    # What makes no sense is told before anybody is asked for credentials.
    whole = chosen.over(base)
    # Agent settings by option change what the stack has, so they can be judged only beside that.
    (whole if base.agent is not None or not chosen.agent else replace(whole, agent=None)).parameters()
    instances = _read_qlik(qlik, whole=not rotate_secret) if qlik else None
    here = invocation(ctx)
    target = here.context(context)
    if target.settings.read_only and not (plan_only or follow or drift):
        raise AccessDenied("This context is read-only.", "Use a context that may write, or only look with --plan.")
    if qlik_login:
        instances = _login(here, target.name).secret(whole.qlik, with_address=not rotate_secret)
    from qlikops.aws.errors import aws_errors
    from qlikops.aws.session import AwsConnection
    from qlikops.deployment.stack import Stack

    connection = AwsConnection(target)
    with aws_errors(f"deploy the stack {target.settings.stack}"):
        stack = Stack(connection.cloudformation, target.settings.stack, sleep=here.sleep, now=here.now)
        if drift:
            show_drift(stack.name, stack.drift(), as_json=as_json)
        elif follow:
            if not show_events(stack.follow()):
                output.say(f"Nothing changes the stack {stack.where} now.")
        elif rotate_secret and instances is not None:
            given = with_authorities(instances, whole.ca_bundle)
            _rotate(here, connection, stack, given, plan_only=plan_only, yes=yes, as_json=as_json)
        else:
            release = _release(chosen, base, instances, stack, connection)
            _deploy(
                here,
                connection,
                stack,
                release,
                plan_only=plan_only,
                yes=yes,
                replace_data=replace_data,
                as_json=as_json,
            )


def _deploy(
    here: Invocation,
    connection: AwsConnection,
    stack: Stack,
    release: Release,
    *,
    plan_only: bool,
    yes: bool,
    replace_data: bool,
    as_json: bool,
) -> None:
    from qlikops.deployment.deployer import Deployer
    from qlikops.deployment.store import ArtifactStore

    account = connection.caller().split(":")[4]
    store = ArtifactStore(connection.s3, account=account, region=connection.s3.meta.region_name)
    deployer = Deployer(stack, store)
    output.say(f"Comparing with the stack {stack.where}, account {account} …")
    plan = deployer.plan(release)
    if plan.changes_secret and "QlikSecretValue" not in release.parameters and (secret := _secret(connection, stack)):
        # CloudFormation would write the value again that it was given once, whatever it has become since.
        deployer.discard(plan)
        release = replace(release, parameters={**release.parameters, "QlikSecretValue": secret.text()})
        plan = deployer.plan(release)
    try:
        show_plan(plan, as_json=as_json)
        wanted = not plan.is_empty and not plan_only and _may_apply(here, plan, yes=yes, replace_data=replace_data)
    except BaseException:
        deployer.abandon(plan)
        raise
    if not wanted:
        deployer.discard(plan)
        raise typer.Exit(ExitCode.OK if plan_only or plan.is_empty else ExitCode.FAILURE)
    try:
        show_events(deployer.apply(plan, release))
    except KeyboardInterrupt:
        output.say("CloudFormation goes on without us; `qlikops deploy --follow` shows it to its end.")
        raise
    outputs = deployer.outputs()
    output.say(f"Deployed. State machine: {outputs.state_machine_arn}")
    if plan.creates_stack:
        if "QlikSecretValue" not in release.parameters and "QlikSecretArn" not in release.parameters:
            output.say("It knows no Qlik instance yet: `qlikops login`, then `qlikops deploy --qlik-login`.")
        output.say("Next: `qlikops schedule --rate 5m` runs it every five minutes; `qlikops doctor` looks it over.")


def _rotate(
    here: Invocation,
    connection: AwsConnection,
    stack: Stack,
    given: Mapping[str, Any],
    *,
    plan_only: bool,
    yes: bool,
    as_json: bool,
) -> None:
    from qlikops.deployment.secret import QlikSecret

    _refuse_foreign_secret(stack.parameters().get("QlikSecretArn", ""))
    secret = QlikSecret(connection.client("secretsmanager"), stack.outputs().qlik_secret_arn)
    rotation = _judged(secret, given, keep_others=True)
    show_rotation(stack.name, rotation.changes, as_json=as_json)
    if not rotation.changes or plan_only:
        return
    if not _confirmed(here, yes=yes):
        raise typer.Exit(ExitCode.FAILURE)
    secret.put(rotation)
    output.say("Rotated. The functions use it within five minutes, and at once where Qlik refuses the old one.")
    output.say("Next: `qlikops run --wait` shows whether Qlik takes it.")


def _judged(secret: QlikSecret, given: Mapping[str, Any], *, keep_others: bool) -> Rotation:
    from qlikops.qlik.errors import QemMisconfigured

    try:
        return secret.rotation(given, keep_others=keep_others)
    except QemMisconfigured as exc:
        raise UsageError(str(exc)) from exc


def _secret(connection: AwsConnection, stack: Stack) -> QlikSecret | None:
    """The stack's secret, where it has one by now."""
    from qlikops.deployment.errors import DeploymentError
    from qlikops.deployment.secret import QlikSecret

    try:
        return QlikSecret(connection.client("secretsmanager"), stack.outputs().qlik_secret_arn)
    except (NotFound, DeploymentError):
        return None


def _refuse_foreign_secret(arn: str) -> None:
    if arn:
        raise UsageError(
            "this stack uses a secret of yours, so its value is yours to change",
            "`aws secretsmanager put-secret-value` does; the functions read it again within five minutes.",
        )


def _release(
    chosen: Choices,
    base: Choices,
    instances: Mapping[str, Any] | None,
    stack: Stack,
    connection: AwsConnection,
) -> Release:
    from qlikops.deployment.choices import Choices, with_authorities
    from qlikops.deployment.deployer import build_release

    current = stack.parameters()
    if chosen.agent and base.agent is None:
        base = base.over(Choices(agent=json.loads(current.get("AgentSettings") or "{}")))
    whole = chosen.over(base)
    parameters = whole.parameters()
    if instances is not None:
        _refuse_foreign_secret(parameters.get("QlikSecretArn", current.get("QlikSecretArn", "")))
        given = with_authorities(instances, whole.ca_bundle)
        secret = None if current.get("QlikSecretArn") else _secret(connection, stack)
        parameters["QlikSecretValue"] = _judged(secret, given, keep_others=False).value if secret else json.dumps(given)
    elif chosen.ca_bundle:
        raise UsageError("the authorities go into the secret with the accounts", "Add --qlik or --qlik-login.")
    return build_release(parameters, approval_timeout_seconds=whole.approval_timeout_seconds(current), tags=whole.tags)


def _base(file: Path | None, settings: Path | None) -> Choices:
    """What the files choose. Raises UsageError for one that makes no sense."""
    from qlikops.deployment.choices import Choices, read_choices

    base = read_choices(file) if file else Choices()
    if settings is None:
        return base
    if base.agent is not None:
        raise UsageError(f"{file} has the agent's settings already", "Leave out --settings, or [agent].")
    try:
        agent = json.loads(settings.read_text(encoding="utf-8"))
    except ValueError as exc:
        raise UsageError(f"{settings} is not JSON: {exc}") from exc
    if not isinstance(agent, dict):
        raise UsageError(f"{settings} must hold a JSON object")
    return Choices(agent=agent).over(base)


def _tags(given: list[str]) -> dict[str, str]:
    tags = dict(each.partition("=")[::2] for each in given)
    if not all(tags) or any("=" not in each for each in given):
        raise UsageError("a tag is KEY=VALUE", "Such as --tag team=data.")
    return tags


def _read_qlik(path: Path, *, whole: bool) -> dict[str, Any]:
    """The instances in a file, judged where they are the `whole` of it. Never quotes the text: it holds passwords."""
    from qlikops.qlik.config import parse_instances
    from qlikops.qlik.errors import QemMisconfigured

    text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    try:
        if whole:
            parse_instances(text)
        return dict(json.loads(text))
    except QemMisconfigured as exc:
        raise UsageError(f"{path}: {exc}") from exc
    except (ValueError, TypeError):
        # Not chained: the cause would quote it.
        raise UsageError(f"{path} is not a JSON object") from None


def _login(here: Invocation, context: str) -> Any:
    from qlikops.deployment.login import Logins

    return Logins(here.keyring(), context, here.environ)


def _may_apply(here: Invocation, plan: Plan, *, yes: bool, replace_data: bool) -> bool:
    endangered = [change.logical_id for change in plan.changes if change.endangers_data]
    if endangered and not replace_data:
        raise UsageError(
            f"this would take {', '.join(endangered)} out of use, with the data in it",
            "Add --replace-data if that is what you want.",
        )
    return _confirmed(here, yes=yes)


def _confirmed(here: Invocation, *, yes: bool) -> bool:
    if yes:
        return True
    if not here.is_terminal():
        raise UsageError("nobody is here to confirm it", "Add --yes.")
    return typer.confirm("Apply this?", err=True)
