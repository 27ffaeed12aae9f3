"""The demo's bad night as the console sees it, the same in every run: its simulated fleet through detection,
correlation, the rules and the policy, on a clock that stands still. Pictures and snapshots show this.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from qlikops.agent.config import LogRetention
from qlikops.agent.decide.policy import decide
from qlikops.agent.evaluate import EvaluationInput
from qlikops.agent.evaluate.rules import RulesEvaluator
from qlikops.agent.propose.correlation import propose
from qlikops.agent.steps import report
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.endpoint import EndpointKey, EndpointWait
from qlikops.domain.fleet.task import TaskKey
from qlikops.domain.proposals.approval import Claim, Decision, Outcome, ProposalRecord, Status, digest_of
from qlikops.domain.proposals.lasting import Aftermath, Lasting, TaskLasting
from qlikops.domain.proposals.proposal import Proposal
from qlikops.domain.runs.plan import Plan, Scope
from qlikops.domain.runs.report import ReportedProposal, RunReport
from qlikops.domain.runs.snapshot import FleetSnapshot
from qlikops.domain.workflow.events import HistoryEvent, parse_events
from qlikops.domain.workflow.execution import (
    ExecutionDetail,
    ExecutionStatus,
    ExecutionSummary,
    RunProposal,
    RunSummary,
)
from qlikops.local.environment import AGENT_SETTINGS
from qlikops.local.lived import lived_before, polled
from qlikops.qlik.simulator.fleet import SimulatedFleet
from qlikops.qlik.simulator.server import AdjustableClock
from tests.scenarios.library import build_scenario
from tests.unit.agent.fleet import CONFIG as DEFAULTS
from tests.unit.presentation.samples import ARN, NOW
from tests.unit.tui.fakes import FakeEnvironment, FakeExecutions, FakeFleet

RUN = "run-0711"
OVER = "0dd0ba11c0de"
"""Id of a proposal that no longer waits."""
HOUR = timedelta(hours=1)
POLLS, POLL_SECONDS = 8, 300
APPROVAL_TIMEOUT = timedelta(hours=1)
CONFIG = replace(DEFAULTS, log_retention=codec.read_settings(LogRetention, AGENT_SETTINGS["log_retention"]))
"""The demo's, as far as one sees it."""


@dataclass
class Demo(FakeEnvironment):
    """The demo, with a fleet and reports of its own."""

    taken: FleetSnapshot = field(kw_only=True)

    def approval(self, approval_id: str) -> ProposalRecord:
        """OVER and the others that no longer wait are not in the inbox."""
        ended = {record.approval_id: record for record in _ended(tuple(self.records.values()))}
        return ended.get(approval_id) or super().approval(approval_id)

    @property
    def executions(self) -> FakeExecutions:
        """One run of the past proposed all that no longer waits."""
        rows = [
            RunProposal(each.approval_id, each.proposal.label, "", "resume", each.status, each.updated_at)
            for each in _ended(tuple(self.records.values()))
        ]
        found = FakeExecutions(self)
        for number in (1, 5):
            run = self.runs[number]
            self.details.setdefault(run.name, ExecutionDetail(run, None, tuple(rows[number // 5 :: 2])))
        return found

    @property
    def fleet(self) -> DemoFleet:
        return DemoFleet(self, self.taken)


@dataclass
class DemoFleet(FakeFleet):
    """The fleet as the last run saw it, and the report of each run."""

    taken: FleetSnapshot

    def snapshot(self) -> FleetSnapshot:
        return self.taken

    def report_markdown(self, execution_name: str | None = None) -> str:
        return report.markdown(_report(self.taken, execution_name or RUN, list(self.environment.records.values())))


def _ended(waiting: Sequence[ProposalRecord]) -> list[ProposalRecord]:
    """What became of earlier proposals on the same tasks, one of each sort."""
    ben = Decision(True, by="arn:aws:iam::111122223333:user/ben", reason="", digest="d", via="tui")

    def task(record: ProposalRecord) -> TaskKey:
        return record.proposal.targets[0].key

    def since(name: str, record: ProposalRecord, minutes: int, status: Status, **more: Any) -> ProposalRecord:
        at = NOW - timedelta(minutes=minutes)
        made = replace(more.pop("decision", ben), at=at - timedelta(minutes=1))
        return replace(
            record,
            proposal=replace(record.proposal, proposal_id=name, targets=record.proposal.targets[:1], cause=""),
            status=status,
            updated_at=at,
            decision=None if status is Status.EXPIRED else made,
            outcome=None if status is Status.RESTARTING else Outcome(status, at=at),
            **more,
        )

    first, second, third, *_ = waiting
    fell = TaskLasting(task(second), Lasting.FELL_OVER, 420, NOW - timedelta(minutes=150), "ERROR: login refused")
    endpoint = EndpointKey("default", task(third).server, "ORA-ERP-PROD")
    denied = Decision(approved=False, by=ben.by, reason="migration, asked op-5", digest="d", via="tui")
    return [
        since(OVER, first, 0, Status.EXPIRED),
        since("0dd0ba11c0d1", second, 157, Status.RESTARTED, lasting=Aftermath(1).with_results([fell])),
        since("0dd0ba11c0d2", third, 31, Status.RESTARTED, lasting=Aftermath(1, up_seconds=900)),
        since("0dd0ba11c0d3", first, 320, Status.RESTARTED, lasting=Aftermath(1, lasted=1)),
        since("0dd0ba11c0d4", second, 410, Status.RESTARTED, lasting=Aftermath(1, lasted=1)),
        since("0dd0ba11c0d5", third, 200, Status.DENIED, decision=denied),
        since(
            "0dd0ba11c0d6",
            third,
            12,
            Status.RESTARTING,
            waits=EndpointWait(endpoint, NOW + timedelta(minutes=5), NOW + 4 * HOUR),
        ),
    ]


def demo() -> Demo:
    """Some minutes after the night broke: what it proposes waits, one is claimed, the runs before it went well."""
    snapshot, records = _night()
    runs = _runs(snapshot, len(records))
    return Demo(
        {record.approval_id: record for record in records},
        name="demo",
        runs=runs,
        details={runs[0].arn: ExecutionDetail(runs[0], None, tuple(_asked(records)), input='{"source": "schedule"}')},
        events={runs[0].arn: _history(runs[0].started_at, len(records))},
        taken=replace(snapshot, plans=_plans(snapshot)),
    )


@functools.cache
def _night() -> tuple[FleetSnapshot, tuple[ProposalRecord, ...]]:
    """What was seen and what is proposed: once a process, since nothing changes it."""
    snapshot = _snapshot()
    found = propose(snapshot, CONFIG, execution_arn=ARN, execution_name=RUN, now=snapshot.taken_at, blocked={})
    *others, last = (_waiting(proposal, number) for number, proposal in enumerate(found.proposals))
    claim = Claim("arn:aws:iam::111122223333:user/ben", NOW + timedelta(minutes=9))
    return snapshot, (*others, replace(last, claim=claim))


def _plans(snapshot: FleetSnapshot) -> tuple[Plan, ...]:
    """Work that is over, and work of the next night."""
    over = Scope(servers=(snapshot.servers[0].name,))
    to_come = Scope(endpoints=("ORA-ERP-PROD",), tags=("gold",))
    by = "arn:aws:iam::111122223333:user/ben"
    return (
        Plan("plan-3f9a1c20de", over, NOW - 9 * HOUR, NOW - 7 * HOUR, "CHG123 patches", by, RUN, NOW - 10 * HOUR),
        Plan("plan-b7702e51aa", to_come, NOW + 9 * HOUR, NOW + 13 * HOUR, "CHG130 new listener", by, RUN, NOW - HOUR),
    )


def _snapshot() -> FleetSnapshot:
    clock = AdjustableClock(lambda: 0.0)
    fleet = SimulatedFleet(build_scenario("demo", 1), seed=1, clock=clock)
    snapshot = lived_before("demo", 1, NOW - timedelta(seconds=40 + POLL_SECONDS * POLLS))
    for number in range(POLLS):
        now = NOW - timedelta(seconds=40 + POLL_SECONDS * (POLLS - 1 - number))
        snapshot = polled(fleet, snapshot, CONFIG, now, RUN)
        clock.advance(POLL_SECONDS)
    assert snapshot is not None
    return snapshot


def _waiting(proposal: Proposal, number: int) -> ProposalRecord:
    evaluation = RulesEvaluator(lambda: NOW).evaluate(proposal, EvaluationInput())
    policy = decide(proposal, evaluation, restarts_last_hour={}, config=CONFIG)
    asked = NOW - timedelta(minutes=4 + 4 * number)
    return ProposalRecord(
        proposal=proposal,
        status=Status.WAITING,
        updated_at=asked,
        evaluation=evaluation,
        policy=policy,
        digest=digest_of(proposal, evaluation, policy),
        requested_at=asked,
        deadline=asked + APPROVAL_TIMEOUT,
    )


def _runs(snapshot: FleetSnapshot, proposals: int) -> list[ExecutionSummary]:
    return [_run(snapshot, number, proposals if number == 0 else int(number in (1, 5))) for number in range(9)]


def _run(snapshot: FleetSnapshot, number: int, proposals: int) -> ExecutionSummary:
    name = f"run-{711 - number:04d}"
    arn = ARN.replace(RUN, name)
    started = NOW - timedelta(minutes=1 + 5 * number)
    ended = started + timedelta(seconds=11 + 7 * number) if number else None
    confirmed = sum(anomaly.confirmed for task in snapshot.tasks for anomaly in task.anomalies)
    anomalies = confirmed if number == 0 else proposals
    run = RunSummary(
        arn,
        name,
        started,
        servers=len(snapshot.servers),
        tasks=len(snapshot.tasks),
        anomalies=anomalies,
        proposals=proposals,
        outcomes={Status.RESTARTED.value: proposals} if ended else None,
        finished_at=ended,
    )
    status = ExecutionStatus.SUCCEEDED if ended else ExecutionStatus.RUNNING
    return ExecutionSummary(arn, name, ExecutionStatus.FAILED if number == 2 else status, started, ended, run)


def _asked(records: Sequence[ProposalRecord]) -> Iterator[RunProposal]:
    for index, record in enumerate(records):
        of = record.proposal
        yield RunProposal(of.proposal_id, of.label, of.kind, of.action, record.status, record.updated_at, index)


def _history(started: datetime, proposals: int) -> tuple[HistoryEvent, ...]:
    """Of a run whose proposals all wait, as Step Functions writes it."""
    events: list[dict[str, object]] = []

    def add(seconds: float, previous: int, kind: str, **details: object) -> int:
        name = "state" + kind.partition("State")[2] if kind.endswith(("StateEntered", "StateExited")) else kind
        at = started + timedelta(seconds=seconds)
        details = {f"{name[0].lower()}{name[1:]}EventDetails": details}
        events.append({"id": len(events) + 1, "previousEventId": previous, "type": kind, "timestamp": at, **details})
        return len(events)

    def passed(seconds: float, took: float, previous: int, kind: str, name: str) -> int:
        entered = add(seconds, previous, f"{kind}StateEntered", name=name, input="{}")
        return add(seconds + took, entered, f"{kind}StateExited", name=name, output="{}")

    add(0, 0, "ExecutionStarted", input='{"source": "schedule"}')
    checked = passed(9, 0, passed(0, 9, 0, "Task", "MonitorTasks"), "Choice", "CheckAnomalies")
    begun = add(9, add(9, checked, "MapStateEntered", name="ProcessProposals"), "MapStateStarted", length=proposals)
    for index in range(proposals):
        item = add(9, begun, "MapIterationStarted", name="ProcessProposals", index=index)
        evaluated = passed(9, 2 + index % 3, item, "Task", "EvaluateProposal")
        waits = add(12, passed(12, 0, evaluated, "Choice", "CheckApproval"), "TaskStateEntered", name="WaitForApproval")
        add(12, waits, "TaskScheduled", resource="invoke.waitForTaskToken", timeoutInSeconds=3600, parameters="{}")
    return parse_events(events)


def _report(snapshot: FleetSnapshot, name: str, records: Sequence[ProposalRecord]) -> RunReport:
    return RunReport(
        execution_arn=ARN.replace(RUN, name),
        execution_name=name,
        started_at=snapshot.taken_at,
        finished_at=NOW,
        servers=len(snapshot.servers),
        tasks=len(snapshot.tasks),
        tasks_by_state=dict(Counter(task.facts.state.value for task in snapshot.tasks)),
        anomalies=tuple(anomaly for task in snapshot.tasks for anomaly in task.anomalies if anomaly.confirmed),
        proposals=tuple(
            ReportedProposal(
                record.proposal,
                Status.EXPIRED,
                record.evaluation,
                record.policy,
                Outcome(Status.EXPIRED, at=NOW),
                record.digest,
            )
            for record in records
        ),
        left_alone=(),
    )
