"""The plain AWS CLI against the local environment, as any Step Functions tutorial has it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from qlikops.resources import resource
from tests.e2e.conftest import APPROVAL_SECONDS, ROOT, SERVER, Local, eventually

pytestmark = pytest.mark.e2e
DEFINITION = resource("statemachine", "state_machine.json")


@pytest.fixture(scope="module", autouse=True)
def every_minute(running: Local) -> Iterator[None]:
    """A rule that starts runs. It takes a minute to begin, and there is enough to test until then."""
    local, role = running, _schedule_role(running)
    local.aws("events put-rule --name EveryMinute --schedule-expression 'rate(1 minute)'")
    machine = local.status["state_machine_arn"]
    targets = json.dumps([{"Id": "1", "Arn": machine, "RoleArn": role, "Input": '{"by": "rule"}'}])
    local.aws(f"events put-targets --rule EveryMinute --targets '{targets}'")
    yield
    local.aws("events remove-targets --rule EveryMinute --ids 1")
    local.aws("events delete-rule --name EveryMinute")


def test_list_and_describe(local: Local) -> None:
    arn = local.start()
    listed = local.aws("stepfunctions list-executions --state-machine-arn " + local.status["state_machine_arn"])
    assert arn in {execution["executionArn"] for execution in listed["executions"]}
    local.ended(arn)
    described = local.aws(f"stepfunctions describe-execution --execution-arn {arn}")
    assert described["input"] == "{}"
    assert json.loads(described["output"])


def test_approve_on_the_waiting_token(local: Local) -> None:
    approval_id, arn = local.broken("task-0011")
    token = local.token(approval_id)
    output = '{"approved": true, "option": "resume", "tasks": ["task-0011"]}'
    local.aws(f"stepfunctions send-task-success --task-token '{token}' --task-output '{output}'")
    record = local.final(approval_id, "restarted")
    assert (record["decision"]["option"], record["decision"]["tasks"]) == ("resume", ["task-0011"])
    assert record["decision"]["digest"] == ""
    local.ended(arn)
    assert local.task("task-0011")["state"] == "RUNNING"


def test_not_approved_is_denied(local: Local) -> None:
    approval_id, arn = local.broken("task-0012")
    token = local.token(approval_id)
    local.aws(f"""stepfunctions send-task-success --task-token '{token}' --task-output '{{"approved": false}}'""")
    local.final(approval_id, "denied")
    local.ended(arn)
    assert local.task("task-0012")["runs"] == 0


def test_deny_on_the_waiting_token(local: Local) -> None:
    approval_id, arn = local.broken("task-0013")
    token = local.token(approval_id)
    local.aws(
        f"stepfunctions send-task-failure --task-token '{token}' --error ApprovalDenied --cause 'not before Monday'"
    )
    record = local.final(approval_id, "denied")
    assert record["decision"]["reason"] == "not before Monday"
    local.ended(arn)
    assert local.task("task-0013")["runs"] == 0


def test_a_machine_from_the_file_with_two_sed_lines(local: Local) -> None:
    role = local.client("iam").get_role(RoleName=_role_of_the_machine(local))["Role"]["Arn"]
    local.shell(
        f"""
        sed -e "s/\\${{AWS_REGION}}/$AWS_REGION/g" '{DEFINITION}' |
            sed -e "s/\\${{AWS_ACCOUNT_ID}}/{local.status["account"]}/g" > tutorial.json
        aws stepfunctions create-state-machine --name Tutorial --role-arn '{role}' \
            --definition file://tutorial.json --output json > tutorial-machine.json
        """
    )
    machine = json.loads((local.data_folder / "tutorial-machine.json").read_text())["stateMachineArn"]
    assert machine.endswith(":stateMachine:Tutorial")
    # Or a scheduled run of the other machine is faster.
    local.qlikops("schedule", "--pause")
    local.break_task("task-0014")
    started = local.aws(f"stepfunctions start-execution --state-machine-arn {machine} --input '{{}}'")
    approval_id = local.waiting("task-0014")
    token = local.token(approval_id)
    local.aws(f"""stepfunctions send-task-success --task-token '{token}' --task-output '{{"approved": true}}'""")
    local.ended(started["executionArn"])
    local.final(approval_id, "restarted")
    assert local.task("task-0014")["state"] == "RUNNING"
    local.qlikops("schedule", "--resume")


def test_an_eventbridge_rule_starts_a_run(local: Local) -> None:
    machine, role = local.status["state_machine_arn"], _schedule_role(local)

    def runs() -> set[str]:
        pages = local.client("stepfunctions").get_paginator("list_executions").paginate(stateMachineArn=machine)
        return {execution["executionArn"] for page in pages for execution in page["executions"]}

    pattern = json.dumps({"source": ["qlikops.test"]})
    local.aws(f"events put-rule --name OnDemand --event-pattern '{pattern}'")
    targets = json.dumps([{"Id": "1", "Arn": machine, "RoleArn": role}])
    local.aws(f"events put-targets --rule OnDemand --targets '{targets}'")
    before = runs()
    entry = json.dumps([{"Source": "qlikops.test", "DetailType": "Now", "Detail": "{}"}])
    local.aws(f"events put-events --entries '{entry}'")
    inputs = eventually(
        lambda: [_input(local, arn) for arn in runs() - before if "qlikops.test" in _input(local, arn)] or None,
        "a run that the event started",
    )
    assert json.loads(inputs[0])["detail-type"] == "Now"


def test_a_used_token_is_gone(local: Local) -> None:
    approval_id, arn = local.broken("task-0015")
    token = local.token(approval_id)
    local.aws(f"stepfunctions send-task-failure --task-token '{token}' --error ApprovalDenied --cause no")
    local.shell(
        f"""! aws stepfunctions send-task-success --task-token '{token}' --task-output '{{"approved": true}}'"""
    )
    local.ended(arn)
    assert local.task("task-0015")["runs"] == 0


def test_the_deadline_shown_is_the_timeout_enforced(local: Local) -> None:
    definition = local.aws(
        "stepfunctions describe-state-machine --state-machine-arn " + local.status["state_machine_arn"]
    )
    states = json.loads(definition["definition"])["States"]["ProcessProposals"]["ItemProcessor"]["States"]
    assert states["WaitForApproval"]["TimeoutSeconds"] == APPROVAL_SECONDS


def _role_of_the_machine(local: Local) -> str:
    resources = local.aws("cloudformation describe-stack-resources --stack-name qlikops")["StackResources"]
    (role,) = (item for item in resources if item["LogicalResourceId"] == "StateMachineRole")
    return str(role["PhysicalResourceId"])


def _schedule_role(local: Local) -> str:
    (stack,) = local.aws("cloudformation describe-stacks --stack-name qlikops")["Stacks"]
    outputs = {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}
    return str(outputs["ScheduleRoleArn"])


def _input(local: Local, arn: str) -> str:
    return str(local.client("stepfunctions").describe_execution(executionArn=arn)["input"])


def test_a_scheduled_rule_starts_runs(local: Local) -> None:
    """The one that has been there since the first of these tests."""
    pages = local.client("stepfunctions").get_paginator("list_executions")

    def look() -> str | None:
        for page in pages.paginate(stateMachineArn=local.status["state_machine_arn"]):
            for execution in page["executions"]:
                if "rule" in _input(local, execution["executionArn"]):
                    return str(execution["executionArn"])
        return None

    arn = eventually(look, "a run that the rule started", 120)
    local.aws("events remove-targets --rule EveryMinute --ids 1")
    assert local.ended(arn)


def test_the_documented_commands_work_from_top_to_bottom(local: Local) -> None:
    page = (ROOT / "docs" / "how-to" / "aws-cli.md").read_text(encoding="utf-8")
    commands = "\n".join(re.findall(r"^```sh\n(.*?)^```$", page, re.DOTALL | re.MULTILINE))
    assert "send-task-failure" in commands
    local.qlikops("schedule", "--pause")
    local.break_task("task-0016")
    # Another message, so that it is another cause and another decision.
    local.simulator(f"tasks/{SERVER}/task-0017/break", {"message": "Assertion in the bulk reader"})

    local.shell(f"set -e; cp -r '{ROOT}/statemachine' .\n{commands}")

    eventually(lambda: sum(local.task(name)["runs"] for name in ("task-0016", "task-0017")) == 1 or None, "one restart")
    local.qlikops("schedule", "--resume")
