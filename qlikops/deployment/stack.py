"""One CloudFormation stack, changed through change sets only: planned, then applied or discarded."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from qlikops.deployment.errors import ChangeRefused, DeploymentError, DeploymentFailed, StackBroken, StackBusy
from qlikops.deployment.plan import Plan, parse_changes
from qlikops.domain.errors import NotFound

if TYPE_CHECKING:
    from types_boto3_cloudformation.client import CloudFormationClient
    from types_boto3_cloudformation.type_defs import CreateChangeSetInputTypeDef, ParameterTypeDef

_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
_SUCCEEDED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})
_DELETED = "DELETE_COMPLETE"
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
    dead_letter_queue_arn: str
    run_every_seconds: int
    """What the alarm for silence expects of the schedule."""
    version: str
    """The qlikops that deployed it."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A resource that is not as the stack made it."""

    logical_id: str
    resource_type: str
    status: str
    """MODIFIED or DELETED."""
    properties: tuple[str, ...]
    """Paths of what differs."""


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

    def parameters(self) -> dict[str, str]:
        """What the stack has now; empty where there is none. Secret ones are masked."""
        current = self._describe() or {}
        return {each["ParameterKey"]: each.get("ParameterValue", "") for each in current.get("Parameters", [])}

    def plan(self, template: str, parameters: Mapping[str, str], tags: Mapping[str, str] | None = None) -> Plan:
        """A change set that would bring the stack to `template`. Nothing changes until it is applied.

        Parameters and tags that are not given stay as they are. Raises StackBusy or StackBroken where no change can
        start, ChangeRefused where CloudFormation refuses this one.
        """
        current = self._describe()
        status = current["StackStatus"] if current else _IN_REVIEW
        self._refuse_unfit(status)
        creates = status == _IN_REVIEW
        request: CreateChangeSetInputTypeDef = {
            "StackName": self.name,
            "ChangeSetName": self._change_set_name(),
            "ChangeSetType": "CREATE" if creates else "UPDATE",
            "TemplateBody": template,
            "Parameters": self._parameters(template, parameters, {} if creates else current or {}),
            "Capabilities": ["CAPABILITY_IAM"],
        }
        if tags is not None:
            request["Tags"] = [{"Key": key, "Value": tags[key]} for key in sorted(tags)]
        elif current and current.get("Tags"):
            request["Tags"] = current["Tags"]
        change_set = self._cloudformation.create_change_set(**request)["Id"]
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
        yield from self._follow(seen, _SUCCEEDED)

    def follow(self) -> Iterator[StackEvent]:
        """The events of the change that runs now, whoever began it, from now on to its end; none where none runs.

        Raises DeploymentFailed like apply.
        """
        status = (self._describe() or {}).get("StackStatus", "")
        if status.endswith("_IN_PROGRESS") and status != _IN_REVIEW:
            yield from self._follow({event.id for event in self._events(set())}, _SUCCEEDED | {_DELETED})

    def delete(self) -> Iterator[StackEvent]:
        """Deletes the stack and yields CloudFormation's events; what its template retains stays in the account.

        Raises DeploymentFailed, with the reasons, where something could not be deleted.
        """
        current = self._describe()
        if current is None:
            return
        # By its id: a deleted stack has no name any more.
        gone = Stack(self._cloudformation, current["StackId"], sleep=self._sleep, poll_seconds=self._poll_seconds)
        seen = {event.id for event in gone._events(set())}
        self._cloudformation.delete_stack(StackName=self.name)
        yield from gone._follow(seen, {_DELETED})

    def resources(self) -> dict[str, str]:
        """Logical id -> physical id of what the stack has; empty where there is no stack."""
        if self._describe() is None:
            return {}
        pages = self._cloudformation.get_paginator("list_stack_resources").paginate(StackName=self.name)
        return {
            each["LogicalResourceId"]: each.get("PhysicalResourceId", "")
            for page in pages
            for each in page["StackResourceSummaries"]
        }

    def drift(self) -> tuple[Drift, ...]:
        """What was changed past CloudFormation. Raises DeploymentError where it cannot say."""
        detection = self._cloudformation.detect_stack_drift(StackName=self.name)["StackDriftDetectionId"]
        while True:
            found = self._cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
            if found["DetectionStatus"] != "DETECTION_IN_PROGRESS":
                break
            self._sleep(self._poll_seconds)
        if found["DetectionStatus"] == "DETECTION_FAILED":
            raise DeploymentError(f"CloudFormation cannot say: {found.get('DetectionStatusReason', 'no reason given')}")
        drifts: list[Drift] = []
        token: dict[str, str] = {}
        while True:
            page = self._cloudformation.describe_stack_resource_drifts(
                StackName=self.name,
                StackResourceDriftStatusFilters=["MODIFIED", "DELETED"],
                **token,  # type: ignore[arg-type]
            )
            drifts.extend(
                Drift(
                    each["LogicalResourceId"],
                    each["ResourceType"],
                    each["StackResourceDriftStatus"],
                    tuple(sorted(one["PropertyPath"] for one in each.get("PropertyDifferences", []))),
                )
                for each in page["StackResourceDrifts"]
            )
            if not page.get("NextToken"):
                return tuple(drifts)
            token = {"NextToken": page["NextToken"]}

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
            raise NotFound(f"there is no stack {self.name}", "Deploy it with `qlikops deploy`.")
        values = {output["OutputKey"]: output["OutputValue"] for output in current.get("Outputs", [])}
        try:
            return StackOutputs(
                state_machine_arn=values["StateMachineArn"],
                table=values["TableName"],
                data_bucket=values["DataBucketName"],
                topic_arn=values["TopicArn"],
                schedule_role_arn=values["ScheduleRoleArn"],
                qlik_secret_arn=values["QlikSecretArn"],
                dead_letter_queue_arn=values["DeadLetterQueueArn"],
                run_every_seconds=int(values["RunEverySeconds"]),
                version=values["Version"],
            )
        except KeyError as exc:
            raise DeploymentError(
                f"the stack {self.name} has no output {exc}",
                "It is not a qlikops stack, its creation failed, or it is an older one that `qlikops deploy` updates.",
            ) from exc

    def _follow(self, seen: set[str], good: Collection[str]) -> Iterator[StackEvent]:
        failures: list[str] = []
        while True:
            # The status first: when it is final, the events read after it are all there are.
            status = (self._describe() or {}).get("StackStatus", _DELETED)
            for event in self._events(seen):
                seen.add(event.id)
                if event.is_failure:
                    failures.append(f"{event.logical_id}: {event.reason or event.status}")
                yield event
            if not status.endswith("_IN_PROGRESS"):
                break
            self._sleep(self._poll_seconds)
        if status not in good:
            reasons = tuple(dict.fromkeys(failures))
            why = f": {reasons[0]}" if reasons else ""
            raise DeploymentFailed(f"{self.name} ended in {status}{why}", reasons=reasons)

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
            raise StackBusy(
                f"{self.name} is being changed right now ({status})", "`qlikops deploy --follow` shows it to its end."
            )
        if status == "UPDATE_ROLLBACK_FAILED":
            hint = f"Try `aws cloudformation continue-update-rollback --stack-name {self.name}`."
        else:
            hint = f"Its creation failed; remove it with `aws cloudformation delete-stack --stack-name {self.name}`."
        raise StackBroken(f"{self.name} cannot be updated ({status})", hint)

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
