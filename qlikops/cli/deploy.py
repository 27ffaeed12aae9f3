"""deploy."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from qlikops.aws.errors import aws_errors
from qlikops.aws.session import AwsConnection
from qlikops.cli import output
from qlikops.cli.context import Invocation, JsonOption, SettingsOption, YesOption, switch, takes
from qlikops.cli.deploying import Deployment
from qlikops.cli.plans import show_drift, show_events
from qlikops.dataclass import dataclass
from qlikops.deployment.choices import Choices, read_choices, with_authorities
from qlikops.deployment.login import Logins
from qlikops.deployment.stack import Stack
from qlikops.domain.errors import AccessDenied, UsageError
from qlikops.domain.proposals.evaluation import is_ai
from qlikops.files import read_object, shown
from qlikops.qlik.config import parse_instances
from qlikops.qlik.errors import QemMisconfigured


def deploy(
    here: Invocation,
    plan_only: Annotated[bool, switch("Only show what would change.", "--plan")] = False,
    yes: YesOption = False,
    follow: Annotated[bool, switch("Only show the change that runs now, to its end.", "--follow")] = False,
    drift: Annotated[bool, switch("Only show what was changed past CloudFormation.", "--drift")] = False,
    replace_data: Annotated[
        bool, switch("Allow a change that takes the table, bucket or secret out of use.", "--replace-data")
    ] = False,
    file: Annotated[
        Path | None, takes("FILE", "What is chosen, as TOML; options win over it.", exists=True, dir_okay=False)
    ] = None,
    approval_timeout: Annotated[str, takes("T", "How long an approval waits for its decision; 4h at first.")] = "",
    run_every: Annotated[str, takes("T", "How often the schedule runs, for the alarm for silence; 5m at first.")] = "",
    approval_mode: Annotated[
        str, takes("MODE", "Whom a restart needs: always a human, policy, never; always at first.")
    ] = "",
    evaluator: Annotated[str, takes("NAME", "Who evaluates proposals.")] = "",
    model: Annotated[
        str, takes("ID", "The model that the evaluator asks; bedrock does, if --evaluator names none.")
    ] = "",
    settings: SettingsOption = None,
    qlik: Annotated[
        Path | None,
        takes(
            "FILE",
            'The Qlik instances for Secrets Manager, as {"instances": [...]}; - reads them from stdin.',
            allow_dash=True,
        ),
    ] = None,
    qlik_login: Annotated[bool, switch("Take the Qlik accounts from `qlikops login`.", "--qlik-login")] = False,
    rotate_secret: Annotated[
        bool, switch("Only put the Qlik accounts into the stack's secret.", "--rotate-secret")
    ] = False,
    qlik_secret_arn: Annotated[str, takes("ARN", "Use this existing secret instead.")] = "",
    ca_bundle: Annotated[str, takes("FILE", "The authorities behind the Qlik instances' certificates, PEM.")] = "",
    subnet: Annotated[list[str] | None, takes("ID", "Where the functions that talk to Qlik run; repeatable.")] = None,
    security_group: Annotated[list[str] | None, takes("ID", "Of those functions; repeatable.")] = None,
    notification_email: Annotated[str, takes("ADDRESS", "Hears of approvals and alarms.")] = "",
    notification_topic: Annotated[str, takes("ARN", "An existing topic instead of one that is created.")] = "",
    permissions_boundary: Annotated[str, takes("ARN", "The boundary of every role.")] = "",
    kms_key: Annotated[str, takes("ARN", "A key of yours for table, bucket, secret and topic.")] = "",
    tag: Annotated[list[str] | None, takes("KEY=VALUE", "Of everything; repeatable.")] = None,
    log_retention: Annotated[int | None, takes("DAYS", "How long logs are kept; 90 at first.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Deploy to AWS, or update what is deployed: shows what changes, asks, then does it.

    What is chosen neither here nor in --file keeps the value that the stack has.
    """
    chosen = _chosen(
        approval_timeout=approval_timeout,
        run_every=run_every,
        log_retention=log_retention,
        notification_email=notification_email,
        notification_topic=notification_topic,
        subnets=tuple(subnet or ()),
        security_groups=tuple(security_group or ()),
        permissions_boundary=permissions_boundary,
        kms_key=kms_key,
        qlik_secret_arn=qlik_secret_arn,
        ca_bundle=ca_bundle,
        tags=_tags(tag or []),
        agent=_agent(approval_mode, evaluator, model),
    )
    base = _base(file, settings)
    accounts = _Accounts(qlik, from_keyring=qlik_login, alone=rotate_secret)
    accounts.check(chosen)
    whole = _judged(chosen, base)
    instances = accounts.in_file()
    target = here.context()
    if target.settings.read_only and not (plan_only or follow or drift):
        raise AccessDenied("This context is read-only.", "Use a context that may write, or only look with --plan.")
    if qlik_login:
        logins = Logins(here.keyring, target.name, here.environ)
        instances = logins.secret(whole.qlik, with_address=not rotate_secret)
    connection = AwsConnection(target)
    with aws_errors(f"deploy the stack {target.settings.stack}"):
        stack = Stack(connection.cloudformation, target.settings.stack, sleep=here.sleep, now=here.now)
        if drift:
            show_drift(stack.name, stack.drift(), as_json=as_json)
        elif follow:
            if not show_events(stack.follow()):
                output.say(f"Nothing changes the stack {stack.where} now.")
        else:
            deployment = Deployment(
                here, connection, stack, plan_only=plan_only, yes=yes, replace_data=replace_data, as_json=as_json
            )
            if rotate_secret and instances is not None:
                deployment.rotate(with_authorities(instances, whole.ca_bundle))
            else:
                deployment.deploy(chosen, base, instances)


@dataclass(frozen=True, slots=True)
class _Accounts:
    """Where the Qlik accounts for Secrets Manager come from, if they are given."""

    file: Path | None
    from_keyring: bool
    alone: bool
    """Nothing but the accounts is deployed."""

    def check(self, chosen: Choices) -> None:
        """Raises UsageError for options that do not go together."""
        if sum((self.file is not None, self.from_keyring, bool(chosen.qlik_secret_arn))) > 1:
            raise UsageError("--qlik, --qlik-login and --qlik-secret-arn exclude each other.")
        if self.alone and not (self.file or self.from_keyring):
            raise UsageError("--rotate-secret needs the accounts.", "Add --qlik-login or --qlik FILE.")
        if self.alone and chosen != type(chosen)(ca_bundle=chosen.ca_bundle):
            raise UsageError("--rotate-secret deploys nothing else.", "Choose the rest in a deployment of its own.")

    def in_file(self) -> dict[str, Any] | None:
        """The instances in the file, judged if they are the whole of it. Never quotes the text: it holds passwords."""
        if self.file is None:
            return None
        found = read_object(self.file, hint='Write {"instances": [{"name": …, "base_url": …}]}.')
        try:
            if not self.alone:
                parse_instances(json.dumps(found))
        except QemMisconfigured as exc:
            raise UsageError(f"{shown(self.file)}: {exc}") from exc
        return found


def _chosen(**options: Any) -> Choices:
    """What the options choose; an empty one chooses nothing."""
    return Choices(**{name: value for name, value in options.items() if value})


def _agent(approval_mode: str, evaluator: str, model: str) -> dict[str, Any]:
    agent: dict[str, Any] = {"approval_mode": approval_mode, "evaluator": evaluator}
    if model:
        asks = evaluator if is_ai(evaluator) else "bedrock"
        agent |= {"evaluator": evaluator or asks, asks: {"model_id": model}}
    return {name: value for name, value in agent.items() if value}


def _judged(chosen: Choices, base: Choices) -> Choices:
    """All that is chosen. What makes no sense is told before anybody is asked for credentials: raises UsageError."""
    whole = chosen.over(base)
    # Agent settings by option change what the stack has, so they can be judged only beside that.
    (whole if base.agent is not None or not chosen.agent else replace(whole, agent=None)).parameters()
    return whole


def _base(file: Path | None, settings: Path | None) -> Choices:
    """What the files choose. Raises UsageError for one that makes no sense."""
    base = read_choices(file) if file else Choices()
    if settings is None:
        return base
    if base.agent is not None:
        raise UsageError(f"{file} has the agent's settings already.", "Leave out --settings, or [agent].")
    return Choices(agent=read_object(settings)).over(base)


def _tags(given: list[str]) -> dict[str, str]:
    tags = dict(each.partition("=")[::2] for each in given)
    if not all(tags) or any("=" not in each for each in given):
        raise UsageError("A tag is KEY=VALUE.", "Such as --tag team=data.")
    return tags
