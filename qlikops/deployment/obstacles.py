"""Why a plan that CloudFormation accepted would fail all the same: names that are taken, services that are not there.

CloudFormation finds out while it creates, and rolls back. Where this identity may not look, nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from qlikops.agent.config import AgentConfig
from qlikops.aws.errors import aws_errors
from qlikops.aws.session import AwsConnection
from qlikops.dataclass import dataclass
from qlikops.deployment.changes import ChangeKind, DeploymentPlan
from qlikops.deployment.fitness import StackLocation
from qlikops.deployment.stack import Stack
from qlikops.domain.errors import AccessDenied, NotFound, Offline, QlikopsError

_RESOURCE = re.compile(r"^  (\w+):\n    Type: (\S+)\n((?:(?:    .*)?\n)*)", re.MULTILINE)
_NAME = re.compile(r"^      (?:FunctionName|StateMachineName): (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One reason why a plan cannot work, or not as a whole."""

    text: str
    hint: str
    blocks: bool = True
    """Whether the deployment itself would fail; else only a part of what it is for."""


class Obstacles:
    """Looks for them. Changes nothing."""

    def __init__(self, connection: AwsConnection, stack: Stack, place: StackLocation) -> None:
        self._aws = connection
        self._stack = stack
        self._place = place

    def of(self, plan: DeploymentPlan, template: str, settings: AgentConfig) -> Iterator[Obstacle]:
        """What stands in the way of `plan`; `template` is its text, `settings` are what the agent will have."""
        added = {change.logical_id for change in plan.changes if change.kind is ChangeKind.ADD}
        names = {name: each for name, each in fixed_names(template).items() if name in added}
        if taken := tuple(self._taken(names)):
            yield self._taken_by(taken)
        if plan.creates_stack:
            yield from self._missing_services(settings)

    def _taken(self, names: dict[str, str]) -> Iterator[str]:
        functions, machines = self._aws.client("lambda"), self._aws.stepfunctions
        for logical_id, name in names.items():
            if logical_id == "StateMachine":
                arn = self._place.arn("states", f"stateMachine:{name}")
                look = partial(machines.describe_state_machine, stateMachineArn=arn)
            else:
                look = partial(functions.get_function_configuration, FunctionName=name)
            if is_there(look):
                yield name

    def _taken_by(self, taken: tuple[str, ...]) -> Obstacle:
        others: dict[str, str] = {}
        with suppress(QlikopsError), aws_errors("look for other stacks"):
            others = self._stack.others_with("StateMachineArn")
        ours = {name for name, arn in others.items() if arn.rpartition(":")[2] in taken}
        what = f"{', '.join(taken)} {'exists' if len(taken) == 1 else 'exist'} in {self._place.region} already"
        if not ours:
            return Obstacle(
                what,
                "No stack says that they are its own. Wait if they are being deleted (`qlikops destroy`), else remove "
                "them: qlikops is there once for each account and Region, and its names are fixed.",
            )
        (owner, *_) = sorted(ours)
        return Obstacle(
            f"{what}, in the stack {owner}",
            f"qlikops is there once for each account and Region: `qlikops --stack {owner} deploy` updates that one, "
            f"`qlikops --stack {owner} destroy` removes it.",
        )

    def _missing_services(self, settings: AgentConfig) -> Iterator[Obstacle]:
        region = self._place.region
        if not answers(lambda: self._aws.scheduler.list_schedule_groups(MaxResults=1)):
            yield Obstacle(
                f"EventBridge Scheduler does not answer in {region}: `qlikops schedule` could not set a schedule",
                "Choose another --region, or start runs by an EventBridge rule (docs/how-to/aws-cli.md).",
                blocks=False,
            )
        if settings.model is None or not (asked := settings.model.asked_in_region()):
            return
        service, operation = asked
        if not answers(getattr(self._aws.client(service), operation)):
            yield Obstacle(
                f"{service.capitalize()} does not answer in {region}: a person would decide on every proposal",
                f"Name a Region that has it in the agent's settings ({settings.evaluator}.region), or choose "
                "--evaluator rules.",
                blocks=False,
            )


def fixed_names(template: str) -> dict[str, str]:
    """Logical id -> physical name of what a template, as text, names itself: functions and the state machine."""
    found = ((match[1], _NAME.search(match[3])) for match in _RESOURCE.finditer(template))
    return {logical_id: name[1] for logical_id, name in found if name}


def is_there(describe: Callable[[], Any]) -> bool:
    """Whether `describe` finds something. False also if this identity may not look."""
    try:
        with aws_errors("look whether a name is taken"):
            describe()
    except (NotFound, AccessDenied):
        return False
    return True


def answers(ask: Callable[[], Any]) -> bool:
    """Whether a server is there to refuse or to answer: a Region without a service has no such address."""
    try:
        with aws_errors("ask whether a service is there"):
            ask()
    except Offline:
        return False
    except QlikopsError:
        return True
    return True
