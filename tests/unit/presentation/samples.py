"""Records as the agent would write them, for tests of what people see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from qlikops.domain.fleet.anomaly import Anomaly, AnomalyKind, Evidence, Severity
from qlikops.domain.fleet.task import Action, ServerFacts, ServerState, StopReason, TaskFacts, TaskKey, TaskState
from qlikops.domain.proposals.approval import ProposalRecord, Status, digest_of
from qlikops.domain.proposals.evaluation import (
    ApprovalMode,
    BlockingGate,
    Evaluation,
    Finding,
    Gate,
    PolicyResult,
    Risk,
    Route,
    Verdict,
)
from qlikops.domain.proposals.proposal import Option, Proposal, ProposedTask
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskSnapshot
from qlikops.domain.workflow.events import HistoryEvent, parse_events
from qlikops.domain.workflow.execution import (
    ExecutionDetail,
    ExecutionStatus,
    ExecutionSummary,
    FoldedHistory,
    OpenCallback,
    RunProposal,
    RunSummary,
    StateStatus,
    StateVisit,
)

NOW = datetime(2026, 3, 7, 11, 20, tzinfo=UTC)
ARN = "arn:aws:states:eu-west-1:111122223333:execution:QlikMonitoringAgent:run-0711"
CALLER = "arn:aws:sts::111122223333:assumed-role/oncall/anna"
HOSTILE = "\x1b[31mred\x1b[0m \x1b]0;title\x07[bold]markup[/bold] \u202egnp.exe\u202c " + "x" * 200_000


def evaluation(
    verdict: Verdict = Verdict.APPROVE,
    risk: Risk = Risk.LOW,
    *,
    evaluator: str = "bedrock",
    findings: tuple[Finding, ...] = (Finding("The listener refused for 40 s and answers again.", ("e1",)),),
) -> Evaluation:
    return Evaluation(
        verdict=verdict,
        risk=risk,
        confidence=0.92,
        rationale="The connection was refused briefly; the log position is intact, so resuming is safe.",
        evaluator=evaluator,
        evaluator_version="prompt 3",
        evaluated_at=NOW,
        findings=findings,
        cautions=("The source was patched an hour ago.",),
    )


def proposal(
    number: int = 1,
    *,
    tasks: tuple[str, ...] = ("sales-orders",),
    kind: AnomalyKind = AnomalyKind.FATAL_TRANSIENT,
    severity: Severity = Severity.CRITICAL,
    action: Action = Action.RESUME,
    title: str = "",
    message: str = "ORA-12541: TNS: no listener",
    cause: str = "",
) -> Proposal:
    return Proposal(
        proposal_id=f"{number:012x}",
        kind=kind,
        severity=severity,
        action=action,
        title=title or f"{tasks[0]}: connection lost",
        reason="The connection was lost and the task does not retry by itself; it can continue where it stopped.",
        cause=cause,
        targets=tuple(
            ProposedTask(
                TaskKey("default", "replicate-eu-1", task),
                TaskState.ERROR,
                StopReason.FATAL_ERROR,
                full_load_completed=True,
                tables=42,
            )
            for task in tasks
        ),
        evidence=(
            Evidence("e1", "message", message),
            Evidence("e2", "state", "ERROR (FATAL_ERROR) on 2 polls, 60 s apart"),
        ),
        created_at=NOW - timedelta(minutes=12),
        execution_arn=ARN,
        execution_name="run-0711",
    )


def approval(
    subject: Proposal | None = None,
    *,
    assessed: Evaluation | None = None,
    minutes_left: float = 228,
    minutes_old: float = 12,
) -> ProposalRecord:
    subject = subject or proposal()
    assessed = assessed or evaluation()
    policy = PolicyResult(
        Route.ASK, ApprovalMode.ALWAYS, (BlockingGate(Gate.PROTECTED, "tagged critical"),), "Always ask is configured."
    )
    return ProposalRecord(
        proposal=subject,
        status=Status.WAITING,
        updated_at=NOW,
        evaluation=assessed,
        policy=policy,
        digest=digest_of(subject, assessed, policy),
        requested_at=NOW - timedelta(minutes=minutes_old),
        deadline=NOW + timedelta(minutes=minutes_left),
    )


def execution(
    name: str = "run-0711", status: ExecutionStatus = ExecutionStatus.RUNNING, *, minutes_old: float = 12
) -> ExecutionSummary:
    started = NOW - timedelta(minutes=minutes_old)
    arn = ARN.replace("run-0711", name)
    ended = None if status is ExecutionStatus.RUNNING else started + timedelta(seconds=75)
    outcomes = None if ended is None else {Status.RESTARTED.value: 1, Status.DENIED.value: 1}
    run = RunSummary(arn, name, started, servers=3, tasks=38, anomalies=4, proposals=2, outcomes=outcomes)
    return ExecutionSummary(arn, name, status, started, ended, run)


def run_of(
    history: FoldedHistory, proposals: Sequence[RunProposal] = (), run: RunSummary | None = None
) -> ExecutionDetail:
    """An execution with this history, for a graph."""
    summary = replace(execution(status=history.status), run=run)
    return ExecutionDetail(summary, history, tuple(proposals))


def execution_detail(summary: ExecutionSummary | None = None) -> ExecutionDetail:
    summary = summary or execution()
    at = summary.started_at
    second = timedelta(seconds=1)

    def run(name: str, status: StateStatus, start: int, end: int | None, index: int | None = None) -> StateVisit:
        return StateVisit(
            name,
            status,
            at + start * second,
            None if end is None else at + end * second,
            map_index=index,
            map_path=() if index is None else (index,),
        )

    done, running = StateStatus.SUCCEEDED, StateStatus.RUNNING
    return ExecutionDetail(
        summary=summary,
        history=FoldedHistory(
            status=summary.status,
            states=(
                run("MonitorTasks", done, 0, 4),
                run("CheckAnomalies", done, 4, 4),
                run("ProcessProposals", running, 4, None),
                run("EvaluateProposal", done, 4, 6, 0),
                run("WaitForApproval", running, 6, None, 0),
                replace(run("EvaluateProposal", StateStatus.CAUGHT, 4, 9, 1), error="States.TaskFailed", attempts=2),
                run("WaitForApproval", running, 9, None, 1),
            ),
            open_callbacks=(OpenCallback("WaitForApproval", 0, 12, 14400),),
            event_count=31,
        ),
        proposals=(
            RunProposal(
                "000000000001", "replicate-eu-1/sales-orders", "FATAL_TRANSIENT", "resume", Status.WAITING, NOW
            ),
        ),
        input='{"source": "schedule"}',
        output="",
        history_note="The history here lacks the Map items' states; the ledger filled them in.",
    )


def events() -> tuple[HistoryEvent, ...]:
    """A run with two proposals: one waits, the other's evaluation failed once."""

    def event(number: int, previous: int, kind: str, **details: object) -> dict[str, object]:
        of_state = "StateEntered" in kind or "StateExited" in kind
        name = "state" + kind.partition("State")[2] if of_state else kind[0].lower() + kind[1:]
        at = NOW - timedelta(minutes=12) + timedelta(seconds=number)
        return {
            "id": number,
            "previousEventId": previous,
            "type": kind,
            "timestamp": at,
            f"{name}EventDetails": details,
        }

    return parse_events(
        [
            event(1, 0, "ExecutionStarted", input='{"source": "schedule"}'),
            event(2, 0, "TaskStateEntered", name="MonitorTasks", input='{"source": "schedule"}'),
            event(3, 2, "TaskStateExited", name="MonitorTasks", output='{"proposal_count": 2, "proposals": []}'),
            event(4, 3, "ChoiceStateEntered", name="CheckAnomalies"),
            event(5, 4, "ChoiceStateExited", name="CheckAnomalies"),
            event(6, 5, "MapStateEntered", name="ProcessProposals"),
            event(7, 6, "MapStateStarted", length=2),
            event(8, 7, "MapIterationStarted", name="ProcessProposals", index=0),
            event(9, 7, "MapIterationStarted", name="ProcessProposals", index=1),
            event(10, 8, "TaskStateEntered", name="WaitForApproval", input='{"proposal": "first"}'),
            event(11, 9, "TaskStateEntered", name="EvaluateProposal", input='{"proposal": "second"}'),
            event(
                12,
                10,
                "TaskScheduled",
                resource="invoke.waitForTaskToken",
                timeoutInSeconds=14400,
                parameters='{"Payload": {"task_token": "s3cret"}}',
            ),
            event(13, 11, "TaskFailed", error="States.TaskFailed", cause="[red]no answer[/red] \x1b[31m"),
        ]
    )


def four_proposals() -> tuple[FoldedHistory, tuple[RunProposal, ...]]:
    """A run on AWS that goes on: one proposal waits, two were restarted, one of them by the policy, one was denied."""
    done, caught = StateStatus.SUCCEEDED, StateStatus.CAUGHT

    def visit(
        name: str, start: int, end: int | None, index: int | None = None, status: StateStatus = done, kind: str = "Task"
    ) -> StateVisit:
        return StateVisit(
            name,
            status if end is not None else StateStatus.RUNNING,
            NOW + timedelta(seconds=start),
            None if end is None else NOW + timedelta(seconds=end),
            index,
            () if index is None else (index,),
            kind,
        )

    states = [
        visit("MonitorTasks", -1600, -1591),
        visit("CheckAnomalies", -1591, -1591, kind="Choice"),
        visit("ProcessProposals", -1591, None, kind="Map"),
        *(visit("EvaluateProposal", -1591, -1582, index) for index in range(4)),
        *(visit("CheckApproval", -1582, -1582, index, kind="Choice") for index in range(4)),
        visit("ApproveAutomatically", -1582, -1582, 1, kind="Pass"),
        visit("WaitForApproval", -1582, None, 0),
        visit("WaitForApproval", -1582, -880, 2),
        visit("WaitForApproval", -1582, -870, 3, caught),
        visit("CheckDecision", -880, -880, 2, kind="Choice"),
        visit("ExecuteRestart", -1582, -1540, 1),
        visit("CheckRestart", -1540, -1540, 1, kind="Choice"),
        *(
            visit(name, start, start + 40 * (name == "ExecuteRestart"), 2)
            for start in (-880, -840)
            for name in _RESTART
        ),
        visit("ApprovalDenied", -870, -870, 3, kind="Pass"),
        *(visit("RecordOutcome", -800, -799, index) for index in (1, 2, 3)),
    ]
    ended = (Status.WAITING, Status.RESTARTED, Status.RESTARTED, Status.DENIED)
    proposals = tuple(
        RunProposal(f"{index:012}", f"replicate-eu-1/task-{index}", "FATAL_TRANSIENT", "resume", status, NOW, index)
        for index, status in enumerate(ended)
    )
    return FoldedHistory(ExecutionStatus.RUNNING, tuple(states), ()), proposals


_RESTART = ("ExecuteRestart", "CheckRestart")


def as_proposed(snapshot: FleetSnapshot, *proposals: Proposal) -> FleetSnapshot:
    """The fleet with the tasks of `proposals` as these have them."""
    proposed = {target.key: (target, each.kind) for each in proposals for target in each.targets}

    def agreeing(task: TaskSnapshot) -> TaskSnapshot:
        if task.facts.key not in proposed:
            return task
        target, kind = proposed[task.facts.key]
        facts = replace(task.facts, state=target.state, stop_reason=target.stop_reason)
        return replace(task, facts=facts, anomalies=(Anomaly(kind, Severity.CRITICAL, target.key, "wrong"),), note="")

    return replace(snapshot, tasks=tuple(map(agreeing, snapshot.tasks)))


def fleet() -> FleetSnapshot:
    def task(
        name: str, state: TaskState, *anomalies: AnomalyKind, latency: int | None = 3, note: str = ""
    ) -> TaskSnapshot:
        key = TaskKey("default", "replicate-eu-1", name)
        reason = StopReason.NONE if state is TaskState.RUNNING else StopReason.FATAL_ERROR
        total = None if latency is None else latency + 6
        return TaskSnapshot(
            TaskFacts(key, state, reason, source_latency_seconds=latency, total_latency_seconds=total),
            anomalies=tuple(Anomaly(kind, Severity.CRITICAL, key, "wrong") for kind in anomalies),
            note=note,
        )

    return FleetSnapshot(
        taken_at=NOW - timedelta(seconds=40),
        execution_name="run-0711",
        server_anomalies=(
            Anomaly(
                AnomalyKind.SERVER_DOWN, Severity.CRITICAL, TaskKey("default", "replicate-us-1", ""), "server is down"
            ),
        ),
        servers=(
            ServerFacts("default", "replicate-eu-1", ServerState.MONITORED, task_count=3),
            ServerFacts("default", "replicate-us-1", ServerState.ERROR, message="connection refused"),
        ),
        tasks=(
            task("billing", TaskState.RUNNING),
            task("sales-orders", TaskState.ERROR, AnomalyKind.FATAL_TRANSIENT, latency=None),
            task(
                "stock", TaskState.STOPPED, AnomalyKind.USER_STOPPED, latency=None, note="left alone: stopped by a user"
            ),
        ),
    )


OFFERING = replace(
    proposal(tasks=("orders", "stock", "payments"), cause="source ORA-PROD"),
    options=(
        Option("resume", Action.RESUME, "restore the log, then resume", ("Restore the log.", "Ask the DBA.")),
        Option("reload", Action.RELOAD, "reload the target from the source", loses="what the target has"),
    ),
)
"""A group with two options, of which the second one cannot be undone."""
