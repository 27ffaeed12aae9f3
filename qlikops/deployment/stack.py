"""One CloudFormation stack, changed through change sets only: planned, then applied or discarded."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import KW_ONLY, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from qlikops.aws.errors import aws_errors
from qlikops.dataclass import dataclass
from qlikops.deployment.changes import DeploymentPlan, parse_changes
from qlikops.deployment.errors import DeploymentError
from qlikops.deployment.stack_states import DELETED, IN_REVIEW, SUCCEEDED, refuse_unfit
from qlikops.domain.encoding.strict_json import parse_json
from qlikops.domain.errors import NotFound, QlikopsError, Unreachable

if TYPE_CHECKING:
    from types_boto3_cloudformation.client import CloudFormationClient
    from types_boto3_cloudformation.type_defs import CreateChangeSetInputTypeDef, ParameterTypeDef

_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
_PREFIX = "qlikops-"
_STALE = timedelta(hours=1)
"""No person sits before a plan for longer: a change set of ours this old is what a killed run left."""
_TAKEN_MEANWHILE = frozenset({"ChangeSetNotFound", "InvalidChangeSetStatus"})


@dataclass(frozen=True, slots=True)
class Template:
    """A template as CloudFormation takes it: in the request, or at an address in S3 where it is too large for one."""

    body: str = field(repr=False)
    url: str = ""

    @property
    def argument(self) -> dict[str, str]:
        """What names it in a request."""
        return {"TemplateURL": self.url} if self.url else {"TemplateBody": self.body}


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


@dataclass(frozen=True)
class Stack:
    """Plans and applies changes of one stack. Times are in seconds."""

    cloudformation: CloudFormationClient
    name: str
    _: KW_ONLY
    sleep: Callable[[float], None] = time.sleep
    poll_seconds: float = 2.0
    change_set_name: Callable[[], str] = lambda: f"{_PREFIX}{uuid.uuid4().hex}"
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def where(self) -> str:
        """The stack's name and Region, for people."""
        return f"{self.name} in {self.cloudformation.meta.region_name}"

    def others_with(self, output: str) -> dict[str, str]:
        """Stack -> its value of `output`, of all other stacks in this Region that have it."""
        pages = self.cloudformation.get_paginator("describe_stacks").paginate()
        return {
            stack["StackName"]: each["OutputValue"]
            for page in pages
            for stack in page["Stacks"]
            for each in stack.get("Outputs", [])
            if each["OutputKey"] == output and stack["StackName"] != self.name
        }

    def parameters(self) -> dict[str, str]:
        """What the stack has now; empty where there is none. Secret ones are masked."""
        current = self._describe() or {}
        return {each["ParameterKey"]: each.get("ParameterValue", "") for each in current.get("Parameters", [])}

    def agent_settings(self) -> dict[str, Any]:
        """The agent's settings that the stack has. Raises DeploymentError where they are no JSON object."""
        try:
            settings = parse_json(self.parameters().get("AgentSettings") or "{}")
            if not isinstance(settings, dict):
                raise ValueError("they are no JSON object")
        except ValueError as exc:
            raise DeploymentError(
                f"the stack {self.name}'s parameter AgentSettings cannot be read: {exc}",
                "Give all of the settings: `qlikops deploy --settings FILE`.",
            ) from exc
        return settings

    def plan(
        self, template: Template, parameters: Mapping[str, str], tags: Mapping[str, str] | None = None
    ) -> DeploymentPlan:
        """A change set that would bring the stack to `template`. Nothing changes until it is applied.

        Parameters and tags that are not given stay as they are. Raises DeploymentError where no change can
        start, and where CloudFormation refuses this one. What a killed run left is cleared away first.
        """
        current = self._describe()
        status = current["StackStatus"] if current else IN_REVIEW
        refuse_unfit(self.name, status)
        if current:
            self._clear_stale()
        creates = status == IN_REVIEW
        request: CreateChangeSetInputTypeDef = {
            "StackName": self.name,
            "ChangeSetName": self.change_set_name(),
            "ChangeSetType": "CREATE" if creates else "UPDATE",
            "Parameters": self._parameters(template, parameters, {} if creates else current or {}),
            "Capabilities": ["CAPABILITY_IAM"],
            **template.argument,  # type: ignore[typeddict-item]
        }
        if tags is not None:
            request["Tags"] = [{"Key": key, "Value": tags[key]} for key in sorted(tags)]
        elif current and current.get("Tags"):
            request["Tags"] = current["Tags"]
        with self._known_types():
            change_set = self.cloudformation.create_change_set(**request)["Id"]
        plan = DeploymentPlan(self.name, creates, change_set=change_set)
        try:
            description = self._await_change_set(change_set)
        except BaseException:
            self.abandon(plan)
            raise
        if description["Status"] == "FAILED":
            self.discard(plan)
            reason = description.get("StatusReason", "no reason given")
            if any(text in reason for text in _NO_CHANGES):
                return DeploymentPlan(self.name, creates)
            raise DeploymentError(f"CloudFormation refuses this change of {self.name}: {reason}")
        return DeploymentPlan(self.name, creates, parse_changes(description["Changes"]), change_set)

    def apply(self, plan: DeploymentPlan) -> Iterator[StackEvent]:
        """Executes `plan` and yields CloudFormation's events as they come, to the end of it.

        Raises DeploymentError, with the reason, where CloudFormation rolled back, and where somebody else
        changed the stack since the plan. An empty plan has no events.
        """
        if plan.is_empty:
            return
        seen = {event.id for event in self._events(set())}
        self._execute(plan)
        with self._going_on():
            yield from self._follow(seen, SUCCEEDED)

    def follow(self) -> Iterator[StackEvent]:
        """The events of the change that runs now, also another's, from now on to its end; none where none runs.

        Raises DeploymentError like apply.
        """
        status = (self._describe() or {}).get("StackStatus", "")
        if status.endswith("_IN_PROGRESS") and status != IN_REVIEW:
            with self._going_on():
                yield from self._follow({event.id for event in self._events(set())}, SUCCEEDED | {DELETED})

    def delete(self) -> Iterator[StackEvent]:
        """Deletes the stack and yields CloudFormation's events; what its template retains stays in the account.

        Raises DeploymentError, with the reason, where something could not be deleted.
        """
        current = self._describe()
        if current is None:
            return
        # By its id: a deleted stack has no name any more.
        gone = Stack(self.cloudformation, current["StackId"], sleep=self.sleep, poll_seconds=self.poll_seconds)
        seen = {event.id for event in gone._events(set())}
        self.cloudformation.delete_stack(StackName=self.name)
        with self._going_on():
            yield from gone._follow(seen, {DELETED})

    def resources(self) -> dict[str, str] | None:
        """Logical id -> physical id of what the stack has; None where there is no stack.

        A stack whose creation failed or was never begun is there, with nothing in it.
        """
        if self._describe() is None:
            return None
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=self.name)
        return {
            each["LogicalResourceId"]: each.get("PhysicalResourceId", "")
            for page in pages
            for each in page["StackResourceSummaries"]
            if each["ResourceStatus"] != DELETED
        }

    def drift(self) -> tuple[Drift, ...]:
        """What was changed past CloudFormation. Raises DeploymentError where it cannot say."""
        detection = self.cloudformation.detect_stack_drift(StackName=self.name)["StackDriftDetectionId"]
        while True:
            found = self.cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
            if found["DetectionStatus"] != "DETECTION_IN_PROGRESS":
                break
            self.sleep(self.poll_seconds)
        if found["DetectionStatus"] == "DETECTION_FAILED":
            raise DeploymentError(f"CloudFormation cannot say: {found.get('DetectionStatusReason', 'no reason given')}")
        drifts: list[Drift] = []
        token: dict[str, str] = {}
        while True:
            page = self.cloudformation.describe_stack_resource_drifts(
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

    def discard(self, plan: DeploymentPlan) -> None:
        """Removes a plan's change set, and the empty stack that creating it may have left."""
        if plan.is_empty:
            return
        self.cloudformation.delete_change_set(ChangeSetName=plan.change_set)
        current = self._describe()
        if current and current["StackStatus"] == IN_REVIEW:
            others = self.cloudformation.list_change_sets(StackName=self.name)["Summaries"]
            if not [other for other in others if other.get("ChangeSetId") != plan.change_set]:
                self.cloudformation.delete_stack(StackName=self.name)

    def abandon(self, plan: DeploymentPlan) -> None:
        """Discards a plan on the way out of a failure, which is what counts; a later plan clears what stays behind."""
        with suppress(QlikopsError), aws_errors("remove the change set"):
            self.discard(plan)

    def outputs(self) -> StackOutputs:
        """Raises NotFound where the stack is not there, DeploymentError where it is not one of ours."""
        current = self._describe()
        if current is None:
            raise NotFound(
                f"there is no stack {self.where}",
                "Deploy it with `qlikops deploy`, or choose another context, Region or stack.",
            )
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
        except (KeyError, ValueError) as exc:
            raise DeploymentError(
                f"the stack {self.name} ({current['StackStatus']}) has no output {exc}",
                "It is not a qlikops stack, its creation failed, or it is an older one that `qlikops deploy` updates.",
            ) from exc

    def _follow(self, seen: set[str], good: Collection[str]) -> Iterator[StackEvent]:
        why = ""
        while True:
            # The status first: when it is final, the events read after it are all there are.
            status = (self._describe() or {}).get("StackStatus", DELETED)
            for event in self._events(seen):
                seen.add(event.id)
                if event.is_failure and not why:
                    why = f": {event.logical_id}: {event.reason or event.status}"
                yield event
            if not status.endswith("_IN_PROGRESS"):
                break
            self.sleep(self.poll_seconds)
        if status not in good:
            raise DeploymentError(f"{self.name} ended in {status}{why}")

    def _describe(self) -> dict[str, Any] | None:
        try:
            (stack,) = self.cloudformation.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as exc:
            error = exc.response["Error"]
            if error["Code"] == "ValidationError" and "does not exist" in error["Message"]:
                return None
            raise
        return dict(stack)

    def _clear_stale(self) -> None:
        """Removes the change sets that runs of ours left when they were killed; a parallel run's are younger."""
        pages = self.cloudformation.get_paginator("list_change_sets").paginate(StackName=self.name)
        stale = [
            each["ChangeSetId"]
            for page in pages
            for each in page["Summaries"]
            if each["ChangeSetName"].startswith(_PREFIX) and self.now() - each["CreationTime"] > _STALE
        ]
        for change_set in stale:
            self.cloudformation.delete_change_set(ChangeSetName=change_set)

    def _execute(self, plan: DeploymentPlan) -> None:
        try:
            # The token makes a repeated request the same one: the first may have counted although its reply was lost.
            self.cloudformation.execute_change_set(
                ChangeSetName=plan.change_set, ClientRequestToken=plan.change_set.split("/")[1]
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] not in _TAKEN_MEANWHILE:
                raise
            refuse_unfit(self.name, (self._describe() or {}).get("StackStatus", IN_REVIEW))
            raise DeploymentError(
                f"{self.name} was changed by somebody else since this plan was made; nothing of it was applied",
                "Run it again: the new plan says what is left to do.",
            ) from exc

    @contextmanager
    def _known_types(self) -> Iterator[None]:
        """CloudFormation knows the types of the services that its Region has, and no others."""
        try:
            yield
        except ClientError as exc:
            said = exc.response["Error"].get("Message", "")
            if "Unrecognized resource types" not in said:
                raise
            region = self.cloudformation.meta.region_name
            raise DeploymentError(
                f"the Region {region} has no service for a part of qlikops: {said}", "Choose another --region."
            ) from exc

    @contextmanager
    def _going_on(self) -> Iterator[None]:
        """What takes the view of a change from us (a session that expires, the network) does not stop it."""
        try:
            with aws_errors(f"follow what happens to {self.name}"):
                yield
        except Unreachable as exc:
            raise type(exc)(
                exc.message, f"CloudFormation goes on without us. {exc.hint} Then `qlikops deploy --follow`."
            ) from exc

    def _parameters(
        self, template: Template, given: Mapping[str, str], current: Mapping[str, Any]
    ) -> list[ParameterTypeDef]:
        with self._known_types():
            summary = self.cloudformation.get_template_summary(**template.argument)  # type: ignore[arg-type]
        declared = {parameter["ParameterKey"] for parameter in summary["Parameters"]}
        kept = {parameter["ParameterKey"] for parameter in current.get("Parameters", [])} & declared - given.keys()
        values: list[ParameterTypeDef] = [{"ParameterKey": key, "ParameterValue": given[key]} for key in sorted(given)]
        return values + [{"ParameterKey": key, "UsePreviousValue": True} for key in sorted(kept)]

    def _await_change_set(self, change_set: str) -> dict[str, Any]:
        paginator = self.cloudformation.get_paginator("describe_change_set")
        while True:
            pages = list(paginator.paginate(ChangeSetName=change_set, IncludePropertyValues=True))
            if pages[0]["Status"] in {"CREATE_COMPLETE", "FAILED"}:
                return {**pages[0], "Changes": [change for page in pages for change in page.get("Changes", [])]}
            self.sleep(self.poll_seconds)

    def _events(self, seen: set[str]) -> list[StackEvent]:
        """The stack's events that are not in `seen`, oldest first; CloudFormation lists them newest first."""
        if self._describe() is None:
            return []
        fresh: list[StackEvent] = []
        for page in self.cloudformation.get_paginator("describe_stack_events").paginate(StackName=self.name):
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
