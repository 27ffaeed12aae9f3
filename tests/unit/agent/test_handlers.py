"""The six handlers one after another, as the state machine calls them: real HTTP, DynamoDB, S3 and secrets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from qlikops.agent.evaluate import EvaluationInput
from qlikops.agent.steps.assessment import Assessor
from qlikops.agent.transient import TransientError
from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.encoding.packing import packed
from qlikops.domain.errors import NotFound
from qlikops.domain.fleet.task import StopReason, TaskKey, TaskState
from qlikops.domain.proposals.approval import Status
from qlikops.domain.proposals.evaluation import ApprovalMode, Evaluation
from qlikops.domain.proposals.mute import Mute, MuteReason
from qlikops.domain.proposals.proposal import Proposal
from qlikops.domain.runs.report import Changes, RunReport, Sighting
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskProgress
from qlikops.qlik.errors import QemError
from qlikops.qlik.simulator.scenario import Scenario
from tests.embedded import EmbeddedAws
from tests.unit.agent.fakes import (
    EVALUATION,
    ORDERS,
    FakeClock,
    simulated,
)
from tests.unit.agent.faults import Killed
from tests.unit.agent.machine import MACHINE, Agent, Json, items


@pytest.fixture
def agent(embedded_aws: EmbeddedAws) -> Iterator[Callable[..., Agent]]:
    with ExitStack() as running:

        def make(scenario: str | Scenario = "one_fatal", **settings: Any) -> Agent:
            clock = FakeClock()
            simulator = running.enter_context(simulated(scenario, clock))
            return Agent(embedded_aws, simulator, clock, **settings)

        yield make


Make = Callable[..., Agent]


def waiting(agent: Agent) -> tuple[Json, Json, Json]:
    """A run with one proposal that waits: what MonitorTasks said, the Map's item, the assessment."""
    monitored = agent.monitor()
    (item,) = items(monitored)
    assessment = agent.evaluate(item)
    agent.request(item)
    return monitored, item, assessment


def test_a_healthy_fleet_is_reported_and_nothing_is_asked(agent: Make) -> None:
    here = agent("healthy")
    monitored = here.monitor()
    assert monitored["proposal_count"] == 0

    result = here.report(monitored)

    assert result == {
        "execution": "run-1",
        "servers": 1,
        "tasks": 4,
        "anomalies": 0,
        "outcomes": {},
        "report": f"s3://{here.bucket}/reports/2026/03/07/run-1.json",
    }
    assert "Nothing is wrong." in here.stored("reports/2026/03/07/run-1.md")
    assert here.sns.messages == []


def test_a_broken_task_is_proposed_approved_restarted_and_reported(agent: Make) -> None:
    here = agent()
    monitored, item, assessment = waiting(here)
    assert assessment["route"] == "ask"
    decision = {
        "approved": True,
        "decision_id": "d1",
        "by": "arn:aws:sts::000000000000:assumed-role/ops/anna",
        "digest": assessment["digest"],
    }

    restarted = here.restart(item, decision)
    recorded = here.record(item, {"status": restarted["status"], "result": restarted})
    result = here.report({**monitored, "outcomes": [recorded]})

    assert here.simulator.task("orders")["state"] == "RUNNING"
    assert recorded["status"] == "restarted"
    assert recorded["recorded"] is True
    assert result["outcomes"] == {"restarted": 1}
    report = codec.loads(RunReport, here.stored("reports/2026/03/07/run-1.json"))
    assert report.proposals[0].status is Status.RESTARTED
    assert here.stored("reports/latest.json") == here.stored("reports/2026/03/07/run-1.json")
    text = here.stored("reports/2026/03/07/run-1.md")
    assert "| anna |" in text
    assert "restarted" in text
    assert here.inbox() == []


def test_every_invocation_twice_gives_the_same(agent: Make) -> None:
    here = agent()
    monitored = here.monitor()
    here.clock.sleep(7)
    assert here.monitor() == {**monitored, "run": {**monitored["run"], "started_at": "2026-03-07T03:00:07.000Z"}}
    (item,) = items(monitored)
    assessment = here.evaluate(item)
    assert here.evaluate(item) == assessment
    here.request(item)
    here.request(item)
    decision = {"approved": True, "digest": assessment["digest"]}
    restarted = here.restart(item, decision)
    assert here.restart(item, decision) == restarted
    recorded = here.record(item, {"status": restarted["status"], "result": restarted})
    assert here.record(item, {"status": restarted["status"], "result": restarted}) == recorded
    result = here.report({**monitored, "outcomes": [recorded]})
    first = here.stored("reports/latest.json")
    here.clock.sleep(60)

    assert here.report({**monitored, "outcomes": [recorded]}) == result
    assert here.stored("reports/latest.json") == first
    assert here.simulator.task("orders")["runs"] == 1


def test_a_group_too_long_for_one_invocation_answers_so_and_ends_in_another(agent: Make) -> None:
    here = agent("source_outage", restarts_at_a_time=1)
    (item,) = (each for each in items(here.monitor()) if each["proposal"]["task_count"] > 1)
    assessment = here.evaluate(item)
    decision = {"approved": True, "digest": assessment["digest"]}

    answers = [here.restart(item, decision, seconds=40)]
    while answers[-1]["status"] == "continue":
        answers.append(here.restart(item, decision, seconds=40))

    total = item["proposal"]["task_count"]
    assert answers[0]["detail"] == f"{answers[0]['tasks']} of {total} tasks are settled"
    assert 0 < answers[0]["tasks"] < total == answers[-1]["tasks"]
    recorded = here.record(item, {"status": answers[-1]["status"], "result": answers[-1]})
    assert recorded["status"] == "restarted"


def test_a_denial_restarts_nothing_and_says_who_and_why(agent: Make) -> None:
    here = agent()
    monitored, item, _ = waiting(here)
    cause = {"approved": False, "by": "arn:aws:iam::1:user/anna", "reason": "planned work", "snooze_seconds": 3600}

    recorded = here.record(item, {"status": "denied", "error": {"Error": "ApprovalDenied", "Cause": json.dumps(cause)}})
    here.report({**monitored, "outcomes": [recorded]})

    assert recorded["status"] == "denied"
    assert here.simulator.task("orders")["runs"] == 0
    assert "| denied | anna | planned work |" in here.stored("reports/2026/03/07/run-1.md")
    here.clock.sleep(120)
    again = here.monitor("run-2")
    assert again["proposal_count"] == 0
    snapshot = codec.loads(FleetSnapshot, here.stored("snapshots/latest.json"))
    (orders,) = (task for task in snapshot.tasks if task.facts.key.task == "orders")
    assert orders.note == "snoozed until 2026-03-07 04:00 UTC by anna"


@pytest.mark.parametrize(
    ("outcome", "status", "detail"),
    [
        ({"status": "denied", "decision": {"approved": False, "reason": "no"}}, "denied", "no"),
        ({"status": "denied", "error": {"Error": "ApprovalDenied", "Cause": "plain words"}}, "denied", "plain words"),
        ({"status": "denied", "error": {"Error": "ApprovalDenied", "Cause": None}}, "denied", ""),
        ({"status": "denied", "error": {"Error": "ApprovalDenied"}}, "denied", ""),
        (
            {"status": "expired", "error": {"Error": "States.Timeout", "Cause": ""}},
            "expired",
            "nobody answered in time; nothing was done",
        ),
        (
            {"status": "failed", "error": {"Error": "States.TaskFailed"}, "decision": {"approved": True}},
            "failed",
            "States.TaskFailed",
        ),
    ],
)
def test_every_shape_of_an_end_closes_the_record(agent: Make, outcome: Json, status: str, detail: str) -> None:
    here = agent()
    _, item, _ = waiting(here)
    here.clock.sleep(14400 if status == "expired" else 60)

    recorded = here.record(item, outcome)

    assert recorded == {
        "proposal_id": item["proposal"]["proposal_id"],
        "status": status,
        "recorded": True,
        "detail": detail,
    }
    assert here.inbox() == []
    assert [message["Subject"].split(":")[1] for message in here.sns.messages[1:]] == [f" {status}"]


@pytest.mark.parametrize("outcome", [None, "denied", {}, {"status": "restarted"}, {"status": "surprise"}])
def test_an_end_that_nobody_knows_is_not_recorded_as_anything(agent: Make, outcome: Any) -> None:
    here = agent()
    _, item, _ = waiting(here)

    with pytest.raises(codec.CodecError):
        here.record(item, outcome)

    assert here.status(item) is Status.WAITING


def test_policy_can_restart_by_itself(agent: Make) -> None:
    here = agent(approval_mode=ApprovalMode.POLICY)
    (item,) = items(here.monitor())
    assessment = here.evaluate(item)
    assert assessment["route"] == "automatic"

    restarted = here.restart(item, {"approved": True, "automatic": True, "digest": assessment["digest"]})
    recorded = here.record(item, {"status": restarted["status"], "result": restarted})

    assert recorded["status"] == "restarted"
    approval = here.services.ledger.record(item["proposal"]["proposal_id"]).approval
    assert approval.decision is not None
    assert approval.decision.who() == "policy"


def test_the_snapshot_remembers_a_restart_and_how_long_it_keeps_the_task_quiet(agent: Make) -> None:
    here = agent(approval_mode=ApprovalMode.POLICY)

    def remembered(name: str) -> TaskProgress:
        here.monitor(name)
        snapshot = codec.loads(FleetSnapshot, here.stored("snapshots/latest.json"))
        return next(task.memory for task in snapshot.tasks if task.facts.key.task == "orders")

    (item,) = items(here.monitor())
    assessment = here.evaluate(item)
    at = here.clock.now
    restarted = here.restart(item, {"approved": True, "automatic": True, "digest": assessment["digest"]})
    here.record(item, {"status": restarted["status"], "result": restarted})

    here.clock.sleep(60)
    cooled = at + timedelta(seconds=here.services.config.cooldown_seconds)
    first = remembered("run-2")
    assert (first.restarted_at, first.quiet) == (at, Mute(MuteReason.COOLDOWN, cooled, restarts=1))
    # Hours later nobody asks the ledger about a healthy task any more: what is known stays known.
    here.clock.sleep(3 * 3600)
    for name in ("run-3", "run-4"):
        later = remembered(name)
        assert (later.restarted_at, later.quiet) == (at, None)


def test_policy_can_hold(agent: Make) -> None:
    here = agent("lost_position", approval_mode=ApprovalMode.NEVER)
    (item,) = items(here.monitor())
    assessment = here.evaluate(item)
    assert assessment["route"] == "held"
    assert "position_lost" in assessment["gates"]

    recorded = here.record(item, {"status": "held", "evaluated": {"assessment": assessment}})

    assert recorded["status"] == "held"
    assert recorded["detail"].startswith("Not automatic")


def test_without_an_evaluation_a_human_is_asked_all_the_same(agent: Make) -> None:
    here = agent(approval_mode=ApprovalMode.NEVER)
    (item,) = items(here.monitor())

    here.request(item)

    approval = here.services.ledger.record(item["proposal"]["proposal_id"]).approval
    assert approval.status is Status.WAITING
    assert approval.evaluation is not None
    assert approval.evaluation.unavailable_because == "the evaluation did not finish"
    assert approval.policy is not None
    assert approval.policy.route == "ask"
    assert len(approval.digest) == 64
    assert here.inbox()[0].verdict == "unavailable"


def test_nobody_is_told_of_a_question_that_was_answered_before_it_was_in_the_inbox(agent: Make) -> None:
    here = agent(approval_mode=ApprovalMode.ALWAYS)
    (item,) = items(here.monitor())
    here.evaluate(item)
    here.restart(item, {"approved": True})  # with the token, which the execution's history has

    here.request(item)  # late

    assert here.events.details == []
    assert here.sns.messages == []


class Counted:
    """Passes calls on and keeps the tasks that they asked for."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call
        self.asked: list[Any] = []

    def __call__(self, tasks: Any, *rest: Any, **options: Any) -> Any:
        self.asked.append(list(tasks))
        return self._call(tasks, *rest, **options)


class CountingEvaluator:
    """Approves, or breaks; counts how often it was asked."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[EvaluationInput] = []
        self.error = error

    def evaluate(self, proposal: Proposal, history: EvaluationInput) -> Evaluation:  # noqa: ARG002
        self.asked.append(history)
        if self.error:
            raise self.error
        return EVALUATION


def test_a_proposal_is_evaluated_once_and_with_its_tasks_history(agent: Make) -> None:
    here = agent()
    _, item, _ = waiting(here)
    here.record(item, {"status": "denied", "decision": {"approved": False, "reason": "planned work"}})
    evaluator = CountingEvaluator()
    here.services.assessor = Assessor(here.services.ledger, evaluator, here.services.config, here.clock)
    here.clock.sleep(900)
    (again,) = items(here.monitor("run-2"))

    assert here.evaluate(again) == here.evaluate(again)

    (context,) = evaluator.asked
    assert context.recent == (
        "replicate-1/orders: 2026-03-07 03:00 UTC, resume for FATAL_TRANSIENT, denied by unknown (no caller given): "
        "planned work",
    )


def test_a_broken_evaluator_is_no_evaluation(agent: Make) -> None:
    here = agent()
    (item,) = items(here.monitor())
    evaluator = CountingEvaluator(RuntimeError("boom"))
    here.services.assessor = Assessor(here.services.ledger, evaluator, here.services.config, here.clock)

    assessment = here.evaluate(item)

    assert (assessment["route"], assessment["verdict"]) == ("ask", "unavailable")
    assert "evaluation_unavailable" in assessment["gates"]


def test_the_deadline_is_the_states_and_never_later(agent: Make) -> None:
    here = agent()
    here.clock.sleep(0.9)
    entered = here.clock.now
    _, item, _ = waiting(here)

    deadline = here.inbox()[0].deadline

    assert timedelta(0) <= entered + timedelta(seconds=14400) - deadline < timedelta(seconds=1)
    assert here.services.ledger.record(item["proposal"]["proposal_id"]).approval.deadline == deadline


def test_the_token_is_in_no_message_and_no_log(agent: Make, caplog: pytest.LogCaptureFixture) -> None:
    here = agent()
    here.sns.broken = True
    (item,) = items(here.monitor())
    answer = here.request(item, task_token="s3cret-token")
    here.sns.broken = False
    here.request(item, task_token="s3cret-token")

    assert here.status(item) is Status.WAITING
    assert "nobody was told" in caplog.text
    assert "s3cret-token" not in caplog.text + json.dumps(here.sns.messages) + json.dumps(answer)


def test_messages_fit_a_phone_and_carry_nothing_that_steers(agent: Make) -> None:
    here = agent("hostile_text", approval_mode=ApprovalMode.ALWAYS)

    for item in items(here.monitor()):
        here.evaluate(item)
        here.request(item)

    assert here.sns.messages
    for message in here.sns.messages:
        assert message["Subject"].isascii()
        assert message["Subject"].isprintable()
        assert 0 < len(message["Subject"]) <= 100
        assert len(message["Message"]) < 1000
        assert "\x1b" not in message["Message"]
        assert "\u202e" not in message["Message"]


def test_an_open_proposal_is_not_made_again(agent: Make) -> None:
    here = agent()
    _, item, _ = waiting(here)
    here.clock.sleep(300)

    again = here.monitor("run-2")

    assert again["proposal_count"] == 0
    assert here.status(item) is Status.WAITING
    snapshot = codec.loads(FleetSnapshot, here.stored("snapshots/latest.json"))
    (orders,) = (task for task in snapshot.tasks if task.facts.key.task == "orders")
    assert orders.proposal_id == item["proposal"]["proposal_id"]


@pytest.mark.parametrize("status", ["ABORTED", "FAILED", "TIMED_OUT", "SUCCEEDED", None])
def test_what_a_dead_execution_left_waiting_is_closed_and_proposed_again(agent: Make, status: str | None) -> None:
    here = agent()
    _, item, _ = waiting(here)
    here.states.statuses.pop(f"{MACHINE}:run-1")
    if status:
        here.states.statuses[f"{MACHINE}:run-1"] = status
    here.clock.sleep(300)

    again = here.monitor("run-2")

    assert here.status(item) is Status.ABANDONED
    assert again["proposal_count"] == 1
    assert here.inbox() == []


def test_what_a_dead_execution_left_unasked_is_closed_where_its_task_is_still_broken(agent: Make) -> None:
    here = agent()
    (item,) = items(here.monitor())
    here.states.statuses[f"{MACHINE}:run-1"] = "ABORTED"
    here.clock.sleep(300)

    assert here.monitor("run-2")["proposal_count"] == 1
    assert here.status(item) is Status.ABANDONED


def test_what_a_dead_execution_left_waiting_is_closed_although_its_task_is_well_again(agent: Make) -> None:
    here = agent("healthy")
    here.simulator.break_task("orders", message="ORA-12541: no listener", heals_after_seconds=60)
    _, item, _ = waiting(here)
    here.states.statuses[f"{MACHINE}:run-1"] = "ABORTED"
    here.clock.sleep(300)

    here.monitor("run-2")

    assert here.status(item) is Status.ABANDONED


def test_a_young_execution_that_step_functions_does_not_show_yet_is_left(agent: Make) -> None:
    here = agent()
    _, item, _ = waiting(here)
    here.states.statuses.clear()
    here.clock.sleep(60)

    here.monitor("run-2")

    assert here.status(item) is Status.WAITING


def test_monitoring_that_died_before_its_summary_is_taken_up_again(agent: Make) -> None:
    here = agent("restart_fails")
    first = here.monitor()
    here.aws.client("dynamodb").delete_item(
        TableName=here.table, Key={"pk": {"S": "RUN#run-1"}, "sk": {"S": "SUMMARY"}}
    )
    here.clock.sleep(60)

    again = here.monitor()

    assert again["proposals"] == first["proposals"]
    assert here.services.ledger.tasks.leases(
        target.key
        for row in here.services.ledger.runs.proposals("run-1")
        for target in here.services.ledger.record(row.proposal_id).approval.proposal.targets
    )


def test_monitoring_that_died_with_leases_and_no_record_is_taken_up_again(agent: Make) -> None:
    here = agent()
    first = here.monitor()
    proposal_id = first["proposals"][0]["proposal_id"]
    for partition, sort in (
        ("RUN#run-1", "SUMMARY"),
        ("RUN#run-1", f"PROPOSAL#{proposal_id}"),
        (f"APPROVAL#{proposal_id}", "RECORD"),
        (f"APPROVAL#{proposal_id}", "EVENT#10-proposed"),
    ):
        here.aws.client("dynamodb").delete_item(TableName=here.table, Key={"pk": {"S": partition}, "sk": {"S": sort}})

    assert here.monitor()["proposals"] == first["proposals"]


@pytest.mark.parametrize(
    ("spoil", "because"),
    [
        (lambda _: None, "There is no snapshot of an earlier run"),
        (lambda _: "\ufffd{broken", "The snapshot of the last run cannot be read"),
        (lambda text: text[: len(text) // 2], "The snapshot of the last run cannot be read"),
        (lambda text: packed(text)[:-9], "The snapshot of the last run cannot be read"),
        (lambda _: "[]", "The snapshot of the last run cannot be read"),
        (
            lambda text: text.replace('"version":1', '"version":99'),
            r"The snapshot of the last run is a newer qlikops' (version 99)",
        ),
        (
            lambda text: text.replace("2026-03-07", "2027-03-07"),
            "The snapshot of the last run is from the future (2027-03-07 03:00:00 UTC)",
        ),
    ],
)
def test_a_snapshot_that_cannot_be_used_is_no_reason_not_to_look_and_the_report_says_so(
    agent: Make, caplog: pytest.LogCaptureFixture, spoil: Callable[[str], str | bytes | None], because: str
) -> None:
    here = agent("user_stopped")
    here.monitor()
    spoiled = spoil(here.stored("snapshots/latest.json"))
    here.aws.client("s3").delete_object(Bucket=here.bucket, Key="snapshots/latest.json")
    if spoiled is not None:
        body = spoiled.encode() if isinstance(spoiled, str) else spoiled
        here.aws.client("s3").put_object(Bucket=here.bucket, Key="snapshots/latest.json", Body=body)
    here.clock.sleep(300)
    caplog.clear()

    here.report(here.monitor("run-2"))

    (note,) = codec.loads(RunReport, here.stored("reports/latest.json")).notes
    assert note.startswith(f"{because}, so this run starts afresh")
    assert "starts afresh" in caplog.text
    assert "starts afresh" in here.stored("reports/2026/03/07/run-2.md")


@pytest.mark.parametrize("written", [None, str.encode], ids=["packed", "plain, by an earlier version"])
def test_a_snapshot_that_can_be_used_is_not_worth_a_word(agent: Make, written: Callable[[str], bytes] | None) -> None:
    here = agent("user_stopped")
    here.monitor()
    if written:
        body = written(here.stored("snapshots/latest.json"))
        here.aws.client("s3").put_object(Bucket=here.bucket, Key="snapshots/latest.json", Body=body)
    here.clock.sleep(300)

    here.report(here.monitor("run-2"))

    assert codec.loads(RunReport, here.stored("reports/latest.json")).notes == ()


def test_a_running_task_that_was_restarted_too_often_is_found_without_reading_the_fleets_restarts(
    agent: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = agent(cooldown_seconds=0)
    monkeypatch.setattr(here.services.ledger.tasks, "attempts", counted := Counted(here.services.ledger.tasks.attempts))
    for number in range(3):
        (item,) = items(here.monitor(f"run-{number}"))
        assessment = here.evaluate(item)
        restarted = here.restart(item, {"approved": True, "digest": assessment["digest"]})
        here.record(item, {"status": restarted["status"], "result": restarted})
        here.clock.sleep(60)
        if number < 2:
            here.simulator.break_task("orders", message="ORA-12541: no listener")
    here.clock.sleep(60)

    here.monitor("run-3")

    snapshot = codec.loads(FleetSnapshot, here.stored("snapshots/latest.json"))
    found = {task.facts.key.task: [anomaly.kind for anomaly in task.anomalies] for task in snapshot.tasks}
    assert found == {"customers": [], "invoices": [], "orders": ["FLAPPING"], "stock": []}
    assert {key.task for keys in counted.asked for key in keys} == {"orders"}


def restart_often(here: Agent, times: int) -> None:
    """Breaks `orders` and restarts it, again and again; it is broken at the end."""
    for number in range(times):
        (item,) = items(here.monitor(f"restart-{number}"))
        assessment = here.evaluate(item)
        restarted = here.restart(item, {"approved": True, "digest": assessment["digest"]})
        here.record(item, {"status": restarted["status"], "result": restarted})
        here.clock.sleep(60)
        here.simulator.break_task("orders", message="ORA-12541: no listener")


def test_nothing_is_proposed_on_a_spent_budget_and_the_report_says_so(agent: Make) -> None:
    here = agent(cooldown_seconds=0, restart_budget_per_hour=2)
    restart_often(here, 2)

    monitored = here.monitor("run-3")
    here.report(monitored)

    assert monitored["proposal_count"] == 0
    assert (
        "| replicate-1/orders | FATAL\\_TRANSIENT | restart budget spent: 2 attempts in the last hour, until "
        in here.stored("reports/2026/03/07/run-3.md")
    )


def test_a_budget_that_is_spent_after_proposing_closes_a_gate_and_the_report_says_so(agent: Make) -> None:
    here = agent(cooldown_seconds=0, restart_budget_per_hour=2, approval_mode=ApprovalMode.NEVER)
    restart_often(here, 1)
    monitored = here.monitor("run-2")
    (item,) = items(monitored)
    # A restart that was claimed in the meantime, by whatever held the task before.
    claim = {keys.PARTITION: keys.task_partition(ORDERS), keys.SORT: f"{keys.RESTART_PREFIX}ba9876543210"}
    claim |= {"proposal_id": "ba9876543210", "at": codec.format_time(here.clock.now), "body": "ERROR (FATAL_ERROR)"}
    here.aws.client("dynamodb").put_item(TableName=here.table, Item={k: {"S": v} for k, v in claim.items()})

    assessment = here.evaluate(item)
    recorded = here.record(item, {"status": "held", "evaluated": {"assessment": assessment}})
    here.report(monitored)

    assert assessment["route"] == "held"
    assert assessment["gates"][0] == "budget_spent"
    assert recorded["detail"] == (
        "Not automatic, held, and nobody is asked: the budget of 2 restarts an hour is spent: replicate-1/orders."
    )
    assert "| the budget of 2 restarts an hour is spent: replicate-1/orders; " in here.stored(
        "reports/2026/03/07/run-2.md"
    )


def test_a_server_that_goes_down_is_told_once_whatever_is_invoked_twice(agent: Make) -> None:
    here = agent("server_down")
    for number in range(4):
        monitored = here.monitor(f"run-{number}")
        assert here.monitor_as(monitored["run"]) == monitored
        here.report(monitored)
        here.clock.sleep(300)

    (message,) = here.sns.messages
    assert message["Subject"] == "qlikops: critical: replicate-2: server unreachable"
    assert message["Message"].splitlines()[-1] == "qlikops tasks"


def test_a_finding_of_which_nobody_could_be_told_is_told_by_the_next_run(agent: Make) -> None:
    here = agent("server_down")
    here.sns.broken = True
    here.report(here.monitor("run-1"))
    here.sns.broken = False
    here.clock.sleep(300)
    here.monitor("run-2")
    assert len(here.sns.messages) == 1


def test_no_budget_at_all_forbids_automatic_restarts_and_not_asking(agent: Make) -> None:
    here = agent(restart_budget_per_hour=0, approval_mode=ApprovalMode.POLICY)

    (item,) = items(here.monitor())

    assessment = here.evaluate(item)
    assert (assessment["route"], assessment["gates"]) == ("ask", ["budget_spent"])


def test_a_fleet_that_cannot_be_read_fails_the_run_and_says_so(agent: Make) -> None:
    here = agent()
    wrong = {"base_url": here.simulator.instance.base_url, "username": "monitor", "password": "wrong"}
    here.aws.client("secretsmanager").put_secret_value(
        SecretId=here.services.config.qlik_secret_arn, SecretString=json.dumps({"instances": [wrong]})
    )

    with pytest.raises(QemError):
        here.monitor()
    run = {
        "execution_arn": f"{MACHINE}:run-1",
        "execution_name": "run-1",
        "started_at": codec.format_time(here.clock.now),
    }
    cause = json.dumps({"errorMessage": "login refused", "errorType": "QemLoginRefused", "stackTrace": []})
    here.report({"run": run, "error": {"Error": "QemLoginRefused", "Cause": cause}})

    report = codec.loads(RunReport, here.stored("reports/latest.json"))
    assert report.error == "QemLoginRefused: login refused"
    summary = here.services.ledger.runs.summary("run-1")
    assert summary is not None
    assert summary.error == report.error
    assert "**This run failed:" in here.stored("reports/2026/03/07/run-1.md")


def test_a_rotated_password_is_used_by_the_run_that_is_refused(agent: Make) -> None:
    """The functions keep what they read for minutes; nobody waits for that once Qlik refuses it."""
    here = agent()
    here.monitor("run-1")
    here.simulator.server.sessions.accounts["monitor"] = "rotated"
    instance = {"base_url": here.simulator.instance.base_url, "username": "monitor", "password": "rotated"}
    here.aws.client("secretsmanager").put_secret_value(
        SecretId=here.services.config.qlik_secret_arn, SecretString=json.dumps({"instances": [instance]})
    )
    assert here.monitor("run-2")["counts"]["tasks"] == 4


class Broken:
    """A client of AWS that reaches nothing."""

    def __getattr__(self, name: str) -> Any:
        def call(**_: Any) -> Any:
            raise EndpointConnectionError(endpoint_url=f"https://example.com/{name}")

        return call


class Dying:
    """A topic at which the process ends, whatever it has told elsewhere before."""

    def publish(self, **_: Any) -> Any:
        raise Killed


def failing(agent: Agent, name: str, *, passing: float = 300) -> None:
    """A run whose MonitorTasks failed, as ReportMonitoringFailure reports it."""
    run = {"execution_arn": f"{MACHINE}:{name}", "execution_name": name}
    run["started_at"] = codec.format_time(agent.clock.now)
    agent.report({"run": run, "error": {"Error": "QemUnreachable", "Cause": "no answer"}})
    agent.clock.sleep(passing)


def subjects(agent: Agent) -> list[str]:
    return [message["Subject"] for message in agent.sns.messages]


FAILS, WORKS = "qlikops: monitoring fails", "qlikops: monitoring works again"


def test_an_outage_is_told_once_and_so_is_its_end(agent: Make) -> None:
    here = agent("healthy")
    for number in range(3):
        failing(here, f"failed-{number}")
        failing(here, f"failed-{number}", passing=0)  # every invocation twice
    assert subjects(here) == [FAILS]
    assert here.sns.messages[0]["Message"].splitlines()[-2:] == ["qlikops show failed-0", "qlikops doctor"]

    for number in range(2):
        monitored = here.monitor(f"well-{number}")
        here.report(monitored)
        here.report(monitored)
        here.clock.sleep(300)
    assert subjects(here) == [FAILS, WORKS]

    failing(here, "failed-again")
    assert subjects(here) == [FAILS, WORKS, FAILS]


def test_a_run_that_waited_through_an_outage_does_not_end_it(agent: Make) -> None:
    here = agent("healthy")
    monitored = here.monitor("patient")
    here.clock.sleep(300)
    failing(here, "failed-0")

    here.report(monitored)
    failing(here, "failed-1")

    assert subjects(here) == [FAILS]


def test_an_outage_that_nobody_could_be_told_of_is_told_by_the_next_run(agent: Make) -> None:
    here = agent("healthy")
    here.sns.broken = True
    failing(here, "failed-0")
    here.sns.broken = False

    failing(here, "failed-1")
    failing(here, "failed-2")

    assert subjects(here) == [FAILS]


@pytest.mark.parametrize("without_ledger", [False, True])
def test_an_outage_that_only_followers_of_events_heard_of_is_called_off(agent: Make, without_ledger: bool) -> None:
    here = agent("healthy")
    whole = here.services
    if without_ledger:
        here.services = here.again(dynamodb=Broken())
    here.sns.broken = True
    failing(here, "failed-0")
    here.sns.broken = False
    here.services = whole
    for number in range(2):
        here.clock.sleep(300)
        here.report(here.monitor(f"well-{number}"))

    told = [entry["DetailType"] for entry in here.events.put]
    assert told == ["MonitoringFailed", "MonitoringRecovered"]


def test_an_outage_that_was_told_of_by_an_invocation_that_died_is_called_off(agent: Make) -> None:
    here = agent("healthy")
    whole = here.services
    here.services = here.again(sns=Dying())
    with pytest.raises(Killed):
        failing(here, "failed-0")
    here.services = whole
    here.clock.sleep(300)
    here.report(here.monitor("well-0"))

    told = [entry["DetailType"] for entry in here.events.put]
    assert told == ["MonitoringFailed", "MonitoringRecovered"]


def test_an_outage_is_told_once_without_the_ledger_too(agent: Make) -> None:
    here = agent("healthy")
    here.services = here.again(dynamodb=Broken())
    for number in range(3):
        failing(here, f"failed-{number}")

    assert subjects(here) == [FAILS]
    report = codec.loads(RunReport, here.stored("reports/latest.json"))
    assert report.error.startswith("QemUnreachable: no answer (and the ledger cannot be read: ")
    assert [point.failed for point in report.trend] == [True] * 3

    here.services = here.again()
    for number in range(2):
        here.report(here.monitor(f"healthy-{number}"))
        here.clock.sleep(300)
    assert subjects(here) == [FAILS, WORKS]


def test_a_failure_that_was_told_without_the_ledger_is_called_off(agent: Make) -> None:
    here = agent("healthy")
    whole = here.services
    here.services = here.again(dynamodb=Broken())
    failing(here, "failed-0")
    failing(here, "failed-1")
    here.services = whole
    here.sns.broken = True
    here.report(here.monitor("well-0"))  # the message that it works again does not go out
    here.sns.broken = False
    here.clock.sleep(300)
    for number in range(1, 3):
        here.report(here.monitor(f"well-{number}"))
        here.clock.sleep(300)

    assert subjects(here) == [FAILS, WORKS]


def test_an_outage_of_which_the_end_could_not_be_told_is_called_off_by_the_next_run(agent: Make) -> None:
    here = agent("healthy")
    failing(here, "failed-0")
    here.sns.broken = True
    here.report(here.monitor("well-0"))
    here.sns.broken = False
    here.clock.sleep(300)
    here.report(here.monitor("well-1"))

    assert subjects(here) == [FAILS, WORKS]


def test_an_outage_is_told_once_without_the_bucket_too(agent: Make) -> None:
    here = agent("healthy")
    here.services = here.again(s3=Broken())
    for number in range(2):
        with pytest.raises(TransientError, match=r"^EndpointConnectionError: "):
            failing(here, f"failed-{number}")
        here.clock.sleep(300)

    assert subjects(here) == [FAILS]


def test_the_ledger_that_breaks_after_a_healthy_look_is_an_error_and_no_report(agent: Make) -> None:
    here = agent("healthy")
    monitored = here.monitor()
    here.services = here.again(dynamodb=Broken())

    with pytest.raises(TransientError, match=r"^EndpointConnectionError: "):
        here.report(monitored)


def test_a_report_says_what_changed_and_how_the_last_runs_went(agent: Make) -> None:
    here = agent("healthy")
    here.report(here.monitor("run-1"))
    here.clock.sleep(300)
    here.simulator.break_task("orders", state=TaskState.STOPPED, stop_reason=StopReason.NORMAL)
    here.report(here.monitor("run-2"))
    here.clock.sleep(300)
    here.simulator.break_task("orders", heals_after_seconds=1)
    here.clock.sleep(2)
    here.report(here.monitor("run-3"))

    first, second, third = (
        codec.loads(RunReport, here.stored(f"reports/2026/03/07/run-{number}.json")) for number in (1, 2, 3)
    )
    assert first.changes == Changes()
    assert first.trend_note == "There is no report of an earlier run, so the trend begins with this run."
    assert second.trend_note == third.trend_note == ""
    orders = TaskKey("default", "replicate-1", "orders")
    assert second.changes.new == third.changes.resolved == (Sighting(orders, "USER_STOPPED"),)
    assert second.changes.resolved == third.changes.new == ()
    assert [(point.execution_name, point.anomalies) for point in third.trend] == [
        ("run-1", 0),
        ("run-2", 1),
        ("run-3", 0),
    ]
    assert all(point.latency_seconds for point in third.trend)
    assert "## Trend" in here.stored("reports/2026/03/07/run-3.md")


@pytest.mark.parametrize(
    ("spoil", "because"),
    [
        (lambda text: text[: len(text) // 2], "The report of the last run cannot be read"),
        (lambda _: "[]", "The report of the last run cannot be read"),
        (lambda text: text.replace('"version":1', '"version":99'), "The report of the last run is a newer qlikops'"),
    ],
)
def test_a_last_report_that_cannot_be_used_begins_a_new_trend_and_says_so(
    agent: Make, spoil: Callable[[str], str], because: str
) -> None:
    here = agent("healthy")
    here.report(here.monitor("run-1"))
    body = spoil(here.stored("reports/latest.json")).encode()
    here.aws.client("s3").put_object(Bucket=here.bucket, Key="reports/latest.json", Body=body)
    here.clock.sleep(300)

    here.report(here.monitor("run-2"))

    report = codec.loads(RunReport, here.stored("reports/latest.json"))
    assert report.trend_note.startswith(because)
    assert [point.execution_name for point in report.trend] == ["run-2"]


def test_what_every_evaluation_took_is_kept(agent: Make) -> None:
    here = agent()
    _, item, _ = waiting(here)

    evaluation = here.services.ledger.record(item["proposal"]["proposal_id"]).approval.evaluation

    assert evaluation is not None
    assert evaluation.duration_ms is not None


def test_a_restart_whose_answer_was_lost_is_recorded_as_it_went(agent: Make) -> None:
    here = agent()
    _, item, assessment = waiting(here)
    decision = {"approved": True, "digest": assessment["digest"]}
    here.restart(item, decision)

    recorded = here.record(item, {"status": "failed", "error": {"Error": "States.Timeout"}, "decision": decision})

    assert recorded["status"] == "restarted"


def test_a_proposal_that_is_not_there_is_an_error(agent: Make) -> None:
    here = agent("healthy")
    item = {"proposal": {"proposal_id": "0123456789ab"}, "run": {}}

    for call in (here.evaluate, here.request):
        with pytest.raises(NotFound):
            call(item)
    with pytest.raises(NotFound):
        here.record(item, {"status": "held"})
    with pytest.raises(codec.CodecError):
        here.evaluate({"proposal": {}})


def test_a_user_stopped_task_is_left_alone_and_said_so(agent: Make) -> None:
    here = agent("user_stopped")

    monitored = here.monitor()
    here.report(monitored)

    assert monitored["proposal_count"] == 0
    report = codec.loads(RunReport, here.stored("reports/latest.json"))
    assert [(left.key.task, left.kind) for left in report.left_alone] == [("orders", "USER_STOPPED")]
    assert "## Left alone" in here.stored("reports/2026/03/07/run-1.md")


def test_the_payloads_here_are_those_of_the_state_machine() -> None:
    text = (Path(__file__).parents[3] / "statemachine" / "state_machine.json").read_text()
    states = json.loads(text)["States"]
    inner = states["ProcessProposals"]["ItemProcessor"]["States"]

    def payload(state: Json) -> set[str]:
        return {name.removesuffix(".$") for name in state["Parameters"]["Payload"]}

    assert payload(states["MonitorTasks"]) == {"execution_arn", "execution_name", "started_at", "input"}
    assert {name.removesuffix(".$") for name in states["ProcessProposals"]["ItemSelector"]} == {
        "proposal",
        "index",
        "run",
    }
    assert payload(inner["EvaluateProposal"]) == {"proposal", "run"}
    assert payload(inner["WaitForApproval"]) == {
        "task_token",
        "entered_at",
        "attempt",
        "redrives",
        "timeout_seconds",
        "retries_transient",
        "proposal",
        "run",
    }
    assert payload(inner["ExecuteRestart"]) == {"proposal", "run", "decision", "may_continue", "may_wait"}
    assert payload(inner["RecordOutcome"]) == {"proposal", "run", "outcome"}
    assert payload(states["ReportMonitoringFailure"]) == {"run", "error"}
