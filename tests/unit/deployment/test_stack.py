"""Planning and applying, against replies as CloudFormation gives them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from qlikops.aws.errors import aws_errors
from qlikops.deployment.changes import DeploymentPlan
from qlikops.deployment.errors import DeploymentError
from qlikops.deployment.stack import Stack, Template
from qlikops.deployment.stack_states import refuse_unfit
from qlikops.domain.errors import AccessDenied, CredentialsProblem, NotFound

AT = datetime(2026, 3, 1, tzinfo=UTC)
TEMPLATE = Template("T")
CHANGE_SET = "arn:aws:cloudformation:eu-west-1:123456789012:changeSet/change-1/1"
PLAN = DeploymentPlan("qlikops", creates_stack=False, change_set=CHANGE_SET)
NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."

STATUSES: list[str] = (
    boto3.client("cloudformation", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    .meta.service_model.shape_for("StackStatus")
    .metadata["enum"]
)
"""All that CloudFormation's model knows."""


class CloudFormation:
    """A real client with scripted replies; the service model checks both sides."""

    def __init__(self) -> None:
        self.client = boto3.client(
            "cloudformation", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        self.stubber = Stubber(self.client)
        self.slept: list[float] = []
        self.stack = Stack(
            self.client, "qlikops", sleep=self.slept.append, change_set_name=lambda: "change-1", now=lambda: AT
        )

    def status(self, status: str | None, **more: Any) -> None:
        if status is None:
            self.stubber.add_client_error(
                "describe_stacks", "ValidationError", "Stack with id qlikops does not exist", 400
            )
        else:
            stack = {"StackName": "qlikops", "CreationTime": AT, "StackStatus": status, **more}
            self.stubber.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": "qlikops"})

    def has_change_sets(self, **ages: timedelta) -> None:
        """What a plan finds of other runs: names (with _ for -) and how old they are."""
        summaries = [
            {"ChangeSetId": f"id-of-{name}", "ChangeSetName": name.replace("_", "-"), "CreationTime": AT - age}
            for name, age in ages.items()
        ]
        self.stubber.add_response("list_change_sets", {"Summaries": summaries}, {"StackName": "qlikops"})

    def declares(self, *parameters: str) -> None:
        reply = {"Parameters": [{"ParameterKey": name} for name in parameters]}
        self.stubber.add_response("get_template_summary", reply, {"TemplateBody": "T"})

    def creates_change_set(self, kind: str, parameters: list[dict[str, Any]], **more: Any) -> None:
        expected = {
            "StackName": "qlikops",
            "ChangeSetName": "change-1",
            "ChangeSetType": kind,
            "TemplateBody": "T",
            "Parameters": parameters,
            "Capabilities": ["CAPABILITY_IAM"],
            **more,
        }
        self.stubber.add_response("create_change_set", {"Id": CHANGE_SET}, expected)

    def describes_change_set(self, status: str, changes: list[str] | None = None, page: str = "", **more: Any) -> None:
        listed = [
            {"Type": "Resource", "ResourceChange": {"Action": "Add", "LogicalResourceId": name, "ResourceType": "T"}}
            for name in changes or []
        ]
        asked = {"ChangeSetName": CHANGE_SET, "IncludePropertyValues": True, **({"NextToken": page} if page else {})}
        self.stubber.add_response("describe_change_set", {"Status": status, "Changes": listed, **more}, asked)

    def discards(self, status: str | None, others: int = 0) -> None:
        self.stubber.add_response("delete_change_set", {}, {"ChangeSetName": CHANGE_SET})
        self.status(status)
        if status == "REVIEW_IN_PROGRESS":
            summaries = [{"ChangeSetId": f"other-{number}"} for number in range(others)]
            self.stubber.add_response("list_change_sets", {"Summaries": summaries}, {"StackName": "qlikops"})
            if not others:
                self.stubber.add_response("delete_stack", {}, {"StackName": "qlikops"})

    def events(self, status: str, *events: tuple[str, str, str]) -> None:
        """One look at the stack while it is in `status`; events are (id, status, reason), newest first."""
        self.status(status)
        listed = [
            {
                "StackId": "s",
                "EventId": id_,
                "StackName": "qlikops",
                "Timestamp": AT,
                "LogicalResourceId": f"R{id_}",
                "ResourceType": "AWS::SNS::Topic",
                "ResourceStatus": state,
                "ResourceStatusReason": reason,
            }
            for id_, state, reason in events
        ]
        self.stubber.add_response("describe_stack_events", {"StackEvents": listed}, {"StackName": "qlikops"})

    def refuses(self, method: str, code: str, message: str = "said") -> None:
        self.stubber.add_client_error(method, code, message, 400)

    def executes(self) -> None:
        self.stubber.add_response(
            "execute_change_set", {}, {"ChangeSetName": CHANGE_SET, "ClientRequestToken": "change-1"}
        )


@pytest.fixture
def cloudformation() -> Iterator[CloudFormation]:
    fake = CloudFormation()
    with fake.stubber:
        yield fake
        fake.stubber.assert_no_pending_responses()


def test_a_first_plan_creates_the_stack_and_reads_every_page(cloudformation: CloudFormation) -> None:
    cloudformation.status(None)
    cloudformation.declares("CodeBucket", "AgentSettings")
    cloudformation.creates_change_set("CREATE", [{"ParameterKey": "CodeBucket", "ParameterValue": "b"}])
    cloudformation.describes_change_set("CREATE_IN_PROGRESS")
    cloudformation.describes_change_set("CREATE_COMPLETE", ["A"], NextToken="more")
    cloudformation.describes_change_set("CREATE_COMPLETE", ["B"], page="more")
    plan = cloudformation.stack.plan(TEMPLATE, {"CodeBucket": "b"})
    assert plan.creates_stack
    assert [change.logical_id for change in plan.changes] == ["A", "B"]
    assert plan.change_set == CHANGE_SET
    assert cloudformation.slept == [2.0]


def test_an_update_keeps_what_is_not_given_and_drops_what_is_gone(cloudformation: CloudFormation) -> None:
    current = [{"ParameterKey": name, "ParameterValue": "old"} for name in ("CodeBucket", "AgentSettings", "Gone")]
    cloudformation.status("UPDATE_COMPLETE", Parameters=current)
    cloudformation.has_change_sets()
    cloudformation.declares("CodeBucket", "AgentSettings", "New")
    cloudformation.creates_change_set(
        "UPDATE",
        [
            {"ParameterKey": "CodeBucket", "ParameterValue": "b"},
            {"ParameterKey": "AgentSettings", "UsePreviousValue": True},
        ],
    )
    cloudformation.describes_change_set("CREATE_COMPLETE", ["A"])
    assert not cloudformation.stack.plan(TEMPLATE, {"CodeBucket": "b"}).creates_stack


@pytest.mark.parametrize("reason", [NO_CHANGES, "No updates are to be performed."])
def test_no_change_is_an_empty_plan_and_its_change_set_goes(cloudformation: CloudFormation, reason: str) -> None:
    cloudformation.status("CREATE_COMPLETE")
    cloudformation.has_change_sets()
    cloudformation.declares()
    cloudformation.creates_change_set("UPDATE", [])
    cloudformation.describes_change_set("FAILED", StatusReason=reason)
    cloudformation.discards("CREATE_COMPLETE")
    plan = cloudformation.stack.plan(TEMPLATE, {})
    assert plan.is_empty
    assert list(cloudformation.stack.apply(plan)) == []


def test_a_refused_change_says_why_and_leaves_no_empty_stack(cloudformation: CloudFormation) -> None:
    cloudformation.status(None)
    cloudformation.declares()
    cloudformation.creates_change_set("CREATE", [])
    cloudformation.describes_change_set("FAILED", StatusReason="Template format error")
    cloudformation.discards("REVIEW_IN_PROGRESS")
    with pytest.raises(DeploymentError, match="Template format error"):
        cloudformation.stack.plan(TEMPLATE, {})


def test_a_stack_left_in_review_is_created_over(cloudformation: CloudFormation) -> None:
    cloudformation.status("REVIEW_IN_PROGRESS")
    cloudformation.has_change_sets()
    cloudformation.declares()
    cloudformation.creates_change_set("CREATE", [])
    cloudformation.describes_change_set("CREATE_COMPLETE", ["A"])
    assert cloudformation.stack.plan(TEMPLATE, {}).creates_stack


def test_somebody_elses_change_set_keeps_its_stack(cloudformation: CloudFormation) -> None:
    cloudformation.discards("REVIEW_IN_PROGRESS", others=1)
    cloudformation.stack.discard(PLAN)


def test_a_busy_stack_is_left_alone(cloudformation: CloudFormation) -> None:
    cloudformation.status("UPDATE_IN_PROGRESS")
    with pytest.raises(DeploymentError, match="being changed right now"):
        cloudformation.stack.plan(TEMPLATE, {})


@pytest.mark.parametrize(
    ("status", "way_out"),
    [
        ("ROLLBACK_COMPLETE", "qlikops destroy"),
        ("ROLLBACK_FAILED", "qlikops destroy"),
        ("CREATE_FAILED", "qlikops destroy"),
        ("DELETE_FAILED", "qlikops destroy"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback --stack-name qlikops"),
        ("UPDATE_FAILED", "rollback-stack --stack-name qlikops"),
    ],
)
def test_a_broken_stack_says_the_way_out(cloudformation: CloudFormation, status: str, way_out: str) -> None:
    cloudformation.status(status)
    with pytest.raises(DeploymentError, match=status) as caught:
        cloudformation.stack.plan(TEMPLATE, {})
    assert way_out in caught.value.hint


CREATION_FAILED = {"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"}
"""What holds no data that anybody needs, or is being removed anyway."""


def advice(status: str) -> str:
    try:
        refuse_unfit("qlikops", status)
    except DeploymentError as exc:
        return exc.hint
    return ""


@pytest.mark.parametrize("status", [*STATUSES, "QUARANTINED", "UPDATE_SUSPENDED", ""])
def test_nobody_is_told_to_destroy_what_may_still_work(status: str) -> None:
    assert ("qlikops destroy" in advice(status)) is (status in CREATION_FAILED)


@pytest.mark.parametrize("asked", ["get_template_summary", "create_change_set"])
def test_a_region_without_a_service_is_said_to_be_one(cloudformation: CloudFormation, asked: str) -> None:
    said = "Template format error: Unrecognized resource types: [AWS::StepFunctions::StateMachine]"
    cloudformation.status(None)
    if asked != "get_template_summary":
        cloudformation.declares()
    cloudformation.refuses(asked, "ValidationError", said)
    with pytest.raises(DeploymentError, match=r"eu-west-1 has no service .*StateMachine") as caught:
        cloudformation.stack.plan(TEMPLATE, {})
    assert "--region" in caught.value.hint


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"])
def test_a_stack_that_came_back_can_be_changed(cloudformation: CloudFormation, status: str) -> None:
    cloudformation.status(status)
    cloudformation.has_change_sets()
    cloudformation.declares()
    cloudformation.creates_change_set("UPDATE", [])
    cloudformation.describes_change_set("CREATE_COMPLETE", ["A"])
    assert not cloudformation.stack.plan(TEMPLATE, {}).creates_stack


def test_what_killed_runs_left_goes_and_what_others_look_at_stays(cloudformation: CloudFormation) -> None:
    cloudformation.status("REVIEW_IN_PROGRESS")
    day, minute = timedelta(days=1), timedelta(minutes=1)
    cloudformation.has_change_sets(qlikops_killed=day, qlikops_parallel=minute, somebody_elses=day)
    cloudformation.stubber.add_response("delete_change_set", {}, {"ChangeSetName": "id-of-qlikops_killed"})
    cloudformation.declares()
    cloudformation.creates_change_set("CREATE", [])
    cloudformation.describes_change_set("CREATE_COMPLETE", ["A"])
    assert cloudformation.stack.plan(TEMPLATE, {}).creates_stack


def test_a_large_template_is_named_by_its_address(cloudformation: CloudFormation) -> None:
    url = "https://s3.eu-west-1.amazonaws.com/b/template/1.yaml"
    cloudformation.status(None)
    cloudformation.stubber.add_response("get_template_summary", {"Parameters": []}, {"TemplateURL": url})
    cloudformation.stubber.add_response(
        "create_change_set",
        {"Id": CHANGE_SET},
        {
            "StackName": "qlikops",
            "ChangeSetName": "change-1",
            "ChangeSetType": "CREATE",
            "TemplateURL": url,
            "Parameters": [],
            "Capabilities": ["CAPABILITY_IAM"],
        },
    )
    cloudformation.describes_change_set("CREATE_COMPLETE", ["A"])
    cloudformation.stack.plan(Template("T", url), {})


def test_credentials_that_expire_while_planning_are_what_is_told(cloudformation: CloudFormation) -> None:
    """Not that the change set could not be removed either."""
    cloudformation.status(None)
    cloudformation.declares()
    cloudformation.creates_change_set("CREATE", [])
    cloudformation.refuses("describe_change_set", "ExpiredToken")
    cloudformation.refuses("delete_change_set", "AccessDenied")
    with pytest.raises(CredentialsProblem), aws_errors("deploy"):
        cloudformation.stack.plan(TEMPLATE, {})


@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException"])
def test_credentials_that_expire_while_following_stop_nothing(cloudformation: CloudFormation, code: str) -> None:
    cloudformation.events("UPDATE_COMPLETE")
    cloudformation.executes()
    cloudformation.status("UPDATE_IN_PROGRESS")
    cloudformation.status("UPDATE_IN_PROGRESS")
    cloudformation.refuses("describe_stack_events", code)
    with pytest.raises(CredentialsProblem) as caught:
        list(cloudformation.stack.apply(PLAN))
    assert caught.value.hint.startswith("CloudFormation goes on without us. Sign in again")
    assert "deploy --follow" in caught.value.hint


def test_credentials_that_expire_before_anything_is_applied_say_nothing_of_going_on(
    cloudformation: CloudFormation,
) -> None:
    cloudformation.events("UPDATE_COMPLETE")
    cloudformation.refuses("execute_change_set", "ExpiredToken")
    with pytest.raises(CredentialsProblem) as caught, aws_errors("deploy"):
        list(cloudformation.stack.apply(PLAN))
    assert "goes on" not in caught.value.hint


def test_a_missing_permission_is_named(cloudformation: CloudFormation) -> None:
    said = "User: arn:aws:iam::1:user/anna is not authorized to perform: cloudformation:ExecuteChangeSet on resource: x"
    cloudformation.events("UPDATE_COMPLETE")
    cloudformation.refuses("execute_change_set", "AccessDenied", said)
    with pytest.raises(AccessDenied) as caught, aws_errors("deploy"):
        list(cloudformation.stack.apply(PLAN))
    assert "cloudformation:ExecuteChangeSet" in caught.value.hint


@pytest.mark.parametrize("code", ["ChangeSetNotFound", "InvalidChangeSetStatus"])
@pytest.mark.parametrize(
    ("status", "told"), [("UPDATE_COMPLETE", "by somebody else"), ("UPDATE_IN_PROGRESS", "changed right now")]
)
def test_of_two_parallel_runs_the_second_refuses(
    cloudformation: CloudFormation, code: str, status: str, told: str
) -> None:
    cloudformation.events("UPDATE_COMPLETE")
    cloudformation.refuses("execute_change_set", code)
    cloudformation.status(status)
    with pytest.raises(DeploymentError, match=told):
        list(cloudformation.stack.apply(PLAN))


def test_events_come_once_in_order_and_without_the_past(cloudformation: CloudFormation) -> None:
    past = ("0", "UPDATE_COMPLETE", "")
    first = ("1", "UPDATE_IN_PROGRESS", "")
    cloudformation.events("UPDATE_COMPLETE", past)
    cloudformation.executes()
    cloudformation.status("UPDATE_IN_PROGRESS")
    cloudformation.events("UPDATE_IN_PROGRESS", first, past)
    cloudformation.status("UPDATE_COMPLETE")
    cloudformation.events("UPDATE_COMPLETE", ("3", "UPDATE_COMPLETE", ""), ("2", "CREATE_COMPLETE", ""), first)
    assert [event.id for event in cloudformation.stack.apply(PLAN)] == ["1", "2", "3"]


def test_a_rollback_names_what_failed_first_and_not_what_was_cancelled(cloudformation: CloudFormation) -> None:
    cloudformation.events("UPDATE_COMPLETE")
    cloudformation.executes()
    cloudformation.status("UPDATE_ROLLBACK_COMPLETE")
    cloudformation.events(
        "UPDATE_ROLLBACK_COMPLETE",
        ("3", "CREATE_FAILED", "Resource creation cancelled"),
        ("2", "CREATE_FAILED", "The bucket name is taken"),
        ("1", "CREATE_IN_PROGRESS", ""),
    )
    with pytest.raises(DeploymentError, match=r"ended in UPDATE_ROLLBACK_COMPLETE: R2: The bucket name is taken$"):
        list(cloudformation.stack.apply(PLAN))


def test_outputs_of_a_missing_or_foreign_stack(cloudformation: CloudFormation) -> None:
    cloudformation.status(None)
    with pytest.raises(NotFound):
        cloudformation.stack.outputs()
    cloudformation.status("CREATE_COMPLETE", Outputs=[{"OutputKey": "Else", "OutputValue": "x"}])
    with pytest.raises(DeploymentError, match="StateMachineArn"):
        cloudformation.stack.outputs()


def test_tags_that_nobody_chose_are_kept(cloudformation: CloudFormation) -> None:
    tags = [{"Key": "team", "Value": "data"}]
    cloudformation.status("UPDATE_COMPLETE", Tags=tags)
    cloudformation.has_change_sets()
    cloudformation.declares()
    cloudformation.creates_change_set("UPDATE", [], Tags=tags)
    cloudformation.describes_change_set("CREATE_COMPLETE", ["A"])
    cloudformation.stack.plan(TEMPLATE, {})


def test_tags_that_are_chosen_replace_them(cloudformation: CloudFormation) -> None:
    cloudformation.status("UPDATE_COMPLETE", Tags=[{"Key": "team", "Value": "data"}])
    cloudformation.has_change_sets()
    cloudformation.declares()
    cloudformation.creates_change_set("UPDATE", [], Tags=[{"Key": "stage", "Value": "prod"}])
    cloudformation.describes_change_set("CREATE_COMPLETE", ["A"])
    cloudformation.stack.plan(TEMPLATE, {}, {"stage": "prod"})


def test_somebody_elses_change_is_followed_from_now_to_its_end(cloudformation: CloudFormation) -> None:
    past = ("1", "UPDATE_IN_PROGRESS", "")
    cloudformation.status("UPDATE_IN_PROGRESS")
    cloudformation.events("UPDATE_IN_PROGRESS", past)
    cloudformation.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    cloudformation.events("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", ("2", "UPDATE_COMPLETE", ""), past)
    cloudformation.status("UPDATE_COMPLETE")
    cloudformation.events("UPDATE_COMPLETE", ("2", "UPDATE_COMPLETE", ""), past)
    assert [event.id for event in cloudformation.stack.follow()] == ["2"]


@pytest.mark.parametrize("status", [None, "UPDATE_COMPLETE", "REVIEW_IN_PROGRESS"])
def test_where_nothing_runs_there_is_nothing_to_follow(cloudformation: CloudFormation, status: str | None) -> None:
    cloudformation.status(status)
    assert list(cloudformation.stack.follow()) == []


def test_a_busy_stack_says_how_to_watch_it(cloudformation: CloudFormation) -> None:
    cloudformation.status("UPDATE_IN_PROGRESS")
    with pytest.raises(DeploymentError) as caught:
        cloudformation.stack.plan(TEMPLATE, {})
    assert "deploy --follow" in caught.value.hint
