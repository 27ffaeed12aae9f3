"""The state machine definition: what no linter checks, and what two `sed` lines make of it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.decode.cfn_yaml import loads as load_template
from statelint.linter import Linter

from qlikops.agent.config import AgentConfig
from qlikops.agent.handlers.execute_restart import CONTINUE, WAITING
from qlikops.agent.steps.restart import CONTINUE_FOR
from qlikops.agent.transient import TransientError
from qlikops.deployment.definition import (
    LONGEST_ENDPOINT_WAIT_SECONDS,
    approval_timeout,
    definition_artifact,
    in_partition,
    read_definition,
    with_approval_timeout,
)
from qlikops.domain.encoding.settings import ConfigError
from qlikops.domain.errors import UsageError
from qlikops.domain.proposals.callback import APPROVAL_DENIED
from qlikops.domain.proposals.evaluation import Route
from qlikops.resources import resource

FILE = resource("statemachine", "state_machine.json")
TEMPLATE = resource("deploy", "template.yaml")
FUNCTION = re.compile(r"arn:aws:lambda:\$\{AWS_REGION\}:\$\{AWS_ACCOUNT_ID\}:function:(QlikMonitor-[A-Za-z]+)")


def render(text: str, region: str, account: str) -> str:
    """What two `sed` lines make of it, and CloudFormation."""
    return text.replace("${AWS_REGION}", region).replace("${AWS_ACCOUNT_ID}", account)


@pytest.fixture(scope="module")
def machine() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(read_definition())
    return loaded


def levels(machine: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The machine and every processor in it: each has StartAt and States of its own."""
    yield machine
    for state in machine["States"].values():
        for inner in [*filter(None, [state.get("ItemProcessor")]), *state.get("Branches", [])]:
            yield from levels(inner)


def all_states(machine: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: state for level in levels(machine) for name, state in level["States"].items()}


def targets(state: dict[str, Any]) -> list[str]:
    """The names that a state can go on to."""
    choices = [choice["Next"] for choice in state.get("Choices", [])]
    catches = [catch["Next"] for catch in state.get("Catch", [])]
    return [*choices, *catches, *(state[key] for key in ("Next", "Default") if key in state)]


def test_every_target_exists_at_its_level_and_every_state_is_reached(machine: dict[str, Any]) -> None:
    for level in levels(machine):
        reached = {level["StartAt"], *(name for state in level["States"].values() for name in targets(state))}
        assert reached == set(level["States"])


def test_state_names_are_unique_across_levels(machine: dict[str, Any]) -> None:
    names = [name for level in levels(machine) for name in level["States"]]
    assert len(names) == len(set(names))


def test_every_task_has_a_timeout_and_a_retry(machine: dict[str, Any]) -> None:
    tasks = {name: state for name, state in all_states(machine).items() if state["Type"] == "Task"}
    assert {name for name, state in tasks.items() if not state.get("TimeoutSeconds") or not state.get("Retry")} == set()


def test_the_deadline_that_people_see_is_the_one_enforced(machine: dict[str, Any]) -> None:
    waits = [state for state in all_states(machine).values() if "waitForTaskToken" in state.get("Resource", "")]
    assert waits
    for state in waits:
        assert state["TimeoutSeconds"] == state["Parameters"]["Payload"]["timeout_seconds"]
        assert "HeartbeatSeconds" not in state
        assert state["TimeoutSeconds"] < machine["TimeoutSeconds"]


def test_every_path_through_an_item_ends_recorded(machine: dict[str, Any]) -> None:
    processor = machine["States"]["ProcessProposals"]["ItemProcessor"]
    states = processor["States"]
    assert {name for name, state in states.items() if state.get("End")} == {"RecordOutcome", "OutcomeNotRecorded"}
    # No Fail, no way for an error to leave the item: every Task catches everything, last.
    assert {state["Type"] for state in states.values()} <= {"Task", "Choice", "Pass", "Wait"}
    for name, state in states.items():
        if state["Type"] == "Task":
            assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name
        if state["Type"] == "Choice":
            assert state["Default"], name
    # And two loops only, which the function ends: following every other edge comes to an end.
    path: list[str] = []

    def walk(name: str) -> None:
        assert name not in path, [*path, name]
        path.append(name)
        for target in targets(states[name]):
            if target != "ExecuteRestart" or name not in ("CheckRestart", "WaitForEndpoint"):
                walk(target)
        path.pop()

    walk(processor["StartAt"])


def test_nothing_restarts_without_passing_a_decision(machine: dict[str, Any]) -> None:
    states = machine["States"]["ProcessProposals"]["ItemProcessor"]["States"]
    assert {name for name, state in states.items() if "ExecuteRestart" in targets(state)} == {
        "CheckDecision",
        "ApproveAutomatically",
        "CheckRestart",
        "WaitForEndpoint",
    }
    assert {name for name, state in states.items() if "WaitForEndpoint" in targets(state)} == {"CheckRestart"}
    assert {name for name, state in states.items() if "CheckRestart" in targets(state)} == {"ExecuteRestart"}
    assert {name for name, state in states.items() if "ApproveAutomatically" in targets(state)} == {"CheckApproval"}
    (only,) = states["CheckDecision"]["Choices"]
    assert {"Variable": "$.decision.approved", "BooleanEquals": True} in only["And"]


def test_names_shared_with_the_code_are_the_codes(machine: dict[str, Any]) -> None:
    states = all_states(machine)
    assert states["WaitForApproval"]["Catch"][0]["ErrorEquals"] == [APPROVAL_DENIED]
    routes = {choice["StringEquals"] for choice in states["CheckApproval"]["Choices"]}
    assert routes == {Route.ASK.value, Route.AUTOMATIC.value}
    again = {choice["StringEquals"]: choice["Next"] for choice in states["CheckRestart"]["Choices"]}
    assert again == {CONTINUE: "ExecuteRestart", WAITING: "WaitForEndpoint"}
    assert {"may_continue", "may_wait"} < states["ExecuteRestart"]["Parameters"]["Payload"].keys()


def test_a_restart_may_wait_as_long_as_its_execution_allows() -> None:
    with pytest.raises(ConfigError):
        AgentConfig("t", "b", "t", "s", wait_for_endpoint_seconds=LONGEST_ENDPOINT_WAIT_SECONDS + 1)
    AgentConfig("t", "b", "t", "s", wait_for_endpoint_seconds=LONGEST_ENDPOINT_WAIT_SECONDS)


def test_a_restart_that_waits_and_goes_on_ends_before_its_execution(machine: dict[str, Any]) -> None:
    states = all_states(machine)
    after_the_answer = machine["TimeoutSeconds"] - states["WaitForApproval"]["TimeoutSeconds"]
    last_invocation = states["ExecuteRestart"]["TimeoutSeconds"] + waits_for(states["ExecuteRestart"], FULL_ACCOUNT)
    assert LONGEST_ENDPOINT_WAIT_SECONDS + CONTINUE_FOR.total_seconds() + last_invocation < after_the_answer


FULL_ACCOUNT = "Lambda.TooManyRequestsException"
"""What Step Functions says of an account that runs as many functions at once as it may."""


def retrier_of(state: dict[str, Any], error: str) -> dict[str, Any]:
    """The first that names `error`, or all."""
    return next(each for each in state["Retry"] if {error, "States.ALL"} & set(each["ErrorEquals"]))


def waits_for(state: dict[str, Any], error: str) -> float:
    """How many seconds a state waits in all between attempts that end with `error`, where jitter shortens none."""
    retrier = retrier_of(state, error)
    pauses = (retrier["IntervalSeconds"] * retrier["BackoffRate"] ** number for number in range(retrier["MaxAttempts"]))
    return float(sum(min(pause, retrier["MaxDelaySeconds"]) for pause in pauses))


def test_every_task_is_retried_by_the_name_of_what_may_pass(machine: dict[str, Any]) -> None:
    tasks = {name: state for name, state in all_states(machine).items() if state["Type"] == "Task"}
    assert len(tasks) == 7
    for name, state in tasks.items():
        retrier = next(each for each in state["Retry"] if TransientError.__name__ in each["ErrorEquals"])
        assert retrier["MaxAttempts"] >= 5, name
    payload = tasks["WaitForApproval"]["Parameters"]["Payload"]
    assert payload["retries_transient"] is True


def test_a_full_account_costs_no_approval(machine: dict[str, Any]) -> None:
    states = all_states(machine)
    for name in ("WaitForApproval", "ExecuteRestart", "RecordOutcome"):
        assert waits_for(states[name], FULL_ACCOUNT) >= 600, name
    assert waits_for(states["WaitForApproval"], FULL_ACCOUNT) >= 3000


OLDER_FUNCTIONS = {
    "ClientError",
    "ConnectTimeoutError",
    "ConnectionClosedError",
    "EndpointConnectionError",
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "ReadTimeoutError",
    "ThrottlingException",
    "Throttled",
    "TransactionCanceledException",
}
"""What the functions of the release before TransientError raise; they may still run when the definition is newer."""


def test_a_wait_is_retried_with_functions_from_before_the_name(machine: dict[str, Any]) -> None:
    named = {name for each in all_states(machine)["WaitForApproval"]["Retry"] for name in each["ErrorEquals"]}
    assert named >= OLDER_FUNCTIONS
    # A denial is an error too, and must never be retried.
    assert not named & {APPROVAL_DENIED, "States.TaskFailed", "States.ALL"}


def test_only_the_two_placeholders_each_inside_a_string() -> None:
    text = read_definition()
    assert set(re.findall(r"\$\{[^}]*\}", text)) == {"${AWS_REGION}", "${AWS_ACCOUNT_ID}"}
    strings = "".join(re.findall(r'"(?:[^"\\]|\\.)*"', text))
    assert strings.count("${") == text.count("${")


def test_functions_are_the_templates_and_the_other_way_round(machine: dict[str, Any]) -> None:
    named = set(FUNCTION.findall(read_definition()))
    template = TEMPLATE.read_text()
    assert named == set(re.findall(r"FunctionName: (\S+)", template))
    assert len(named) == 6
    lambdas = [state for state in all_states(machine).values() if "lambda:invoke" in state.get("Resource", "")]
    assert all(FUNCTION.fullmatch(state["Parameters"]["FunctionName"]) for state in lambdas)


def test_a_state_waits_longer_than_its_function_runs(machine: dict[str, Any]) -> None:
    template = TEMPLATE.read_text()
    runs = {
        match[1]: int(match[2])
        for match in re.finditer(r"FunctionName: (\S+)\n(?:.*\n)*?      Timeout: (\d+)", template)
    }
    for name, state in all_states(machine).items():
        if state["Type"] == "Task" and "waitForTaskToken" not in state["Resource"]:
            assert runs[state["Parameters"]["FunctionName"].rpartition(":")[2]] <= state["TimeoutSeconds"], name


def test_it_has_two_placeholders_and_no_others() -> None:
    rendered = render(read_definition(), "eu-central-1", "123456789012")
    assert "$$.Task.Token" in rendered
    assert "${" not in rendered
    assert "arn:aws:lambda:eu-central-1:123456789012:function:QlikMonitor-MonitorTasks" in rendered


def test_two_sed_lines_give_the_same(tmp_path: Path) -> None:
    copy = tmp_path / "rendered.json"
    copy.write_bytes(FILE.read_bytes())
    for name, value in (("AWS_REGION", "eu-central-1"), ("AWS_ACCOUNT_ID", "123456789012")):
        line = subprocess.run(
            ["sed", f"s/${{{name}}}/{value}/g", str(copy)], check=True, capture_output=True, text=True
        )
        copy.write_text(line.stdout)
    assert json.loads(copy.read_text()) == json.loads(render(read_definition(), "eu-central-1", "123456789012"))


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
@pytest.mark.parametrize("timeout", [None, 45])
def test_every_arn_is_in_the_partition_that_it_is_deployed_to(partition: str, timeout: int | None) -> None:
    text = definition_artifact(timeout, partition).data.decode()
    arns = re.findall(r"arn:[^:]*", text)
    assert len(arns) == read_definition().count("arn:")
    assert set(arns) == {f"arn:{partition}"}
    assert in_partition(text, partition) == text
    assert Linter.validate(render(text, "cn-north-1", "123456789012")) == []
    # In most accounts the file as it lies is what is deployed.
    assert definition_artifact().data == FILE.read_bytes()


def test_no_resource_names_a_partition_of_its_own() -> None:
    properties = re.sub(r"AllowedPattern: .*|Description: .*", "", TEMPLATE.read_text())
    assert not re.findall(r"arn:(?!\$\{AWS::Partition\})[\w-]*:.*", properties)


@pytest.mark.parametrize("timeout", [None, 45])
def test_statelint_finds_nothing(timeout: int | None) -> None:
    text = read_definition() if timeout is None else with_approval_timeout(read_definition(), timeout)
    assert Linter.validate(render(text, "eu-central-1", "123456789012")) == []


def test_cfn_lint_finds_nothing_in_the_template() -> None:
    assert findings(TEMPLATE.read_text()) == []


def test_cfn_lint_finds_nothing_in_the_definition_inline() -> None:
    """E3601 reads a definition only where it lies in the template."""
    assert lint_inlined(json.loads(render(read_definition(), "eu-central-1", "123456789012"))) == []


def test_cfn_lint_would_find_something() -> None:
    broken = json.loads(render(read_definition(), "eu-central-1", "123456789012"))
    broken["States"]["MonitorTasks"]["TimeoutSeconds"] = "soon"
    assert any("E3601" in line for line in lint_inlined(broken))


def lint_inlined(definition: dict[str, Any]) -> list[str]:
    template = load_template(TEMPLATE.read_text())
    properties = template["Resources"]["StateMachine"]["Properties"]
    del (
        properties["DefinitionS3Location"],
        properties["DefinitionSubstitutions"],
        template["Parameters"]["DefinitionKey"],
    )
    properties["Definition"] = definition
    return findings(json.dumps(template))


def findings(template: str) -> list[str]:
    return [f"{match.rule.id} {match.message}" for match in lint(template, regions=["eu-central-1"])]


def test_the_approval_timeout_has_one_source() -> None:
    text = with_approval_timeout(read_definition(), 45)
    states = all_states(json.loads(text))
    assert approval_timeout(text) == 45
    assert states["WaitForApproval"]["Parameters"]["Payload"]["timeout_seconds"] == 45
    assert json.loads(text)["TimeoutSeconds"] == 45 + LONGEST_ENDPOINT_WAIT_SECONDS + 7200
    assert text.count("${AWS_REGION}") == read_definition().count("${AWS_REGION}")


def test_the_shipped_timeout_is_what_with_approval_timeout_would_write() -> None:
    shipped = read_definition()
    assert json.loads(with_approval_timeout(shipped, approval_timeout(shipped))) == json.loads(shipped)


@pytest.mark.parametrize("seconds", [0, -1, 366 * 86400])
def test_a_timeout_that_no_execution_can_have_is_refused(seconds: int) -> None:
    with pytest.raises(UsageError):
        with_approval_timeout(read_definition(), seconds)
