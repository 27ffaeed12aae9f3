"""One CloudFormation stack, changed through change sets only: planned, then applied or discarded."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from qlikops.deployment.errors import ChangeRefused, DeploymentError, DeploymentFailed, StackBroken, StackBusy
from qlikops.deployment.plan import Plan, parse_changes
from qlikops.domain.errors import NotFound

if TYPE_CHECKING:
    from types_boto3_cloudformation.client import CloudFormationClient
    from types_boto3_cloudformation.type_defs import ParameterTypeDef

_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
_SUCCEEDED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})
_IN_REVIEW = "REVIEW_IN_PROGRESS"
"""A change set that would create the stack exists, or existed: the stack has nothing in it."""


@dataclass(frozen=True, slots=True)
class StackEvent:
    """One step of CloudFormation's on one resource."""

    id: str
    at: datetime
    logical_id: str
    resource_type: str
    status: str
    reason: str = ""

    @property
    def is_failure(self) -> bool:
        """Whether it failed by itself, not because something else did."""
        return self.status.endswith("_FAILED") and "cancelled" not in self.reason


@dataclass(frozen=True, slots=True)
class StackOutputs:
    """What the template says of what it made."""

    state_machine_arn: str
    table: str
    data_bucket: str
    topic_arn: str
    schedule_role_arn: str
    qlik_secret_arn: str


class Stack:
    """Plans and applies changes of one stack. Times are in seconds."""

    def __init__(
        self,
        cloudformation: CloudFormationClient,
        name: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        poll_seconds: float = 2.0,
        change_set_name: Callable[[], str] = lambda: f"qlikops-{uuid.uuid4().hex}",
    ) -> None:
        self._cloudformation = cloudformation
        self.name = name
        self._sleep = sleep
        self._poll_seconds = poll_seconds
        self._change_set_name = change_set_name

    def plan(self, template: str, parameters: Mapping[str, str]) -> Plan:
        """A change set that would bring the stack to `template`. Nothing changes until it is applied.

        Parameters that are not given keep the value that the stack has. Raises StackBusy or StackBroken where no
        change can start, ChangeRefused where CloudFormation refuses this one.
        """
        current = self._describe()
        status = current["StackStatus"] if current else _IN_REVIEW
        self._refuse_unfit(status)
        creates = status == _IN_REVIEW
        change_set = self._cloudformation.create_change_set(
            StackName=self.name,
            ChangeSetName=self._change_set_name(),
            ChangeSetType="CREATE" if creates else "UPDATE",
            TemplateBody=template,
            Parameters=self._parameters(template, parameters, {} if creates else current or {}),
            Capabilities=["CAPABILITY_IAM"],
        )["Id"]
        plan = Plan(self.name, creates, change_set=change_set)
        try:
            description = self._await_change_set(change_set)
        except BaseException:
            self.discard(plan)
            raise
        if description["Status"] == "FAILED":
            self.discard(plan)
            reason = description.get("StatusReason", "no reason given")
            if any(text in reason for text in _NO_CHANGES):
                return Plan(self.name, creates)
            raise ChangeRefused(f"CloudFormation refuses this change of {self.name}: {reason}")
        return Plan(self.name, creates, parse_changes(description["Changes"]), change_set)

    def apply(self, plan: Plan) -> Iterator[StackEvent]:
        """Executes `plan` and yields CloudFormation's events as they come, to the end of it.

        Raises DeploymentFailed, with the reasons, where CloudFormation rolled back. An empty plan has no events.
        """
        if plan.is_empty:
            return
        seen = {event.id for event in self._events(set())}
        self._cloudformation.execute_change_set(ChangeSetName=plan.change_set)
        failures: list[str] = []
        while True:
            # The status first: when it is final, the events read after it are all there are.
            status = (self._describe() or {}).get("StackStatus", "DELETE_COMPLETE")
            for event in self._events(seen):
                seen.add(event.id)
                if event.is_failure:
                    failures.append(f"{event.logical_id}: {event.reason or event.status}")
                yield event
            if not status.endswith("_IN_PROGRESS"):
                break
            self._sleep(self._poll_seconds)
        if status not in _SUCCEEDED:
            reasons = tuple(dict.fromkeys(failures))
            why = f": {reasons[0]}" if reasons else ""
            raise DeploymentFailed(f"{self.name} ended in {status}{why}", reasons=reasons)

    def discard(self, plan: Plan) -> None:
        """Removes a plan's change set, and the empty stack that creating it may have left."""
        if plan.is_empty:
            return
        self._cloudformation.delete_change_set(ChangeSetName=plan.change_set)
        current = self._describe()
        if current and current["StackStatus"] == _IN_REVIEW:
            others = self._cloudformation.list_change_sets(StackName=self.name)["Summaries"]
            if not [other for other in others if other.get("ChangeSetId") != plan.change_set]:
                self._cloudformation.delete_stack(StackName=self.name)

    def outputs(self) -> StackOutputs:
        """Raises NotFound where the stack is not there, DeploymentError where it is not one of ours."""
        current = self._describe()
        if current is None:
            raise NotFound(f"There is no stack {self.name}.", "Deploy it with `qlikops deploy`.")
        values = {output["OutputKey"]: output["OutputValue"] for output in current.get("Outputs", [])}
        try:
            return StackOutputs(
                state_machine_arn=values["StateMachineArn"],
                table=values["TableName"],
                data_bucket=values["DataBucketName"],
                topic_arn=values["TopicArn"],
                schedule_role_arn=values["ScheduleRoleArn"],
                qlik_secret_arn=values["QlikSecretArn"],
            )
        except KeyError as exc:
            raise DeploymentError(
                f"The stack {self.name} has no output {exc}.", "It is not a qlikops stack, or its creation failed."
            ) from exc

    def _describe(self) -> dict[str, Any] | None:
        from botocore.exceptions import ClientError

        try:
            (stack,) = self._cloudformation.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as exc:
            error = exc.response["Error"]
            if error["Code"] == "ValidationError" and "does not exist" in error["Message"]:
                return None
            raise
        return dict(stack)

    def _refuse_unfit(self, status: str) -> None:
        if status == _IN_REVIEW or status in _SUCCEEDED or status == "UPDATE_ROLLBACK_COMPLETE":
            return
        if status.endswith("_IN_PROGRESS"):
            raise StackBusy(f"{self.name} is being changed right now ({status}).", "Wait for it to end, and try again.")
        if status == "UPDATE_ROLLBACK_FAILED":
            hint = f"Try `aws cloudformation continue-update-rollback --stack-name {self.name}`."
        else:
            hint = f"Its creation failed; remove it with `aws cloudformation delete-stack --stack-name {self.name}`."
        raise StackBroken(f"{self.name} cannot be updated ({status}).", hint)

    def _parameters(
        self, template: str, given: Mapping[str, str], current: Mapping[str, Any]
    ) -> list[ParameterTypeDef]:
        summary = self._cloudformation.get_template_summary(TemplateBody=template)
        declared = {parameter["ParameterKey"] for parameter in summary["Parameters"]}
        kept = {parameter["ParameterKey"] for parameter in current.get("Parameters", [])} & declared - given.keys()
        values: list[ParameterTypeDef] = [{"ParameterKey": key, "ParameterValue": given[key]} for key in sorted(given)]
        return values + [{"ParameterKey": key, "UsePreviousValue": True} for key in sorted(kept)]

    def _await_change_set(self, change_set: str) -> dict[str, Any]:
        while True:
            description: dict[str, Any] = {**self._cloudformation.describe_change_set(ChangeSetName=change_set)}
            if description["Status"] in {"CREATE_COMPLETE", "FAILED"}:
                break
            self._sleep(self._poll_seconds)
        changes = list(description.get("Changes", []))
        token = description.get("NextToken")
        while token:
            page = self._cloudformation.describe_change_set(ChangeSetName=change_set, NextToken=token)
            changes.extend(page.get("Changes", []))
            token = page.get("NextToken")
        return {**description, "Changes": changes}

    def _events(self, seen: set[str]) -> list[StackEvent]:
        """The stack's events that are not in `seen`, oldest first; CloudFormation lists them newest first."""
        if self._describe() is None:
            return []
        fresh: list[StackEvent] = []
        for page in self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=self.name):
            for event in page["StackEvents"]:
                if event["EventId"] in seen:
                    return fresh[::-1]
                fresh.append(
                    StackEvent(
                        id=event["EventId"],
                        at=event["Timestamp"],
                        logical_id=event["LogicalResourceId"],
                        resource_type=event["ResourceType"],
                        status=event["ResourceStatus"],
                        reason=event.get("ResourceStatusReason", ""),
                    )
                )
        return fresh[::-1]
