"""Each function may do what its code can come to, and nothing else: derived from the code, checked line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from cfnlint.decode.cfn_yaml import loads as load_template

from qlikops.agent.models import BedrockSettings, HttpSettings, ModelSettings, Right
from qlikops.agent.tell.metrics import NAMESPACE, Metrics
from qlikops.agent.tell.notify import SOURCE
from qlikops.domain.workflow.execution import RunSummary
from qlikops.resources import resource
from tests.unit.agent.fakes import ARN, START
from tests.unit.deployment.reach import Program

TABLE, BUCKET = "Table.Arn", "DataBucket.Arn"
SECRET, TOPIC = "QlikSecret|QlikSecretArn", "Topic|NotificationTopicArn"
BUS = "arn:AWS::Partition:events:AWS::Region:AWS::AccountId:event-bus/default"
OWN_EXECUTIONS = "arn:AWS::Partition:states:AWS::Region:AWS::AccountId:execution:QlikMonitoringAgent:*"
OWN_MACHINE = "arn:AWS::Partition:states:AWS::Region:AWS::AccountId:stateMachine:QlikMonitoringAgent"


def settings_rights(settings: type[ModelSettings]) -> set[Right]:
    """What the evaluator's own settings say that asking its model takes."""
    return {(action, re.sub(r"\$\{([^}]+)\}", r"\1", resource)) for action, resource in settings.RIGHTS}


READ_MISSING = ("s3:ListBucket", BUCKET)
"""Without it S3 says 403 of an object that is not there yet."""
CALLS: dict[str, set[Right]] = {
    "remember.table.Table.get": {("dynamodb:GetItem", TABLE)},
    "remember.table.Table.get_many": {("dynamodb:BatchGetItem", TABLE)},
    "remember.table.Table.query": {("dynamodb:Query", TABLE)},
    "remember.table.Table.query_index": {("dynamodb:Query", f"{TABLE}/index/inbox")},
    "remember.store.Store.snapshot": {("s3:GetObject", f"{BUCKET}/snapshots/*"), READ_MISSING},
    "remember.store.Store.save_snapshot": {("s3:PutObject", f"{BUCKET}/snapshots/*")},
    "remember.store.Store.save_detection": {("s3:PutObject", f"{BUCKET}/snapshots/*")},
    "remember.store.Store.findings": {("s3:GetObject", f"{BUCKET}/snapshots/findings/*"), READ_MISSING},
    "remember.store.Store.latest_report": {("s3:GetObject", f"{BUCKET}/reports/latest.json"), READ_MISSING},
    "remember.store.Store.save_report": {("s3:PutObject", f"{BUCKET}/reports/*")},
    "remember.own_failures.OwnFailures._refresh": {("s3:GetObject", f"{BUCKET}/known/entries.json"), READ_MISSING},
    "tell.notify.Notifier._publish": {("sns:Publish", TOPIC), ("sns:Publish", "EscalationTopicArn|AWS::NoValue")},
    "tell.notify.Notifier._put": {("events:PutEvents", BUS)},
    "tell.metrics.Metrics.put": {("cloudwatch:PutMetricData", "*")},
    "steps.reconcile.ExecutionStates._described": {("states:DescribeExecution", OWN_EXECUTIONS)},
    "steps.reconcile.ExecutionStates.end_wait": {("states:SendTaskFailure", OWN_MACHINE)},
    "evaluate.bedrock.BedrockModel.ask": settings_rights(BedrockSettings),
    "evaluate.http.ModelServer._access": settings_rights(HttpSettings),
    "wiring.Services.instances": {("secretsmanager:GetSecretValue", SECRET)},
}
"""What it takes to call each of these; `qlikops.agent.` goes before each name."""
WRITES: dict[str, Right] = {
    "remember.table.Put": ("dynamodb:PutItem", TABLE),
    "remember.table.Update": ("dynamodb:UpdateItem", TABLE),
    "remember.table.Delete": ("dynamodb:DeleteItem", TABLE),
    "remember.table.Check": ("dynamodb:ConditionCheckItem", TABLE),
}
"""What making one of these comes to: a transaction takes the rights of what is in it."""
INSIDE = {
    "remember.table.Table._pages",
    "remember.table.Table.commit",
    "remember.objects.read",
    "remember.objects.write_over",
    "remember.store.Store._write",
}
"""Where clients are called for the names above only."""
LAMBDA_ITSELF = {"Logs", "Vpc", "VpcNotByCode", "Key", "TopicKey"}
"""Statements for what AWS does on the function's behalf: logging, the VPC, keys. Each has a test below."""


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    template = load_template(resource("deploy", "template.yaml").read_text())
    return dict(template["Resources"])


@pytest.fixture(scope="module")
def handlers(resources: dict[str, Any]) -> dict[str, str]:
    """Logical id of each function -> full name of its handler."""
    functions = {name: each for name, each in resources.items() if each["Type"] == "AWS::Lambda::Function"}
    return {name: each["Properties"]["Handler"] for name, each in functions.items()}


@pytest.fixture(scope="module")
def program(handlers: dict[str, str]) -> Program:
    """The functions' code and the operator's side of AWS, read once: reading takes seconds and 200 MB."""
    modules = [handler.rpartition(".")[0] for handler in handlers.values()]
    return Program([*modules, "qlikops.aws.environment"], "qlikops.")


def needed(program: Program, handler: str) -> set[Right]:
    """What the code of a handler can come to."""
    reached = program.reached_from(handler)
    rights = {right for name in reached for right in CALLS.get(name.removeprefix("qlikops.agent."), ())}
    made = program.made_in(name for name in reached if not name.startswith("qlikops.agent.remember.table."))
    return rights | {WRITES[name] for cls in made if (name := cls.removeprefix("qlikops.agent.")) in WRITES}


def written(value: Any) -> str:
    """A resource of a statement as text: `!GetAtt Table.Arn` and `${Table.Arn}` are both `Table.Arn`."""
    if isinstance(value, str):
        return value
    ((function, argument),) = value.items()
    if function == "Fn::If":
        return "|".join(written(branch) for branch in argument[1:])
    if function == "Fn::GetAtt":
        return argument if isinstance(argument, str) else ".".join(argument)
    return re.sub(r"\$\{([^}]+)\}", r"\1", str(argument))


def many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(properties: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All statements of a role or managed policy, those under a condition too."""
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    for document in [*documents, *([properties["PolicyDocument"]] if "PolicyDocument" in properties else [])]:
        for statement in document["Statement"]:
            yield statement["Fn::If"][1] if "Fn::If" in statement else statement


def of_role(resources: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """All statements of a role, those of the stack's policies that it has attached too."""
    properties = resources[name]["Properties"]
    attached = [resources[each["Ref"]]["Properties"] for each in properties.get("ManagedPolicyArns", ())]
    return [statement for each in (properties, *attached) for statement in statements(each)]


def rights(statement: dict[str, Any]) -> set[Right]:
    return {(action, written(each)) for action in many(statement["Action"]) for each in many(statement["Resource"])}


def test_every_client_call_in_the_code_is_accounted_for(program: Program) -> None:
    callers = {call.function for call in program.client_calls("qlikops.agent.")}
    known = {f"qlikops.agent.{name}" for name in (*CALLS, *INSIDE)}
    assert callers <= known, "say in CALLS what this new call takes"


def test_every_known_call_is_still_in_the_code(program: Program, handlers: dict[str, str]) -> None:
    reached = set().union(*(program.reached_from(handler) for handler in handlers.values()))
    assert {f"qlikops.agent.{name}" for name in (*CALLS, *INSIDE, *WRITES)} <= reached


@pytest.mark.parametrize(
    "function",
    ["MonitorTasks", "EvaluateProposal", "RequestApproval", "ExecuteRestart", "RecordOutcome", "GenerateReport"],
)
def test_a_function_may_do_what_its_code_can_come_to_and_nothing_else(
    program: Program, resources: dict[str, Any], handlers: dict[str, str], function: str
) -> None:
    given = [each for each in of_role(resources, f"{function}Role") if each["Sid"] not in LAMBDA_ITSELF]
    assert {each["Effect"] for each in given} == {"Allow"}
    assert set().union(*map(rights, given)) == needed(program, handlers[function])


def test_the_functions_above_are_all_there_are(handlers: dict[str, str]) -> None:
    assert len(handlers) == 6


def test_metrics_go_to_the_namespace_that_is_allowed(resources: dict[str, Any]) -> None:
    (metrics,) = (
        each for each in statements(resources["GenerateReportRole"]["Properties"]) if each["Sid"] == "Metrics"
    )
    assert metrics["Condition"] == {"StringEquals": {"cloudwatch:namespace": NAMESPACE}}


def test_events_have_the_source_that_is_allowed(resources: dict[str, Any]) -> None:
    (events,) = (each for each in statements(resources["TellPolicy"]["Properties"]) if each["Sid"] == "Events")
    assert events["Condition"] == {"StringEquals": {"events:source": SOURCE}}


class Published:
    """CloudWatch that remembers names."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def put_metric_data(self, Namespace: str, MetricData: list[dict[str, Any]]) -> None:  # noqa: N803 - boto3's names
        assert Namespace == NAMESPACE
        self.names |= {each["MetricName"] for each in MetricData}


def watched(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """The metrics of an alarm, each with its Namespace and MetricName."""
    return [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", ()) if "MetricStat" in each] or [alarm]


def test_alarms_watch_metrics_that_exist(resources: dict[str, Any]) -> None:
    cloudwatch = Published()
    Metrics(cloudwatch).put(RunSummary(ARN, "run-1", START, 1, 4, 1, 1, 0, {}))
    alarms = [each["Properties"] for each in resources.values() if each["Type"] == "AWS::CloudWatch::Alarm"]
    metrics = [metric for alarm in alarms for metric in watched(alarm)]
    assert {metric["MetricName"] for metric in metrics if metric["Namespace"] == NAMESPACE} <= cloudwatch.names
    assert {metric["MetricName"] for metric in metrics if metric["Namespace"] == "AWS/States"} == {
        "ExecutionsFailed",
        "ExecutionsTimedOut",
        "ExecutionThrottled",
        "ExecutionsSucceeded",
    }


def test_silence_is_an_alarm_after_three_periods(resources: dict[str, Any]) -> None:
    alarm = resources["NothingSucceededAlarm"]["Properties"]
    assert (alarm["EvaluationPeriods"], alarm["TreatMissingData"]) == (3, "breaching")
    # Not by what CloudWatch does of missing data: it looks further back than the periods, by an unknown number.
    measured, filled = alarm["Metrics"]
    assert filled["Expression"] == f"FILL({measured['Id']}, 0)"
    assert filled.get("ReturnData", True)
    assert measured["ReturnData"] is False
    assert measured["MetricStat"]["Period"] == {"Ref": "RunEverySeconds"}
    assert measured["MetricStat"]["Stat"] == "Sum"
    others = [each for each in resources.values() if each["Type"] == "AWS::CloudWatch::Alarm"]
    assert [each["Properties"]["TreatMissingData"] for each in others].count("breaching") == 1


def test_only_the_functions_that_talk_to_qlik_or_a_model_are_in_the_vpc_and_their_code_may_not_touch_it(
    resources: dict[str, Any], program: Program, handlers: dict[str, str]
) -> None:
    talk = {
        name
        for name, handler in handlers.items()
        if ("secretsmanager:GetSecretValue", SECRET) in needed(program, handler)
    }
    conditions = dict.fromkeys(talk, "InVpc") | {"EvaluateProposal": "EvaluatesInVpc"}
    placed = {name: resources[name]["Properties"].get("VpcConfig", {"Fn::If": [None]}) for name in handlers}
    assert {name: each["Fn::If"][0] for name, each in placed.items() if each["Fn::If"][0]} == conditions
    for name in conditions:
        by_sid = {each["Sid"]: each for each in statements(resources[f"{name}Role"]["Properties"])}
        assert by_sid["VpcNotByCode"]["Effect"] == "Deny"
        assert by_sid["VpcNotByCode"]["Action"] == by_sid["Vpc"]["Action"]
        code = by_sid["VpcNotByCode"]["Condition"]["ArnEquals"]["lambda:SourceFunctionArn"]
        assert written(code).endswith(f":function:{resources[name]['Properties']['FunctionName']}")


def test_keys_are_used_through_the_services_that_a_function_calls(
    resources: dict[str, Any], handlers: dict[str, str]
) -> None:
    for name in handlers:
        given = of_role(resources, f"{name}Role")
        services = {action.partition(":")[0] for each in given for action in many(each["Action"])}
        via = {
            written(each).partition(".")[0]
            for statement in given
            if statement["Sid"] in {"Key", "TopicKey"}
            for each in many(statement["Condition"]["StringLike"]["kms:ViaService"])
        }
        assert via == services & {"dynamodb", "s3", "secretsmanager", "sns"}, name


def test_every_role_takes_the_boundary_and_can_be_assumed_by_its_service_only(resources: dict[str, Any]) -> None:
    roles = {name: each["Properties"] for name, each in resources.items() if each["Type"] == "AWS::IAM::Role"}
    assert len(roles) == 8
    for name, role in roles.items():
        assert role["PermissionsBoundary"]["Fn::If"][0] == "HasBoundary", name
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        expected = {
            "StateMachineRole": ["states.amazonaws.com"],
            "ScheduleRole": ["scheduler.amazonaws.com", "events.amazonaws.com"],
        }.get(name, ["lambda.amazonaws.com"])
        assert many(trust["Principal"]["Service"]) == expected
        if name in {"StateMachineRole", "ScheduleRole"}:
            assert "aws:SourceAccount" in trust["Condition"]["StringEquals"]


@pytest.mark.parametrize(
    ("action", "holders"),
    [
        ("states:SendTaskSuccess", {"OperatorPolicy"}),
        ("states:SendTaskFailure", {"OperatorPolicy", "MonitorTasksRole"}),
    ],
)
def test_no_role_of_the_stack_may_approve_and_one_may_end_a_wait(
    resources: dict[str, Any], action: str, holders: set[str]
) -> None:
    assert {name for name, each in resources.items() if action in str(each)} == holders
    assert "states:SendTask*" not in str(resources)


def test_own_known_failures_are_read_by_who_reads_messages_and_written_by_who_deploys(
    resources: dict[str, Any],
) -> None:
    readers = {name for name, each in resources.items() if "/known/" in str(each)}
    assert readers == {"MonitorTasksRole", "ExecuteRestartRole", "ReadOnlyPolicy"}
    for name in readers:
        for each in statements(resources[name]["Properties"]):
            assert "/known/" not in str(each) or set(many(each["Action"])) == {"s3:GetObject"}, name


def test_looking_includes_no_write(resources: dict[str, Any]) -> None:
    given = list(statements(resources["ReadOnlyPolicy"]["Properties"]))
    verbs = {action.partition(":")[2] for each in given for action in many(each["Action"])}
    assert not [
        verb
        for verb in verbs
        if not verb.startswith(("Get", "List", "Describe", "BatchGet", "Query", "Filter", "Decrypt"))
    ]


NOT_IAM = {"get_caller_identity", "get_session_token", "paginate"}
"""Calls that anybody may make, and none at all."""
OTHER_NAMES = {"ListObjectsV2": "ListBucket"}
WRITES_OF_PEOPLE = {
    "RedriveExecution",
    "SendTaskSuccess",
    "SendTaskFailure",
    "StartExecution",
    "StopExecution",
    "UpdateItem",
    "UpdateSchedule",
}


def test_people_may_do_what_the_console_calls_and_only_operators_write(
    program: Program, resources: dict[str, Any]
) -> None:
    calls = program.client_calls("qlikops.aws.")
    verbs = {"".join(map(str.capitalize, call.operation.split("_"))) for call in calls if call.operation not in NOT_IAM}
    called = {OTHER_NAMES.get(verb, verb) for verb in verbs}

    def allowed(policy: str) -> set[str]:
        given = statements(resources[policy]["Properties"])
        return {action.partition(":")[2] for each in given for action in many(each["Action"])}

    assert called >= WRITES_OF_PEOPLE
    assert called - WRITES_OF_PEOPLE <= allowed("ReadOnlyPolicy")
    assert allowed("OperatorPolicy") == WRITES_OF_PEOPLE | {"GetItem", "Decrypt", "PassRole"}
