"""A run through all states as state_machine.json has it, with calls that fail, and what must hold however it went."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from qlikops.agent.handlers.execute_restart import CONTINUE
from qlikops.agent.remember.ledger import OpenProposal, RecordClosed
from qlikops.agent.remember.tasks import LeaseLost
from qlikops.agent.steps.monitoring import OPENING_LEASE_SECONDS
from qlikops.agent.steps.reconcile import GRACE
from qlikops.agent.steps.restart import LEASE_FOR
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.proposals.approval import Outcome, Status
from qlikops.domain.runs.report import RunReport
from qlikops.qlik.simulator.scenario import Scenario
from tests.simulation.account import ModelledAws
from tests.unit.agent.fakes import SERVER, FakeClock, Simulator, proposal, simulated
from tests.unit.agent.faults import Call, Fault, Killed, Wire
from tests.unit.agent.machine import MACHINE, Agent, Aws, Json, items

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
INTRUDER = "eeeeeeeeeeee"
UP = {Status.RESTARTED, Status.UNVERIFIED}
OVER = (LeaseLost, RecordClosed)
"""What a function raises that has nothing more to do; no Retry names it."""


class GivenUp(Exception):
    """A state failed and is not retried: its Catch takes over."""


class Story:
    """An earlier run has died with its question open; another proposal holds another task; then a run, to its end."""

    def __init__(
        self,
        aws: Aws,
        simulator: Simulator,
        clock: FakeClock,
        broken: Sequence[TaskKey],
        seconds: int = 900,
        **settings: Any,
    ) -> None:
        """An invocation of ExecuteRestart may take so many `seconds`; `settings` are the agent's."""
        self.wire = Wire(aws)
        self.clock, self.simulator, self.broken = clock, simulator, broken
        self.agent = Agent(aws, simulator, clock, self.wire.services, **settings)
        self.ledger = self.agent.services.ledger
        aws.client("sns").create_topic(Name="t")
        for key in broken:
            simulator.break_task(key.task, message="ORA-12541: no listener")
        assert not self.ledger.open_proposals("other", [replace(STRANGER, created_at=clock())], 86400).refused
        self.agent.states.statuses[f"{MACHINE}:other"] = "RUNNING"
        (left,) = items(self.agent.monitor("run-0"))
        self.agent.evaluate(left)
        self.agent.request(left)
        self.agent.states.statuses[f"{MACHINE}:run-0"] = "ABORTED"
        clock.sleep(1200)
        self.wire.forget()
        self.gives_up = False
        self.doubled = False
        self.seconds = seconds
        self.invocations: list[list[Call]] = []
        """The calls of each of ExecuteRestart's, as CheckRestart has them; a retry belongs to the one that failed."""
        self.intruded_before = ""
        """The state before which another proposal takes the last task: RequestApproval, or CheckRestart's loop."""
        self.others = {STRANGE: STRANGER.proposal_id}

    def state(self, name: str, call: Callable[[], Json]) -> Json:
        """Like Step Functions: once more where it fails, or not; never where the function says that it is over."""
        self.wire.state = name
        try:
            return self.tried(name, call)
        except OVER as exc:
            raise GivenUp from exc

    def tried(self, name: str, call: Callable[[], Json]) -> Json:
        """The same but for that."""
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

    def intrude(self, before: str, lease_seconds: float) -> None:
        """The run's lease ends unused, and another proposal takes the last task of the group."""
        taken = self.broken[-1]
        if self.intruded_before != before or taken in self.others:
            return
        self.wire.state = "meanwhile"
        self.clock.sleep(lease_seconds + 1)
        intruder = proposal(INTRUDER, taken, created_at=self.clock(), **OTHER)
        assert not self.ledger.open_proposals("other", [intruder], 86400).refused
        self.others[taken] = INTRUDER

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
        self.intrude("RequestApproval", OPENING_LEASE_SECONDS)
        entered, tokens = self.clock.now, iter(range(9))
        try:
            self.state("RequestApproval", lambda: agent.request(item, f"token-{next(tokens)}", entered))
            outcome = answer(digest)
            if outcome.get("status") == "expired":
                self.clock.sleep(14400)
        except GivenUp:
            outcome = {"status": "failed", "error": error}
        if outcome.get("approved"):
            decision = outcome
            try:
                restarted = self.restart(item, decision)
                outcome = {"status": restarted["status"], "result": restarted}
            except GivenUp:
                outcome = {"status": "failed", "error": error, "decision": decision}
        try:
            return self.state("RecordOutcome", lambda: agent.record(item, outcome))
        except GivenUp:
            proposal_id = item["proposal"]["proposal_id"]
            return {"proposal_id": proposal_id, "status": outcome["status"], "recorded": False}

    def restart(self, item: Json, decision: Json) -> Json:
        """ExecuteRestart, as often as CheckRestart invokes it."""
        while True:
            before = len(self.wire.calls)
            restarted = self.state("ExecuteRestart", lambda: self.agent.restart(item, decision, self.seconds))
            self.invocations.append(self.wire.calls[before:])
            if restarted["status"] != CONTINUE:
                return restarted
            self.intrude("CheckRestart", LEASE_FOR.total_seconds())

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
        return {key: self.simulator.task(key.task)["runs"] for key in self.broken}

    def outcomes(self, run: str) -> list[Outcome]:
        """How a run's proposals ended."""
        records = self.ledger.records([row.proposal_id for row in self.ledger.runs.proposals(run)])
        return [record.approval.outcome for record in records if record.approval.outcome]

    def report(self, run: str) -> RunReport:
        """As it lies in S3."""
        return codec.loads(RunReport, self.agent.stored(f"reports/{self.clock.now:%Y/%m/%d}/{run}.json"))

    def check(self, *runs: str) -> None:
        """What holds however it went."""
        self.wire.state = "check"
        assert max(self.runs().values()) <= 1
        self.check_truth()
        self.check_tests()
        for name in runs:
            self.check_report(name)
        for name in ("run-0", *runs):
            for row in self.ledger.runs.proposals(name):
                self.check_record(row.proposal_id, row.status)
        # What is closed stays listed until its own execution has told of it, or is known to be over.
        now, states = self.clock(), self.agent.states.statuses

        def may_be_told(one: OpenProposal) -> bool:
            return one.is_closed and (now - one.since < GRACE or states.get(one.execution_arn) == "RUNNING")

        listed = [one for one in self.ledger.open() if not may_be_told(one)]
        assert {one.proposal_id for one in listed} == set(self.others.values())
        leases = self.ledger.tasks.leases([*self.broken, STRANGE])
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

    def check_tests(self) -> None:
        """No endpoint was tested more often than three times in any hour."""
        tests: dict[str, list[float]] = {}
        for tested in self.simulator.server.fleet.true_state()["tests"]:
            tests.setdefault(tested["endpoint"], []).append(tested["at"])
        for endpoint, at in tests.items():
            assert all(fourth - first >= 3600 for first, fourth in zip(at, at[3:], strict=False)), f"{endpoint}: {at}"

    def check_report(self, run: str) -> None:
        """Everything that was found is proposed on or left alone, or the report says that the run failed."""
        report = self.report(run)
        assert [one.status for one in report.proposals] == [row.status for row in self.ledger.runs.proposals(run)]
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


Tell = Callable[[], Story]


@contextmanager
def telling(
    make_aws: Callable[[FakeClock], Aws], scenario: str | Scenario, broken: Sequence[TaskKey] = BROKEN, **settings: Any
) -> Iterator[Tell]:
    """What begins another story on an AWS and a fleet of its own; the one before it is over then.

    Where AWS is modelled, Enterprise Manager is asked without a connection; else both are asked over HTTP.
    """
    with ExitStack() as running:

        def tell() -> Story:
            running.close()
            clock = FakeClock()
            aws = make_aws(clock)
            simulator = running.enter_context(simulated(scenario, clock, is_direct=isinstance(aws, ModelledAws)))
            return Story(aws, simulator, clock, broken, **settings)

        yield tell


def approving(digest: str) -> Json:
    return {"approved": True, "decision_id": "d1", "by": "arn:aws:iam::1:user/anna", "digest": digest}


def denying(_: str) -> Json:
    cause = {"approved": False, "by": "arn:aws:iam::1:user/anna", "reason": "planned", "snooze_seconds": 7200}
    return {"status": "denied", "error": {"Error": "ApprovalDenied", "Cause": json.dumps(cause)}}


def expiring(_: str) -> Json:
    return {"status": "expired", "error": {"Error": "States.Timeout", "Cause": ""}}


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
            if call.name.startswith("POST") or call.tests:
                yield call, Fault.UNANSWERED
        elif (kind := call.name.rpartition("/")[0] or call.name) not in reads:
            reads.add(kind)
            yield call, Fault.REFUSED
