"""Every call that the functions and the console really make, put to the policies that they have; and what is refused.

The calls are recorded where botocore takes them, on a real DynamoDB, S3, Secrets Manager and Step Functions; IAM's
decision is tests/unit/deployment/iam.py's.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from qlikops.agent.remember.ledger import Ledger
from qlikops.agent.remember.table import Table
from qlikops.aws.approvals import LedgerApprovals
from qlikops.aws.executions import StepFunctionsExecutions
from qlikops.aws.fleet import BucketFleet
from qlikops.aws.session import Resources
from qlikops.domain.errors import NotFound
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.task import Action, TaskKey
from qlikops.domain.ports import Approve
from qlikops.domain.proposals.approval import new_decision_id
from qlikops.domain.runs.orders import lift_order
from tests.embedded import EmbeddedAws
from tests.unit.agent.fakes import SERVER, FakeClock, proposal, simulated
from tests.unit.agent.machine import MACHINE, Agent, items
from tests.unit.aws.conftest import FakeConnection, Workflow, timing
from tests.unit.deployment.iam import ACCOUNT, REGION, Request, Template, is_allowed

TABLE_ARN = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/"
_PARTITION = re.compile(r"^\s*(#?\w+) = (:\w+)")
_S3 = {"HeadObject": "GetObject", "ListObjectsV2": "ListBucket"}
_WRITES = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}


@dataclass
class Recording:
    """The embedded AWS; who calls what is written down."""

    aws: EmbeddedAws
    who: str = ""
    calls: dict[str, list[Request]] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """A client whose calls are recorded while somebody is named."""
        client = self.aws.new_client(service)
        client.meta.events.register("provide-client-params.*", self._take)
        return client

    @contextlib.contextmanager
    def calling(self, who: str) -> Iterator[None]:
        """What is called inside is `who`'s."""
        before, self.who = self.who, who
        try:
            yield
        finally:
            self.who = before

    def _take(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if self.who:
            made = self.calls.setdefault(self.who, [])
            made += requests(model.service_model.endpoint_prefix, model.name, params)


def requests(service: str, operation: str, params: Mapping[str, Any]) -> Iterator[Request]:
    """What IAM is asked for one call."""
    match service:
        case "dynamodb":
            yield from _of_dynamodb(operation, params)
        case "s3":
            key = f"/{params['Key']}" if "Key" in params else ""
            yield Request(f"s3:{_S3.get(operation, operation)}", f"arn:aws:s3:::{params['Bucket']}{key}")
        case "secretsmanager":
            yield Request(f"secretsmanager:{operation}", params["SecretId"])
        case "states":
            yield Request(f"states:{operation}", params.get("executionArn") or params["stateMachineArn"])
        case "monitoring":
            yield Request(f"cloudwatch:{operation}", "*", {"cloudwatch:namespace": (params["Namespace"],)})
        case _:
            raise NotImplementedError(service)


def _of_dynamodb(operation: str, params: Mapping[str, Any]) -> Iterator[Request]:
    match operation:
        case "TransactWriteItems":
            for each in params["TransactItems"]:
                ((kind, write),) = each.items()
                yield from _of_dynamodb(_WRITES[kind], write)
        case "BatchGetItem":
            for table, asked in params["RequestItems"].items():
                keys = tuple(key["pk"]["S"] for key in asked["Keys"])
                yield Request("dynamodb:BatchGetItem", TABLE_ARN + table, {"dynamodb:LeadingKeys": keys})
        case "Query":
            index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
            partition = _PARTITION.match(params["KeyConditionExpression"])
            assert partition is not None
            leading = (params["ExpressionAttributeValues"][partition[2]]["S"],)
            yield Request("dynamodb:Query", TABLE_ARN + params["TableName"] + index, {"dynamodb:LeadingKeys": leading})
        case _:
            item = params.get("Key") or params["Item"]
            names = {*item, *params.get("ExpressionAttributeNames", {}).values()}
            context = {"dynamodb:LeadingKeys": (item["pk"]["S"],), "dynamodb:Attributes": tuple(sorted(names))}
            if "ReturnValues" in params:
                context["dynamodb:ReturnValues"] = (params["ReturnValues"],)
            yield Request(f"dynamodb:{operation}", TABLE_ARN + params["TableName"], context)


@dataclass
class Played:
    """A story, the calls in it, and the template whose resources are the story's."""

    recording: Recording
    template: Template

    def allows(self, request: Request, *policies: str) -> bool:
        """Whether somebody with these policies may do that."""
        given = self.template.identity_policies()
        return is_allowed([statement for name in policies for statement in given[name]], request)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    """Of its own: the state machine's name is fixed, and another test's stack may have it."""
    with EmbeddedAws(tmp_path_factory.mktemp("calls")) as running:
        yield running


@pytest.fixture(scope="module")
def played(aws: EmbeddedAws) -> Played:
    """Two runs: one approved by the console and reported, one that dies and is cleared up by the next."""
    recording, clock = Recording(aws), FakeClock()
    with simulated("one_fatal", clock) as simulator:
        agent = Agent(recording, simulator, clock)
        monitored, item, assessment, token = _asked(recording, agent, "run-1")
        decision = _decided_by_the_console(recording, agent, item, assessment["digest"], token)
        with recording.calling("ExecuteRestart"):
            restarted = agent.restart(item, decision)
        with recording.calling("RecordOutcome"):
            recorded = agent.record(item, {"status": restarted["status"], "result": restarted})
        with recording.calling("GenerateReport"):
            agent.report({**monitored, "outcomes": [recorded]})
        _looked_at(recording, agent)

        clock.sleep(3600)
        simulator.break_task("stock", message="ORA-12541: no listener")
        _asked(recording, agent, "run-2")
        agent.states.statuses[f"{MACHINE}:run-2"] = "ABORTED"
        with recording.calling("MonitorTasks"):
            agent.monitor("run-3")
    secret = agent.services.config.qlik_secret_arn.partition(":secret:")[2]
    names = {"Table": agent.table, "DataBucket": agent.bucket, "QlikSecret": secret}
    return Played(recording, Template(names=names))


def _asked(recording: Recording, agent: Agent, name: str) -> tuple[Any, Any, Any, str]:
    with recording.calling("MonitorTasks"):
        monitored = agent.monitor(name)
    item = items(monitored)[-1]
    with recording.calling("EvaluateProposal"):
        assessment = agent.evaluate(item)
    token = f"token-of-{item['proposal']['proposal_id']}"
    with recording.calling("RequestApproval"):
        agent.request(item, token)
    return monitored, item, assessment, token


def _decided_by_the_console(recording: Recording, agent: Agent, item: Any, digest: str, token: str) -> Any:
    # The workflow's own writes are not the operator's.
    workflow = Workflow(Ledger(Table(recording.aws.client("dynamodb"), agent.table), agent.clock))
    connection = FakeConnection(
        recording.client("dynamodb"), Resources(f"{MACHINE}:x", agent.table, agent.bucket), workflow
    )
    approvals = LedgerApprovals(connection, timing(agent.clock))
    approval_id = item["proposal"]["proposal_id"]
    with recording.calling("looking"):
        assert [row.approval_id for row in approvals.waiting()] == [approval_id]
        approvals.approval(approval_id)
        approvals.history(TaskKey("default", SERVER, "orders"))
        approvals.track_record(AnomalyKind.FATAL_TRANSIENT, Action.RESUME)
    with recording.calling("answering"):
        approvals.claim(approval_id, timedelta(minutes=5))
        approvals.release(approval_id)
        approvals.decide(approval_id, Approve(digest, decision_id=new_decision_id()))
    ((sent_token, payload),) = workflow.sent
    assert sent_token == token
    return payload


def _looked_at(recording: Recording, agent: Agent) -> None:
    """Tasks, reports and executions."""
    states = recording.client("stepfunctions")
    definition = json.dumps({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": True}}})
    role = f"arn:aws:iam::{ACCOUNT}:role/x"
    machine = states.create_state_machine(name="QlikMonitoringAgent", definition=definition, roleArn=role)
    connection = FakeConnection(
        recording.client("dynamodb"),
        Resources(machine["stateMachineArn"], agent.table, agent.bucket),
        Workflow(agent.services.ledger),
        stepfunctions=states,
        s3=recording.client("s3"),
    )
    fleet, executions = BucketFleet(connection), StepFunctionsExecutions(connection)
    with recording.calling("looking"):
        fleet.snapshot()
        assert fleet.reports()
        fleet.report("run-1")
        fleet.report_markdown("run-1")
    with recording.calling("answering"):
        started = executions.start([lift_order("plan-0123456789", "a test")])
    with recording.calling("looking"):
        executions.page()
        executions.detail(started.arn)
        executions.orders(started.arn)
        with contextlib.suppress(NotFound):
            fleet.report(started.name)
    made = proposal("aaaaaaaaaaaa", execution_arn=started.arn, execution_name=started.name)
    assert not agent.services.ledger.open_proposals(started.name, [made], 60).refused
    with recording.calling("answering"):
        executions.stop(started.name, "a test")
    claim = agent.services.ledger.tasks.claim(made.proposal_id)
    assert claim is not None
    assert claim.brake


FUNCTIONS = ["MonitorTasks", "EvaluateProposal", "RequestApproval", "ExecuteRestart", "RecordOutcome", "GenerateReport"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_make_every_call_that_it_makes(played: Played, function: str) -> None:
    calls = played.recording.calls[function]
    assert calls
    assert [call for call in calls if not played.allows(call, f"{function}Role")] == []


def test_whoever_may_look_may_make_every_call_that_looking_makes(played: Played) -> None:
    calls = played.recording.calls["looking"]
    partitions = {key.partition("#")[0] for call in calls for key in call.context.get("dynamodb:LeadingKeys", ())}
    assert partitions >= {"WAITING", "APPROVAL", "TASK", "RUN"}
    assert [call for call in calls if not played.allows(call, "ReadOnlyPolicy")] == []


def test_an_operator_may_make_every_call_that_answering_makes_and_a_reader_may_not(played: Played) -> None:
    calls = played.recording.calls["answering"]
    assert [call for call in calls if not played.allows(call, "ReadOnlyPolicy", "OperatorPolicy")] == []
    refused = {call.action for call in calls if not played.allows(call, "ReadOnlyPolicy")}
    assert refused == {"dynamodb:GetItem", "dynamodb:UpdateItem", "states:StartExecution", "states:StopExecution"}


def test_no_function_may_make_an_operators_calls(played: Played) -> None:
    sending = Request("states:SendTaskSuccess", played.template.arn("StateMachine"))
    assert played.allows(sending, "OperatorPolicy")
    assert [name for name in FUNCTIONS if played.allows(sending, f"{name}Role")] == []


CLAIMS = ("claim", "inbox", "pk", "sk")


@pytest.mark.parametrize(
    ("operation", "leading", "attributes", "more"),
    [
        pytest.param("UpdateItem", ("APPROVAL#1",), (*CLAIMS, "status"), {}, id="a final status"),
        pytest.param("UpdateItem", ("APPROVAL#1",), (*CLAIMS, "decision"), {}, id="a decision"),
        pytest.param("UpdateItem", ("APPROVAL#1",), (), {}, id="an update that names nothing"),
        pytest.param("UpdateItem", ("TASK#a/b/c",), CLAIMS, {}, id="a lease, a snooze, a restart's claim"),
        pytest.param("UpdateItem", ("RUN#run-1",), CLAIMS, {}, id="a run"),
        pytest.param("UpdateItem", ("TOKEN#1",), CLAIMS, {}, id="a token"),
        pytest.param("UpdateItem", ("APPROVAL#1", "TOKEN#1"), CLAIMS, {}, id="one of two"),
        pytest.param("UpdateItem", ("APPROVAL#1",), CLAIMS, {"ReturnValues": "ALL_OLD"}, id="reading by writing"),
        pytest.param("PutItem", ("APPROVAL#1",), CLAIMS, {}, id="a whole record"),
        pytest.param("DeleteItem", ("APPROVAL#1",), CLAIMS, {}, id="taking one away"),
        pytest.param("Scan", None, (), {}, id="everything at once"),
        pytest.param("Query", ("TOKEN#1",), (), {}, id="tokens by a query"),
        pytest.param("BatchGetItem", ("TOKEN#1",), (), {}, id="many tokens at once"),
        pytest.param("BatchGetItem", ("APPROVAL#1", "TOKEN#1"), (), {}, id="a token among records"),
        pytest.param("BatchGetItem", None, (), {}, id="nothing said of the keys"),
        pytest.param("GetItem", ("SETTINGS#1",), (), {}, id="a partition that is not there yet"),
        pytest.param("PartiQLSelect", ("APPROVAL#1",), (), {}, id="another language"),
        pytest.param("ExportTableToPointInTime", None, (), {}, id="an export"),
    ],
)
def test_what_nobody_may_do_to_the_ledger(
    played: Played, operation: str, leading: tuple[str, ...] | None, attributes: tuple[str, ...], more: dict[str, str]
) -> None:
    context: dict[str, tuple[str, ...]] = {f"dynamodb:{key}": (value,) for key, value in more.items()}
    if leading is not None:
        context["dynamodb:LeadingKeys"] = leading
    if attributes:
        context["dynamodb:Attributes"] = attributes
    request = Request(f"dynamodb:{operation}", played.template.arn("Table"), context)
    assert not played.allows(request, "ReadOnlyPolicy", "OperatorPolicy")


@pytest.mark.parametrize(
    ("operation", "leading"),
    [("GetItem", ("TOKEN#1",)), ("UpdateItem", ("APPROVAL#1",))],
)
def test_what_only_an_operator_may_do_to_the_ledger(played: Played, operation: str, leading: tuple[str, ...]) -> None:
    context = {"dynamodb:LeadingKeys": leading, "dynamodb:Attributes": CLAIMS}
    request = Request(f"dynamodb:{operation}", played.template.arn("Table"), context)
    assert played.allows(request, "ReadOnlyPolicy", "OperatorPolicy")
    assert not played.allows(request, "ReadOnlyPolicy")


@pytest.mark.parametrize(
    "action",
    [
        "secretsmanager:GetSecretValue", "lambda:InvokeFunction", "lambda:UpdateFunctionCode",
        "scheduler:UpdateSchedule", "states:UpdateStateMachine", "states:RedriveExecution", "iam:PassRole",
        "s3:PutObject", "s3:DeleteObject", "sns:Publish", "cloudformation:UpdateStack", "dynamodb:UpdateTable",
        "kms:Decrypt",
    ],
)  # fmt: skip
def test_what_people_may_not_do_at_all(played: Played, action: str) -> None:
    arns = [played.template.arn(name) for name in ("StateMachine", "QlikSecret", "MonitorTasks", "Table", "DataBucket")]
    for arn in [*arns, f"{played.template.arn('DataBucket')}/reports/latest.json", "*"]:
        assert not played.allows(Request(action, arn), "ReadOnlyPolicy", "OperatorPolicy")
