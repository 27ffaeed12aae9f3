"""What `deploy` does once it knows what is chosen: plan, show, confirm, apply, and put the Qlik accounts in place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import KW_ONLY
from functools import cached_property
from typing import Any

import typer

from qlikops.aws.session import AwsConnection
from qlikops.cli import output
from qlikops.cli.context import Invocation
from qlikops.cli.exit_codes import ExitCode
from qlikops.cli.plans import show_events, show_plan, show_rotation
from qlikops.dataclass import dataclass
from qlikops.deployment.artifact_bucket import ArtifactStore
from qlikops.deployment.changes import DeploymentPlan
from qlikops.deployment.choices import Choices, with_authorities
from qlikops.deployment.deployer import Deployer, Release, build_release
from qlikops.deployment.errors import DeploymentError
from qlikops.deployment.evaluator import agent_config
from qlikops.deployment.fitness import StackLocation, check_fitness
from qlikops.deployment.obstacles import Obstacle, Obstacles
from qlikops.deployment.secret import QlikSecret, Rotation, rotation
from qlikops.deployment.stack import Stack
from qlikops.domain.errors import NotFound, QlikopsError, UsageError
from qlikops.qlik.errors import QemMisconfigured

_QUESTION = "Apply this?"
_ROTATE = "`qlikops deploy --rotate-secret --qlik-login`"


@dataclass(frozen=True)
class Deployment:
    """One use of `deploy` on one stack."""

    here: Invocation
    aws: AwsConnection
    stack: Stack
    _: KW_ONLY
    plan_only: bool
    yes: bool
    replace_data: bool
    as_json: bool

    def deploy(self, chosen: Choices, base: Choices, instances: Mapping[str, Any] | None) -> None:
        """Brings the stack, and its secret where there are `instances`, to what is chosen."""
        if instances is None and chosen.ca_bundle:
            raise UsageError("The authorities go into the secret with the accounts.", "Add --qlik or --qlik-login.")
        current = self.stack.parameters()
        if chosen.agent and base.agent is None:
            base = base.over(Choices(agent=self.stack.agent_settings()))
        whole = chosen.over(base)
        parameters = whole.parameters()
        parameters_then = {**current, **parameters}
        check_fitness(parameters_then, self._place)
        accounts = self._accounts(whole, instances, parameters_then.get("QlikSecretArn", ""))
        release = build_release(
            parameters,
            approval_timeout_seconds=whole.approval_timeout_seconds(current),
            tags=whole.tags,
            partition=self._place.partition,
        )
        self._bring(release, accounts, parameters_then)

    def rotate(self, given: Mapping[str, Any]) -> None:
        """Gives the stack's secret the accounts in `given`, and deploys nothing."""
        _refuse_foreign_secret(self.stack.parameters().get("QlikSecretArn", ""))
        secret = self._secret_of_the_stack()
        accounts = _judged(secret.text(), given, keep_others=True)
        show_rotation(self.stack.name, accounts.changes, as_json=self.as_json)
        if not accounts.changes or self.plan_only:
            return
        if not self.here.confirmed(_QUESTION, yes=self.yes):
            raise typer.Exit(ExitCode.FAILURE)
        secret.put(accounts)
        output.say("Rotated. The functions use it within five minutes, and at once where Qlik refuses the old one.")
        output.say("Next: `qlikops run --wait` shows whether Qlik takes it.")

    def _bring(self, release: Release, accounts: Rotation | None, parameters: Mapping[str, str]) -> None:
        deployer = self._deployer
        output.say(f"Comparing with the stack {self.stack.where}, account {self._place.account} …")
        plan = deployer.plan(release)
        changed = accounts.changes if accounts else {}
        try:
            obstacles = self._obstacles(plan, release, parameters)
            show_plan(plan, deployer.uploads(release), changed, obstacles, as_json=self.as_json)
            if in_the_way := next((each for each in obstacles if each.blocks), None):
                raise DeploymentError(f"this plan cannot work: {in_the_way.text}", in_the_way.hint)
            wanted = not (plan.is_empty and not changed) and not self.plan_only and self._may_apply(plan)
        except BaseException:
            self.stack.abandon(plan)
            raise
        if not wanted:
            self.stack.discard(plan)
            nothing = plan.is_empty and not changed
            if nothing and not self.plan_only:
                self._say_if_empty(parameters)
            raise typer.Exit(ExitCode.OK if self.plan_only or nothing else ExitCode.FAILURE)
        self._apply(plan, release)
        if accounts is not None and changed:
            self._put(accounts)
        else:
            self._say_if_empty(parameters)
        if plan.creates_stack:
            output.say("Next: `qlikops schedule --rate 5m` runs it every five minutes; `qlikops doctor` looks it over.")

    def _apply(self, plan: DeploymentPlan, release: Release) -> None:
        if plan.is_empty:
            return
        with self._secret_of_the_stack().kept() if plan.changes_secret else nullcontext():
            try:
                show_events(self._deployer.apply(plan, release))
            except KeyboardInterrupt:
                output.say("CloudFormation goes on without us; `qlikops deploy --follow` shows it to its end.")
                raise
        output.say(f"Deployed. State machine: {self.stack.outputs().state_machine_arn}")

    def _put(self, accounts: Rotation) -> None:
        try:
            self._secret_of_the_stack().put(accounts)
        except QlikopsError:
            output.say(f"The stack is as planned; only the Qlik accounts are not in its secret. Later: {_ROTATE}.")
            raise
        output.say("The Qlik accounts are in the stack's secret.")

    def _accounts(self, whole: Choices, instances: Mapping[str, Any] | None, foreign_secret: str) -> Rotation | None:
        """What the stack's secret becomes; None where no accounts are given."""
        if instances is None:
            return None
        _refuse_foreign_secret(foreign_secret)
        current = ""
        with suppress(NotFound, DeploymentError):
            current = self._secret_of_the_stack().text()
        return _judged(current, with_authorities(instances, whole.ca_bundle), keep_others=False)

    def _say_if_empty(self, parameters: Mapping[str, str]) -> None:
        """A deployment that was killed before it put the accounts leaves a secret without a value."""
        if parameters.get("QlikSecretArn"):
            return
        with suppress(QlikopsError):
            if not self._secret_of_the_stack().has_accounts():
                output.say(f"It knows no Qlik instance yet: `qlikops login`, then {_ROTATE}.")

    def _obstacles(self, plan: DeploymentPlan, release: Release, parameters: Mapping[str, str]) -> tuple[Obstacle, ...]:
        settings = agent_config(json.loads(parameters.get("AgentSettings") or "{}"))
        look = Obstacles(self.aws, self.stack, self._place)
        return tuple(look.of(plan, release.template.data.decode(), settings))

    def _secret_of_the_stack(self) -> QlikSecret:
        """Raises NotFound where there is no stack, DeploymentError where it has not got that far."""
        return QlikSecret(self.aws.client("secretsmanager"), self.stack.outputs().qlik_secret_arn)

    @cached_property
    def _place(self) -> StackLocation:
        _, partition, _, _, account, *_ = self.aws.caller().split(":")
        return StackLocation(partition, self.aws.s3.meta.region_name, account, self.stack.name)

    @cached_property
    def _deployer(self) -> Deployer:
        place = self._place
        return Deployer(self.stack, ArtifactStore(self.aws.s3, account=place.account, region=place.region))

    def _may_apply(self, plan: DeploymentPlan) -> bool:
        endangered = [change.logical_id for change in plan.changes if change.endangers_data]
        if endangered and not self.replace_data:
            raise UsageError(
                f"This would take {', '.join(endangered)} out of use, with the data in it.",
                "Add --replace-data if that is what you want.",
            )
        return self.here.confirmed(_QUESTION, yes=self.yes)


def _judged(current: str, given: Mapping[str, Any], *, keep_others: bool) -> Rotation:
    try:
        return rotation(current, given, keep_others=keep_others)
    except QemMisconfigured as exc:
        raise UsageError(str(exc)) from exc


def _refuse_foreign_secret(arn: str) -> None:
    if arn:
        raise UsageError(
            "This stack uses a secret of yours, so its value is yours to change.",
            "`aws secretsmanager put-secret-value` does; the functions read it again within five minutes.",
        )
