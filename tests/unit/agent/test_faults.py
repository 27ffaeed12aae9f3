"""One run through all states, in which each call to the outside fails once, and each function is killed after each
of its side effects: nothing is lost, nothing is done twice, and what is said is true.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.agent.ledger import RecordClosed
from qlikops.agent.monitoring import OPENING_LEASE_SECONDS
from qlikops.agent.tasks import NotHeld
from qlikops.domain import codec
from qlikops.domain.approval import Outcome, Status
from qlikops.domain.report import RunReport
from qlikops.domain.task import TaskKey
from tests.embedded import EmbeddedAws
from tests.unit.agent.fakes import SERVER, FakeClock, Simulator, proposal, simulated
from tests.unit.agent.faults import Call, Fault, Killed, SharedClients, Wire
from tests.unit.agent.machine import MACHINE, Agent, Json, items

STATES = (
    "MonitorTasks",
    "EvaluateProposal",
    "RequestApproval",
    "ExecuteRestart",
    "RecordOutcome",
    "GenerateReport",
)
BROKEN = tuple(TaskKey("default", SERVER, name) for name in ("invoices", "orders"))
STRANGE = TaskKey("default", SERVER, "stock")
OTHER = {"execution_arn": f"{MACHINE}:other", "execution_name": "other"}
STRANGER = proposal("ffffffffffff", STRANGE, **OTHER)
INTRUDER = proposal("eeeeeeeeeeee", BROKEN[1], **OTHER)
UP = {Status.RESTARTED, Status.UNVERIFIED}


OVER = (NotHeld, RecordClosed)


class GivenUp(Exception):
    """A state failed and is not retried: its Catch takes over."""


class Story:
    """An earlier run has died with its question open; another proposal holds another task; then a run, to its end."""

    def __init__(self, aws: SharedClients, wire: Wire, simulator: Simulator, clock: FakeClock) -> None:
        self.wire = wire
        self.wire.reset()
        self.clock, self.simulator = clock, simulator
        self.agent = Agent(aws, simulator, clock, self.wire.services)
        self.ledger = self.agent.services.ledger
        aws.client("sns").create_topic(Name="t")
        for key in BROKEN:
            simulator.break_task(key.task, message="ORA-12541: no listener")
        assert not self.ledger.open_proposals("other", [replace(STRANGER, created_at=clock())], 86400).refused
        self.agent.states.statuses[f"{MACHINE}:other"] = "RUNNING"
        (left,) = items(self.agent.monitor("run-0"))
        self.agent.evaluate(left)
        self.agent.request(left)
        self.agent.states.statuses[f"{MACHINE}:run-0"] = "ABORTED"
        clock.sleep(1200)
        self.wire.calls.clear()
        self.gives_up = False
        self.doubled = False
        self.is_intruded = False
        """Before anybody is asked, another proposal takes one of the tasks."""
        self.others = {STRANGE: STRANGER.proposal_id}

    def state(self, name: str, call: Callable[[], Json]) -> Json:
        """Like Step Functions: once more where it fails, or not; never where the function says that it is over."""
        self.wire.state = name
        try:
            return self.tried(name, call)
        except OVER as exc:
            raise GivenUp from exc

    def tried(self, name: str, call: Callable[[], Json]) -> Json:
        try:
            answer = call()
        except OVER:
            raise
        except (Exception, Killed) as exc:
            assert self.wire.fired, f"{name} failed by itself"
            self.clock.sleep(5)
            if self.gives_up:
                raise GivenUp from exc
            answer = call()
        if self.doubled:
            self.clock.sleep(5)
            answer = call()
        return answer

    def intrude(self) -> None:
        """The run's lease ends unused, and another proposal takes one task of the group."""
        self.wire.state = "meanwhile"
        self.clock.sleep(OPENING_LEASE_SECONDS + 1)
        intruder = replace(INTRUDER, created_at=self.clock())
        assert not self.ledger.open_proposals("other", [intruder], 86400).refused
        self.others[BROKEN[1]] = INTRUDER.proposal_id

    def run(self, answer: Callable[[str], Json] | None = None) -> None:
        """Run 1 as state_machine.json has it; `answer` is what the callback says of a digest, approving by default."""
        agent, status = self.agent, "SUCCEEDED"
        started = {"execution_arn": f"{MACHINE}:run-1", "execution_name": "run-1"}
        run = {**started, "started_at": codec.format_time(self.clock.now)}
        try:
            monitored = self.state("MonitorTasks", lambda: agent.monitor_as(run))
            outcomes = [self.item(item, answer or approving) for item in items(monitored)]
            self.state("GenerateReport", lambda: agent.report({**monitored, "outcomes": outcomes}))
        except GivenUp:
            status = "FAILED"
            if self.wire.state == "MonitorTasks":
                self.wire.state = "ReportMonitoringFailure"
                agent.report({"run": run, "error": {"Error": "Sandbox.Timedout", "Cause": "gone"}})
        agent.states.statuses[f"{MACHINE}:run-1"] = status

    def item(self, item: Json, answer: Callable[[str], Json]) -> Json:
        """One item of the Map."""
        agent, error = self.agent, {"Error": "Runtime.ExitError", "Cause": "gone"}
        try:
            digest = self.state("EvaluateProposal", lambda: agent.evaluate(item))["digest"]
        except GivenUp:
            digest = ""
        if self.is_intruded:
            self.intrude()
        entered, tokens = self.clock.now, iter(range(9))
        try:
            self.state("RequestApproval", lambda: agent.request(item, f"token-{next(tokens)}", entered))
            outcome = answer(digest)
        except GivenUp:
            outcome = {"status": "failed", "error": error}
        if outcome.get("approved"):
            decision = outcome
            try:
                restarted = self.state("ExecuteRestart", lambda: agent.restart(item, decision))
                outcome = {"status": restarted["status"], "result": restarted}
            except GivenUp:
                outcome = {"status": "failed", "error": error, "decision": decision}
        try:
            return self.state("RecordOutcome", lambda: agent.record(item, outcome))
        except GivenUp:
            proposal_id = item["proposal"]["proposal_id"]
            return {"proposal_id": proposal_id, "status": outcome["status"], "recorded": False}

    def next_run(self) -> None:
        """What the next run finds and closes; nobody answers it."""
        self.clock.sleep(1200)
        self.wire.state = "next run"
        monitored = self.agent.monitor("run-2")
        for item in items(monitored):
            self.agent.record(item, {"status": "expired"})
        self.agent.report(monitored)

    def runs(self) -> dict[TaskKey, int]:
        """Run calls by task, as the simulator counts them."""
        return {key: self.simulator.task(key.task)["runs"] for key in BROKEN}

    def outcomes(self, run: str) -> list[Outcome]:
        """How a run's proposals ended."""
        records = self.ledger.records([row.proposal_id for row in self.ledger.run_proposals(run)])
        return [record.approval.outcome for record in records if record.approval.outcome]

    def report(self, run: str) -> RunReport:
        """As it lies in S3."""
        return codec.loads(RunReport, self.agent.stored(f"reports/{self.clock.now:%Y/%m/%d}/{run}.json"))

    def check(self, *runs: str) -> None:
        """What holds however it went."""
        self.wire.state = "check"
        assert max(self.runs().values()) <= 1
        self.check_truth()
        for name in runs:
            self.check_report(name)
        for name in ("run-0", *runs):
            for row in self.ledger.run_proposals(name):
                self.check_record(row.proposal_id, row.status)
        assert {one.proposal_id for one in self.ledger.open()} == set(self.others.values())
        leases = self.ledger.tasks.leases([*BROKEN, STRANGE])
        assert {key: lease.proposal_id for key, lease in leases.items()} == self.others
        assert self.agent.inbox() == []
        assert not [item for item in self.stored_items() if item["pk"]["S"].startswith("TOKEN#")]

    def check_truth(self) -> None:
        """A task that was told to run is told of, and none is said to run that does not."""
        ends = [target for name in ("run-1", "run-2") for one in self.outcomes(name) for target in one.targets]
        for key, runs in self.runs().items():
            said = [target.status for target in ends if target.key == key]
            assert not runs or UP & set(said), f"{key} was run, and it is said that {said}"
            if Status.RESTARTED in said:
                assert runs == 1
                assert self.simulator.task(key.task)["state"] == "RUNNING"

    def check_report(self, run: str) -> None:
        """Everything that was found is proposed on or left alone, or the report says that the run failed."""
        report = self.report(run)
        assert [one.status for one in report.proposals] == [row.status for row in self.ledger.run_proposals(run)]
        told = {target.key for one in report.proposals for target in one.proposal.targets}
        told |= {left.key for left in report.left_alone}
        assert report.error or {anomaly.key for anomaly in report.anomalies} <= told
        assert all(one.outcome and (one.outcome.detail or one.outcome.targets) for one in report.proposals)

    def check_record(self, proposal_id: str, row_status: Status) -> None:
        """Final, intact, with each step of its life on record once."""
        record = self.ledger.record(proposal_id)
        approval = record.approval
        assert approval.status.is_final
        assert row_status is approval.status
        assert record.intact or not approval.evaluation
        events = [
            item["sk"]["S"]
            for item in self.stored_items()
            if item["pk"]["S"] == f"APPROVAL#{proposal_id}" and item["sk"]["S"].startswith("EVENT#")
        ]
        assert "EVENT#10-proposed" in events
        assert "EVENT#50-closed" in events
        assert ("EVENT#20-evaluated" in events) == bool(approval.evaluation)
        assert ("EVENT#40-decided" in events) == bool(approval.decision)
        for target in approval.proposal.targets:
            assert [line.approval_id for line in self.ledger.tasks.history(target.key)].count(proposal_id) == 1

    def stored_items(self) -> list[dict[str, Any]]:
        """The whole table."""
        found: list[dict[str, Any]] = self.agent.aws.client("dynamodb").scan(TableName=self.agent.table)["Items"]
        return found


def approving(digest: str) -> Json:
    return {"approved": True, "decision_id": "d1", "by": "arn:aws:iam::1:user/anna", "digest": digest}


def denying(_: str) -> Json:
    cause = {"approved": False, "by": "arn:aws:iam::1:user/anna", "reason": "planned", "snooze_seconds": 7200}
    return {"status": "denied", "error": {"Error": "ApprovalDenied", "Cause": json.dumps(cause)}}


def expiring(_: str) -> Json:
    return {"status": "expired", "error": {"Error": "States.Timeout", "Cause": ""}}


Tell = Callable[[], Story]


@pytest.fixture(scope="module")
def tell(embedded_aws: EmbeddedAws) -> Iterator[Tell]:
    with ExitStack() as running:
        aws, wire = SharedClients(embedded_aws), Wire(embedded_aws)

        def make() -> Story:
            running.close()
            clock = FakeClock()
            return Story(aws, wire, running.enter_context(simulated("healthy", clock)), clock)

        yield make


@pytest.fixture(scope="module")
def calls(tell: Tell) -> list[Call]:
    """Of an undisturbed run."""
    story = tell()
    story.run()
    story.wire.state = "check"
    assert [outcome.status for outcome in story.outcomes("run-1")] == [Status.RESTARTED]
    return [call for call in story.wire.calls if call.state in STATES]


@pytest.fixture(scope="module")
def intruded_calls(tell: Tell) -> list[Call]:
    """Of a run whose group loses a task before anybody is asked."""
    story = tell()
    story.is_intruded = True
    story.run()
    return story.wire.calls


def faults_of(calls: list[Call], state: str) -> Iterator[tuple[Call, Fault]]:
    """Each write of a state with each fault that differs, and the first of each kind of read, refused.

    To the agent a lost answer is a killed process, but for a run call: it goes on, and may not send it again.
    """
    reads = set()
    for call in calls:
        if call.state != state:
            continue
        if call.writes:
            yield call, Fault.REFUSED
            yield call, Fault.KILLED
            if call.name.startswith("POST"):
                yield call, Fault.UNANSWERED
        elif (kind := call.name.rpartition("/")[0] or call.name) not in reads:
            reads.add(kind)
            yield call, Fault.REFUSED


def test_every_state_calls_out(calls: list[Call]) -> None:
    assert {call.state for call in calls} == set(STATES)
    assert {call.name for call in calls if call.writes and call.state == "ExecuteRestart"} >= {"TransactWriteItems"} | {
        f"POST /attunityenterprisemanager/api/v1/servers/{SERVER}/tasks/{key.task}" for key in BROKEN
    }


@pytest.mark.parametrize("state", STATES)
def test_each_call_fails_once_and_the_state_is_retried(tell: Tell, calls: list[Call], state: str) -> None:
    for call, fault in faults_of(calls, state):
        story = tell()
        story.wire.fault = (call, fault)
        story.run()
        try:
            assert story.wire.fired
            story.check("run-1")
            check_retried(story, call, fault)
        except AssertionError as exc:
            raise AssertionError(f"{call} {fault}: {exc}") from exc


def check_retried(story: Story, call: Call, fault: Fault) -> None:
    """What a retry makes good again: all, but that nobody knows whether a restart was sent."""
    (outcome,) = story.outcomes("run-1")
    if set(story.runs().values()) == {1}:
        assert outcome.status is Status.RESTARTED
    else:
        assert (call.state, call.name) == ("ExecuteRestart", "TransactWriteItems")
        assert fault is not Fault.REFUSED
        assert outcome.status in (Status.UNVERIFIED, Status.PARTIAL)
    assert [one.status for one in story.report("run-1").abandoned] == [Status.ABANDONED]
    assert not story.report("run-1").error
    assert "PutMetricData" in [one.name for one in story.wire.calls]


@pytest.mark.parametrize("gives_up", [False, True])
@pytest.mark.parametrize("state", ["RequestApproval", "RecordOutcome"])
def test_nobody_is_asked_about_a_task_that_another_proposal_took_whatever_fails(
    tell: Tell, intruded_calls: list[Call], state: str, gives_up: bool
) -> None:
    for call, fault in faults_of(intruded_calls, state):
        story = tell()
        story.is_intruded, story.gives_up = True, gives_up
        story.wire.fault = (call, fault)
        story.run()
        try:
            assert story.wire.fired
            assert "Publish" not in [one.name for one in story.wire.calls if one.state == "RequestApproval"]
            if gives_up:
                story.next_run()
                story.check("run-2")
            else:
                story.check("run-1")
                check_superseded(story)
            assert set(story.runs().values()) == {0}
        except AssertionError as exc:
            raise AssertionError(f"{call} {fault}: {exc}") from exc


def check_superseded(story: Story) -> None:
    """The Map itself ended it, saying why, and what nobody else took is proposed again."""
    (outcome,) = story.outcomes("run-1")
    why = f"no approval would count: {BROKEN[1]}: proposal {INTRUDER.proposal_id} holds the task by now"
    assert (outcome.status, outcome.detail, outcome.decision) == (Status.SUPERSEDED, why, None)
    (item,) = items(story.agent.monitor("run-2"))
    proposed = story.ledger.record(item["proposal"]["proposal_id"]).approval.proposal
    assert [target.key for target in proposed.targets] == [BROKEN[0]]


@pytest.mark.parametrize("state", STATES)
def test_each_call_fails_once_and_the_state_is_given_up(tell: Tell, calls: list[Call], state: str) -> None:
    first = next(call for call in calls if call.state == state)
    for call, fault in faults_of(calls, state):
        if fault is not Fault.KILLED and call != first:
            continue  # once given up, only what was written by then makes a difference
        story = tell()
        story.gives_up = True
        story.wire.fault = (call, fault)
        story.run()
        story.next_run()
        try:
            story.check("run-2")
        except AssertionError as exc:
            raise AssertionError(f"{call} {fault}: {exc}") from exc


@pytest.mark.parametrize("answer", [approving, denying, expiring])
def test_every_function_is_invoked_twice(tell: Tell, answer: Callable[[str], Json]) -> None:
    story = tell()
    story.doubled = True

    story.run(answer)

    story.check("run-1")
    (outcome,) = story.outcomes("run-1")
    assert outcome.status == {approving: "restarted", denying: "denied", expiring: "expired"}[answer]
    assert set(story.runs().values()) == {1 if answer is approving else 0}


@pytest.mark.parametrize("answer", [denying, expiring])
def test_an_end_without_a_restart_survives_each_fault_of_recording_it(
    tell: Tell, calls: list[Call], answer: Callable[[str], Json]
) -> None:
    for call, fault in faults_of(calls, "RecordOutcome"):
        story = tell()
        story.wire.fault = (call, fault)
        story.run(answer)
        try:
            story.check("run-1")
            assert set(story.runs().values()) == {0}
            blocked = story.agent.monitor("run-2")["proposal_count"] == 0
            assert blocked == (answer is denying)
        except AssertionError as exc:
            raise AssertionError(f"{call} {fault}: {exc}") from exc


def test_an_interrupted_run_says_so(tell: Tell, calls: list[Call]) -> None:
    last = [call for call in calls if call.state == "MonitorTasks"][-1]
    story = tell()
    story.gives_up = True
    story.wire.fault = (last, Fault.REFUSED)
    story.run()
    story.clock.sleep(timedelta(minutes=20).total_seconds())

    assert story.report("run-1").error == "Sandbox.Timedout: gone"
